// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// The evidence of runs that ended long ago, and that no other run names. Found by reading the whole log once, a page at a
/// time: that is done once a day at most, and what misses something would take evidence from a run that lives.
struct EvidenceTrace: Sendable {
    private enum Phase: Sendable {
        case runs(beyond: RunID?)
        case log(next: Int)
        /// The runs once more: one that was undone meanwhile needs its evidence.
        case runsAgain(beyond: RunID?)
        case done
    }

    static let pageEntries = 2000
    private static let pageRows = 500

    let endedBefore: Instant
    /// The holds that it knows of; others that come make it worthless.
    let holds: Set<RetentionBook.Scope>
    /// Digests by the run that named them first.
    private(set) var blobs: [(run: String, digest: String)] = []
    private var phase = Phase.runs(beyond: nil)
    private var due: Set<String> = []
    private var needed: Set<String> = []
    private var named: Set<String> = []
    /// Every line that names evidence could be read, and no run of those that are due came back to life.
    private(set) var isWhole = true

    init(endedBefore: Instant, heldBy holds: some Sequence<RetentionBook.Scope>) {
        self.endedBefore = endedBefore
        self.holds = Set(holds)
    }

    var isDone: Bool { if case .done = phase { true } else { false } }

    /// Reads one more page. A page that could not be read is read the next time: nothing is lost of what was.
    mutating func advance(_ store: any Store) async throws(StoreError) {
        switch phase {
        case .runs(let beyond):
            let page = try await rows(beyond, store)
            for row in page where isDue(row) { due.insert(row.id.text) }
            if page.count == Self.pageRows {
                phase = .runs(beyond: page.last?.id)
            } else {
                // Where no run's time is up there is nothing to look for.
                phase = due.isEmpty ? .done : .log(next: 0)
            }
        case .log(let next):
            let page = try await store.log(from: next, limit: Self.pageEntries)
            for indexed in page { take(indexed.entry) }
            guard let last = page.last?.index, page.count == Self.pageEntries else {
                return phase = .runsAgain(beyond: nil)
            }
            phase = .log(next: last + 1)
        case .runsAgain(let beyond):
            let page = try await rows(beyond, store)
            if page.contains(where: { due.contains($0.id.text) && !isDue($0) }) { isWhole = false }
            phase = page.count == Self.pageRows && isWhole ? .runsAgain(beyond: page.last?.id) : finished()
        case .done: break
        }
    }

    private mutating func finished() -> Phase {
        blobs.removeAll { !isWhole || needed.contains($0.digest) }
        return .done
    }

    private func rows(_ beyond: RunID?, _ store: any Store) async throws(StoreError) -> [RunRecord] {
        var query = RunQuery()
        query.oldestFirst = true
        query.readsTails = false
        query.limit = Self.pageRows
        query.beyond = beyond
        return try await store.runs(query)
    }

    func isDue(_ row: RunRecord) -> Bool {
        guard let ended = row.endedAt, ended < endedBefore else { return false }
        return !holds.contains(.run(row.id)) && !holds.contains(.subject(row.subject))
    }

    private mutating func take(_ entry: Entry) {
        guard entry.kind == "callReturned" || entry.kind == "runResumed" else { return }
        guard let digests = (try? entry.event())?.evidence else {
            // Nobody knows what it names, so nothing may go.
            isWhole = false
            return
        }
        for digest in digests {
            if !due.contains(entry.stream) {
                needed.insert(digest)
            } else if named.insert(digest).inserted {
                blobs.append((entry.stream, digest))
            }
        }
    }
}
