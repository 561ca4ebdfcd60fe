// SPDX-License-Identifier: Apache-2.0

/// The number forms of YAML 1.1 and 1.2 together, to find texts that one reader takes for a number and another does not.
enum YAMLNumber {
    static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard let first = rest.first else { return false }
        if first == UInt8(ascii: ".") { return isName(rest) || isDecimal(rest) }
        guard isDigit(first) else { return false }
        return isPrefixed(rest) || isDecimal(rest) || isSexagesimal(rest)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isName(_ text: Substring.UTF8View) -> Bool {
        [".inf", ".nan"].contains(Substring(text).lowercased())
    }

    /// `0x1F`, `0o17`, `0b101`.
    private static func isPrefixed(_ text: Substring.UTF8View) -> Bool {
        guard text.count > 2, text.first == UInt8(ascii: "0") else { return false }
        let digits = text.dropFirst(2)
        switch text.dropFirst().first {
        case UInt8(ascii: "x"):
            return digits.allSatisfy { isDigit($0) || (0x61...0x66).contains($0 | 0x20) || $0 == UInt8(ascii: "_") }
        case UInt8(ascii: "o"), UInt8(ascii: "b"):
            return digits.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
        default: return false
        }
    }

    /// Digits and underscores, at most one point, perhaps an exponent.
    private static func isDecimal(_ text: Substring.UTF8View) -> Bool {
        var points = 0
        var digits = 0
        var rest = text
        while let byte = rest.first, isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") {
            points += byte == UInt8(ascii: ".") ? 1 : 0
            digits += isDigit(byte) ? 1 : 0
            rest = rest.dropFirst()
        }
        guard digits > 0, points <= 1 else { return false }
        guard let mark = rest.first else { return true }
        guard mark | 0x20 == UInt8(ascii: "e") else { return false }
        rest = rest.dropFirst()
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    /// `22:30`, `190:20:30.15`: YAML 1.1 counts in sixties.
    private static func isSexagesimal(_ text: Substring.UTF8View) -> Bool {
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count > 1 else { return false }
        return parts.enumerated().allSatisfy { index, part in
            let isLast = index == parts.count - 1
            let whole = isLast ? part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)[0] : part
            return !whole.isEmpty && whole.allSatisfy(isDigit) && (index == 0 || whole.count <= 2)
                && part.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        }
    }
}
