// SPDX-License-Identifier: Apache-2.0

/// One sub-expression of an explained evaluation.
package struct Explained: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        case value(Value)
        case error(EvaluationError)
        /// Another part had already decided.
        case notEvaluated
    }

    /// Where it stands in the source, in code points.
    package let offset: Int
    package let length: Int
    package let text: String
    /// How many explained sub-expressions it lies in.
    package let depth: Int
    package let outcome: Outcome
    /// How often it was evaluated; `outcome` is that of the last time. More than once only inside loops.
    package let times: Int
}

extension Expression {
    /// The result together with the value of every sub-expression that is no literal, in source order.
    package func explain(_ variables: [String: Value], at now: Timestamp? = nil) -> (Evaluation, [Explained]) {
        var machine = Machine(program, variables, now: now, limits: limits)
        machine.trace = Trace(nodes: program.ops.count)
        let result = evaluate(&machine)
        return (result, machine.trace.map(explained) ?? [])
    }

    private func explained(_ trace: Trace) -> [Explained] {
        var budget = Budget(limits)
        var out: [Explained] = []
        var waiting = [(node: program.tree.root, depth: 0)]
        while let (node, depth) = waiting.popLast() {
            let syntax = program.tree.nodes[node]
            let isShown = !syntax.isLiteral
            if isShown {
                let record = trace.records[node]
                out.append(
                    Explained(
                        offset: syntax.start, length: syntax.end - syntax.start, text: program.tree.text(of: node),
                        depth: depth, outcome: outcome(record, &budget), times: record?.times ?? 0))
            }
            for child in shownChildren(node).reversed() { waiting.append((child, depth + (isShown ? 1 : 0))) }
        }
        return out
    }

    private func outcome(_ record: Trace.Record?, _ budget: inout Budget) -> Explained.Outcome {
        switch record?.outcome {
        case nil: return .notEvaluated
        case .failure(let fault): return .error(fault.described(in: program))
        case .success(let datum):
            do throws(Fault) {
                return .value(try datum.value(&budget))
            } catch {
                return .error(error.described(in: program))
            }
        }
    }

    /// `a.b.c` is shown whole, not as `a`, `a.b` and `a.b.c`; names of functions and bound names are not values.
    private func shownChildren(_ node: Int) -> [Int] {
        if case .variable = program.resolution.references[node] { return [] }
        switch program.tree.nodes[node].kind {
        case .select(let operand, _, _), .test(let operand, _, _): return beyondPath(operand)
        case .call(let function, let target?, let arguments):
            let isNamespaced = program.resolution.references[node] != .function(function)
            return (isNamespaced ? [] : [target]) + arguments
        default: return program.tree.nodes[node].children
        }
    }

    private func beyondPath(_ node: Int) -> [Int] {
        switch program.tree.nodes[node].kind {
        case .name: []
        case .select(let operand, _, _): beyondPath(operand)
        default: [node]
        }
    }
}

extension SyntaxNode {
    var isLiteral: Bool { if case .literal = kind { true } else { false } }
}

/// The last outcome of each node, and how often it was reached.
struct Trace {
    struct Record {
        var outcome: Result<Datum, Fault>
        var times: Int
    }

    /// By node; `nil` for one that was never reached.
    private(set) var records: [Record?]

    init(nodes: Int) { records = Array(repeating: nil, count: nodes) }

    mutating func record(_ node: Int, _ datum: Datum) { add(node, .success(datum)) }
    mutating func record(_ node: Int, _ fault: Fault) { add(node, .failure(fault)) }

    private mutating func add(_ node: Int, _ outcome: Result<Datum, Fault>) {
        records[node] = Record(outcome: outcome, times: (records[node]?.times ?? 0) + 1)
    }
}
