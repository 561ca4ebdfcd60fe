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

    /// Where a call stands in its provider's line, and what the line waits for.
    package struct Place: Sendable, Hashable {
        package var ahead: Int
        package var perSecondMax: Int?
        package var concurrentMax: Int
        /// Why the provider is left alone now, and until when.
        package var reason: String?
        package var aloneUntil: Instant?
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
    /// Until when each of them may wait; those that are not named have no end.
    private var latest: [Int: Instant] = [:]
    /// The time to be left alone for which the line was last gone through.
    private var turnedAwayFor: Instant?
    /// In thousandths of a call, so that a slow refill loses nothing.
    private var tokens: Int64
    private var filledAt: Instant?
    private var aloneUntil: Instant?
    private var reason = ""
    private var failures = 0
    /// How often in a row it was left alone for its failures: calls that were under way together are one.
    private var openings = 0
    private var isProbing = false

    package init(name: String, bounds: Bounds) {
        self.name = name
        self.bounds = bounds
        tokens = Int64(bounds.perSecondMax ?? 0) * 1000
    }

    /// While the provider is left alone a call waits as well, unless its own time is up before that.
    ///
    /// - Parameters:
    ///   - rank: the graver goes first.
    ///   - end: until when it may wait; `nil`: as long as it takes.
    package mutating func ask(_ ticket: Int, rank: Int, until end: Instant? = nil, at now: Instant) -> Verdict {
        if let until = aloneUntil, now < until, let end, end <= until { return withheld(until, now) }
        if waiting.isEmpty, take(now) { return .go }
        waiting.add(ticket, rank: rank)
        latest[ticket] = end
        return .wait
    }

    /// Those that may go now; called when a call ended and as time goes by.
    package mutating func admit(at now: Instant) -> [Int] {
        var admitted: [Int] = []
        while !waiting.isEmpty, take(now) {
            guard let ticket = waiting.takeFirst() else { break }
            latest[ticket] = nil
            admitted.append(ticket)
        }
        return admitted
    }

    /// Those in line whose time is up before the provider may be asked again are given back; the others keep their place.
    package mutating func turnAway(at now: Instant) -> (tickets: [Int], verdict: Verdict)? {
        guard let until = aloneUntil, now < until, turnedAwayFor != until else { return nil }
        turnedAwayFor = until
        let tickets = latest.filter { $0.value <= until }.keys.sorted()
        guard !tickets.isEmpty else { return nil }
        for ticket in tickets { leave(ticket) }
        return (tickets, withheld(until, now))
    }

    private func withheld(_ until: Instant, _ now: Instant) -> Verdict {
        .withheld(reason: reason, milliseconds: until.since(now))
    }

    package mutating func leave(_ ticket: Int) {
        waiting.leave(ticket)
        latest[ticket] = nil
    }

    package mutating func leaveAll() {
        _ = waiting.takeAll()
        latest = [:]
    }

    /// When the first in line may go at the earliest; `nil` when nobody waits.
    package func opensAt(_ now: Instant) -> Instant? {
        guard !waiting.isEmpty else { return nil }
        return aloneUntil.map { max($0, now) } ?? now
    }

    /// How a call stands in line, for people.
    package func place(of ticket: Int, at now: Instant) -> Place {
        let isAlone = aloneUntil.map { now < $0 } ?? false
        return Place(
            ahead: waiting.count(before: ticket), perSecondMax: bounds.perSecondMax,
            concurrentMax: bounds.concurrentMax, reason: isAlone ? reason : nil, aloneUntil: isAlone ? aloneUntil : nil)
    }

    /// A call that went has come back.
    package mutating func settle(_ report: Report, at now: Instant) {
        inFlight -= 1
        isProbing = false
        switch report {
        case .nothing:
            // It was not asked: the rate is what it was before.
            if let rate = bounds.perSecondMax { tokens = min(Int64(rate) * 1000, tokens + 1000) }
        case .sound:
            failures = 0
            openings = 0
            if let until = aloneUntil, until <= now { aloneUntil = nil }
        case .limited(let milliseconds):
            leaveAlone(milliseconds, "\(name) asked to be left alone", now)
        case .failed:
            failures += 1
            guard failures >= Limits.breakerFailures, aloneUntil.map({ $0 <= now }) ?? true else { return }
            let span = min(Limits.breakerMillisecondsFirst << Int64(min(openings, 5)), Limits.breakerMillisecondsMax)
            openings += 1
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
        if let until = aloneUntil {
            // Its time is up: one call finds out for all.
            guard now >= until, !isProbing else { return false }
        }
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
        isProbing = aloneUntil != nil && failures >= Limits.breakerFailures
        if !isProbing { aloneUntil = nil }
        return true
    }
}
