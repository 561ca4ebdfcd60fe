// SPDX-License-Identifier: Apache-2.0

extension JSONWriter {
    mutating func literal(_ word: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    mutating func decimal(_ number: Int64) {
        if 0...9 ~= number { return bytes.append(UInt8(ascii: "0") + UInt8(number)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude
            var first = 20
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                first -= 1
                digits[first] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first..<20]))
        }
    }

    mutating func quoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let done: Void? = text.utf8.withContiguousStorageIfAvailable { escape($0) }
        if done == nil { Array(text.utf8).withUnsafeBufferPointer { escape($0) } }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Copies runs that need no escape whole; the escapes are those of RFC 8785, section 3.2.2.2.
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        guard let base = text.baseAddress else { return }
        var at = 0
        while true {
            let end = plainRunEnd(base, from: at, to: text.count, stopsAtHighBit: false)
            if end > at { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[at..<end])) }
            guard end < text.count else { return }
            escape(text[end])
            at = end + 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x22: literal("\\\"")
        case 0x5C: literal("\\\\")
        case 0x08: literal("\\b")
        case 0x09: literal("\\t")
        case 0x0A: literal("\\n")
        case 0x0C: literal("\\f")
        case 0x0D: literal("\\r")
        default:
            literal(byte < 0x10 ? "\\u000" : "\\u001")
            let low = byte & 0xF
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}

/// Appends the shortest decimal text that reads back as `number`, in ECMAScript's form (RFC 8785, section 3.2.2.3).
func appendNumber(_ number: Double, to bytes: inout [UInt8]) {
    precondition(number.isFinite, "only finite numbers have a JSON text")
    if number == 0 { return bytes.append(UInt8(ascii: "0")) }
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    let (digits, point) = shortestDigits(number.magnitude)
    let zeros = repeatElement(UInt8(ascii: "0"), count: 1)
    switch point {
    case digits.count...21 where digits.count <= 21:
        bytes.append(contentsOf: digits)
        bytes.append(contentsOf: repeatElement(zeros[0], count: point - digits.count))
    case 1...21:
        bytes.append(contentsOf: digits[..<point])
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: digits[point...])
    case -5...0:
        bytes.append(contentsOf: "0.".utf8)
        bytes.append(contentsOf: repeatElement(zeros[0], count: -point))
        bytes.append(contentsOf: digits)
    default:
        bytes.append(digits[0])
        if digits.count > 1 { bytes.append(UInt8(ascii: ".")) }
        bytes.append(contentsOf: digits[1...])
        bytes.append(contentsOf: (point > 0 ? "e+" : "e").utf8)
        bytes.append(contentsOf: String(point - 1).utf8)
    }
}

/// The digits that `description` chose (the shortest that round-trip, the nearest of those), without zeros at either
/// end, and how many of them stand before the decimal point.
private func shortestDigits(_ number: Double) -> (digits: [UInt8], point: Int) {
    var digits: [UInt8] = []
    var point = 0
    var isFraction = false
    var text = number.description.utf8[...]
    if let mark = text.firstIndex(of: UInt8(ascii: "e")) {
        point = Int(Substring(text[text.index(after: mark)...])) ?? 0
        text = text[..<mark]
    }
    for byte in text {
        if byte == UInt8(ascii: ".") {
            isFraction = true
        } else if digits.isEmpty, byte == UInt8(ascii: "0") {
            point -= isFraction ? 1 : 0
        } else {
            digits.append(byte)
            point += isFraction ? 0 : 1
        }
    }
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return (digits, point)
}
