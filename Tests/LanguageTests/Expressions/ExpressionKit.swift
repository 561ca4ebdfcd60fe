// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// An alert as most tests here know it: typed fields, two of them optional, and one part that nothing is known of.
let alertSchema = Schema.object(
    "alert",
    [
        "score": .init(.int), "share": .init(.double), "title": .init(.string), "at": .init(.timestamp),
        "age": .init(.duration), "severity": .init(.string), "tags": .init(.list(.string)),
        "labels": .init(.map(.string)), "suppressed": .init(.bool, isOptional: true),
        "identity": .init(
            .object("alert.identity", ["kind": .init(.string), "owner": .init(.string, isOptional: true)])),
        "raw": .init(.any), "user-agent": .init(.string),
    ])

let alert: Value = [
    "score": 71, "share": 3, "title": "e\u{301}", "at": "2026-01-02T03:04:05Z", "age": "90s", "severity": "high",
    "tags": ["a", "b"], "labels": ["helm.sh/chart": "x"], "identity": ["kind": "service"], "user-agent": "curl/8",
    "raw": ["count": 1, "ratio": 1.0, "big": 9_007_199_254_740_993, "key": "v", "null": nil],
]

func compiled(_ source: String, expecting: Schema? = nil) throws -> Expression {
    try Expression.compile(source, variables: ["alert": alertSchema, "any": .any], expecting: expecting)
}

/// The value of an expression over the alert, or the words of its error.
func outcome(_ source: String) throws -> Value {
    switch try compiled(source).evaluate(["alert": alert, "any": alert]) {
    case .value(let value): value
    case .error(let error): .string("error: \(error.message)")
    }
}

func decision(_ source: String, _ any: Value = alert) throws -> Condition {
    try compiled(source).decide(["alert": alert, "any": any])
}

/// How the errors of a source read for a person, as in a file `x.yaml` whose third line it is.
func refusal(_ source: String, expecting: Schema? = .bool) -> String {
    do {
        _ = try compiled(source, expecting: expecting)
        return "accepted"
    } catch let errors as ExpressionErrors {
        let place = Place(file: "x.yaml", line: 3, column: 9)
        return Diagnostics(errors.diagnostics(at: place, sourceLine: "  when: " + source)).text
    } catch {
        return "\(error)"
    }
}
