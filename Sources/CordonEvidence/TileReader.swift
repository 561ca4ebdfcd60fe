// SPDX-License-Identifier: Apache-2.0

/// A log of known size, read from its tiles, wherever they are: a folder, an export, a network.
///
/// Nothing read is believed: each file must have the length that the size demands, and what `verify` accepts leads
/// to the root that was asked for.
package struct TileReader: Sendable {
    /// The bytes of one file by its path below the log, nothing when there is none.
    package typealias Read = @Sendable (_ path: String, _ bytesMax: Int) throws(EvidenceError) -> [UInt8]?

    package let size: UInt64
    private let read: Read

    package init(size: UInt64, read: @escaping Read) throws(EvidenceError) {
        guard size <= MerkleLog.sizeMax else {
            throw EvidenceError(.sizeRefused, "could not read a log of \(size) entries: at most \(MerkleLog.sizeMax)")
        }
        self.size = size
        self.read = read
    }

    /// Reads the tiles below a folder.
    package init(size: UInt64, folder: String, disk: Disk = .real) throws(EvidenceError) {
        try self.init(size: size) { path, bytesMax throws(EvidenceError) in
            try disk.read(folder + "/" + path, bytesMax)?.bytes
        }
    }

    /// The tree, for proofs. A tile that was changed gives a proof that does not verify.
    package var tree: MerkleTree {
        MerkleTree(size: size) { level, index throws(EvidenceError) in try self.node(level, index) }
    }

    package func leafHash(at index: UInt64) throws(EvidenceError) -> Digest { try node(0, index) }

    package func entry(at index: UInt64) throws(EvidenceError) -> [UInt8] {
        guard index < size else {
            throw EvidenceError(.sizeRefused, "could not read entry \(index): the log has \(size) entries")
        }
        let (bundle, place) = index.quotientAndRemainder(dividingBy: UInt64(TilePath.width))
        return try entries(inBundle: bundle)[Int(place)]
    }

    /// The entries from `index * 256` on: 256, or fewer at the end of the log.
    package func entries(inBundle index: UInt64) throws(EvidenceError) -> [[UInt8]] {
        let width = try width(level: 0, index: index)
        let bytes = try file(bytesMax: EntryBundle.bytesMax, width) { TilePath.bundle(index: index, width: $0) }
        guard let entries = EntryBundle.entries(bytes), entries.count >= width else {
            let path = TilePath.bundle(index: index, width: width).text
            throw EvidenceError(.bundleMalformed, "could not read \(path): it does not hold \(width) whole entries")
        }
        return Array(entries.prefix(width))
    }

    /// The hashes of one tile: 256, or fewer at the end of the log.
    package func hashes(level: Int, index: UInt64) throws(EvidenceError) -> [Digest] {
        let width = try width(level: level, index: index)
        let bytes = try file(bytesMax: TilePath.width * Digest.byteCount, width) {
            TilePath.tile(level: level, index: index, width: $0)
        }
        guard bytes.count % Digest.byteCount == 0, bytes.count >= width * Digest.byteCount else {
            let path = TilePath.tile(level: level, index: index, width: width).text
            throw EvidenceError(
                .tileMalformed,
                "could not read \(path): \(width) hashes need \(width * Digest.byteCount) bytes, it has \(bytes.count)")
        }
        return Digest.list(bytes.prefix(width * Digest.byteCount))
    }

    /// How many hashes the size leaves for a tile.
    private func width(level: Int, index: UInt64) throws(EvidenceError) -> Int {
        let count = size >> UInt64(level * TilePath.widthBits)
        let start = index.multipliedReportingOverflow(by: UInt64(TilePath.width))
        guard !start.overflow, start.partialValue < count else {
            throw EvidenceError(
                .sizeRefused, "could not read tile \(index) of level \(level): a log of \(size) entries has none")
        }
        return Int(min(count - start.partialValue, UInt64(TilePath.width)))
    }

    /// A partial file may be gone once the full one is there, so that is asked next.
    private func file(
        bytesMax: Int, _ width: Int, _ path: (Int) -> TilePath
    ) throws(EvidenceError) -> [UInt8] {
        if let bytes = try read(path(width).text, bytesMax) { return bytes }
        if width < TilePath.width, let bytes = try read(path(TilePath.width).text, bytesMax) { return bytes }
        throw EvidenceError(.notFound, "could not read \(path(width).text): there is no such file")
    }

    private func node(_ level: Int, _ index: UInt64) throws(EvidenceError) -> Digest {
        let (tileLevel, inner) = level.quotientAndRemainder(dividingBy: TilePath.widthBits)
        let (tile, start) = (index << UInt64(inner)).quotientAndRemainder(dividingBy: UInt64(TilePath.width))
        let hashes = try hashes(level: tileLevel, index: tile)
        let range = Int(start)..<Int(start) + 1 << inner
        guard range.upperBound <= hashes.count else {
            throw EvidenceError(
                .sizeRefused, "could not read subtree \(index) of level \(level): it is not complete at size \(size)")
        }
        return MerkleLog.root(of: Array(hashes[range]))
    }
}

