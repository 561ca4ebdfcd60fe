// SPDX-License-Identifier: Apache-2.0

/// Content as it is kept: a byte 2, a salt, the content. SHA-256 of all of it is the commitment that a history names, so
/// `sha256sum` checks the file, and nobody who has only the commitment can guess what it was.
package struct SaltedBlob: Hashable, Sendable {
    package static let mark: UInt8 = 0x02
    private static let headBytes = 1 + Salt.byteCount

    package let salt: Salt
    package let content: [UInt8]

    package init(content: [UInt8], salt: Salt) {
        (self.content, self.salt) = (content, salt)
    }

    /// Nothing when the bytes are kept without a salt, as content itself.
    package init?(bytes: [UInt8]) {
        guard bytes.count >= SaltedBlob.headBytes, bytes[0] == SaltedBlob.mark,
            let salt = try? Salt(bytes: Array(bytes[1..<SaltedBlob.headBytes]))
        else { return nil }
        self.init(content: Array(bytes[SaltedBlob.headBytes...]), salt: salt)
    }

    package var bytes: [UInt8] { [SaltedBlob.mark] + salt.bytes + content }
    package var commitment: Digest { Digest.commitment(to: content, salt: salt) }
}
