// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit
import Testing

/// Random sequences over a few sessions: what must hold whatever comes, in whatever order.
@Suite struct SessionBookPropertyTests {
    @Test(arguments: 1...60)
    func `whatever comes, entries fold to the state, no alarm comes twice, and nothing contained is allowed`(
        _ seed: UInt64
    ) throws {
        var play = SessionPlay(seed: seed)
        for _ in 1...300 {
            play.step()
            try play.check()
        }
        #expect(play.entries.values.joined().count < 300, "heartbeats are not told one by one")
    }
}

private struct SessionPlay {
    private var random: Seeded
    private var now = Instant(milliseconds: 1_800_000_000_000)
    private var book = SessionBook()
    /// Every event with its time, by session: what a store would hold.
    private(set) var entries: [String: [(event: SessionEvent, at: Instant)]] = [:]
    private var alarms: [String: Int] = [:]

    init(seed: UInt64) { random = Seeded(seed) }

    private mutating func chance(_ part: Int, in whole: Int) -> Bool {
        Int.random(in: 1...whole, using: &random) <= part
    }

    mutating func step() {
        now = now.adding(milliseconds: Int64.random(in: 0...20_000, using: &random))
        let id = "s\(Int.random(in: 0..<8, using: &random))"
        let act = AgentSession.Act(by: "p", reason: "r", key: "k\(Int.random(in: 0..<5, using: &random))")
        guard let session = book[id] else { return open(id) }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: tell(session, .change(.isolation(true), act, revision: nil))
        case 1: tell(session, .change(.isolation(false), act, revision: chance(1, in: 2) ? session.revision : 3))
        case 2:
            tell(
                session,
                .change(.limit(AgentSession.Limit.allCases.randomElement(using: &random) ?? .none), act, revision: nil))
        case 3: tell(session, .change(.release, act, revision: nil))
        case 4:
            tell(session, .change(.extend(AgentSession.Extension(durationSeconds: 30, bytes: 500)), act, revision: nil))
        case 5 where chance(1, in: 4): tell(session, .close(nil, act))
        case 6: restart()
        default:
            let usage = AgentSession.Usage(
                bytes: Int64.random(in: 0...9000, using: &random), calls: Int64.random(in: 0...40, using: &random))
            tell(session, .use(usage, claimedAt: nil))
            if case .success = session.handle(.use(usage, claimedAt: nil), at: now) { book.report(id, usage) }
        }
        raise()
    }

    private mutating func open(_ id: String) {
        let parent = chance(1, in: 2) ? book.sessions.keys.sorted().randomElement(using: &random) : nil
        let opening = AgentSession.Opening(
            id: id, agent: "g", owner: "o", parent: parent,
            approved: AgentSession.Approval(durationSeconds: 60, bytes: 1000, calls: 10),
            whenExceeded: AgentSession.WhenExceeded.allCases.randomElement(using: &random) ?? .allow)
        guard entries[id] == nil, book.refusal(of: opening) == nil else { return }
        let above = parent.flatMap { book[$0] }
        let event = SessionEvent.sessionOpened(
            opening, root: above?.root ?? id, depth: above.map { $0.depth + 1 } ?? 0, runtime: "r")
        entries[id] = [(event, now)]
        if let session = AgentSession(event, at: now) { book.insert(session) }
    }

    private mutating func tell(_ session: AgentSession, _ input: SessionInput) {
        guard case .success(let events) = session.handle(input, at: now) else { return }
        var session = session
        for event in events {
            session.apply(event, at: now)
            entries[session.id]?.append((event, now))
        }
        book.update(session)
    }

    private mutating func raise() {
        for session in book.sessions.values.sorted(by: { $0.id < $1.id }) {
            for (crossing, used) in session.crossings(book.total(of: session.id), at: now) {
                guard let current = book[session.id] else { continue }
                alarms[SessionAlarm.deliveryID(session, crossing), default: 0] += 1
                tell(current, .raise(crossing, used: used, alert: AlertID(stem: "A")))
            }
        }
    }

    /// A process that ended: all that is left is what was stored.
    private mutating func restart() { book = SessionBook(folded) }

    private var folded: [AgentSession] {
        entries.values.compactMap { lines in
            guard let first = lines.first, var session = AgentSession(first.event, at: first.at) else { return nil }
            for line in lines.dropFirst() { session.apply(line.event, at: line.at) }
            return session
        }
    }

    func check() throws {
        for session in folded {
            #expect(book[session.id] == session)
            #expect(try AgentSession(JSON.parse(session.value.jsonBytes)) == session)
            #expect(session.number == entries[session.id]?.count)
            let line = book.lineage(of: session.id)
            let verdict = book.verdict(on: session.id, at: now)
            if line.contains(where: { $0.isClosed || $0.isolation != nil }) { #expect(verdict.answer == .deny) }
            if line.contains(where: { $0.limit == .readOnly }) { #expect(!verdict.lets(method: "POST")) }
            #expect(verdict.expiresAt > now)
            #expect(book.total(of: session.id).bytes >= session.used.bytes)
        }
        #expect(book.verdict(on: "nobody", at: now).answer == .deny)
        for (alarm, count) in alarms { #expect(count == 1, "\(alarm)") }
    }
}
