// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage

/// Conditions as playbooks have them, compiled once against the alert's schema and evaluated many times.
struct Conditions {
    static let sources = [
        "alert.identity.kind == 'service' && alert.score > 70 && alert.severity == 'high'",
        "alert.severity in ['high', 'critical'] && alert.tags.exists(t, t == 'prod')",
        "alert.title.startsWith('Secret') || has(alert.suppressed) ? alert.score >= 50 : alert.score >= 90",
        "alert.consumers.all(c, c.reloads && c.age < 365)",
    ]

    /// Three comparisons, every one of them needed; lists of the length that alerts have.
    static let alert: Value = [
        "identity": ["kind": "service", "name": "svc-billing"], "score": 71, "severity": "high",
        "title": "Secret found in a build log", "tags": ["ci", "web", "prod"],
        "consumers": .array((0..<20).map { ["name": .string("c\($0)"), "reloads": true, "age": .int($0)] }),
    ]

    private static let schema = Schema.object(
        "alert",
        [
            "identity": .init(.object("alert.identity", ["kind": .init(.string), "name": .init(.string)])),
            "score": .init(.int), "severity": .init(.string), "title": .init(.string),
            "suppressed": .init(.bool, isOptional: true), "tags": .init(.list(.string)),
            "consumers": .init(
                .list(
                    .object(
                        "consumer", ["name": .init(.string), "reloads": .init(.bool), "age": .init(.int)]))),
        ])

    private static let batch = 2000
    private static let batches = 51

    let compiled: [Expression]
    let values: [Value]

    init() throws {
        compiled = try Self.sources.map {
            try Expression.compile($0, variables: ["alert": Self.schema], expecting: .bool)
        }
        values = compiled.map { $0.evaluate(["alert": Self.alert]).value ?? .null }
    }

    /// Nanoseconds for one evaluation of each: the median of batches, of what the processor spent on it.
    func measure() throws -> [Double] {
        try compiled.enumerated().map { index, expression in
            let wanted: Condition = values[index] == true ? .isTrue : .isFalse
            return try Self.nanoseconds { expression.decide(["alert": Self.alert]) == wanted }
        }
    }

    func explaining() throws -> Double {
        try Self.nanoseconds { compiled[0].explain(["alert": Self.alert]).0.value == true }
    }

    private static func nanoseconds(_ work: () -> Bool) throws -> Double {
        var taken: [Double] = []
        for _ in 0..<batches {
            let start = Monotonic.threadNanoseconds
            for _ in 0..<batch {
                guard work() else { throw BenchFailure(description: "a condition changed its mind") }
            }
            taken.append(Double(Monotonic.threadNanoseconds - start) / Double(batch))
        }
        return Distribution(taken).median
    }
}
