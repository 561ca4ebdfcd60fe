// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// The next timers of live runs, earliest first. Only a hint in memory: the rows in the store are the truth, and the
/// sweep finds what is due even if this were empty.
struct Timekeeper: ~Copyable, Sendable {
    /// Not private: the compiler needs its layout wherever a timekeeper is kept.
    struct Timers {
        var due: [RunID: Timer] = [:]
        /// None is due before; a look that comes sooner need not go through them all.
        var earliest: Instant?
    }

    struct Timer {
        var at: Instant
        var rank: Int
    }

    /// How many go at a tick: after a stop very many are due at once, and what is grave must not wait behind them.
    static var takenMax: Int { 1024 }
    private let timers = Mutex(Timers())

    func note(_ run: RunID, due: Instant?, _ severity: Signal.Severity = .medium) {
        timers.withLock { timers in
            timers.due[run] = due.map { Timer(at: $0, rank: severity.rank) }
            if let due { timers.earliest = min(timers.earliest ?? due, due) }
        }
    }

    /// Takes out runs whose timer is due, the gravest first, and among equals who was due first.
    func takeDue(at now: Instant, most: Int = Self.takenMax) -> [RunID] {
        timers.withLock { timers in
            guard let earliest = timers.earliest, earliest <= now else { return [] }
            let due = timers.due.filter { $0.value.at <= now }
                .sorted { ($1.value.rank, $0.value.at) < ($0.value.rank, $1.value.at) }.prefix(most).map(\.key)
            for run in due { timers.due[run] = nil }
            timers.earliest = timers.due.values.lazy.map(\.at).min()
            return due
        }
    }

    var earliest: Instant? { timers.withLock { $0.due.values.lazy.map(\.at).min() } }
}
