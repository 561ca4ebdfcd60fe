// SPDX-License-Identifier: Apache-2.0
import Crypto

/// A SHA-256 digest: the name of a blob, a hash of the tree, a commitment. Always 32 bytes, by construction.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let byteCount = 32
    package static let textPrefix = "sha256:"

    /// Four big-endian words: no allocation, and the order of words is the order of bytes.
    private let first, second, third, fourth: UInt64

    /// Nothing when there are not exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        self = Array(bytes).withUnsafeBytes { Digest(raw: $0) }
    }

    /// The same, without a copy.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Digest.byteCount else { return nil }
        self = bytes.withUnsafeBytes { Digest(raw: $0) }
    }

    /// Nothing unless the text is 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.bytes(hex.utf8) else { return nil }
        self.init(bytes: bytes)
    }

    /// Reads `sha256:` and 64 lower-case hexadecimal digits.
    package init(parsing text: some StringProtocol) throws(EvidenceError) {
        guard text.hasPrefix(Digest.textPrefix), let digest = Digest(hex: text.dropFirst(Digest.textPrefix.count))
        else {
            throw EvidenceError(
                .digestMalformed, "could not read a digest: expected sha256: and 64 lower-case hexadecimal digits")
        }
        self = digest
    }

    /// The caller promises 32 bytes.
    fileprivate init(raw: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
    }

    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    package var hex: String { Hex.text(bytes) }

    /// `sha256:` and the hexadecimal digits: how a digest is written wherever people or other programs read it.
    package var text: String { Digest.textPrefix + hex }

    package var description: String { text }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: (first.bigEndian, second.bigEndian, third.bigEndian, fourth.bigEndian), body)
    }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}

extension Digest {
    /// SHA-256 of the bytes.
    package static func of(_ bytes: [UInt8]) -> Digest {
        var stream = DigestStream()
        stream.update(bytes)
        return stream.digest
    }

    /// SHA-256 of one byte and the bytes, without a copy of them.
    static func of(_ bytes: [UInt8], after first: UInt8) -> Digest { of(bytes, bytes.indices, after: first) }

    static func of(_ bytes: [UInt8], _ range: Range<Int>, after first: UInt8) -> Digest {
        var state = SHA256()
        Swift.withUnsafeBytes(of: first) { state.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { state.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[range])) }
        return state.finalize().withUnsafeBytes { Digest(raw: $0) }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var state = SHA256()
        state.update(bufferPointer: bytes)
        return state.finalize().withUnsafeBytes { Digest(raw: $0) }
    }

    /// What a log entry says in place of content: SHA-256(0x02 || salt || bytes).
    ///
    /// Without the salt nobody can guess the content, however short it is, so that erasing content and
    /// salt leaves the log provable and says nothing. The prefix keeps a commitment from ever being a
    /// leaf (0x00) or a node (0x01) of the tree.
    package static func commitment(to bytes: [UInt8], salt: Salt) -> Digest {
        var stream = DigestStream()
        stream.update([0x02])
        stream.update(salt.bytes)
        stream.update(bytes)
        return stream.digest
    }
}

extension Digest {
    /// Digests that follow each other without a gap; a rest shorter than a digest is left out.
    static func list(_ bytes: some Collection<UInt8>) -> [Digest] {
        Array(bytes).withUnsafeBytes { raw in
            stride(from: 0, through: raw.count - byteCount, by: byteCount).map {
                Digest(raw: UnsafeRawBufferPointer(rebasing: raw[$0..<$0 + byteCount]))
            }
        }
    }
}

/// 32 random bytes kept beside a blob, and erased with it.
package struct Salt: Hashable, Sendable {
    package static let byteCount = 32
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count == Salt.byteCount else {
            throw EvidenceError(
                .saltMalformed, "could not read a salt: expected \(Salt.byteCount) bytes, found \(bytes.count)")
        }
        self.bytes = bytes
    }

    /// Drawn from the generator; the system's is seeded by the kernel and fit for keys.
    package static func random(using generator: inout some RandomNumberGenerator) -> Salt {
        Salt(drawn: (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    package static func random() -> Salt {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// No secret: for content that is made up, where the same must give the same.
    package static let zero = Salt(drawn: [UInt8](repeating: 0, count: byteCount))

    private init(drawn: [UInt8]) { bytes = drawn }
}

/// SHA-256 over bytes that arrive in pieces, for content that should not be held in memory whole.
package struct DigestStream {
    private var state = SHA256()

    package init() {}

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    mutating func update(_ digest: Digest) {
        digest.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    /// The digest of what came so far; more may follow.
    package var digest: Digest { state.finalize().withUnsafeBytes { Digest(raw: $0) } }
}
