// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Synchronization
import Testing

/// How a provider is treated: by its bounds, by what it asks for, and by how it fails.
@Suite
struct LaneTests {
    @Test func `whoever left a long line is passed over, and the order stays`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 1))
        #expect(lane.ask(0, rank: 0, at: .start) == .go)
        for ticket in 1...20_000 { #expect(lane.ask(ticket, rank: ticket % 3, at: .start) == .wait) }
        for ticket in 1...20_000 where ticket % 5 != 0 { lane.leave(ticket) }
        var order: [Int] = []
        while order.count < 5000 {
            lane.settle(.sound, at: .start)
            let admitted = lane.admit(at: .start)
            if admitted.isEmpty { break }
            order += admitted
        }
        #expect(order == (1...20_000).filter { $0 % 5 == 0 }.sorted { ($1 % 3, $0) < ($0 % 3, $1) })
        #expect(lane.ask(1, rank: 0, at: .start) == .go, "the line is empty")
    }

    @Test(arguments: [
        (Outcome(.done, status: 200), Lane.Report.sound), (Outcome(.refused, status: 403), .sound),
        (Outcome(.later, status: 429, retryAfterMilliseconds: 7000), .limited(7000)),
        (Outcome(.later, status: 429), .limited(1000)), (Outcome(.later, status: 503), .failed),
        (Outcome(.later, status: 503, retryAfterMilliseconds: 9000), .limited(9000)),
        (Outcome(.unknown, status: 500), .failed), (Outcome(.unknown, reason: "the line was cut"), .failed),
        (Outcome(.later, reason: "the connection was refused"), .failed),
        (Outcome(.later, reason: "left alone", retryAfterMilliseconds: 5, wasWithheld: true), .nothing),
        (.lost, .nothing), (Outcome(.refused, reason: "not sent: its settings changed"), .nothing),
    ])
    func `a stored outcome tells of its provider what the answer told`(_ outcome: Outcome, _ report: Lane.Report) {
        #expect(Lane.Report(outcome) == report)
    }

    @Test func `what is recalled of a provider counts as if it had just been seen`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 1))
        for _ in 1...Limits.breakerFailures { lane.recall(.failed, at: .start) }
        #expect(
            lane.ask(1, rank: 0, until: later(9500), at: later(9000))
                == .withheld(reason: "login is left alone after 5 failures in a row", milliseconds: 1000))
        #expect(lane.ask(2, rank: 0, at: later(10_000)) == .go, "one call finds out for all")
        var sound = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 1))
        for report in [Lane.Report.failed, .failed, .failed, .failed, .sound, .failed] {
            sound.recall(report, at: .start)
        }
        #expect(sound.ask(1, rank: 0, at: .start) == .go)
    }

    private func later(_ milliseconds: Int64) -> Instant { Instant.start.adding(milliseconds: milliseconds) }

    @Test func `calls beyond the bound wait, and the graver goes first`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 1))
        #expect(lane.ask(1, rank: 0, at: .start) == .go)
        #expect(lane.ask(2, rank: 0, at: .start) == .wait)
        #expect(lane.ask(3, rank: 3, at: .start) == .wait)
        #expect(lane.ask(4, rank: 3, at: .start) == .wait)
        #expect(lane.admit(at: .start) == [])
        var order: [Int] = []
        for _ in 1...3 {
            lane.settle(.sound, at: .start)
            order += lane.admit(at: .start)
        }
        #expect(order == [3, 4, 2])
    }

    @Test func `a rate lets a burst go and then keeps its pace`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 99, perSecondMax: 2))
        #expect((1...3).map { lane.ask($0, rank: 0, at: .start) } == [.go, .go, .wait])
        #expect(lane.admit(at: later(499)) == [])
        #expect(lane.admit(at: later(500)) == [3])
        #expect(lane.ask(4, rank: 0, at: later(600)) == .wait)
        // However often it is asked, no fraction of a call is lost.
        for milliseconds in stride(from: Int64(601), to: 1000, by: 1) {
            #expect(lane.admit(at: later(milliseconds)) == [])
        }
        #expect(lane.admit(at: later(1000)) == [4])
    }

    @Test func `what a provider asks of one call holds for all, and only those go whose time comes first`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 1))
        #expect(lane.ask(1, rank: 0, at: .start) == .go)
        #expect(lane.ask(2, rank: 0, until: later(7000), at: .start) == .wait)
        #expect(lane.ask(3, rank: 0, until: later(7001), at: .start) == .wait)
        #expect(lane.ask(4, rank: 0, at: .start) == .wait)
        lane.settle(.limited(7000), at: .start)
        let withheld = Lane.Verdict.withheld(reason: "login asked to be left alone", milliseconds: 7000)
        let away = lane.turnAway(at: .start)
        #expect(away?.tickets == [2])
        #expect(away?.verdict == withheld)
        #expect(lane.ask(5, rank: 3, until: later(7000), at: .start) == withheld)
        #expect(lane.ask(6, rank: 3, until: later(9000), at: .start) == .wait)
        #expect(lane.admit(at: later(6999)) == [])
        #expect(lane.place(of: 4, at: later(6999)).ahead == 2)
        #expect(lane.place(of: 4, at: later(6999)).aloneUntil == later(7000))
        #expect(lane.admit(at: later(7000)) == [6])
    }

    @Test func `calls that were under way together are one failure: the time to be left alone doubles once for each`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds())
        for ticket in 1...64 { #expect(lane.ask(ticket, rank: 0, at: .start) == .go) }
        for _ in 1...64 { lane.settle(.failed, at: .start) }
        #expect(lane.ask(65, rank: 0, at: later(9999)) == .wait)
        #expect(lane.admit(at: later(9999)) == [])
        #expect(lane.admit(at: later(10_000)) == [65])
    }

    @Test func `a call that its lane let go and that did not leave costs the rate nothing`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds(perSecondMax: 1))
        #expect(lane.ask(1, rank: 0, at: .start) == .go)
        #expect(lane.ask(2, rank: 0, at: .start) == .wait)
        lane.settle(.nothing, at: .start)
        #expect(lane.admit(at: .start) == [2])
        lane.settle(.sound, at: .start)
        #expect(lane.ask(3, rank: 0, at: .start) == .wait)
    }

    @Test func `a provider that keeps failing is left alone, then tried with one call, longer each time`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds())
        var now = Instant.start
        for ticket in 1...Limits.breakerFailures {
            #expect(lane.ask(ticket, rank: 0, at: now) == .go)
            lane.settle(.failed, at: now)
        }
        var spans: [Int64] = []
        for ticket in 10...13 {
            guard case .withheld(_, let span) = lane.ask(ticket, rank: 0, until: now, at: now) else {
                Issue.record("the provider must be left alone")
                return
            }
            spans.append(span)
            now = now.adding(milliseconds: span)
            #expect(lane.ask(20 + ticket, rank: 0, at: now) == .go)
            #expect(lane.ask(40 + ticket, rank: 3, at: now) == .wait, "one call finds out for all")
            lane.settle(.failed, at: now)
            #expect(lane.admit(at: now) == [])
            lane.leave(40 + ticket)
        }
        #expect(spans == [10_000, 20_000, 40_000, 80_000])
        now = now.adding(milliseconds: Limits.breakerMillisecondsMax)
        #expect(lane.ask(90, rank: 0, at: now) == .go)
        #expect(lane.ask(89, rank: 0, at: now) == .wait)
        lane.settle(.sound, at: now)
        #expect(lane.admit(at: now) == [89], "what one call found out is true for all")
        #expect((91...99).allSatisfy { lane.ask($0, rank: 0, at: now) == .go })
    }

    @Test func `what does not reach the provider says nothing of it`() {
        var lane = Lane(name: "login", bounds: Lane.Bounds())
        for ticket in 1...20 {
            #expect(lane.ask(ticket, rank: 0, at: .start) == .go)
            lane.settle(.nothing, at: .start)
        }
    }

    @Test(arguments: [
        (429, ["retry-after": "7"], Lane.Report.limited(7000)), (429, [:], .limited(1000)),
        (503, ["retry-after": "3"], .limited(3000)), (503, [:], .failed), (500, [:], .failed), (403, [:], .sound),
        (200, ["ratelimit-remaining": "0", "ratelimit-reset": "4"], .limited(4000)),
        (200, ["ratelimit-remaining": "1", "ratelimit-reset": "4"], .sound),
    ])
    func `an answer's headers say when the next call is welcome`(
        _ status: Int, _ headers: [String: String], _ report: Lane.Report
    ) {
        let response = OutboundResponse(status: status, headers: headers, body: [])
        #expect(Lane.Report(Delivery(fate: .answered(response), durationMilliseconds: 1)) == report)
    }

    @Test func `at a shutdown those in line are given back, once, and only a free lane is still taken`() {
        let lanes = Lanes(bounds: ["login": Lane.Bounds(concurrentMax: 1)])
        let heard = Mutex<[String: [Lane.Verdict]]>([:])
        func enter(_ name: String, _ provider: String = "login") {
            lanes.enter(provider, rank: 0, at: .start) { verdict in
                heard.withLock { $0[name, default: []].append(verdict) }
            }
        }
        let closed = Lane.Verdict.withheld(reason: "shutting down", milliseconds: 1000)
        for name in ["first", "second", "third"] { enter(name) }
        #expect(heard.withLock { $0 } == ["first": [.go]])
        lanes.close()
        #expect(heard.withLock { $0 } == ["first": [.go], "second": [closed], "third": [closed]])
        enter("late")
        enter("elsewhere", "vault")
        lanes.settle("login", .sound, at: .start)
        enter("after")
        lanes.tick(at: .start)
        #expect(heard.withLock { $0["late"] } == [closed])
        #expect(heard.withLock { $0["elsewhere"] } == [.go])
        #expect(heard.withLock { $0["after"] } == [.go])
        #expect(heard.withLock { $0["second"] } == [closed], "nobody is told twice")
    }

    @Test func `a call in line is found by its name, and called back it is given back unsent`() {
        let lanes = Lanes(bounds: ["login": Lane.Bounds(concurrentMax: 1, perSecondMax: 9)])
        let heard = Mutex<[String: [Lane.Verdict]]>([:])
        for name in ["first", "second", "third"] {
            lanes.enter("login", name: name, rank: 0, at: .start) { verdict in
                heard.withLock { $0[name, default: []].append(verdict) }
            }
        }
        #expect(lanes.place(of: "first", at: .start) == nil, "it is under way")
        #expect(lanes.place(of: "third", at: .start)?.ahead == 1)
        lanes.callBack("second", reason: "paused")
        lanes.callBack("second", reason: "once more")
        lanes.callBack("first", reason: "too late")
        #expect(heard.withLock { $0["second"] } == [.withheld(reason: "paused", milliseconds: 0)])
        #expect(lanes.place(of: "third", at: .start)?.ahead == 0)
        lanes.settle("login", .sound, at: .start)
        #expect(heard.withLock { $0["third"] } == [.go])
        #expect(heard.withLock { $0["first"] } == [.go])
    }

    @Test func `a call in line goes when another comes back`() {
        let lanes = Lanes(bounds: ["login": Lane.Bounds(concurrentMax: 1)])
        let gone = Mutex(0)
        for _ in 0..<3 { lanes.enter("login", rank: 0, at: .start) { if $0 == .go { gone.withLock { $0 += 1 } } } }
        for count in 1...3 {
            #expect(gone.withLock { $0 } == count)
            lanes.settle("login", .sound, at: .start)
        }
    }
}
