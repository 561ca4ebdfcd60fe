// SPDX-License-Identifier: Apache-2.0

/// What a log says of itself at one moment (C2SP tlog-checkpoint): its origin, its size, its root.
package struct Checkpoint: Hashable, Sendable {
    /// The name of the log, and of the key that signs for it.
    package let origin: String
    package let size: UInt64
    package let root: Digest
    /// Further lines, which other readers pass over.
    package let extensions: [String]

    package init(
        origin: String, size: UInt64, root: Digest, extensions: [String] = []
    ) throws(EvidenceError) {
        guard KeyName.isValid(origin) else {
            throw Checkpoint.malformed("its origin must be one line without a space and a plus sign")
        }
        guard size <= MerkleLog.sizeMax else { throw Checkpoint.malformed("size \(size) is too large") }
        guard size > 0 || root == MerkleLog.emptyRoot else {
            throw Checkpoint.malformed("a log of size 0 has the root of nothing")
        }
        guard extensions.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(Note.newline) }) else {
            throw Checkpoint.malformed("an extension must be one line that is not empty")
        }
        (self.origin, self.size, self.root, self.extensions) = (origin, size, root, extensions)
    }

    /// Reads the text of a note: three lines at least.
    package init(parsing text: String) throws(EvidenceError) {
        let lines = text.utf8.split(separator: Note.newline, omittingEmptySubsequences: false).map { Substring($0) }
        guard lines.count >= 4, lines.last == "" else { throw Checkpoint.malformed("it has fewer than three lines") }
        guard let size = Decimal.integer(lines[1]) else {
            throw Checkpoint.malformed("its second line is no size")
        }
        guard let root = Base64.bytes(lines[2].utf8).flatMap({ Digest(bytes: $0) }) else {
            throw Checkpoint.malformed("its third line is no root: expected 32 bytes as base64")
        }
        try self.init(
            origin: String(lines[0]), size: size, root: root, extensions: lines.dropFirst(3).dropLast().map(String.init)
        )
    }

    package var text: String {
        ([origin, String(size), Base64.text(root.bytes)] + extensions).map { $0 + "\n" }.joined()
    }

    /// Signs with the log's key, and with the next one too while keys are changed.
    package func signed(by keys: [SigningKey]) throws(EvidenceError) -> Note {
        var note = try Note(text: text)
        for key in keys {
            guard key.name.isSpelled(like: origin) else {
                throw EvidenceError(
                    .keyMalformed, "could not sign a checkpoint: the key of \(key.name) is not that of \(origin)")
            }
            try note.sign(with: key)
        }
        return note
    }

    package static func == (left: Checkpoint, right: Checkpoint) -> Bool { left.text.isSpelled(like: right.text) }
    package func hash(into hasher: inout Hasher) { hasher.combine(root) }

    private static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.checkpointMalformed, "could not read a checkpoint: \(cause)")
    }
}

/// A checkpoint that was verified: by a key of the log, and by those witnesses that are named here.
package struct OpenedCheckpoint: Sendable {
    package let checkpoint: Checkpoint
    package let note: Note
    package let witnesses: [VerifiedSignature]

    /// Refuses a note that no log key signed, that carries a false signature of a trusted key, or that speaks for a
    /// log of another name. Witnesses are reported, not required: see `WitnessPolicy`.
    package init(
        _ bytes: [UInt8], logKeys: [VerifierKey], witnesses trusted: [VerifierKey] = []
    ) throws(EvidenceError) {
        note = try Note(parsing: bytes)
        checkpoint = try Checkpoint(parsing: note.text)
        let logs = logKeys.filter { $0.kind == .ed25519 }
        let verified = try note.verify(with: logs + trusted)
        let origin = checkpoint.origin
        guard verified.contains(where: { logs.contains($0.key) && $0.key.name.isSpelled(like: origin) }) else {
            throw EvidenceError(
                .signatureMissing, "could not open the checkpoint of \(origin): no trusted key of that name signed it")
        }
        witnesses = verified.filter { $0.key.kind == .cosignature && trusted.contains($0.key) }
    }
}

extension Note {
    /// Adds a witness's statement: "at this time this was the largest tree of this log that I had seen".
    package mutating func cosign(with key: SigningKey, timeSeconds: UInt64) throws(EvidenceError) {
        guard key.verifier.kind == .cosignature else {
            throw EvidenceError(.keyMalformed, "could not cosign: the key of \(key.name) is no witness's key")
        }
        let signature = try key.signature(of: Cosignature.message(text: text, timeSeconds: timeSeconds))
        add(NoteSignature(key: key.verifier, bytes: BigEndian.bytes(timeSeconds) + signature))
    }
}

enum Decimal {
    /// Digits without a sign and without leading zeros, up to the largest 64-bit value.
    static func integer(_ text: some StringProtocol) -> UInt64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0")
        else { return nil }
        return UInt64(text)
    }
}
