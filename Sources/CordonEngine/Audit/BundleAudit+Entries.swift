// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// The lines of a bundle: each is part of the log whose checkpoint was signed, and none is missing.
extension BundleAudit {
    /// Of a run: each has a proof of its own.
    mutating func readProved(_ reading: inout BundleReading, _ note: [UInt8], _ checkpoint: Checkpoint) async {
        let places = proofPlaces(BundleFormat.proofs)
        var found: [AuditFinding] = []
        let problems = await BundleAudit.read(source, self.places[BundleFormat.entries], &reading, .listed(places[...]))
        {
            index, hash in
            let name = BundleFormat.proof(index)
            do throws(EvidenceError) { try prove(index, hash, contents(name), note, checkpoint) } catch {
                found.append(AuditFinding(.broken, .entryUnproved, "entry \(index)", "\(name): \(error.reason)"))
            }
        }
        report.findings += problems + found
    }

    private func proofPlaces(_ folder: String) -> [Int] {
        places.keys.filter { $0.hasPrefix(folder) }.sorted().compactMap {
            Int($0.dropFirst(folder.count).prefix { $0 != "." })
        }.filter { $0 >= 0 }
    }

    /// What says what was in force before a period began: each line is proved by itself.
    mutating func readEarlier(_ reading: inout BundleReading, _ note: [UInt8], _ checkpoint: Checkpoint) {
        guard let range = reading.head.range, range.lowerBound > 0 else { return }
        // Those that were made before such lines went along have none: what was in force is then not known.
        guard places[BundleFormat.earlier] != nil else { return }
        for line in provedLines(
            BundleFormat.earlier, BundleFormat.proofs, BundleFormat.proof, note, checkpoint,
            isPlace: { $0 < range.lowerBound })
        {
            reading.history.takeEarlier(line)
        }
    }

    /// What says that something is gone, from wherever in the log it stands.
    mutating func readGone(_ reading: inout BundleReading, _ note: [UInt8], _ checkpoint: Checkpoint) {
        for line in provedLines(
            BundleFormat.gone, BundleFormat.goneProofs, BundleFormat.goneProof, note, checkpoint,
            isPlace: { _ in true })
        {
            reading.history.takeGone(line)
        }
    }

    /// The lines of a file each of which has a proof of its own, as far as they are proved and can be read.
    private mutating func provedLines(
        _ file: String, _ folder: String, _ name: (Int) -> String, _ note: [UInt8], _ checkpoint: Checkpoint,
        isPlace: (Int) -> Bool
    ) -> [HistoryLine] {
        let lines = (contents(file) ?? []).split(separator: UInt8(ascii: "\n")).map(Array.init)
        let proofs = proofPlaces(folder)
        guard proofs.count == lines.count, proofs.allSatisfy(isPlace) else {
            report.find(
                .broken, .entryMissing, file, "it has \(lines.count) lines, there are proofs for \(proofs.count)")
            return []
        }
        var read: [HistoryLine] = []
        for (index, bytes) in zip(proofs, lines) {
            let line = BundleLine(index: index, bytes: bytes)
            do throws(EvidenceError) { try prove(index, line.hash, contents(name(index)), note, checkpoint) } catch {
                report.find(.broken, .entryUnproved, file, "\(name(index)): \(error.reason)")
                continue
            }
            if case .success(let told) = line.read { read.append(told) }
        }
        return read
    }

    private func prove(
        _ index: Int, _ hash: Digest, _ bytes: [UInt8]?, _ note: [UInt8], _ checkpoint: Checkpoint
    ) throws(EvidenceError) {
        guard let bytes else { throw EvidenceError(.proofMalformed, "it can't be read") }
        let proof = try LogProof(parsing: bytes)
        guard proof.bytes == bytes, proof.index == UInt64(index), proof.checkpoint == note else {
            throw EvidenceError(.proofMalformed, "it is the proof of another entry or another checkpoint")
        }
        let inclusion = InclusionProof(index: proof.index, size: checkpoint.size, hashes: proof.hashes)
        try inclusion.verify(leafHash: hash, root: checkpoint.root)
    }

    /// Of a period: all of them together lead from the tree before the first to the checkpoint.
    mutating func readRange(_ reading: inout BundleReading, _ checkpoint: Checkpoint, _ kept: Checkpoint?) async {
        guard let range = reading.head.range else { return }
        let edge = edge(of: range)
        var frontier = edge?.frontier
        // On the way through the entries the tree passes the size that the auditor kept.
        var passed: [Digest] = []
        func compare() {
            if let kept, let frontier, kept.size == frontier.size { passed.append(frontier.root) }
        }
        compare()
        report.findings += await BundleAudit.read(source, places[BundleFormat.entries], &reading, .range(range)) {
            _, hash in
            frontier?.append(hash)
            compare()
        }
        guard let edge, let frontier else { return }
        checkSince(edge.frontier, range)
        if let kept, passed.contains(where: { $0 != kept.root }) {
            report.find(
                .broken, .checkpointDiffers, AuditTrust.sincePlace,
                "the first \(kept.size) entries here do not lead to the root that was signed then")
        }
        do throws(EvidenceError) {
            let proof = ConsistencyProof(oldSize: frontier.size, newSize: checkpoint.size, hashes: edge.consistency)
            try proof.verify(oldRoot: frontier.root, newRoot: checkpoint.root)
        } catch {
            report.find(
                .broken, .entryUnproved, "entries \(range.lowerBound) to \(range.upperBound - 1)",
                "they do not lead to the checkpoint: \(error.reason)")
        }
    }

