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
    /// What is known so far of what may go.
    var trace: EvidenceTrace?

    func isDue(at now: Instant) -> Bool {
        // A clock that was set back is no reason to wait.
        lookedAt.map { !(0..<Self.betweenMilliseconds).contains(now.since($0)) } ?? true
    }
}

extension Engine {
    static var blobsPerLine: Int { 100 }
    /// Pages that are read at once: then others have the processor and the disk for a while.
    static var pagesPerSlice: Int { 8 }

    /// Takes away the evidence of runs that ended long ago: a line of the history says of which runs and what its digests
    /// were, and only then it goes. What a legal hold covers stays, and what a later run names too.
    ///
    /// One slice of it; what is left is in `expiry`. A process that ends in between loses nothing but what it had read.
    func expireEvidence(_ expiry: inout EvidenceExpiry) async throws(StoreError) {
        let now = clock.now
        guard let kept = evidenceMilliseconds, expiry.trace != nil || expiry.isDue(at: now) else { return }
        guard expiry.isForgotten else {
            // A while earlier, so that whoever got one of those names from the keeper has stored it by then.
            evidence.forget()
            return expiry.isForgotten = true
        }
        try await readRetention()
        let holds = Set(retentionBook.withLock { $0.holds.keys })
        var trace = expiry.trace ?? EvidenceTrace(endedBefore: now.adding(milliseconds: -kept), heldBy: holds)
        defer { expiry.trace = trace.isDone ? nil : trace }
        for _ in 0..<Engine.pagesPerSlice where !trace.isDone {
            try await trace.advance(store)
            await Task.yield()
        }
        guard trace.isDone else { return }
        // Whatever comes of it, the next one forgets anew.
        expiry.isForgotten = false
        // Of what can't be read nothing goes, however often it is looked at: the next day's look is soon enough.
        if trace.isWhole {
            guard try await take(trace, at: now) else { return }
        }
        expiry.lookedAt = now
    }

    /// False when another writer or the disk came between: the next one looks again.
    private func take(_ trace: EvidenceTrace, at now: Instant) async throws(StoreError) -> Bool {
        var rest = trace.blobs[...]
        while !rest.isEmpty, !isDraining, !Task.isCancelled {
            let part = rest.prefix(Engine.blobsPerLine)
            rest = rest.dropFirst(part.count)
            let there = await evidence.kept(among: part.map(\.digest))
            let batch = part.filter { there.contains($0.digest) }
            guard !batch.isEmpty else { continue }
            guard try await take(batch, trace, at: now) else { return false }
            logger.info("evidence had its time", metadata: ["count": "\(batch.count)"])
        }
        return rest.isEmpty
    }

    private func take(
        _ batch: [(run: String, digest: String)], _ trace: EvidenceTrace, at now: Instant
    ) async throws(StoreError) -> Bool {
        try await readRetention()
        // The number before the runs: a hold that is set from here on takes it, and nothing goes.
        let (number, holds) = retentionBook.withLock { ($0.number, Set($0.holds.keys)) }
        guard holds == trace.holds else { return false }
        let runs = Set(batch.map(\.run)).sorted()
        for run in runs {
            guard try await isStillDue(run, trace) else { return false }
        }
        let entry = chronicle.entry(
            RetentionBook.stream, number + 1, now, RetentionBook.evidenceExpired,
            [
                "ended_before": .string(trace.endedBefore.description), "runs": .array(runs.map(Value.string)),
                "blobs": .array(batch.map { .string($0.digest) }),
            ])
        do throws(StoreError) { try await store.note(entry) } catch {
            if error.code == .conflict { return false }
            throw error
        }
        // Durable from here: the evidence goes now, or at the next start.
        return await removeEvidence(batch.map(\.digest))
    }

    private func isStillDue(_ run: String, _ trace: EvidenceTrace) async throws(StoreError) -> Bool {
        var query = RunQuery()
        query.id = RunID(run)
        query.readsTails = false
        return try await store.runs(query).first.map(trace.isDue) ?? false
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
