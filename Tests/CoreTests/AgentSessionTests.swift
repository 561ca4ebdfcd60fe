// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit
import Testing

/// The pure machine of one session, and the book of those that live.
@Suite struct AgentSessionTests {
    private let start = Instant(milliseconds: 1_800_000_000_000)
    private let act = AgentSession.Act(by: "ann (0123456789)", reason: "it reads payroll")

    private func opening(
        _ id: String = "s1", parent: String? = nil, seconds: Int64 = 3600, bytes: Int64? = 1000, calls: Int64? = nil,
        whenExceeded: AgentSession.WhenExceeded = .allow
    ) -> AgentSession.Opening {
        AgentSession.Opening(
            id: id, agent: "refund-agent", owner: "team/support", parent: parent, scope: ["orders:read"],
            resources: ["orders", "customers"],
            approved: AgentSession.Approval(durationSeconds: seconds, bytes: bytes, calls: calls),
            whenExceeded: whenExceeded)
    }

    private func session(_ opening: AgentSession.Opening, root: String? = nil, depth: Int = 0) -> AgentSession {
        AgentSession(opening, root: root ?? opening.id, depth: depth, runtime: "runner", at: start)
    }

    /// What a handled input makes of it.
    private func after(_ session: AgentSession, _ input: SessionInput, seconds: Int64 = 1) throws -> AgentSession {
        var session = session
        let now = start.adding(milliseconds: seconds * 1000)
        for event in try session.handle(input, at: now).get() { session.apply(event, at: now) }
        return session
    }

    private func change(_ change: SessionChange, key: String? = nil, revision: Int? = nil) -> SessionInput {
        var act = act
        act.key = key
        return .change(change, act, revision: revision)
    }

    // MARK: One session

    @Test func `heartbeats are told in tenths of what was approved, and in doublings beyond it`() throws {
        var session = session(opening(bytes: 100_000))
        for bytes in stride(from: Int64(0), through: 100_000, by: 100) {
            session = try after(session, .use(AgentSession.Usage(bytes: bytes), claimedAt: nil))
        }
        #expect(session.number == 1 + 10, "a thousand heartbeats, ten lines")
        session = try after(session, .use(AgentSession.Usage(bytes: 100_001), claimedAt: nil))
        session = try after(session, .use(AgentSession.Usage(bytes: 199_999), claimedAt: nil))
        #expect(session.number == 12)
        session = try after(session, .use(AgentSession.Usage(bytes: 200_000), claimedAt: nil))
        #expect(session.number == 13)
    }

    @Test(arguments: [Int64.max, Int64.max - 1, 1 << 62] as [Int64])
    func `a total beyond all measure is a total like any other`(_ calls: Int64) throws {
        let session = try after(
            session(opening(bytes: nil, calls: 1)), .use(AgentSession.Usage(calls: calls), claimedAt: nil))
        #expect(session.used.calls == calls)
    }

    @Test func `what was exceeded once stays so, though the totals after it were forgotten`() throws {
        let session = session(opening(whenExceeded: .deny))
        let crossing = AgentSession.Crossing(boundary: .bytes, approved: 1000, level: 1)
        let told = try after(session, .raise(crossing, used: 1500, alert: AlertID(stem: "01")))
        let forgotten = AgentSession.Usage(bytes: 990)
        #expect(told.isExceeded(forgotten, at: start) == .bytes)
        #expect(session.isExceeded(forgotten, at: start) == nil)
        let extended = try after(told, change(.extend(AgentSession.Extension(bytes: 1000))))
        #expect(extended.isExceeded(forgotten, at: start) == nil)
    }

    @Test func `a change that holds already is no conflict, whatever revision it was made for`() throws {
        let fresh = session(opening())
        let isolated = try after(fresh, change(.isolation(true), revision: fresh.revision))
        #expect(isolated.revision != fresh.revision)
        #expect(isolated.handle(change(.isolation(true), revision: fresh.revision), at: start).refusal == nil)
        let other = isolated.handle(change(.isolation(false), revision: fresh.revision), at: start)
        #expect(other.refusal?.code == .stale)
    }

    @Test func `totals only grow, whatever a late heartbeat says`() throws {
        let session = try after(session(opening()), .use(AgentSession.Usage(bytes: 900), claimedAt: nil))
        let late = try after(session, .use(AgentSession.Usage(bytes: 200), claimedAt: nil))
        #expect(late == session)
    }

