// SPDX-License-Identifier: Apache-2.0

/// The log that an installation signs: hashes of its entries as tiles, a checkpoint over them, the keys that sign.
///
/// One owner grows it. It signs nothing that is not durable, and never a tree that does not begin with what it signed
/// before: after a backup was restored it refuses, because two trees under one name would let each be denied.
package struct SignedLog: Sendable {
    package let folder: LogFolder
    package private(set) var tiles: LogTiles
    /// The checkpoint that was signed last.
    package private(set) var published: Checkpoint?
    private var signers: [SigningKey]

    package var size: UInt64 { tiles.edge.size }
    package var signs: Bool { !signers.isEmpty }
    package var signerKeys: [VerifierKey] { signers.map(\.verifier) }

    /// Opens the log; makes it when it is not there. Throws `logForked` when its own parts contradict each other.
    ///
    /// - Parameters:
    ///   - signers: the keys that sign from now on; while keys are changed, the old and the new.
    ///   - trusted: further keys that may have signed what was published; what lies beside the log proves nothing.
    package init(
        at path: String, signers: [SigningKey], trusted: [VerifierKey] = [], disk: Disk = .real
    ) throws(EvidenceError) {
        folder = LogFolder(path, disk: disk)
        tiles = try LogTiles(at: path, disk: disk)
        try tiles.sweep()
        self.signers = []
        guard let note = try folder.published() else {
            try take(signers)
            return
        }
        let checkpoint = try OpenedCheckpoint(note, logKeys: trusted + signers.map(\.verifier)).checkpoint
        guard checkpoint.size <= tiles.edge.size else {
            throw EvidenceError(
                .logForked,
                "the log in \(path) has \(tiles.edge.size) entries, but \(checkpoint.size) were signed: its tiles are "
                    + "older than its checkpoint")
        }
        guard try folder.tiles(size: checkpoint.size).tree.root() == checkpoint.root else {
            throw EvidenceError(
                .logForked,
                "the tiles in \(path) do not lead to the checkpoint of size \(checkpoint.size) that was signed")
        }
        published = checkpoint
        try take(signers)
    }

    /// Signs with these keys from now on. What anybody must know to check is durable before the first signature.
    package mutating func take(_ keys: [SigningKey]) throws(EvidenceError) {
        for key in keys where key.verifier.kind != .ed25519 {
            throw EvidenceError(.keyMalformed, "could not sign the log: the key of \(key.name) is a witness's")
        }
        // Two trees under one name would let each be denied, and so would one tree under two.
        if let published, let other = keys.first(where: { $0.name != published.origin }) {
            throw EvidenceError(
                .keyMalformed,
                "could not sign the log of \(published.origin): the key is of \(other.name); put its own key back")
        }
        let known = try folder.keys()
        let new = keys.map(\.verifier).filter { !known.contains($0) }
        if !new.isEmpty {
            let text = (known + new).map { $0.text + "\n" }.joined()
            try folder.disk.replace(Array(text.utf8), in: folder.path, as: LogFolder.keysName)
            // Durable from here: a checkpoint that one of these keys signs can be checked from this folder.
        }
        signers = keys
    }

    /// Takes in further entries, which are durable where they are kept.
    package mutating func append(_ leafHashes: [Digest]) throws(EvidenceError) {
        try tiles.append(leafHashes: leafHashes)
    }

    /// Signs what the log holds now, and publishes it.
    ///
    /// - Parameter keeps: whether the note stays readable after the next one has taken its place.
    @discardableResult
    package mutating func sign(keeps: Bool) throws(EvidenceError) -> Note {
        guard let origin = signers.last?.name else {
            throw EvidenceError(.signatureMissing, "could not sign the log in \(folder.path): it has no signing key")
        }
        let checkpoint = try tiles.checkpoint(origin: origin)
        let note = try checkpoint.signed(by: signers)
        if keeps { try keep(note, size: checkpoint.size) }
        try tiles.publish(note)
        // Durable from here: this tree is the log, and every later one must begin with it.
        published = checkpoint
        return note
    }

    /// Puts what witnesses said under the checkpoint that was signed last.
    ///
    /// - Parameter isMet: whether those are enough: such a note stays readable as `witnessed` until the next such one.
    package mutating func take(cosigned note: Note, isMet: Bool) throws(EvidenceError) {
        guard let published, note.text.isSpelled(like: published.text), let old = try folder.published(),
            try Note(parsing: old).text.isSpelled(like: note.text)
        else {
            throw EvidenceError(
                .rootDiffers, "could not publish what witnesses said in \(folder.path): it is of another checkpoint")
        }
        if isMet { try folder.disk.replace(note.bytes, in: folder.path, as: LogFolder.witnessedName) }
        let kept = folder.path + "/" + LogFolder.keptName
        if try folder.disk.exists(kept + "/" + LogFolder.keptFile(size: published.size)) {
            try folder.disk.replace(note.bytes, in: kept, as: LogFolder.keptFile(size: published.size))
        }
        try folder.disk.replace(note.bytes, in: folder.path, as: LogTiles.checkpointName)
        // Durable from here: a log that comes back smaller is told from this one by whoever cosigned it.
    }

    /// What was signed last, under the keys that sign now alone; the empty tree, which is the beginning of any, when
    /// nothing was.
    package func lastSigned() throws(EvidenceError) -> (note: Note, checkpoint: Checkpoint) {
        guard let origin = signers.last?.name else {
            throw EvidenceError(.signatureMissing, "could not sign for \(folder.path): it has no signing key")
        }
        let checkpoint =
            if let published { published } else {
                try Checkpoint(origin: origin, size: 0, root: MerkleLog.emptyRoot)
            }
        return (try checkpoint.signed(by: signers), checkpoint)
    }

    private func keep(_ note: Note, size: UInt64) throws(EvidenceError) {
        let place = folder.path + "/" + LogFolder.keptName
        if try folder.disk.makeFolder(place) { try folder.disk.syncFolder(folder.path) }
        // With another set of keys one tree gets another note; the last one counts.
        try folder.disk.replace(note.bytes, in: place, as: LogFolder.keptFile(size: size))
    }
}
