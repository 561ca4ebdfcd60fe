// SPDX-License-Identifier: Apache-2.0

/// Remembers the largest tree that it saw of each log, and says so under its own key (C2SP tlog-witness).
///
/// It cosigns a checkpoint only when that begins with the one it cosigned before, and answers only after what it
/// remembers is durable: so two trees under one name never get its word, whatever crashes. One owner asks it, one
/// request at a time; after `syncFailed` the caller must end the process.
package struct Witness: Sendable {
    /// What a log is told; each case has a status of its own in HTTP.
    package enum Answer: Hashable, Sendable {
        /// One signature line, with its newline.
        case cosigned(String)
        case malformed(String)
        /// None of the keys here is of a log with this name.
        case unknownLog(String)
        /// It is no checkpoint that a key of that log signed.
        case unsigned(String)
        /// The request is not about the size that was cosigned last.
        case conflict(size: UInt64)
        /// What was cosigned last is not shown to be the beginning of this.
        case inconsistent(String)
    }

    /// What a witness knows of one log.
    package struct Seen: Sendable {
        package let checkpoint: Checkpoint
        package let timeSeconds: UInt64
    }

    private static let seenName = "seen"

    package let folder: String
    private let key: SigningKey
    private let logs: [VerifierKey]
    private let disk: Disk
    /// By the digest of the log's name.
    private var last: [Digest: Seen] = [:]

    /// Opens what it remembers in a folder that exists.
    package init(
        at folder: String, key: SigningKey, logs: [VerifierKey], disk: Disk = .real
    ) throws(EvidenceError) {
        guard key.verifier.kind == .cosignature else {
            throw EvidenceError(.keyMalformed, "could not witness: the key of \(key.name) is no witness's key")
        }
        (self.folder, self.key, self.disk) = (folder, key, disk)
        self.logs = logs.filter { $0.kind == .ed25519 }
        try disk.makeRoot(folder + "/" + Witness.seenName)
        try disk.sweep(folder + "/" + Witness.seenName)
        for seen in try Witness.seen(in: folder, key: key.verifier, disk: disk) {
            last[Witness.name(of: seen.checkpoint.origin)] = seen
        }
    }

    /// Each log that it cosigned for, as it stands in the folder; refuses what is not under the witness's own key.
    package static func seen(
        in folder: String, key: VerifierKey, disk: Disk = .real
    ) throws(EvidenceError) -> [Seen] {
        var all: [Seen] = []
        let place = folder + "/" + seenName
        for name in try disk.names(place) where !name.hasPrefix(Disk.draftPrefix) {
            guard let stored = try disk.read(place + "/" + name, Note.bytesMax) else { continue }
            do throws(EvidenceError) { all.append(try seen(stored.bytes, named: name, key)) } catch {
                throw EvidenceError(
                    error.code,
                    "could not read what this witness saw in \(place)/\(name): \(error.reason); restore the file or "
                        + "its key, a witness that forgot proves nothing")
            }
        }
        return all
    }

    private static func seen(_ bytes: [UInt8], named name: String, _ key: VerifierKey) throws(EvidenceError) -> Seen {
        let note = try Note(parsing: bytes)
        let signature = try note.verify(with: [key]).first
        let checkpoint = try Checkpoint(parsing: note.text)
        guard Witness.name(of: checkpoint.origin).hex == name, let time = signature?.timeSeconds else {
            throw EvidenceError(.checkpointMalformed, "it is the checkpoint of another log")
        }
        return Seen(checkpoint: checkpoint, timeSeconds: time)
    }

    /// Answers one request; what it throws is the disk's failure, and nothing was cosigned then.
    package mutating func add(_ body: [UInt8], timeSeconds: UInt64) throws(EvidenceError) -> Answer {
        let request: WitnessRequest
        let note: Note
        let checkpoint: Checkpoint
        do throws(EvidenceError) { request = try WitnessRequest(parsing: body) } catch {
            return .malformed(error.reason)
        }
        do throws(EvidenceError) {
            note = try Note(parsing: request.checkpoint)
            checkpoint = try Checkpoint(parsing: note.text)
        } catch { return .unsigned(error.reason) }
        let keys = logs.filter { $0.name.isSpelled(like: checkpoint.origin) }
        guard !keys.isEmpty else { return .unknownLog("this witness has no key of the log \(checkpoint.origin)") }
        do throws(EvidenceError) { _ = try note.verify(with: keys) } catch { return .unsigned(error.reason) }
        let name = Witness.name(of: checkpoint.origin)
        if let refusal = refusal(of: request, checkpoint, last[name]?.checkpoint) { return refusal }

        var cosigned = note.with(only: keys)
        try cosigned.cosign(with: key, timeSeconds: timeSeconds)
        guard let line = cosigned.signatures.last?.line else { return .malformed("no signature was made") }
        try disk.replace(cosigned.bytes, in: folder + "/" + Witness.seenName, as: name.hex)
        // Durable from here: no smaller and no other tree is cosigned by whoever starts from this folder.
        last[name] = Seen(checkpoint: checkpoint, timeSeconds: timeSeconds)
        return .cosigned(line + "\n")
    }

    private func refusal(of request: WitnessRequest, _ new: Checkpoint, _ old: Checkpoint?) -> Answer? {
        guard request.oldSize <= new.size else {
            return .malformed("the old size \(request.oldSize) is over the checkpoint's, \(new.size)")
        }
        let size = old?.size ?? 0
        guard request.oldSize == size else { return .conflict(size: size) }
        if size > 0, size == new.size, old?.root != new.root { return .conflict(size: size) }
        guard let old, size > 0, size < new.size else {
            return request.hashes.isEmpty ? nil : .inconsistent("a consistency proof is given where none is needed")
        }
        do throws(EvidenceError) {
            let proof = ConsistencyProof(oldSize: size, newSize: new.size, hashes: request.hashes)
            try proof.verify(oldRoot: old.root, newRoot: new.root)
        } catch { return .inconsistent("the consistency proof does not hold: \(error.reason)") }
        return nil
    }

    private static func name(of origin: String) -> Digest { Digest.of(Array(origin.utf8)) }
}
