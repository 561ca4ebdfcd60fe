// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// The most that one run of a workflow can do, known before it runs: every list at its 'max', every rung climbed, every
/// branch taken, with what the workflows that it calls do.
package struct WorstCase: Sendable, Hashable {
    package var steps = 0
    /// How often each changing capability is asked for.
    package var writes: [String: Int] = [:]
    /// Changes that can't be undone.
    package var irreversible = 0
    /// Questions to people.
    package var questions = 0
    package var longestHoldMilliseconds: Int64 = 0

    package init() {}

    package init(of workflow: Workflow, among workflows: [String: Workflow]) {
        var known: [String: WorstCase] = [:]
        self.init(workflow.lines, workflow.inputs, workflows, &known)
    }

    /// `handed`: the inputs whose bounds are kept to, whoever hands them in.
    private init(
        _ lines: [Workflow.Line], _ handed: [Workflow.Input], _ workflows: [String: Workflow],
        _ known: inout [String: WorstCase]
    ) {
        for line in lines {
            var one = WorstCase(line, handed, workflows, &known)
            // People agree to a list as a whole.
            if line.each != nil, line.consent != nil { one.questions -= 1 }
            add(one, times: line.each?.max ?? 1)
            if line.each != nil, line.consent != nil { questions += 1 }
        }
    }

    private init(
        _ line: Workflow.Line, _ handed: [Workflow.Input], _ workflows: [String: Workflow],
        _ known: inout [String: WorstCase]
    ) {
        steps = 1
        if line.question != nil { questions = 1 }
        if let act = line.act, act.undo != .notNeeded { writes[act.capability] = 1 }
        if line.isIrreversible { irreversible = 1 }
        if let hold = line.hold { longestHoldMilliseconds = Self.longest(hold.span, handed) }
        for branch in line.branches { add(WorstCase(branch.lines, handed, workflows, &known)) }
        guard case .call(let name, _) = line.kind, let inner = workflows[name] else { return }
        if known[name] == nil {
            // A circle is refused elsewhere; here it must only end.
            known[name] = WorstCase()
            known[name] = WorstCase(inner.lines, inner.inputs, workflows, &known)
        }
        add(known[name] ?? WorstCase())
    }

    private mutating func add(_ other: WorstCase, times: Int = 1) {
        func more(_ own: Int, _ further: Int) -> Int {
            let (product, isOver) = further.multipliedReportingOverflow(by: times)
            let (sum, isOverToo) = own.addingReportingOverflow(product)
            return isOver || isOverToo ? Int.max : sum
        }
        steps = more(steps, other.steps)
        irreversible = more(irreversible, other.irreversible)
        questions = more(questions, other.questions)
        for (name, count) in other.writes { writes[name] = more(writes[name] ?? 0, count) }
        longestHoldMilliseconds = max(longestHoldMilliseconds, other.longestHoldMilliseconds)
    }

    /// The longest that a span can be: as written, or as its input may be handed in.
    private static func longest(_ span: Arguments, _ handed: [Workflow.Input]) -> Int64 {
        if case .literal(.int(let milliseconds)) = span { return milliseconds }
        guard case .template(let template) = span, let path = template.soleHole?.passes.first, path.count == 2,
            path[0] == "inputs", let input = handed.first(where: { $0.name == path[1] }), let max = input.max
        else { return Limits.holdMillisecondsMax }
        return max
    }
}
