// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonEvidence
import CordonLanguage
package import CordonStore

/// Checks a whole state folder against what was signed: entries, tiles, checkpoints, blobs, rows, snapshots, meaning.
///
/// It only reads, so it may run beside a server.
package struct StateAudit {

    let store: any Store
    let folder: LogFolder
    let blobs: Blobs
    let trust: AuditTrust
    var report = AuditReport(subject: "state folder")
    var history: HistoryAudit
    private var frontier = MerkleFrontier()
    /// Signed checkpoints by their size, each with the file that it stands in.
    private var checkpoints: [UInt64: [(place: String, checkpoint: Checkpoint)]] = [:]
    private(set) var size: UInt64 = 0
    private(set) var isUnsigned = false
    private var tiles: TileReader?
    private var tile: (index: UInt64, hashes: [Digest])?
    /// What the lines say of rows beside them: digests of signals and decisions, with kind or verdict, by their ids.
    var rows: [String: (digest: String, place: String, word: String?, at: Instant)] = [:]
    var ledger = LedgerAudit()
    var node = NodeAudit()
    /// The lines that tell of alerts' receipts, by the alerts' ids, until their rows were looked at.
    var receipts: [String: HistoryLine] = [:]

    init(store: any Store, folder: LogFolder, blobs: Blobs, trust: AuditTrust, shards: Int = AuditShards.standard) {
        history = HistoryAudit(.whole, shards: shards)
        self.store = store
        self.folder = folder
        self.blobs = blobs
        self.trust = trust
    }

    package static func run(
        store: any Store, folder: LogFolder, blobs: Blobs, trust: AuditTrust
    ) async throws(StoreError) -> AuditReport {
        try await StateAudit(store: store, folder: folder, blobs: blobs, trust: trust).run()
    }

    func run() async throws(StoreError) -> AuditReport {
        var audit = self
        // Before anything else: what is appended meanwhile is not signed yet, and is not missed.
        audit.openLog()
        try await audit.readEntries()
        audit.checkLog()
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkTail() }
        audit.report.findings += audit.history.finish() + audit.node.findings
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkRows() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkRuns() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkSessions() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkLedger() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkWitnesses() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkAside() }
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in try await audit.checkSettings() }
        audit.checkBlobs()
        try await audit.look { (audit: inout StateAudit) async throws(StoreError) in
            try await audit.checkDefinitions()
        }
        await audit.checkConsents()
        audit.report.findings = audit.report.findings.ordered
        return audit.report
    }

    /// A row that can't be read at all is a finding as well.
    private mutating func look(
        _ check: (inout StateAudit) async throws(StoreError) -> Void
    ) async throws(StoreError) {
        do throws(StoreError) { try await check(&self) } catch {
            guard error.code == .corrupt else { throw error }
            report.find(.broken, .rowDiffers, "rows", "those after it were not looked at: \(error.reason)")
        }
    }

    // MARK: The log

    private mutating func openLog() {
        do throws(EvidenceError) {
            let keys = trust.keys(beside: try folder.keys())
            guard let note = try folder.published() else {
                isUnsigned = true
                return
            }
            report.tellKeys(keys, trust, "log/keys")
            for (place, bytes) in try folder.kept() { admit(bytes, "log/" + place, keys) }
            admit(note, "log/checkpoint", keys)
            try checkQuorum(note, keys)
            size = checkpoints.keys.max() ?? 0
            report.size = size
            report.origin = checkpoints[size]?.last?.checkpoint.origin ?? ""
            report.checkpoints = checkpoints.values.reduce(0) { $0 + $1.count }
            if let last = checkpoints[size]?.last?.checkpoint, let since = report.openSince(trust, keys, last) {
                checkpoints[since.size, default: []].append((AuditTrust.sincePlace, since))
            }
            try openTiles()
        } catch { report.find(.broken, .checkpointMalformed, "log", error.reason) }
    }

    /// What was signed a moment ago may not be cosigned yet; what was cosigned before is then the last that is witnessed.
    private mutating func checkQuorum(_ note: [UInt8], _ keys: [VerifierKey]) throws(EvidenceError) {
        let witnessed = try folder.witnessed()
        if let witnessed { admit(witnessed, "log/witnessed", keys) }
        guard let policy = trust.policy else { return }
        if let witnessed, try policy.isMet(by: policy.signers(under: witnessed)) {
            report.checkQuorum(note, "log/checkpoint", policy, .open)
        } else {
            report.checkQuorum(note, "log/checkpoint", policy, .broken)
        }
    }

    /// The edge is what the log grows from: it is compared with the tiles, which are compared with the entries.
    private mutating func openTiles() throws(EvidenceError) {
        guard let edge = try folder.edge(), edge.size >= size else {
            return report.find(
                .broken, .tileMissing, "log/edge", "the log's edge is not that of its checkpoint of \(size)")
        }
        tiles = try folder.tiles(size: size)
        guard try folder.tiles(size: edge.size).tree.frontier() == edge else {
            return report.find(.broken, .tileChanged, "log/edge", "it is not the edge that the tiles make")
        }
    }

    private mutating func admit(_ note: [UInt8], _ place: String, _ keys: [VerifierKey]) {
        guard let checkpoint = report.open(note, place, trust, keys) else { return }
        checkpoints[checkpoint.size, default: []].append((place, checkpoint))
    }

    // MARK: The entries

    /// While one page is judged, others are read.
    private mutating func readEntries() async throws(StoreError) {
        var failed: (place: Int, error: StoreError)?
        let shards = AuditShards(history)
        await AuditPages.each(of: store, shards: history.shards.count) { page in
            await shards.judge(page.piece) { offset, judged, shard in take(page.lines[offset], judged, shard) }
            failed = page.failure.map { (page.first, $0) }
        }
        if let (place, error) = failed {
            guard error.code == .corrupt || error.code == .unavailable else { throw error }
            return report.find(.broken, .entryUnreadable, "entry \(place)", error.reason)
        }
        let found = frontier.size
        report.entries = Int(found)
        report.runs = history.runStreams.count
        if found < size {
            report.find(
                .broken, .entryMissing, "entry \(found)",
                "\(size) entries were signed, \(found) are there: those from \(found) to \(size - 1) are lost")
        }
    }

    private mutating func take(_ read: IndexedEntry, _ judged: AuditShard.Judged, _ shard: AuditShard) {
        let hash = judged.hash
        var place: String { "entry \(read.index) (\(read.entry.stream)@\(read.entry.number))" }
        if read.index != Int(frontier.size) {
            report.find(
                .broken, .entryMissing, "entry \(frontier.size)", "the next one that is there is \(read.index)")
            while frontier.size < UInt64(read.index), let hash = signedHash(frontier.size) { frontier.append(hash) }
        }
        let signed = signedHash(frontier.size)
        if let signed, signed != hash {
            report.find(.broken, .entryChanged, place, "its bytes are not those that were signed")
        } else if !judged.isAsItsLeaf {
            report.find(.broken, .entryChanged, place, "its hash beside it is not that of its bytes")
        }
        // With the hash that was signed one changed entry is named, and not every checkpoint after it.
        frontier.append(signed ?? hash)
        compareCheckpoints()
        if let fault = judged.fault { return history.settle(fault, place: place) }
        history.settle(shard.facts[judged.facts])
        if !judged.isAsItsColumns {
            report.find(.broken, .rowDiffers, place, "the columns beside it say something else than the line itself")
        }
        for case .line(let line, _) in shard.facts[judged.facts] {
            ledger.take(line)
            node.take(line)
            note(line, place)
        }
    }

    private mutating func signedHash(_ index: UInt64) -> Digest? {
        guard let tiles, index < size else { return nil }
        let (number, offset) = index.quotientAndRemainder(dividingBy: UInt64(TilePath.width))
        if tile?.index != number {
            do throws(EvidenceError) { tile = (number, try tiles.hashes(level: 0, index: number)) } catch {
                report.find(.broken, .tileMissing, "log/tile of entry \(index)", error.reason)
                tile = (number, [])
            }
        }
        guard let hashes = tile?.hashes, Int(offset) < hashes.count else { return nil }
        return hashes[Int(offset)]
    }

    private mutating func compareCheckpoints() {
        guard let signed = checkpoints[frontier.size] else { return }
        let root = frontier.root
        for (place, checkpoint) in signed where checkpoint.root != root {
            report.find(
                .broken, .checkpointDiffers, place,
                "the first \(checkpoint.size) entries do not lead to the root that was signed")
        }
    }

    /// Whoever brings a key, a policy or a checkpoint knows of a log: that there is none here is no beginning.
    private var isExpected: Bool {
        trust.isBrought || trust.policy != nil && !trust.isPolicyOwn || trust.since != nil
    }

    private mutating func checkLog() {
        if isUnsigned {
            // The history tells of a log once its first checkpoint was published.
            let says =
                if history.tellsOfLog {
                    "the signed log is gone; the history tells of one"
                } else if isExpected {
                    "the signed log is gone; --key, --policy or --since is of one"
                } else {
                    "nothing was ever signed"
                }
            report.find(
                history.tellsOfLog || isExpected ? .broken : .open, .logMissing, "log/checkpoint", says)
        }
        for empty in checkpoints[0] ?? [] where empty.checkpoint.root != MerkleLog.emptyRoot {
            report.find(.broken, .checkpointDiffers, empty.place, "a log without entries has another root")
        }
        guard let tiles, let last = checkpoints[size]?.last else { return }
        do throws(EvidenceError) { try tiles.verifyTiles(root: last.checkpoint.root) } catch {
            report.find(.broken, .tileChanged, "log/tile", error.reason)
        }
    }
}
