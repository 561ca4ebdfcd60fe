// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Synchronization

/// A store whose writes fail as a real one's may: before anything is stored, or after all of it is. Both look alike to
/// the caller, who gets `unavailable` and doesn't know.
final class FaultyStore: Store {
    enum Fault: Sendable, CaseIterable { case notStored, storedAllTheSame }

    private let base: any Store
    /// The faults of the writes to come; `nil` lets one through, and after the last all go through.
    private let faults: Mutex<[Fault?]>

    init(_ base: any Store, faults: [Fault?]) {
        self.base = base
        self.faults = Mutex(faults)
    }

    private func write<Answer>(
        _ deed: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let fault = faults.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if fault == .notStored { throw StoreError(.unavailable, "failed before it was stored") }
        let answer = try await deed()
        if fault == .storedAllTheSame { throw StoreError(.unavailable, "failed after it was stored") }
        return answer
    }

    func accept(_ alert: Alert, entry: Entry) async throws(StoreError) -> Acceptance {
        try await write { () async throws(StoreError) in try await base.accept(alert, entry: entry) }
    }
    func record(_ reading: Reading) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.record(reading) }
    }
    func commit(_ change: RunChange) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.commit(change) }
    }
    func publish(_ definition: Definition) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.publish(definition) }
    }
    func grant(_ token: TokenRecord, entry: Entry) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.grant(token, entry: entry) }
    }
    func revoke(token id: String, at: Instant, entry: Entry) async throws(StoreError) {
        try await write { () async throws(StoreError) in try await base.revoke(token: id, at: at, entry: entry) }
    }

    func definition(_ digest: String) async throws(StoreError) -> Definition? { try await base.definition(digest) }
    func tokens() async throws(StoreError) -> [TokenRecord] { try await base.tokens() }
    func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert] { try await base.alerts(query) }
    func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord] { try await base.signals(of: alert) }
    func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord] {
        try await base.decisions(query)
    }
    func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord] { try await base.runs(query) }
    func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await base.history(stream, from: number, limit: limit)
    }
    func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await base.log(from: index, limit: limit)
    }
    func vitals() async throws(StoreError) -> Vitals { try await base.vitals() }
    func close() async { await base.close() }
}
