// SPDX-License-Identifier: Apache-2.0

package import CordonEvidence
import Dispatch

/// Keeps evidence on its own thread: a sync blocks, and the shared pool must not.
package final class EvidenceKeeper: Sendable {
    private let blobs: Blobs
    private let queue = DispatchQueue(label: "cordon.evidence")

    package init(blobs: Blobs) { self.blobs = blobs }

    /// Durable when it returns; only then may the history name the digest.
    package func keep(_ bytes: [UInt8]) async throws(EvidenceError) -> Digest {
        let blobs = self.blobs
        let result: Result<Digest, EvidenceError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(EvidenceError) {
                    continuation.resume(returning: .success(try blobs.put(bytes)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
