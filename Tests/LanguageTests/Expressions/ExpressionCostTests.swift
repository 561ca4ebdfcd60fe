// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// Work and memory are counted in the measure of Kubernetes, and end an evaluation that no operator may absorb.
@Suite struct ExpressionCostTests {
    private func cost(_ source: String, _ any: Value = .null) throws -> Int {
        let expression = try Expression.compile(source, variables: ["any": .any])
        var machine = Machine(expression.program, ["any": any], now: nil, limits: .default)
        _ = try machine.result()
        return machine.budget.cost
    }

    @Test(arguments: [
        ("1", 0), ("any", 1), ("any.a", 2), ("any.a.b", 3), ("[1, 2, 3]", 10), ("{'a': 1}", 30), ("1 + 2", 1),
        ("any.a == 1", 3), ("true && false", 1), ("any.a.b == 1 && any.a.c > 2", 9), ("'abc'.size()", 2),
        ("any.text.contains('x')", 104), ("any.text.matches('x')", 104), ("any.list.all(x, x > 0)", 52),
        ("'x' in any.words", 13), ("any.text == any.text", 105), ("any.list == any.list", 16),
    ])
    func `an expression costs what its work costs`(_ source: String, _ units: Int) throws {
        let text = String(repeating: "a", count: 1_000)
        let any: Value = [
            "a": ["b": 1, "c": 3], "text": .string(text), "list": .array((1...10).map { .int($0) }),
            "words": .array((1...10).map { .string("w\($0)") }),
        ]
        #expect(try cost(source, any) == units)
    }

    @Test func `a usual condition costs under 20 units`() throws {
        let any: Value = ["identity": ["kind": "service"], "score": 80, "severity": "high"]
        let source = "any.identity.kind == 'service' && any.score > 70 && any.severity == 'high'"
        #expect(try cost(source, any) < 20)
    }

    /// Conditions whose work grows with the square or cube of the alert, or exponentially with the expression.
    static let expensive = [
        "any.all(x, any.all(y, x + y >= 0))", "any.map(x, any.map(y, x)).size() > 0", "any.all(x, any == any)",
        "any.all(x, any.exists(y, 'a'.matches('(a{90}){90}')))", "any.all(x, math.greatest(any) > 0)",
        "any.all(x, '%s'.format([any]).size() > 0)", "any.all(x, any.exists_one(y, y == x))",
        "any.all(x, (any + any).size() > 0)", "any.all(x, any.map(y, string(y)).join(',').size() > 0)",
        "any.all(x, any.transformMapEntry(i, v, {string(v): i}).size() > 0)",
        "any.all(x, any.transformMap(i, v, v).size() > 0)",
    ]

    /// A tenth of what authors get, so that the tests take a tenth of the time.
    static let tenth = ExpressionLimits(costMax: 100_000, valueBytesMax: 1_600_000)

    @Test(arguments: expensive)
    func `a condition that costs more than its bound is undecided and says so`(_ source: String) throws {
        let expression = try Expression.compile(source, variables: ["any": .any], limits: Self.tenth)
        let outcome = expression.decide(["any": .array((0..<3_000).map { .int($0) })])
        guard case .undecided(let error) = outcome else {
            Issue.record("decided: \(outcome)")
            return
        }
        #expect([.costExceeded, .bytesExceeded].contains(error.code))
        #expect(["X070", "X071"].contains(error.code.number))
    }

    @Test func `an author's condition may cost 1,000,000 units and no more`() throws {
        #expect(ExpressionLimits.default.costMax == 1_000_000)
        let expression = try Expression.compile("any.all(x, any.all(y, true))", variables: ["any": .any])
        let error = expression.evaluate(["any": .array(Array(repeating: 1, count: 1_000))]).error
        #expect(error?.message == "the expression costs more than 1000000 units")
    }

