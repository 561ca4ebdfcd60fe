// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// A decision can be shown with the value of each of its parts, each with its place in the source.
@Suite struct ExplainTests {
    private func lines(_ source: String, _ any: Value = alert) throws -> [String] {
        try compiled(source).explain(["alert": alert, "any": any]).1.map { part in
            let outcome =
                switch part.outcome {
                case .value(let value): value.json
                case .error(let error): "error: \(error.message)"
                case .notEvaluated: "not evaluated"
                }
            let times = part.times > 1 ? " (\(part.times) times)" : ""
            return String(repeating: "  ", count: part.depth) + "\(part.text) = \(outcome)\(times)"
        }
    }

    @Test func `every part that is no literal is shown with its value`() throws {
        #expect(
            try lines("alert.score > 70 && !has(alert.suppressed)") == [
                "alert.score > 70 && !has(alert.suppressed) = true",
                "  alert.score > 70 = true",
                "    alert.score = 71",
                "  !has(alert.suppressed) = true",
                "    has(alert.suppressed) = false",
            ])
    }

    @Test func `what another part made unnecessary is shown as not evaluated`() throws {
        #expect(
            try lines("any.score > 100 ? any.title : any.severity") == [
                "any.score > 100 ? any.title : any.severity = \"high\"",
                "  any.score > 100 = false", "    any.score = 71", "  any.title = not evaluated",
                "  any.severity = \"high\"",
            ])
    }

    @Test func `an error is shown at the part that failed and at all that hold it`() throws {
        #expect(
            try lines("any.raw.none > 3 || any.raw.count == 1") == [
                "any.raw.none > 3 || any.raw.count == 1 = true",
                "  any.raw.none > 3 = error: no key 'none' in any.raw",
                "    any.raw.none = error: no key 'none' in any.raw",
                "  any.raw.count == 1 = true", "    any.raw.count = 1",
            ])
    }

    @Test func `a loop shows its last turn and how many there were`() throws {
        #expect(
            try lines("alert.tags.exists(t, t == 'b')") == [
                "alert.tags.exists(t, t == 'b') = true", "  alert.tags = [\"a\",\"b\"]", "  t == 'b' = true (2 times)",
                "    t = \"b\" (2 times)",
            ])
    }

    @Test func `functions under a name and bound names are no parts`() throws {
        #expect(
            try lines("math.greatest(alert.score, 3) == 71") == [
                "math.greatest(alert.score, 3) == 71 = true", "  math.greatest(alert.score, 3) = 71",
                "    alert.score = 71",
            ])
    }

    @Test func `spans count code points and cut the part out of the source`() throws {
        let source = "'é😀' == any.title || any.score == 71"
        let scalars = Array(source.unicodeScalars)
        let (_, parts) = try compiled(source).explain(["any": alert])
        #expect(parts.count == 5)
        for part in parts {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[part.offset..<part.offset + part.length])
            #expect(String(text) == part.text)
        }
    }

    @Test(arguments: [
        "any.score > 70", "any.missing == 1", "any.missing == 1 || true", "any.tags.all(t, t != 'z')", "1 / 0 == 1",
        "any.tags.map(t, t + '!')", "cel.bind(x, any.score, x + x)", "any.?missing.orValue(3)",
        "'%s'.format([any.tags])",
    ])
    func `explaining changes no outcome`(_ source: String) throws {
        let expression = try compiled(source)
        let (explained, parts) = expression.explain(["any": alert])
        #expect(explained == expression.evaluate(["any": alert]))
        let whole = try #require(parts.first)
        #expect(whole.text == source)
        switch whole.outcome {
        case .value(let value): #expect(explained.value == value)
        case .error(let error): #expect(explained.error == error)
        case .notEvaluated: Issue.record("the whole was evaluated")
        }
    }

    @Test func `what an explanation shows is bounded like what an evaluation makes`() throws {
        let source = String(repeating: "cel.bind(x, [x, x], ", count: 30) + "1" + String(repeating: ")", count: 30)
        let (_, parts) = try Expression.compile(source, variables: ["x": .any]).explain(["x": 1])
        let codes = parts.compactMap { part in if case .error(let error) = part.outcome { error.code } else { nil } }
        #expect(codes.contains(.bytesExceeded))
    }

    @Test func `the paths that a condition reads are known before it runs`() throws {
        let source = "any.a.b == 1 && has(any.c) && any['d'].e.exists(x, x.f == any.g) && any.h[0].i"
        #expect(
            try compiled(source).reads == [
                ["any", "a", "b"], ["any", "c"], ["any", "d", "e"], ["any", "g"], ["any", "h"],
            ])
    }
}
