// SPDX-License-Identifier: Apache-2.0

/// What an identifier names; its prefix is part of every stored id.
package protocol Named {
    static var prefix: String { get }
}

/// An id of one of the nouns: the noun's prefix and a stem.
///
/// Everything that comes from one alert carries the alert's stem, so a line of any record walks back to its alert
/// by its id alone, and doing the same work twice yields the same ids.
package struct ID<Noun: Named>: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(stem: String) { text = Noun.prefix + stem }

    /// `nil` unless `text` is the noun's prefix and 1 to 64 letters, digits, `-` or `.`.
    package init?(_ text: String) {
        guard text.hasPrefix(Noun.prefix) else { return nil }
        let stem = text.utf8.dropFirst(Noun.prefix.utf8.count)
        guard (1...Limits.stemBytesMax).contains(stem.count), stem.allSatisfy(isStemByte) else { return nil }
        self.text = text
    }

    package var stem: String { String(text.dropFirst(Noun.prefix.count)) }
    package var description: String { text }
}

private func isStemByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
    default: false
    }
}

package typealias AlertID = ID<Alert>
package typealias SignalID = ID<Signal>
package typealias DecisionID = ID<Decision>
package typealias RunID = ID<Run>

extension ID where Noun == Alert {
    /// A new alert's id: 48 bits of milliseconds and 80 random bits in Crockford's base 32, so ids sort by time.
    package init(at instant: Instant, random: (UInt64, UInt16)) {
        var bits = [UInt8](repeating: 0, count: 16)
        let time = UInt64(bitPattern: instant.milliseconds)
        for index in 0..<6 { bits[index] = UInt8(truncatingIfNeeded: time >> UInt64(40 - 8 * index)) }
        for index in 0..<8 { bits[6 + index] = UInt8(truncatingIfNeeded: random.0 >> UInt64(56 - 8 * index)) }
        bits[14] = UInt8(truncatingIfNeeded: random.1 >> 8)
        bits[15] = UInt8(truncatingIfNeeded: random.1)
        self.init(stem: crockford32(bits))
    }

    /// The id of the alert's n-th signal, counted from 1.
    package func signal(_ ordinal: Int) -> SignalID { SignalID(stem: ordinal == 1 ? stem : "\(stem)-\(ordinal)") }
}

extension ID where Noun == Signal {
    /// A signal is decided once, so its decision shares its stem.
    package var decision: DecisionID { DecisionID(stem: stem) }
}

extension ID where Noun == Decision {
    /// The id of the run that the decision's n-th matching playbook opens, counted from 1.
    package func run(_ ordinal: Int) -> RunID { RunID(stem: ordinal == 1 ? stem : "\(stem).\(ordinal)") }
}

/// Base 32 of 128 bits, 26 characters, most significant first, without I, L, O and U.
private func crockford32(_ bytes: [UInt8]) -> String {
    let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    var out: [UInt8] = []
    var held: UInt32 = 0
    var bits = 2  // 26 characters hold 130 bits: two zero bits stand in front
    for byte in bytes {
        held = held << 8 | UInt32(byte)
        bits += 8
        while bits >= 5 {
            bits -= 5
            out.append(alphabet[Int(held >> UInt32(bits) & 31)])
        }
    }
    return String(decoding: out, as: UTF8.self)
}
