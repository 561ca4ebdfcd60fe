// SPDX-License-Identifier: Apache-2.0

/// Inputs that lie at a bound, use a corner of the grammar or look like one thing and are another. Run every time, and
/// where the fuzzers' finds go once they are mended.
enum Corpus {
    /// What was wrong with each, on a stack as small as a server's threads have.
    static func findings(in inputs: [String], _ check: @escaping @Sendable (String) -> String?) -> [String] {
        let box = Box()
        onSmallStack {
            for input in inputs {
                if let finding = check(input) {
                    box.findings.append("\(input.debugDescription.prefix(200)): \(finding)")
                }
            }
        }
        return box.findings
    }

    private final class Box: @unchecked Sendable {  // written by one thread, read after it has ended
        var findings: [String] = []
    }

    private static func nested(_ open: String, _ inside: String, _ close: String, _ count: Int) -> String {
        String(repeating: open, count: count) + inside + String(repeating: close, count: count)
    }

    static let expressions: [String] =
        [
            "", " ", "\n", "//", "// only a comment", "true // tail", "\u{0}", "\u{FEFF}true", "a\u{301}", "`", "``",
            "`a`.b", "any.`a.b/c-d`", "any.`", ".any", "..any", "any.", "any?.b", "any.?b", "any[?0]", "any[?", "[?]",
            "[?optional.none()]", "{?'a': optional.none()}", "{?1: 2}", "{}", "{}.size()", "[,]", "[1,]", "{1:2,}",
            "-9223372036854775808", "9223372036854775808", "--1", "- -1", "-(-9223372036854775808)", "0x", "0x1u",
            "1e", "1e400", "1e-400", ".5", "1.", "1..2", "18446744073709551615u", "1uu", "'", "''", "'''", "''''",
            "''''''", "r'\\'", "b'\\377'", "b'\\u00e9'", "'\\ud800'", "'\\U00110000'", "'\\x'", "'a\nb'", "\"\\\"",
            "1 == 1 == 1", "1 < 2 < 3", "!!!!true", "!-1", "-!true", "1 ? 2 : 3", "true ? 1", "true ? : 1",
            "true ? false ? 1 : 2 : 3", "a in in b", "in", "1 in [1]", "'a' in any", "any in any", "any == any",
            "has(any)", "has(any.b.c)", "has(any['b'])", "has()", "has(has(any.b))", "any.all(any, any)",
            "any.all(1, true)", "any.map(x)", "any.map(x, x, x, x)", "any.tags.map(_, _)", "[].exists_one(x, x)",
            "cel.bind(x, x, x)", "cel.bind(cel, 1, cel)", "cel.bind(x, any, cel.bind(x, [x, x], x))", "type(type(1))",
            "type(any) == string", "dyn(dyn(1))", "[any, any, any].map(x, [x, x].map(y, [y, y]))", "timestamp('x')",
            "timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')",
            "timestamp('0001-01-01T00:00:00Z') - duration('1ns')",
            "duration('-9223372036s') - duration('1000s')", "duration('1h1h')", "duration('')", "duration('.s')",
            "timestamp('2026-03-29T01:30:00Z').getHours('Europe/Paris')",
            "timestamp('2026-01-01T00:00:00Z').getHours('../../etc/passwd')",
            "timestamp('2026-01-01T00:00:00Z').getHours('+99:99')", "'%'.format([])", "'%d'.format([])",
            "'%.999999999f'.format([1.0])",
            "'%.-1f'.format([1.0])", "'%s%s%s'.format([any, [any], {'a': any}])", "'x'.matches('(')",
            "'x'.matches(any.title)",
            "'abc'.substring(2, 1)", "'abc'.substring(-1)", "'é😀'.charAt(1)", "'a'.split('')", "''.split('')",
            "'aaa'.replace('', 'b')",
            "'aaa'.replace('a', 'aaaa', -1)", "'a,b'.split(',', 0)", "'é'.reverse() + 'e\u{301}'.reverse()",
            "any.title.lastIndexOf('')",
            "ip('::ffff:1.2.3.4')", "cidr('1.2.3.4/33')", "cidr('0.0.0.0/0').containsIP('::1')", "ip('1.2.3.4%eth0')",
            "ip('')",
            "base64.decode('====')", "base64.encode(b'')", "math.least([])", "math.bitShiftLeft(1, 64)",
            "math.round(0.0/0.0)",
            "0.0/0.0 == 0.0/0.0", "[0.0/0.0] == [0.0/0.0]", "1/0 || true", "true || 1/0", "1/0 && false", "[1/0][0]",
            "{1/0: 1}",
            "{1: 1, 1.0: 2, 1u: 3}", "{[1]: 1}", "{null: 1}", "any[1.0]", "any.tags[-1]",
            "any.tags[9223372036854775807]",
            "any.tags[0.5]", "int(9223372036854775807.0)", "uint(-1)", "int('0x1')", "double('nan')",
            "string(b'\\xff')",
            "optional.of(optional.of(any)).value().value()", "optional.none().value()", "optional.of(1).or(1)",
            "google.protobuf.Timestamp{}",
            "any{a: 1}", "any.b{}", "while", "for", "package.b", "any.package", "any.in", "nullx", "null.x", "true.x",
            "1.x", "1.0.x", "'a'.x",
            "alert.score > 70 &&", "&& alert", "alert.scor", "alert.severity == \"high\" ; true", "alert.score = 70",
            "alert & any", "alert | any",
            nested("(", "1", ")", 63), nested("(", "1", ")", 64), nested("(", "1", ")", 65), nested("[", "1", "]", 65),
            nested("{1:", "1", "}", 65), nested("!", "true", "", 65), nested("-", "1", "", 65),
            nested("f(", "1", ")", 65),
            nested("any[", "1", "]", 65), nested("true?1:", "1", "", 65), nested("", "any", ".a", 65),
            nested("1+", "1", "", 65),
            nested("true&&", "true", "", 500), nested("(", "", "", 4096), nested("[", "", "", 4096),
            nested("any.all(x,", "true", ")", 3), nested("cel.bind(alert,[alert,alert],", "alert", ")", 40),
            "'" + String(repeating: "é", count: 4094) + "'", "'" + String(repeating: "é", count: 4095) + "'",
            "any.tags.join('" + String(repeating: "x", count: 4000) + "')",
        ]

