// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// The store fails at each write of a run's life, before and after it has stored: the process ends, and the next one
/// makes of what is there the one run that the alert asks for.
@Suite(.timeLimit(.minutes(20))) struct EngineFaultTests {
    /// The workflow's publication, the alert, its reading, and the four outcomes.
    private static let writes = 1...7

    @Test func `a run's life is seven writes`() async throws {
        let installation = try Installation()
        let store = FaultyStore(installation.base)
        let engine = installation.engine(ScriptedTransport(installation), over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilEnded()
        }
        #expect(store.writes == Self.writes.upperBound)
    }

    @Test(arguments: writes, FaultyStore.Fault.allCases)
    func `a write that fails ends the engine, and the next start finishes one run`(
        _ write: Int, _ fault: FaultyStore.Fault
    ) async throws {
        let installation = try Installation()
        let broken = ScriptedTransport(installation)
        let first = installation.engine(broken, over: FaultyStore(installation.base, write: write, fault))
        let error = await #expect(throws: (any Error).self) {
            try await installation.whileRunning(first) {
                try await installation.waitUntilStarted()
                await installation.post(first)
                try await installation.wait { false }
            }
        }
        #expect(error is EngineError || (error as? StoreError)?.code == .unavailable)
        try await installation.check()

        let transport = ScriptedTransport(installation)
        let second = installation.engine(transport)
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            // The source never heard of a 202 when the alert's own write failed, so it sends again; it may always.
            await installation.post(second)
            try await installation.waitUntilEnded()
        }
        try await expectOneRun(installation, broken, transport)
        let isLost = fault == .notStored ? (4...7).contains(write) : (3...6).contains(write)
        #expect(try await installation.kinds.filter { $0 == "callRedelivered" }.count == (isLost ? 1 : 0))
        #expect(broken.requests.count + transport.requests.count == (fault == .notStored && isLost ? 5 : 4))
    }

    private func expectOneRun(
        _ installation: Installation, _ broken: ScriptedTransport, _ transport: ScriptedTransport
    ) async throws {
        let run = try await installation.run
        #expect(run.phase == .ended(.completed))
        #expect(try await installation.base.vitals().alerts == 1)
        #expect(!installation.server.isActive)
        let intents = try await installation.events(run.id).compactMap { event -> String? in
            if case .callIntended(let step, let call) = event { "\(step)#\(call.number)" } else { nil }
        }
        #expect(intents == ["proof#1", "revoke#1", "revoke#2", "revoke#3"])
    }

    @Test func `an alert whose write failed is answered as unavailable`() async throws {
        let installation = try Installation()
        let store = FaultyStore(installation.base, write: 1, code: .full)
        let engine = installation.engine(ScriptedTransport(installation), over: store)
        let first = await installation.post(engine)
        #expect(first == .unavailable(reason: "failed before it was stored", retryAfterSeconds: 30))
        guard case .stored = await installation.post(engine) else {
            Issue.record("the second try must be stored")
            return
        }
        #expect(engine.counts.alertsUnavailable == 1)
        #expect(engine.counts.alertsStored == 1)
    }

    @Test(arguments: [StoreError.Code.full, .readOnly, .busy], [4, 5, 6, 7])
    func `an outcome that finds no room is kept and stored when there is some, without a second call`(
        _ code: StoreError.Code, _ write: Int
    ) async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let store = FaultyStore(installation.base, write: write, code: code)
        let engine = installation.engine(transport, over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { store.writes == write }
            // Only the write that failed waits for the clock now.
            try await installation.wait {
                installation.clock.advance(milliseconds: 1)
                return store.writes > write
            }
            try await installation.waitUntilEnded()
        }
        #expect(transport.requests.count == 4)
        #expect(try await installation.kinds.contains("callRedelivered") == false)
    }

    @Test func `a reading that finds no room comes with the next sweep`() async throws {
        let installation = try Installation()
        let transport = ScriptedTransport(installation)
        let store = FaultyStore(installation.base, write: 3, code: .full)
        let engine = installation.engine(transport, over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { store.writes == 3 }
            #expect(try await installation.runs.isEmpty)
            try await installation.wait { engine.busyAlerts.withLock { $0.isEmpty } }
            installation.clock.advance(milliseconds: 15_000)
            try await installation.waitUntilEnded()
        }
        #expect(try await installation.run.phase == .ended(.completed))
    }

    // MARK: Runs that can't be read

    /// Proposed runs, and the store that has lost a line of the first of them.
    private func broken(_ count: Int, _ perSubject: Playbook.PerSubject) async throws -> (
        installation: Installation, store: FaultyStore, ids: [RunID]
    ) {
        let installation = try Installation(mode: .propose, perSubject: perSubject)
        let first = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            for number in 1...count { await installation.post(first, delivery: "d-\(number)") }
            try await installation.wait { try await installation.runs.count == count }
        }
        let ids = try await installation.runs.map(\.id)
        let store = FaultyStore(installation.base)
        store.loseLastLine(of: ids[0])
        return (installation, store, ids)
    }

    @Test func `a run that can't be read stops no other, at the start and after it`() async throws {
        let (installation, store, ids) = try await broken(3, .many)
        let engine = installation.engine(ScriptedTransport(installation), over: store)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            #expect(engine.unreadableRuns == 1)
            for id in ids {
                let answer = await engine.control(
                    id, .resume(step: nil, isForced: false, by: "ann", reason: "go on"))
                guard id == ids[0] else { continue }
                guard case .refused(let refusal) = answer else {
                    Issue.record("what can't be read can't be changed: \(answer)")
                    return
                }
                #expect(refusal.reason.contains("can't be read: \(id)"))
            }
            try await installation.waitUntilEnded(2)
        }
        #expect(try await installation.base.runs(RunQuery()).first { $0.id == ids[0] }?.phase == "asked")
    }

    @Test func `a run that can't be read has its subject in hand: a later one waits, and begins when a person says so`()
        async throws
    {
        let (installation, store, ids) = try await broken(2, .one)
        let engine = installation.engine(ScriptedTransport(installation), over: store)
        let go = RunInput.resume(step: nil, isForced: false, by: "ann", reason: "go on")
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            guard case .done(let queued) = await engine.control(ids[1], go) else {
                Issue.record("the other must be answered")
                return
            }
            #expect(queued.isQueued)
            #expect(queued.gate?.reason.hasPrefix("\(ids[0]) can't be read and may have credential:") == true)
            _ = await engine.control(ids[1], go)
            try await installation.waitUntilEnded()
        }
    }

    // MARK: Starts that are refused

    @Test func `live runs that can't go on under this configuration refuse the start with a list`() async throws {
        let installation = try Installation(mode: .propose)
        let first = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            for number in 1...21 { await installation.post(first, delivery: "d-\(number)") }
            try await installation.wait { try await installation.runs.count == 21 }
        }
        let before = try await installation.base.vitals().entries
        let transport = ScriptedTransport(installation)
        let second = installation.engine(transport, providers: false)
        let error = await #expect(throws: EngineError(.runsStranded, "")) { try await second.run() }
        let lines = try #require(error?.reason.split(separator: "\n"))
        #expect(lines.count == 21)
        #expect(lines[0].hasPrefix("21 live runs can't go on under this configuration"))
        let ids = try await installation.runs.map(\.id.text)
        for line in lines.dropFirst() {
            #expect(ids.contains { line == "  \($0): provider 'auth' does not offer evidence.capture" })
        }
        #expect(transport.requests.isEmpty)
        #expect(try await installation.base.vitals().entries == before)
    }

    @Test func `a live run whose workflow is not in the store refuses the start by name`() async throws {
        let installation = try Installation(mode: .propose, publishes: false)
        let first = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.wait { try await installation.runs.count == 1 }
        }
        let error = await #expect(throws: EngineError(.runsStranded, "")) {
            try await installation.engine(ScriptedTransport(installation)).run()
        }
        let run = try await installation.run
        let line = "\(run.id): the workflow token-revocation (\(run.workflow.digest)) is not in the store"
        #expect(error?.reason.contains(line) == true)
    }

    @Test func `a run that has ended strands nobody`() async throws {
        let installation = try Installation()
        let first = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.waitUntilEnded()
        }
        let second = installation.engine(ScriptedTransport(installation), providers: false)
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            await installation.post(second, delivery: "d-2", repository: "octo-org/unknown")
            try await installation.wait { try await installation.runs.count == 2 }
        }
    }
}
