// SPDX-License-Identifier: Apache-2.0

/// Finds what every name of an expression means and whether its types agree; goes on after a mistake to report more.
struct Checker {
    struct Local {
        var name: String
        var slot: Int
        var identity: Int
        var type: StaticType
    }

    let tree: SyntaxTree
    let declarations: Declarations
    let limits: ExpressionLimits
    var solver = TypeSolver()
    var resolution: Resolution
    var issues: [ExpressionIssue] = []
    var locals: [Local] = []
    var loops = 0
    private var identities = 0
    /// Paths that a surrounding `has()` says are present.
    var present: Set<String> = []

    static func check(
        _ tree: SyntaxTree, _ declarations: Declarations, expecting: StaticType?, limits: ExpressionLimits
    ) throws(ExpressionErrors) -> Resolution {
        var checker = Checker(tree, declarations, limits)
        let type = checker.type(of: tree.root)
        if let expecting, declarations.isChecked, checker.issues.isEmpty { checker.expect(type, expecting) }
        guard checker.issues.isEmpty else {
            throw ExpressionErrors(Array(checker.issues.prefix(limits.issuesMax)))
        }
        checker.resolution.type = checker.solver.resolve(type, isFinal: true)
        return checker.resolution
    }

    private init(_ tree: SyntaxTree, _ declarations: Declarations, _ limits: ExpressionLimits) {
        self.tree = tree
        self.declarations = declarations
        self.limits = limits
        resolution = Resolution(references: Array(repeating: .none, count: tree.nodes.count))
    }

    private mutating func expect(_ type: StaticType, _ wanted: StaticType) {
        guard !solver.accepts(type, wanted) else { return }
        let found = solver.resolve(type, isFinal: true)
        let root = tree.nodes[tree.root]
        var suggestion: String?
        if case .optional = found { suggestion = "end it with .orValue(…)" }
        if wanted == .bool, found == .string { suggestion = "compare it: … == \"text\"" }
        issues.append(
            ExpressionIssue(
                .wrongResult, "the expression is \(found.name), \(wanted.name) is wanted", offset: root.start,
                width: root.end - root.start, suggestion: suggestion))
    }

    // MARK: Reports

    mutating func report(
        _ code: ExpressionIssue.Code, _ node: Int, _ message: String, suggestion: String? = nil
    ) -> StaticType {
        if declarations.isChecked {
            let mark = tree.nodes[node].mark
            issues.append(
                ExpressionIssue(code, message, offset: mark.lowerBound, width: mark.count, suggestion: suggestion))
        }
        return .dynamic
    }

    // MARK: Walk

    mutating func type(of node: Int) -> StaticType {
        switch tree.nodes[node].kind {
        case .literal(let datum): datum.staticType
        case .name(let name, let isAbsolute): nameType(node, name, isAbsolute)
        case .select(let operand, let field, let isOptional): selectType(node, operand, field, isOptional)
        case .test(let operand, let field, let isOptional): testType(node, operand, field, isOptional)
        case .index(let operand, let key, let isOptional): indexType(node, operand, key, isOptional)
        case .call(let function, let target, let arguments): callType(node, function, target, arguments)
        case .and(let operands): junctionType(node, operands, when: true)
        case .or(let operands): junctionType(node, operands, when: false)
        case .choice(let condition, let yes, let no): choiceType(node, condition, yes, no)
        case .list(let entries): listType(entries)
        case .map(let entries): mapType(entries)
        case .macro(let macro): macroType(node, macro)
        }
    }

    /// `&&` and `||` decide with either side, so each operand may rely on what the others test.
    private mutating func junctionType(_ node: Int, _ operands: [Int], when: Bool) -> StaticType {
        let facts = operands.map { self.facts($0, when: when) }
        let before = present
        for (index, operand) in operands.enumerated() {
            present = before
            for (other, paths) in facts.enumerated() where other != index { present.formUnion(paths) }
            expectBool(operand, type(of: operand), of: when ? "&&" : "||")
        }
        present = before
        return .bool
    }

    private mutating func choiceType(_ node: Int, _ condition: Int, _ yes: Int, _ no: Int) -> StaticType {
        expectBool(condition, type(of: condition), of: "?")
        let before = present
        present.formUnion(facts(condition, when: true))
        let first = type(of: yes)
        present = before.union(facts(condition, when: false))
        let second = type(of: no)
        present = before
        let result = solver.fresh()
        if solver.accepts([first, second], [result, result]) { return result }
        return report(
            .wrongTypes, node,
            "the two results of '?' differ: \(shown(first)) and \(shown(second))", suggestion: "wrap one in dyn(…)")
    }

    mutating func expectBool(_ node: Int, _ type: StaticType, of operation: String) {
        guard !solver.accepts(type, .bool), declarations.isChecked else { return }
        let span = tree.nodes[node]
        issues.append(
            ExpressionIssue(
                .wrongTypes, "'\(operation)' needs a bool, this is \(shown(type))", offset: span.start,
                width: span.end - span.start))
    }

    func shown(_ type: StaticType) -> String { solver.resolve(type, isFinal: true).name }

    private mutating func listType(_ entries: [SyntaxNode.Entry]) -> StaticType {
        var element: StaticType?
        for entry in entries { element = solver.join(element, entryType(entry)) }
        return .list(element ?? solver.fresh())
    }

    private mutating func mapType(_ entries: [SyntaxNode.Entry]) -> StaticType {
        var key: StaticType?
        var value: StaticType?
        for entry in entries {
            guard let node = entry.key else { continue }
            let type = type(of: node)
            key = solver.join(key, checkedKey(node, type))
            value = solver.join(value, entryType(entry))
        }
        return .map(key ?? solver.fresh(), value ?? solver.fresh())
    }

    private mutating func checkedKey(_ node: Int, _ type: StaticType) -> StaticType {
        switch solver.resolve(type) {
        case .int, .uint, .bool, .string, .dynamic, .variable: return type
        default: return report(.wrongTypes, node, "a map's key is an int, uint, bool or string, not \(shown(type))")
        }
    }

    /// The type of a value in a list or map literal; that inside the optional for an entry with `?`.
    private mutating func entryType(_ entry: SyntaxNode.Entry) -> StaticType {
        let type = type(of: entry.value)
        guard entry.isOptional else { return type }
        switch solver.resolve(type) {
        case .optional(let inner): return inner
        case .dynamic, .variable: return .dynamic
        default: return report(.wrongTypes, entry.value, "after '?' stands an optional, this is \(shown(type))")
        }
    }

    // MARK: Locals

    mutating func bind(_ name: String, _ type: StaticType) {
        identities += 1
        locals.append(Local(name: name, slot: locals.count, identity: identities, type: type))
        resolution.localsMax = max(resolution.localsMax, locals.count)
    }

    func local(_ name: String) -> Local? { locals.last { $0.name == name } }
}