    static let templates: [String] = [
        "", "$", "$$", "${", "${}", "${ }", "$${", "$${any}", "$$${any}", "${any", "${any}}", "{any}",
        "a${any}b${any}c",
        "${'}'}", "${\"}\"}", "${{'a': '}'}}", "${'\\'}'}", "${any.tags}", "x${any.tags}", "${// }\nany}", "${any // }",
        "${\n any.title \n}", "\u{0}${any}", "${'${any}'}", "${any}${", "é${any.title}é", nested("${", "any", "}", 70),
        String(repeating: "${any}", count: 64), String(repeating: "${any}", count: 65),
    ]

    static let patterns: [String] =
        [
            "", "^", "$", "^$", "a**", "a*?", "a+?", "(a*)*", "(a*)+$", "(a|a)*b", "(a|aa)+$", "(a?){30}a{30}", "a{0}",
            "a{1000}", "a{1001}",
            "a{2,1}", "a{,3}", "a{", "a{1", "{1}", "(?:)", "()", "(|)", "|", "||", "(", ")", "((((a))))", "[", "[]",
            "[]a]", "[^]", "[^]a]", "[a-]",
            "[-a]", "[z-a]", "[a-z&&[b]]", "[\\d-x]", "[\\pL\\PL]", "[[:alpha:][:^digit:]]", "[[:nope:]]", "\\", "\\Q",
            "\\Q.*\\E+", "\\x", "\\x{}",
            "\\x{110000}", "\\x{D800}", "\\pX", "\\p{}", "\\p{Greek}", "\\b", "\\B", "\\A\\z", "\\Z", "\\1", "(?=a)",
            "(?<=a)", "(?>a)", "(?i)K", "(?i)[k]",
            "(?i)\u{212A}", "(?s).", "(?m)^b$", "(?i", "(?z)a", "(?P<n>a)(?P<n>b)", "(?P<>a)", "(?<n>a)", "e\u{301}",
            "é", ".", "😀", "(?U)a+", "\\C", "\u{0}",
            "(a{100}){100}", "((a{10}){10}){10}", nested("(", "a", ")", 300), nested("(?:", "a", ")*", 100),
            String(repeating: "a?", count: 200),
            String(repeating: "(a|b)", count: 100), String(repeating: "[a-z]", count: 400),
        ]

