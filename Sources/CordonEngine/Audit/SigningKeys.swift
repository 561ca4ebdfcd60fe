// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
package import CordonEvidence
import Glibc

/// The private keys that sign the log: files `log-1`, `log-2` and so on, for their owner alone.
///
/// All that lie there sign. A new key is added beside the old one, and the old one is retired once whoever checks knows
/// the new: so both sign for a while, and no checkpoint is without a key that is known already.
package struct SigningKeys: Sendable {
    private static let prefix = "log-"

    package let folder: String
    private let disk: Disk

    package init(folder: String, disk: Disk = .real) {
        self.folder = folder
        self.disk = disk
    }

    /// The oldest first.
    package func load() throws(EvidenceError) -> [SigningKey] {
        var keys: [SigningKey] = []
        for number in try numbers() { keys.append(try KeyFile.load(path(number), disk: disk)) }
        if let first = keys.first, let other = keys.first(where: { $0.name != first.name }) {
            throw EvidenceError(
                .keyMalformed, "the keys in \(folder) sign for two logs, \(first.name) and \(other.name); keep one's")
        }
        return keys
    }

    /// Makes the next key; the log's name is that of its keys.
    package func make(origin: String) throws(EvidenceError) -> (key: VerifierKey, path: String) {
        let key = try SigningKey(name: origin)
        let path = path((try numbers().last ?? 0) + 1)
        try KeyFile.create(key, at: path, disk: disk)
        return (key.verifier, path)
    }

    /// Lets a key sign no more: its private half is gone for good when this returns.
    package func retire(_ hash: String) throws(EvidenceError) -> VerifierKey {
        var all: [(number: Int, key: VerifierKey)] = []
        for number in try numbers() { all.append((number, try KeyFile.load(path(number), disk: disk).verifier)) }
        guard let found = all.first(where: { $0.key.hash8 == hash }) else {
            throw EvidenceError(.notFound, "no key \(hash) signs; 'cordon key list' shows those that do")
        }
        guard all.count > 1 else {
            throw EvidenceError(
                .signatureMissing, "\(hash) is the only key that signs; add another with 'cordon key rotate' first")
        }
        _ = try disk.remove(path(found.number))
        let descriptor = try disk.openFolder(folder)
        defer { disk.close(descriptor) }
        try disk.sync(descriptor, folder)
        return found.key
    }

    /// Moves all of them into another folder, where they sign nothing any more.
    package func putAside(in other: String) throws(EvidenceError) {
        for number in try numbers() { try move(path(number), to: "\(other)/\(SigningKeys.prefix)\(number)") }
        for changed in [folder, other] {
            let descriptor = try disk.openFolder(changed)
            defer { disk.close(descriptor) }
            try disk.sync(descriptor, changed)
        }
    }

    /// On another file system a file can't be renamed into: there it is written, and then taken away here.
    private func move(_ path: String, to target: String) throws(EvidenceError) {
        do { return try disk.rename(path, target) } catch {
            guard error.systemCode == EXDEV else { throw error }
        }
        let key = try KeyFile.load(path, disk: disk)
        do { try KeyFile.create(key, at: target, disk: disk) } catch {
            // A crash may have come between the copy and the removal.
            guard error.code == .keyFileExists, try KeyFile.load(target, disk: disk).verifier == key.verifier else {
                throw error
            }
        }
        // Durable from here: the key is in one place at least.
        _ = try disk.remove(path)
    }

    /// A name that no other installation has.
    package static func newOrigin() -> String {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }
        return "cordon/" + hexText(bytes)
    }

    private func numbers() throws(EvidenceError) -> [Int] {
        try disk.names(folder).compactMap { name in
            name.hasPrefix(SigningKeys.prefix) ? Int(name.dropFirst(SigningKeys.prefix.count)) : nil
        }.sorted()
    }

    private func path(_ number: Int) -> String { "\(folder)/\(SigningKeys.prefix)\(number)" }
}
