// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage
import Foundation

/// One measured value, beside what it should be.
package struct Figure: Sendable {
    package var name: String
    package var value: Double
    package var unit: String
    /// The figure should stay below, or at least reach it.
    package var target: Double?
    package var isFloor = false
    /// What one sync of the disk took meanwhile.
    package var disk: Distribution?

    package init(name: String, value: Double, unit: String, target: Double? = nil, isFloor: Bool = false) {
        self.name = name
        self.value = value
        self.unit = unit
        self.target = target
        self.isFloor = isFloor
    }

    package var ratio: Double? { target.map { value / $0 } }

    package var json: Value {
        var fields: [String: Value] = ["name": .string(name), "value": .double(value), "unit": .string(unit)]
        fields["target"] = target.map(Value.double)
        fields["ratio"] = ratio.map(Value.double)
        if let disk {
            fields["sync_ms"] = ["p50": .double(disk.median), "p99": .double(disk.percentile(99))]
        }
        return .object(fields)
    }
}

/// The figures in the order they were measured, and the circumstances that they depend on.
package struct Report: Sendable {
    package var circumstances: [(name: String, text: String)] = []
    package var figures: [Figure] = []

    package init() {}

    package mutating func note(_ name: String, _ text: String) { circumstances.append((name, text)) }

    package mutating func add(_ name: String, _ value: Double, _ unit: String, target: Double? = nil) {
        figures.append(Figure(name: name, value: value, unit: unit, target: target))
    }

    /// A figure that should be at least so large.
    package mutating func add(_ name: String, _ value: Double, _ unit: String, atLeast target: Double) {
        figures.append(Figure(name: name, value: value, unit: unit, target: target, isFloor: true))
    }

    /// Says of the figures from there on what one sync of the disk took while they were measured.
    package mutating func note(disk: Distribution, from first: Int) {
        for index in figures.indices.dropFirst(first) { figures[index].disk = disk }
    }

    /// A figure for each of the percentiles; 100 is the largest value.
    package mutating func add(
        _ name: String, _ distribution: Distribution, _ percents: [Double], targets: [Double: Double] = [:]
    ) {
        for percent in percents {
            let label = percent == 100 ? "max" : "p\(Int(percent))"
            add("\(name), \(label)", distribution.percentile(percent), "ms", target: targets[percent])
        }
    }

    package mutating func noteMachine(_ when: String) {
        var loads = [Double](repeating: 0, count: 3)
        getloadavg(&loads, 3)
        note("load average \(when)", loads.map { String(format: "%.2f", $0) }.joined(separator: " "))
    }

    package var json: String {
        let around = Dictionary(circumstances.map { ($0.name, Value.string($0.text)) }) { first, _ in first }
        let document: Value = ["circumstances": .object(around), "figures": .array(figures.map(\.json))]
        return document.prettyJSON
    }

    package var table: String {
        var lines = circumstances.map { "\($0.name): \($0.text)" } + [""]
        let rows =
            [["measure", "figure", "target", "ratio", "a sync meanwhile, p50 / p99"]] + figures.map(Report.row)
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = row.enumerated().map { column, text in
                let fill = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + fill : fill + text
            }
            lines.append(cells.joined(separator: "  "))
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ figure: Figure) -> [String] {
        [
            figure.name, "\(short(figure.value)) \(figure.unit)",
            figure.target.map { "\(figure.isFloor ? "≥" : "<") \(short($0)) \(figure.unit)" } ?? "",
            figure.ratio.map { String(format: "%.2f", $0) } ?? "",
            figure.disk.map { String(format: "%.2f / %.2f ms", $0.median, $0.percentile(99)) } ?? "",
        ]
    }

    private static func short(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e6 ? String(Int(number)) : String(format: "%.2f", number)
    }
}
