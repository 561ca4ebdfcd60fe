// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging
import ServiceLifecycle
import Synchronization

extension Engine {
    private static var tickMilliseconds: Int64 { 100 }
    private static var sweepMilliseconds: Int64 { 15_000 }
    private static var drainMilliseconds: Int64 { 10_000 }
    private static var pageRows: Int { 500 }

    /// Fires timers when they are due, and at shutdown waits for the calls under way.
    func keepTime() async {
        var drainUntil: Instant?
        while !Task.isCancelled {
            let now = clock.now
            lanes.tick(at: now)
            if isDraining {
                let until = drainUntil ?? now.adding(milliseconds: Engine.drainMilliseconds)
                drainUntil = until
                if busyRuns.withLock({ $0.isEmpty }) || until <= now { return workInlet.finish() }
            } else {
                for run in timekeeper.takeDue(at: now) { hand(.advance(run, .timerFired)) }
                for session in sessionDesk.takeDue(at: now) { hand(.boundary(session)) }
            }
            await clock.sleep(until: now.adding(milliseconds: Engine.tickMilliseconds))
        }
        workInlet.finish()
    }

    var isDraining: Bool { draining.load(ordering: .acquiring) }

    /// Looks for what waits and is in nobody's hand. At the first time that is all that an ended process left.
    func keepSweeping() async {
        var isFirst = true
        while !Task.isCancelled, !isDraining {
            do throws(StoreError) {
                try await sweepSessions()
                sessionFeed.tick()
                try await sweepReceivers()
                try await sweepAlerts()
                try await sweepRuns(all: isFirst)
                try await tellRejections()
                isFirst = false
                await endSurges()
                moving.keepOnly(isInHand)
            } catch {
                if error.code == .unavailable { return fail(error) }
                logger.error("a sweep failed; it comes again", metadata: ["error": "\(error)"])
            }
            await clock.sleep(until: clock.now.adding(milliseconds: Engine.sweepMilliseconds))
        }
    }

    private func sweepAlerts() async throws(StoreError) {
        var query = AlertQuery()
        query.state = .received
        query.oldestFirst = true
        query.limit = Engine.pageRows
        while true {
            let page = try await store.alerts(query)
            for alert in page { hand(.read(alert, isNew: false)) }
            guard page.count == query.limit else { return }
            query.beyond = page.last?.id
        }
    }

    /// Every live run goes on by what is stored of it: an open call that no task has in hand is lost, so its outcome is
    /// unknown; a timer is noted or fires. Whoever waits for a timer or a person is not read: its row says so.
    private func sweepRuns(all: Bool) async throws(StoreError) {
        var query = RunQuery()
        query.onlyLive = true
        query.wake = "call"
        query.oldestFirst = true
        query.limit = Engine.pageRows
        var page = try await store.runs(query)
        while true {
            query.beyond = page.last?.id
            let hasMore = page.count == query.limit
            // The next page is read while this one goes on: what many commits share is one sync.
            let found = page
            async let picked: Void = pickUp(found)
            if hasMore { page = try await store.runs(query) }
            await picked
            guard hasMore else { break }
        }
        if all { try await noteAllTimers() } else { try await noteTimers() }
        try await sweepQueues()
        await releaseHalted()
    }

    private func noteAllTimers() async throws(StoreError) {
        var query = RunQuery()
        query.onlyLive = true
        query.readsTails = false
        query.oldestFirst = true
        query.limit = 10 * Engine.pageRows
        while true {
            let page = try await store.runs(query)
            for stored in page where stored.dueAt != nil && !isInHand(stored.id) {
                timekeeper.note(stored.id, due: stored.dueAt, stored.severity)
            }
            guard page.count == query.limit else { return }
            query.beyond = page.last?.id
        }
    }

    private func noteTimers() async throws(StoreError) {
        var query = RunQuery()
        query.dueBy = clock.now.adding(milliseconds: 4 * Engine.sweepMilliseconds)
        query.readsTails = false
        query.limit = 10 * Engine.pageRows
        for stored in try await store.runs(query) where !isInHand(stored.id) {
            timekeeper.note(stored.id, due: stored.dueAt, stored.severity)
        }
    }

    private func pickUp(_ page: [RunRecord]) async {
        await withDiscardingTaskGroup { group in
            for stored in page where !isInHand(stored.id) {
                if let due = stored.dueAt { timekeeper.note(stored.id, due: due, stored.severity) }
                if stored.wake == "call" { group.addTask(priority: .utility) { await self.pickUp(stored) } }
            }
        }
    }

    private func pickUp(_ stored: RunRecord) async {
        // Whatever this process has sent is in hand until its outcome is stored: what is open of a run in nobody's hand is
        // lost, and all of it is settled in one commit. The first that is sent again has the run in hand.
        guard !isInHand(stored.id) else { return }
        hold(stored.id)
        defer { release(stored.id) }
        do {
            let known = try stored.read()
            let lost = known.commands.compactMap { command -> RunInput? in
                guard case .perform(let step, let call) = command else { return nil }
                logger.notice(
                    "nobody has a call in hand, so its outcome is lost",
                    metadata: ["run": "\(stored.id)", "step": "\(step)", "call": "\(call.number)"])
                return .callReturned(step: step, number: call.number, delivery: call.delivery, .lost)
            }
            _ = await step(stored.id, from: known) { run, definition, now in
                .success(self.settle(run, lost, definition, at: now))
            }
        } catch { noteUnreadable(stored.id, error) }
    }

    /// One that was settled meanwhile, or sent again, is refused by its number and delivery.
    private func settle(_ run: Run, _ inputs: [RunInput], _ definition: RunDefinition, at now: Instant) -> Transition {
        var settled = Transition(run: run, events: [])
        for input in inputs {
            guard case .success(let next) = settled.run.handle(input, definition, halts: halts, at: now) else {
                continue
            }
            settled = Transition(run: next.run, events: settled.events + next.events)
        }
        return settled
    }
}
