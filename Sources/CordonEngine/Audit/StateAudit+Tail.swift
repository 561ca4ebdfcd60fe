// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore

/// What came after the last checkpoint. A server signs what is new within seconds, and at its start what an earlier one
/// left: so a crash leaves a short end unsigned, and a long one means that a newer checkpoint was taken away.
extension StateAudit {
    private static let pageEntries = 4096

    mutating func checkTail() async throws(StoreError) {
        guard UInt64(report.entries) > size else { return }
        let place = "entry \(size)"
        let says =
            "\(UInt64(report.entries) - size) entries were stored since the last checkpoint and are not signed yet"
        // Of a log that was never signed, or is gone, something else was said.
        guard !isUnsigned else { return report.find(.open, .entriesUnsigned, place, says) }
        let start = max(size, signedMeanwhile())
        let tail = try await tail(from: start)
        if let (line, signed) = tail.signed, signed > Int64(clamping: start) {
            return report.find(
                .broken, .entriesUnsigned, place,
                "\(says), and \(line) tells of a checkpoint of \(signed): the one that is here is older")
        }
        if let refusal = tail.refusal { return report.find(.open, .entriesUnsigned, place, "\(says): \(refusal)") }
        guard let late = tail.late else { return report.find(.open, .entriesUnsigned, place, says) }
        report.find(
            .broken, .entriesUnsigned, place,
            "\(says), and \(late): a server signs within seconds, so a newer checkpoint was taken away")
    }

    /// A server may have signed since the last checkpoint was read.
    private func signedMeanwhile() -> UInt64 {
        guard let keys = try? folder.keys(), let note = try? folder.published(),
            let opened = try? OpenedCheckpoint(note, logKeys: trust.keys(beside: keys))
        else { return 0 }
        return opened.checkpoint.size
    }

    private func tail(from start: UInt64) async throws(StoreError) -> UnsignedTail {
        var tail = UnsignedTail()
        var next = Int(start)
        while next < report.entries {
            let page = try await store.log(from: next, limit: min(Self.pageEntries, report.entries - next))
            guard let last = page.last else { break }
            for indexed in page { tail.take(indexed.entry) }
            next = last.index + 1
        }
        return tail
    }
}

/// What the lines say that no checkpoint holds.
private struct UnsignedTail {
    private static let spanMilliseconds: Int64 = 60_000
    /// With witnesses that are away a turn takes a few seconds more.
    private static let urgentMilliseconds: Int64 = 30_000
    /// Commands write to these while no server runs, and nobody signs before the next one starts.
    private static let quiet: Set<String> = [
        ClockKeeper.stream, RetentionBook.stream, LibraryBook.stream, StreamWriter.custody, LogBook.stream,
        ConfigurationBook.stream,
    ]

    private var first: Instant?
    private var last: Instant?
    private var urgent: (place: String, at: Instant)?
    /// By how much the clock was set, as lines tell.
    private var jumps: Int64 = 0
    /// The line that tells of the largest checkpoint.
    private(set) var signed: (line: String, size: Int64)?
    /// Why nothing was signed, and the line that says so.
    private(set) var refusal: String?

    mutating func take(_ entry: Entry) {
        let place = "\(entry.stream)@\(entry.number)"
        if Self.quiet.contains(entry.stream) { return read(entry, place) }
        first = first ?? entry.at
        last = max(last ?? entry.at, entry.at)
        if urgent == nil, Checkpointer.urgentKinds.contains(entry.kind) { urgent = (place, entry.at) }
    }

    private mutating func read(_ entry: Entry, _ place: String) {
        guard [ClockKeeper.kind, LogBook.refused, LogBook.forked].contains(entry.kind) else { return }
        let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
        switch entry.kind {
        case LogBook.refused: refusal = "\(place) says why: \(body["reason"]?.stringValue ?? "")"
        case LogBook.forked: refusal = "\(place) says why: \(body["says"]?.stringValue ?? "")"
        default:
            jumps += abs(max(-Self.jumpMax, min(Self.jumpMax, body["jump_ms"]?.intValue ?? 0)))
            guard let size = body["signed"]?.intValue, size > signed?.size ?? 0 else { return }
            signed = (place, size)
        }
    }

    private static let jumpMax: Int64 = 1 << 40

    /// What is there of it that a server would have signed for; `nil`: nothing.
    var late: String? {
        guard let first, let last else { return nil }
        if let urgent, last.since(urgent.at) - jumps > Self.urgentMilliseconds {
            return "\(urgent.place), which is signed for at once, is one of them"
        }
        let span = last.since(first) - jumps
        return span > Self.spanMilliseconds ? "they span \(span / 1000) seconds" : nil
    }
}
