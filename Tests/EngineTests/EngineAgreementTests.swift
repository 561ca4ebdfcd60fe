// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Synchronization
import Testing

@testable import CordonEngine

/// What people's agreement changes, and what it leaves.
@Suite(.timeLimit(.minutes(20))) struct EngineAgreementTests {
    private func control(_ engine: Engine, _ run: RunID, _ input: RunInput) async throws -> Run {
        guard case .done(let run) = await engine.control(run, input) else {
            throw EngineError(.store, "another answer")
        }
        return run
    }

    @Test func `whoever agrees to a proposal ends no operator's pause`() async throws {
        let installation = try Installation(mode: .propose)
        let engine = installation.engine(ScriptedTransport(installation))
        try await engine.publishFirst()
        await installation.post(engine)
        await engine.read(try #require(try await installation.base.alerts(AlertQuery()).first))
        let id = try await installation.run.id
        _ = try await control(engine, id, .pause(by: "olga", reason: "the owner is asked"))
        let agreed = try await control(
            engine, id, .resume(step: nil, isForced: false, by: "ann", reason: "as proposed"))
        #expect(agreed.gate == nil)
        #expect(agreed.pause?.reason.contains("olga: the owner is asked") == true)
        #expect(agreed.phase == .asked(try #require(agreed.pause)))
        #expect(!agreed.steps.contains { $0.calls > 0 })
        let freed = try await control(
            engine, id, .resume(step: nil, isForced: false, by: "olga", reason: "the owner knows"))
        #expect(freed.pause == nil)
        #expect(freed.steps.contains { $0.calls > 0 })
        try await installation.check()
    }

    @Test func `a look in shadow that is left out has a line that says so`() async throws {
        let installation = try Installation(mode: .shadow)
        let engine = installation.engine(ScriptedTransport(installation), looksInShadow: true)
        engine.shadowLooks.withLock { $0 = Limits.shadowLooksMax }
        await installation.post(engine)
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        await engine.read(alert)
        let lines = try await installation.base.history(alert.id.text, from: 1, limit: 100).map(\.entry)
        #expect(lines.last?.kind == ShadowLook.lost)
        let body = try JSON.parse(try #require(lines.last).bytes)["body"]
        #expect(body?["because"]?.stringValue?.contains("(shadowLooksMax)") == true)
        #expect(body?.at("playbook", "name") == "secret-leaked")
        // The next start, which looks for lost ones, tells it no second time.
        let next = installation.engine(ScriptedTransport(installation), looksInShadow: true)
        await next.noteLostLooks(before: installation.clock.now.adding(milliseconds: 1))
        #expect(try await installation.base.history(alert.id.text, from: 1, limit: 100).count == lines.count)
    }
}
