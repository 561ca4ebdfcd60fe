// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonStore
import Synchronization

/// A store whose writes fail as a real one's may: before anything is stored, or after all of it is. Both look alike to
/// the caller.
package final class FaultyStore: Store {
    package enum Fault: Sendable, CaseIterable { case notStored, storedAllTheSame }

    private struct State {
        var writes = 0
        var reads = 0
        var sweeps = 0
        var broken: Set<RunID> = []
    }

    private let base: any Store
    /// By the number of the write, from 1.
    private let faults: [Int: Fault]
    private let code: StoreError.Code
    private let state = Mutex(State())
    /// Done before each page that is read, with its number from 1.
    private let beforeReading: (@Sendable (Int) async -> Void)?
    /// What a reader of the log is given in place of an entry.
    private let forged: (@Sendable (IndexedEntry) -> IndexedEntry?)?

    /// - Parameters:
    ///   - faults: those of the writes in order; `nil` lets one through, and after the last all go through.
    ///   - code: what the caller is told.
    package init(_ base: any Store, faults: [Fault?] = [], code: StoreError.Code = .unavailable) {
        self.base = base
        self.faults = Dictionary(
            uniqueKeysWithValues: faults.enumerated().compactMap { item in item.element.map { (item.offset + 1, $0) } })
        self.code = code
        (beforeReading, forged) = (nil, nil)
    }

    /// A store of which another takes something away while it is read, or whose log is forged.
    package init(
        _ base: any Store, beforeReading: (@Sendable (Int) async -> Void)?,
        forged: (@Sendable (IndexedEntry) -> IndexedEntry?)? = nil
    ) {
        (self.base, faults, code) = (base, [:], .unavailable)
        (self.beforeReading, self.forged) = (beforeReading, forged)
    }

    private func read<Answer>(_ deed: () async throws(StoreError) -> Answer) async throws(StoreError) -> Answer {
        if let beforeReading {
            await beforeReading(
                state.withLock { state in
                    state.reads += 1
                    return state.reads
                })
        }
        return try await deed()
    }

    /// One write of many fails.
    package convenience init(
        _ base: any Store, write: Int, _ fault: Fault = .notStored, code: StoreError.Code = .unavailable
    ) {
        self.init(base, faults: [Fault?](repeating: nil, count: write - 1) + [fault], code: code)
    }

    package var reads: Int { state.withLock { $0.reads } }
    package var writes: Int { state.withLock { $0.writes } }
    /// Sweeps that have gone through the live runs; the first, at the start, is not counted.
    package var sweeps: Int { state.withLock { $0.sweeps } }

    /// From now on the last of the run's lines is missing, as when the disk lost it.
    package func loseLastLine(of run: RunID) { state.withLock { _ = $0.broken.insert(run) } }

    private func write<Answer>(_ deed: () async throws(StoreError) -> Answer) async throws(StoreError) -> Answer {
        let number = state.withLock { state in
            state.writes += 1
            return state.writes
        }
        guard let fault = faults[number] else { return try await deed() }
        if fault == .notStored { throw StoreError(code, "failed before it was stored") }
        _ = try await deed()
        throw StoreError(code, "failed after it was stored")
    }

    package func accept(_ alert: Alert, entry: Entry) async throws(StoreError) -> Acceptance {
        try await write { () async throws(StoreError) in try await base.accept(alert, entry: entry) }
    }
    package func record(_ reading: Reading) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.record(reading) }
    }
    package func commit(_ change: RunChange) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.commit(change) }
    }
    package func commit(session change: SessionCommit) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.commit(session: change) }
    }
    package func sessions(_ query: SessionQuery) async throws(StoreError) -> [SessionRecord] {
        try await base.sessions(query)
    }
    package func publish(_ definition: Definition) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.publish(definition) }
    }
    package func grant(_ token: TokenRecord, entry: Entry) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.grant(token, entry: entry) }
    }
    package func revoke(token id: String, at: Instant, entry: Entry) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.revoke(token: id, at: at, entry: entry) }
    }

    package func standing(at now: Instant) async throws(StoreError) -> Standing { try await base.standing(at: now) }

    package func remembered() async throws(StoreError) -> RememberedRows { try await base.remembered() }

    package func note(_ entry: Entry, notices: [NoticeRecord]) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.note(entry, notices: notices) }
    }

    package func notices(_ query: NoticeQuery) async throws(StoreError) -> [NoticeRecord] {
        try await base.notices(query)
    }

    package func settle(
        _ notices: [NoticeRecord], forgettingBefore forgotten: Instant?
    ) async throws(StoreError) {
        try await write { () async throws(StoreError) in
            try await base.settle(notices, forgettingBefore: forgotten)
        }
    }

    package func expirable(before instant: Instant, limit: Int) async throws(StoreError) -> [AlertID] {
        try await base.expirable(before: instant, limit: limit)
    }

    package func expire(_ alerts: [AlertID], entry: Entry) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.expire(alerts, entry: entry) }
    }

    package func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord] {
        if query.dueBy != nil { state.withLock { $0.sweeps += 1 } }
        let broken = state.withLock { $0.broken }
        var records = try await base.runs(query)
        for index in records.indices where broken.contains(records[index].id) {
            let lines = try await base.history(records[index].id.text, from: 1, limit: 1000)
            records[index].snapshot = []
            records[index].tail = lines.dropLast().map(\.entry)
        }
        return records
    }

    package func matters(_ keys: [EventKey]) async throws(StoreError) -> [EventKey: KnownMatter] {
        try await base.matters(keys)
    }
    package func definition(_ digest: String) async throws(StoreError) -> Definition? {
        try await base.definition(digest)
    }
    package func tokens() async throws(StoreError) -> [TokenRecord] { try await base.tokens() }
    package func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert] {
        try await read { () async throws(StoreError) in try await base.alerts(query) }
    }
    package func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord] {
        try await base.signals(of: alert)
    }
    package func signals(telling events: [EventKey]) async throws(StoreError) -> [EventKey: SignalID] {
        try await base.signals(telling: events)
    }
    package func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord] {
        try await base.decisions(query)
    }
    package func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await read { () async throws(StoreError) in
            try await base.history(stream, from: number, limit: limit)
        }
    }
    package func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        let page = try await read { () async throws(StoreError) in try await base.log(from: index, limit: limit) }
        return forged.map { forged in page.compactMap(forged) } ?? page
    }
    package func places(
        from: Instant, to: Instant, before end: Int
    ) async throws(StoreError) -> ClosedRange<Int>? {
        try await base.places(from: from, to: to, before: end)
    }
    package func vitals() async throws(StoreError) -> Vitals { try await base.vitals() }
    package func close() async { await base.close() }
}
