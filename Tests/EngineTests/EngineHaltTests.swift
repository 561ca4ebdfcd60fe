// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonStore
import StoreKit
import Testing

/// Halts: in force at once, kept in the history, lifted by a person.
@Suite(.timeLimit(.minutes(20)))
struct EngineHaltTests {
    @Test func `a halted run changes nothing, waits for the halt's end, and goes on then`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            #expect(try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a flood"))
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "halt")
            #expect(!transport.requests.contains { $0.url.hasSuffix("/revoke") })
            #expect(try await installation.run.step("revoke")?.note == "halted: everything")
            #expect(try await engine.setHalt(.everything, isSet: false, by: "ann", reason: "over"))
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(transport.requests.count { $0.url.hasSuffix("/revoke") } == 1)
    }

    @Test func `a halt stands after a new start, and setting it twice is told`() async throws {
        let installation = try Installation()
        let first = installation.engine(ScriptedTransport(installation))
        #expect(try await first.setHalt(.provider("login"), isSet: true, by: "ann", reason: "theirs"))
        #expect(try await first.setHalt(.provider("login"), isSet: true, by: "ben", reason: "again") == false)
        let transport = ScriptedTransport(installation)
        let second = installation.engine(transport)
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            await installation.post(second)
            try await installation.wait { second.standingHalts.map(\.by) == ["ann"] }
            // Another writer of the same history: what it did is read before the next number is taken.
            #expect(try await first.setHalt(.everything, isSet: true, by: "ben", reason: "more"))
            #expect(try await second.setHalt(.playbook("x"), isSet: true, by: "ann", reason: "x"))
        }
        #expect(second.standingHalts.map(\.scope.text) == ["everything", "playbook x", "provider login"])
        let lines = try await installation.base.history("halts", from: 1, limit: 9)
        #expect(lines.map(\.entry.kind) == ["haltSet", "haltSet", "haltSet"])
    }

    @Test(arguments: [FaultyStore.Fault.notStored, .storedAllTheSame])
    func `a halt whose write failed is not in force unless it was stored`(_ fault: FaultyStore.Fault) async throws {
        let installation = try Installation()
        let store = FaultyStore(installation.base, write: 1, fault, code: .busy)
        let engine = installation.engine(ScriptedTransport(installation), over: store)
        await #expect(throws: StoreError(.busy, "")) {
            try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a flood")
        }
        #expect(engine.standingHalts.isEmpty)
        let isNew = try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a flood")
        #expect(isNew == (fault == .notStored))
        #expect(engine.standingHalts.count == 1)
    }
}
