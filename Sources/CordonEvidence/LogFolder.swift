// SPDX-License-Identifier: Apache-2.0

/// A signed log as it lies in its folder, for those who only read: what was published, under which keys, and the
/// checkpoints that were kept on the way.
package struct LogFolder: Sendable {
    static let keysName = "keys"
    static let keptName = "checkpoints"
    static let witnessedName = "witnessed"
    /// Stands between the log's own name and a number in the name of a folder that was put aside.
    package static let asideMark = ".forked-"
    private static let forkedName = "forked"
    private static let forkHead = "cordon fork of a signed log"
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

    /// Signs that this log goes on no more because what it signed was not there. The text is no checkpoint, and can't be
    /// taken for one: its second line is no number.
    package func tellFork(_ signed: Checkpoint, by keys: [SigningKey]) throws(EvidenceError) {
        var note = try Note(
            text: "\(LogFolder.forkHead)\nlog \(signed.origin)\n\(signed.size)\n\(signed.root.text)\n")
        for key in keys { try note.sign(with: key) }
        try disk.replace(note.bytes, in: path, as: LogFolder.forkedName)
    }

    /// The size and root that the log's own key says were forked, under one of these keys; `nil` where nothing says so.
    package func toldFork(_ keys: [VerifierKey]) throws(EvidenceError) -> (size: String, root: String)? {
        guard let bytes = try disk.read(path + "/" + LogFolder.forkedName, Note.bytesMax)?.bytes else { return nil }
        let note = try Note(parsing: bytes)
        let lines = note.text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 5, lines[0] == LogFolder.forkHead, try !note.verify(with: keys).isEmpty else {
            throw EvidenceError(.signatureMissing, "\(path)/\(LogFolder.forkedName) is not what the log's key signed")
        }
        return (String(lines[2]), String(lines[3]))
    }

    /// The logs that were put aside beside this one, the oldest first.
    package func aside() throws(EvidenceError) -> [(name: String, folder: LogFolder)] {
        guard let slash = path.lastIndex(of: "/") else { return [] }
        let prefix = path[path.index(after: slash)...] + LogFolder.asideMark
        let numbers = try disk.names(String(path[..<slash])).compactMap { name in
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
        }
        return numbers.sorted().map { ("\(prefix)\($0)", LogFolder("\(path[..<slash])/\(prefix)\($0)", disk: disk)) }
    }

    package func tiles(size: UInt64) throws(EvidenceError) -> TileReader {
        try TileReader(size: size, folder: path, disk: disk)
    }

    static func keptFile(size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: max(0, sizeDigits - digits.count)) + digits
    }
}
