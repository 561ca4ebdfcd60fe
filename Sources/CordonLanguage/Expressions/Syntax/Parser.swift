// SPDX-License-Identifier: Apache-2.0

/// Turns tokens into a syntax tree. What is open lies on a list, not on the stack, so any source is safe on any stack.
struct Parser {
    /// A finished value, and where it starts: at its opening bracket, if it has one.
    struct Operand {
        var node: Int
        var start: Int
    }

    var tokens: [Token]
    var position = 0
    var tree: SyntaxTree
    /// What the next operand stands in, the innermost last.
    var open: [Open] = []
    /// How many of those are brackets or branches, the whole expression included.
    var nesting = 1
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
        return parser.tree
    }

    private mutating func expression() throws(ExpressionErrors) -> Int {
        while true {
            guard let operand = try operand() else { continue }
            guard let whole = try finish(operand) else { continue }
            guard token.kind == .end else { throw unexpected("an operator or the end") }
            return whole
        }
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
}
