// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// The exact words of every mistake that refuses an expression.
@Suite struct ExpressionRefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var code: String
        var source: String
        /// Below the place: the message, then the caret's column and width.
        var words: String
        var caret: ClosedRange<Int>
        var testDescription: String { source }

        init(_ code: String, _ source: String, _ words: String, _ caret: ClosedRange<Int>) {
            self.code = code
            self.source = source
            self.words = words
            self.caret = caret
        }

        /// As a person reads it in the file `x.yaml`, where the expression begins in column 9 of line 3.
        var text: String {
            let caretLine =
                String(repeating: " ", count: 8 + caret.lowerBound) + String(repeating: "^", count: caret.count)
            return """
                x.yaml:3:\(9 + caret.lowerBound): error[\(code)]: \(words)
                 3 |   when: \(source)
                   | \(caretLine)
                """
        }
    }

    static let form = [
        Row("X001", "alert.score = 1", "'=' is no operator (compare with ==)", 12...12),
        Row("X001", "alert.score > 1 & true", "'&' is no operator (write &&)", 16...16),
        Row("X001", "alert.title == “x”", "a typographic quotation mark opens no string (write \" or ')", 15...15),
        Row(
            "X001", "alert.`a:b` == ''",
            "a name in back quotes takes letters, digits, '_', '.', '-', '/' and spaces (write map[\"key\"] for any other key)",
            6...8),
        Row(
            "X002", "alert.score > 9223372036854775808",
            "the number does not fit 64 bits with sign (write it with u at the end)", 14...32),
        Row("X002", "alert.score > 12ab", "'12ab' is no number", 14...17),
        Row("X003", "alert.title == 'x", "the string has no end", 15...16),
        Row("X003", "alert.title == '\\d'", "\\d is no escape (write \\\\ for a backslash, or r\"…\")", 16...17),
        Row("X004", "alert.score > 1 and true", "expected an operator or the end, found 'and' (write &&)", 16...18),
        Row("X004", "alert.score >", "expected a value, found the end of the expression", 13...13),
        Row("X005", "alert.score > 1 && for", "'for' is a reserved word (choose another name)", 19...21),
        Row(
            "X006", "has(alert)",
            "has() asks for a field, so its argument ends in one (write has(a.b); for other map keys write \"key\" in a)",
            4...8),
        Row(
            "X006", "alert.tags.all(1, true)",
            "the first arguments of all() are plain names (for instance list.all(x, x > 0))", 15...15),
        Row(
            "X012", "[1].all(a, [1].all(b, [1].all(c, a == b + c)))", "loops stand 3 deep in each other; at most 2",
            26...28),
    ]

    static let sense = [
        Row("X020", "alrt.score > 1", "there is no variable 'alrt' (did you mean 'alert'?)", 0...3),
        Row("X020", "high == alert.severity", "there is no variable 'high' (known here: alert, any)", 0...3),
        Row("X021", "alert.severty == 'high'", "no field 'severty' in alert (did you mean 'severity'?)", 6...12),
        Row(
            "X021", "alert.identity.zzzzzzzz == 'x'", "no field 'zzzzzzzz' in alert.identity (it has kind, owner)",
            15...22),
        Row("X021", "alert['scor'] == 1", "no field 'scor' in alert (did you mean 'score'?)", 5...5),
        Row(
            "X022", "alert.suppressed",
            "the field 'suppressed' of alert may be absent (test has(alert.suppressed) first, or write alert.?suppressed.orValue(…))",
            6...15),
        Row("X023", "alert.title.lower() == 'x'", "there is no function 'lower' (did you mean 'lowerAscii'?)", 12...16),
        Row("X023", "length(alert.title) > 1", "there is no function 'length' (did you mean 'size'?)", 0...5),
        Row(
            "X024", "alert.score + 0.5 > 1.0",
            "'+' does not take int and double (give both one type: write 1.0 for 1, or double(x))", 12...12),
        Row("X024", "alert.score > '70'", "'>' does not take int and string", 12...12),
        Row(
            "X024", "alert.title.startsWith(1)", "'startsWith' does not take string.(int) (it takes (string))", 12...21),
        Row("X024", "alert.score && true", "'&&' needs a bool, this is int", 0...10),
        Row("X025", "alert.tags.size", "list(string) has no fields, so no 'size' (write .size())", 11...14),
        Row("X026", "alert.title", "the expression is string, bool is wanted (compare it: … == \"text\")", 0...10),
        Row(
            "X026", "alert.?suppressed",
            "the expression is optional_type(bool), bool is wanted (end it with .orValue(…))", 0...16),
        Row(
            "X030", "alert.title.matches('(?=a)')",
            "the regular expression is wrong: there is no look-around (combine two matches() with && or !)", 20...26),
    ]

    @Test(arguments: form + sense)
    func `a mistake is told in exactly these words`(_ row: Row) {
        #expect(refusal(row.source) == row.text)
    }

    @Test(arguments: [
        "has(alert.suppressed) && alert.suppressed", "alert.suppressed && has(alert.suppressed)",
        "!has(alert.suppressed) || alert.suppressed", "has(alert.suppressed) ? alert.suppressed : false",
        "alert.?suppressed.orValue(false)", "alert.?suppressed.hasValue()",
        "has(alert.identity.owner) && alert.identity.owner == 'x'",
        "alert.identity.?owner.orValue('-') == 'x'", "alert.tags.all(t, has(alert.suppressed) && alert.suppressed)",
    ])
    func `a field that may be absent can be read after a question`(_ source: String) {
        #expect(refusal(source) == "accepted")
    }

    @Test(arguments: [
        "has(alert.suppressed) || alert.suppressed", "!has(alert.suppressed) && alert.suppressed",
        "has(alert.identity.owner) && alert.suppressed", "has(alert.suppressed) ? false : alert.suppressed",
    ])
    func `a question that decides the other way does not help`(_ source: String) {
        #expect(refusal(source).contains("error[X022]"))
    }

    @Test func `all mistakes of one expression are told at once, in order`() {
        let errors = #expect(throws: ExpressionErrors.self) {
            try compiled("alert.severty == 'x' && alrt.score > 1 && alert.score + 1.0 > 2.0")
        }
        #expect(errors?.issues.map(\.code) == [.unknownField, .unknownVariable, .wrongTypes])
    }

    @Test func `over several lines the line and column of the mistake are found`() throws {
        let source = "alert.score > 1\n  && alert.severty == 'é'"
        let errors = try #require(#expect(throws: ExpressionErrors.self) { try compiled(source) })
        let place = Place(file: "x.yaml", line: 4, column: 5)
        let texts = errors.diagnostics(at: place, sourceLine: source, source: source).map(\.text)
        #expect(
            texts == [
                """
                x.yaml:5:12: error[X021]: no field 'severty' in alert (did you mean 'severity'?)
                 5 |   && alert.severty == 'é'
                   |            ^^^^^^^
                """
            ])
    }

    @Test func `every number has its meaning, its explanation, and no second one`() {
        let meanings = ExpressionMeanings.all
        #expect(Set(meanings.map(\.code)).count == meanings.count)
        #expect(meanings.count == ExpressionIssue.Code.allCases.count + EvaluationError.Code.allCases.count)
        for meaning in meanings {
            #expect(meaning.code.hasPrefix("X"))
            #expect(!meaning.meaning.isEmpty && !meaning.meaning.hasSuffix("."))
            #expect(meaning.explanation.hasSuffix(".") || meaning.explanation.hasSuffix(")"))
        }
    }

    private static let open: [String: Schema] = [
        "own": .object("own", ["tags": .init(.list(.string)), "id": .init(.string)], openness: .open),
        "some": .object("some", ["active": .init(.bool)], openness: .partly),
    ]

    private func told(_ source: String) -> String {
        do throws(ExpressionErrors) {
            _ = try Expression.compile(source, variables: Self.open)
            return "accepted"
        } catch { return error.issues.map(\.message).joined(separator: "; ") }
    }

    @Test(arguments: [
        "own.bucket == 1", "own[\"tag\"] == 1", "own.ids == 2", "own.?bucket.orValue(1) == 1", "own.tags.size() > 1",
        "has(some.expires) && some.expires > 1", "some.?expires.orValue(1) > 1", "some.?actve.hasValue()",
    ])
    func `what a schema leaves open may be read, of any type`(_ source: String) {
        #expect(told(source) == "accepted")
    }

    @Test(arguments: [
        ("own.tag == ['a']", "no field 'tag' in own"), ("own.tgas.size() > 1", "no field 'tgas' in own"),
        ("some.actve", "'actve' is none of the fields that some has for sure: active"),
        ("some[\"actve\"]", "'actve' is none of the fields that some has for sure: active"),
        ("some.expires > 1", "'expires' is none of the fields that some has for sure: active"),
        ("some.active == 'no'", "'==' does not take bool and string"),
    ])
    func `what looks like a declared field misspelt is refused, and what may be absent is asked for`(
        _ source: String, _ message: String
    ) {
        #expect(told(source) == message)
    }
}
