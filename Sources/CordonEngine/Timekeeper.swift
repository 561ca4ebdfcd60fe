// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// The next timers of live runs, earliest first. Only a hint in memory: the rows in the store are the truth, and the
/// sweep finds what is due even if this were empty.
struct Timekeeper: ~Copyable, Sendable {
    /// Not private: the compiler needs its layout wherever a timekeeper is kept.
    struct Timers {
        var due: [RunID: Instant] = [:]
        /// None is due before; a look that comes sooner need not go through them all.
        var earliest: Instant?
    }

    private let timers = Mutex(Timers())

    func note(_ run: RunID, due: Instant?) {
        timers.withLock { timers in
            timers.due[run] = due
            if let due { timers.earliest = min(timers.earliest ?? due, due) }
        }
    }

    /// Takes out the runs whose timer is due.
    func takeDue(at now: Instant) -> [RunID] {
        timers.withLock { timers in
            guard let earliest = timers.earliest, earliest <= now else { return [] }
            let due = timers.due.filter { $0.value <= now }.sorted { $0.value < $1.value }.map(\.key)
            for run in due { timers.due[run] = nil }
            timers.earliest = timers.due.values.min()
            return due
        }
    }

    var earliest: Instant? { timers.withLock { $0.due.values.min() } }
}
