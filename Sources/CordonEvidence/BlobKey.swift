// SPDX-License-Identifier: Apache-2.0
import Crypto
import FoundationEssentials

/// A key under which blobs are sealed at rest, with the label that sealed files name it by. Whoever destroys it has erased
/// all that was sealed with it.
package struct BlobKey: Sendable {
    package static let labelBytesMax = 64
    static let byteCount = 32
    private static let head = "CORDON-EVIDENCE-KEY-1 "

    package let label: String
    let secret: [UInt8]

    package init(label: String) throws(EvidenceError) {
        try self.init(label: label, secret: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    init(label: String, secret: [UInt8]) throws(EvidenceError) {
        guard BlobKey.isLabel(label) else {
            throw EvidenceError(
                .keyMalformed,
                "could not use the evidence key '\(label)': a label has 1 to \(BlobKey.labelBytesMax) small letters, "
                    + "digits and hyphens, as acme-2026")
        }
        guard secret.count == BlobKey.byteCount else {
            throw EvidenceError(.keyMalformed, "could not use the evidence key \(label): it has not 32 bytes")
        }
        (self.label, self.secret) = (label, secret)
    }

    package static func isLabel(_ text: String) -> Bool {
        (1...labelBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    // MARK: Its file

    init(label: String, parsing text: String) throws(EvidenceError) {
        guard text.hasPrefix(BlobKey.head), let secret = Base64.bytes(text.dropFirst(BlobKey.head.count).utf8) else {
            throw EvidenceError(.keyMalformed, "could not use the evidence key \(label): its file holds none")
        }
        try self.init(label: label, secret: secret)
    }

    var text: String { BlobKey.head + Base64.text(secret) }
}

/// The keys that this process may open blobs with, and the one that new blobs are sealed with where nothing else is said.
package struct BlobKeys: Sendable {
    private static let prefix = "evidence-"
    private static let bytesMax = 4096

    package private(set) var standard: BlobKey?
    private var all: [String: BlobKey] = [:]

    package static let none = BlobKeys()

    private init() {}

    /// All that lie in the folder, each a file `evidence-LABEL` for its owner alone.
    ///
    /// - Parameter standard: the label of the key that seals what is new; `nil`: what is new is not sealed.
    package init(in folder: String, standard label: String?, disk: Disk = .real) throws(EvidenceError) {
        for name in try disk.names(folder) where name.hasPrefix(BlobKeys.prefix) {
            let label = String(name.dropFirst(BlobKeys.prefix.count))
            guard BlobKey.isLabel(label) else { continue }
            all[label] = try BlobKeys.load(label, folder, disk)
        }
        guard let label else { return }
        guard let key = all[label] else {
            throw EvidenceError(
                .notFound,
                "there is no evidence key '\(label)' in \(folder); 'cordon evidence-key new \(label)' makes one, or "
                    + "restore it from your backup of keys")
        }
        standard = key
    }

    package var labels: [String] { all.keys.sorted() }
    package subscript(label: String) -> BlobKey? { all[label] }

    /// Makes a new key; its file is durable when this returns, and one that is there is never replaced.
    package static func make(_ label: String, in folder: String, disk: Disk = .real) throws(EvidenceError) -> String {
        let (key, path) = (try BlobKey(label: label), path(label, folder))
        guard try !disk.exists(path) else {
            throw EvidenceError(.keyFileExists, "could not make an evidence key: \(path) exists; choose another label")
        }
        try disk.store(Array((key.text + "\n").utf8), in: folder, as: prefix + label)
        // Durable from here: what is sealed with this key can be read again tomorrow.
        return path
    }

    /// Takes the key away; what was sealed with it can never be read again, unless a copy of the key lies elsewhere.
    package static func destroy(_ label: String, in folder: String, disk: Disk = .real) throws(EvidenceError) -> Bool {
        let wasThere = try disk.remove(path(label, folder))
        let descriptor = try disk.openFolder(folder)
        defer { disk.close(descriptor) }
        try disk.sync(descriptor, folder)
        // Durable from here: no crash brings it back.
        return wasThere
    }

    private static func path(_ label: String, _ folder: String) -> String { folder + "/" + prefix + label }

    private static func load(_ label: String, _ folder: String, _ disk: Disk) throws(EvidenceError) -> BlobKey {
        let path = path(label, folder)
        guard let stored = try disk.read(path, bytesMax) else {
            throw EvidenceError(.notFound, "could not load the evidence key: there is no file \(path)")
        }
        guard stored.mode & 0o077 == 0 else {
            throw EvidenceError(
                .keyFileMode,
                "could not load the evidence key: others may read \(path) (mode \(String(stored.mode, radix: 8))); if "
                    + "nobody did, run chmod 600 \(path), otherwise seal with a new one")
        }
        guard let text = String(validating: stored.bytes, as: UTF8.self) else {
            throw EvidenceError(.keyMalformed, "could not load the evidence key: \(path) is no text")
        }
        return try BlobKey(label: label, parsing: text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
