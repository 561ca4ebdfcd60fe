// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What refuses a workflow that reads well: ways through its steps that its reviewers would not want taken.
///
/// It is asked of files that authors hand in, and never of what a live run is pinned to: a rule that is new must not
/// strand a run that began without it.
struct WorkflowReview {
    let lines: [Workflow.Line]
    /// The fields of a step, for the place of a mistake.
    let place: (String) -> YAMLFields?

    func report() {
        _ = followEvidence(lines, isKept: false)
        for walk in walks {
            refuseNeverReached(walk)
            refuseOwnerAlone(walk)
        }
        refuseDestroyingSilence()
    }

    // MARK: Evidence first

    /// Goes through a block with whether evidence is kept for sure when it begins, and gives whether it is when it ends.
    private func followEvidence(_ block: [Workflow.Line], isKept: Bool) -> Bool {
        var flow = isKept
        var ended: [String: Bool] = [:]
        for line in block {
            // What stands in another block may have been left out with it.
            let before = line.after.map { ended[$0.step] ?? isKept } ?? flow
            if line.isIrreversible, !before {
                place(line.id)?.report(
                    .noEvidence, "do",
                    "'\(line.id)' can't be undone, and nothing is kept for sure of what was before it",
                    "let an evidence.capture without 'if', 'each', 'approve' or 'on_error: continue' come first")
            }
            let end = before || keepsEvidence(line, before)
            ended[line.id] = end
            // Nobody waits for a line that comes after another.
            if line.after == nil { flow = end }
        }
        return flow
    }

    /// Whether evidence is kept for sure once the line has ended; looks at the lines inside on the way.
    private func keepsEvidence(_ line: Workflow.Line, _ before: Bool) -> Bool {
        var isKept = false
        switch line.kind {
        case .act(let act): isKept = act.capability.hasPrefix("evidence.")
        case .parallel(let branches):
            for branch in branches where followEvidence(branch.lines, isKept: before) { isKept = true }
        case .ladder(let ladder):
            // The first rung may not be climbed at all; a later one stands on those before it.
            _ = ladder.rungs.reduce(before) { followEvidence($1.lines, isKept: $0) }
        case .approve, .task, .wait, .call, .undo: break
        }
        return isKept && line.condition == nil && line.each == nil && line.consent == nil && line.onError != .continue
    }

    // MARK: What never comes

    private func refuseNeverReached(_ walk: Walk) {
        let line = walk.line
        if let condition = line.condition, isNeverTrue(condition, before: walk) {
            place(line.id)?.report(
                .neverReached, "if", "'\(line.id)' is never reached: its condition is false whatever happens",
                "mend the condition, or leave the step out")
        }
        if case .hold(let name)? = line.after, let hold = walks.first(where: { $0.line.id == name })?.line.hold,
            hold.then == .undo, hold.unless == nil
        {
            place(line.id)?.report(
                .neverReached, "after",
                "'\(line.id)' is never reached: the hold of '\(name)' ends by undo, and this comes after what is kept",
                "let the hold end by 'keep', or give it an 'unless'")
        }
        if case .ladder(let ladder) = line.kind, ladder.condition.variables.isEmpty,
            ladder.condition.decide([:]) == .isTrue
        {
            place(line.id)?.mapping("ladder")?.report(
                .neverReached, "until", "no rung of '\(line.id)' is ever climbed: its condition always holds",
                "mend the condition, or leave the ladder out")
        }
    }

    /// Whether it is false as such, or with each answer that one of the questions before it can get.
    private func isNeverTrue(_ condition: Expression, before walk: Walk) -> Bool {
        if condition.variables.isEmpty { return condition.decide([:]) == .isFalse }
        return walks.prefix(walk.number).contains { asked in
            guard let choices = asked.line.answers, condition.reads(step: asked.line.id) else { return false }
            return (choices.map(Optional.some) + [nil]).allSatisfy {
                condition.decide(asked.line.outcome($0)) == .isFalse
            }
        }
    }

    // MARK: Who agrees

    /// One whose own identity is contained doesn't alone let it go.
    private func refuseOwnerAlone(_ walk: Walk) {
        guard isLiftedByOwner(walk, handedIn: []) else { return }
        place(walk.line.id)?.mapping("approve")?.report(
            .ownerAlone, "by", "the owner alone would lift what contains their own identity",
            "name a group that is not the owner's, or ask the owner by a 'task'", isYoung: true)
    }

    private func isLiftedByOwner(_ walk: Walk, handedIn inputs: Set<String>) -> Bool {
        guard let consent = walk.line.question, consent.by.isOwner(handedIn: inputs) else { return false }
        return switch walk.line.kind {
        case .undo: true
        case .approve: isAnswerLifting(walk)
        case .act, .task, .wait, .parallel, .ladder, .call: false
        }
    }

    /// The step at which the owner alone would lift a containment, where these inputs hand in the owner's name; in the
    /// workflow or in one that it calls.
    static func liftedByOwner(
        _ inputs: Set<String>, in workflow: Workflow, among workflows: [Workflow], depth: Int = 0
    ) -> (workflow: String, step: String)? {
        // A circle is refused elsewhere; here it must only end.
        guard !inputs.isEmpty, depth <= Limits.blockDepthMax else { return nil }
        let review = WorkflowReview(lines: workflow.lines, place: { _ in nil })
        for walk in review.walks {
            if review.isLiftedByOwner(walk, handedIn: inputs) { return (workflow.name, walk.line.id) }
            guard case .call(let name, .map(let given)) = walk.line.kind,
                let inner = workflows.first(where: { $0.name == name })
            else { continue }
            let owners = Set(given.filter { $0.value.isOwner(handedIn: inputs) }.keys)
            if let found = liftedByOwner(owners, in: inner, among: workflows, depth: depth + 1) { return found }
        }
        return nil
    }