    /// What one look into the file gives, and the reader behind it.
    private struct Read: Sendable {
        var reader: LineReader
        /// How many lines there were, also those for which there is no place.
        var count = 0
        var piece: AuditPiece?
        var indexes: [Int] = []
        var failure: EvidenceError?
    }

    /// - Parameter places: those that are left for the next lines.
    private static func next(_ reader: LineReader, _ places: BundlePlaces, _ shards: Int) -> Read {
        var read = Read(reader: reader)
        do throws(EvidenceError) {
            guard let (bytes, lines) = try read.reader.next() else { return read }
            read.count = lines.count
            read.indexes = places.first(lines.count)
            let ranges = Array(lines.prefix(read.indexes.count))
            read.piece = AuditPiece(.text(bytes, ranges: ranges, indexes: read.indexes), shards: shards)
        } catch { read.failure = error }
        return read
    }

    /// Hands over each line for which there is a place. What a manifest says may be any number: there are never more
    /// lines than stand in the file.
    ///
    /// - Parameter file: where the lines stand.
    private static func read(
        _ source: ByteSource, _ file: Range<Int>?, _ reading: inout BundleReading,
        _ places: BundlePlaces, _ take: (Int, Digest) -> Void
    ) async -> [AuditFinding] {
        let name = BundleFormat.entries
        guard let file else { return [AuditFinding(.broken, .fileMissing, name, "it is not there")] }
        var findings: [AuditFinding] = []
        let shards = AuditShards(reading.history, views: reading.head.views)
        let count = reading.history.shards.count
        var read = next(LineReader(source, file), places, count)
        var left = places
        while let piece = read.piece {
            reading.count(read.count)
            left = left.dropFirst(read.count)
            let (indexes, reader, rest) = (read.indexes, read.reader, left)
            // While one piece is judged, the next is read.
            async let following = next(reader, rest, count)
            await shards.judge(piece) { offset, judged, shard in
                take(indexes[offset], judged.hash)
                reading.take(indexes[offset], judged, shard)
            }
            read = await following
            if reading.history.isHopeless { break }
        }
        if let failure = read.failure {
            findings.append(AuditFinding(.broken, .entryUnreadable, name, failure.reason))
        }
        if read.reader.isCut {
            findings.append(AuditFinding(.broken, .entryUnreadable, name, "its last line does not end"))
        }
        if places.count != reading.count {
            findings.append(
                AuditFinding(
                    .broken, .entryMissing, name,
                    "it has \(reading.count) lines, there are proofs for \(places.count)"))
        }
        return findings
    }

    /// A period is whole when its lines reach beyond it, or to an end of the log.
    mutating func checkSpan(_ reading: BundleReading) {
        guard let range = reading.head.range else { return }
        guard let span = reading.head.span, let from = Instant(rfc3339: span.from), let to = Instant(rfc3339: span.to)
        else {
            return report.find(
                .broken, .manifestMalformed, BundleFormat.manifest, "it does not say of which time it is")
        }
        let begins = range.lowerBound == 0 || reading.first.map { $0 < from } ?? false
        let ends = range.upperBound == reading.head.size || reading.last.map { $0 >= to } ?? false
        guard !begins || !ends else { return }
        report.find(
            .open, .entryMissing, BundleFormat.entries,
            "no line here lies \(begins ? "after" : "before") \(span.from) to \(span.to): whether all of it is here is "
                + "the exporter's word; export it anew with a newer Cordon")
    }

    private mutating func edge(of range: Range<Int>) -> (frontier: MerkleFrontier, consistency: [Digest])? {
        guard let bytes = file(BundleFormat.range) else { return nil }
        guard let value = try? JSON.parse(bytes), let edge = hashes(value["frontier"]),
            let consistency = hashes(value["consistency"]), value["first"] == .int(Int64(range.lowerBound)),
            value["end"] == .int(Int64(range.upperBound)),
            let frontier = try? MerkleFrontier(size: UInt64(range.lowerBound), hashes: edge)
        else {
            report.find(.broken, .entryUnproved, BundleFormat.range, "it is no edge of this log")
            return nil
        }
        return (frontier, consistency)
    }

    private func hashes(_ value: Value?) -> [Digest]? {
        guard let texts = value?.arrayValue else { return nil }
        let read = texts.compactMap { $0.stringValue.flatMap { Base64.bytes($0.utf8) }.flatMap { Digest(bytes: $0) } }
        return read.count == texts.count ? read : nil
    }

    /// What the entries of the bundle can't show: it may begin later, or hold single lines alone.
    mutating func compareSince(_ kept: Checkpoint, _ checkpoint: Checkpoint, _ head: BundleHead) {
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
}

/// The places of a bundle's lines in the log, as far as they are not used up.
private enum BundlePlaces: Sendable {
    case listed(ArraySlice<Int>)
    case range(Range<Int>)

    var count: Int {
        switch self {
        case .listed(let places): places.count
        case .range(let range): range.count
        }
    }

    func first(_ count: Int) -> [Int] {
        switch self {
        case .listed(let places): Array(places.prefix(count))
        case .range(let range): Array(range.prefix(count))
        }
    }

    func dropFirst(_ count: Int) -> BundlePlaces {
        switch self {
        case .listed(let places): .listed(places.dropFirst(count))
        case .range(let range): .range(range.dropFirst(count))
        }
    }
}
