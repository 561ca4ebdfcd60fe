// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEvidence
import CordonLanguage
package import CordonStore

/// Makes the bundles that are handed to auditors: one run, or all that happened in a period. Equal records give equal
/// bytes. It only reads.
package struct Bundler: Sendable {
    package static let entriesMax = 500_000
    package static let blobBytesMax = 1 << 30
    private static let pageEntries = 2000

    package enum Failure: Error, Sendable, Hashable {
        case noSuchRun
        /// The last checkpoint does not hold all of it yet.
        case notSigned(size: Int, needed: Int)
        case tooLarge(String)
        case empty
    }

    private let store: any Store
    let folder: LogFolder
    private let blobs: Blobs
    private let signers: [SigningKey]
    /// Alerts' bodies may hold live secrets: they go along only when asked for.
    private let includesBodies: Bool
    /// The policy that names the witnesses, as it stands in its file.
    private let policy: [UInt8]?

    package init(
        store: any Store, folder: LogFolder, blobs: Blobs, signers: [SigningKey], includesBodies: Bool = false,
        policy: [UInt8]? = nil
    ) {
        self.policy = policy
        self.store = store
        self.folder = folder
        self.blobs = blobs
        self.signers = signers
        self.includesBodies = includesBodies
    }

    private func checkpoint() throws -> (note: [UInt8], checkpoint: Checkpoint) {
        guard let note = try folder.published() else {
            throw EvidenceError(.notFound, "nothing is signed yet: there is no checkpoint in \(folder.path)")
        }
        return (note, try OpenedCheckpoint(note, logKeys: try folder.keys()).checkpoint)
    }

    // MARK: A run

    package func run(_ id: RunID) async throws -> [UInt8] {
        var query = RunQuery()
        query.id = id
        guard let row = try await store.runs(query).first else { throw Failure.noSuchRun }
        let own = try await history(id.text)
        var whole = [own]
        let alerts = [row.alert] + (try await joined(own))
        for alert in alerts { whole.append(try await history(alert.text)) }
        whole.append(try await history(LogBook.stream))
        let pins = [row.playbookDigest, row.workflowDigest]
        let extracts =
            try await history(LibraryBook.stream).filter { names($0, anyOf: pins) }
            + (try await history(StreamWriter.custody)).filter { names($0, anyOf: [id.text]) }
            + (try await history(RetentionBook.stream)).filter { names($0, anyOf: [id.text] + alerts.map(\.text)) }
        let entries = (whole.flatMap { $0 } + extracts).sorted { $0.index < $1.index }

        let (note, checkpoint) = try checkpoint()
        let needed = (entries.last?.index ?? -1) + 1
        guard checkpoint.size >= UInt64(needed) else {
            throw Failure.notSigned(size: Int(checkpoint.size), needed: needed)
        }
        var head = BundleHead(kind: .run, origin: checkpoint.origin, size: Int(checkpoint.size), run: id.text)
        for stream in whole { if let last = stream.last { head.streams[last.entry.stream] = last.entry.number } }
        let tree = try folder.tiles(size: checkpoint.size).tree
        var files = try entries.map { indexed in
            let proof = try tree.inclusionProof(of: UInt64(indexed.index))
            return Tar.File(
                name: BundleFormat.proof(indexed.index),
                bytes: LogProof(index: proof.index, hashes: proof.hashes, checkpoint: note).bytes)
        }
        // Of the very lines that go along: a run that moves meanwhile is exported as they tell of it.
        let state = try Run(snapshot: [], tail: own.map(\.entry)).value.jsonBytes
        files.append(Tar.File(name: BundleFormat.snapshot(id.text), bytes: state))
        return try await seal(head, entries, note, files)
    }

    private func joined(_ entries: [IndexedEntry]) async throws -> [AlertID] {
        try entries.compactMap { indexed in
            if case .signalJoined(_, let alert) = try indexed.entry.event() { alert } else { nil }
        }
    }

    private func names(_ indexed: IndexedEntry, anyOf texts: [String]) -> Bool {
        let line = String(decoding: indexed.entry.bytes, as: UTF8.self)
        return texts.contains { line.contains($0) }
    }

    private func history(_ stream: String) async throws(StoreError) -> [IndexedEntry] {
        var all: [IndexedEntry] = []
        while true {
            let page = try await store.history(stream, from: all.count + 1, limit: Bundler.pageEntries)
            all += page
            guard page.count == Bundler.pageEntries else { return all }
        }
    }

    // MARK: A period

    /// All entries from the first at `from` on to the last before `to`, begun at the signed checkpoint before them.
    package func period(from: Instant, to: Instant) async throws -> [UInt8] {
        let (note, checkpoint) = try checkpoint()
        guard let (first, end) = try await span(from: from, to: to, within: Int(checkpoint.size)) else {
            throw Failure.empty
        }
        let since = try kept(before: first)
        let start = Int(since?.checkpoint.size ?? 0)
        guard end - start <= Bundler.entriesMax else {
            throw Failure.tooLarge("\(end - start) entries lie in it, at most \(Bundler.entriesMax) go into one bundle")
        }
        var entries: [IndexedEntry] = []
        while entries.count < end - start {
            let limit = min(Bundler.pageEntries, end - start - entries.count)
            let page = try await store.log(from: start + entries.count, limit: limit)
            guard !page.isEmpty else { throw Failure.notSigned(size: end, needed: start + entries.count) }
            entries += page
        }
        var head = BundleHead(kind: .period, origin: checkpoint.origin, size: Int(checkpoint.size))
        head.range = start..<end
        head.span = (from.description, to.description)
        var files = [try rangeFile(start, end, checkpoint)]
        if let since { files.append(Tar.File(name: BundleFormat.since, bytes: since.note)) }
        return try await seal(head, entries, note, files)
    }

    private func rangeFile(_ start: Int, _ end: Int, _ checkpoint: Checkpoint) throws -> Tar.File {
        let frontier = try folder.tiles(size: UInt64(start)).tree.frontier()
        let consistency =
            end == checkpoint.size
            ? [] : try folder.tiles(size: checkpoint.size).tree.consistencyProof(from: UInt64(end)).hashes
        func texts(_ hashes: [Digest]) -> Value { .array(hashes.map { .string(Base64.text($0.bytes)) }) }
        let value: Value = [
            "first": .int(Int64(start)), "end": .int(Int64(end)), "frontier": texts(frontier.hashes),
            "consistency": texts(consistency),
        ]
        return Tar.File(name: BundleFormat.range, bytes: BundleViews.jsonFile(value))
    }

    /// The largest signed checkpoint that is kept and does not reach beyond the place.
    private func kept(before place: Int) throws -> (note: [UInt8], checkpoint: Checkpoint)? {
        let keys = try folder.keys()
        var best: (note: [UInt8], checkpoint: Checkpoint)?
        for (_, bytes) in try folder.kept() {
            let checkpoint = try OpenedCheckpoint(bytes, logKeys: keys).checkpoint
            guard checkpoint.size > 0, checkpoint.size <= UInt64(place) else { continue }
            if checkpoint.size > best?.checkpoint.size ?? 0 { best = (bytes, checkpoint) }
        }
        return best
    }

    /// From the first entry that lies in the period to behind the last: a clock may have been set back, so all are
    /// looked at.
    private func span(from: Instant, to: Instant, within size: Int) async throws -> (first: Int, end: Int)? {
        var found: (first: Int, end: Int)?
        var next = 0
        while next < size {
            let page = try await store.log(from: next, limit: min(Bundler.pageEntries, size - next))
            guard let last = page.last else { break }
            for item in page where item.entry.at >= from && item.entry.at < to {
                found = (found?.first ?? item.index, item.index + 1)
            }
            next = last.index + 1
        }
        return found
    }

    // MARK: The rest of it

    private func seal(
        _ head: BundleHead, _ entries: [IndexedEntry], _ note: [UInt8], _ more: [Tar.File]
    ) async throws -> [UInt8] {
        // Those that sign now come last: the README's commands use the last one's signature.
        let signing = signers.map(\.verifier)
        let keys = try folder.keys().filter { !signing.contains($0) } + signing
        let lines = entries.map { BundleLine(index: $0.index, bytes: $0.entry.bytes) }
        var files = more + BundleViews.files(head, lines, keys)
        files.append(
            Tar.File(name: BundleFormat.entries, bytes: lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] }))
        files.append(Tar.File(name: BundleFormat.checkpoint, bytes: note))
        files.append(Tar.File(name: BundleFormat.keys, bytes: Array(keys.map { $0.text + "\n" }.joined().utf8)))
        if let policy { files.append(Tar.File(name: BundleFormat.policy, bytes: policy)) }
        files += try timestampFiles(
            covering: entries.last?.index ?? 0, within: try OpenedCheckpoint(note, logKeys: keys).checkpoint)
        files += keys.map { Tar.File(name: "keys/\($0.hash8).pem", bytes: Array($0.pem.utf8)) }
        files += try await BundleContents.gather(
            head, lines, store: store, blobs: blobs, includesBodies: includesBodies)
        return try Tar.archive(files + [try manifest(head, files)])
    }

    private func manifest(_ head: BundleHead, _ files: [Tar.File]) throws -> Tar.File {
        let subjects = files.sorted { $0.name < $1.name }.map { file -> Value in
            ["name": .string(file.name), "digest": ["sha256": .string(Digest.of(file.bytes).hex)]]
        }
        let statement: Value = [
            "_type": .string(BundleFormat.statementType), "predicateType": .string(BundleFormat.predicateType),
            "subject": .array(subjects), "predicate": head.value,
        ]
        var envelope = try Envelope(payloadType: BundleFormat.payloadType, payload: statement.jsonBytes)
        try envelope.sign(with: signers)
        let value: Value = [
            "payload": .string(Base64.text(envelope.payload)), "payloadType": .string(envelope.payloadType),
            "signatures": .array(
                envelope.signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.text($0.bytes))] }),
        ]
        return Tar.File(name: BundleFormat.manifest, bytes: value.jsonBytes + [UInt8(ascii: "\n")])
    }
}
