// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
package import CordonEvidence
import CordonLanguage

/// Checks what authorities outside said of the time of checkpoints, without a network.
package struct TimestampAudit {
    /// Authorities that the auditor trusts; nothing: only that a token is of that checkpoint is looked at.
    private let trust: TimestampTrust?
    private let keys: [VerifierKey]
    private var findings: [AuditFinding] = []

    private init(_ trust: TimestampTrust?, _ keys: [VerifierKey]) { (self.trust, self.keys) = (trust, keys) }

    /// Of a bundle whose manifest and signatures were checked.
    package static func bundle(
        _ archive: [UInt8], keys: [VerifierKey], trust: TimestampTrust?
    ) async -> [AuditFinding] {
        await bundle(ByteSource(archive), keys: keys, trust: trust)
    }

    package static func bundle(
        _ archive: ByteSource, keys: [VerifierKey], trust: TimestampTrust?
    ) async -> [AuditFinding] {
        guard let index = try? TarIndex(archive) else { return [] }
        let places = Dictionary(index.places.map { ($0.name, $0.range) }) { first, _ in first }
        func bytes(_ name: String) -> [UInt8] {
            guard let range = places[name], range.count <= BundleFormat.fileBytesMax else { return [] }
            return (try? archive.bytes(range)) ?? []
        }
        let own = (try? LogFolder.keys(parsing: bytes(BundleFormat.keys), at: BundleFormat.keys)) ?? []
        var audit = TimestampAudit(trust, keys.isEmpty ? own : keys)
        let stamped = places.keys.filter {
            $0.hasPrefix(BundleFormat.timestamps) && $0.hasSuffix(BundleFormat.stampedAnswer)
        }
        for name in stamped.sorted() {
            let stem = String(name.dropLast(BundleFormat.stampedAnswer.count))
            let note = bytes(stem + BundleFormat.stampedNote)
            guard let kept = await audit.check(bytes(name), note, name) else { continue }
            audit.join(kept, bytes(stem + BundleFormat.stampedProof), bytes(BundleFormat.checkpoint), name)
        }
        return audit.findings
    }

    /// Of a state folder: each stamped checkpoint is one of the log's, too.
    package static func folder(
        _ folder: LogFolder, keys: [VerifierKey], trust: TimestampTrust?
    ) async -> [AuditFinding] {
        var audit = TimestampAudit(trust, keys.isEmpty ? (try? folder.keys()) ?? [] : keys)
        for stamp in TimestampFolder(log: folder).stamps() {
            let name = "log/timestamps/\(TimestampFolder.name(stamp.size)).tsr"
            guard let kept = await audit.check(stamp.answer, stamp.note, name) else { continue }
            audit.compare(kept, folder, name)
        }
        return audit.findings
    }

    /// The stamped checkpoint, when it is to be believed.
    private mutating func check(_ answer: [UInt8], _ note: [UInt8], _ name: String) async -> Checkpoint? {
        do {
            let opened = try OpenedCheckpoint(note, logKeys: keys)
            let text = Array(try Note(parsing: note).text.utf8)
            let token = try TimestampToken(answer: answer)
            try await confirm(token, text, name, opened.checkpoint)
            return opened.checkpoint
        } catch let error as EvidenceError {
            find(.broken, .timestampInvalid, name, "the checkpoint that it is of is none of the log's: \(error.reason)")
        } catch let error as TimestampError {
            find(.broken, .timestampInvalid, name, error.reason)
        } catch { find(.broken, .timestampInvalid, name, "\(error)") }
        return nil
    }

    private mutating func confirm(
        _ token: TimestampToken, _ text: [UInt8], _ name: String, _ checkpoint: Checkpoint
    ) async throws {
        guard let trust else {
            try token.verifyDigest(over: text)
            return find(
                .note, .timestampUnchecked, name,
                "it says that \(checkpoint.size) entries were there at \(token.time); whose word that is was not checked: "
                    + "use --tsa-ca")
        }
        try await token.verify(over: text, trust: trust)
        find(
            .note, .timestamped, name,
            "an authority that you trust says that \(checkpoint.size) entries were there at \(token.time)")
    }

    /// The bundle's checkpoint must go on from the stamped one.
    private mutating func join(_ kept: Checkpoint, _ proof: [UInt8], _ note: [UInt8], _ name: String) {
        do {
            let last = try OpenedCheckpoint(note, logKeys: keys).checkpoint
            guard let value = try? JSON.parse(proof), value["size"] == .string(String(kept.size)),
                kept.origin == last.origin, let hashes = Self.hashes(value["consistency"])
            else { return find(.broken, .timestampInvalid, name, "it does not belong to the bundle's checkpoint") }
            let consistency = ConsistencyProof(oldSize: kept.size, newSize: last.size, hashes: hashes)
            try consistency.verify(oldRoot: kept.root, newRoot: last.root)
        } catch {
            find(
                .broken, .timestampInvalid, name,
                "what was stamped is not the beginning of the log: \(error.reason)")
        }
    }

    private mutating func compare(_ kept: Checkpoint, _ folder: LogFolder, _ name: String) {
        do {
            let root = try folder.tiles(size: kept.size).tree.root()
            guard root != kept.root else { return }
            find(
                .broken, .timestampInvalid, name,
                "the first \(kept.size) entries do not lead to the root that was stamped")
        } catch {
            find(
                .broken, .timestampInvalid, name,
                "what was stamped can't be found: \(error.reason)")
        }
    }

    private static func hashes(_ value: Value?) -> [Digest]? {
        guard let texts = value?.arrayValue else { return nil }
        let read = texts.compactMap { $0.stringValue.flatMap { Base64.bytes($0.utf8) }.flatMap { Digest(bytes: $0) } }
        return read.count == texts.count ? read : nil
    }

    private mutating func find(
        _ grade: AuditFinding.Grade, _ code: AuditFinding.Code, _ place: String, _ says: String
    ) {
        findings.append(AuditFinding(grade, code, place, says))
    }
}
