// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// The syntax of RE2 (github.com/google/re2/wiki/Syntax), construct by construct.
@Suite struct PatternSyntaxTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var pattern: String
        var matching: [String]
        var other: [String]
        var testDescription: String { pattern }

        init(_ pattern: String, _ matching: [String], not other: [String] = []) {
            self.pattern = pattern
            self.matching = matching
            self.other = other
        }
    }

    static let single = [
        Row("", ["", "a"]),
        Row("a.c", ["abc", "xa-cx", "a\u{301}c"], not: ["ac", "a\nc", "ABC"]),
        Row("(?s)a.c", ["a\nc", "abc"]),
        Row("[abc]", ["b"], not: ["d", ""]),
        Row("[^abc]", ["d", "\n"], not: ["abc", ""]),
        Row("[a-c0-2-]", ["-", "b", "1"], not: ["3", "d"]),
        Row("[]a]", ["]", "a"], not: ["b"]),
        Row("[^]a]", ["b"], not: ["]", "a"]),
        Row("[\\]\\-\\\\]", ["]", "-", "\\"], not: ["a"]),
        Row("[[:alpha:]_]", ["x", "_"], not: ["1", "é"]),
        Row("[[:^digit:]]", ["x"], not: ["1"]),
        Row("[[:xdigit:][:space:]]", ["F", "\t", "\u{0B}"], not: ["g"]),
        Row("[[:word:]]", ["_", "9"], not: ["-"]),
        Row("\\d\\D", ["1a"], not: ["11", "٣a"]),
        Row("\\s\\S", [" a", "\ta"], not: ["  ", "\u{A0}a", "\u{0B}a"]),
        Row("^\\w\\W$", ["a-", "_ "], not: ["aa", "é-"]),
        Row("[\\d\\s]", ["1", " "], not: ["x"]),
        Row("[^\\D]", ["1"], not: ["x"]),
        Row("\\pL\\PL", ["é1"], not: ["éé"]),
        Row("^\\p{Lu}\\p{Ll}+$", ["Éa", "Ωω"], not: ["éa", "É"]),
        Row("\\p{^Lu}", ["a"], not: ["A"]),
        Row("\\P{^Lu}", ["A"], not: ["a"]),
        Row("[\\p{Nd}\\p{Sc}]", ["٣", "€"], not: ["x"]),
        Row("^\\p{Greek}+$", ["αβγ", "ΩΣ"], not: ["abc", "аб"]),
        Row("\\P{Latin}", ["раypal"], not: ["paypal"]),
        Row("^[\\p{Cyrillic}0-9]+$", ["аб1"], not: ["ab1"]),
        Row("^\\p{^Han}$", ["a"], not: ["漢"]),
        Row("^(\\p{Hiragana}|\\p{Katakana}|\\p{Hangul})+$", ["あア한"], not: ["漢"]),
        Row("\\p{Any}", ["a", "\n"], not: [""]),
        Row("\\x41\\x{42}\\103\\07", ["ABC\u{07}"], not: ["abc\u{07}"]),
        Row("\\x{1F600}", ["😀"], not: ["x"]),
        Row("\\a\\f\\t\\n\\r\\v", ["\u{07}\u{0C}\t\n\r\u{0B}"]),
        Row("\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\^\\$\\-\\/", [".*+?()[]{}|^$-/"]),
        Row("\\Qa.b*\\E+", ["a.b*", "a.b***"], not: ["axb"]),
        Row("\\Qa.b", ["a.b"], not: ["axb"]),
    ]

    static let combined = [
        Row("ab|cd|", ["", "x"]),
        Row("^(ab|cd)$", ["ab", "cd"], not: ["abcd", "a"]),
        Row("^ab*$", ["a", "abbb"], not: ["b", "abc"]),
        Row("^ab+$", ["ab", "abb"], not: ["a"]),
        Row("^ab?$", ["a", "ab"], not: ["abb"]),
        Row("^ab*?c+?d??$", ["ac", "abbccd"], not: ["ab"]),
        Row("^a{3}$", ["aaa"], not: ["aa", "aaaa"]),
        Row("^a{2,}$", ["aa", "aaaaa"], not: ["a"]),
        Row("^a{2,3}$", ["aa", "aaa"], not: ["a", "aaaa"]),
        Row("^a{0}$", [""], not: ["a"]),
        Row("^(a{2}){2}?$", ["aaaa"], not: ["aaa"]),
        Row("^a{,3}$", ["a{,3}"], not: ["aa"]),
        Row("^a{x}$", ["a{x}"], not: ["ax"]),
        Row("^{1}a", ["a"]),
        Row("^(?:a|b)+$", ["abab"], not: ["abc", ""]),
        Row("^(?P<first>a)(?<second>b)$", ["ab"], not: ["a"]),
        Row("(?i)^straSSe$", ["STRASSE", "strasse", "ſtrasse"], not: ["strass"]),
        Row("(?i)^[k]$", ["K", "k", "\u{212A}"], not: ["x"]),
        Row("(?i)^[^k]$", ["x"], not: ["K", "k", "\u{212A}"]),
        Row("(?i)^ÄΣ$", ["äσ", "äς"], not: ["as"]),
        Row("a(?i)b|c", ["aB", "C"], not: ["AB"]),
        Row("^(?i:a)b$", ["Ab"], not: ["AB"]),
        Row("^((?i)a)b$", ["Ab"], not: ["AB"]),
        Row("(?i)a(?-i)b", ["Ab"], not: ["AB"]),
        Row("^(?sm-i:a.)$", ["a\n"]),
        Row("(?U)^a+$", ["aaa"]),
        Row("^b$", ["b"], not: ["a\nb\nc", "b\n"]),
        Row("(?m)^b$", ["a\nb\nc", "b"], not: ["ab\nbc"]),
        Row("(?m)\\Ab\\z", ["b"], not: ["a\nb", "b\nc"]),
        Row("\\bcat\\b", ["a cat.", "cat", "-- cat"], not: ["cats", "bobcat", "cat_1"]),
        Row("\\Bcat", ["bobcat", "a bobcat"], not: ["a cat"]),
        Row("^$", [""], not: ["a", "\n"]),
        Row("a$|^b", ["xa", "bx"], not: ["ax", "xb"]),
        Row("(a*)*b", ["b", "aab"], not: ["aac"]),
        Row("(a|a?)+$", ["", "aaa"]),
        Row("(|a)+b", ["b", "aab"], not: ["a"]),
    ]

    @Test(arguments: single + combined)
    func `a pattern matches what RE2 matches and nothing else`(_ row: Row) throws {
        let pattern = try Pattern(row.pattern, instructionsMax: 10_000)
        for text in row.matching { #expect(pattern.matches(text), "'\(text)'") }
        for text in row.other { #expect(!pattern.matches(text), "'\(text)'") }
    }

    @Test(arguments: [
        ("a**", "'*' repeats a repetition"), ("a{2}{3}", "a count repeats a repetition"),
        ("a+?+", "'+' repeats a repetition"),
        ("*a", "'*' has nothing to repeat"), ("a|*", "'*' has nothing to repeat"),
        ("(?i)+", "'+' has nothing to repeat"),
        ("(a", "a ( is not closed"), ("a)", "a ) closes nothing"), ("[a", "a [ is not closed"),
        ("[]", "a [ is not closed"),
        ("[b-a]", "the range b-a runs backward"), ("[[:alfa:]]", "there is no class [:alfa:]"),
        ("a{3,2}", "the count {3,2} runs backward"), ("a{1001}", "a count is at most 1000"),
        ("a\\", "a lone \\ ends it"), ("\\y", "\\y is no escape"), ("\\Z", "\\Z is no escape"),
        ("\\é", "\\é is no escape"),
        ("(a)\\1", "there are no back references such as \\1"), ("a(?=b)", "there is no look-around"),
        ("a(?!b)", "there is no look-around"), ("(?<=a)b", "there is no look-around"),
        ("(?<!a)b", "there is no look-around"),
        ("(?x)a", "'(?x' is no group"), ("(?>a)", "'(?>' is no group"), ("(?i-)a", "no flag follows the - in (?-)"),
        ("(?P=n)", "(?P is followed by <name>"), ("(?<>a)", "a group's name is letters, digits and _"),
        ("(?<n>a)(?P<n>b)", "two groups have the name n"), ("\\p{Lx}", "there is no category or script \\p{Lx}"),
        ("\\pX", "there is no category or script \\p{X}"), ("\\p{L", "\\p{ is not closed"),
        ("\\x4", "\\x needs two digits"),
        ("\\x{110000}", "an escape by number names no code point"), ("\\x{41", "\\x{ is not closed"),
    ])
    func `what RE2 refuses is refused by name`(_ text: String, _ message: String) {
        let slip = #expect(throws: PatternSlip.self) { try Pattern(text, instructionsMax: 10_000) }
        #expect(slip?.message == "the regular expression is wrong: \(message)")
    }

    @Test func `an expression's literal pattern is refused when it is loaded`() {
        let error = #expect(throws: ExpressionErrors.self) {
            try Expression.compile("name.matches('a(?=b)')", variables: ["name": .string])
        }
        #expect(error?.issues.map(\.code) == [.badPattern])
        #expect(error?.issues.first?.offset == 13)
        #expect(error?.issues.first?.suggestion == "combine two matches() with && or !")
    }
}
