// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// Prints how long the usual things take: build with `-c release` to compare with the figures to reach. What the
/// machine's mood can change is printed and not asserted; that the work was done is asserted.
@Suite(.serialized) struct ExpressionFigureTests {
    private func print(_ what: String, _ count: Int, _ time: Duration) {
        let each = time / count
        Swift.print("figure: \(what): \(each.formattedNanoseconds)")
    }

    static let usual = "alert.identity.kind == 'service' && alert.score > 70 && alert.severity == 'high'"

    @Test func `a usual condition is decided`() throws {
        let condition = try compiled(Self.usual, expecting: .bool)
        let rounds = 20_000
        var fired = 0
        let time = ContinuousClock().measure {
            for _ in 0..<rounds where condition.decide(["alert": alert]) == .isTrue { fired += 1 }
        }
        #expect(fired == rounds)
        print("deciding a usual condition (4 selects, 3 comparisons)", rounds, time)
    }

    @Test func `a usual condition is compiled and explained`() throws {
        let rounds = 1_000
        var parts = 0
        let compiling = try ContinuousClock().measure {
            for _ in 0..<rounds { parts += try compiled(Self.usual, expecting: .bool).variables.count }
        }
        #expect(parts == rounds)
        print("compiling it against a schema", rounds, compiling)
        let condition = try compiled(Self.usual, expecting: .bool)
        parts = 0
        let explaining = ContinuousClock().measure {
            for _ in 0..<rounds { parts += condition.explain(["alert": alert]).1.count }
        }
        #expect(parts == 7 * rounds)
        print("explaining it", rounds, explaining)
    }

    @Test func `500 conditions are compiled and one alert is decided by all`() throws {
        let sources = (0..<500).map {
            "alert.identity.kind == 'k\($0)' && alert.score > \($0) || 'x\($0)' in alert.tags"
        }
        var conditions: [Expression] = []
        let compiling = try ContinuousClock().measure {
            for source in sources { conditions.append(try compiled(source, expecting: .bool)) }
        }
        print("compiling 500 conditions", 1, compiling)
        var decided = 0
        let deciding = ContinuousClock().measure {
            for condition in conditions where condition.decide(["alert": alert]) == .isFalse { decided += 1 }
        }
        #expect(decided == 500)
        print("deciding 500 conditions on one alert", 1, deciding)
    }

    @Test func `a file of 64 KiB is read`() throws {
        let line = "  - { id: step, do: account.suspend, with: { subject: \"${inputs.subject}\" } }\n"
        let text = "steps:\n" + String(repeating: line, count: (65_536 - 7) / line.utf8.count)
        var steps = 0
        let time = try ContinuousClock().measure {
            steps = try YAMLDocument.parse(text, file: "f.yaml").root["steps"]?.items?.count ?? 0
        }
        #expect(steps > 800)
        print("reading a YAML file of 64 KiB", 1, time)
    }
}

extension Duration {
    fileprivate var formattedNanoseconds: String {
        let nanoseconds = components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
        return nanoseconds < 10_000 ? "\(nanoseconds) ns" : "\(nanoseconds / 1_000) µs"
    }
}
