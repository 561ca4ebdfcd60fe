// SPDX-License-Identifier: Apache-2.0

package import CordonEvidence
import Dispatch
import Synchronization

/// Holds the signed log and grows it on a thread of its own: a sync blocks, and the shared pool must not.
package final class LogKeeper: Sendable {
    private let box: Mutex<SignedLog>
    private let queue = DispatchQueue(label: "cordon.log", qos: .utility)

    package init(_ log: SignedLog) { box = Mutex(log) }

    /// Does the work on the log's thread, one piece at a time.
    package func work<Answer: Sendable>(
        _ body: @escaping @Sendable (inout SignedLog) throws(EvidenceError) -> Answer
    ) async throws(EvidenceError) -> Answer {
        let result: Result<Answer, EvidenceError> = await withCheckedContinuation { continuation in
            queue.async {
                let answer: Result<Answer, EvidenceError> = self.box.withLock { log in
                    do throws(EvidenceError) { return .success(try body(&log)) } catch { return .failure(error) }
                }
                continuation.resume(returning: answer)
            }
        }
        return try result.get()
    }
}
