// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Synchronization

/// A store of which one write fails, before anything is stored or after all of it is, or one reading of a run.
final class FaultyStore: Store {
    enum Fault: Sendable, CaseIterable { case notStored, storedAllTheSame }

    private struct State {
        var writes = 0
        var sweeps = 0
        var readingFaults: Int
    }

    private let base: any Store
    private let failingWrite: Int?
    private let fault: Fault
    private let code: StoreError.Code
    private let state: Mutex<State>

    /// - Parameters:
    ///   - write: which write fails, counted from 1.
    ///   - readingFaults: how many readings of a single run fail first.
    init(
        _ base: any Store, write: Int? = nil, _ fault: Fault = .notStored, code: StoreError.Code = .unavailable,
        readingFaults: Int = 0
    ) {
        self.base = base
        failingWrite = write
        self.fault = fault
        self.code = code
        state = Mutex(State(readingFaults: readingFaults))
    }

    var writes: Int { state.withLock { $0.writes } }
    /// Sweeps that have gone through the live runs; the first, at the start, is not counted.
    var sweeps: Int { state.withLock { $0.sweeps } }

    private func write<Answer>(_ deed: () async throws(StoreError) -> Answer) async throws(StoreError) -> Answer {
        let number = state.withLock { state in
            state.writes += 1
            return state.writes
        }
        guard number == failingWrite else { return try await deed() }
        if fault == .notStored { throw StoreError(code, "failed before it was stored") }
        _ = try await deed()
        throw StoreError(code, "failed after it was stored")
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

    func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord] {
        let fails = state.withLock { state in
            if query.dueBy != nil { state.sweeps += 1 }
            guard query.id != nil, state.readingFaults > 0 else { return false }
            state.readingFaults -= 1
            return true
        }
        if fails { throw StoreError(.busy, "too much to do") }
        return try await base.runs(query)
    }

    func definition(_ digest: String) async throws(StoreError) -> Definition? { try await base.definition(digest) }
    func tokens() async throws(StoreError) -> [TokenRecord] { try await base.tokens() }
    func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert] { try await base.alerts(query) }
    func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord] { try await base.signals(of: alert) }
    func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord] {
        try await base.decisions(query)
    }
    func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await base.history(stream, from: number, limit: limit)
    }
    func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await base.log(from: index, limit: limit)
    }
    func vitals() async throws(StoreError) -> Vitals { try await base.vitals() }
    func close() async { await base.close() }
}
