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
            let isAtRest = installation.clock.sleepers == 3 && !runs.contains { $0.wake == "call" }
            if isAtRest, engine.busyRuns.withLock({ $0.isEmpty }) { installation.clock.advance(milliseconds: 500) }
            return false
        }
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
                try await wakes(installation) == Array(repeating: "timer", count: Limits.breakerFailures)
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
                try await wakes(installation) == Array(repeating: "timer", count: Limits.breakerFailures + 1)
            }
            #expect(sound.requests.isEmpty, "a restart is no way around")
            try await letEnd(next, installation)
        }
        #expect(try await installation.runs.allSatisfy { try $0.run().phase == .ended(.completed) })
    }
}
