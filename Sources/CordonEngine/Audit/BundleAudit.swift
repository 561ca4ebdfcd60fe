// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage

/// Checks a bundle: it needs the file and a public key, no database, no network and no trust in who made it.
package struct BundleAudit {
    private let trust: AuditTrust
    private var report = AuditReport(subject: "bundle")
    private var files: [String: [UInt8]] = [:]
    private var keys: [VerifierKey] = []

    private init(_ trust: AuditTrust) { self.trust = trust }

    package static func run(_ archive: [UInt8], trust: AuditTrust) -> AuditReport {
        var audit = BundleAudit(trust)
        audit.check(archive)
        audit.report.findings = audit.report.findings.ordered
        return audit.report
    }

    private mutating func check(_ archive: [UInt8]) {
        do throws(EvidenceError) {
            for file in try Tar.files(archive) { files[file.name] = file.bytes }
        } catch { return report.find(.broken, .archiveMalformed, "the archive", error.reason) }
        readKeys()
        guard let head = openManifest() else { return }
        report.subject = "\(head.kind.rawValue) bundle"
        report.origin = head.origin
        guard let note = file(BundleFormat.checkpoint),
            let checkpoint = report.open(note, BundleFormat.checkpoint, trust, keys)
        else { return }
        checkQuorum(note)
        report.size = checkpoint.size
        report.checkpoints = 1
        if checkpoint.size != UInt64(head.size) || checkpoint.origin != head.origin {
            report.find(
                .broken, .checkpointDiffers, BundleFormat.checkpoint, "it is not the one that the manifest speaks of")
        }
        let since = report.openSince(trust, keys, checkpoint)
        let lines = readLines(head)
        switch head.kind {
        case .run: proveEach(lines, checkpoint)
        case .period: proveRange(lines, head, checkpoint, since)
        }
        if let since { compareSince(since, checkpoint, head) }
        checkMeaning(head, lines)
        for view in BundleViews.files(head, lines, ownKeys) where files[view.name].map({ $0 != view.bytes }) ?? false {
            // Its words are those of the version that made it; the manifest signs them, and no record is among them.
            guard view.name != "README.txt" else {
                report.find(.note, .fileChanged, view.name, "another version of Cordon worded it")
                continue
            }
            report.find(.broken, .fileChanged, view.name, "it does not follow from the lines")
        }
    }

    // MARK: What is signed

    /// The auditor's policy must be met; the one that lies in the bundle is the log's own word, and tells what is missing.
    private mutating func checkQuorum(_ note: [UInt8]) {
        if let policy = trust.policy {
            return report.checkQuorum(note, BundleFormat.checkpoint, policy, .broken)
        }
        guard let bytes = files[BundleFormat.policy] else { return }
        do throws(EvidenceError) {
            let policy = try WitnessPolicy(parsing: String(decoding: bytes, as: UTF8.self))
            report.checkQuorum(note, BundleFormat.checkpoint, policy, .open)
        } catch { report.find(.broken, .fileChanged, BundleFormat.policy, error.reason) }
    }

    private var ownKeys: [VerifierKey] {
        (try? LogFolder.keys(parsing: files[BundleFormat.keys] ?? [], at: BundleFormat.keys)) ?? []
    }

    private mutating func readKeys() {
        do throws(EvidenceError) {
            let own = try LogFolder.keys(parsing: files[BundleFormat.keys] ?? [], at: BundleFormat.keys)
            keys = trust.keys(beside: own)
            for key in own where files["keys/\(key.hash8).pem"].map({ $0 != Array(key.pem.utf8) }) ?? false {
                report.find(.broken, .fileChanged, "keys/\(key.hash8).pem", "it is not the key of that name")
            }
        } catch { report.find(.broken, .keyUnknown, BundleFormat.keys, error.reason) }
        report.tellKeys(keys, trust, BundleFormat.keys)
    }

    private mutating func openManifest() -> BundleHead? {
        guard let bytes = file(BundleFormat.manifest) else { return nil }
        guard let envelope = envelope(bytes), let statement = try? JSON.parse(envelope.payload),
            statement["_type"]?.stringValue == BundleFormat.statementType,
            statement["predicateType"]?.stringValue == BundleFormat.predicateType,
            let subjects = statement["subject"]?.arrayValue,
            let head = statement["predicate"].flatMap(BundleHead.init)
        else {
            report.find(.broken, .manifestMalformed, BundleFormat.manifest, "it is no signed statement over a bundle")
            return nil
        }
        do throws(EvidenceError) { _ = try envelope.verify(with: keys) } catch {
            let code: AuditFinding.Code = error.code == .signatureMissing ? .signatureMissing : .signatureInvalid
            report.find(.broken, code, BundleFormat.manifest, error.reason)
        }
        compare(subjects)
        return head
    }

    /// One spelling alone is taken: a manifest whose bytes were changed is not the one that was written.
    private func envelope(_ bytes: [UInt8]) -> Envelope? {
        guard let value = try? JSON.parse(bytes), value.jsonBytes + [UInt8(ascii: "\n")] == bytes,
            value.objectValue?.count == 3, value["payloadType"]?.stringValue == BundleFormat.payloadType,
            let payload = value["payload"]?.stringValue.flatMap({ Base64.bytes($0.utf8) }),
            let signatures = value["signatures"]?.arrayValue
        else { return nil }
        let read = signatures.compactMap { item -> Envelope.Signature? in
            guard let id = item["keyid"]?.stringValue, item.objectValue?.count == 2,
                let sig = item["sig"]?.stringValue.flatMap({ Base64.bytes($0.utf8) })
            else { return nil }
            return Envelope.Signature(keyID: id, bytes: sig)
        }
        guard read.count == signatures.count else { return nil }
        return try? Envelope(payloadType: BundleFormat.payloadType, payload: payload, signatures: read)
    }

    private mutating func compare(_ subjects: [Value]) {
        var listed: Set<String> = [BundleFormat.manifest]
        for subject in subjects {
            guard let name = subject["name"]?.stringValue, let digest = subject.at("digest", "sha256")?.stringValue
            else {
                report.find(
                    .broken, .manifestMalformed, BundleFormat.manifest, "it lists a file without name or digest")
                continue
            }
            listed.insert(name)
            guard let bytes = files[name] else {
                report.find(.broken, .fileMissing, name, "the manifest lists it, and it is not there")
                continue
            }
            if Digest.of(bytes).hex != digest {
                report.find(.broken, .fileChanged, name, "its bytes are not those that were signed")
            }
        }
        for name in files.keys.sorted() where !listed.contains(name) {
            report.find(.broken, .fileUnlisted, name, "it is there, and the manifest does not list it")
        }
    }

    private mutating func file(_ name: String) -> [UInt8]? {
        guard let bytes = files[name] else {
            report.find(.broken, .fileMissing, name, "it is not there")
            return nil
        }
        return bytes
    }

    // MARK: The entries

    private mutating func readLines(_ head: BundleHead) -> [BundleLine] {
        let bytes = file(BundleFormat.entries) ?? []
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        if lines.last == [] {
            lines.removeLast()
        } else {
            report.find(.broken, .entryUnreadable, BundleFormat.entries, "its last line does not end")
        }
        report.entries = lines.count
        let count: Int
        let places: [Int]
        switch head.kind {
        case .run:
            places = files.keys.filter { $0.hasPrefix("proofs/") }.sorted().compactMap {
                Int($0.dropFirst("proofs/".count).prefix { $0 != "." })
            }.filter { $0 >= 0 }
            count = places.count
        case .period:
            count = head.range?.count ?? 0
            // What the manifest says may be any number: there are never more places than lines.
            places = head.range.map { Array($0.prefix(lines.count)) } ?? []
        }
        if count != lines.count {
            report.find(
                .broken, .entryMissing, BundleFormat.entries,
                "it has \(lines.count) lines, there are proofs for \(count)"
            )
        }
        return zip(places, lines).map { BundleLine(index: $0, bytes: $1) }
    }

    private mutating func proveEach(_ lines: [BundleLine], _ checkpoint: Checkpoint) {
        for line in lines {
            let name = BundleFormat.proof(line.index)
            guard let bytes = file(name) else { continue }
            do throws(EvidenceError) {
                let proof = try LogProof(parsing: bytes)
                guard proof.bytes == bytes, proof.index == UInt64(line.index),
                    proof.checkpoint == files[BundleFormat.checkpoint]
                else { throw EvidenceError(.proofMalformed, "it is the proof of another entry or another checkpoint") }
                let inclusion = InclusionProof(index: proof.index, size: checkpoint.size, hashes: proof.hashes)
                try inclusion.verify(leafHash: MerkleLog.leafHash(line.bytes), root: checkpoint.root)
            } catch { report.find(.broken, .entryUnproved, "entry \(line.index)", "\(name): \(error.reason)") }
        }
    }

    private mutating func proveRange(
        _ lines: [BundleLine], _ head: BundleHead, _ checkpoint: Checkpoint, _ kept: Checkpoint?
    ) {
        guard let bytes = file(BundleFormat.range), let range = head.range else { return }
        guard let value = try? JSON.parse(bytes), let edge = hashes(value["frontier"]),
            let consistency = hashes(value["consistency"]), value["first"] == .int(Int64(range.lowerBound)),
            value["end"] == .int(Int64(range.upperBound)),
            var frontier = try? MerkleFrontier(size: UInt64(range.lowerBound), hashes: edge)
        else { return report.find(.broken, .entryUnproved, BundleFormat.range, "it is no edge of this log") }
        checkSince(frontier, range)
        compare(frontier, kept)
        for line in lines {
            frontier.append(MerkleLog.leafHash(line.bytes))
            compare(frontier, kept)
        }
        do throws(EvidenceError) {
            let proof = ConsistencyProof(oldSize: frontier.size, newSize: checkpoint.size, hashes: consistency)
            try proof.verify(oldRoot: frontier.root, newRoot: checkpoint.root)
        } catch {
            report.find(
                .broken, .entryUnproved, "entries \(range.lowerBound) to \(range.upperBound - 1)",
                "they do not lead to the checkpoint: \(error.reason)")
        }
    }

    /// On the way through the entries the tree passes the size that the auditor kept.
    private mutating func compare(_ frontier: MerkleFrontier, _ kept: Checkpoint?) {
        guard let kept, kept.size == frontier.size, kept.root != frontier.root else { return }
        report.find(
            .broken, .checkpointDiffers, AuditTrust.sincePlace,
            "the first \(kept.size) entries here do not lead to the root that was signed then")
    }

    /// What the entries of the bundle can't show: it may begin later, or hold single lines alone.
    private mutating func compareSince(_ kept: Checkpoint, _ checkpoint: Checkpoint, _ head: BundleHead) {
        if kept.size == checkpoint.size {
            guard kept.root != checkpoint.root else { return }
            return report.find(
                .broken, .checkpointDiffers, AuditTrust.sincePlace, "another root was signed for \(kept.size) entries")
        }
        if let range = head.range, range.lowerBound <= Int(kept.size), Int(kept.size) <= range.upperBound { return }
        report.find(
            .open, .checkpointMissing, AuditTrust.sincePlace,
            "the entries here do not reach from \(kept.size) on: whether the log begins with them can't be shown; "
                + "export a period that begins there")
    }

    private func hashes(_ value: Value?) -> [Digest]? {
        guard let texts = value?.arrayValue else { return nil }
        let read = texts.compactMap { $0.stringValue.flatMap { Base64.bytes($0.utf8) }.flatMap { Digest(bytes: $0) } }
        return read.count == texts.count ? read : nil
    }

    /// The period begins where an earlier checkpoint ended: nothing lies between them.
    private mutating func checkSince(_ frontier: MerkleFrontier, _ range: Range<Int>) {
        guard range.lowerBound > 0 else { return }
        guard let note = file(BundleFormat.since), let since = report.open(note, BundleFormat.since, trust, keys) else {
            return
        }
        report.checkpoints += 1
        if since.size != frontier.size || since.root != frontier.root {
            report.find(
                .broken, .checkpointDiffers, BundleFormat.since, "the period does not begin where it was signed for")
        }
    }

    // MARK: Meaning

    private mutating func checkMeaning(_ head: BundleHead, _ lines: [BundleLine]) {
        var history = HistoryAudit(head.coverage)
        for line in lines { history.take(line.bytes, place: "entry \(line.index)") }
        report.findings += history.finish()
        report.runs = history.runStreams.count
        var absent: [String: AbsentState] = [:]
        for item in (try? JSON.parse(file(BundleFormat.absent) ?? []))?.arrayValue ?? [] {
            guard let digest = item["digest"]?.stringValue else { continue }
            absent[digest] = item["state"]?.stringValue.flatMap(AbsentState.init(rawValue:))
        }
        // A run's bundle holds each line that tells of an erasure: the manifest's word alone is none.
        if head.kind == .run {
            for named in history.blobs.values where absent[named.digest] != nil && history.erased[named.digest] == nil {
                absent[named.digest] = .lost
            }
            for (alert, named) in history.bodies
            where absent[named.digest] == .erased && !history.expired.contains(alert) { absent[named.digest] = .lost }
        }
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        for (_, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        for digest in history.pins.sorted() {
            check(BundleFormat.definition(digest), digest, "a run's opening", absent)
        }
        for name in files.keys.filter({ $0.hasPrefix("runs/") }).sorted() {
            let stream = String(name.dropFirst("runs/".count).dropLast(".json".count))
            if history.run(stream)?.value.jsonBytes != files[name] {
                report.find(.broken, .snapshotDiffers, name, "folding its lines does not give it")
            }
        }
    }

    private mutating func check(_ name: String, _ digest: String, _ place: String, _ absent: [String: AbsentState]) {
        guard let bytes = files[name] else {
            switch absent[digest] {
            case .expired, .withheld, .erased:
                report.find(
                    .note, .blobErased, name, "\(place) names it; \(BundleFormat.absent) says why it is not here")
            case .lost:
                report.find(.broken, .blobMissing, name, "\(place) names it, and it was lost before the export")
            case nil:
                report.find(.broken, .blobMissing, name, "\(place) names it, and nothing says why it is not here")
            }
            return
        }
        report.blobs += 1
        if digestText(bytes) != digest { report.find(.broken, .blobChanged, name, "it is not what \(place) names") }
    }
}
