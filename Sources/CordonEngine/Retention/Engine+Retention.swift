// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
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

    private static var retainMilliseconds: Int64 { 15_000 }
    private static var betweenSlicesMilliseconds: Int64 { 250 }

    /// Takes away what has had its time. It reads long stretches of the history and removes many files: beside the sweep
    /// and never in its way, for a sweep that is late leaves runs dead that say they run.
    func keepRetaining() async {
        var expiry = EvidenceExpiry()
        var isFirst = true
        while !Task.isCancelled, !isDraining {
            do throws(StoreError) {
                if isFirst {
                    try await tellRetentionPolicy()
                    try await finishErasures()
                }
                isFirst = false
                try await sweepBodies()
                try await expireEvidence(&expiry)
            } catch {
                if error.code == .unavailable { return fail(error) }
                logger.error(
                    "what had its time could not be taken away; it comes again", metadata: ["error": "\(error)"])
            }
            let pause = expiry.trace == nil ? Engine.retainMilliseconds : Engine.betweenSlicesMilliseconds
            await clock.sleep(until: clock.now.adding(milliseconds: pause))
        }
    }

    /// Before anything is sealed: evidence that says to be sealed with a key of which nothing tells is no evidence.
    func tellEvidenceKeys() async throws(StoreError) {
        let standard = evidence.standardLabel
        let labels = Set(connections.providers.compactMap(\.evidenceKey) + [standard].compactMap { $0 }).sorted()
        let body: Value = [
            "by": "start", "standard": standard.map(Value.string) ?? .null, "labels": .array(labels.map(Value.string)),
        ]
        try await tell(RetentionBook.keysSet, body) {
            $0.evidenceKeys != body && !(labels.isEmpty && $0.evidenceKeys == nil)
        }
    }

    /// Appends to the stream, unless it says so already; read anew when another was first.
    private func tell(
        _ kind: String, _ body: Value, where isNews: (RetentionBook) -> Bool
    ) async throws(StoreError) {
        while true {
            try await readRetention()
            let book = retentionBook.withLock { $0 }
            guard isNews(book) else { return }
            let entry = chronicle.entry(RetentionBook.stream, book.number + 1, clock.now, kind, body)
            do throws(StoreError) { return try await store.note(entry) } catch {
                guard error.code == .conflict else { throw error }
            }
        }
    }

    /// What the history tells of retention begins with how long what is kept: by that an auditor judges what went.
    func tellRetentionPolicy() async throws(StoreError) {
        let policy = RetentionBook.Policy(alertBodies: alertBodiesMilliseconds, evidence: evidenceMilliseconds)
        let body: Value = [
            "by": "start", "alert_bodies_ms": policy.alertBodies.map(Value.int) ?? .null,
            "evidence_ms": policy.evidence.map(Value.int) ?? .null,
        ]
        try await tell(RetentionBook.policySet, body) {
            policy != $0.policy ?? RetentionBook.Policy(alertBodies: nil, evidence: nil)
        }
    }

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
