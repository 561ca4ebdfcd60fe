// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonCore
import CordonLanguage
import Foundation

/// Measures what a decision is made of: one condition, the loading of many playbooks, one alert put to all of them, and
/// the same conditions in other implementations of the language. It judges nothing.
@main
struct ExpressionBench {
    private var report = Report()

    static let usage = """
        usage: cordon-bench-expressions [--python PATH] [--json]
          --python  the Python that has cel-python or common-expression-language (default python3)
          --json    one JSON document instead of a table
        """

    static func main() {
        do {
            var rest = CommandLine.arguments.dropFirst()
            var python = "python3"
            var isJSON = false
            while let word = rest.popFirst() {
                switch word {
                case "--json": isJSON = true
                case "--python":
                    guard let path = rest.popFirst() else { throw BenchFailure(description: usage) }
                    python = path
                default: throw BenchFailure(description: usage)
                }
            }
            var bench = ExpressionBench()
            try bench.measure(python)
            print(isJSON ? bench.report.json : bench.report.table)
        } catch {
            FileHandle.standardError.write(Data("cordon-bench-expressions: \(error)\n".utf8))
            exit(1)
        }
    }

    private mutating func measure(_ python: String) throws {
        report.noteMachine("before")
        let conditions = try Conditions()
        let own = try conditions.measure()
        report.add("a usual condition (4 selects, 3 comparisons)", own[0], "ns", target: 2000)
        for (source, time) in zip(Conditions.sources, own).dropFirst() { report.add(source, time, "ns") }
        report.add("the usual condition with the value of each part", try conditions.explaining(), "ns")
        try measurePlaybooks()
        compare(conditions, own, Competitors.measure(python, conditions))
        report.noteMachine("after")
    }

    private mutating func measurePlaybooks() throws {
        let shelf = try PlaybookShelf()
        report.add(
            "\(PlaybookShelf.count) playbooks read and checked, median", try shelf.loading().median, "ms", target: 1000)
        let (library, signal) = (try shelf.library(), shelf.signal)
        let taken = try PlaybookShelf.deciding(signal, library)
        report.note("playbooks that match the alert", String(PlaybookShelf.matching))
        let name = "one alert put to \(PlaybookShelf.count) playbooks"
        report.add("\(name), on the processor", taken.processor, [50, 99], targets: [50: 1, 99: 2])
        report.add("\(name), on the clock", taken.clock, [50, 99, 100], targets: [50: 1, 99: 2])
    }

    /// How many times as long each other implementation takes for the same.
    private mutating func compare(_ conditions: Conditions, _ own: [Double], _ others: [Competitors.Measured]) {
        for other in others {
            if let problem = other.problem {
                report.note("NOT COMPARED with \(other.name)", problem)
                continue
            }
            report.note("compared with", "\(other.name) \(other.version)")
            for (index, source) in Conditions.sources.enumerated() {
                guard other.values[index] == conditions.values[index] else {
                    report.note("\(other.name) differs on", "\(source): \(other.values[index].json)")
                    continue
                }
                report.add(
                    "\(other.name), how many times ours: \(source)", other.nanoseconds[index] / own[index], "×")
            }
        }
    }
}
