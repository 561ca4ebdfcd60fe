// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// Takes whatever people are told.
private final class Receivers: Transport {
    private let taken = Mutex<[OutboundRequest]>([])

    var requests: [OutboundRequest] { taken.withLock { $0 } }

    func send(_ request: OutboundRequest) async -> Delivery {
        taken.withLock { $0.append(request) }
        return .answered(202)
    }

    func close() async {}
}

/// What people are told is stored with what it tells, and told afterwards.
@Suite(.timeLimit(.minutes(20)))
struct EngineNoticeTests {
    private static let chat = Notifications(
        channels: [
            Channel(id: "chat", means: .webhook(url: .environment("HOOK")), gatherMilliseconds: 0),
            Channel(
                id: "pager", means: .pager(url: "https://pager.example", routingKey: .environment("HOOK")),
                gatherMilliseconds: 0),
        ], routes: [NoticeRoute(to: ["chat", "pager"])])

    private func rows(_ installation: Installation) async throws -> [NoticeRecord] {
        try await installation.base.notices(NoticeQuery())
    }

    private func kinds(_ installation: Installation) async throws -> [String] {
        try await rows(installation).compactMap { record in
            let kind = (try? JSON.parse(record.body))?["kind"]?.stringValue ?? ""
            // That the objective is missed is told when its time comes.
            return kind == "objective_missed" ? nil : "\(record.endpoint) \(kind) \(record.state.rawValue)"
        }.sorted()
    }

    @Test func `of a surge people hear once, whatever it makes proposals of, and of no guard that agrees`() async throws
    {
        let installation = try Installation(perSubject: .many)
        installation.notifications = Self.chat
        var library = installation.library
        library.guards.surge = SurgeRule(factor: 2, windowMilliseconds: 600_000, cap: 2)
        library.guards.breaker = BreakerRule(last: 10, share: 0.5, atLeast: 5)
        let engine = installation.engine(Receivers(), loading: { [library] in .success(library) })
        // Not running, so that nothing is told and forgotten meanwhile.
        for number in 1...6 { await installation.post(engine, delivery: "d-\(number)") }
        for alert in try await installation.base.alerts(AlertQuery()) { await engine.read(alert) }
        let verdicts = try await installation.base.decisions(DecisionQuery()).map(\.verdict).sorted()
        #expect(verdicts == ["enforce", "enforce", "propose", "propose", "propose", "propose"])
        #expect(try await kinds(installation) == ["chat surge waiting", "pager surge waiting"])
    }

    @Test func `that nothing may be done about an alarm is told once for each identity`() async throws {
        let installation = try Installation(perSubject: .many)
        installation.notifications = Self.chat
        var library = installation.library
        let subject = try #require(library.inventory.identities.first?.subject)
        library.guards.protection = Protection(deny: [ProtectedEntry(.id, subject.id)])
        let engine = installation.engine(Receivers(), loading: { [library] in .success(library) })
        for number in 1...3 { await installation.post(engine, delivery: "d-\(number)") }
        for alert in try await installation.base.alerts(AlertQuery()) { await engine.read(alert) }
        #expect(Set(try await installation.base.decisions(DecisionQuery()).map(\.verdict)) == ["deny"])
        #expect(try await kinds(installation) == ["chat denied waiting", "pager denied waiting"])
        let body = try JSON.parse(try #require(try await rows(installation).first).body)
        #expect(body["text"]?.stringValue?.contains("is touched by nobody but people; look at alr_") == true)
    }

    @Test func `a proposal is stored with its notices, and is told when nobody was there to tell it`() async throws {
        let installation = try Installation(mode: .propose)
        installation.notifications = Self.chat
        let transport = Receivers()
        let engine = installation.engine(transport)
        // Not running: what is stored is what a kill at once would leave.
        await installation.post(engine)
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        await engine.read(alert)
        #expect(try await kinds(installation) == ["chat proposal waiting", "pager proposal waiting"])
        let second = installation.engine(transport)
        try await installation.whileRunning(second) {
            try await installation.wait {
                try await self.kinds(installation) == ["chat proposal delivered", "pager proposal delivered"]
            }
        }
        #expect(transport.requests.count == 2)
    }

    @Test func `a proposal that was answered before anybody was told is not told`() async throws {
        let installation = try Installation(mode: .propose)
        installation.notifications = Self.chat
        let transport = Receivers()
        let engine = installation.engine(transport)
        await installation.post(engine)
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        await engine.read(alert)
        let run = try await installation.run.id
        try await engine.publishFirst()
        guard case .done = await engine.control(run, .cancel(undo: false, by: "ann", reason: "no")) else {
            Issue.record("it was not cancelled")
            return
        }
        let second = installation.engine(transport)
        try await installation.whileRunning(second) {
            try await installation.wait {
                try await self.kinds(installation).allSatisfy { $0.hasSuffix("moot") }
            }
        }
        #expect(transport.requests.isEmpty)
    }

    @Test func `a halt is told once, by whom and why`() async throws {
        let installation = try Installation()
        installation.notifications = Self.chat
        let engine = installation.engine(ScriptedTransport(installation))
        #expect(try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a wrong feed"))
        #expect(try await !engine.setHalt(.everything, isSet: true, by: "ann", reason: "a wrong feed"))
        let told = try await rows(installation)
        #expect(told.count == 2)
        let text = try JSON.parse(try #require(told.first).body)["text"]?.stringValue
        #expect(text == "everything is halted, by ann: a wrong feed")
    }

    @Test func `without routes nothing is stored for anybody`() async throws {
        let installation = try Installation(mode: .propose)
        let engine = installation.engine(ScriptedTransport(installation))
        await installation.post(engine)
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        await engine.read(alert)
        #expect(try await rows(installation).isEmpty)
    }
}
