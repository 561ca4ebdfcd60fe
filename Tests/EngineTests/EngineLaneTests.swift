// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonStore
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import CordonEngine

/// What a provider's lane holds and knows, when the process ends and when the next one starts.
@Suite(.timeLimit(.minutes(20)))
struct EngineLaneTests {
    @Test func `a task goes on with the one call that may leave at once, and with none that comes later`() {
        let baton = Baton()
        #expect(baton.take(.dequeue("first")))
        #expect(!baton.take(.dequeue("second")))
        baton.close()
        guard case .dequeue("first")? = baton.work else {
            Issue.record("held was \(String(describing: baton.work))")
            return
        }
        let late = Baton()
        late.close()
        #expect(!late.take(.dequeue("late")))
        #expect(late.work == nil)
    }

    @Test func `a shutdown gives back the calls in line as not sent, and the next start sends each once`() async throws
    {
        let installation = try Installation(perSubject: .many, bounds: Lane.Bounds(concurrentMax: 1))
        let valve = Valve()
        let first = ScriptedTransport(installation) { _, _ in
            await valve.wait()
            return nil
        }
        let engine = installation.engine(first)
        let group = ServiceGroup(
            services: [engine], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        async let running: Void = group.run()
        try await installation.waitUntilStarted()
        for delivery in ["d-1", "d-2", "d-3"] { await installation.post(engine, delivery: delivery) }
        try await installation.wait { try await wakes(installation) == ["call", "call", "call"] }
        try await installation.wait { first.requests.count == 1 }

        await group.triggerGracefulShutdown()
        try await installation.wait { try await wakes(installation) == ["call", "timer", "timer"] }
        valve.open()
        // The one that was under way may end, with all that its run still does; nothing else leaves. The clock stands
        // still meanwhile, so that no patience runs out.
        try await installation.wait { try await wakes(installation) == [nil, "timer", "timer"] }
        // It looks at the clock to see whether there is something left to wait for.
        let time = Task {
            while !Task.isCancelled { installation.clock.advance(milliseconds: 100); await Task.yield() }
        }
        try await running
        time.cancel()
        #expect(first.requests.count == 4)
        try await installation.check()

        let second = ScriptedTransport(installation)
        let next = installation.engine(second)
        try await installation.whileRunning(next) {
            try await installation.waitUntilStarted()
            try await letEnd(next, installation)
        }
        for run in try await installation.runs {
            let events = try await installation.events(run.id)
            #expect(!events.contains { $0.kind == "callRedelivered" }, "no outcome was lost, so nothing was doubted")
            #expect(try run.run().phase == .ended(.completed))
        }
    }

    /// Lets time go by, as far as the next look at the clock, whenever nothing else moves.
    private func letEnd(_ engine: Engine, _ installation: Installation) async throws {
        try await installation.wait {
            let runs = try await installation.runs
            if runs.allSatisfy({ $0.phase == "ended" }) { return true }
            if installation.clock.sleepers == 3, try await installation.isAtRest(engine) {
                installation.clock.advance(milliseconds: 500)
            }
            return false
        }
    }

    @Test func `a long line ends no call: all runs complete, and each call leaves once`() async throws {
        let installation = try Installation(
            perSubject: .many, bounds: Lane.Bounds(concurrentMax: 4, perSecondMax: 3))
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        let count = 20
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            for number in 1...count { await installation.post(engine, delivery: "d-\(number)") }
            try await installation.wait { try await installation.runs.count == count }
            try await letEnd(engine, installation)
        }
        #expect(try await installation.runs.allSatisfy { try $0.run().phase == .ended(.completed) })
        var intents = 0
        for run in try await installation.runs {
            let kinds = try await installation.events(run.id).map(\.kind)
            intents += kinds.count { $0 == "callIntended" }
            #expect(!kinds.contains("retryScheduled"))
        }
        #expect(transport.requests.count == intents)
        #expect(installation.clock.now.since(Installation.start) >= Int64(intents / 3 - 1) * 1000)
    }

    private func wakes(_ installation: Installation) async throws -> [String?] {
        try await installation.runs.map(\.wake).sorted { $0 ?? "" < $1 ?? "" }
    }

    @Test func `a provider that is left alone is left alone by the next process as well, and tried with one call`()
        async throws
    {
        let installation = try Installation(perSubject: .many)
        let failing = ScriptedTransport(installation) { _, _ in .answered(500) }
        let engine = installation.engine(failing)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            for number in 1...Limits.breakerFailures { await installation.post(engine, delivery: "d-\(number)") }
            try await installation.wait {
                let count = try await installation.runs.count
                let isAtRest = try await installation.isAtRest(engine)
                return count == Limits.breakerFailures && isAtRest
            }
        }
        // A reading that failed is sent again at once, and so may have gone before the fifth failure came.
        #expect((Limits.breakerFailures...2 * Limits.breakerFailures).contains(failing.requests.count))

        let sound = ScriptedTransport(installation)
        let next = installation.engine(sound)
        try await installation.whileRunning(next) {
            try await installation.waitUntilStarted()
            await installation.post(next, delivery: "d-last")
            try await installation.wait {
                let count = try await installation.runs.count
                let isAtRest = try await installation.isAtRest(next)
                return count == Limits.breakerFailures + 1 && isAtRest
            }
            #expect(try await installation.inLine(next) > 0)
            #expect(sound.requests.isEmpty, "a restart is no way around")
            try await letEnd(next, installation)
        }
        #expect(try await installation.runs.allSatisfy { try $0.run().phase == .ended(.completed) })
    }
}

extension Installation {
    /// How many calls stand in some line of this engine.
    func inLine(_ engine: Engine) async throws -> Int {
        try await runs.reduce(0) { sum, stored in sum + (try stored.run()).callsInLine(engine) }
    }

    /// Nothing moves before time goes by: every open call stands in line, and no task has another run in hand.
    func isAtRest(_ engine: Engine) async throws -> Bool {
        try await runs.allSatisfy { stored in
            guard stored.phase != "ended" else { return true }
            let run = try stored.run()
            let open = run.steps.count { if case .calling = $0.phase { true } else { false } }
            return open == 0 ? !engine.isInHand(run.id) : run.callsInLine(engine) == open
        }
    }
}

extension Run {
    fileprivate func callsInLine(_ engine: Engine) -> Int {
        commands.count { command in
            guard case .perform(let step, let call) = command else { return false }
            return engine.lanes.place(of: errand(step, call).name, at: engine.clock.now) != nil
        }
    }
}
