// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// Where a host that speaks JSON and Swift easily gets the language wrong.
@Suite struct ExpressionTrapTests {
    // MARK: Integers

    @Test(
        arguments: [
            ("alert.score + 1", 72), ("alert.share / 2.0", 1.5), ("alert.share + 0.5", 3.5),
            ("type(alert.score) == int", true),
            ("type(alert.share) == double", true), ("type(any.score) == int", true),
            ("type(any.raw.ratio) == double", true),
            ("type(any.raw.count) == int", true), ("any.raw.big", 9_007_199_254_740_993),
            ("any.raw.count == any.raw.ratio", true),
            ("any.raw.big + 1", 9_007_199_254_740_994), ("any.raw.big == 9007199254740992.0", false),
            ("any.raw.count in [1.0]", true), ("{1: 'a'}[any.raw.ratio]", "a"),
            ("dyn(1u) == 1 && dyn(1.0) == 1u", true),
        ] as [(String, Value)])
    func `a number has the type that its schema or its digits say`(_ source: String, _ value: Value) throws {
        #expect(try outcome(source) == value)
    }

    @Test func `digits decide where no schema does`() throws {
        let types = try compiled("[type(any.a), type(any.b), type(any.c), type(any.d), type(any.e)]")
        let any = try JSON.parse(#"{"a": 1, "b": 1.0, "c": 1e2, "d": 9223372036854775807, "e": 9223372036854775808}"#)
        #expect(types.evaluate(["any": any]).value == ["int", "double", "double", "int", "double"])
    }

    @Test(arguments: [
        ("alert.score + 1.5", "wrongTypes"), ("alert.score + 1u", "wrongTypes"), ("alert.share + 1", "wrongTypes"),
        ("alert.score == '71'", "wrongTypes"),
    ])
    func `kinds of numbers do not mix silently`(_ source: String, _ code: String) throws {
        let errors = #expect(throws: ExpressionErrors.self) { try compiled(source) }
        #expect(errors?.issues.map { "\($0.code)" } == [code])
    }

    @Test(arguments: [
        "9223372036854775807 + 1", "-9223372036854775808 - 1", "-(-9223372036854775808)", "9223372036854775807 * 2",
        "-9223372036854775808 / -1", "-9223372036854775808 % -1", "0u - 1u", "18446744073709551615u + 1u",
        "int(1e19)", "uint(-1)", "int(18446744073709551615u)", "1 / 0", "1 % 0", "1u / 0u",
    ])
    func `arithmetic that does not fit is an error and never wraps`(_ source: String) throws {
        let error = try #require(try compiled(source).evaluate([:]).error)
        #expect([.overflow, .outOfRange, .divisionByZero].contains(error.code))
    }

    @Test func `a declared integer may come with a fraction of zero and nothing else`() throws {
        let score = try compiled("alert.score")
        #expect(score.evaluate(["alert": ["score": 71.0]]).value == 71)
        #expect(score.evaluate(["alert": ["score": 71.5]]).value != 71)
    }

    // MARK: Code points

    @Test(
        arguments: [
            ("alert.title == '\u{E9}'", false), ("alert.title == 'e\u{301}'", true), ("alert.title.size()", 2),
            ("size('👩‍👩‍👧')", 5), ("alert.title.startsWith('e')", true), ("alert.title.contains('e')", true),
            ("'e\u{301}'.indexOf('\u{301}')", 1), ("'\u{E9}' in ['e\u{301}']", false), ("{'\u{E9}': 1}.size()", 1),
            ("{'\u{E9}': 1, 'e\u{301}': 2}['e\u{301}']", 2), ("'\u{E9}' in any", false),
            ("'a\u{301}b'.substring(1, 2)", "\u{301}"),
            ("alert.title.matches('^e.$')", true), ("'\u{1F600}' > '\u{FF5E}'", true), ("'Z' < 'a'", true),
            ("'ÄB'.lowerAscii()", "Äb"), ("b'é'.size()", 2), ("'e\u{301}'.reverse()", "\u{301}e"),
            ("'\\r\\n'.size()", 2), ("'a\u{301}'.replace('a', 'o')", "o\u{301}"),
        ] as [(String, Value)])
    func `text is code points, never what they look like`(_ source: String, _ value: Value) throws {
        let found = try outcome(source)
        #expect(found == value)
        if case .string(let a) = found, case .string(let b) = value { #expect(Array(a.utf8) == Array(b.utf8)) }
    }

    // MARK: Names

    @Test(
        arguments: [
            ("alert.`user-agent`", "curl/8"), ("alert['user-agent']", "curl/8"), ("alert.labels.`helm.sh/chart`", "x"),
            ("alert.labels['helm.sh/chart']", "x"), ("has(alert.labels.`helm.sh/chart`)", true),
            ("'helm.sh/chart' in alert.labels", true), ("has(alert.labels.`no.such`)", false),
            ("alert.labels.?`helm.sh/chart`.orValue('-')", "x"), ("any.raw.`null` == null", true),
        ] as [(String, Value)])
    func `a field whose name is no identifier can be read`(_ source: String, _ value: Value) throws {
        #expect(try outcome(source) == value)
    }

    // MARK: Determinism

    @Test func `now is what the caller says, the same for the whole evaluation`() throws {
        let source = "[now, now] == [timestamp('2026-01-02T03:04:05Z'), now] && now - alert.at == duration('0s')"
        let expression = try Expression.compile(source, variables: ["now": .timestamp, "alert": alertSchema])
        let now = try #require(Timestamp("2026-01-02T03:04:05Z"))
        for _ in 0..<2 { #expect(expression.decide(["alert": alert], at: now) == .isTrue) }
        let missing = expression.decide(["alert": alert])
        #expect(missing == .undecided(EvaluationError(.noSuchVariable, "")))
    }

    @Test func `loops over maps see the keys in one order`() throws {
        let members = Dictionary(uniqueKeysWithValues: (0..<100).map { ("k\($0)", Value.int($0)) })
        let keys = try compiled("any.map(k, k)")
        let sorted = members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(keys.evaluate(["any": .object(members)]).value == .array(sorted.map { .string($0) }))
        var other: [String: Value] = [:]
        for key in members.keys.reversed() { other[key] = members[key] }
        #expect(keys.evaluate(["any": .object(other)]) == keys.evaluate(["any": .object(members)]))
    }

    // MARK: Time zones

    @Test(arguments: [
        ("Europe/Paris", 5), ("America/New_York", 23), ("Asia/Kolkata", 9), ("UTC", 4), ("+02:30", 6), ("-08:00", 20),
    ])
    func `the hour of a moment depends on the zone and its summer time`(_ zone: String, _ hour: Int64) throws {
        let july = try compiled("timestamp('2026-07-01T04:00:00Z').getHours('\(zone)')")
        let expected = zone == "Europe/Paris" ? 6 : (zone == "America/New_York" ? 0 : hour)
        #expect(july.evaluate([:]).value == .int(expected))
        let january = try compiled("timestamp('2026-01-01T04:00:00Z').getHours('\(zone)')")
        #expect(january.evaluate([:]).value == .int(hour))
    }

    @Test(arguments: ["Mars/Base", "../../etc/passwd", "/etc/passwd", "", "Europe", "+25:00", "Europe//Paris"])
    func `a zone that does not exist is an error`(_ zone: String) throws {
        let hours = try compiled("alert.at.getHours('\(zone)')")
        #expect(hours.evaluate(["alert": alert]).error == EvaluationError(.badArgument, ""))
    }
}
