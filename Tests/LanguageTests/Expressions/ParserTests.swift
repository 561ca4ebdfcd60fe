// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// How a source becomes a tree: what binds tighter, and where each part stands.
@Suite struct ParserTests {
    /// The tree with a bracket around everything that an operator or call holds.
    private func shape(_ source: String) throws -> String {
        let tree = try Parser.parse(source, limits: .default)
        return shape(tree.root, tree)
    }

    private func shape(_ node: Int, _ tree: SyntaxTree) -> String {
        let children = tree.nodes[node].children.map { shape($0, tree) }.joined(separator: " ")
        switch tree.nodes[node].kind {
        case .literal: return tree.text(of: node)
        case .name(let name, let isAbsolute): return (isAbsolute ? "." : "") + name
        case .select(_, let field, let isOptional): return "(\(isOptional ? ".?" : ".")\(field) \(children))"
        case .test(_, let field, _): return "(has \(field) \(children))"
        case .index(_, _, let isOptional): return "(\(isOptional ? "[?]" : "[]") \(children))"
        case .call(let function, _, _): return "(\(function) \(children))".replacing(" )", with: ")")
        case .and: return "(&& \(children))"
        case .or: return "(|| \(children))"
        case .choice: return "(? \(children))"
        case .list(let entries): return "[\(marks(entries))\(children)]"
        case .map(let entries): return "{\(marks(entries))\(children)}"
        case .macro(let macro): return "(\(macro.form) \(macro.names.joined(separator: ",")) \(children))"
        }
    }

    private func marks(_ entries: [SyntaxNode.Entry]) -> String {
        entries.contains(where: \.isOptional) ? entries.map { $0.isOptional ? "?" : "-" }.joined() + " " : ""
    }

    @Test(arguments: [
        ("1 + 2 * 3", "(_+_ 1 (_*_ 2 3))"), ("1 * 2 + 3", "(_+_ (_*_ 1 2) 3)"), ("1 - 2 - 3", "(_-_ (_-_ 1 2) 3)"),
        ("(1 + 2) * 3", "(_*_ (_+_ 1 2) 3)"), ("1 - (2 - 3)", "(_-_ 1 (_-_ 2 3))"), ("8 / 4 % 3", "(_%_ (_/_ 8 4) 3)"),
        ("a < 1 == b", "(_==_ (_<_ a 1) b)"), ("1 + 2 < 3 * 4", "(_<_ (_+_ 1 2) (_*_ 3 4))"),
        ("a && b && c", "(&& a b c)"), ("a || b || c", "(|| a b c)"), ("a && (b && c)", "(&& a (&& b c))"),
        ("(a && b) && c", "(&& (&& a b) c)"), ("a || b && c || d", "(|| a (&& b c) d)"),
        ("a && b || c && d", "(|| (&& a b) (&& c d))"),
        ("a == 1 && b in c || !d", "(|| (&& (_==_ a 1) (@in b c)) (!_ d))"),
        ("a ? b : c", "(? a b c)"), ("a ? b : c ? d : e", "(? a b (? c d e))"),
        ("a ? (b ? c : d) : e", "(? a (? b c d) e)"),
        ("a || b ? c && d : e || f", "(? (|| a b) (&& c d) (|| e f))"), ("!a.b", "(!_ (.b a))"), ("!!a", "(!_ (!_ a))"),
        ("-a.b", "(-_ (.b a))"), ("-1", "-1"), ("--1", "(-_ -1)"), ("---1", "(-_ (-_ -1))"), ("-1.5", "-1.5"),
        ("- 1", "- 1"),
        ("1 - -1", "(_-_ 1 -1)"), ("-(1)", "(-_ 1)"), ("!a == b", "(_==_ (!_ a) b)"), ("-a * b", "(_*_ (-_ a) b)"),
        ("-9223372036854775808", "-9223372036854775808"), ("a.b[0].c", "(.c ([] (.b a) 0))"),
        ("a.?b[?0]", "([?] (.?b a) 0)"),
        ("a.`b-c`", "(.b-c a)"), (".a.b", "(.b .a)"), (".f(1)", "(.f 1)"), ("a.f()", "(f a)"), ("f()", "(f)"),
        ("f(1, 2)", "(f 1 2)"),
        ("a.f(b.g(1), 2)", "(f a (g b 1) 2)"), ("(a).f", "(.f a)"), ("f(a)(b)", "error"), ("[]", "[]"),
        ("[1, 2,]", "[1 2]"), ("[?a, b]", "[?- a b]"),
        ("{}", "{}"), ("{1: 2, ?3: 4,}", "{-? 1 2 3 4}"), ("{a ? 1 : 2: 3}", "{(? a 1 2) 3}"),
        ("[a ? b : c]", "[(? a b c)]"), ("[[1], {2: [3]}][0]", "([] [[1] {2 [3]}] 0)"),
        ("a.all(x, x > 0)", "(all x a (_>_ x 0))"), ("a.map(x, x > 0, -x)", "(map x a (_>_ x 0) (-_ x))"),
        ("has(a.b)", "(has b a)"),
        ("cel.bind(x, 1, x + x)", "(bind x 1 (_+_ x x))"), ("a.transformMap(k, v, v)", "(transformMap k,v a v)"),
        ("\"a\".size() // comment\n == 1", "(_==_ (size \"a\") 1)"),
    ])
    func `operators bind as the grammar says`(_ source: String, _ expected: String) {
        #expect((try? shape(source)) ?? "error" == expected)
    }

