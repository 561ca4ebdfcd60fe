// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// A waiting run's move from one version of its workflow to another; the body of its event, with everything decided.
///
/// A live run stays on the digest that it was opened on. Only a person moves it, on purpose and by name, because what it
/// was approved for was the old text.
package struct Migration: Sendable, Hashable {
    package var from: Run.Pin
    package var to: Run.Pin
    /// The workflows that the new version calls, those called by called ones too.
    package var called: [Run.Pin]
    /// What the new version is handed: the old inputs, and the standard values of those that are new.
    package var inputs: Value
    /// The ids of the new version's outermost lines, in order.
    package var lines: [String]
    /// Steps by their old id, with the new one.
    package var renamed: [String: String]
    /// Steps, by their new id, that begin anew: what people were asked was bound to the old text.
    package var anew: [String]
    /// Steps, by their old id, that are left out: the new version has no such line, and they did nothing that stands.
    package var dropped: [String]
    package var by: String
    package var reason: String

    package init(
        from: Run.Pin, to: Run.Pin, called: [Run.Pin], inputs: Value, lines: [String], renamed: [String: String],
        anew: [String], dropped: [String], by: String, reason: String
    ) {
        self.from = from
        self.to = to
        self.called = called
        self.inputs = inputs
        self.lines = lines
        self.renamed = renamed
        self.anew = anew
        self.dropped = dropped
        self.by = by
        self.reason = reason
    }
}

/// What a person says of a migration: how lines are called now, and which are left behind.
package struct MigrationOrder: Sendable, Hashable {
    /// Old line to new line, by id. A line that is not named keeps its name.
    package var renamed: [String: String]
    /// Lines whose steps wait and are given up.
    package var dropped: Set<String>
    package var by: String
    package var reason: String

    package init(renamed: [String: String] = [:], dropped: Set<String> = [], by: String, reason: String) {
        self.renamed = renamed
        self.dropped = dropped
        self.by = by
        self.reason = reason
    }
}

/// Everything that stands against a migration, each in a sentence of its own.
package struct MigrationRefusal: Error, Sendable, Hashable {
    package var reasons: [String]
}

extension Run {
    /// Moves a waiting run from `old` to `new`, or says everything that stands against it. Nothing is sent before the
    /// transition is stored, as ever.
    package func migrate(
        from old: RunDefinition, to new: RunDefinition, called: [Pin], _ order: MigrationOrder,
        halts: Halts = .none, at now: Instant
    ) -> Result<Transition, MigrationRefusal> {
        let check = MigrationCheck(run: self, old: Turn(self, old, halts, now), new: new, order: order)
        let reasons = check.reasons
        guard reasons.isEmpty else { return .failure(MigrationRefusal(reasons: reasons)) }
        var turn = Turn(self, new, halts, now)
        turn.emit(.runMigrated(check.migration(called: called)))
        turn.advance()
        return .success(Transition(run: turn.run, events: turn.events))
    }

    mutating func apply(_ migration: Migration) {
        goOn(by: migration.to, calling: migration.called, with: migration.inputs)
        var kept: [Step] = []
        for var step in steps where !migration.dropped.contains(step.id) {
            step.rename(to: migration.renamed[step.id] ?? step.id)
            if migration.anew.contains(step.id) { step.askAnew() }
            kept.append(step)
        }
        let inOrder = migration.lines.map { id in kept.first { $0.id == id } ?? Step(id: id) }
        steps = inOrder + kept.filter { !migration.lines.contains($0.id) }
    }
}

/// Looks at one migration before it is made.
private struct MigrationCheck {
    let run: Run
    /// Only to find the places of steps in the old version.
    let old: Turn
    let new: RunDefinition
    let order: MigrationOrder

    var reasons: [String] {
        let state = reasonsOfState
        return state.isEmpty ? reasonsOfInputs + reasonsOfNames + reasonsOfSteps + reasonsOfProvider : state
    }

    func migration(called: [Run.Pin]) -> Migration {
        let begun = run.steps.filter { hasBegun($0) && !isDropped($0) }
        return Migration(
            from: run.workflow, to: new.workflow.pin, called: called, inputs: inputs,
            lines: new.workflow.lines.map(\.id),
            renamed: Dictionary(
                run.steps.map { ($0.id, newID($0.id)) }.filter { $0.0 != $0.1 }, uniquingKeysWith: { one, _ in one }),
            anew: begun.filter(isAskedAnew).map { newID($0.id) },
            dropped: run.steps.filter { isDropped($0) || !hasBegun($0) && !isNew($0) }.map(\.id),
            by: order.by, reason: order.reason)
    }

    // MARK: How the run stands

