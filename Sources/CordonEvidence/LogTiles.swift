// SPDX-License-Identifier: Apache-2.0

/// The log on disk: entry bundles, tiles and checkpoint in the C2SP layout, and the tree's right edge in `edge`.
///
/// One owner appends. What `append` returned from is durable; after a crash before that, the same entries are
/// appended again from `edge.size`: files that are there and equal are kept, files that differ are refused, because
/// then the entries are not those that this log was made from. After `syncFailed` the caller must end the process.
package struct LogTiles: Sendable {
    static let edgeName = "edge"
    static let checkpointName = "checkpoint"
    static let edgeBytesMax = 8 + 64 * Digest.byteCount

    package let folder: String
    /// The size and the right edge of the tree as far as it is durable.
    package private(set) var edge: MerkleFrontier
    private let disk: Disk
    /// Folders that this process saw durable.
    private var durableFolders: Set<String> = []

    /// Opens the log; makes it when it is not there. The folder above it must exist.
    package init(at folder: String, disk: Disk = .real) throws(EvidenceError) {
        self.folder = folder
        self.disk = disk
        try disk.makeRoot(folder)
        let stored = try disk.read(folder + "/" + LogTiles.edgeName, LogTiles.edgeBytesMax)
        edge = if let stored { try MerkleFrontier(bytes: stored.bytes) } else { MerkleFrontier() }
        guard try reader.tree.frontier() == edge else {
            throw EvidenceError(
                .rootDiffers,
                "could not open the log in \(folder): its tiles and its edge differ; restore both from one copy")
        }
    }

    /// The durable part of the log, for proofs and checks.
    package var reader: TileReader {
        get throws(EvidenceError) { try TileReader(size: edge.size, folder: folder, disk: disk) }
    }

    /// Appends entries; they are durable when it returns. The caller has committed them where he keeps them.
    package mutating func append(_ entries: [[UInt8]]) throws(EvidenceError) {
        guard !entries.isEmpty else { return }
        if let entry = entries.first(where: { $0.count > EntryBundle.entryBytesMax }) {
            throw EvidenceError(
                .tooLarge,
                "could not append an entry of \(entry.count) bytes: at most \(EntryBundle.entryBytesMax) fit; "
                    + "keep the content as a blob and append its digest")
        }
        try extendBundles(with: entries)
        try append(leafHashes: entries.map(MerkleLog.leafHash))
    }

    /// Appends entries that are kept elsewhere, by their hashes alone: such a log has tiles and no entry bundles.
    package mutating func append(leafHashes: [Digest]) throws(EvidenceError) {
        guard !leafHashes.isEmpty else { return }
        var next = edge
        for hash in leafHashes { next.append(hash) }
        try extendTiles(level: 0, from: edge.size, with: leafHashes)
        try prunePartials(upTo: next.size)
        try disk.replace(next.bytes, in: folder, as: LogTiles.edgeName)
        // Durable from here: before this line the log ends where it ended, after it the entries are part of it.
        edge = next
    }

    /// What may be signed now: nothing that is not durable.
    package func checkpoint(origin: String) throws(EvidenceError) -> Checkpoint {
        try Checkpoint(origin: origin, size: edge.size, root: edge.root)
    }

    /// Puts a signed checkpoint where readers look. Refuses one that is not of this log as it is now, and one that
    /// would take back what was published before.
    package func publish(_ note: Note) throws(EvidenceError) {
        let checkpoint = try Checkpoint(parsing: note.text)
        guard checkpoint.size == edge.size, checkpoint.root == edge.root else {
            throw EvidenceError(
                .rootDiffers,
                "could not publish a checkpoint of size \(checkpoint.size): the log has \(edge.size) entries"
                    + " or another root")
        }
        if let published = try published() {
            let old = try Checkpoint(parsing: Note(parsing: published).text)
            guard old.size < edge.size || (old.size == edge.size && old.root == edge.root) else {
                throw EvidenceError(
                    .rootDiffers,
                    "could not publish a checkpoint of size \(edge.size): one of size \(old.size) was published "
                        + "already, so this copy of the log is older; open a new log that names the old one")
            }
        }
        try disk.replace(note.bytes, in: folder, as: LogTiles.checkpointName)
        // Durable from here: what others may have read stays published.
    }

    /// The note that was published last.
    package func published() throws(EvidenceError) -> [UInt8]? {
        try disk.read(folder + "/" + LogTiles.checkpointName, Note.bytesMax)?.bytes
    }

    /// Removes what crashes left at the log's growing end. Only the log's one owner may call it, at its start.
    package func sweep() throws(EvidenceError) {
        try disk.sweep(folder)
        // A batch that did not get to its end may have begun tiles beyond the edge, in this folder of a thousand or the next.
        for step: UInt64 in [0, 1000] {
            try sweepTiles(beside: TilePath.bundle(index: edge.size.tileIndex + step))
            for level in 0..<8 {
                let index = (edge.size >> UInt64(level * TilePath.widthBits)).tileIndex
                try sweepTiles(beside: TilePath.tile(level: level, index: index + step))
            }
        }
    }

    private func sweepTiles(beside path: TilePath) throws(EvidenceError) {
        let folder = ([folder] + path.folders).joined(separator: "/")
        try disk.sweep(folder)
        for name in try disk.names(folder) where name.hasSuffix(TilePath.partialSuffix) {
            try disk.sweep(folder + "/" + name)
        }
    }
}

