// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// How far this process is with taking away evidence that has had its time.
struct EvidenceExpiry: Sendable {
    static let betweenMilliseconds: Int64 = 24 * 3600 * 1000

    var lookedAt: Instant?
    /// What is kept from here on has names of its own.
    var isForgotten = false

    func isDue(at now: Instant) -> Bool {
        // A clock that was set back is no reason to wait.
        lookedAt.map { !(0..<Self.betweenMilliseconds).contains(now.since($0)) } ?? true
    }
}

extension Engine {
    static var blobsPerLine: Int { 100 }

    /// Takes away the evidence of runs that ended long ago: a line of the history says of which runs and what its digests
    /// were, and only then it goes. What a legal hold covers stays, and what a later run names too.
    func sweepEvidence() async throws(StoreError) {
        let now = clock.now
        let state = evidenceExpiry.withLock { $0 }
        guard let kept = evidenceMilliseconds, state.isDue(at: now) else { return }
        guard state.isForgotten else {
            // One sweep earlier, so that whoever got one of those names from the keeper has stored it by then.
            evidence.forget()
            return evidenceExpiry.withLock { $0.isForgotten = true }
        }
        // Whatever comes of it, the next one forgets anew.
        evidenceExpiry.withLock { $0.isForgotten = false }
        guard try await takeEvidence(endedBefore: now.adding(milliseconds: -kept), at: now) else { return }
        evidenceExpiry.withLock { $0 = EvidenceExpiry(lookedAt: now) }
    }

    /// False when another writer or the disk came between: the next sweep looks again.
    private func takeEvidence(endedBefore instant: Instant, at now: Instant) async throws(StoreError) -> Bool {
        try await readRetention()
        // The number before the trace: a hold that is set from here on takes it, and nothing goes.
        let (before, holds) = retentionBook.withLock { ($0.number, $0.holds) }
        var number = before
        var rest = try await EvidenceTrace.read(endedBefore: instant, heldBy: holds.keys, store).blobs
            .filter { evidence.isKept($0.digest) }[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Engine.blobsPerLine)
            number += 1
            let entry = chronicle.entry(
                RetentionBook.stream, number, now, RetentionBook.evidenceExpired,
                [
                    "ended_before": .string(instant.description),
                    "runs": .array(Set(batch.map(\.run)).sorted().map(Value.string)),
                    "blobs": .array(batch.map { .string($0.digest) }),
                ])
            do throws(StoreError) { try await store.note(entry) } catch {
                if error.code == .conflict { return false }
                throw error
            }
            // Durable from here: the evidence goes now, or at the next start.
            guard await removeEvidence(batch.map(\.digest)) else { return false }
            rest = rest.dropFirst(batch.count)
            logger.info("evidence had its time", metadata: ["count": "\(batch.count)"])
        }
        return true
    }

    /// False when it is still there.
    func removeEvidence(_ blobs: [String]) async -> Bool {
        do throws(EvidenceError) {
            try await evidence.erase(blobs)
            return true
        } catch {
            if error.code == .syncFailed {
                fail("the evidence can't be trusted any more: \(error.reason)")
            } else {
                logger.critical("evidence that should be gone is still there", metadata: ["error": "\(error.reason)"])
            }
            return false
        }
    }
}