    private var reasonsOfState: [String] {
        if !run.isLive { return ["the run has ended"] }
        if run.rollback != nil { return ["what the run did is being undone; wait until that is over"] }
        if run.workflow.digest == new.workflow.digest { return ["the run is on that version already"] }
        if run.workflow.name != new.workflow.name {
            return ["the run is on '\(run.workflow.name)', and a migration stays with one workflow"]
        }
        return run.steps.compactMap { step in
            // Nothing of it has left: it begins anew under the new text.
            if case .halted(let backOff) = step.phase, backOff.redelivers == nil, step.doubt == nil,
                !step.mayHaveActed
            {
                return nil
            }
            if case .halted = step.phase {
                return "step '\(step.id)' waits for the end of a halt or a pause with a call"
            }
            if step.isInFlight { return "step '\(step.id)' has a call under way; pause the run and wait for it" }
            if step.doubt != nil {
                return
                    "nobody knows what became of the call of step '\(step.id)'; say so with 'cordon run resolve' first"
            }
            return nil
        }
    }

    // MARK: What the new version asks for

    private var inputs: Value {
        let given = run.inputs.objectValue ?? [:]
        let members = new.workflow.inputs.compactMap { input in
            (given[input.name] ?? input.standard).map { (input.name, $0) }
        }
        return .object(Dictionary(members) { first, _ in first })
    }

    private var reasonsOfInputs: [String] {
        let given = run.inputs.objectValue ?? [:]
        return new.workflow.inputs.compactMap { input in
            guard let value = given[input.name] ?? input.standard else {
                return "the new version needs the input '\(input.name)', and the run was not handed it"
            }
            let wasSo = old.definition.workflow.inputs.contains {
                $0.name == input.name && $0.kind == input.kind && $0.max == input.max
            }
            guard !wasSo, let misfit = input.isTarget(value) ? input.misfit(value) : value.typeName else { return nil }
            return "the new version takes the input '\(input.name)' as \(input.wanted), the run has \(misfit)"
        }
    }

    private var reasonsOfProvider: [String] {
        guard let subject = run.subject else { return [] }
        let lacking = new.capabilities.sorted().compactMap { capability -> String? in
            guard let contract = new.contracts[capability] else {
                return "provider '\(subject.provider)' does not offer \(capability)"
            }
            if contract.suits(subject) { return nil }
            return "provider '\(subject.provider)' offers \(capability), and not for \(subject.id)"
        }
        return lacking + new.lacksElsewhere(inputs)
    }

    // MARK: Lines and steps

    private var reasonsOfNames: [String] {
        let oldNames = old.definition.workflow.allLines.map(\.id)
        let newNames = new.workflow.allLines.map(\.id)
        var reasons: [String] = []
        for name in order.renamed.keys.sorted() + order.dropped.sorted() where !oldNames.contains(name) {
            reasons.append("the old version has no step '\(name)'" + near(name, oldNames))
        }
        for name in order.renamed.values.sorted() where !newNames.contains(name) {
            reasons.append("the new version has no step '\(name)'" + near(name, newNames))
        }
        let targets = oldNames.filter { !order.dropped.contains($0) }.map { order.renamed[$0] ?? $0 }
        for name in Set(targets).sorted() where targets.count(where: { $0 == name }) > 1 {
            reasons.append("two steps would both be '\(name)'; rename or drop one")
        }
        return reasons
    }

