// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore

/// Who signed, against whom the history names: the log's own keys, and those who cosign.
extension StateAudit {
    /// So long may no quorum have cosigned what is signed.
    private static let behindMilliseconds: Int64 = 3_600_000

    /// What enough witnesses cosigned last.
    private struct Cosigned {
        var size: UInt64
        var at: Instant
    }

    mutating func checkWitnesses() async throws(StoreError) {
        guard !isUnsigned else { return }
        var book = LogBook()
        try await book.read(store)
        let last: Cosigned?
        do throws(EvidenceError) {
            guard let note = try folder.published() else { return }
            let keys = trust.keys(beside: try folder.keys())
            try checkSigners(note, book)
            let witnesses: [VerifierKey] =
                if let policy = trust.policy { policy.witnessKeys } else { try told(book) }
            guard !witnesses.isEmpty else { return }
            var notes = [note]
            if let witnessed = try folder.witnessed() { notes.append(witnessed) }
            last = notes.compactMap { cosigned($0, keys, witnesses) }.max { $0.size < $1.size }
        } catch { return report.find(.broken, .checkpointMalformed, "log", error.reason) }
        try await checkAge(last, book)
    }

    /// A checkpoint that none of the told keys signed is somebody else's: whoever changes keys says so in the history.
    private mutating func checkSigners(_ note: [UInt8], _ book: LogBook) throws(EvidenceError) {
        guard let origin = book.origin, !book.keys.isEmpty else { return }
        let told = try book.keys.map { (text) throws(EvidenceError) in try VerifierKey(parsing: text) }
        guard (try? OpenedCheckpoint(note, logKeys: told)) == nil else { return }
        report.find(
            .broken, .keyUnknown, "log/checkpoint",
            "none of the keys signed it that the history names for the log \(origin)")
    }

    private func told(_ book: LogBook) throws(EvidenceError) -> [VerifierKey] {
        try book.witnesses.compactMap { $0.split(separator: " ").last }.map { (text) throws(EvidenceError) in
            try VerifierKey(parsing: text)
        }
    }

    private func cosigned(_ note: [UInt8], _ keys: [VerifierKey], _ witnesses: [VerifierKey]) -> Cosigned? {
        // What can't be opened was told of where it was read.
        guard let opened = try? OpenedCheckpoint(note, logKeys: keys, witnesses: witnesses),
            let latest = opened.witnesses.compactMap(\.timeSeconds).max()
        else { return nil }
        if let policy = trust.policy, !policy.isMet(by: opened.witnesses.map(\.key)) { return nil }
        return Cosigned(
            size: opened.checkpoint.size, at: Instant(milliseconds: Int64(clamping: latest) &* 1000))
    }

    private mutating func checkAge(_ last: Cosigned?, _ book: LogBook) async throws(StoreError) {
        guard let since = last?.at ?? book.witnessesAt, size > last?.size ?? 0,
            let oldest = try await store.log(from: Int(last?.size ?? 0), limit: 1).first?.entry.at,
            let newest = try await store.log(from: Int(size) - 1, limit: 1).first?.entry.at,
            // While nothing was written there was nothing to cosign.
            newest.since(max(since, oldest)) > Self.behindMilliseconds
        else { return }
        let says =
            (last.map { "the last that was cosigned is of \($0.size) entries, at \($0.at)" } ?? "none was ever cosigned")
            + "; \(size) are signed, the last of \(newest)"
        if let silence = book.silence, silence.at > since {
            return report.find(.open, .quorumMissing, "log/witnessed", "\(says); \(silence.place) says why")
        }
        // An older version went on without a word.
        let isTold = try await readsClock(before: last?.size ?? size)
        report.find(isTold ? .broken : .open, .quorumMissing, "log/witnessed", "\(says), and no line says why")
    }

    /// Whether this version, or a newer one, wrote lines before that place: it says when witnesses are silent.
    private func readsClock(before place: UInt64) async throws(StoreError) -> Bool {
        var next = 1
        while true {
            let page = try await store.history(ClockKeeper.stream, from: next, limit: 500)
            if page.contains(where: { $0.entry.kind == ClockKeeper.kind && $0.index < Int(place) }) { return true }
            guard let last = page.last, page.count == 500, last.index < Int(place) else { return false }
            next = last.entry.number + 1
        }
    }
}
