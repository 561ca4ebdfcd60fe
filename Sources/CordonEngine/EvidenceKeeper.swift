// SPDX-License-Identifier: Apache-2.0

package import CordonEvidence
import Dispatch
import Synchronization

/// Keeps evidence on its own thread: a sync blocks, and the shared pool must not.
package final class EvidenceKeeper: Sendable {
    private static let rememberedMax = 4096

    private let blobs: Blobs
    /// `nil` where nothing blocks: on a disk in memory.
    private let queue: DispatchQueue?
    /// What this process made durable: providers say the same of many subjects, and once is enough.
    private let kept = Mutex<Set<Digest>>([])

    package init(blobs: Blobs) {
        self.blobs = blobs
        queue = DispatchQueue(label: "cordon.evidence")
    }

    /// Keeps on the caller's own thread.
    init(inMemory blobs: Blobs) {
        self.blobs = blobs
        queue = nil
    }

    /// Durable when it returns; only then may the history name the digest.
    package func keep(_ bytes: [UInt8]) async throws(EvidenceError) -> Digest {
        let digest = Digest.of(bytes)
        if kept.withLock({ $0.contains(digest) }) { return digest }
        let blobs = self.blobs
        guard let queue else { return try blobs.put(bytes) }
        let result: Result<Digest, EvidenceError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(EvidenceError) {
                    continuation.resume(returning: .success(try blobs.put(bytes)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        _ = try result.get()
        kept.withLock { kept in
            if kept.count >= Self.rememberedMax { kept.removeAll(keepingCapacity: true) }
            kept.insert(digest)
        }
        return digest
    }
}
