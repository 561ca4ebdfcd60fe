// SPDX-License-Identifier: Apache-2.0

/// Turns tokens into a syntax tree; recursion and the tree's height are bounded, so any source is safe on any stack.
struct Parser {
    var tokens: [Token]
    var position = 0
    var tree: SyntaxTree
    var nesting = 0
    let limits: ExpressionLimits
    var allowsMacros = true

    static func parse(
        _ source: String, limits: ExpressionLimits, allowsMacros: Bool = true
    ) throws(ExpressionErrors) -> SyntaxTree {
        let scalars = Array(source.unicodeScalars)
        guard scalars.count <= limits.codePointsMax else {
            throw ExpressionErrors(
                ExpressionIssue(
                    .tooLong, "the expression has \(scalars.count) code points; at most \(limits.codePointsMax)",
                    offset: limits.codePointsMax, width: 1, suggestion: "split it into several conditions"))
        }
        let tokens = try Lexer.tokens(of: scalars)
        var parser = Parser(tokens: tokens, tree: SyntaxTree(scalars: scalars), limits: limits)
        parser.allowsMacros = allowsMacros
        parser.tree.root = try parser.expression()
        guard parser.token.kind == .end else { throw parser.unexpected("an operator or the end") }
        return parser.tree
    }

    // MARK: Tokens

    var token: Token { tokens[position] }
    func ahead(_ count: Int) -> Token { tokens[min(position + count, tokens.count - 1)] }
    func isAt(_ sign: Token.Sign) -> Bool { token.kind == .sign(sign) }

    mutating func take(_ sign: Token.Sign) -> Bool {
        guard isAt(sign) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ sign: Token.Sign, to purpose: String) throws(ExpressionErrors) {
        guard take(sign) else { throw unexpected("'\(sign.rawValue)' \(purpose)") }
    }

    func failure(
        _ code: ExpressionIssue.Code, _ message: String, at range: Range<Int>, suggestion: String? = nil
    ) -> ExpressionErrors {
        ExpressionErrors(
            ExpressionIssue(code, message, offset: range.lowerBound, width: range.count, suggestion: suggestion))
    }

    func unexpected(_ wanted: String) -> ExpressionErrors {
        let words = ["and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!"]
        var suggestion: String?
        if case .name(let name) = token.kind, let sign = words[name] { suggestion = "write \(sign)" }
        if token.kind == .sign(.equal), ahead(1).kind == .sign(.equal) { suggestion = "compare with ==" }
        return failure(
            .unexpectedToken, "expected \(wanted), found \(token.described)", at: token.start..<token.end,
            suggestion: suggestion)
    }

    // MARK: Nodes

    mutating func add(
        _ kind: SyntaxNode.Kind, from start: Int, mark: Range<Int>? = nil
    ) throws(ExpressionErrors) -> Int {
        let end = position > 0 ? tokens[position - 1].end : start
        var node = SyntaxNode(kind: kind, start: start, end: end, mark: mark ?? start..<end, height: 1)
        for child in node.children { node.height = max(node.height, tree.nodes[child].height + 1) }
        guard node.height <= limits.depthMax else { throw tooDeep(at: node.mark) }
        tree.nodes.append(node)
        return tree.nodes.count - 1
    }

    func tooDeep(at range: Range<Int>) -> ExpressionErrors {
        failure(
            .tooDeep, "the expression is more than \(limits.depthMax) levels deep", at: range,
            suggestion: "split it into several conditions")
    }

    // MARK: Operators

    mutating func expression() throws(ExpressionErrors) -> Int {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.depthMax else { throw tooDeep(at: token.start..<token.end) }
        let condition = try disjunction()
        guard isAt(.question) else { return condition }
        let mark = token.start..<token.end
        position += 1
        let yes = try disjunction()
        try expect(.colon, to: "between the two results of '?'")
        let no = try expression()
        return try add(.choice(condition, yes, no), from: tree.nodes[condition].start, mark: mark)
    }

    private mutating func disjunction() throws(ExpressionErrors) -> Int {
        let first = try conjunction()
        guard isAt(.or) else { return first }
        let mark = token.start..<token.end
        var operands = [first]
        while take(.or) { operands.append(try conjunction()) }
        return try add(.or(operands), from: tree.nodes[first].start, mark: mark)
    }

    private mutating func conjunction() throws(ExpressionErrors) -> Int {
        let first = try binary(0)
        guard isAt(.and) else { return first }
        let mark = token.start..<token.end
        var operands = [first]
        while take(.and) { operands.append(try binary(0)) }
        return try add(.and(operands), from: tree.nodes[first].start, mark: mark)
    }

    /// How tightly an operator binds, and the function it stands for.
    private var operation: (level: Int, function: String)? {
        switch token.kind {
        case .sign(.less), .sign(.lessEqual), .sign(.greater), .sign(.greaterEqual), .sign(.equal), .sign(.notEqual):
            (0, "_\(tokenText)_")
        case .name("in"): (0, "@in")
        case .sign(.plus), .sign(.minus): (1, "_\(tokenText)_")
        case .sign(.times), .sign(.over), .sign(.percent): (2, "_\(tokenText)_")
        default: nil
        }
    }

    private var tokenText: String {
        if case .sign(let sign) = token.kind { sign.rawValue } else { "" }
    }

    private mutating func binary(_ level: Int) throws(ExpressionErrors) -> Int {
        var left = try unary()
        while let next = operation, next.level >= level {
            let mark = token.start..<token.end
            position += 1
            let right = try binary(next.level + 1)
            left = try add(
                .call(next.function, target: nil, arguments: [left, right]), from: tree.nodes[left].start, mark: mark)
        }
        return left
    }

    private mutating func unary() throws(ExpressionErrors) -> Int {
        let first = position
        while isAt(.not) || isAt(.minus) {
            guard tokens[position].kind == tokens[first].kind else { throw unexpected("a value") }
            position += 1
        }
        let afterSigns = position
        var isNegative = false
        if afterSigns > first, tokens[first].kind == .sign(.minus), isAtNumber { isNegative = true }
        var node = try member(isNegative: isNegative)
        var sign = afterSigns - (isNegative ? 1 : 0)
        while sign > first {
            sign -= 1
            let function = tokens[sign].kind == .sign(.not) ? "!_" : "-_"
            let mark = tokens[sign].start..<tokens[sign].end
            node = try add(.call(function, target: nil, arguments: [node]), from: mark.lowerBound, mark: mark)
        }
        return node
    }

    private var isAtNumber: Bool {
        switch token.kind {
        case .integer(_, let isUnsigned): !isUnsigned
        case .double: true
        default: false
        }
    }
}
