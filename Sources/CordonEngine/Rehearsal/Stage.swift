// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Where a rehearsal takes place: one job after the other, first come first served, so that the same case always goes
/// the same way, and so that it shows when there is nothing left to do but to wait for time.
final class Stage: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// How many of them have been run.
        var done = 0
        var isWorking = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "cordon.rehearsal")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let begins = state.withLock { state in
            state.jobs.append(job)
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if begins { queue.async { self.work() } }
    }

    /// Returns when every other job has come to a wait.
    func quiet() async {
        await withCheckedContinuation { continuation in state.withLock { $0.waiter = continuation } }
    }

    private func work() {
        while true {
            let (job, waiter) = next()
            // To resume it enqueues its job, which is then the next.
            if let waiter {
                waiter.resume()
            } else if let job {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else {
                return
            }
        }
    }

    private func next() -> (UnownedJob?, CheckedContinuation<Void, Never>?) {
        state.withLock { state in
            if state.done < state.jobs.count {
                state.done += 1
                return (state.jobs[state.done - 1], nil)
            }
            state.jobs.removeAll(keepingCapacity: true)
            state.done = 0
            guard let waiter = state.waiter else {
                state.isWorking = false
                return (nil, nil)
            }
            state.waiter = nil
            return (nil, waiter)
        }
    }
}
