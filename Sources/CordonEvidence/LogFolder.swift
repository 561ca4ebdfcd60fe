// SPDX-License-Identifier: Apache-2.0

/// A signed log as it lies in its folder, for those who only read: what was published, under which keys, and the
/// checkpoints that were kept on the way.
package struct LogFolder: Sendable {
    static let keysName = "keys"
    static let keptName = "checkpoints"
    static let witnessedName = "witnessed"
    private static let keysBytesMax = 1 << 16
    /// So that the names of kept checkpoints sort by their size.
    private static let sizeDigits = 20

    package let path: String
    let disk: Disk

    package init(_ path: String, disk: Disk = .real) {
        self.path = path
        self.disk = disk
    }

    /// The note that was signed last, as it was published.
    package func published() throws(EvidenceError) -> [UInt8]? {
        try disk.read(path + "/" + LogTiles.checkpointName, Note.bytesMax)?.bytes
    }

    /// The last note that enough witnesses cosigned.
    package func witnessed() throws(EvidenceError) -> [UInt8]? {
        try disk.read(path + "/" + LogFolder.witnessedName, Note.bytesMax)?.bytes
    }

    /// Every public key that ever signed for this log. They are the log's own word: an auditor brings his own.
    package func keys() throws(EvidenceError) -> [VerifierKey] {
        guard let stored = try disk.read(path + "/" + LogFolder.keysName, LogFolder.keysBytesMax) else { return [] }
        return try LogFolder.keys(parsing: stored.bytes, at: path + "/" + LogFolder.keysName)
    }

    /// One key a line; lines that begin with `#` are comments.
    package static func keys(parsing bytes: [UInt8], at place: String) throws(EvidenceError) -> [VerifierKey] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EvidenceError(.keyMalformed, "could not read the keys in \(place): they are no text")
        }
        var keys: [VerifierKey] = []
        for (number, line) in text.utf8.split(separator: Note.newline, omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty && line.first != UInt8(ascii: "#") {
            do { keys.append(try VerifierKey(parsing: Substring(line))) } catch {
                throw EvidenceError(.keyMalformed, "\(place), line \(number + 1): \(error.reason)")
            }
        }
        return keys
    }

    /// The right edge of the tree as the folder says it.
    package func edge() throws(EvidenceError) -> MerkleFrontier? {
        guard let stored = try disk.read(path + "/" + LogTiles.edgeName, LogTiles.edgeBytesMax) else { return nil }
        return try MerkleFrontier(bytes: stored.bytes)
    }

    /// The checkpoints that were kept, the smallest first, by their file's path below the folder.
    package func kept() throws(EvidenceError) -> [(name: String, bytes: [UInt8])] {
        var notes: [(name: String, bytes: [UInt8])] = []
        for name in try disk.names(path + "/" + LogFolder.keptName) where !name.hasPrefix(Disk.draftPrefix) {
            let place = LogFolder.keptName + "/" + name
            guard let stored = try disk.read(path + "/" + place, Note.bytesMax) else { continue }
            notes.append((place, stored.bytes))
        }
        return notes
    }

    package func tiles(size: UInt64) throws(EvidenceError) -> TileReader {
        try TileReader(size: size, folder: path, disk: disk)
    }

    static func keptFile(size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: max(0, sizeDigits - digits.count)) + digits
    }
}
