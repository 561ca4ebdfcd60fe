// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// How one provider is treated: how many calls at a time, how fast, and when it is left alone. A value that decides;
/// `Lanes` carries out.
///
/// What a provider asks for (`Retry-After`, RFC 9110 §10.2.3; `RateLimit-Reset`, draft-ietf-httpapi-ratelimit-headers)
/// holds for all of its calls, not for the one that was told. After several failures in a row it is left alone, longer
/// each time, and then tried with one call.
package struct Lane: Sendable, Hashable {
    package struct Bounds: Sendable, Hashable {
        package var concurrentMax: Int
        /// Calls a second over time, with a burst of as many; `nil`: as fast as they come.
        package var perSecondMax: Int?

        package init(concurrentMax: Int = Limits.callsPerProviderMax, perSecondMax: Int? = nil) {
            self.concurrentMax = concurrentMax
            self.perSecondMax = perSecondMax
        }
    }

    package enum Verdict: Sendable, Hashable {
        case go
        case wait
        /// Not now, and not soon: the call is given back unsent.
        case withheld(reason: String, milliseconds: Int64)
    }

    /// What a call told about its provider.
    package enum Report: Sendable, Hashable {
        case sound
        case failed
        /// It says nothing of the provider: the request did not get as far.
        case nothing
        /// It asked to be left alone, in milliseconds from now.
        case limited(Int64)
    }

    private let name: String
    private let bounds: Bounds
    private var inFlight = 0
    private var waiting = LaneQueue()
    /// In thousandths of a call, so that a slow refill loses nothing.
    private var tokens: Int64
    private var filledAt: Instant?
    private var aloneUntil: Instant?
    private var reason = ""
    private var failures = 0
    private var isProbing = false

    package init(name: String, bounds: Bounds) {
        self.name = name
        self.bounds = bounds
        tokens = Int64(bounds.perSecondMax ?? 0) * 1000
    }

    /// - Parameter rank: the graver goes first.
    package mutating func ask(_ ticket: Int, rank: Int, at now: Instant) -> Verdict {
        if let until = aloneUntil {
            if now < until { return .withheld(reason: reason, milliseconds: until.since(now)) }
            // Its time is up: one call finds out for all.
            if failures >= Limits.breakerFailures, isProbing {
                return .withheld(reason: "\(name) is being tried with one call", milliseconds: 1000)
            }
            isProbing = failures >= Limits.breakerFailures
            aloneUntil = isProbing ? until : nil
        }
        if waiting.isEmpty, take(now) { return .go }
        waiting.add(ticket, rank: rank)
        return .wait
    }

    /// Those that may go now; called when a call ended and as time goes by.
    package mutating func admit(at now: Instant) -> [Int] {
        var admitted: [Int] = []
        while !waiting.isEmpty, take(now) {
            guard let ticket = waiting.takeFirst() else { break }
            admitted.append(ticket)
        }
        return admitted
    }

    /// Everybody in line is given back when the provider is left alone meanwhile.
    package mutating func turnAway(at now: Instant) -> (tickets: [Int], verdict: Verdict)? {
        guard let until = aloneUntil, now < until, !waiting.isEmpty else { return nil }
        return (waiting.takeAll(), .withheld(reason: reason, milliseconds: until.since(now)))
    }

    package mutating func leave(_ ticket: Int) { waiting.leave(ticket) }

    package mutating func leaveAll() { _ = waiting.takeAll() }

    /// A call that went has come back.
    package mutating func settle(_ report: Report, at now: Instant) {
        inFlight -= 1
        isProbing = false
        switch report {
        case .nothing: break
        case .sound:
            failures = 0
            if let until = aloneUntil, until <= now { aloneUntil = nil }
        case .limited(let milliseconds):
            leaveAlone(milliseconds, "\(name) asked to be left alone", now)
        case .failed:
            failures += 1
            guard failures >= Limits.breakerFailures else { return }
            let doublings = Int64(min(failures - Limits.breakerFailures, 5))
            let span = min(Limits.breakerMillisecondsFirst << doublings, Limits.breakerMillisecondsMax)
            leaveAlone(span, "\(name) is left alone after \(failures) failures in a row", now)
        }
    }

    /// A call of an earlier process came back with this: what it told of the provider still holds.
    package mutating func recall(_ report: Report, at then: Instant) {
        inFlight += 1
        settle(report, at: then)
    }

    private mutating func leaveAlone(_ milliseconds: Int64, _ reason: String, _ now: Instant) {
        let until = now.adding(milliseconds: min(milliseconds, Limits.retryAfterMillisecondsMax))
        guard aloneUntil.map({ $0 < until }) ?? true else { return }
        aloneUntil = until
        self.reason = reason
    }

    private mutating func take(_ now: Instant) -> Bool {
        guard inFlight < bounds.concurrentMax else { return false }
        if let rate = bounds.perSecondMax {
            let full = Int64(rate) * 1000
            let elapsed = filledAt.map { max(0, now.since($0)) } ?? 0
            tokens = min(full, tokens + min(elapsed, 1000) * Int64(rate))
            filledAt = now
            guard tokens >= 1000 else { return false }
            tokens -= 1000
        }
        inFlight += 1
        return true
    }
}
