// SPDX-License-Identifier: Apache-2.0

/// Doubles as decimal text, exactly and without locale.
enum NumberText {
    /// The shortest text that reads back as the same number; exponents below -4 and from 21 on.
    static func shortest(_ number: Double) -> String {
        if let special = special(number) { return special }
        let (digits, point) = shortestDigits(number.magnitude)
        let sign = number.sign == .minus ? "-" : ""
        let exponent = point - 1
        if exponent < -4 || exponent >= 21 {
            let tail = digits.dropFirst()
            let mantissa = String(digits.prefix(1)) + (tail.isEmpty ? "" : ".\(tail)")
            return "\(sign)\(mantissa)e\(exponentText(exponent))"
        }
        if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
        if point >= digits.count {
            return "\(sign)\(digits)\(String(repeating: "0", count: point - digits.count))"
        }
        return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }

    static func special(_ number: Double) -> String? {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return nil
    }

    static func exponentText(_ exponent: Int) -> String {
        let digits = "\(exponent.magnitude)"
        return (exponent < 0 ? "-" : "+") + (digits.count < 2 ? "0" : "") + digits
    }

    /// Significant digits and the place of the point before them: 12.5 is ("125", 2).
    private static func shortestDigits(_ number: Double) -> (digits: String, point: Int) {
        let text = number.description
        let parts = text.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? halves[1] : ""
        var digits = Substring(String(halves[0]) + fraction)
        var point = halves[0].count + exponent
        while digits.count > 1, digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        return digits == "0" ? ("0", 1) : (String(digits), point)
    }

    /// `%f`: so many digits behind the point, ties to the even digit.
    static func fixed(_ number: Double, places: Int) -> String {
        if let special = special(number) { return special }
        let digits = ExactDecimal(number.magnitude).rounded(toPlaces: places)
        let sign = number.sign == .minus ? "-" : ""
        let padded = String(repeating: "0", count: max(places + 1 - digits.count, 0)) + digits
        let whole = padded.dropLast(places)
        return places == 0 ? sign + padded : "\(sign)\(whole).\(padded.suffix(places))"
    }

    /// `%e`: one digit before the point, so many behind it.
    static func scientific(_ number: Double, places: Int) -> String {
        if let special = special(number) { return special }
        let sign = number.sign == .minus ? "-" : ""
        let zeros = String(repeating: "0", count: places)
        guard number != 0 else { return "\(sign)0\(places > 0 ? "." : "")\(zeros)e+00" }
        let exact = ExactDecimal(number.magnitude)
        var exponent = exact.exponent
        var digits = exact.rounded(toPlaces: places - exponent)
        if digits.count > places + 1 {
            exponent += 1
            digits = String(digits.prefix(places + 1))
        }
        let tail = digits.dropFirst()
        return "\(sign)\(digits.prefix(1))\(tail.isEmpty ? "" : ".")\(tail)e\(exponentText(exponent))"
    }
}

/// Every decimal digit of a double: a whole number of digits and how many of them stand behind the point.
struct ExactDecimal {
    /// Most significant first; no leading zeros but for zero itself.
    private var digits: [UInt8]
    private var places: Int

    init(_ number: Double) {
        precondition(number.isFinite && number >= 0, "only finite magnitudes have digits")
        let mantissa = number == 0 ? 0 : UInt64(number.significandBitPattern) | (number.isNormal ? 1 << 52 : 0)
        let exponent = max(Int(number.exponentBitPattern), 1) - 1075
        digits = "\(mantissa)".utf8.map { $0 - 0x30 }
        places = 0
        if exponent > 0 { for _ in 0..<exponent { multiply(by: 2) } }
        if exponent < 0 {
            // m / 2^k is m * 5^k / 10^k.
            for _ in 0..<(-exponent) { multiply(by: 5) }
            places = -exponent
        }
    }

    private mutating func multiply(by factor: UInt8) {
        var carry: UInt8 = 0
        for index in digits.indices.reversed() {
            let product = digits[index] * factor + carry
            digits[index] = product % 10
            carry = product / 10
        }
        if carry > 0 { digits.insert(carry, at: 0) }
    }

    /// The exponent of ten of the first digit.
    var exponent: Int { digits.count - 1 - places }

    /// The digits of the number times 10^wanted, rounded to a whole number, half to even.
    func rounded(toPlaces wanted: Int) -> String {
        let drop = places - wanted
        if drop <= 0 { return text(digits + Array(repeating: 0, count: digits == [0] ? 0 : -drop)) }
        if drop > digits.count { return "0" }
        var kept = Array(digits.dropLast(drop))
        let tail = digits.suffix(drop)
        let isOverHalf = tail.first! > 5 || (tail.first! == 5 && tail.dropFirst().contains { $0 > 0 })  // drop > 0
        let isHalf = tail.first! == 5 && !isOverHalf  // as above
        if isOverHalf || (isHalf && (kept.last ?? 0) % 2 == 1) { increment(&kept) }
        return text(kept)
    }

    private func increment(_ digits: inout [UInt8]) {
        for index in digits.indices.reversed() {
            if digits[index] < 9 {
                digits[index] += 1
                return
            }
            digits[index] = 0
        }
        digits.insert(1, at: 0)
    }

    private func text(_ digits: [UInt8]) -> String {
        digits.isEmpty ? "0" : String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
    }
}