    @Test func `a runtime's clock that is far off is told once and moves no boundary`() throws {
        let early = start.adding(milliseconds: -3_600_000)
        let once = try after(session(opening()), .use(AgentSession.Usage(), claimedAt: early))
        #expect(once.sawSkew)
        #expect(try after(once, .use(AgentSession.Usage(), claimedAt: early)) == once)
        #expect(once.dueAt == start.adding(milliseconds: 3_600_000))
        let near = start.adding(milliseconds: 1000 + Limits.sessionSkewMillisecondsMax)
        #expect(try after(session(opening()), .use(AgentSession.Usage(), claimedAt: near)).sawSkew == false)
    }

    @Test func `a heartbeat of a closed session is refused, and closing twice is closing once`() throws {
        let closed = try after(session(opening()), .close(AgentSession.Usage(bytes: 5), act))
        #expect(closed.used.bytes == 5)
        #expect(closed.ownState == .closed)
        #expect(closed.handle(.use(AgentSession.Usage(bytes: 9), claimedAt: nil), at: start).refusal?.code == .closed)
        #expect(try after(closed, .close(nil, act)) == closed)
        #expect(closed.handle(change(.extend(AgentSession.Extension(bytes: 1))), at: start).refusal?.code == .closed)
        #expect(try after(closed, change(.isolation(true))).ownState == .closed, "to contain is never refused as moot")
    }

    @Test func `a change that was compared with another revision is refused`() throws {
        let session = session(opening())
        let isolated = try after(session, change(.isolation(true), revision: session.revision))
        #expect(isolated.ownState == .isolated)
        #expect(isolated.handle(change(.isolation(false), revision: 1), at: start).refusal?.code == .stale)
        #expect(try after(isolated, change(.isolation(false), revision: isolated.revision)).ownState == .open)
        #expect(try after(isolated, .use(AgentSession.Usage(bytes: 999), claimedAt: nil)).revision == isolated.revision)
    }

    @Test func `an extension is given once for a key, and its undo gives back what was approved`() throws {
        let session = session(opening(bytes: 1000, calls: nil))
        let more = AgentSession.Extension(durationSeconds: 60, bytes: 500, calls: 7)
        let extended = try after(session, change(.extend(more), key: "k1"))
        #expect(extended.approved == AgentSession.Approval(durationSeconds: 3660, bytes: 1500, calls: nil))
        #expect(try after(extended, change(.extend(more), key: "k1")) == extended)
        let back = try after(extended, change(.approve(session.approved)))
        #expect(back.approved == session.approved)
        let month = AgentSession.Extension(durationSeconds: Limits.sessionSecondsMax)
        #expect(session.handle(change(.extend(month)), at: start).refusal?.code == .overLimit)
    }

    @Test(arguments: [
        (AgentSession.Boundary.bytes, Int64(1000), Int64(1000), 0), (.bytes, 1001, 1000, 1), (.bytes, 2000, 1000, 1),
        (.bytes, 2001, 1000, 2), (.bytes, 4001, 1000, 3), (.bytes, 1, 0, 1), (.bytes, .max, 0, 1),
        (.bytes, .max, 1, Limits.boundaryLevelsMax), (.bytes, .max, .max, 0), (.duration, 59, 60, 0),
        (.duration, 60, 60, 1), (.duration, 120, 60, 2),
    ])
    func `a boundary is passed beyond the whole of it, and again at each doubling`(
        _ boundary: AgentSession.Boundary, _ used: Int64, _ approved: Int64, _ level: Int
    ) {
        #expect(AgentSession.Crossing.level(boundary, used, of: approved) == level)
    }

    @Test func `a crossing that was told is not told again, and one of what is approved since is`() throws {
        let session = session(opening(bytes: 1000))
        let total = AgentSession.Usage(bytes: 4500)
        let found = try #require(session.crossings(total, at: start).first)
        #expect(found.crossing == AgentSession.Crossing(boundary: .bytes, approved: 1000, level: 3))
        let told = try after(session, .raise(found.crossing, used: found.used, alert: AlertID(stem: "A")))
        #expect(told.crossings(total, at: start).isEmpty)
        #expect(told.crossings(AgentSession.Usage(bytes: 1500), at: start).isEmpty, "the levels below count as told")
        let extended = try after(told, change(.extend(AgentSession.Extension(bytes: 1000))))
        #expect(extended.crossings(total, at: start).map(\.crossing.approved) == [2000])
        let back = try after(extended, change(.approve(session.approved)))
        #expect(back.crossings(total, at: start).isEmpty)
    }

