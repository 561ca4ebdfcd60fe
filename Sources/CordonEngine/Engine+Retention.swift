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
    /// One small batch a sweep: removing must never hold up what is under way.
    static var bodiesPerSweep: Int { 100 }

    /// Removes the bodies of alerts that have had their time, and says in the history which and what their digests were.
    /// Nothing that a live run or an unread alert needs goes, and no line of the history.
    func sweepBodies() async throws(StoreError) {
        guard let kept = alertBodiesMilliseconds else { return }
        let before = clock.now.adding(milliseconds: -kept)
        let alerts = try await store.expirable(before: before, limit: Engine.bodiesPerSweep)
        guard !alerts.isEmpty else { return }
        try await readRetention()
        let entry = chronicle.entry(
            RetentionBook.stream, retentionBook.withLock { $0.number } + 1, clock.now, "bodiesExpired",
            ["received_before": .string(before.description), "alerts": .array(alerts.map { .string($0.text) })])
        do throws(StoreError) {
            try await store.expire(alerts, entry: entry)
        } catch {
            // Another writer was first, or a run went on meanwhile: the next sweep looks again.
            if error.code == .conflict { return }
            throw error
        }
        logger.info("bodies of alerts had their time", metadata: ["count": "\(alerts.count)"])
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