    private func isAnswerLifting(_ asked: Walk) -> Bool {
        walks.dropFirst(asked.number + 1).contains { walk in
            guard case .undo = walk.line.kind else { return false }
            return (walk.around + [walk.line]).contains { $0.condition?.reads(step: asked.line.id) == true }
        }
    }
}

// MARK: - Silence

extension WorkflowReview {
    /// Where nobody's answer would lead to what can't be undone.
    private func refuseDestroyingSilence() {
        for asked in walks {
            guard let consent = asked.line.askedAlone, let silent = asked.line.silentOutcome else { continue }
            guard let victim = walks.dropFirst(asked.number + 1).first(where: { isReached($0, from: asked, silent) })
            else { continue }
            let isTask = if case .task = asked.line.kind { true } else { false }
            let isSkipped = consent.silence == .skip
            place(asked.line.id)?.mapping(isTask ? "task" : "approve")?.report(
                .silenceDestroys, "on_timeout",
                "nobody's answer to '\(asked.line.id)' would lead to '\(victim.line.id)', which can't be undone",
                isSkipped
                    ? "let silence keep or abort, or give '\(victim.line.id)' an 'approve' of its own"
                    : "let silence mean another choice, or give '\(victim.line.id)' an 'approve' of its own")
        }
    }

    private func isReached(_ walk: Walk, from asked: Walk, _ silent: [String: Value]) -> Bool {
        let way = walk.around + [walk.line]
        guard walk.line.isIrreversible, way.allSatisfy({ $0.consent == nil }) else { return false }
        let weighed = way.compactMap(\.condition).filter { $0.reads(step: asked.line.id) }
        if !weighed.isEmpty { return weighed.allSatisfy { $0.decide(silent) != .isFalse } }
        // A task asks; people who are asked to approve are expected to hold up whatever follows.
        guard case .approve = asked.line.kind else { return false }
        return asked.holdsUp(walk)
    }
}

// MARK: - The lines with what stands around them

extension WorkflowReview {
    /// A line, what it stands in, the outermost first, and its number in the order of the file.
    struct Walk {
        var line: Workflow.Line
        var around: [Workflow.Line]
        /// The part of the outermost block, branch after branch, that it stands in.
        var path: [Int]
        var number: Int

        /// Whether a later line waits for this one: it stands behind it in the same block, or inside of what does.
        func holdsUp(_ later: Walk) -> Bool {
            let depth = path.count
            guard later.path.count >= depth, later.path.dropLast(later.path.count - depth + 1) == path.dropLast(),
                later.path[depth - 1] > path[depth - 1]
            else { return false }
            let inBlock = (later.around + [later.line])[around.count]
            return inBlock.after.map { $0.step == line.id } ?? true
        }
    }

    var walks: [Walk] { Self.walks(lines, around: [], path: [], number: 0) }

    private static func walks(_ block: [Workflow.Line], around: [Workflow.Line], path: [Int], number: Int) -> [Walk] {
        var out: [Walk] = []
        for (index, line) in block.enumerated() {
            out.append(Walk(line: line, around: around, path: path + [index], number: number + out.count))
            for (place, branch) in line.branches.enumerated() {
                out += walks(
                    branch.lines, around: around + [line], path: path + [index, place], number: number + out.count)
            }
        }
        return out
    }
}

extension Workflow.Line {
    /// It changes something and its author says that it can't be undone.
    package var isIrreversible: Bool { if case .none? = act?.undo { true } else { false } }

    /// What a question that is a step of its own asks.
    fileprivate var askedAlone: Workflow.Consent? {
        switch kind {
        case .approve(let consent), .task(let consent): consent
        case .act, .wait, .parallel, .ladder, .call, .undo: nil
        }
    }

    /// What people can choose so that the run goes on.
    fileprivate var answers: [String]? {
        guard let consent = askedAlone else { return nil }
        guard case .approve = kind, onError != .continue else { return consent.choices }
        return [Workflow.Consent.approve]
    }

    /// What later conditions see of a question with this answer, or with none.
    fileprivate func outcome(_ choice: String?) -> [String: Value] {
        let isDeclined = if case .approve = kind { choice == Workflow.Consent.decline } else { false }
        let text: Value = choice.map(Value.string) ?? .null
        return [
            "steps": .object([
                id: ["choice": text, "done": .bool(choice != nil && !isDeclined), "result": ["choice": text]]
            ])
        ]
    }

    /// What later conditions see when nobody answered; `nil` where the run goes no further.
    fileprivate var silentOutcome: [String: Value]? {
        switch askedAlone?.silence {
        case .skip: outcome(nil)
        case .choice(let choice) where answers?.contains(choice) == true: outcome(choice)
        case .choice, .keep, .abort, nil: nil
        }
    }
}

extension Expression {
    fileprivate func reads(step id: String) -> Bool { reads.contains { $0.starts(with: ["steps", id]) } }
}

extension Arguments {
    /// Whether it names the owner of an identity and nobody else, by itself or by one of these inputs.
    func isOwner(handedIn inputs: Set<String>) -> Bool {
        switch self {
        case .template(let template):
            guard let hole = template.soleHole, let path = hole.passes.first,
                hole.source == path.joined(separator: ".")
            else { return false }
            return path.suffix(2) == ["owner", "name"] || path.last == "owner"
                || path.count == 2 && path[0] == "inputs" && inputs.contains(path[1])
        case .list(let items): return !items.isEmpty && items.allSatisfy { $0.isOwner(handedIn: inputs) }
        case .literal, .map: return false
        }
    }
}
