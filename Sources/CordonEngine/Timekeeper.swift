// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// The next timers of live runs, earliest first. Only a hint in memory: the rows in the store are the truth, and the
/// sweep finds what is due even if this were empty.
struct Timekeeper: ~Copyable, Sendable {
    private let timers = Mutex<[RunID: Instant]>([:])

    func note(_ run: RunID, due: Instant?) {
        timers.withLock { $0[run] = due }
    }

    /// Takes out the runs whose timer is due.
    func takeDue(at now: Instant) -> [RunID] {
        timers.withLock { timers in
            let due = timers.filter { $0.value <= now }.sorted { $0.value < $1.value }.map(\.key)
            for run in due { timers[run] = nil }
            return due
        }
    }

    var earliest: Instant? { timers.withLock { $0.values.min() } }
}