    static let texts: [String] = [
        "", "a", String(repeating: "a", count: 59), String(repeating: "a", count: 59) + "b", "e\u{301}", "\u{212A}k",
        "a\nb\n", "\u{0}", "😀é",
    ]

    static let files: [String] =
        [
            "", "\n", " ", "#", "---", "---\n---", "...", "\u{FEFF}a: 1", "a", "a:", "a: ", "a:b", "a: b: c", "a : b",
            ": a", "?", "? a", "? a\n: b", "-", "- - -", "-a",
            "a: -", "a:\n- b\n- c", "a:\n - b\n  - c", "a:\n\tb: 1", "a: \tb", "\ta: 1", "a: 'b", "a: \"b", "a: 'b''c'",
            "a: \"\\x41\\u0041\\U00000041\"", "a: \"\\ud800\"",
            "a: \"\\U00110000\"", "a: \"b\\\n  c\"", "a: |", "a: |\n", "a: |2\n  b", "a: |9\n b", "a: |-+\n b",
            "a: >\n b\n\n c\n  d\n", "a: |\n b\n c\nd: 1", "a: &b c", "a: *b",
            "a: !b c", "a: !!str", "a: !<x> b", "<<: {a: 1}", "a: {<<: {b: 1}}", "a: {b, c}", "a: {b: 1, b: 2}",
            "a: {b: [}", "a: [b, {c: d]}", "a: [,]", "a: [b,]", "a: {,}", "[a]: b",
            "{a: b}: c", "true: a", "null: a", "1: a", "~: a", "a: ~", "a: yes", "a: NO", "a: On", "a: y", "a: True",
            "a: 010", "a: 0o10", "a: 0x1F", "a: 0b1", "a: 1_000", "a: 1:30",
            "a: .5", "a: 5.", "a: +1", "a: -0", "a: 1e3", "a: 1e400", "a: .inf", "a: .NaN", "a: 99999999999999999999",
            "a: 2026-01-01", "a: 'é'\nb: \"\u{2028}\"", "a: \u{85}b",
            "a: \u{202E}b", "a: \u{200B}b", "é: é", "a\u{301}: 1\ná: 2", "a: b #c", "a: b#c", "a: 'b' c", "a: \"b\"c",
            "a: b\n  c", "a: b\n c: d", "a: b\r\nc: d\r\n", "a: b\rc: d",
            "a:\n  b: 1\n c: 2", "%YAML 1.1\n---\na: 1", "%TAG ! x\n---\na: 1", "a: @b", "a: `b`", "a: %b", "a: ,b",
            "a: ]", "a: }", "when: !a", "when: ! a", "when: ?a", "when: a ? b : c",
            "when: a == \"b: c\"", "when: {a: 1}.b", "when: [1] == [1]", "when: \"a\" == b", "when: a && b # c",
            "when: 'a' in b", "when: a['b']: c",
            nested("[", "a", "]", 65), nested("{a: ", "b", "}", 65), nested("- ", "a", "", 65),
            nested("? ", "a", "", 65), nested("[", "", "", 5000), nested("{", "", "", 5000),
            String(repeating: "a: ", count: 5000), String(repeating: "a", count: 70_000) + ": 1",
            "a: " + String(repeating: "b", count: 65_536),
            (0..<2_000).map { "k\($0): \($0)" }.joined(separator: "\n"),
            String(repeating: "\n", count: 60_000) + "a: 1", String(repeating: "#\n", count: 30_000),
        ]
}
