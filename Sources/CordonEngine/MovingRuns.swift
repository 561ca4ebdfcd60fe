// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// The runs that have a call open, as their last commit left them, so that their next step needs no reading.
///
/// Only a hint: a commit compares the run's number, and a run that another writer changed is read again. Runs that wait
/// for a timer or a person are not kept: they may wait for weeks, and there may be very many.
struct MovingRuns: ~Copyable, Sendable {
    private static var runsMax: Int { 4096 }
    private let runs = Mutex<[RunID: Run]>([:])

    subscript(id: RunID) -> Run? { runs.withLock { $0[id] } }

    func note(_ run: Run) {
        runs.withLock { runs in
            // Whoever is resumed late notes what was so before.
            if let known = runs[run.id], known.number > run.number { return }
            let isMoving = run.wake == .call
            // One that may do no more is remembered however many there are: its call is looked at before it leaves.
            let isBarred = run.pause != nil || run.rollback != nil || run.conclusion != nil
            let isKept = isBarred || runs[run.id] != nil || runs.count < Self.runsMax
            runs[run.id] = isMoving && isKept ? run : nil
        }
    }

    /// What no task has in hand any more was noted late, by one who lost a race.
    func keepOnly(_ isWanted: (RunID) -> Bool) {
        runs.withLock { runs in runs = runs.filter { isWanted($0.key) } }
    }

    func forget(_ id: RunID) { runs.withLock { $0[id] = nil } }
}
