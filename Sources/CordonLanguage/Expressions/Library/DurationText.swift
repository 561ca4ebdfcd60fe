// SPDX-License-Identifier: Apache-2.0

/// Durations as text: `1h45m47s`, `-1.5h`, `300ms` in; seconds out.
enum DurationText {
    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Nanoseconds, or nil for no duration or one beyond 64 bits.
    static func parse(_ text: String) -> Int64? {
        var rest = Substring(text).unicodeScalars
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest.elementsEqual("0".unicodeScalars) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total: UInt64 = 0
        while !rest.isEmpty {
            guard let part = component(&rest) else { return nil }
            let (sum, isOver) = total.addingReportingOverflow(part)
            guard !isOver else { return nil }
            total = sum
        }
        if isNegative { return total <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- total) : nil }
        return Int64(exactly: total)
    }

    /// One number with its unit.
    private static func component(_ rest: inout Substring.UnicodeScalarView) -> UInt64? {
        var whole: UInt64 = 0
        var digits = 0
        var fraction: [UInt8] = []
        while let scalar = rest.first, Lexer.isDigit(scalar) {
            let (product, isOver) = whole.multipliedReportingOverflow(by: 10)
            let (sum, isOverToo) = product.addingReportingOverflow(UInt64(scalar.value - 0x30))
            guard !isOver, !isOverToo else { return nil }
            whole = sum
            digits += 1
            rest.removeFirst()
        }
        if rest.first == "." {
            rest.removeFirst()
            while let scalar = rest.first, Lexer.isDigit(scalar) {
                // Below a nanosecond of an hour nothing counts.
                if fraction.count < 18 { fraction.append(UInt8(scalar.value - 0x30)) }
                digits += 1
                rest.removeFirst()
            }
        }
        guard digits > 0 else { return nil }
        var name = String.UnicodeScalarView()
        while let scalar = rest.first, scalar != ".", !Lexer.isDigit(scalar) {
            name.append(scalar)
            rest.removeFirst()
        }
        guard let unit = units.first(where: { $0.name.isSame(as: String(name)) })?.nanoseconds else { return nil }
        let (product, isOver) = whole.multipliedReportingOverflow(by: unit)
        let (sum, isOverToo) = product.addingReportingOverflow(part(fraction, of: unit))
        return isOver || isOverToo ? nil : sum
    }

    private static func part(_ digits: [UInt8], of unit: UInt64) -> UInt64 {
        var numerator: UInt64 = 0
        var denominator: UInt64 = 1
        for digit in digits {
            numerator = numerator * 10 + UInt64(digit)
            denominator *= 10
        }
        let (high, low) = numerator.multipliedFullWidth(by: unit)
        return denominator.dividingFullWidth((high, low)).quotient
    }

    /// `6347s`, `-1.5s`.
    static func text(_ nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let whole = nanoseconds.magnitude / 1_000_000_000
        return "\(sign)\(whole)\(fraction(Int64(nanoseconds.magnitude % 1_000_000_000)))s"
    }

    /// `.5` for half a second in nanoseconds; nothing for none.
    static func fraction(_ nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "" }
        let digits = "\(nanoseconds)"
        var text = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while text.hasSuffix("0") { text.removeLast() }
        return ".\(text)"
    }
}
