// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// The promises, as plain functions: what is wrong, in words, or `nil`.
enum Checkers {
    /// Each is asked after every commit.
    static let ofCommits: [(promise: Promise, check: @Sendable (Commit, Record) -> String?)] = [
        (.gapFree, gapFree), (.foldsToSnapshot, foldsToSnapshot), (.oneOpenIntent, oneOpenIntent), (.wakes, wakes),
        (.holdsEnd, holdsEnd), (.quietAfterEnd, quietAfterEnd), (.quietWhileForbidden, quietWhileForbidden),
        (.consented, consented), (.inOrder, inOrder), (.endsWhole, endsWhole), (.restored, restored),
        (.answeredInTime, answeredInTime), (.partsEnd, partsEnd),
    ]

    /// Each is asked after every request that left.
    static let ofSends: [(promise: Promise, check: @Sendable (Send, Record) -> String?)] = [
        (.sentOnce, sentOnce), (.intendedFirst, intendedFirst), (.notDoubled, notDoubled),
        (.quietOnTheWire, quietOnTheWire),
    ]

    // MARK: The journal

    @Sendable static func gapFree(_ commit: Commit, _ record: Record) -> String? {
        var number = commit.before?.number ?? 0
        for line in commit.lines {
            number += 1
            if line.number != number { return "line \(number) is missing: the next is \(line.number)" }
        }
        return commit.row.number == number ? nil : "the row says \(commit.row.number), the journal ends at \(number)"
    }

    @Sendable static func foldsToSnapshot(_ commit: Commit, _ record: Record) -> String? {
        guard commit.folded != commit.run else { return nil }
        let other = zip(commit.folded.steps, commit.run.steps).first { $0 != $1 }
        return "the snapshot is not what its journal folds to\(other.map { ": \($0.0) and \($0.1)" } ?? "")"
    }

    @Sendable static func oneOpenIntent(_ commit: Commit, _ record: Record) -> String? {
        var intents = record.intents
        for event in commit.events { if let mistake = intents.take(event) { return mistake } }
        let open = Set(
            commit.folded.steps.compactMap { step in if case .calling = step.phase { step.id } else { nil } })
        return open == Set(intents.open.keys) ? nil : "open in the state: \(open), in the journal: \(intents.open)"
    }

    // MARK: Life

    /// A live run says why it will move again, and what it says is so.
    @Sendable static func wakes(_ commit: Commit, _ record: Record) -> String? {
        let run = commit.folded
        let row = commit.row
        guard run.isLive else { return row.wake == nil && row.dueAt == nil ? nil : "an ended run is to be waked" }
        if row.dueAt != run.dueAt { return "the row is due at another time than the run" }
        switch row.wake {
        case nil: return "a live run waits for nothing"
        case "call":
            let hasCall = run.steps.contains { step in if case .calling = step.phase { true } else { false } }
            return hasCall ? nil : "it waits for a call, and none is open"
        case "timer": return row.dueAt == nil ? "it waits for a timer, and none is set" : nil
        case "person": return run.asks.isEmpty ? "it waits for a person, and nobody is asked" : nil
        case "halt":
            let isHalted = run.steps.contains { step in if case .halted = step.phase { true } else { false } }
            return isHalted ? nil : "it waits for the end of a halt, and nothing is halted"
        case "queue": return run.isQueued ? nil : "it waits for another run, and is not queued"
        case .some(let word): return "'\(word)' wakes nobody"
        }
    }

    /// A hold whose time is up stands no longer, and none outlives its run.
    @Sendable static func holdsEnd(_ commit: Commit, _ record: Record) -> String? {
        let run = commit.folded
        for step in run.steps {
            guard let hold = step.hold else { continue }
            if !run.isLive, !hold.hasEnded { return "the run ended, and \(step.id) is still held (\(hold.state))" }
            if run.isLive, hold.state == .standing, hold.until <= commit.at {
                return "the hold of \(step.id) was due at \(hold.until) and still stands"
            }
            if step.isUndone, hold.state != .undone { return "\(step.id) is undone, and its hold is \(hold.state)" }
        }
        return nil
    }

    /// A run that completed left no line of its workflow out.
    @Sendable static func endsWhole(_ commit: Commit, _ record: Record) -> String? {
        guard commit.folded.ending == .completed, commit.before?.isLive ?? true else { return nil }
        let left = record.scenario.workflow.lines.first { commit.folded.step($0.id)?.hasEnded != true }
        return left.map { "the run is completed, and \($0.id) has not ended" }
    }