    private func near(_ name: String, _ names: [String]) -> String {
        nearest(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
    }

    private var reasonsOfSteps: [String] {
        var moved = run
        moved.goOn(by: run.workflow, calling: run.called, with: inputs)
        moved.steps = run.steps.map { step in
            var step = step
            step.rename(to: newID(step.id))
            return step
        }
        let target = Turn(moved, new, .none, old.now)
        return run.steps.filter { hasBegun($0) && !$0.isUndo }.compactMap { step in
            if isDropped(step) { return reasonAgainstDropping(step) }
            guard let from = old.place(step.id) else { return nil }
            guard let to = target.place(newID(step.id)) else { return reasonAgainstLosing(step) }
            return reason(step, from.line, to.line)
        }
    }

    private func reason(_ step: Step, _ from: Workflow.Line, _ to: Workflow.Line) -> String? {
        if from.kind.word != to.kind.word {
            return
                "step '\(step.id)' is a '\(from.kind.word)', and '\(to.id)' of the new version is a '\(to.kind.word)'"
        }
        if from.act?.capability != to.act?.capability {
            return "step '\(step.id)' does \(from.act?.capability ?? "nothing"), "
                + "and '\(to.id)' of the new version does \(to.act?.capability ?? "nothing")"
        }
        // What was done at one place can't be undone at another.
        if from.act?.at != to.act?.at {
            return "step '\(step.id)' is done at \(from.act?.at?.text ?? "the subject's provider"), "
                + "and '\(to.id)' of the new version at \(to.act?.at?.text ?? "the subject's provider")"
        }
        if (from.each == nil) != (to.each == nil) {
            return "step '\(step.id)' is a list in one version and not in the other"
        }
        if case .ladder(let one) = from.kind, case .ladder(let other) = to.kind,
            one.rungs.prefix(step.rounds).map(\.name) != other.rungs.prefix(step.rounds).map(\.name)
        {
            return "step '\(step.id)' has climbed \(step.rounds) rungs, and those of '\(to.id)' are others"
        }
        if case .call(let one, _) = from.kind, case .call(let other, _) = to.kind, one != other {
            return "step '\(step.id)' calls '\(one)', and '\(to.id)' of the new version calls '\(other)'"
        }
        if step.hasActed, !step.isUndone, from.act?.undo == .byConnector, to.act?.undo != .byConnector {
            return "what step '\(step.id)' did could no longer be undone"
        }
        if step.phase == .open, step.permit != nil {
            return "step '\(step.id)' runs on what people agreed to; wait until it has ended"
        }
        if let hold = step.hold, !hold.hasEnded, to.hold == nil {
            return "step '\(step.id)' holds what it did, and '\(to.id)' of the new version says nothing of a hold"
        }
        return nil
    }

    /// What did nothing and is over needs no line any more; it stays in the history.
    private func reasonAgainstLosing(_ step: Step) -> String? {
        if isLost(step) { return nil }
        return "the new version has no step '\(newID(step.id))'; say which it is with OLD=NEW, or drop it"
    }

    private func reasonAgainstDropping(_ step: Step) -> String? {
        if step.hasActed, !step.isUndone { return "step '\(step.id)' did something that stands; it can't be dropped" }
        if case .asking(let question) = step.phase, question.kind != .task {
            return "step '\(step.id)' asks for consent; it can be answered or the run cancelled, not dropped"
        }
        if step.phase == .open { return "step '\(step.id)' has begun its own steps; it can't be dropped" }
        return nil
    }

    /// Consent was given to the old text: what was agreed to and is not done is asked anew, and so is what asks now. What
    /// people told, in a task, stays true.
    private func isAskedAnew(_ step: Step) -> Bool {
        if step.isAsking { return true }
        if case .halted = step.phase { return true }
        if case .approve? = old.place(step.id)?.line.kind { return step.phase == .finished }
        return step.permit != nil && !step.hasActed && !step.hasEnded
    }

    private func isLost(_ step: Step) -> Bool { step.hasEnded && (!step.hasActed || step.isUndone || onlyRead(step)) }

    private func onlyRead(_ step: Step) -> Bool {
        old.place(step.id)?.line.act.map { Capability.named($0.capability)?.isWrite == false } ?? true
    }

    private func hasBegun(_ step: Step) -> Bool { step.startedAt != nil || step.phase != .pending || step.hasActed }
    private func isNew(_ step: Step) -> Bool { new.workflow.step(newID(step.id)) != nil }
    private func isDropped(_ step: Step) -> Bool { order.dropped.contains(line(step.id)) }

    private func line(_ id: String) -> String {
        Step.forwardID(of: id).split(separator: ".").first.map(String.init) ?? id
    }

    private func newID(_ id: String) -> String {
        let name = line(id)
        guard let new = order.renamed[name] else { return id }
        let rest = Step.forwardID(of: id).dropFirst(name.count)
        return (id == Step.forwardID(of: id) ? "" : Step.undoPrefix) + new + rest
    }
}

extension Step {
    fileprivate mutating func askAnew() {
        beginAnew(isForced: false)
        permit = nil
        result = nil
    }

    fileprivate var isAsking: Bool { if case .asking = phase { true } else { false } }

    fileprivate mutating func rename(to new: String) {
        id = new
        if ask?.step != nil { ask?.step = new }
        if holdAsk?.step != nil { holdAsk?.step = new }
    }
}

extension Workflow.Kind {
    /// The field that makes a step one of them.
    package var word: String {
        switch self {
        case .act: "do"
        case .approve: "approve"
        case .task: "task"
        case .wait: "wait"
        case .parallel: "parallel"
        case .ladder: "ladder"
        case .call: "call"
        case .undo: "undo"
        }
    }
}

extension Workflow.Input {
    /// False for a value that is no subject of the kind that the input takes.
    fileprivate func isTarget(_ value: Value) -> Bool {
        !kind.isSubject || value.objectValue?["kind"]?.stringValue == kind.rawValue
    }
}
