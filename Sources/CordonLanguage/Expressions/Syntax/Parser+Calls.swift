// SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// Opens a call's bracket; the call itself when it has no arguments.
    mutating func openCall(
        _ function: String, target: Int?, from start: Int, mark: Range<Int>
    ) throws(ExpressionErrors) -> Operand? {
        position += 1
        if take(.close) { return try call(function, target, [], from: start, mark: mark) }
        try enter(.call(function: function, target: target, start: start, mark: mark, arguments: []))
        return nil
    }

    mutating func call(
        _ function: String, _ target: Int?, _ arguments: [Int], from start: Int, mark: Range<Int>
    ) throws(ExpressionErrors) -> Operand {
        if allowsMacros, let kind = try macro(function, target, arguments, mark) {
            return Operand(node: try add(kind, from: start, mark: mark), start: start)
        }
        let kind = SyntaxNode.Kind.call(function, target: target, arguments: arguments)
        return Operand(node: try add(kind, from: start, mark: mark), start: start)
    }

    /// The built-in form that a call spells, or nil when it is an ordinary call.
    private func macro(
        _ function: String, _ target: Int?, _ arguments: [Int], _ mark: Range<Int>
    ) throws(ExpressionErrors) -> SyntaxNode.Kind? {
        guard let target else { return function == "has" ? try has(arguments, mark) : nil }
        if function == "bind", arguments.count == 3, case .name("cel", _) = tree.nodes[target].kind {
            let name = try boundName(arguments[0], of: "cel.bind")
            return .macro(Macro(form: .bind, range: arguments[1], names: [name], body: arguments[2]))
        }
        guard let shape = Self.shapes[function]?.first(where: { $0.count == arguments.count }) else { return nil }
        var names: [String] = []
        for argument in arguments.prefix(shape.names) { names.append(try boundName(argument, of: function)) }
        if names.count == 2, names[0] == names[1] {
            throw failure(
                .badMacro, "\(function)() needs two different names", at: tree.nodes[arguments[1]].mark)
        }
        return .macro(
            Macro(
                form: shape.form, range: target, names: names,
                filter: shape.hasFilter ? arguments[shape.names] : nil, body: arguments[arguments.count - 1]))
    }

    private struct Shape {
        var form: Macro.Form
        var names: Int
        var hasFilter = false
        var count: Int { names + (hasFilter ? 2 : 1) }
    }

    private static let shapes: [String: [Shape]] = [
        "all": [Shape(form: .all, names: 1), Shape(form: .all, names: 2)],
        "exists": [Shape(form: .exists, names: 1), Shape(form: .exists, names: 2)],
        "exists_one": [Shape(form: .existsOne, names: 1), Shape(form: .existsOne, names: 2)],
        "existsOne": [Shape(form: .existsOne, names: 1), Shape(form: .existsOne, names: 2)],
        "map": [Shape(form: .map, names: 1), Shape(form: .map, names: 1, hasFilter: true)],
        "filter": [Shape(form: .filter, names: 1)],
        "transformList": [
            Shape(form: .transformList, names: 2), Shape(form: .transformList, names: 2, hasFilter: true),
        ],
        "transformMap": [Shape(form: .transformMap, names: 2), Shape(form: .transformMap, names: 2, hasFilter: true)],
        "transformMapEntry": [
            Shape(form: .transformMapEntry, names: 2), Shape(form: .transformMapEntry, names: 2, hasFilter: true),
        ],
        "optMap": [Shape(form: .optMap, names: 1)],
        "optFlatMap": [Shape(form: .optFlatMap, names: 1)],
    ]

    private func boundName(_ node: Int, of function: String) throws(ExpressionErrors) -> String {
        if case .name(let name, isAbsolute: false) = tree.nodes[node].kind { return name }
        throw failure(
            .badMacro, "the first arguments of \(function)() are plain names", at: markOf(node),
            suggestion: "for instance list.all(x, x > 0)")
    }

    private func has(_ arguments: [Int], _ mark: Range<Int>) throws(ExpressionErrors) -> SyntaxNode.Kind? {
        guard arguments.count == 1 else {
            throw failure(.badMacro, "has() takes one argument", at: mark, suggestion: "write has(a.b)")
        }
        guard case .select(let operand, let field, let isOptional) = tree.nodes[arguments[0]].kind else {
            throw failure(
                .badMacro, "has() asks for a field, so its argument ends in one", at: markOf(arguments[0]),
                suggestion: "write has(a.b); for other map keys write \"key\" in a")
        }
        return .test(operand, field: field, isOptional: isOptional)
    }

    private func markOf(_ node: Int) -> Range<Int> { tree.nodes[node].start..<tree.nodes[node].end }
}
