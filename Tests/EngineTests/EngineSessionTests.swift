// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// Agent sessions in the engine: what a crash between any two writes leaves, and what time alone does.
@Suite(.timeLimit(.minutes(20))) struct EngineSessionTests {
    private func opening(_ id: String, below parent: String? = nil) -> AgentSession.Opening {
        AgentSession.Opening(
            id: id, agent: "g", owner: "o", parent: parent,
            approved: AgentSession.Approval(durationSeconds: 60, bytes: 100))
    }

    private func use(_ bytes: Int64) -> SessionInput { .use(AgentSession.Usage(bytes: bytes), claimedAt: nil) }

    private let act = AgentSession.Act(by: "ann", reason: "it reads payroll")

    /// What a runtime and a person do, each thing again until it is answered.
    private func play(_ engine: Engine) async throws {
        _ = try await engine.openSession(opening("a"), runtime: "r").get()
        _ = try await engine.openSession(opening("b", below: "a"), runtime: "r").get()
        _ = try await engine.tellSession("b", use(150), runtime: "r").get()
        _ = try await engine.tellSession("a", .change(.isolation(true), act, revision: nil)).get()
    }

    @Test(arguments: Array(1...8), FaultyStore.Fault.allCases)
    func `a crash at any write leaves sessions that go on, and no alert comes twice`(
        write: Int, fault: FaultyStore.Fault
    ) async throws {
        let installation = try Installation()
        let faulty = FaultyStore(installation.base, write: write, fault)
        let first = installation.engine(ScriptedTransport(installation), over: faulty)
        await #expect(throws: StoreError.self) { try await play(first) }
        #expect(try await first.verdict(on: "nobody").answer == .deny)

        let second = installation.engine(ScriptedTransport(installation))
        try await play(second)
        let alerts = try await installation.base.alerts(AlertQuery())
        #expect(Set(alerts.map(\.deliveryID)) == ["a/bytes/100/1", "b/bytes/100/1"])
        #expect(alerts.count == 2)
        for id in ["a", "b"] {
            #expect(try await second.verdict(on: id).answer == .deny)
            let lines = try await installation.base.history(AgentSession.stream(of: id), from: 1, limit: 100)
            #expect(lines.count { $0.entry.kind == "boundaryExceeded" } == 1)
            try await expectFolds(id, lines, installation)
        }
    }

    /// Folding the entries gives the row, whoever wrote them.
    private func expectFolds(_ id: String, _ lines: [IndexedEntry], _ installation: Installation) async throws {
        let first = try #require(lines.first)
        var session = try #require(AgentSession(first.entry.sessionEvent(), at: first.entry.at))
        for line in lines.dropFirst() { session.apply(try line.entry.sessionEvent(), at: line.entry.at) }
        var query = SessionQuery()
        query.id = id
        #expect(try await installation.base.sessions(query).first?.session() == session)
    }

    @Test func `a session's time ends in an engine that was started after it was opened, and is told once`()
        async throws
    {
        let installation = try Installation()
        let first = installation.engine(ScriptedTransport(installation))
        _ = try await first.openSession(opening("a"), runtime: "r").get()
        installation.clock.advance(milliseconds: 59_000)
        let second = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(try await installation.base.alerts(AlertQuery()).isEmpty)
            installation.clock.advance(milliseconds: 1_000)
            try await installation.wait { try await installation.base.alerts(AlertQuery()).count == 1 }
        }
        let third = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(third) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 60_000)
            try await installation.wait { try await installation.base.alerts(AlertQuery()).count == 2 }
        }
        let alerts = try await installation.base.alerts(AlertQuery())
        #expect(Set(alerts.map(\.deliveryID)) == ["a/duration/60/1", "a/duration/60/2"])
        #expect(alerts.allSatisfy { $0.originProof == .channel && $0.source == "cordon.sessions" })
    }

    @Test func `the last word of a session that is closed passes its boundaries too`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        _ = try await engine.openSession(opening("a"), runtime: "r").get()
        _ = try await engine.tellSession("a", .close(AgentSession.Usage(bytes: 250), act), runtime: "r").get()
        let alerts = try await installation.base.alerts(AlertQuery())
        #expect(alerts.map(\.deliveryID) == ["a/bytes/100/2"])
        let lines = try await installation.base.history(AgentSession.stream(of: "a"), from: 1, limit: 100)
        #expect(lines.map(\.entry.kind) == ["sessionOpened", "boundaryExceeded", "sessionClosed"])
    }

    @Test func `what closed its root is gone from memory, and still told of`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await play(engine)
        let closed = try await engine.tellSession("a", .close(nil, act)).get()
        #expect(closed.state == .closed)
        #expect(engine.sessionDesk.state.withLock { $0.book.sessions.isEmpty })
        #expect(try await engine.sessionStanding("b")?.state == .closed)
        #expect(await refusal(engine, "b", use(200)) == .closed)
        #expect(await refusal(engine, "nobody", use(200)) == .unknown)
        guard case .failure(let again) = try await engine.openSession(opening("b"), runtime: "r") else {
            Issue.record("no id is used twice")
            return
        }
        #expect(again.code == .closed)
    }

    private func refusal(_ engine: Engine, _ id: String, _ input: SessionInput) async -> SessionRefusal.Code? {
        guard case .failure(let refusal)? = try? await engine.tellSession(id, input) else { return nil }
        return refusal.code
    }

    @Test func `subscribers hear of changes in order, and whoever is too slow is let go`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        let subscription = try #require(engine.sessionFeed.subscribe(after: nil))
        #expect(subscription.missed == nil)
        try await play(engine)
        var seen: [String] = []
        for await change in subscription.changes {
            seen.append(
                "\(change?.number ?? 0) \(change?.verdict.session ?? "") \(change?.verdict.answer.rawValue ?? "")")
            if seen.count == 4 { break }
        }
        #expect(seen == ["1 a allow", "2 b allow", "3 a deny", "4 b deny"])
        #expect(engine.sessionFeed.subscribe(after: 2)?.missed?.map(\.number) == [3, 4])
        #expect(engine.sessionFeed.subscribe(after: 9)?.missed == nil)
        let slow = try #require(engine.sessionFeed.subscribe(after: nil))
        let verdict = try await engine.verdict(on: "a")
        engine.sessionFeed.publish(Array(repeating: verdict, count: SessionFeed.waitingMax + 1))
        var count = 0
        for await _ in slow.changes { count += 1 }
        #expect(count == SessionFeed.waitingMax)
        engine.sessionFeed.close()
        #expect(engine.sessionFeed.subscribe(after: nil) == nil)
    }

    @Test func `no more subscribe than may`() async throws {
        let installation = try Installation()
        let feed = installation.engine(ScriptedTransport(installation)).sessionFeed
        let all = (0..<SessionFeed.subscribersMax).map { _ in feed.subscribe(after: nil) }
        #expect(all.allSatisfy { $0 != nil })
        #expect(feed.subscribe(after: nil) == nil)
        #expect(feed.subscribers == SessionFeed.subscribersMax)
    }
}
