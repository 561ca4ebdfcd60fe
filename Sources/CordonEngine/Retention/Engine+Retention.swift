// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

extension Engine {
    /// Small batches, and not too many a sweep: removing must never hold up what is under way.
    static var bodiesPerBatch: Int { 100 }
    static var batchesPerSweep: Int { 20 }

    /// Holds and erasures, as this engine writes them.
    package var retentionDesk: RetentionDesk { RetentionDesk(store: store, clock: clock, evidence: evidence) }

    /// Takes away evidence of which the history says that it was erased, when a crash came between.
    func finishErasures() async throws(StoreError) {
        try await readRetention()
        _ = await removeEvidence(retentionBook.withLock { $0.erasures.flatMap(\.blobs) + $0.lastExpired })
    }

    /// Removes the bodies of alerts that have had their time, and says in the history which and what their digests were.
    /// Nothing that a live run or an unread alert needs goes, nothing that is held, and no line of the history.
    func sweepBodies() async throws(StoreError) {
        guard let kept = alertBodiesMilliseconds else { return }
        let before = clock.now.adding(milliseconds: -kept)
        guard try await !store.expirable(before: before, limit: 1).isEmpty else { return }
        for _ in 0..<Engine.batchesPerSweep {
            guard try await removeBodies(before) == Engine.bodiesPerBatch else { return }
        }
    }

    /// One batch; how many went.
    private func removeBodies(_ before: Instant) async throws(StoreError) -> Int {
        try await readRetention()
        // The number before the holds: a hold that is set from here on takes it, and nothing goes.
        let number = retentionBook.withLock { $0.number }
        let held = try await heldAlerts()
        // Those that are held stay the oldest for ever: the page must reach beyond them.
        let alerts = try await store.expirable(before: before, limit: Engine.bodiesPerBatch + held.count)
            .filter { !held.contains($0.text) }.prefix(Engine.bodiesPerBatch)
        guard !alerts.isEmpty else { return 0 }
        let entry = chronicle.entry(
            RetentionBook.stream, number + 1, clock.now, RetentionBook.expired,
            ["received_before": .string(before.description), "alerts": .array(alerts.map { .string($0.text) })])
        do throws(StoreError) {
            try await store.expire(Array(alerts), entry: entry)
        } catch {
            // Another writer was first, or a run went on meanwhile: the next sweep looks again.
            if error.code == .conflict { return 0 }
            throw error
        }
        logger.info("bodies of alerts had their time", metadata: ["count": "\(alerts.count)"])
        return alerts.count
    }

    /// The alerts that a legal hold keeps.
    private func heldAlerts() async throws(StoreError) -> Set<String> {
        let scopes = Set(retentionBook.withLock { $0.holds.keys })
        let (now, known) = (clock.now, heldBook.withLock { $0 })
        // The same holds come to keep more only by new alerts, and none goes that is younger than an hour.
        guard known.scopes != scopes || now.since(known.at) > HeldAlerts.trustedMilliseconds else {
            return known.alerts
        }
        var alerts: Set<String> = []
        for scope in scopes { alerts.formUnion(try await SubjectTrace.read(scope, store).alerts) }
        heldBook.withLock { $0 = HeldAlerts(scopes: scopes, at: now, alerts: alerts) }
        return alerts
    }

    func readRetention() async throws(StoreError) {
        var book = retentionBook.withLock { $0 }
        try await book.read(store)
        retentionBook.withLock { if book.number > $0.number { $0 = book } }
    }
}

/// What the legal holds kept when it was looked at.
struct HeldAlerts: Sendable {
    static let trustedMilliseconds: Int64 = 1_800_000

    var scopes: Set<RetentionBook.Scope> = []
    var at = Instant(milliseconds: 0)
    var alerts: Set<String> = []
}
