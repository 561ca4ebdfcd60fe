// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore

/// Lines of a log as they were read, and who judges which of them.
struct AuditPiece: Sendable {
    enum Lines: Sendable {
        case entries([IndexedEntry])
        /// Lines of one text, with their places in the log.
        case text([UInt8], ranges: [Range<Int>], indexes: [Int])
    }

    /// Lines that may be judged in several parts at a time.
    struct Span: Sendable {
        var range: Range<Int>
        /// For each shard its lines.
        var lines: [[Int]]
    }

    let lines: Lines
    /// By the line, its shard.
    let owners: [Int]
    let spans: [Span]

    /// What a line of `retention` means depends on all that stands before it, so with it a span ends.
    init(_ lines: Lines, shards: Int) {
        self.lines = lines
        var owners: [Int] = []
        var spans: [Span] = []
        var span = Span(range: 0..<0, lines: Array(repeating: [], count: shards))
        for offset in 0..<lines.count {
            let route = lines.route(offset, among: shards)
            owners.append(route.shard)
            span.lines[route.shard].append(offset)
            guard route.isRetention || offset == lines.count - 1 else { continue }
            span.range = span.range.lowerBound..<offset + 1
            spans.append(span)
            span = Span(range: offset + 1..<offset + 1, lines: Array(repeating: [], count: shards))
        }
        (self.owners, self.spans) = (owners, spans)
    }
}

extension AuditPiece.Lines {
    var count: Int {
        switch self {
        case .entries(let entries): entries.count
        case .text(_, _, let indexes): indexes.count
        }
    }

    fileprivate func route(_ offset: Int, among shards: Int) -> HistoryLine.Route {
        let (bytes, range) = bytes(offset)
        let quick = bytes.withUnsafeBufferPointer {
            HistoryLine.route(UnsafeBufferPointer(rebasing: $0[range]), among: shards)
        }
        if let quick { return quick }
        // What is spelled otherwise has to be read; of what can't be, no stream is known.
        guard case .success(let line) = HistoryLine.read(bytes, range) else {
            return HistoryLine.Route(shard: 0, isRetention: false)
        }
        return line.route(among: shards)
    }

    fileprivate func bytes(_ offset: Int) -> (bytes: [UInt8], range: Range<Int>) {
        switch self {
        case .entries(let entries): (entries[offset].entry.bytes, entries[offset].entry.bytes.indices)
        case .text(let bytes, let ranges, _): (bytes, ranges[offset])
        }
    }
}

/// Reads, hashes and judges the lines of its streams. A line is made, judged and forgotten by one thread: what goes from
/// one to another costs more than all that is done with it.
///
/// `@unchecked Sendable`: `AuditShards` gives it to one task at a time, and reads it when that has ended.
final class AuditShard: @unchecked Sendable {
    struct Judged {
        /// Of its bytes.
        var hash: Digest
        var fault: HistoryLine.Fault?
        var at = Instant(milliseconds: 0)
        var facts = 0..<0
        /// Whether the hash, and the columns beside it, say what the line says.
        var isAsItsLeaf = true
        var isAsItsColumns = true
        /// Its lines in the file of OCSF, and its row in the timeline: where they stand in `ocsf` and `rows`.
        var ocsf = 0..<0
        var row = 0..<0
    }

    private let history: HistoryShard
    private var events: OCSF
    private(set) var judged: [Judged] = []
    private(set) var facts: [HistoryShard.Fact] = []
    private(set) var ocsf: [UInt8] = []
    private(set) var rows: [UInt8] = []
    private var scratch: [UInt8] = []
    /// The next of those judged that is handed on.
    fileprivate var next = 0

    init(_ history: HistoryShard, views: Int) {
        self.history = history
        events = OCSF(views: views)
    }

    func judge(_ piece: AuditPiece.Lines, _ offsets: [Int]) {
        judged.removeAll(keepingCapacity: true)
        facts.removeAll(keepingCapacity: true)
        ocsf.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        next = 0
        switch piece {
        case .entries(let entries): for offset in offsets { judge(entries[offset].entry) }
        case .text(let bytes, let ranges, let indexes):
            for offset in offsets { judge(bytes, ranges[offset], indexes[offset]) }
        }
    }

    private func judge(_ entry: Entry) {
        var made = Judged(hash: MerkleLog.leafHash(entry.bytes))
        made.isAsItsLeaf = Digest(bytes: entry.leaf) == made.hash
        if let line = take(HistoryLine.read(entry.bytes, known: entry.stream), &made) {
            made.isAsItsColumns =
                line.at == entry.at && line.number == entry.number && line.kind == entry.kind
                && line.stream == entry.stream && line.isSpelledAsWritten
        }
        judged.append(made)
    }

    private func judge(_ bytes: [UInt8], _ range: Range<Int>, _ index: Int) {
        var made = Judged(hash: MerkleLog.leafHash(bytes, range))
        if let line = take(HistoryLine.read(bytes, range), &made) {
            let (before, start) = (ocsf.count, rows.count)
            events.write(line, to: &ocsf)
            Timeline.write(index, line, to: &rows, by: &scratch)
            (made.ocsf, made.row) = (before..<ocsf.count, start..<rows.count)
        }
        judged.append(made)
    }

    private func take(_ read: Result<HistoryLine, HistoryLine.Fault>, _ made: inout Judged) -> HistoryLine? {
        let before = facts.count
        switch read {
        case .success(let line):
            history.judge(line, &facts)
            made.at = line.at
            made.facts = before..<facts.count
            return line
        case .failure(let fault):
            made.fault = fault
            return nil
        }
    }
}

/// The shards of a history: they judge at a time, and what they found is handed on in the order of the log.
struct AuditShards {
    /// As many as processors are worth while: reading goes on beside them.
    static let standard = 2
    /// Fewer lines than these are not worth another task.
    private static let linesMin = 64

    private let shards: [AuditShard]

    /// - Parameter views: the version of the pages that are made of the lines, where any are.
    init(_ history: HistoryAudit, views: Int = BundleViews.version) {
        shards = history.shards.map { AuditShard($0, views: views) }
    }

    /// Hands over line by line, with the shard that holds what was made of it.
    func judge(_ piece: AuditPiece, _ take: (Int, AuditShard.Judged, AuditShard) -> Void) async {
        for span in piece.spans {
            await judge(piece.lines, span)
            for offset in span.range {
                let shard = shards[piece.owners[offset]]
                let judged = shard.judged[shard.next]
                shard.next += 1
                take(offset, judged, shard)
            }
        }
    }

    private func judge(_ lines: AuditPiece.Lines, _ span: AuditPiece.Span) async {
        guard span.range.count >= Self.linesMin, shards.count > 1 else {
            for (shard, offsets) in zip(shards, span.lines) { shard.judge(lines, offsets) }
            return
        }
        await withTaskGroup(of: Void.self) { group in
            for (shard, offsets) in zip(shards, span.lines).dropFirst() {
                group.addTask { shard.judge(lines, offsets) }
            }
            shards[0].judge(lines, span.lines[0])
        }
    }
}
