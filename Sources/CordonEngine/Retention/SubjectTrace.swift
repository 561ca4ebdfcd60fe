// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// All that the history keeps of one subject or one run: its runs, the alerts that led to them, the evidence that they
/// name. Found by reading the whole log once: erasing is rare, and a trace that misses something is none.
struct SubjectTrace {
    private static let pageEntries = 2000
    private static let pageRows = 500

    private(set) var runs: Set<String> = []
    private(set) var liveRuns: [String] = []
    private(set) var alerts: Set<String> = []
    private(set) var blobs: Set<String> = []
    /// Of those blobs, the ones that other runs name too.
    private(set) var shared: Set<String> = []
    private var named: Set<String> = []

    static func read(_ scope: RetentionBook.Scope, _ store: any Store) async throws(StoreError) -> SubjectTrace {
        var trace = SubjectTrace()
        try await trace.findRuns(scope, store)
        var next = 0
        while true {
            let page = try await store.log(from: next, limit: pageEntries)
            for indexed in page { trace.take(indexed.entry, scope) }
            guard let last = page.last?.index, page.count == pageEntries else { break }
            next = last + 1
        }
        trace.shared = trace.blobs.intersection(trace.named)
        return trace
    }

    private mutating func findRuns(_ scope: RetentionBook.Scope, _ store: any Store) async throws(StoreError) {
        var query = RunQuery()
        query.oldestFirst = true
        query.limit = Self.pageRows
        switch scope {
        case .subject(let key): query.subject = key
        case .run(let id): query.id = id
        }
        while true {
            let page = try await store.runs(query)
            for row in page {
                runs.insert(row.id.text)
                alerts.insert(row.alert.text)
                if row.endedAt == nil { liveRuns.append(row.id.text) }
            }
            guard page.count == query.limit else { return }
            query.beyond = page.last?.id
        }
    }

    private mutating func take(_ entry: Entry, _ scope: RetentionBook.Scope) {
        switch entry.kind {
        case "callReturned", "runResumed":
            guard let digests = (try? entry.event())?.evidence else { return }
            if runs.contains(entry.stream) { blobs.formUnion(digests) } else { named.formUnion(digests) }
        case "signalJoined" where runs.contains(entry.stream):
            if let event = try? entry.event(), case .signalJoined(_, let alert) = event { alerts.insert(alert.text) }
        case "signalClosed" where runs.contains(entry.stream):
            if let event = try? entry.event(), case .signalClosed(_, let alert, _) = event { alerts.insert(alert.text) }
        case "decisionMade":
            guard case .subject(let key) = scope, decides(on: key, entry) else { return }
            alerts.insert(entry.stream)
        default: return
        }
    }

    /// A decision without a run keeps its alert too.
    private func decides(on key: String, _ entry: Entry) -> Bool {
        let matches = (try? JSON.parse(entry.bytes))?.at("body", "matches")?.arrayValue ?? []
        return matches.contains { match in
            guard let subject = match.at("subject", "subject"), let kind = subject["kind"]?.stringValue,
                let id = subject["id"]?.stringValue
            else { return false }
            return "\(kind):\(id)" == key
        }
    }
}
