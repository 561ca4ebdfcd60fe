// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import Testing

@testable import CordonEngine

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

    /// Three runs have read what they would change, and the rate keeps their writes in line.
    private func writesInLine(
        _ body: @Sendable @escaping (Installation, Engine, ScriptedTransport) async throws -> Void
    ) async throws {
        let installation = try Installation(perSubject: .many, bounds: Lane.Bounds(perSecondMax: 3))
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            for delivery in ["d-1", "d-2", "d-3"] { await installation.post(engine, delivery: delivery) }
            try await installation.wait { try await installation.runs.count == 3 }
            try await installation.wait {
                // Whether all are there is looked at while nothing moves.
                guard installation.clock.sleepers == 3, try await installation.isAtRest(engine) else { return false }
                if try await installation.runs.allSatisfy({ try $0.run().step("revoke")?.before != nil }) {
                    return true
                }
                installation.clock.advance(milliseconds: 500)
                return false
            }
            try await body(installation, engine, transport)
        }
    }

    private static func letTimePass(_ installation: Installation) {
        if installation.clock.sleepers == 3 { installation.clock.advance(milliseconds: 500) }
    }

    @Test func `a write in line does not leave once the halt is answered, and leaves after it is lifted`() async throws
    {
        try await writesInLine { installation, engine, transport in
            #expect(try await engine.setHalt(.everything, isSet: true, by: "ann", reason: "a flood"))
            try await installation.wait {
                Self.letTimePass(installation)
                return try await installation.runs.allSatisfy { $0.wake == "halt" }
            }
            #expect(!transport.requests.contains { $0.url.hasSuffix("/revoke") })
            #expect(try await engine.setHalt(.everything, isSet: false, by: "ann", reason: "over"))
            try await installation.wait {
                Self.letTimePass(installation)
                return try await installation.runs.allSatisfy { $0.phase == "ended" }
            }
            #expect(transport.requests.count { $0.url.hasSuffix("/revoke") } == 3)
        }
    }

    @Test func `a run that is cancelled or paused takes its write out of the line at once`() async throws {
        try await writesInLine { installation, engine, transport in
            let runs = try await installation.runs.map(\.id)
            _ = await engine.control(runs[0], .cancel(undo: false, by: "ann", reason: "no need"))
            _ = await engine.control(runs[1], .pause(by: "ann", reason: "wait"))
            // No time goes by.
            try await installation.wait {
                let now = try await installation.runs
                let wakes = runs.map { id in now.first { $0.id == id }?.wake }
                return wakes == [nil, "timer", "call"]
            }
            #expect(try await installation.base.runs(RunQuery()).first { $0.id == runs[0] }?.phase == "ended")
            #expect(!transport.requests.contains { $0.url.hasSuffix("/revoke") })
            try await installation.wait {
                Self.letTimePass(installation)
                return try await installation.runs.first { $0.id == runs[2] }?.phase == "ended"
            }
            #expect(transport.requests.count { $0.url.hasSuffix("/revoke") } == 1)
        }
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