    // MARK: What is done to the world

    @Sendable static func sentOnce(_ send: Send, _ record: Record) -> String? {
        let earlier = record.sends.dropLast().filter { $0.step == send.step && $0.call.number == send.call.number }
        if earlier.contains(where: { $0.call.delivery == send.call.delivery }) {
            return "\(send.step)#\(send.call.number) left twice as delivery \(send.call.delivery)"
        }
        guard !earlier.isEmpty, !send.call.redeliveryClass.mayBeRedelivered else { return nil }
        return "\(send.step)#\(send.call.number) is \(send.call.effectClass) and left \(earlier.count + 1) times"
    }

    @Sendable static func intendedFirst(_ send: Send, _ record: Record) -> String? {
        guard let call = record.intents.call(send.step, send.call.number) else {
            return "\(send.step)#\(send.call.number) left, and no stored intent names it"
        }
        let isSame = call.seal == send.call.seal && call.arguments == send.call.arguments
        if !isSame { return "\(send.step)#\(send.call.number) is not what was intended" }
        let stored = record.intents.deliveries(send.step, send.call.number)
        return send.call.delivery <= stored
            ? nil : "delivery \(send.call.delivery) of \(send.step)#\(send.call.number) left, \(stored) are stored"
    }

    /// What must not happen twice happened once, over all intents of the step; where people told what they knew.
    @Sendable static func notDoubled(_ send: Send, _ record: Record) -> String? {
        guard record.isTruthful, record.world.touched.isEmpty, send.call.purpose == .act,
            !send.call.effectClass.mayBeIntendedAnew
        else { return nil }
        // Its author said that twice is bearable.
        if case .repeat? = record.scenario.line(send.step)?.line.act?.onUnknown { return nil }
        let count = record.world.ledger.count { $0.step == send.step && $0.purpose == .act && $0.tookEffect }
        return count <= 1 ? nil : "\(send.step) is \(send.call.effectClass) and took effect \(count) times"
    }

    /// Once the way forward is over, nothing is done but undoing, and asking what was done.
    @Sendable static func quietAfterEnd(_ commit: Commit, _ record: Record) -> String? {
        walk(commit) { run, event in
            guard run.conclusion != nil else { return nil }
            switch event {
            case .callIntended(let step, let call):
                let isForward = !step.hasPrefix(Step.undoPrefix) && [.act, .before, .measure].contains(call.purpose)
                return isForward ? "\(step)#\(call.number) (\(call.purpose)) is intended after the run's end" : nil
            case .callRedelivered(let step, let number, _, _):
                let purpose = record.intents.call(step, number)?.purpose
                return purpose == .act ? "\(step)#\(number) is sent again after the run's end" : nil
            default: return nil
            }
        }
    }

    /// While writes are forbidden, none begins and none is sent again; restores go on.
    @Sendable static func quietWhileForbidden(_ commit: Commit, _ record: Record) -> String? {
        walk(commit) { run, event in
            var id: (step: String, call: Call)?
            switch event {
            case .callIntended(let step, let call): id = (step, call)
            case .callRedelivered(let step, let number, _, _):
                id = record.intents.call(step, number).map { (step, $0) }
            default: break
            }
            guard let (step, call) = id, call.purpose == .act, call.effectClass.isWrite else { return nil }
            if run.pause != nil { return "\(step)#\(call.number) begins while the run is paused" }
            let reason = commit.halts.reason(playbook: run.playbook.name, provider: call.provider)
            return reason.map { "\(step)#\(call.number) begins while \($0)" }
        }
    }

    /// What was forbidden between a write's intent and its sending does not leave: a halt holds once it is answered.
    @Sendable static func quietOnTheWire(_ send: Send, _ record: Record) -> String? {
        send.obstacle.map { "\(send.step)#\(send.call.number) left, and \($0)" }
    }

    /// Who answers when the time to answer is up is too late, also while the run could not tell that it was.
    @Sendable static func answeredInTime(_ commit: Commit, _ record: Record) -> String? {
        walk(commit) { run, event in
            guard case .answerGiven(let step, let answer) = event, case .asking(let question)? = run.step(step)?.phase,
                question.deadline <= commit.at
            else { return nil }
            return "\(answer.by) answered \(step) at \(commit.at), its time was up at \(question.deadline)"
        }
    }

