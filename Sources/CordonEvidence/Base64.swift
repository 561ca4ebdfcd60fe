// SPDX-License-Identifier: Apache-2.0

/// Base64 of RFC 4648 with padding, read strictly: one spelling for one value, so that no signed file has two forms.
package enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The value of each letter, 255 for what is no letter.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    package static func text(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                out.append(place <= group.count ? letters[Int(bits >> (18 - 6 * place) & 63)] : padding)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nothing unless the text is exactly what `text` writes for some bytes.
    package static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var rest = text[...]
        while !rest.isEmpty {
            let group = rest.prefix(4)
            rest = rest.dropFirst(4)
            guard let decoded = decode(group, isLast: rest.isEmpty) else { return nil }
            bytes += decoded
        }
        return bytes
    }

    private static func decode(_ group: some Collection<UInt8>, isLast: Bool) -> [UInt8]? {
        let used = group.prefix { $0 != padding }
        let pads = group.dropFirst(used.count)
        guard pads.isEmpty || (isLast && used.count >= 2 && pads.allSatisfy { $0 == padding }) else { return nil }
        var bits: UInt32 = 0
        for letter in used {
            guard values[Int(letter)] < 64 else { return nil }
            bits = bits << 6 | UInt32(values[Int(letter)])
        }
        bits <<= UInt32(6 * pads.count)
        let count = 3 - pads.count
        // Bits behind the last byte must be 0: otherwise one value would have many spellings.
        guard bits & ((1 << UInt32(8 * pads.count)) - 1) == 0 else { return nil }
        return [UInt8(bits >> 16 & 255), UInt8(bits >> 8 & 255), UInt8(bits & 255)].prefix(count).map { $0 }
    }
}
