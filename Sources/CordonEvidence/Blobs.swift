// SPDX-License-Identifier: Apache-2.0

/// Content by digest: `ab/cdef…` below one folder. What `put` returned is there until it is erased, and what
/// `get` returns is what was put.
///
/// A crash at any moment leaves each blob whole or absent; at worst a draft stays, which `sweep` removes.
/// After `syncFailed` nothing is known of the disk, so the caller must end the process.
package struct Blobs: Sendable {
    /// The largest blob; larger content is cut by those who collect it, never here.
    package static let bytesMax = 64 << 20

    package let folder: String
    private let disk: Disk
    private let keys: BlobKeys

    /// Opens the store; makes it, durably, when it is not there. The folder above it must exist.
    ///
    /// All 256 folders are made at once, so that `put` has only one folder to sync and keeps no state.
    ///
    /// - Parameter keys: those that sealed blobs are opened with, and the one that seals new ones, if any does.
    package init(at folder: String, keys: BlobKeys = .none, disk: Disk = .real) throws(EvidenceError) {
        self.keys = keys
        self.folder = folder
        self.disk = disk
        try disk.makeRoot(folder)
        for shard in Blobs.shards { _ = try disk.makeFolder(folder + "/" + shard) }
        try disk.syncFolder(folder)
        // Durable from here: no later put can lose its folder.
    }

    /// Keeps the bytes; they are durable when it returns. Keeping them twice is keeping them once.
    ///
    /// - Parameter label: the key to seal them with; `nil`: that which seals what nothing else is said of.
    package func put(_ bytes: [UInt8], sealedWith label: String? = nil) throws(EvidenceError) -> Digest {
        guard bytes.count <= Blobs.bytesMax else {
            throw EvidenceError(
                .tooLarge, "could not keep a blob of \(bytes.count) bytes: at most \(Blobs.bytesMax) are kept")
        }
        let digest = Digest.of(bytes)
        let (shard, name) = place(of: digest)
        try store(bytes, digest, try sealingKey(label), in: shard, as: name)
        // Durable from here: a journal may name this digest.
        return digest
    }

    /// The key that seals what nothing else is said of.
    package var standardLabel: String? { keys.standard?.label }

    private func sealingKey(_ label: String?) throws(EvidenceError) -> BlobKey? {
        guard let label else { return keys.standard }
        // Unsealed it would lie there for whoever takes the disk: it is not kept at all.
        guard let key = keys[label] else {
            throw EvidenceError(.blobSealed, "could not keep a blob: its evidence key '\(label)' is not here")
        }
        return key
    }

    private func store(
        _ bytes: [UInt8], _ digest: Digest, _ key: BlobKey?, in shard: String, as name: String
    ) throws(EvidenceError) {
        guard let key else { return try disk.store(bytes, in: shard, as: name) }
        guard try disk.exists(shard + "/" + name) else {
            return try disk.replace(try SealedBlob(bytes, digest, with: key).bytes, in: shard, as: name)
        }
        // Sealed anew it would be other bytes. It may be there from a crash, so it is synced again.
        _ = try get(digest)
        try disk.syncFolder(shard)
    }

    /// The bytes with this digest. They are hashed again: a blob that was changed is refused, not returned; and so is one
    /// whose key is not here.
    package func get(_ digest: Digest) throws(EvidenceError) -> [UInt8] {
        let (shard, name) = place(of: digest)
        guard let stored = try disk.read(shard + "/" + name, Blobs.bytesMax + SealedBlob.overheadMax) else {
            throw EvidenceError(.notFound, "could not read blob \(digest): it was erased or never kept")
        }
        if Digest.of(stored.bytes) == digest { return stored.bytes }
        let changed = EvidenceError(
            .blobChanged, "could not read blob \(digest): \(shard)/\(name) was changed after it was kept")
        guard let sealed = SealedBlob(parsing: stored.bytes) else { throw changed }
        guard let key = keys[sealed.label] else {
            throw EvidenceError(
                .blobSealed,
                "could not read blob \(digest): it is sealed with the key '\(sealed.label)', which is not here")
        }
        guard let bytes = sealed.open(digest, with: key), Digest.of(bytes) == digest else { throw changed }
        return bytes
    }

    /// The label of the key that the blob is sealed with; `nil` where it is not sealed or not there.
    package func sealing(of digest: Digest) throws(EvidenceError) -> String? {
        let (shard, name) = place(of: digest)
        let stored = try disk.read(shard + "/" + name, Blobs.bytesMax + SealedBlob.overheadMax)
        return stored.flatMap { Digest.of($0.bytes) == digest ? nil : SealedBlob(parsing: $0.bytes)?.label }
    }

    /// Whether a file is there; only `get` says whether it is sound.
    package func contains(_ digest: Digest) throws(EvidenceError) -> Bool {
        let (shard, name) = place(of: digest)
        return try disk.exists(shard + "/" + name)
    }

    /// All digests for which there is a file, in order.
    package func digests() throws(EvidenceError) -> [Digest] {
        var found: [Digest] = []
        for shard in Blobs.shards {
            found += try disk.names(folder + "/" + shard).compactMap { Digest(hex: shard + $0) }
        }
        return found
    }

    /// Removes content whose time is over; it is gone for good when this returns. True when there was some.
    package func erase(_ digest: Digest) throws(EvidenceError) -> Bool {
        let (shard, name) = place(of: digest)
        let wasThere = try disk.remove(shard + "/" + name)
        try disk.syncFolder(shard)
        // Durable from here: no crash brings it back.
        return wasThere
    }

    /// Removes what crashes left behind. Only the store's one owner may call it, at its start.
    package func sweep() throws(EvidenceError) {
        for shard in Blobs.shards { try disk.sweep(folder + "/" + shard) }
    }

    private static let shards = (UInt8.min...UInt8.max).map { Hex.text([$0]) }

    private func place(of digest: Digest) -> (folder: String, name: String) {
        let hex = digest.hex
        return (folder + "/" + hex.prefix(2), String(hex.dropFirst(2)))
    }
}
