// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// The text that a caller presents: `cordon_<id>_<43 characters of base64url>`. Only its hash is ever stored; like a
/// secret, it has no description, and whoever shows it says so by `reveal()`.
package struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let prefix = "cordon_"
    static let idCharacters = 10
    /// 32 bytes in base64url without padding.
    static let secretCharacters = 43

    package let id: String
    private let text: String

    /// A new one, with 256 random bits.
    init(using random: inout some RandomNumberGenerator) {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
        let id = String((0..<AccessToken.idCharacters).map { _ in alphabet.randomElement(using: &random) ?? "0" })
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        self.id = id
        text = AccessToken.prefix + id + "_" + base64URL(secret)
    }

    /// `nil` for anything that no token looks like.
    init?(_ text: String) {
        guard text.hasPrefix(AccessToken.prefix) else { return nil }
        let parts = text.dropFirst(AccessToken.prefix.count).split(
            separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == AccessToken.idCharacters,
            parts[0].utf8.allSatisfy({ isLowerAlphanumeric($0) }),
            parts[1].utf8.count == AccessToken.secretCharacters, parts[1].utf8.allSatisfy(isBase64URL)
        else { return nil }
        id = String(parts[0])
        self.text = text
    }

    /// Shown once, to whoever asked for the token.
    package func reveal() -> String { text }

    /// Hex SHA-256 of the whole text.
    package var hash: String { hex(SHA256.hash(data: Array(text.utf8))) }

    package var description: String { "‹token \(id)›" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Equal or not, in a time that depends on the length alone.
func isEqualInConstantTime(_ left: String, _ right: String) -> Bool {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}

func base64URL(_ bytes: [UInt8]) -> String {
    var out = ""
    for character in Data(bytes).base64EncodedString() {
        switch character {
        case "+": out.append("-")
        case "/": out.append("_")
        case "=": break
        default: out.append(character)
        }
    }
    return out
}

private func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
}

private func isBase64URL(_ byte: UInt8) -> Bool {
    isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
}