extension LogTiles {
    private mutating func extendBundles(with entries: [[UInt8]]) throws(EvidenceError) {
        var index = edge.size.tileIndex
        var held = edge.size.tileOffset == 0 ? [] : try reader.entries(inBundle: index)
        for entry in entries {
            held.append(entry)
            guard held.count == TilePath.width else { continue }
            try store(held.flatMap(EntryBundle.bytes), at: .bundle(index: index))
            (index, held) = (index + 1, [])
        }
        guard !held.isEmpty else { return }
        try store(held.flatMap(EntryBundle.bytes), at: .bundle(index: index, width: held.count))
    }

    /// Each tile that becomes full adds one hash to the level above.
    private mutating func extendTiles(
        level: Int, from start: UInt64, with hashes: [Digest]
    ) throws(EvidenceError) {
        var index = start.tileIndex
        var held = start.tileOffset == 0 ? [] : try reader.hashes(level: level, index: index)
        var above: [Digest] = []
        for hash in hashes {
            held.append(hash)
            guard held.count == TilePath.width else { continue }
            try store(held.flatMap(\.bytes), at: .tile(level: level, index: index))
            above.append(MerkleLog.root(of: held))
            (index, held) = (index + 1, [])
        }
        if !held.isEmpty {
            try store(held.flatMap(\.bytes), at: .tile(level: level, index: index, width: held.count))
        }
        guard !above.isEmpty else { return }
        try extendTiles(level: level + 1, from: start.tileIndex, with: above)
    }

    /// Removes partial files whose full one is durable. Readers with an older checkpoint find what they need in that.
    private mutating func prunePartials(upTo newSize: UInt64) throws(EvidenceError) {
        let index = edge.size.tileIndex
        if newSize.tileIndex > index { try prune(.bundle(index: index, width: 1)) }
        for level in 0..<8 {
            let (old, new) = (edge.size >> UInt64(level * 8), newSize >> UInt64(level * 8))
            guard new.tileIndex > old.tileIndex else { break }
            try prune(.tile(level: level, index: old.tileIndex, width: 1))
        }
    }

    private mutating func prune(_ partial: TilePath) throws(EvidenceError) {
        let path = ([folder] + partial.folders).joined(separator: "/")
        for name in try disk.names(path) { _ = try disk.remove(path + "/" + name) }
        _ = try disk.remove(path)
        durableFolders.remove(path)
    }

    private mutating func store(_ bytes: [UInt8], at path: TilePath) throws(EvidenceError) {
        var place = folder
        for name in path.folders {
            let parent = place
            place += "/" + name
            guard !durableFolders.contains(place) else { continue }
            _ = try disk.makeFolder(place)
            // Also when it was there: it may be there from a crash before this line.
            try disk.syncFolder(parent)
            durableFolders.insert(place)
        }
        try disk.store(bytes, in: place, as: path.name)
    }
}

extension UInt64 {
    /// The tile that the next hash goes into, and its place there.
    fileprivate var tileIndex: UInt64 { self / UInt64(TilePath.width) }
    fileprivate var tileOffset: UInt64 { self % UInt64(TilePath.width) }
}
