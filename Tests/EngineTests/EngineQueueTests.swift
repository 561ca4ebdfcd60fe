// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonStore
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// One run at a time has a subject in hand: later signals join it or wait in line.
@Suite(.timeLimit(.minutes(20)))
struct EngineQueueTests {
    /// A transport whose first request waits for the valve.
    private func heldBack(_ installation: Installation) -> (ScriptedTransport, Valve) {
        let valve = Valve()
        let transport = ScriptedTransport(installation) { _, number in
            if number == 1 { await valve.wait() }
            return nil
        }
        return (transport, valve)
    }

    /// The first alert, as far as its run's first request.
    private func postHeldBack(
        _ installation: Installation, _ engine: Engine, _ transport: ScriptedTransport
    ) async throws {
        try await installation.waitUntilStarted()
        await installation.post(engine)
        try await installation.wait { transport.requests.count == 1 }
    }

    private func wakes(_ installation: Installation) async throws -> [String?] {
        try await installation.runs.map(\.wake).sorted { $0 ?? "" < $1 ?? "" }
    }

    @Test func `runs of a playbook that takes nothing away go side by side, and keep nobody waiting`() async throws {
        let installation = try Installation(perSubject: .many)
        let (transport, valve) = heldBack(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await self.postHeldBack(installation, engine, transport)
            await installation.post(engine, delivery: "d-2")
            try await installation.waitUntilEnded(1)
            #expect(try await self.wakes(installation) == [nil, "call"])
            valve.open()
            try await installation.waitUntilEnded(2)
        }
        #expect(try await installation.runs.allSatisfy { try $0.run().isShared })
    }

    @Test func `a second run of a subject waits in line and begins when the first has ended`() async throws {
        let installation = try Installation()
        let (transport, valve) = heldBack(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await self.postHeldBack(installation, engine, transport)
            await installation.post(engine, delivery: "d-2")
            await installation.post(engine, delivery: "d-3")
            try await installation.wait { try await self.wakes(installation) == ["call", "queue", "queue"] }
            #expect(transport.requests.count == 1)
            valve.open()
            try await installation.waitUntilEnded(3)
        }
        #expect(transport.requests.count == 12)
        let runs = try await installation.runs.map { try $0.run() }
        #expect(runs.allSatisfy { $0.phase == .ended(.completed) })
        // Never two of them at a time: each ended before the next began.
        var inHand: String?
        for entry in try await installation.base.log(from: 0, limit: 1000).map(\.entry) {
            if entry.kind == "stepStarted" {
                #expect(inHand == nil || inHand == entry.stream)
                inHand = entry.stream
            }
            if entry.kind == "runEnded" { inHand = nil }
        }
        #expect(transport.paths.filter { $0 == "revoke" }.count == 3)
    }

    @Test func `a line that an ended process left moves on`() async throws {
        let installation = try Installation()
        let hanging = ScriptedTransport(installation) { _, number in number == 1 ? await noAnswer() : nil }
        let first = installation.engine(hanging)
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.wait { hanging.requests.count == 1 }
            await installation.post(first, delivery: "d-2")
            try await installation.wait { try await self.wakes(installation) == ["call", "queue"] }
        }
        let second = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(second) { try await installation.waitUntilEnded(2) }
    }

    @Test func `two signals that are read at the same time don't both begin`() async throws {
        let installation = try Installation()
        let valve = Valve()
        let transport = ScriptedTransport(installation) { _, _ in
            await valve.wait()
            return nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await withTaskGroup { group in
                for number in 1...8 { group.addTask { await installation.post(engine, delivery: "d-\(number)") } }
            }
            try await installation.wait { try await installation.runs.count == 8 }
            #expect(try await installation.runs.count { $0.wake == "call" } == 1)
            valve.open()
            try await installation.waitUntilEnded(8)
        }
    }

    @Test func `a later signal of a group joins the live run, once`() async throws {
        let installation = try Installation(group: 60_000)
        let (transport, valve) = heldBack(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await self.postHeldBack(installation, engine, transport)
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await installation.run.joined.count == 1 }
            valve.open()
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.runs.count == 1)
        #expect(transport.requests.count == 4)
        let decisions = try await installation.base.decisions(DecisionQuery())
        #expect(decisions.count == 2)
        #expect(decisions.count { String(decoding: $0.body, as: UTF8.self).contains("\"joins\"") } == 1)
    }

    @Test func `a signal after the group's window opens a run of its own`() async throws {
        let installation = try Installation(group: 60_000)
        let hanging = ScriptedTransport(installation) { _, number in number == 1 ? await noAnswer() : nil }
        let engine = installation.engine(hanging)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { hanging.requests.count == 1 }
            installation.clock.advance(milliseconds: 60_001)
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await installation.runs.count == 2 }
        }
    }

    @Test func `runs of one subject that a halt keeps waiting go on one after the other`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            _ = try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a flood")
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "halt")
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await self.wakes(installation) == ["halt", "queue"] }
            _ = try await engine.setHalt(.everything, isSet: false, by: "ann", reason: "over")
            try await installation.waitUntilEnded(2)
        }
        let ends = try await installation.base.log(from: 0, limit: 1000).map(\.entry)
            .filter { ["callIntended", "runEnded"].contains($0.kind) }.map(\.stream)
        // Each did all that it does before the other did anything but read.
        #expect(ends.firstIndex(of: ends.last ?? "").map { $0 > 1 } == true)
        #expect(transport.paths.filter { $0 == "revoke" }.count == 2)
    }

    @Test func `a halted playbook keeps no run of another waiting`() async throws {
        let installation = try Installation(playbooks: 2)
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            _ = try await engine.setHalt(.playbook("secret-leaked"), isSet: true, by: "ann", reason: "it is wrong")
            await installation.post(engine)
            try await installation.wait { try await self.wakes(installation) == [nil, "halt"] }
        }
    }

    @Test func `a signal joins no run that is taken back`() async throws {
        let installation = try Installation(group: 3_600_000)
        let (transport, valve) = heldBack(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await self.postHeldBack(installation, engine, transport)
            let run = try await installation.run.id
            _ = await engine.control(run, .cancel(undo: true, by: "ann", reason: "false alarm"))
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await installation.runs.count == 2 }
            valve.open()
            try await installation.waitUntilEnded(2)
        }
        #expect(try await installation.runs.allSatisfy { try $0.run().joined.isEmpty })
    }
}
