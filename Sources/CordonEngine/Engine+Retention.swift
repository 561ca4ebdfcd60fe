// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// Where the stream that tells of retention stands.
struct RetentionBook: Sendable {
    static let stream = "retention"
    /// The number of the stream's last entry.
    var number = 0
}

extension Engine {
    /// Small batches, and not too many a sweep: removing must never hold up what is under way.
    static var bodiesPerBatch: Int { 100 }
    static var batchesPerSweep: Int { 20 }

    /// Removes the bodies of alerts that have had their time, and says in the history which and what their digests were.
    /// Nothing that a live run or an unread alert needs goes, and no line of the history.
    func sweepBodies() async throws(StoreError) {
        guard let kept = alertBodiesMilliseconds else { return }
        for _ in 0..<Engine.batchesPerSweep {
            guard try await removeBodies(kept) == Engine.bodiesPerBatch else { return }
        }
    }

    /// One batch; how many went.
    private func removeBodies(_ kept: Int64) async throws(StoreError) -> Int {
        let before = clock.now.adding(milliseconds: -kept)
        let alerts = try await store.expirable(before: before, limit: Engine.bodiesPerBatch)
        guard !alerts.isEmpty else { return 0 }
        try await readRetention()
        let entry = chronicle.entry(
            RetentionBook.stream, retentionBook.withLock { $0.number } + 1, clock.now, "bodiesExpired",
            ["received_before": .string(before.description), "alerts": .array(alerts.map { .string($0.text) })])
        do throws(StoreError) {
            try await store.expire(alerts, entry: entry)
        } catch {
            // Another writer was first, or a run went on meanwhile: the next sweep looks again.
            if error.code == .conflict { return 0 }
            throw error
        }
        logger.info("bodies of alerts had their time", metadata: ["count": "\(alerts.count)"])
        return alerts.count
    }

    private func readRetention() async throws(StoreError) {
        while true {
            let first = retentionBook.withLock { $0.number } + 1
            let page = try await store.history(RetentionBook.stream, from: first, limit: 500)
            guard let last = page.last?.entry.number else { return }
            retentionBook.withLock { $0.number = last }
        }
    }
}
