// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// The evidence of runs that ended long ago, and that no other run names. Found by reading the whole log once: that is
/// done once a day at most, and what misses something would take evidence from a run that lives.
struct EvidenceTrace {
    private static let pageEntries = 2000
    private static let pageRows = 500

    /// Digests by the run that named them first.
    private(set) var blobs: [(run: String, digest: String)] = []
    private var due: Set<String> = []
    private var needed: Set<String> = []
    private var named: Set<String> = []
    /// Every line that names evidence could be read.
    private(set) var isWhole = true

    static func read(
        endedBefore instant: Instant, heldBy scopes: some Collection<RetentionBook.Scope>, _ store: any Store
    ) async throws(StoreError) -> EvidenceTrace {
        var trace = EvidenceTrace()
        try await trace.findRuns(instant, Set(scopes), store)
        guard !trace.due.isEmpty else { return trace }
        var next = 0
        while true {
            let page = try await store.log(from: next, limit: pageEntries)
            for indexed in page { trace.take(indexed.entry) }
            guard let last = page.last?.index, page.count == pageEntries else { break }
            next = last + 1
        }
        trace.blobs.removeAll { !trace.isWhole || trace.needed.contains($0.digest) }
        return trace
    }

    private mutating func findRuns(
        _ instant: Instant, _ held: Set<RetentionBook.Scope>, _ store: any Store
    ) async throws(StoreError) {
        var query = RunQuery()
        query.oldestFirst = true
        query.readsTails = false
        query.limit = Self.pageRows
        while true {
            let page = try await store.runs(query)
            for row in page {
                guard let ended = row.endedAt, ended < instant, !held.contains(.run(row.id)),
                    !held.contains(.subject(row.subject))
                else { continue }
                due.insert(row.id.text)
            }
            guard page.count == query.limit else { return }
            query.beyond = page.last?.id
        }
    }

    private mutating func take(_ entry: Entry) {
        guard entry.kind == "callReturned" else { return }
        guard let event = try? entry.event(), case .callReturned(_, _, let outcome) = event else {
            // Nobody knows what it names, so nothing may go.
            isWhole = false
            return
        }
        for digest in outcome.evidence.map(\.digest) {
            if !due.contains(entry.stream) {
                needed.insert(digest)
            } else if named.insert(digest).inserted {
                blobs.append((entry.stream, digest))
            }
        }
    }
}
