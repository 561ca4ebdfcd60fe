// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
import CordonCore
import CordonStore
import Logging
import Synchronization

// What is refused is counted by its source, and told in its history once in a while: rejected traffic never grows it more.

extension Engine {
    /// Counts a delivery that was refused, also one that was refused before it was read whole.
    package func countRejected(_ rejection: Rejection, source: String) {
        // Anybody can make up names; those are counted as one, and told nowhere.
        let known = connections.source(source)?.id
        count { $0.alertsRejected[Counts.Rejected(source: known, reason: rejection), default: 0] += 1 }
        guard let known else { return }
        let now = clock.now
        guard rejections.withLock({ $0.count(rejection, of: known, at: now) }) else { return }
        logger.warning(
            "a delivery was refused; those that follow are counted",
            metadata: ["source": "\(known)", "reason": "\(rejection.rawValue)"])
    }

    /// Writes what was refused in a window that is over.
    func tellRejections(all: Bool = false) async throws(StoreError) {
        let now = clock.now
        let due = rejections.withLock { $0.take(at: now, all: all) }
        for (index, entry) in due.enumerated() {
            do throws(StoreError) {
                try await noteSource(entry.source, "deliveriesRejected", entry.window.line, at: now)
            } catch {
                rejections.withLock { book in
                    for entry in due[index...] { book.giveBack(entry.window, of: entry.source) }
                }
                throw error
            }
        }
    }
}
