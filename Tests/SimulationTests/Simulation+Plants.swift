// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

// The machine, or one with a planted bug: each breaks one promise, so that its checker is seen to catch it.

extension Simulation {
    func decide(_ run: Run, _ push: Push) -> Result<Transition, Refusal> {
        switch push {
        case .input(let input): decide(run, input)
        case .migrate: migrate(run)
        }
    }

    private func migrate(_ run: Run) -> Result<Transition, Refusal> {
        let called = scenario.opening.called
        let order = MigrationOrder(by: "bob", reason: "a later version")
        return run.migrate(
            from: scenario.definition(of: run), to: scenario.next, called: called, order, halts: halts, at: now
        ).map { spoil($0, of: run) }.mapError { Refusal(.misfit, $0.reasons.joined(separator: "; ")) }
    }

    private func decide(_ run: Run, _ input: RunInput) -> Result<Transition, Refusal> {
        var seen = run
        var definition = scenario.definition(of: run)
        var forbidden = halts
        switch plant {
        case .quietAfterEnd: seen = unconcluded(run, input)
        case .quietWhileForbidden:
            forbidden = .none
            seen.pause = nil
        case .answeredInTime: seen = unhurried(run)
        case .partsEnd: for index in seen.steps.indices { seen.steps[index].openUntil = nil }
        case .consented: definition = definition.changingLines { $0.consent = nil }
        case .inOrder: definition = definition.changingLines { $0.after = nil }
        case .endsWhole:
            if definition.workflow.lines.count > 1 { definition.workflow.lines.removeLast() }
        default: break
        }
        return seen.handle(input, definition, halts: forbidden, at: now).map { spoil($0, of: run) }
    }

    /// The run as if it went on, where it would then act.
    private func unconcluded(_ run: Run, _ input: RunInput) -> Run {
        var seen = run
        seen.conclusion = nil
        let events = (try? seen.handle(input, scenario.definition(of: run), halts: halts, at: now).get().events) ?? []
        return events.contains { if case .callIntended(_, let call) = $0 { call.purpose == .act } else { false } }
            ? seen : run
    }

    /// The run as if there were always time to answer.
    private func unhurried(_ run: Run) -> Run {
        var seen = run
        for index in seen.steps.indices {
            guard case .asking(var question) = seen.steps[index].phase else { continue }
            question.deadline = max(question.deadline, now.adding(milliseconds: 1))
            seen.steps[index].phase = .asking(question)
        }
        return seen
    }

    /// What a bug makes of the events; the run is what they fold to.
    private func spoil(_ transition: Transition, of run: Run) -> Transition {
        guard plant != nil else { return transition }
        var events: [Event] = []
        for event in transition.events {
            switch (plant, event) {
            case (.holdsEnd, .holdChanged(let step, var hold, "time", let reason)):
                hold.state = .standing
                events.append(.holdChanged(step: step, hold, by: "time", reason: reason))
            case (.oneOpenIntent, .callIntended): events += [event, event]
            default: events.append(event)
            }
        }
        var after = run
        for event in events { after.apply(event, at: now) }
        return Transition(run: after, events: events)
    }
}

extension RunDefinition {
    func changingLines(_ change: (inout Workflow.Line) -> Void) -> RunDefinition {
        var all = self
        all.workflow.lines = all.workflow.lines.map { $0.changed(change) }
        all.called = all.called.mapValues { workflow in
            var workflow = workflow
            workflow.lines = workflow.lines.map { $0.changed(change) }
            return workflow
        }
        return all
    }
}

extension Workflow.Line {
    fileprivate func changed(_ change: (inout Workflow.Line) -> Void) -> Workflow.Line {
        var line = self
        change(&line)
        func inside(_ branches: [Workflow.Branch]) -> [Workflow.Branch] {
            branches.map { Workflow.Branch(name: $0.name, lines: $0.lines.map { $0.changed(change) }) }
        }
        switch kind {
        case .parallel(let branches): line.kind = .parallel(inside(branches))
        case .ladder(let ladder):
            line.kind = .ladder(
                Workflow.Ladder(
                    condition: ladder.condition, measure: ladder.measure, rungs: inside(ladder.rungs)))
        case .act, .approve, .task, .wait, .call, .undo: break
        }
        return line
    }
}