    @Test func `the timer of a session's duration is set anew at each doubling`() throws {
        var session = session(opening(seconds: 60))
        #expect(session.dueAt == start.adding(milliseconds: 60_000))
        for level in 1...Limits.boundaryLevelsMax {
            let due = try #require(session.dueAt)
            let found = try #require(session.crossings(AgentSession.Usage(), at: due).first)
            #expect(found.crossing.level == level)
            #expect(session.crossings(AgentSession.Usage(), at: due.adding(milliseconds: -1)).isEmpty)
            session = try after(session, .raise(found.crossing, used: found.used, alert: AlertID(stem: "A\(level)")))
        }
        #expect(session.dueAt == nil)
    }

    @Test func `an alarm reads back as the signal that playbooks trigger on`() throws {
        let session = session(opening(seconds: 60))
        let crossing = AgentSession.Crossing(boundary: .duration, approved: 60, level: 2)
        let body = SessionAlarm.body(session, crossing, used: 121, at: start).jsonBytes
        let alert = Alert(
            id: AlertID(stem: "A"), source: SessionAlarm.source, deliveryID: "d", receivedAt: start, headers: [:],
            body: body, bodyDigest: "", originProof: .channel)
        let signal = try #require(SessionAlarm.signal(of: alert))
        #expect(signal.severity == .high)
        #expect(
            signal.attributes == [
                "session": ["id": "s1", "agent": "refund-agent", "owner": "team/support"], "boundary": "duration",
                "used": 121.0, "approved": 60.0, "unit": "s", "event": "level 2",
            ])
        let kind = try #require(SignalKind.named(signal.kind))
        for (name, field) in kind.fields where !field.isOptional { #expect(signal.attributes[name] != nil, "\(name)") }
        var foreign = alert
        foreign.body = Array(#"{"kind":"other"}"#.utf8)
        #expect(SessionAlarm.signal(of: foreign) == nil)
        #expect(SessionAlarm.deliveryID(session, crossing) == "s1/duration/60/2")
    }

    // MARK: The book

    private func tree() -> SessionBook {
        SessionBook([
            session(opening("a")), session(opening("b", parent: "a"), root: "a", depth: 1),
            session(opening("c", parent: "b"), root: "a", depth: 2), session(opening("other")),
        ])
    }

    private func told(_ book: SessionBook, _ id: String, _ input: SessionInput) throws -> SessionBook {
        var book = book
        book.update(try after(try #require(book[id]), input))
        return book
    }

    @Test func `what isolates a session isolates all below it, and its release gives back exactly that`() throws {
        var book = try told(tree(), "c", change(.isolation(true)))
        book = try told(book, "a", change(.isolation(true)))
        #expect(["a", "b", "c", "other"].map(book.state(of:)) == [.isolated, .isolated, .isolated, .open])
        #expect(book.verdict(on: "b", at: start).reason.contains("a, which delegated to it"))
        book = try told(book, "a", change(.isolation(false)))
        #expect(["a", "b", "c"].map(book.state(of:)) == [.open, .open, .isolated])
        #expect(book.verdict(on: "b", at: start).answer == .allow)
        #expect(book.verdict(on: "c", at: start).answer == .deny)
    }

    @Test func `the strictest limit of the line holds`() throws {
        var book = try told(tree(), "a", change(.limit(.slow)))
        book = try told(book, "b", change(.limit(.readOnly)))
        #expect(["a", "b", "c"].map { book.verdict(on: $0, at: start).answer } == [.slow, .readOnly, .readOnly])
        let verdict = book.verdict(on: "c", at: start)
        #expect(verdict.lets(method: "GET"))
        #expect(!verdict.lets(method: "POST"))
        #expect(!verdict.lets(method: "get"), "methods are told apart by case")
    }

    @Test func `what a child uses counts for all above it, once`() throws {
        var book = tree()
        book.report("c", AgentSession.Usage(bytes: 400))
        book.report("c", AgentSession.Usage(bytes: 300))
        book.report("b", AgentSession.Usage(bytes: 700))
        #expect(["a", "b", "c"].map { book.total(of: $0).bytes } == [1100, 1100, 400])
        let exceeded = try #require(book["a"]).crossings(book.total(of: "a"), at: start)
        #expect(exceeded.map(\.crossing.boundary) == [.bytes])
    }

    @Test func `a child gets no more than its parent has, and none from one that may not go on`() throws {
        let book = tree()
        #expect(book.refusal(of: opening("d", parent: "a")) == nil)
        #expect(book.refusal(of: opening("d", parent: "nobody"))?.code == .notDelegable)
        #expect(book.refusal(of: opening("d", parent: "a", bytes: 1001))?.code == .notDelegable)
        #expect(book.refusal(of: opening("d", parent: "a", bytes: nil))?.reason.contains("say how many") == true)
        #expect(book.refusal(of: opening("d", parent: "a", seconds: 3601))?.code == .notDelegable)
        var wide = opening("d", parent: "a")
        wide.scope.append("orders:write")
        #expect(book.refusal(of: wide)?.reason.contains("orders:write") == true)
        wide = opening("d", parent: "a")
        wide.resources.append("payroll")
        #expect(book.refusal(of: wide)?.reason.contains("payroll") == true)
        let isolated = try told(book, "a", change(.isolation(true)))
        #expect(isolated.refusal(of: opening("d", parent: "c"))?.code == .notDelegable)
    }

    @Test func `delegations end at their depth and at their number`() {
        var line = [session(opening("s0"))]
        for depth in 1..<Limits.sessionDepthMax {
            line.append(session(opening("s\(depth)", parent: "s\(depth - 1)"), root: "s0", depth: depth))
        }
        let last = Limits.sessionDepthMax - 1
        #expect(SessionBook(line).refusal(of: opening("more", parent: "s\(last)"))?.code == .overLimit)
        #expect(SessionBook(line).verdict(on: "s\(last)", at: start).answer == .allow)
        let many =
            [session(opening("a"))]
            + (1..<Limits.sessionsPerRootMax).map { session(opening("m\($0)", parent: "a"), root: "a", depth: 1) }
        #expect(SessionBook(many).refusal(of: opening("more", parent: "a"))?.code == .overLimit)
    }

    @Test(arguments: [
        (AgentSession.WhenExceeded.allow, SessionVerdict.Answer.allow), (.readOnly, .readOnly), (.stepUp, .stepUp),
        (.deny, .deny),
    ])
    func `beyond a boundary the answer is the one that was approved for it`(
        _ policy: AgentSession.WhenExceeded, _ answer: SessionVerdict.Answer
    ) throws {
        let book = SessionBook([session(opening(seconds: 60, whenExceeded: policy))])
        let before = start.adding(milliseconds: 59_000)
        #expect(book.verdict(on: "s1", at: before).answer == .allow)
        #expect(book.verdict(on: "s1", at: start.adding(milliseconds: 60_000)).answer == answer)
        if policy != .allow {
            #expect(book.verdict(on: "s1", at: before).expiresAt == start.adding(milliseconds: 60_000))
        }
        let extended = try told(book, "s1", change(.extend(AgentSession.Extension(durationSeconds: 60))))
        #expect(extended.verdict(on: "s1", at: start.adding(milliseconds: 60_000)).answer == .allow)
    }

    @Test func `a session that is unknown, closed, forgotten or below one that is gone is denied`() throws {
        var book = tree()
        #expect(book.verdict(on: "nobody", at: start).answer == .deny)
        #expect(book.verdict(on: "", at: start).answer == .deny)
        let orphan = SessionBook([session(opening("x", parent: "gone"), root: "gone", depth: 1)])
        #expect(orphan.verdict(on: "x", at: start).answer == .deny)
        book = try told(book, "b", .close(nil, act))
        #expect(["a", "b", "c"].map { book.verdict(on: $0, at: start).answer } == [.allow, .deny, .deny])
        book.forget(root: "a")
        #expect(["a", "b", "c"].map { book.verdict(on: $0, at: start).answer } == [.deny, .deny, .deny])
        #expect(book.count(root: "a") == 0)
    }

    @Test(arguments: [
        ("refund-agent-7", true), ("A.b_c-1", true), ("", false), (".", false), (".hidden", false), ("a/b", false),
        ("a b", false), ("é", false), (String(repeating: "a", count: 64), true),
        (String(repeating: "a", count: 65), false),
    ])
    func `a session's id can stand in a path`(_ text: String, _ isID: Bool) {
        #expect(AgentSession.Opening.isID(text) == isID)
    }

    // MARK: Stored forms

    @Test func `every event and every state reads back as it was written`() throws {
        for event in SessionSketch.events {
            #expect(try SessionEvent(kind: event.kind, JSON.parse(event.value.jsonBytes)) == event)
        }
        var session = session(opening("a", calls: 4))
        for event in SessionSketch.events.dropFirst() {
            session.apply(event, at: start.adding(milliseconds: 500))
            #expect(try AgentSession(JSON.parse(session.value.jsonBytes)) == session)
        }
        #expect(throws: UnreadableRecord.self) { try SessionEvent(kind: "sessionVanished", [:]) }
    }

    @Test func `the names of events are those that histories hold`() {
        #expect(
            SessionSketch.events.map(\.kind) == [
                "sessionOpened", "sessionUsed", "sessionSkewed", "boundaryExceeded", "sessionIsolated",
                "sessionIsolationEnded", "sessionLimited", "sessionExtended", "sessionApproved", "sessionReleased",
                "sessionClosed",
            ])
        #expect(
            SessionSketch.events[3].value.json
                == #"{"alert":"alr_A","crossing":{"approved":9,"boundary":"calls","level":2},"used":19}"#)
    }

    // MARK: Signals

    @Test func `a signal means an open session when all that it says of it is so`() throws {
        let session = session(opening("s1"))
        var inventory = Inventory(identities: [], digest: "")
        inventory.openSessions = [OpenSession(session, providers: ["agents"])]
        func resolve(_ reference: Value) -> Resolution { inventory.resolve(reference, kind: .agentSession) }
        guard case .resolved(let subject) = resolve(["id": "s1", "agent": "refund-agent", "tool": "sql"]) else {
            Issue.record("the session is open")
            return
        }
        #expect(subject.key == "agent_session:s1")
        #expect(subject.provider == "agents")
        #expect(subject.owner == "team/support")
        for stranger: Value in [
            ["id": "s2"], ["agent": "refund-agent"], ["id": "s1", "agent": "another"], ["id": "s1", "issuer": "okta"],
            ["id": 1],
        ] {
            guard case .missing = resolve(stranger) else {
                Issue.record("\(stranger.json) means nobody")
                continue
            }
        }
        guard case .missing = inventory.resolve(["id": "s1"], kind: .workload) else {
            Issue.record("a session is no workload")
            return
        }
        for providers in [[], ["agents", "more"]] {
            inventory.openSessions = [OpenSession(session, providers: providers)]
            guard case .missing(let reason) = resolve(["id": "s1"]) else {
                Issue.record("nobody, or more than one, can act on it")
                continue
            }
            #expect(reason.contains("agent-sessions"))
        }
    }

    @Test func `a session that the inventory lists under the same reference is not chosen by guess`() {
        let listed = Inventory.Identity(
            subject: Subject(kind: .agentSession, id: "listed", provider: "other"), matches: ["id": "s1"])
        var inventory = Inventory(identities: [listed], digest: "")
        inventory.openSessions = [OpenSession(session(opening("s1")), providers: ["agents"])]
        #expect(inventory.resolve(["id": "s1"], kind: .agentSession) == .ambiguous(["listed", "s1"]))
    }
}

extension Result where Failure == SessionRefusal {
    fileprivate var refusal: SessionRefusal? { if case .failure(let refusal) = self { refusal } else { nil } }
}

enum SessionSketch {
    private static let act = AgentSession.Act(by: "ann", reason: "why", key: "k")
    private static let approved = AgentSession.Approval(durationSeconds: 60, bytes: 7, calls: nil)

    /// One of each.
    static let events: [SessionEvent] = [
        .sessionOpened(
            AgentSession.Opening(
                id: "a", agent: "g", owner: "o", approver: "p", issuer: "i", parent: "q", scope: ["s"],
                resources: ["r"], approved: approved, whenExceeded: .stepUp), root: "q", depth: 1, runtime: "runner"),
        .sessionUsed(AgentSession.Usage(bytes: 5, calls: 6)), .sessionSkewed(milliseconds: -90_000),
        .boundaryExceeded(
            AgentSession.Crossing(boundary: .calls, approved: 9, level: 2), used: 19, alert: AlertID(stem: "A")),
        .sessionIsolated(act), .sessionIsolationEnded(act), .sessionLimited(.readOnly, act),
        .sessionExtended(approved, act), .sessionApproved(approved, act), .sessionReleased(act),
        .sessionClosed(AgentSession.Usage(bytes: 9, calls: 9), act),
    ]
}
