// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// The lanes of all providers, and the calls that wait in them.
package final class Lanes: Sendable {
    private struct State {
        var lanes: [String: Lane] = [:]
        var lastTicket = 0
        var waiters: [Int: CheckedContinuation<Lane.Verdict, Never>] = [:]
    }

    private let bounds: [String: Lane.Bounds]
    private let state = Mutex(State())

    package init(bounds: [String: Lane.Bounds] = [:]) { self.bounds = bounds }

    /// Returns when the call may go (the caller then owes a `settle`), or says that it may not.
    package func enter(_ provider: String, rank: Int, at now: Instant) async -> Lane.Verdict {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let verdict = state.withLock { state in
                    let verdict = lane(provider, &state) { $0.ask(ticket, rank: rank, at: now) }
                    if verdict == .wait { state.waiters[ticket] = continuation }
                    return verdict
                }
                if verdict != .wait { return continuation.resume(returning: verdict) }
                // It may have been cancelled before it stood in line.
                if Task.isCancelled { giveUp(provider, ticket) }
            }
        } onCancel: {
            giveUp(provider, ticket)
        }
    }

    package func settle(_ provider: String, _ report: Lane.Report, at now: Instant) {
        state.withLock { state in lane(provider, &state) { $0.settle(report, at: now) } }
        release(provider, at: now)
    }

    /// What an earlier process learned of a provider, in the order in which it did.
    package func recall(_ provider: String, _ report: Lane.Report, at then: Instant) {
        state.withLock { state in lane(provider, &state) { $0.recall(report, at: then) } }
    }

    /// Time went by: rates refill.
    package func tick(at now: Instant) {
        for provider in state.withLock({ Array($0.lanes.keys) }) { release(provider, at: now) }
    }

    private func giveUp(_ provider: String, _ ticket: Int) {
        let waiter = state.withLock { state in
            lane(provider, &state) { $0.leave(ticket) }
            return state.waiters.removeValue(forKey: ticket)
        }
        waiter?.resume(returning: .withheld(reason: "shutting down", milliseconds: 1000))
    }

    private func release(_ provider: String, at now: Instant) {
        let ready = state.withLock { state -> [(CheckedContinuation<Lane.Verdict, Never>, Lane.Verdict)] in
            var ready: [(CheckedContinuation<Lane.Verdict, Never>, Lane.Verdict)] = []
            if let away = lane(provider, &state, { $0.turnAway(at: now) }) {
                for ticket in away.tickets {
                    if let waiter = state.waiters.removeValue(forKey: ticket) { ready.append((waiter, away.verdict)) }
                }
            }
            for ticket in lane(provider, &state, { $0.admit(at: now) }) {
                if let waiter = state.waiters.removeValue(forKey: ticket) { ready.append((waiter, .go)) }
            }
            return ready
        }
        for (waiter, verdict) in ready { waiter.resume(returning: verdict) }
    }

    private func lane<Answer>(_ provider: String, _ state: inout State, _ act: (inout Lane) -> Answer) -> Answer {
        act(&state.lanes[provider, default: Lane(name: provider, bounds: bounds[provider] ?? Lane.Bounds())])
    }
}
