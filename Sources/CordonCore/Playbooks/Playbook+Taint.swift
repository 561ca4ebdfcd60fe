// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Where text of an alert would become a parameter. It may be compared and shown; what is done, where and to whom never
/// hangs on it, because whoever writes the alert writes the text.
struct Taint: Hashable {
    /// What the text would decide.
    enum Sort: Hashable {
        /// What providers are asked.
        case calls
        /// Whom people ask, and how long a hold or a wait is.
        case choices
    }

    var workflow: String
    var step: String
    var parameter: String
    var capability: String
    var sort: Sort

    /// Parameters that people or programs are shown and nothing is chosen by.
    private static let shown: Set<String> = ["body"]

    /// The first use of one of these inputs that would decide such a thing, in the workflow or in one that it calls.
    static func first(
        of inputs: Set<String>, in workflow: Workflow, among workflows: [Workflow], as sort: Sort = .calls
    ) -> Taint? {
        var visited: Set<String> = []
        return first(of: inputs, in: workflow, among: workflows, as: sort, &visited)
    }

    private static func first(
        of inputs: Set<String>, in workflow: Workflow, among workflows: [Workflow], as sort: Sort,
        _ visited: inout Set<String>
    ) -> Taint? {
        guard !inputs.isEmpty, visited.insert("\(workflow.name) \(inputs.sorted())").inserted else { return nil }
        var sources = Set(inputs.map { ["inputs", $0] })
        for line in workflow.allLines {
            var own = sources
            if let each = line.each, isTainted(each.list, by: sources) { own.insert([each.name]) }
            if let use = sort == .calls ? call(line, own) : choice(line, own) {
                return Taint(
                    workflow: workflow.name, step: line.id, parameter: use.parameter, capability: use.of, sort: sort)
            }
            if case .call(let name, let arguments) = line.kind, let inner = workflows.first(where: { $0.name == name })
            {
                let handed = Set(tainted(arguments, by: own))
                if let found = first(of: handed, in: inner, among: workflows, as: sort, &visited) { return found }
            }
            // What a step was shown it may give back.
            if let act = line.act, !tainted(act.arguments, by: own).isEmpty { sources.insert(["steps", line.id]) }
        }
        return nil
    }

    private static func call(_ line: Workflow.Line, _ sources: Set<[String]>) -> (parameter: String, of: String)? {
        if let act = line.act, let name = tainted(act.arguments, by: sources).first(where: { !shown.contains($0) }) {
            return (name, act.capability)
        }
        if let measure = line.measure, let name = tainted(measure.arguments, by: sources).first {
            return (name, measure.capability)
        }
        return nil
    }

    private static func choice(_ line: Workflow.Line, _ sources: Set<[String]>) -> (parameter: String, of: String)? {
        switch line.kind {
        case .task(let consent) where consent.by.carries(sources): return ("by", "task")
        case .approve(let consent) where consent.by.carries(sources): return ("by", "approve")
        case .wait(.span(let span)) where span.carries(sources): return ("for", "wait")
        case .act, .approve, .task, .wait, .parallel, .ladder, .call, .undo: break
        }
        if line.consent?.by.carries(sources) == true { return ("by", "approve") }
        if line.hold?.span.carries(sources) == true { return ("for", "hold") }
        return nil
    }

    /// The members of a map of arguments that carry one of the sources, in the order of their names.
    static func tainted(_ arguments: Arguments, by sources: Set<[String]>) -> [String] {
        guard case .map(let members) = arguments else { return [] }
        return members.keys.sorted().filter { members[$0]?.carries(sources) == true }
    }

    fileprivate static func isTainted(_ expression: Expression, by sources: Set<[String]>) -> Bool {
        expression.passes.contains { path in
            sources.contains { source in path.starts(with: source) || source.starts(with: path) }
        }
    }
}

extension Arguments {
    fileprivate func carries(_ sources: Set<[String]>) -> Bool {
        switch self {
        case .literal: false
        case .template(let template): template.holes.contains { Taint.isTainted($0, by: sources) }
        case .list(let items): items.contains { $0.carries(sources) }
        case .map(let members): members.values.contains { $0.carries(sources) }
        }
    }
}
