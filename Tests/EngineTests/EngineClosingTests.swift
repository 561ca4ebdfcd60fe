// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import Testing

@testable import CordonEngine

/// Alerts come in any order: what a source closed begins nothing any more, and what waits for a person says so.
@Suite(.timeLimit(.minutes(20))) struct EngineClosingTests {
    private static let chat = Notifications(
        channels: [Channel(id: "chat", means: .webhook(url: .environment("HOOK")), gatherMilliseconds: 0)],
        routes: [NoticeRoute(to: ["chat"])])

    /// Hands in an alert of the source's number 42, and reads it.
    @discardableResult
    private func post(
        _ installation: Installation, _ engine: Engine, _ action: String, _ delivery: String, updated: Value = .null,
        resolved: Value = .null
    ) async throws -> AlertID {
        let body: Value = [
            "action": .string(action),
            "alert": [
                "number": 42, "secret_type": "adafruit_io_key", "validity": "active", "publicly_leaked": true,
                "created_at": "2023-11-14T22:00:00Z", "updated_at": updated, "resolved_at": resolved,
            ],
            "repository": ["full_name": "octo-org/octo-repo"],
        ]
        let receipt = await engine.receive(
            source: "github-main", installation.delivery(body.jsonBytes, delivery))
        guard case .stored(let id) = receipt else { throw StoreError(.conflict, "\(receipt)") }
        try await read(installation, engine, id)
        return id
    }

    private func read(_ installation: Installation, _ engine: Engine, _ id: AlertID) async throws {
        var query = AlertQuery()
        query.id = id
        await engine.read(try #require(try await installation.base.alerts(query).first))
    }

    private func decision(_ installation: Installation, of alert: AlertID) async throws -> Value {
        var query = DecisionQuery()
        query.alert = alert
        return try JSON.parse(try #require(try await installation.base.decisions(query).first).body)
    }

    private func lines(_ installation: Installation, _ alert: AlertID) async throws -> [Entry] {
        try await installation.base.history(alert.text, from: 1, limit: 100).map(\.entry)
    }

    @Test func `what its source closed begins nothing when it comes late, and the history says why`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        let closing = try await post(installation, engine, "resolved", "c-1", resolved: "2023-11-14T22:10:00Z")
        let told = try await lines(installation, closing)
        #expect(told.map(\.kind) == ["alertReceived", "alertRead"])
        let line = try JSON.parse(try #require(told.last).bytes)
        #expect(
            line.at("body", "closes") == [
                ["about": "secret_scanning/octo-org/octo-repo#42", "as_of": "2023-11-14T22:10:00.000Z"]
            ])
        // Another engine: what one process learned, the next one knows.
        let next = installation.engine(ScriptedTransport(installation))
        let late = try await post(installation, next, "created", "o-1")
        let decision = try await decision(installation, of: late)
        #expect(decision["verdict"] == "ignore")
        let match = try #require(decision["matches"]?.arrayValue?.first)
        #expect(match["run"] == nil)
        let reason = try #require(match["reasons"]?.arrayValue?.last)
        #expect(reason["guard"] == "closed")
        #expect(
            reason["because"]
                == .string(
                    "closed by its source as of 2023-11-14T22:10:00.000Z (\(closing)); this tells of it as of "
                        + "2023-11-14T22:00:00.000Z"))
        #expect(try await installation.runs.isEmpty)
        #expect(try await lines(installation, late).map(\.kind).contains("decisionMade"))
        try await installation.check()
    }

    @Test func `what was opened again after it was closed is acted on, and an old closing says nothing to it`()
        async throws
    {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        try await post(installation, engine, "resolved", "c-1", resolved: "2023-11-14T22:05:00Z")
        let again = try await post(installation, engine, "reopened", "o-2", updated: "2023-11-14T22:07:00Z")
        #expect(try await decision(installation, of: again)["verdict"] == "enforce")
        try await post(installation, engine, "resolved", "c-2", resolved: "2023-11-14T22:06:00Z")
        #expect(try await installation.run.closed.isEmpty)
        let over = try await post(installation, engine, "resolved", "c-3", resolved: "2023-11-14T22:09:00Z")
        #expect(try await installation.run.closed.map(\.alert) == [over])
        try await installation.check()
    }

    @Test func `a closing that bears a time to come keeps nothing from acting that is opened later`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        try await post(installation, engine, "resolved", "c-1", resolved: "2099-01-01T00:00:00Z")
        // The clock stands at 22:13:20.
        let later = try await post(installation, engine, "reopened", "o-2", updated: "2023-11-14T22:19:00Z")
        #expect(try await decision(installation, of: later)["verdict"] == "enforce")
        try await installation.check()
    }

    @Test func `where a source doesn't say whether it came later, a person is asked`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        try await post(installation, engine, "resolved", "c-1", resolved: "2023-11-14T22:10:00Z")
        let unsure = try await post(installation, engine, "reopened", "o-2")
        #expect(try await decision(installation, of: unsure)["verdict"] == "propose")
        let gate = try #require(try await installation.run.gate)
        #expect(gate.kind == .proposal)
        #expect(gate.reason.hasPrefix("guard 'closed': its source closed it as of 2023-11-14T22:10:00.000Z"))
        #expect(try await installation.run.closed.isEmpty)
        try await installation.check()
    }

    @Test func `a run that waits for a person is told once that its source closed it, and so is the person`()
        async throws
    {
        let installation = try Installation(mode: .propose)
        installation.notifications = Self.chat
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        try await post(installation, engine, "created", "o-1")
        let closing = try await post(installation, engine, "resolved", "c-1", resolved: "2023-11-14T22:10:00Z")
        try await post(installation, engine, "resolved", "c-2", resolved: "2023-11-14T22:10:00Z")
        #expect(try await installation.kinds == ["runOpened", "runAsked", "signalClosed"])
        let run = try await installation.run
        #expect(
            run.closedNote
                == "its source closed what it alerted of as of 2023-11-14T22:10:00.000Z (\(closing))")
        // It still waits: what becomes of it is people's to say.
        #expect(run.gate?.kind == .proposal)
        let notices = try await installation.base.notices(NoticeQuery()).map { try JSON.parse($0.body) }
        let told = notices.filter { $0["kind"] == "source_closed" }
        #expect(told.count == 1)
        #expect(told.first?["text"]?.stringValue?.hasPrefix("its source closed what it alerted of as of") == true)
        // A run that has ended is told nothing.
        guard case .done = await engine.control(run.id, .cancel(undo: false, by: "ann", reason: "over")) else {
            Issue.record("it must be cancelled")
            return
        }
        try await post(installation, engine, "resolved", "c-3", resolved: "2023-11-14T22:40:00Z")
        #expect(try await installation.run.closed.count == 1)
        #expect(try await installation.kinds.filter { $0 == "signalClosed" }.count == 1)
        try await installation.check()
    }

    /// The alert itself, the run's line, and the reading.
    @Test(arguments: 2...3, FaultyStore.Fault.allCases)
    func `a crash while a closing is read tells it once and forgets nothing`(
        _ write: Int, _ fault: FaultyStore.Fault
    ) async throws {
        let installation = try Installation(mode: .propose)
        let first = installation.engine(ScriptedTransport(installation))
        try await first.publishFirst()
        try await post(installation, first, "created", "o-1")
        let broken = installation.engine(
            ScriptedTransport(installation), over: FaultyStore(installation.base, write: write, fault))
        let closing = try await post(installation, broken, "resolved", "c-1", resolved: "2023-11-14T22:10:00Z")
        let second = installation.engine(ScriptedTransport(installation))
        try await read(installation, second, closing)
        #expect(try await installation.kinds == ["runOpened", "runAsked", "signalClosed"])
        #expect(try await lines(installation, closing).map(\.kind) == ["alertReceived", "alertRead"])
        let late = try await post(installation, second, "created", "o-2")
        #expect(try await decision(installation, of: late)["verdict"] == "ignore")
        try await installation.check()
    }

    @Test func `a signal that joins a live run is one of those that may be closed`() async throws {
        let installation = try Installation(mode: .propose, group: 3_600_000)
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        try await post(installation, engine, "created", "o-1")
        try await post(installation, engine, "publicly_leaked", "o-2", updated: "2023-11-14T22:05:00Z")
        #expect(try await installation.run.joined.count == 1)
        try await post(installation, engine, "resolved", "c-1", resolved: "2023-11-14T22:10:00Z")
        let run = try await installation.run
        #expect(Set(run.closed.map(\.signal)) == Set([run.signal] + run.joined) && run.closed.count == 2)
        #expect(run.closedNote?.contains("closed 2 of the 2 things it alerted of as of") == true)
        try await installation.check()
    }
}