    @Test func `the text of a part has its brackets on both sides or on none`() throws {
        let tree = try Parser.parse("(a + b) * (c) - f((d))[(0)].e && !(g)", limits: .default)
        let texts = Set(tree.nodes.indices.map { tree.text(of: $0) })
        #expect(
            texts == [
                "a", "b", "a + b", "c", "(a + b) * (c)", "d", "f((d))", "0", "f((d))[(0)]", "f((d))[(0)].e",
                "(a + b) * (c) - f((d))[(0)].e", "g", "!(g)", "(a + b) * (c) - f((d))[(0)].e && !(g)",
            ])
    }

    @Test(arguments: [
        ("", "expected a value, found the end of the expression"),
        ("1 +", "expected a value, found the end of the expression"),
        ("1 2", "expected an operator or the end, found a number"),
        ("(1", "expected ')' to close the bracket, found the end of the expression"),
        ("1)", "expected an operator or the end, found ')'"),
        ("[1 2]", "expected ']' or ',' in the list, found a number"),
        ("[1,,]", "expected a value, found ','"), ("[,]", "expected a value, found ','"),
        ("{1 2}", "expected ':' after the map's key, found a number"),
        ("{1: 2 3}", "expected '}' or ',' in the map, found a number"), ("{,}", "expected a value, found ','"),
        ("f(1,)", "expected an argument, found ')'"),
        ("f(1 2)", "expected ')' or ',' after the argument, found a number"),
        ("a[1", "expected ']' after the index, found the end of the expression"),
        ("a ? b", "expected ':' between the two results of '?', found the end of the expression"),
        ("a ? b ? c : d : e", "expected ':' between the two results of '?', found '?'"),
        ("a : b", "expected an operator or the end, found ':'"),
        ("!-a", "expected a value, found '-'"), ("-!a", "expected a value, found '!'"),
        ("a.", "expected a field's name after '.', found the end of the expression"),
        ("a.1", "expected an operator or the end, found a number"),
        ("a.in", "expected a field's name after '.', found 'in'"), ("in", "expected a value, found 'in'"),
        ("a and b", "expected an operator or the end, found 'and'"),
        ("a.?f(1)", "expected an operator or the end, found '('"), ("a = b", "'=' is no operator"),
        ("T{a: 1}", "there are no message types here"), ("if", "'if' is a reserved word"),
        ("a[?", "expected a value, found the end of the expression"),
        ("[1]]", "expected an operator or the end, found ']'"), ("(]", "expected a value, found ']'"),
        ("(1]", "expected ')' to close the bracket, found ']'"),
    ])
    func `a slip of form says what was wanted and what was found`(_ source: String, _ message: String) {
        let errors = #expect(throws: ExpressionErrors.self) { try Parser.parse(source, limits: .default) }
        #expect(errors?.issues.map(\.message) == [message])
    }
}