    /// A part whose time is up is open no longer, unless the way forward is barred.
    @Sendable static func partsEnd(_ commit: Commit, _ record: Record) -> String? {
        let run = commit.folded
        guard run.isLive, run.gate == nil, run.pause == nil, run.rollback == nil, run.conclusion == nil,
            // What was agreed to before it may be asked anew by another version, and holds it up.
            run.workflow.digest == record.scenario.workflow.digest
        else { return nil }
        let late = run.steps.first { step in step.phase == .open && step.openUntil.map { $0 <= commit.at } ?? false }
        return late.map { "\($0.id) is open, and its time was up" }
    }

    /// Nobody's word, no act: as many as were asked for agreed, each of them allowed to.
    @Sendable static func consented(_ commit: Commit, _ record: Record) -> String? {
        walk(commit) { run, event in
            guard case .callIntended(let step, let call) = event, call.purpose == .act,
                let (line, block) = record.scenario.line(step), let consent = line.consent
            else { return nil }
            let asked = block + line.id
            let people = Set(run.step(asked)?.permit?.by ?? []).subtracting(consent.excluded)
            return people.count >= consent.quorum
                ? nil : "\(step) acts, \(people.sorted()) agreed, not \(consent.quorum)"
        }
    }

    /// A step begins when what it comes after has ended.
    @Sendable static func inOrder(_ commit: Commit, _ record: Record) -> String? {
        walk(commit) { run, event in
            guard case .stepStarted(let id, _) = event, !id.hasPrefix(Step.undoPrefix),
                run.step(id)?.startedAt == nil, let (line, block) = record.scenario.line(id), id == block + line.id
            else { return nil }
            switch line.after {
            case .hold(let name):
                return run.step(block + name)?.hold?.state == .kept ? nil : "\(id) begins before \(name) is kept"
            case .step(let name):
                // What is inside a part that is over, and never came to be, has ended as well.
                guard let step = run.step(block + name) else { return nil }
                let isLeft = step.phase == .stopped || step.phase == .pending
                return step.hasEnded || isLeft ? nil : "\(id) begins before \(name) has ended"
            case nil:
                let earlier = record.scenario.predecessors(of: line, in: block)
                let open = earlier.first { run.step(block + $0)?.hasEnded != true }
                return open.map { "\(id) begins before \($0) has ended" }
            }
        }
    }

    /// When all is undone and nobody else had a hand in it, everything is as it was.
    @Sendable static func restored(_ commit: Commit, _ record: Record) -> String? {
        let run = commit.folded
        guard run.ending == .undone,
            commit.lines.contains(where: { if case .runEnded = $0.event { true } else { false } }),
            record.isTruthful, !record.wasUndoOverruled, !record.world.saidNothing
        else { return nil }
        for (target, lines) in Dictionary(grouping: record.world.ledger.filter(\.tookEffect), by: \.target) {
            let steps = Set(lines.map { Step.forwardID(of: $0.step) })
            guard steps.count == 1, let step = steps.first, record.scenario.canUndo(step),
                !record.world.touched.contains(target)
            else { continue }
            if let thing = record.world.things[target], thing != World.Thing() {
                return "all is undone, and what \(step) changed is still \(thing)"
            }
        }
        return nil
    }

    /// Goes through a commit's events with the state before each.
    private static func walk(_ commit: Commit, _ check: (Run, Event) -> String?) -> String? {
        guard var run = commit.before ?? Run.fold(commit.lines.prefix(1).map { ($0.at, $0.event) }) else { return nil }
        for line in commit.before == nil ? commit.lines.dropFirst() : commit.lines[...] {
            if let mistake = check(run, line.event) { return mistake }
            run.apply(line.event, at: line.at)
        }
        return nil
    }
}

extension Scenario {
    /// The lines of the same block that must have ended before this one begins.
    func predecessors(of line: Workflow.Line, in block: String) -> [String] {
        let workflows = [workflow] + called.values
        for workflow in workflows {
            if let lines = Scenario.block(with: line.id, workflow.lines) {
                return lines.prefix { $0.id != line.id }.filter { $0.after == nil }.map(\.id)
            }
        }
        return []
    }

    private static func block(with id: String, _ lines: [Workflow.Line]) -> [Workflow.Line]? {
        if lines.contains(where: { $0.id == id }) { return lines }
        for branch in lines.flatMap(\.branches) { if let found = block(with: id, branch.lines) { return found } }
        return nil
    }
}
