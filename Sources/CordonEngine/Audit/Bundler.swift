// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEvidence
import CordonLanguage
package import CordonStore

/// Makes the bundles that are handed to auditors: one run, or all that happened in a period. Equal records give equal
/// bytes. It only reads, and writes as it reads: a bundle may be larger than the memory.
package struct Bundler: Sendable {
    package static let entriesMax = 10_000_000
    package static let blobBytesMax = 64 << 30
    /// So often a bundle is begun anew, because something of it was taken away while it was made.
    package static let attemptsMax = 5

    package enum Failure: Error, Sendable, Hashable {
        case noSuchRun
        /// The last checkpoint does not hold all of it yet.
        case notSigned(size: Int, needed: Int)
        case tooLarge(String)
        case empty
        /// Each time that it was begun, something of it was taken away before it was made.
        case unsettled
    }

    private let store: any Store
    let log: LogFolder
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
        log = folder
        self.blobs = blobs
        self.signers = signers
        self.includesBodies = includesBodies
    }

    private func checkpoint() throws -> (note: [UInt8], checkpoint: Checkpoint) {
        guard let note = try log.published() else {
            throw EvidenceError(.notFound, "nothing is signed yet: there is no checkpoint in \(log.path)")
        }
        return (note, try OpenedCheckpoint(note, logKeys: try log.keys()).checkpoint)
    }

    // MARK: A run

    /// - Parameter folder: where what comes is put aside until all of it is there; nothing stays behind.
    package func run(_ id: RunID, spool folder: String, to sink: Tar.Sink) async throws {
        try await write(to: sink) { try await runDraft(id, folder) }
    }

    private func runDraft(_ id: RunID, _ folder: String) async throws -> Begun {
        var query = RunQuery()
        query.id = id
        guard let row = try await store.runs(query).first else { throw Failure.noSuchRun }
        let own = try await history(id.text)
        var whole = [own]
        // Several signals of one alert may have joined: its lines go along once.
        let alerts = Set([row.alert] + (try await joined(own)))
        for alert in alerts { whole.append(try await history(alert.text)) }
        whole.append(try await history(LogBook.stream))
        let extracts =
            try await history(LibraryBook.stream, naming: try pins(own).map(\.digest))
            + (try await history(ConfigurationBook.stream, naming: inventories(whole)))
            + (try await history(StreamWriter.custody, naming: [id.text]))
            + (try await history(
                RetentionBook.stream,
                naming: [
                    id.text, RetentionBook.policySet, RetentionBook.keysSet, RetentionBook.keyDestroyed,
                    Value.string("subject \(row.subject)").json,
                ] + alerts.map(\.text)))
            + (try await originKeys(whole.flatMap { $0 }))
        let entries = (whole.flatMap { $0 } + extracts).sorted { $0.index < $1.index }

        let (note, checkpoint) = try checkpoint()
        let needed = (entries.last?.index ?? -1) + 1
        guard checkpoint.size >= UInt64(needed) else {
            throw Failure.notSigned(size: Int(checkpoint.size), needed: needed)
        }
        var head = BundleHead(kind: .run, origin: checkpoint.origin, size: Int(checkpoint.size), run: id.text)
        for stream in whole { if let last = stream.last { head.streams[last.entry.stream] = last.entry.number } }
        let draft = try BundleDraft(head, in: folder)
        try draft.take(await BundleLine.all(entries.map { ($0.index, $0.entry.bytes) }))
        try prove(entries, draft, note, checkpoint, BundleFormat.proof)
        // Of the very lines that go along: a run that moves meanwhile is exported as they tell of it.
        let state = try Run(snapshot: [], tail: own.map(\.entry)).value.jsonBytes
        try draft.add(BundleFormat.snapshot(id.text), state)
        return Begun(draft: draft, note: note, checkpoint: checkpoint, places: Set(entries.map(\.index)))
    }

    /// The lines that tell the keys by which the alerts were found to be their sources'.
    private func originKeys(_ entries: [IndexedEntry]) async throws -> [IndexedEntry] {
        var keys: [String: Set<String>] = [:]
        for entry in entries.map(\.entry) where entry.kind == "alertReceived" {
            let body = try JSON.parse(entry.bytes)["body"]
            guard let key = body?["key"]?.stringValue, let source = body?["source"]?.stringValue else { continue }
            keys[source, default: []].insert(key)
        }
        var lines: [IndexedEntry] = []
        for (source, named) in keys.sorted(by: { $0.key < $1.key }) {
            lines += try await history(Engine.reconcileStream(source), naming: Array(named)).filter {
                $0.entry.kind == "originKeyUsed"
            }
        }
        return lines
    }

    private func joined(_ entries: [IndexedEntry]) async throws -> [AlertID] {
        try entries.compactMap { indexed in
            switch try indexed.entry.event() {
            case .signalJoined(_, let alert), .signalClosed(_, let alert, _): alert
            default: nil
            }
        }
    }

    /// The inventories that its decisions were made under.
    private func inventories(_ streams: [[IndexedEntry]]) -> [String] {
        let decisions = streams.flatMap { $0 }.filter { $0.entry.kind == "decisionMade" }
        let digests = decisions.compactMap { try? JSON.parse($0.entry.bytes).at("body", "inventory")?.stringValue }
        return Set(digests).sorted().map { Value.string($0).json }
    }

    /// All definitions that the run ever ran on.
    private func pins(_ entries: [IndexedEntry]) throws -> [Run.Pin] {
        try entries.flatMap { indexed -> [Run.Pin] in
            switch try indexed.entry.event() {
            case .runOpened(let opening): [opening.playbook, opening.workflow] + opening.called
            case .runMigrated(let migration): [migration.to] + migration.called
            default: []
            }
        }
    }

    /// All lines of a stream, or those of it in which one of the texts stands.
    private func history(_ stream: String, naming texts: [String]? = nil) async throws(StoreError) -> [IndexedEntry] {
        var all: [IndexedEntry] = []
        var next = 1
        while true {
            let page = try await store.history(stream, from: next, limit: BundleLine.pageLines)
            all += page.filter { indexed in
                guard let texts else { return true }
                let line = String(decoding: indexed.entry.bytes, as: UTF8.self)
                return texts.contains { line.contains($0) }
            }
            guard let last = page.last, page.count == BundleLine.pageLines else { return all }
            next = last.entry.number + 1
        }
    }

    // MARK: A period

    /// All entries from the first at `from` on to the last before `to`, begun at the signed checkpoint before them.
    package func period(from: Instant, to: Instant, spool folder: String, to sink: Tar.Sink) async throws {
        try await write(to: sink) { try await periodDraft(from, to, folder) }
    }

    private func periodDraft(_ from: Instant, _ to: Instant, _ folder: String) async throws -> Begun {
        let (note, checkpoint) = try checkpoint()
        guard let span = try await store.places(from: from, to: to, before: Int(checkpoint.size)) else {
            throw Failure.empty
        }
        let since = try kept(before: span.lowerBound)
        // With the entry after the last: its time shows that none is missing.
        let range = Int(since?.checkpoint.size ?? 0)..<min(span.upperBound + 2, Int(checkpoint.size))
        guard range.count <= Bundler.entriesMax else {
            throw Failure.tooLarge("\(range.count) entries lie in it, at most \(Bundler.entriesMax) go into one bundle")
        }
        var head = BundleHead(kind: .period, origin: checkpoint.origin, size: Int(checkpoint.size))
        head.range = range
        head.span = (from.description, to.description)
        let draft = try BundleDraft(head, in: folder)
        if range.lowerBound > 0 { try await takeEarlier(than: range.lowerBound, into: draft, note, checkpoint) }
        try await take(range, into: draft)
        try draft.add(BundleFormat.range, try rangeFile(range.lowerBound, range.upperBound, checkpoint))
        if let since { try draft.add(BundleFormat.since, since.note) }
        return Begun(draft: draft, note: note, checkpoint: checkpoint, places: [])
    }

    private func take(_ range: Range<Int>, into draft: BundleDraft) async throws {
        var next = range.lowerBound
        while next < range.upperBound {
            let limit = min(BundleLine.pageLines, range.upperBound - next)
            let page = try await store.log(from: next, limit: limit)
            guard page.count == limit, page.last?.index == next + limit - 1 else {
                throw EvidenceError(
                    .notFound, "an entry from \(next) on is not in the store; 'cordon audit verify' says which")
            }
            try draft.take(await BundleLine.all(page.map { ($0.index, $0.entry.bytes) }))
            next += limit
        }
    }

    /// What says who put which definition in force, and how long what is kept: of what happened in the period it decides.
    private func takeEarlier(
        than start: Int, into draft: BundleDraft, _ note: [UInt8], _ checkpoint: Checkpoint
    ) async throws {
        let kinds = [
            LibraryBook.published, LibraryBook.attributed, RetentionBook.policySet, RetentionBook.holdSet,
            RetentionBook.holdReleased, RetentionBook.keysSet, RetentionBook.keyDestroyed,
        ]
        let streams =
            try await history(LibraryBook.stream, naming: kinds) + history(RetentionBook.stream, naming: kinds)
        let lines = streams.filter { $0.index < start && kinds.contains($0.entry.kind) }.sorted { $0.index < $1.index }
        try draft.takeEarlier(await BundleLine.all(lines.map { ($0.index, $0.entry.bytes) }))
        try prove(lines, draft, note, checkpoint, BundleFormat.proof)
    }

    private func prove(
        _ lines: [IndexedEntry], _ draft: BundleDraft, _ note: [UInt8], _ checkpoint: Checkpoint,
        _ name: (Int) -> String
    ) throws {
        let tree = try log.tiles(size: checkpoint.size).tree
        for line in lines {
            let proof = try tree.inclusionProof(of: UInt64(line.index))
            let bytes = LogProof(index: proof.index, hashes: proof.hashes, checkpoint: note).bytes
            try draft.add(name(line.index), bytes)
        }
    }

    private func rangeFile(_ start: Int, _ end: Int, _ checkpoint: Checkpoint) throws -> [UInt8] {
        let frontier = try log.tiles(size: UInt64(start)).tree.frontier()
        let consistency =
            end == checkpoint.size
            ? [] : try log.tiles(size: checkpoint.size).tree.consistencyProof(from: UInt64(end)).hashes
        func texts(_ hashes: [Digest]) -> Value { .array(hashes.map { .string(Base64.text($0.bytes)) }) }
        return BundleViews.jsonFile([
            "first": .int(Int64(start)), "end": .int(Int64(end)), "frontier": texts(frontier.hashes),
            "consistency": texts(consistency),
        ])
    }

    /// The largest signed checkpoint that is kept and begins before the place: the entry between shows that none is missing.
    private func kept(before place: Int) throws -> (note: [UInt8], checkpoint: Checkpoint)? {
        let keys = try log.keys()
        var best: (note: [UInt8], checkpoint: Checkpoint)?
        for (_, bytes) in try log.kept() {
            let checkpoint = try OpenedCheckpoint(bytes, logKeys: keys).checkpoint
            guard checkpoint.size > 0, checkpoint.size < UInt64(place) else { continue }
            if checkpoint.size > best?.checkpoint.size ?? 0 { best = (bytes, checkpoint) }
        }
        return best
    }

    // MARK: The rest of it

    /// A bundle whose lines are all in it.
    private struct Begun {
        var draft: BundleDraft
        var note: [UInt8]
        var checkpoint: Checkpoint
        /// Of its lines in the log, where they are not a range.
        var places: Set<Int>

        func holds(_ index: Int) -> Bool { draft.head.range?.contains(index) ?? places.contains(index) }
    }

    /// Lines and contents have to be of one moment: when something that the lines name is taken away meanwhile, the
    /// bundle is begun anew, and says so. Nothing is written before it is whole.
    private func write(to sink: Tar.Sink, _ begin: () async throws -> Begun) async throws {
        for _ in 0..<Bundler.attemptsMax {
            var retention = BundleRetention()
            _ = try await retention.read(store)
            let begun = try await begin()
            var contents = BundleContents(store, blobs, includesBodies, begun.draft, retention)
            guard try await contents.gather() else { continue }
            try await addGone(contents.tellers.filter { !begun.holds($0) }.sorted(), begun)
            return try await seal(begun.draft, begun.note, to: sink)
        }
        throw Failure.unsettled
    }

    /// Lines from elsewhere that say what is gone: without them it would be this bundle's word alone.
    private func addGone(_ places: [Int], _ begun: Begun) async throws {
        guard let last = places.last else { return }
        guard begun.checkpoint.size > UInt64(last) else {
            throw Failure.notSigned(size: Int(begun.checkpoint.size), needed: last + 1)
        }
        var lines: [IndexedEntry] = []
        for place in places { lines += try await store.log(from: place, limit: 1) }
        try begun.draft.add(BundleFormat.gone, lines.flatMap { $0.entry.bytes + [UInt8(ascii: "\n")] })
        try prove(lines, begun.draft, begun.note, begun.checkpoint, BundleFormat.goneProof)
    }

    private func seal(_ draft: BundleDraft, _ note: [UInt8], to sink: Tar.Sink) async throws {
        // Those that sign now come last: the README's commands use the last one's signature.
        let signing = signers.map(\.verifier)
        let keys = try log.keys().filter { !signing.contains($0) } + signing
        try draft.add(BundleFormat.checkpoint, note)
        try draft.add(BundleFormat.keys, Array(keys.map { $0.text + "\n" }.joined().utf8))
        if let policy { try draft.add(BundleFormat.policy, policy) }
        let checkpoint = try OpenedCheckpoint(note, logKeys: keys).checkpoint
        for file in try timestampFiles(covering: draft.lastIndex, within: checkpoint) {
            try draft.add(file.name, file.bytes)
        }
        for key in keys { try draft.add("keys/\(key.hash8).pem", Array(key.pem.utf8)) }
        try Tar.write(try draft.sealed(keys: keys, signers: signers), to: sink)
    }
}
