// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Synchronization

/// Every secret that this process has held, so that what somebody else says is quoted only where it holds a part of none:
/// the one home of that rule. A server may say back what it was told, and also what another told it.
///
/// Of each secret the runs of eight bytes are kept, so that one that is cut off, or wrapped in something else, is found all
/// the same. Who reads a quotation may find it left out without need; nobody finds a secret in one.
package final class KnownSecrets: Sendable {
    private struct Book {
        var noted: Set<[UInt8]> = []
        var runs: Set<UInt64> = []
        /// Those that have no run of eight bytes.
        var short: Set<[UInt8]> = []
        /// Of what lives for minutes, the last ones.
        var passing: [Set<UInt64>] = []
        /// There were more than can be kept: nothing is quoted from then on.
        var isFull = false
    }

    private let book = Mutex(Book())

    package init() {}

    package func note(_ secret: Secret) { note(secret.reveal()) }
    package func note(_ text: String) { note(Array(text.utf8)) }

    /// A token that lives for minutes: of these the last are enough, and to keep all would end every quotation in days.
    package func note(passing text: String) {
        var runs: Set<UInt64> = []
        for part in KnownSecrets.parts(Array(text.utf8)) {
            KnownSecrets.eachRun(part) { run in
                runs.insert(run)
                return false
            }
        }
        let found = runs
        book.withLock { book in
            book.passing.append(found)
            if book.passing.count > Limits.knownTokensMax { book.passing.removeFirst() }
        }
    }

    private func note(_ bytes: [UInt8]) {
        // Whoever has a secret of three letters finds them in every word.
        guard bytes.count >= KnownSecrets.shortest else { return }
        book.withLock { book in
            guard !book.isFull, book.noted.insert(bytes).inserted else { return }
            for part in KnownSecrets.parts(bytes) {
                if part.count < KnownSecrets.run { book.short.insert(part) }
                KnownSecrets.eachRun(part) { run in
                    book.runs.insert(run)
                    return false
                }
            }
            book.isFull = book.runs.count > Limits.knownSecretRunsMax
        }
    }

    /// What somebody's answer says, in one line of at most so many letters; nothing where that tells of a secret.
    ///
    /// - Parameter own: what its sender was told just now: of that, parts of six letters are too much.
    package func quote(_ said: String, _ lettersMax: Int, hiding own: String? = nil) -> String {
        let line = Notice.line(said, lettersMax)
        guard !line.isEmpty, !tells(Array(line.utf8)) else { return "" }
        guard let own else { return line }
        // As a whole: what is cut off would hide that the rest is a part of the secret.
        let parts = own.split { "/?&=#".contains($0) }.filter { $0.utf8.count >= 6 }
        return said.contains(own) || parts.contains { said.contains($0) } ? "" : line
    }

    /// Whether a part of a secret stands in these bytes, as it is or as URLs, forms, JSON, hex or base64 write it.
    package func tells(_ bytes: [UInt8]) -> Bool {
        let book = book.withLock { $0 }
        guard !book.isFull else { return true }
        guard !book.noted.isEmpty || !book.passing.isEmpty else { return false }
        return KnownSecrets.readings(bytes).contains { reading in
            KnownSecrets.eachRun(reading) { run in
                book.runs.contains(run) || book.passing.contains { $0.contains(run) }
            }
                || book.short.contains { !reading.ranges(of: $0).isEmpty }
        }
    }

    // MARK: Forms

    private static let shortest = 4
    private static let run = 8

    /// Ends with `true` as soon as `found` says so.
    @discardableResult
    private static func eachRun(_ bytes: [UInt8], _ found: (UInt64) -> Bool) -> Bool {
        var last: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            last = last << 8 | UInt64(byte)
            if index >= run - 1, found(last) { return true }
        }
        return false
    }

    /// What of a secret is secret: not an address's host, not the frame of a key, not the names in a file of JSON.
    private static func parts(_ bytes: [UInt8]) -> [[UInt8]] {
        let text = String(decoding: bytes, as: UTF8.self)
        if case .object(let members)? = try? JSON.parse(bytes) {
            return members.values.compactMap(\.stringValue).filter { $0.utf8.count >= 16 && !$0.hasPrefix("https://") }
                .flatMap { parts(Array($0.utf8)) }
        }
        if let scheme = ["https://", "http://"].first(where: text.hasPrefix) {
            let rest = text.dropFirst(scheme.count)
            guard let path = rest.firstIndex(where: { "/?@".contains($0) }) else { return [] }
            return [Array((rest[path] == "@" ? rest : rest[path...]).utf8)]
        }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        return lines.map { Array($0.utf8) }.filter { lines.count == 1 || $0.count >= run }
    }

    private static func readings(_ bytes: [UInt8]) -> [[UInt8]] {
        var plain = [bytes, unescaped(bytes)]
        plain += plain.flatMap { [percentDecoded($0, plusIsBlank: false), percentDecoded($0, plusIsBlank: true)] }
        return plain + plain.flatMap { base64(in: $0) + hex(in: $0) }
    }

    /// As a text of JSON has it, without its signs of escape.
    private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(UInt8(ascii: "\\")) else { return bytes }
        let whole = String(decoding: bytes, as: UTF8.self)
        if let text = try? JSON.parse("\"\(whole.replacing("\"", with: "\\\"").replacing("\\\\\"", with: "\\\""))\"") {
            return Array((text.stringValue ?? whole).utf8)
        }
        return bytes.filter { $0 != UInt8(ascii: "\\") }
    }

    private static func percentDecoded(_ bytes: [UInt8], plusIsBlank: Bool) -> [UInt8] {
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                out.append(value)
                index += 3
                continue
            }
            out.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            index += 1
        }
        return out
    }

    /// What may be base64, read from each of the four places where it may begin.
    private static func base64(in bytes: [UInt8]) -> [[UInt8]] {
        words(in: bytes, atLeast: run * 4 / 3) { isLetterOrDigit($0) || [0x2B, 0x2F, 0x2D, 0x5F].contains($0) }.flatMap
        {
            word in
            (0..<4).compactMap { shift in
                let text = String(decoding: word.dropFirst(shift), as: UTF8.self)
                    .replacing("-", with: "+").replacing("_", with: "/")
                return Data(base64Encoded: String(text.prefix(text.utf8.count / 4 * 4))).map { Array($0) }
            }
        }
    }

    private static func hex(in bytes: [UInt8]) -> [[UInt8]] {
        words(in: bytes, atLeast: run * 2) { isLetterOrDigit($0) && UInt8(String(UnicodeScalar($0)), radix: 16) != nil }
            .flatMap { word in
                (0..<2).compactMap { shift in
                    let text = String(decoding: word.dropFirst(shift), as: UTF8.self)
                    return CordonConnectors.bytes(hex: text.prefix(text.utf8.count / 2 * 2).lowercased())
                }
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool { MailAddress.isLetterOrDigit(byte) }

    private static func words(
        in bytes: [UInt8], atLeast count: Int, _ belongs: (UInt8) -> Bool
    ) -> [ArraySlice<UInt8>] {
        bytes.split { !belongs($0) }.filter { $0.count >= count }
    }
}
