// SPDX-License-Identifier: Apache-2.0

/// Durations as authors write them: one whole number and one unit, `500ms`, `30s`, `15m`, `72h`, `2d`.
package enum YAMLDuration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Milliseconds, or `nil` when the text is no duration or too long for 64 bits.
    package static func milliseconds(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        let unit = text.utf8.dropFirst(digits.count)
        guard let number = Int64(Substring(digits)),
            let scale = units.first(where: { unit.elementsEqual($0.name.utf8) })
        else { return nil }
        let (product, isTooLong) = number.multipliedReportingOverflow(by: scale.milliseconds)
        return isTooLong ? nil : product
    }

    /// The shortest text of a duration: the largest unit that leaves no rest.
    package static func text(milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "0s" }
        let unit = units.first { milliseconds % $0.milliseconds == 0 }
        return unit.map { "\(milliseconds / $0.milliseconds)\($0.name)" } ?? "\(milliseconds)ms"
    }
}
