// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// The lanes of all providers, and the calls that wait in them: each of them a value and not a task, because tens of
/// thousands may stand in line.
package final class Lanes: Sendable {
    /// What is done with a call once its lane has spoken; called once, by whoever moved the line.
    package typealias Turn = @Sendable (Lane.Verdict) -> Void

    private struct Waiting {
        var turn: Turn
        var provider: String
        var name: String?
    }

    private struct State {
        var lanes: [String: Lane] = [:]
        var lastTicket = 0
        var waiting: [Int: Waiting] = [:]
        /// The tickets of those that are asked for by name.
        var tickets: [String: Int] = [:]
        var isClosed = false
    }

    private let bounds: [String: Lane.Bounds]
    private let state = Mutex(State())

    package init(bounds: [String: Lane.Bounds] = [:]) { self.bounds = bounds }

    /// Calls `turn` when the call may go (`go`: the caller then owes a `settle`) or when it may not (`withheld`); at once
    /// when that is known at once.
    ///
    /// - Parameters:
    ///   - name: by which it may be looked for, or called back, while it waits.
    ///   - end: until when it may wait while the provider is left alone.
    package func enter(
        _ provider: String, name: String? = nil, rank: Int, until end: Instant? = nil, at now: Instant,
        _ turn: @escaping Turn
    ) {
        let verdict = state.withLock { state in
            state.lastTicket += 1
            let ticket = state.lastTicket
            let verdict = lane(provider, &state) { $0.ask(ticket, rank: rank, until: end, at: now) }
            guard verdict == .wait else { return verdict }
            if state.isClosed {
                lane(provider, &state) { $0.leave(ticket) }
                return Lanes.closed
            }
            state.waiting[ticket] = Waiting(turn: turn, provider: provider, name: name)
            if let name { state.tickets[name] = ticket }
            return verdict
        }
        if verdict != .wait { turn(verdict) }
    }

    /// Nobody waits any more: those in line are given back, and a call that would have to wait is too. A call that finds
    /// its lane free still goes.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            for provider in state.lanes.keys { lane(provider, &state) { $0.leaveAll() } }
            defer { (state.waiting, state.tickets) = ([:], [:]) }
            return state.waiting
        }
        for waiting in waiting.values { waiting.turn(Lanes.closed) }
    }

    /// Takes a call out of its line, if it still stands there, and gives it back unsent.
    package func callBack(_ name: String, reason: String) {
        let turn = state.withLock { state -> Turn? in
            guard let ticket = state.tickets[name], let waiting = take(ticket, &state) else { return nil }
            lane(waiting.provider, &state) { $0.leave(ticket) }
            return waiting.turn
        }
        turn?(.withheld(reason: reason, milliseconds: 0))
    }

    /// Where a call stands in line; `nil` when it does not, because it is under way or nobody has it in hand.
    package func place(of name: String, at now: Instant) -> Lane.Place? {
        state.withLock { state in
            guard let ticket = state.tickets[name], let provider = state.waiting[ticket]?.provider else { return nil }
            return lane(provider, &state) { $0.place(of: ticket, at: now) }
        }
    }

    /// When somebody who stands in some line may go at the earliest; `nil` when nobody waits.
    package func opensAt(_ now: Instant) -> Instant? {
        state.withLock { state in state.lanes.values.compactMap { $0.opensAt(now) }.min() }
    }

    private func take(_ ticket: Int, _ state: inout State) -> Waiting? {
        guard let waiting = state.waiting.removeValue(forKey: ticket) else { return nil }
        if let name = waiting.name { state.tickets[name] = nil }
        return waiting
    }

    private static let closed = Lane.Verdict.withheld(reason: "shutting down", milliseconds: 1000)

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

    private func release(_ provider: String, at now: Instant) {
        let ready = state.withLock { state -> [(Turn, Lane.Verdict)] in
            var ready: [(Turn, Lane.Verdict)] = []
            if let away = lane(provider, &state, { $0.turnAway(at: now) }) {
                for ticket in away.tickets {
                    if let waiting = take(ticket, &state) { ready.append((waiting.turn, away.verdict)) }
                }
            }
            for ticket in lane(provider, &state, { $0.admit(at: now) }) {
                if let waiting = take(ticket, &state) { ready.append((waiting.turn, .go)) }
            }
            return ready
        }
        for (turn, verdict) in ready { turn(verdict) }
    }

    private func lane<Answer>(_ provider: String, _ state: inout State, _ act: (inout Lane) -> Answer) -> Answer {
        act(&state.lanes[provider, default: Lane(name: provider, bounds: bounds[provider] ?? Lane.Bounds())])
    }
}
