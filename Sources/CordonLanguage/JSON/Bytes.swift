// SPDX-License-Identifier: Apache-2.0

/// The first index from `start` on whose byte is a quote, a backslash, a control character or, when asked,
/// no ASCII; `end` when there is none. Looks at eight bytes a step.
@usableFromInline
func plainRunEnd(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int, stopsAtHighBit: Bool) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highBits: UInt64 = 0x8080_8080_8080_8080
    let high = stopsAtHighBit ? highBits : 0
    var at = start
    while at &+ 8 <= end {
        let raw = UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self)
        let word = UInt64(littleEndian: raw)
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        // Borrows can mark bytes above a true hit, never below the lowest one, and only the lowest is used.
        let hits =
            ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word) & highBits
            | word & high
        if hits != 0 { return at &+ hits.trailingZeroBitCount >> 3 }
        at &+= 8
    }
    while at < end {
        let byte = base[at]
        if byte == 0x22 || byte == 0x5C || byte < 0x20 || (stopsAtHighBit && byte >= 0x80) { break }
        at &+= 1
    }
    return at
}

/// The index of the first byte that begins no well-formed UTF-8 sequence (Unicode table 3-7), or `nil`.
func firstInvalidUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    var at = 0
    while at < bytes.count {
        let lead = bytes[at]
        if lead < 0x80 {
            at += 1
            continue
        }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return at
        }
        guard at + length <= bytes.count, second ~= bytes[at + 1] else { return at }
        for index in at + 2..<max(at + length, at + 2) where bytes[index] & 0xC0 != 0x80 { return at }
        at += length
    }
    return nil
}