extension TileReader {
    /// Reads the whole log once, a bundle at a time, and returns when entries, tiles and root belong together.
    package func verify(root: Digest) throws(EvidenceError) {
        try verifyEntries()
        try verifyTiles(root: root)
    }

    /// Each entry has the leaf hash that the tiles of level 0 say.
    package func verifyEntries() throws(EvidenceError) {
        var bundle: UInt64 = 0
        while bundle * UInt64(TilePath.width) < size {
            let stored = try hashes(level: 0, index: bundle)
            let found = try entries(inBundle: bundle).map(MerkleLog.leafHash)
            if let place = found.indices.first(where: { found[$0] != stored[$0] }) {
                let index = bundle * UInt64(TilePath.width) + UInt64(place)
                throw EvidenceError(
                    .bundleMalformed, "could not verify entry \(index): it is not the one that the log was made from")
            }
            bundle += 1
        }
    }

    /// Each tile follows from the one below, and all lead to the root. Needs no entries: they may have expired.
    package func verifyTiles(root: Digest) throws(EvidenceError) {
        var above: [Digest] = []
        var last: [Digest] = []
        try eachTile(level: 0) { hashes in
            if hashes.count == TilePath.width { above.append(MerkleLog.root(of: hashes)) } else { last = hashes }
        }
        // The roots of the full tiles make the upper part of the tree's edge: no leaf is hashed twice.
        var tiles = MerkleFrontier()
        for hash in above { tiles.append(hash) }
        var frontier = try MerkleFrontier(size: tiles.size << UInt64(TilePath.widthBits), hashes: tiles.hashes)
        for hash in last { frontier.append(hash) }
        guard frontier.root == root else {
            throw EvidenceError(.rootDiffers, "could not verify the log: its \(size) entries do not lead to the root")
        }
        var level = 1
        while !above.isEmpty {
            var stored: [Digest] = []
            try eachTile(level: level) { stored += $0 }
            if let place = above.indices.first(where: { above[$0] != stored[$0] }) {
                throw EvidenceError(
                    .tileMalformed, "could not verify hash \(place) of level \(level): it does not follow from below")
            }
            above = stride(from: TilePath.width, through: above.count, by: TilePath.width)
                .map { MerkleLog.root(of: Array(above[($0 - TilePath.width)..<$0])) }
            level += 1
        }
    }

    private func eachTile(
        level: Int, _ body: ([Digest]) -> Void
    ) throws(EvidenceError) {
        let count = size >> UInt64(level * TilePath.widthBits)
        var index: UInt64 = 0
        while index * UInt64(TilePath.width) < count {
            body(try hashes(level: level, index: index))
            index += 1
        }
    }
}
