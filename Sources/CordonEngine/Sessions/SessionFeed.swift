// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// Tells enforcement points what changed, as it changes. Whoever can't keep up is let go, and finds by its last number
/// what it missed, or that it has to read all anew: nothing is left out silently.
package final class SessionFeed: Sendable {
    package struct Change: Sendable {
        package var number: Int
        package var verdict: SessionVerdict
    }

    package struct Subscription: Sendable {
        /// What came after the number that was named; `nil` when that is no longer known.
        package var missed: [Change]?
        /// The number of the last change before `changes`, in which `nil` says that nothing changed for a while.
        package var number: Int
        package var changes: AsyncStream<Change?>
    }

    private struct State {
        var number = 0
        var recent: [Change] = []
        var subscribers: [Int: AsyncStream<Change?>.Continuation] = [:]
        var nextSubscriber = 0
        var isClosed = false
    }

    package static let subscribersMax = 64
    package static let recentMax = 1024
    /// Changes that wait for one subscriber.
    package static let waitingMax = 1024

    /// Numbers are this process's own: another's are told by another name.
    package let epoch: String
    private let state = Mutex(State())

    init() {
        var random = SystemRandomNumberGenerator()
        epoch = String(random.next(), radix: 36)
    }

    func publish(_ verdicts: [SessionVerdict]) {
        let slow = state.withLock { state -> [AsyncStream<Change?>.Continuation] in
            var slow: [AsyncStream<Change?>.Continuation] = []
            for verdict in verdicts {
                state.number += 1
                let change = Change(number: state.number, verdict: verdict)
                state.recent.append(change)
                for (key, subscriber) in state.subscribers {
                    if case .dropped = subscriber.yield(change) {
                        state.subscribers[key] = nil
                        slow.append(subscriber)
                    }
                }
            }
            if state.recent.count > 2 * SessionFeed.recentMax {
                state.recent.removeFirst(state.recent.count - SessionFeed.recentMax)
            }
            return slow
        }
        // Not under the lock: whoever leaves takes it.
        for subscriber in slow { subscriber.finish() }
    }

    /// Lets whoever went away be found: a connection that nothing is written to shows nothing.
    func tick() {
        let slow = state.withLock { state in
            state.subscribers.filter { if case .dropped = $0.value.yield(nil) { true } else { false } }.map(\.value)
        }
        for subscriber in slow { subscriber.finish() }
    }

    /// - Parameter last: the number of the last change that was seen, of this epoch.
    /// - Returns: `nil` when there are as many as there may be, or at shutdown.
    package func subscribe(after last: Int?) -> Subscription? {
        state.withLock { state -> Subscription? in
            guard !state.isClosed, state.subscribers.count < SessionFeed.subscribersMax else { return nil }
            let key = state.nextSubscriber
            state.nextSubscriber += 1
            let (changes, inlet) = AsyncStream.makeStream(
                of: Change?.self, bufferingPolicy: .bufferingOldest(SessionFeed.waitingMax))
            inlet.onTermination = { [weak self] _ in self?.leave(key) }
            state.subscribers[key] = inlet
            return Subscription(missed: missed(after: last, state), number: state.number, changes: changes)
        }
    }

    private func leave(_ key: Int) { state.withLock { $0.subscribers[key] = nil } }

    package var subscribers: Int { state.withLock { $0.subscribers.count } }

    /// Lets everybody go, and takes nobody in any more.
    package func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in all { subscriber.finish() }
    }

    private func missed(after last: Int?, _ state: State) -> [Change]? {
        guard let last, last <= state.number else { return nil }
        let first = state.recent.first?.number ?? state.number + 1
        return last + 1 >= first ? state.recent.filter { $0.number > last } : nil
    }
}