    @Test func `the message names the figure`() throws {
        let limits = ExpressionLimits(costMax: 100, valueBytesMax: 1_000)
        let loop = try Expression.compile("any.all(x, true)", variables: ["any": .any], limits: limits)
        let error = loop.evaluate(["any": .array(Array(repeating: 1, count: 100))]).error
        #expect(error?.message == "the expression costs more than 100 units")
        let text = try Expression.compile("any + any", variables: ["any": .string], limits: limits)
        let big = text.evaluate(["any": .string(String(repeating: "a", count: 600))]).error
        #expect(big?.message == "the expression costs more than 100 units")
        let bytes = ExpressionLimits(valueBytesMax: 1_000)
        let other = try Expression.compile("any + any", variables: ["any": .string], limits: bytes)
        let long = other.evaluate(["any": .string(String(repeating: "a", count: 600))]).error
        #expect(long?.code.number == "X071")
        #expect(long?.message == "the expression makes values of more than 1000 bytes")
    }

    @Test func `nothing absorbs a spent budget`() throws {
        let limits = ExpressionLimits(costMax: 1_000)
        for source in [
            "any.all(x, true) || true", "true && any.all(x, true)", "[1].exists(y, any.all(x, true)) || true",
            "cel.bind(y, any.all(x, true), true)", "optional.of(any.all(x, true)).orValue(true)",
        ] {
            let expression = try Expression.compile(source, variables: ["any": .any], limits: limits)
            let outcome = expression.decide(["any": .array(Array(repeating: 1, count: 1_000))])
            #expect(outcome == .undecided(EvaluationError(.costExceeded, "")), "\(source)")
        }
    }

    /// Values that share their parts are small to make and of any size to look at.
    @Test(arguments: [
        "x == x", "[x] == [x]", "optional.of(x) == optional.of(x)", "x in [x]", "'%s'.format([x]) == ''",
        "{1: x} == {1: x}",
        "x",
    ])
    func `values that double at each step are counted at their full size`(_ end: String) throws {
        for step in ["[x, x]", "optional.of([x, x])", "{'a': x, 'b': x}", "[optional.of(x), optional.of(x)]"] {
            let source = String(repeating: "cel.bind(x, \(step), ", count: 50) + end + String(repeating: ")", count: 50)
            let expression = try Expression.compile(source, variables: ["x": .any], limits: Self.tenth)
            let code = expression.evaluate(["x": 1]).error?.code
            #expect(code == .costExceeded || code == .bytesExceeded, "\(step): \(String(describing: code))")
        }
    }

    @Test(
        .timeLimit(.minutes(20)),
        arguments: [
            "any.list.all(x, any.text.replace('k', 'kk').size() > 0)",
            "any.list.all(x, '%.300f'.format([1e-300]) != '')", "any.list.all(x, any.keys == any.keys)",
            "any.list.all(x, any.text.size() > 0)", "any.list.all(x, !('a'.contains(any.text)))",
            "any.list.all(x, 'a'.indexOf(any.text) < 0)",
            "any.list.all(x, !(any.text in {'a': 1}))", "any.list.all(x, {any.text: x}.size() == 1)",
            "any.list.exists(x, any[any.text])",
            "any.list.exists(x, duration(any.digits) == duration('1s'))",
            "any.list.exists(x, double(any.digits) < 0.0)",
            "any.list.all(x, any.keys.exists(k, true))", "any.list.exists(x, ip(any.text) == ip('::1'))",
            "any.list.exists(x, timestamp(any.digits) == timestamp('2026-01-01T00:00:00Z'))",
            "any.list.exists(x, any.list.join() == '')",
            "any.list.exists(x, optional.unwrap(any.list).size() > 0)", "any.list.all(x, [any.text] == [any.text])",
        ])
    func `text, keys and lists of an alert are paid for wherever they are read`(_ source: String) throws {
        let expression = try Expression.compile(source, variables: ["any": .any], limits: Self.tenth)
        let text = String(repeating: "k", count: 100_000)
        var keys: [String: Value] = [:]
        for number in 0..<5_000 { keys["\(number)"] = true }
        let any: Value = [
            "list": .array((0..<5_000).map { .int($0) }), "text": .string(text), "keys": .object(keys),
            "digits": .string(String(repeating: "1", count: 100_000)),
        ]
        #expect(expression.decide(["any": any]) == .undecided(EvaluationError(.costExceeded, "")))
    }
}
