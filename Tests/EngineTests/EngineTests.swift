// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import TestKit
import Testing

@testable import CordonEngine

/// The shell around the machines: from a delivery to a run that has ended, and everything that may come between.
@Suite(.timeLimit(.minutes(20))) struct EngineTests {
    @Test func `an alert becomes a run whose calls are made in order and proven`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            guard case .stored = await installation.post(engine) else {
                Issue.record("the alert must be stored")
                return
            }
            try await installation.waitUntilEnded()
        }
        #expect(transport.paths == ["introspect", "introspect", "revoke", "introspect"])
        #expect(!installation.server.isActive)
        let run = try await installation.run
        #expect(run.phase == .ended(.completed))
        #expect(run.severity == .critical)
        #expect(run.subject?.id == "deploy-token")
        #expect(run.step("revoke")?.isVerified == true)
        #expect(run.step("revoke")?.before == ["active": true])
        #expect(run.step("revoke")?.after == ["active": false])
        #expect(try await installation.kinds == Self.happyKinds)
        #expect(engine.counts.alertsStored == 1)
        #expect(engine.counts.runsOpened == 1)
        #expect(engine.counts.runsEnded == 1)
        #expect(engine.counts.callsIntended == 4)
        #expect(engine.counts.callsRedelivered == 0)
        #expect(engine.counts.outcomes == [.done: 4])
        #expect(engine.counts.decisions == [.enforce: 1])
    }

    private static let happyKinds = [
        "runOpened", "stepStarted", "callIntended", "callReturned", "stepFinished", "stepStarted", "callIntended",
        "callReturned", "callIntended", "callReturned", "callIntended", "callReturned", "proofTaken", "stepFinished",
        "runEnded",
    ]

    @Test func `the alert's own history tells of its receipt, its signal, its decision and its end`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilEnded()
        }
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        #expect(alert.state == .read)
        let history = try await installation.base.history(alert.id.text, from: 1, limit: 100).map(\.entry)
        #expect(history.map(\.kind) == ["alertReceived", "signalNormalized", "decisionMade", "alertRead"])
        #expect(try await installation.base.signals(of: alert.id).map(\.kind) == ["secret.exposed"])
        #expect(try await installation.base.decisions(DecisionQuery()).map(\.verdict) == ["enforce"])
        #expect(try await installation.run.alert == alert.id)
    }

    @Test func `no secret is in anything that was stored or kept`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilEnded()
        }
        var stored = try await installation.base.log(from: 0, limit: 1000).map(\.entry.bytes)
        stored += try await installation.runs.map { try $0.run().value.jsonBytes }
        stored += try installation.blobs.digests().map { try installation.blobs.get($0) }
        #expect(stored.count > 20)
        for bytes in stored {
            let text = String(decoding: bytes, as: UTF8.self)
            for secret in ["leaked-token", "client-secret", "the source's own", "kept by nobody"] {
                #expect(!text.contains(secret))
            }
        }
    }

    // MARK: Intake

    @Test func `a delivery that comes again is answered with the first and opens nothing`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        let receipts = try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            let first = await installation.post(engine)
            try await installation.waitUntilEnded()
            return [first, await installation.post(engine)]
        }
        guard case .stored(let alert) = receipts[0] else {
            Issue.record("the first must be stored")
            return
        }
        #expect(receipts[1] == .duplicate(of: alert))
        #expect(try await installation.runs.count == 1)
        #expect(transport.requests.count == 4)
        #expect(engine.counts.alertsRepeated == 1)
    }

    @Test func `what is not signed leaves no trace but its count, which its source's history tells`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            var delivery = installation.delivery(Array("{}".utf8), "d-1")
            delivery.headers["x-hub-signature-256"] = "sha256=00"
            #expect(await engine.receive(source: "github-main", delivery) == .rejected(.signatureWrong))
            #expect(await engine.receive(source: "nobody", delivery) == .rejected(.sourceUnknown))
        }
        #expect(
            engine.counts.alertsRejected == [
                Counts.Rejected(source: "github-main", reason: .signatureWrong): 1,
                Counts.Rejected(source: nil, reason: .sourceUnknown): 1,
            ])
        #expect(try await installation.base.vitals().entries == 1)
        let line = try #require(try await installation.base.history("source:github-main", from: 1, limit: 9).first)
        #expect(line.entry.kind == "deliveriesRejected")
    }

    @Test func `a signed alert of unknown shape is kept for a person, and a handshake is read`() async throws {
        let installation = try Installation()
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            for (id, event) in [("d-1", "push"), ("d-2", "ping")] {
                let delivery = installation.delivery(Array("{}".utf8), id, event: event)
                _ = await engine.receive(source: "github-main", delivery)
            }
            try await installation.wait {
                try await installation.base.alerts(AlertQuery()).allSatisfy { $0.state != .received }
            }
        }
        let states = try await installation.base.alerts(AlertQuery()).map { ($0.deliveryID, $0.state) }
        #expect(Dictionary(uniqueKeysWithValues: states) == ["d-1": .quarantined, "d-2": .read])
        #expect(engine.counts.alertsQuarantined == 1)
        #expect(try await installation.runs.isEmpty)
    }

    // MARK: Persons

    @Test func `a subject that nobody knows opens a run that can only be cancelled`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine, repository: "octo-org/unknown")
            try await installation.waitUntilResting(engine, wake: "person")
            let id = try await installation.run.id
            guard case .refused = await engine.control(id, .resume(step: nil, isForced: false, by: "ann", reason: "go"))
            else {
                Issue.record("there is nothing certain to act on")
                return
            }
            guard case .done(let run) = await engine.control(id, .cancel(undo: false, by: "ann", reason: "not ours"))
            else {
                Issue.record("it can be cancelled")
                return
            }
            #expect(run.phase == .ended(.cancelled))
        }
        #expect(transport.requests.isEmpty)
    }

    @Test func `a proposed run does nothing until a person lets it`() async throws {
        let installation = try Installation(mode: .propose)
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "person")
            #expect(transport.requests.isEmpty)
            _ = await engine.control(
                try await installation.run.id, .resume(step: nil, isForced: false, by: "ann", reason: "looks right"))
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(transport.requests.count == 4)
        guard case .noSuchRun = await engine.control(RunID(stem: "00"), .cancel(undo: false, by: "ann", reason: "none"))
        else {
            Issue.record("there is no such run")
            return
        }
    }

    @Test func `a run that is cancelled while its call is under way ends when the answer is stored`() async throws {
        let installation = try Installation()
        let (left, mayAnswer) = (Gate(), Gate())
        let transport = ScriptedTransport(installation) { _, _ in
            left.open()
            await mayAnswer.passed()
            return nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            await left.passed()
            _ = await engine.control(try await installation.run.id, .cancel(undo: false, by: "ann", reason: "stop"))
            #expect(try await installation.run.isLive)
            mayAnswer.open()
            try await installation.waitUntilEnded()
        }
        let run = try await installation.run
        #expect(run.phase == .ended(.cancelled))
        #expect(run.step("proof")?.phase == .finished)
        #expect(transport.requests.count == 1)
        #expect(installation.server.isActive)
    }
}
