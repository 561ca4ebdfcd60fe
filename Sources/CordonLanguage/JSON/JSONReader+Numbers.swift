// SPDX-License-Identifier: Apache-2.0

extension JSONReader {
    /// What the digits of a number say: `significand × 10^exponent`, exact while `isExact`.
    private struct Decimal {
        var significand: UInt64 = 0
        var exponent = 0
        var isExact = true

        /// Digits are collected while they fit 63 bits; after that the literal is read again, slowly.
        mutating func append(_ byte: UInt8) {
            if significand < 900_000_000_000_000_000 {
                significand = significand &* 10 &+ UInt64(byte & 0xF)
            } else {
                isExact = false
            }
        }
    }

    mutating func number() throws(Failure) -> Value {
        let start = at
        let isNegative = base[at] == UInt8(ascii: "-")
        if isNegative { at &+= 1 }
        var decimal = Decimal()
        let first = at
        try digits(&decimal)
        if base[first] == UInt8(ascii: "0"), at - first > 1 { throw fail(.leadingZero, at: first) }
        var isInteger = true
        if at < count, base[at] == UInt8(ascii: ".") {
            isInteger = false
            at &+= 1
            let point = at
            try digits(&decimal)
            decimal.exponent = point - at
        }
        if at < count, base[at] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            try exponent(&decimal)
        }
        guard at - start <= JSONLimits.numberBytesMax else { throw fail(.numberTooLong, at: start) }
        if isInteger, decimal.isExact {
            let magnitude = Int64(decimal.significand)
            return .int(isNegative ? -magnitude : magnitude)
        }
        return try slowNumber(start, isInteger: isInteger, isNegative: isNegative, decimal)
    }

    private mutating func digits(_ decimal: inout Decimal) throws(Failure) {
        let start = at
        while at < count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= base[at] {
            decimal.append(base[at])
            at &+= 1
        }
        guard at > start else { throw fail(at < count ? .badNumber : .unexpectedEnd) }
    }

    private mutating func exponent(_ decimal: inout Decimal) throws(Failure) {
        at &+= 1
        var sign = 1
        if at < count, base[at] == UInt8(ascii: "-") || base[at] == UInt8(ascii: "+") {
            sign = base[at] == UInt8(ascii: "-") ? -1 : 1
            at &+= 1
        }
        var power = Decimal()
        try digits(&power)
        decimal.exponent += sign * Int(min(power.significand, 1_000_000))
    }

    private func slowNumber(
        _ start: Int, isInteger: Bool, isNegative: Bool, _ decimal: Decimal
    ) throws(Failure) -> Value {
        // Both factors are exact doubles, so one rounding gives the nearest double (Clinger's fast case).
        if decimal.isExact, decimal.significand <= 1 << 53, abs(decimal.exponent) < powersOfTen.count {
            let whole = Double(decimal.significand)
            let power = powersOfTen[abs(decimal.exponent)]
            let magnitude = decimal.exponent < 0 ? whole / power : whole * power
            return .double(isNegative ? -magnitude : magnitude)
        }
        let text = String(decoding: UnsafeBufferPointer(start: base + start, count: at - start), as: UTF8.self)
        if isInteger, let exact = Int64(text) { return .int(exact) }
        guard let number = Double(text), number.isFinite else { throw fail(.numberOutOfRange, at: start) }
        return .double(number)
    }
}

/// The powers of ten that a double holds exactly.
private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
