// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonEvidence
import Dispatch
import Synchronization

/// Holds the witness and asks it one request at a time, on a thread of its own: a sync blocks, and the shared pool must
/// not.
package final class WitnessDesk: Sendable {
    private let box: Mutex<Witness>
    private let clock: any WallClock
    private let queue = DispatchQueue(label: "cordon.witness", qos: .utility)
    private let failures: AsyncStream<EvidenceError>
    private let failed: AsyncStream<EvidenceError>.Continuation

    package init(_ witness: Witness, clock: any WallClock) {
        box = Mutex(witness)
        self.clock = clock
        (failures, failed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    package func add(_ body: [UInt8]) async throws(EvidenceError) -> Witness.Answer {
        let result: Result<Witness.Answer, EvidenceError> = await withCheckedContinuation { continuation in
            queue.async {
                let seconds = UInt64(max(0, self.clock.now.milliseconds / 1000))
                let answer: Result<Witness.Answer, EvidenceError> = self.box.withLock { witness in
                    do throws(EvidenceError) {
                        return .success(try witness.add(body, timeSeconds: seconds))
                    } catch { return .failure(error) }
                }
                continuation.resume(returning: answer)
            }
        }
        if case .failure(let error) = result, error.code == .syncFailed { failed.yield(error) }
        return try result.get()
    }

    /// Returns when it is cancelled; throws when what is stored can't be known any more.
    package func waitForFailure() async throws {
        for await failure in failures { throw failure }
    }
}
