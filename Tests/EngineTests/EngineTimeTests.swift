// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// What the engine does when its time comes: waiting, finding what was lost, keeping evidence.
@Suite(.timeLimit(.minutes(20))) struct EngineTimeTests {
    @Test func `a provider that asks to wait is left alone as long, and then asked again`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation) { _, number in
            number == 1 ? .answered(429, headers: ["retry-after": "30"]) : nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "timer")
            let due = try #require(try await installation.run.dueAt)
            #expect(due == Installation.start.adding(milliseconds: 30_000))
            #expect(transport.requests.count == 1)
            installation.clock.advance(to: due)
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(transport.requests.count == 5)
        #expect(try await installation.run.openedAt == Installation.start)
    }

    @Test func `a timer fires in an engine that was started after it was set`() async throws {
        let installation = try Installation()
        let busy = ScriptedTransport(installation) { _, _ in .answered(503) }
        let first = installation.engine(busy)
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.waitUntilResting(first, wake: "timer")
        }
        installation.clock.advance(milliseconds: 60_000)
        let second = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 100)
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(busy.requests.count == 1)
    }

    @Test func `an effect that isn't seen yet is asked for again until it is`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation) { _, number in
            (4...6).contains(number) ? .answered(200, #"{"active":true}"#) : nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            for requests in 4...6 {
                try await installation.wait { transport.requests.count == requests }
                try await installation.waitUntilResting(engine, wake: "timer")
                installation.clock.advance(to: try #require(try await installation.run.dueAt))
            }
            try await installation.waitUntilEnded()
        }
        #expect(transport.paths == ["introspect", "introspect", "revoke"] + Array(repeating: "introspect", count: 4))
        #expect(try await installation.run.step("revoke")?.isVerified == true)
    }

    // MARK: What was lost

    @Test func `a call whose process ended before its answer was stored is made again under the same key`()
        async throws
    {
        let installation = try Installation()
        let hanging = ScriptedTransport(installation) { request, _ in
            request.url.hasSuffix("/revoke") ? await noAnswer() : nil
        }
        let first = installation.engine(hanging)
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.wait { hanging.paths.last == "revoke" }
        }
        #expect(try await installation.run.wake == .call)
        let transport = ScriptedTransport(installation)
        let second = installation.engine(transport)
        try await installation.whileRunning(second) { try await installation.waitUntilEnded() }
        let keys = [hanging, transport].map { transport in
            transport.requests.filter { $0.url.hasSuffix("/revoke") }.flatMap(\.headers)
                .filter { $0.name == "idempotency-key" }.map(\.value)
        }
        #expect(keys[0].count == 1)
        #expect(keys[0] == keys[1])
        #expect(try await installation.kinds.filter { $0 == "callRedelivered" }.count == 1)
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(second.counts.callsRedelivered == 1)
    }

    @Test func `a call that no task has in hand is found by the sweep while the engine runs`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        // The commit that opens the run is stored, and its writer is told that it was not.
        let store = FaultyStore(installation.base, write: 3, .storedAllTheSame, code: .busy)
        let engine = installation.engine(transport, over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "call")
            #expect(transport.requests.isEmpty)
            installation.clock.advance(milliseconds: 15_000)
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
        #expect(try await installation.kinds.filter { $0 == "callRedelivered" }.count == 1)
    }

    @Test func `a call that is under way is not taken for a lost one, however often is swept`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation) { _, number in number == 1 ? await noAnswer() : nil }
        let store = FaultyStore(installation.base)
        let engine = installation.engine(transport, over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { transport.requests.count == 1 }
            for sweep in 1...3 {
                installation.clock.advance(milliseconds: 15_000)
                try await installation.wait { store.sweeps == sweep }
                // What the sweep handed over goes before this alert.
                await installation.post(engine, delivery: "d-\(sweep + 1)", repository: "octo-org/unknown")
                try await installation.wait { try await installation.runs.count == sweep + 1 }
            }
        }
        #expect(transport.requests.count == 1)
        #expect(engine.counts.callsRedelivered == 0)
    }

    // MARK: Evidence

    @Test func `evidence that can't be kept makes the reading count for nothing until it can`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        installation.letEvidence(fail: .create)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "timer")
            #expect(transport.paths == ["introspect"])
            let run = try await installation.run
            #expect(run.step("proof")?.evidence == [])
            #expect(run.step("proof")?.hasActed == false)
            #expect(try installation.blobs.digests() == [])
            installation.letEvidence(fail: nil)
            installation.clock.advance(to: try #require(run.dueAt))
            try await installation.waitUntilEnded()
        }
        let outcomes = try await installation.events(installation.run.id).compactMap { event -> Outcome? in
            if case .callReturned(_, _, let outcome) = event { outcome } else { nil }
        }
        #expect(outcomes.map(\.kind) == [.later, .done, .done, .done, .done])
        #expect(outcomes[0].reason?.hasPrefix("its evidence could not be kept: ") == true)
        #expect(outcomes[0].result == .null && outcomes[0].evidence == [])
        #expect(try await installation.run.step("proof")?.evidence.count == 1)
    }

    @Test func `while evidence can't be kept nothing is changed at the provider, and in the end a person is asked`()
        async throws
    {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        installation.letEvidence(fail: .create)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            for requests in 1..<Limits.attemptsDefault {
                try await installation.wait { transport.requests.count == requests }
                try await installation.waitUntilResting(engine, wake: "timer")
                installation.clock.advance(to: try #require(try await installation.run.dueAt))
            }
            try await installation.waitUntilResting(engine, wake: "person")
        }
        #expect(transport.paths == Array(repeating: "introspect", count: Limits.attemptsDefault))
        #expect(installation.server.isActive)
    }
}
