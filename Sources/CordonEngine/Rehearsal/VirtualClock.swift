// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// A clock that stands still until somebody moves it; who sleeps wakes when the time is come, or when cancelled.
package final class VirtualClock: WallClock {
    private struct State {
        var now: Instant
        package var sleepers: [Int: (until: Instant, continuation: CheckedContinuation<Void, Never>)] = [:]
        var made = 0
    }

    private let state: Mutex<State>

    package init(_ now: Instant) { state = Mutex(State(now: now)) }

    package var now: Instant { state.withLock { $0.now } }

    /// How many sleep now.
    package var sleepers: Int { state.withLock { $0.sleepers.count } }

    /// When the next of them wakes.
    var earliest: Instant? { state.withLock { $0.sleepers.values.map(\.until).min() } }

    package func advance(to instant: Instant) {
        let woken = state.withLock { state in
            state.now = max(state.now, instant)
            let due = state.sleepers.filter { $0.value.until <= state.now }.sorted { $0.key < $1.key }
            for (number, _) in due { state.sleepers[number] = nil }
            return due.map(\.value.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    package func advance(milliseconds: Int64) { advance(to: now.adding(milliseconds: milliseconds)) }

    // Suspends the task; it never blocks a thread.
    package func sleep(until instant: Instant) async {
        let number = state.withLock { state in
            state.made += 1
            return state.made
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.now >= instant { return true }
                    state.sleepers[number] = (instant, continuation)
                    return false
                }
                if isDue { continuation.resume() }
                // A cancellation that came before the sleeper was noted found nobody to wake.
                if Task.isCancelled { wake(number) }
            }
        } onCancel: {
            wake(number)
        }
    }

    private func wake(_ number: Int) {
        state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume()
    }
}
