// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// How long it took until an alarm was contained, measured against what its playbook promises.
@Suite(.timeLimit(.minutes(20)))
struct EngineObjectiveTests {
    @Test func `a run that contains in time is counted, and shows it`() async throws {
        let installation = try Installation()
        let playbook = try #require(installation.library.playbooks.first)
        let step = try #require(playbook.containedBy)
        let within = try #require(playbook.containedWithinMilliseconds)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilEnded()
        }
        #expect(engine.counts.objectivesMet == 1 && engine.counts.objectivesMissed == 0)
        let text = engine.counts.prometheus
        #expect(text.contains("cordon_objectives_total{result=\"met\"} 1\n"))
        #expect(text.contains("cordon_containment_seconds_bucket{le=\"1\"} 1\n"))
        #expect(text.contains("cordon_containment_seconds_count 1\n"))
        let run = try await installation.run
        #expect(run.alert.arrivedAt == Installation.start)
        let objective = Objective(
            step, withinMilliseconds: within, run, receivedAt: Installation.start, at: installation.clock.now)
        #expect(objective.state == .met)
        #expect(objective.containedAfterMilliseconds.map { (0...within).contains($0) } == true)
        let late = Objective(
            step, withinMilliseconds: within, run, receivedAt: Installation.start.adding(milliseconds: -within - 1),
            at: installation.clock.now)
        #expect(late.state == .missed)
    }

    @Test func `what is not contained is open, then overdue, and in the end none`() async throws {
        let installation = try Installation(mode: .propose)
        let playbook = try #require(installation.library.playbooks.first)
        let step = try #require(playbook.containedBy)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { try await installation.runs.first?.phase == "asked" }
            let run = try await installation.run
            func state(_ after: Int64) -> Objective.State {
                Objective(
                    step, withinMilliseconds: 1000, run, receivedAt: Installation.start,
                    at: Installation.start.adding(milliseconds: after)
                ).state
            }
            #expect(state(1000) == .open)
            #expect(state(1001) == .overdue)
            _ = await engine.control(run.id, .cancel(undo: false, by: "ann", reason: "it is not"))
            try await installation.waitUntilEnded()
        }
        let run = try await installation.run
        let objective = Objective(
            step, withinMilliseconds: 1000, run, receivedAt: Installation.start, at: installation.clock.now)
        #expect(objective.state == .none && objective.containedAfterMilliseconds == nil)
        #expect(engine.counts.objectivesMet + engine.counts.objectivesMissed == 0)
    }

    @Test func `an alert's id tells when it arrived, one that was made up nothing`() {
        for milliseconds: Int64 in [0, 1, 1_700_000_000_123, 281_474_976_710_655] {
            let id = AlertID(at: Instant(milliseconds: milliseconds), random: (.max, 7))
            #expect(id.arrivedAt == Instant(milliseconds: milliseconds))
        }
        #expect(AlertID(stem: "ILOU").arrivedAt == nil)
        #expect(AlertID(stem: "7").arrivedAt == nil)
    }
}
