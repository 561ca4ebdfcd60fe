// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Testing

/// A run that waits is moved to a later version of its workflow, and told beforehand what it would do.
@Suite(.timeLimit(.minutes(20)))
struct EngineMigrationTests {
    /// The shipped workflow with one more step at its end, as its file would hold it.
    private func later(_ more: String = "  - id: rest\n    wait: 1m\n") throws -> Definition {
        let source = try #require(try Installation().library.sources.first)
        let bytes = source.bytes + Array(more.utf8)
        return Definition(
            digest: digestText(bytes), kind: .workflow, name: source.name, source: bytes,
            publishedAt: Installation.start)
    }

    private let order = MigrationOrder(by: "ann", reason: "wait a minute more")

    @Test func `a proposal is moved, approved, and goes on by the later text, over a new start too`() async throws {
        let installation = try Installation(mode: .propose)
        let later = try later()
        try await installation.base.publish(later)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "person")
            let id = try await installation.run.id
            guard case .done(let run) = await engine.migrate(id, to: later.digest, order) else {
                Issue.record("the run was not moved")
                return
            }
            #expect(run.workflow.digest == later.digest)
            #expect(run.gate?.kind == .proposal)
        }
        let second = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            _ = await second.control(
                try await installation.run.id, .resume(step: nil, isForced: false, by: "ann", reason: "go"))
            try await installation.waitUntilResting(second, wake: "timer")
            #expect(try await installation.run.step("rest")?.startedAt != nil)
        }
        #expect(try await installation.kinds.contains("runMigrated"))
    }

    @Test func `what can't be moved is told, and nothing is stored`() async throws {
        let installation = try Installation(mode: .propose)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "person")
            let before = try await installation.run
            let answers = [
                await engine.migrate(before.id, to: "sha256:none", order),
                await engine.migrate(before.id, to: nil, order),
            ]
            let reasons = answers.map { answer in
                if case .refused(let refusal) = answer { refusal.reason } else { "\(answer)" }
            }
            #expect(
                reasons == [
                    "no sound workflow of digest sha256:none is stored: nothing to move to",
                    "the run is on that version already",
                ])
            #expect(try await installation.run == before)
        }
    }

    @Test func `a fork tells what the run would do, under either text, and stores nothing`() async throws {
        let installation = try Installation(mode: .propose)
        let later = try later()
        try await installation.base.publish(later)
        let transport = ScriptedTransport(installation)
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "person")
            let before = try await installation.run
            let own = try await engine.fork(before.id, at: ForkPoint(order: order), assuming: .init())?.get()
            let moved = try await engine.fork(
                before.id, at: ForkPoint(number: 2, workflow: later.digest, order: order), assuming: .init())?.get()
            #expect(own?.run.ending == .completed)
            #expect(moved?.run.ending == .completed)
            #expect(moved?.lines.contains { if case .wait("rest", _) = $0.doing { true } else { false } } == true)
            #expect(own?.lines.contains { if case .wait = $0.doing { true } else { false } } == false)
            #expect(try await installation.run == before)
            let nobody = try await engine.fork(
                RunID(stem: "01"), at: ForkPoint(order: order), assuming: .init())
            #expect(nobody == nil)
        }
        #expect(transport.requests.isEmpty)
    }
}
