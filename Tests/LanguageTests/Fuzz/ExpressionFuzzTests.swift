// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import CordonLanguage

@Suite struct ExpressionFuzzTests {
    static let seeds = [
        "alert.score > 70 && !has(alert.suppressed)", "any.identity.kind == 'service' || any.raw.count in [1, 2]",
        "any.tags.all(t, t.startsWith('a') || any.tags.exists(u, u == t))", "any.map(k, [k, k]).filter(p, p[0] != '')",
        "cel.bind(x, [any, any], x == x ? x.size() : 0)", "any.?raw.?count.orValue(3) + 1",
        "'%s %d %.3f'.format([any, 1, 2.0])",
        "timestamp('2026-01-02T03:04:05Z').getHours('Europe/Paris') + duration('1h30m').getMinutes()",
        "{1: 'a', 'b': [true]}.transformMap(k, v, k != 1, [v])", "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
        "math.greatest([1, 2.5, 3u]) > 2 && base64.decode('aGk=') == b'hi'", "any.title.matches('(?i)^[a-z]+$')",
        "any.raw.`null` == null ? dyn(1) : dyn('x')",
        "optional.of(any).optMap(a, a.score).value() - 9223372036854775807",
        "any.tags.join(',').split(',').map(s, s.replace('a', 'bb').reverse().upperAscii())",
        "\"\\u00e9\" + r'\\d' + '''x'''",
    ]
    static let pieces = [
        "alert", "any", ".score", ".title", ".tags", ".raw", ".?x", "[0]", "[?0]", "['k']", "(", ")", "[", "]", "{",
        "}", "?", ":", ",", "&&", "||", "!", "-", "+", "*", "/",
        "%", "==", "<", "in ", "1", "2u", "1.5e3", "9223372036854775807", "'a'", "b'x'", "\"é\"", "null", "true",
        ".all(x, ", ".map(x, ", ".exists(x, x", ".filter(x, ",
        "has(", "cel.bind(x, ", ".size()", ".matches(", "'(a+)+$'", "x", "type(", "string(", "int(", ".format([",
        "optional.of(", ".orValue(", "`a-b`", "//", "\n", "\\",
    ]

    /// Long texts, many keys and depth: what an alert may bring.
    static func alert(_ dice: inout Seeded) -> Value {
        var value = LanguageTests.alert
        guard case .object(var members) = value else { return value }
        switch dice.below(6) {
        case 0:
            members["title"] = .string(
                String(repeating: dice.pick(["a", "é", "\u{301}", "a b,"]), count: dice.below(20_000)))
        case 1: members["tags"] = .array((0..<dice.below(3_000)).map { .string("t\($0)") })
        case 2:
            members["raw"] = .object(
                Dictionary(uniqueKeysWithValues: (0..<dice.below(2_000)).map { ("k\($0)", .int(Int64($0))) }))
        case 3: members["raw"] = (0..<dice.below(100)).reduce(Value.int(1)) { value, _ in .array([value]) }
        default: break
        }
        value = .object(members)
        return value
    }

    @Test(.timeLimit(.minutes(20)))
    func `no expression crashes the compiler or the evaluator, hangs it or escapes its limits`() {
        let limits = ExpressionLimits(costMax: 50_000, valueBytesMax: 1 << 20)
        let findings = Fuzzer("expressions", inputs: 500).run { dice in
            let source =
                dice.chance(30)
                ? (0..<dice.below(25)).map { _ in dice.pick(Self.pieces) }.joined()
                : dice.mutated(dice.pick(Self.seeds), with: Self.pieces, scalarsMax: 5_000)
            return Self.finding(source, Self.alert(&dice), limits)
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    static func finding(_ source: String, _ alert: Value, _ limits: ExpressionLimits) -> String? {
        let length = source.unicodeScalars.count
        let expression: Expression
        do {
            expression = try Expression.compile(source, variables: ["alert": alertSchema, "any": .any], limits: limits)
        } catch {
            let isInside = error.issues.allSatisfy { $0.offset >= 0 && $0.offset <= length && $0.width > 0 }
            return isInside ? nil : "an issue lies outside of \(source.debugDescription)"
        }
        guard length <= limits.codePointsMax else { return "too long and accepted" }
        let variables = ["alert": alert, "any": alert]
        let result = expression.evaluate(variables)
        let (explained, parts) = expression.explain(variables)
        // NaN has no JSON form, so equal evaluations are equal values.
        guard explained == result else { return "explained differently: \(source.debugDescription)" }
        guard parts.allSatisfy({ $0.offset >= 0 && $0.offset + $0.length <= length }) else {
            return "a part lies outside"
        }
        if let error = result.error, error.offset < 0 || error.offset > length { return "an error lies outside" }
        let again = expression.evaluate(variables)
        return again == result ? nil : "evaluated differently: \(source.debugDescription)"
    }

    @Test(.timeLimit(.minutes(20)))
    func `no template crashes its reader`() {
        let pieces = ["${", "}", "$${", "$", "any.title", "'}'", "{'a': 1}", " text ", "\"", "1"]
        let findings = Fuzzer("templates", inputs: 1_000).run { dice in
            let text = (0..<dice.below(12)).map { _ in dice.pick(pieces) }.joined()
            return Self.finding(template: text)
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    private static func finding(template text: String) -> String? {
        guard let template = try? Template.compile(text, variables: ["any": .any]) else { return nil }
        _ = template.render(["any": LanguageTests.alert])
        if !text.contains("${"), template.parts != [.text(text)] { return "'\(text)' has no hole and changed" }
        return nil
    }

    @Test func `the corpus crashes, hangs and misleads neither`() {
        let limits = ExpressionLimits(costMax: 50_000, valueBytesMax: 1 << 20)
        let findings = Corpus.findings(in: Corpus.expressions) { Self.finding($0, LanguageTests.alert, limits) }
        #expect(findings.isEmpty, "\(findings)")
        let others = Corpus.findings(in: Corpus.templates) { Self.finding(template: $0) }
        #expect(others.isEmpty, "\(others)")
    }
}
