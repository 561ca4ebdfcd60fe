// SPDX-License-Identifier: Apache-2.0

/// A private key in a file that only its owner may read.
package enum KeyFile {
    private static let bytesMax = 4096

    /// Makes a new file with mode 0600; it is durable when this returns. A file that is there is never replaced:
    /// a lost key cannot be made again. Two programs must not make the same file at once.
    package static func create(_ key: SigningKey, at path: String, disk: Disk = .real) throws(EvidenceError) {
        guard try !disk.exists(path) else {
            throw EvidenceError(
                .keyFileExists, "could not make a key: \(path) exists; load it, or choose another path")
        }
        try disk.store(Array((key.secretText + "\n").utf8), in: path.parentFolder, as: path.lastName)
        // Durable from here: what is signed with this key can be signed again tomorrow.
    }

    /// Loads the key; refuses a file that others may read or write.
    package static func load(_ path: String, disk: Disk = .real) throws(EvidenceError) -> SigningKey {
        guard let stored = try disk.read(path, bytesMax) else {
            throw EvidenceError(.notFound, "could not load the key: there is no file \(path)")
        }
        guard stored.mode & 0o077 == 0 else {
            let mode = String(stored.mode, radix: 8)
            throw EvidenceError(
                .keyFileMode,
                "could not load the key: others may read \(path) (mode \(mode)); if nobody did, run chmod 600 \(path), "
                    + "otherwise make a new key")
        }
        guard let text = String(validating: stored.bytes, as: UTF8.self) else {
            throw EvidenceError(.keyMalformed, "could not load the key: \(path) is no text")
        }
        let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
        do { return try SigningKey(parsingSecret: line) } catch {
            throw EvidenceError(error.code, "could not load the key from \(path): \(error.reason)")
        }
    }
}
