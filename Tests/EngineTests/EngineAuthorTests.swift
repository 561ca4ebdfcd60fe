// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// Nobody agrees to what they put in force themselves, where the workflow says so; and an auditor finds it when the record
/// was made to say that they did.
@Suite(.timeLimit(.minutes(20)))
struct EngineAuthorTests {
    private let place: AuditedInstallation
    private let library: Library
    private static let alice = DefinitionAuthor(name: "alice", knownBy: .token)

    init() throws {
        place = try AuditedInstallation()
        library = try Self.library(place.installation.library.inventory)
    }

    private static func library(_ inventory: Inventory) throws -> Library {
        try .sketch(
            inventory, workflow: "agreed",
            steps: "  - { id: gate, approve: { by: approver, exclude_author: true, within: 4h, on_timeout: skip } }\n"
                + "  - { id: calm, wait: 1m }\n")
    }

    private func engine() -> Engine {
        let library = self.library
        return place.installation.engine(ScriptedTransport(place.installation), loading: { .success(library) })
    }

    private func asked(_ engine: Engine) async throws -> (run: Run, question: Question) {
        try await place.installation.waitUntilResting(engine, wake: "timer")
        let run = try await place.installation.run
        guard case .asking(let question)? = run.step("gate")?.phase else { throw CancellationError() }
        return (run, question)
    }

    private func answer(_ engine: Engine, _ name: String) async throws -> ControlAnswer {
        let (run, question) = try await asked(engine)
        return await engine.control(
            run.id,
            .answer(
                step: "gate", Person(name: name, groups: ["approver"]), choice: "approve", shown: question.shown,
                reason: "looked"))
    }

    /// What somebody stores who has the store and the log's key: an answer as if there were no rule.
    private func forge(_ engine: Engine, _ name: String) async throws {
        let (run, question) = try await asked(engine)
        let input = RunInput.answer(
            step: "gate", Person(name: name, groups: ["approver"]), choice: "approve", shown: question.shown,
            reason: "looked")
        let now = place.installation.clock.now
        let transition = try run.handle(input, try await engine.definition(of: run), halts: .none, at: now).get()
        try await place.store.commit(Chronicle().change(transition, from: run.number, at: now))
    }

    private func running(_ body: @Sendable @escaping (Engine) async throws -> Void) async throws {
        let engine = engine()
        try await place.installation.whileRunning(engine) {
            try await place.installation.waitUntilStarted()
            try await body(engine)
        }
    }

    private func codes(_ report: AuditReport) -> [AuditFinding.Code] {
        report.findings.map(\.code).filter { [.answerByAuthor, .authorUnknown, .consentDiffers].contains($0) }
    }

    @Test func `the author's answer is refused with its reason, another's counts, and the record is sound`()
        async throws
    {
        try await running { engine in
            _ = try await engine.reload(by: "alice (t)", author: Self.alice, attributing: .all)
            await place.installation.post(engine)
            guard case .refused(let refusal) = try await answer(engine, "alice") else { throw CancellationError() }
            #expect(refusal.code == .notAllowed)
            #expect(
                refusal.reason.contains("alice put playbook leak and workflow agreed in force"), "\(refusal.reason)")
            #expect(refusal.reason.contains("somebody else has to answer"))
            guard case .done = try await answer(engine, "bob") else { throw CancellationError() }
        }
        try await place.sign()
        let state = try await place.audit()
        #expect(state.broken == [] && codes(state) == [], "\(state.findings)")
        let bundle = await BundleAudit.run(try await place.runBundle(), trust: AuditTrust())
        #expect(bundle.broken == [] && codes(bundle) == [], "\(bundle.findings)")
    }

    @Test func `what a changed folder put in force is nobody's: the answer counts and is an open item`() async throws {
        try await running { engine in
            _ = try await engine.reload(by: "folder")
            await place.installation.post(engine)
            guard case .done = try await answer(engine, "alice") else { throw CancellationError() }
        }
        try await place.sign()
        #expect(codes(try await place.audit()) == [.authorUnknown])
        #expect(codes(await BundleAudit.run(try await place.runBundle(), trust: AuditTrust())) == [.authorUnknown])
        // She says that it was hers: then she answered what excludes her.
        try await running { engine in
            _ = try await engine.reload(by: "alice (t)", author: Self.alice, attributing: .playbook("leak"))
            let authors = engine.libraryBook.authors
            #expect(authors.count == 2 && authors.values.allSatisfy { $0 == ["alice"] })
            _ = try await engine.reload(
                by: "bob (t)", author: DefinitionAuthor(name: "bob", knownBy: .token), attributing: .all)
            #expect(engine.libraryBook.authors == authors, "what is somebody's stays theirs")
        }
        try await place.sign()
        #expect(Set(codes(try await place.audit())) == [.answerByAuthor])
    }

    @Test func `an answer of the author that was written into the record is found in state folder and bundles`()
        async throws
    {
        try await running { engine in
            _ = try await engine.reload(by: "alice (t)", author: Self.alice, attributing: .all)
        }
        try await place.sign()
        place.installation.clock.advance(milliseconds: 10_000)
        let later = place.installation.clock.now
        try await running { engine in
            await place.installation.post(engine)
            _ = try await asked(engine)
        }
        try await forge(engine(), "alice")
        try await place.sign()
        let trust = AuditTrust(keys: try place.keys.load().map(\.verifier))
        let period = try await place.bundler.period(from: later, to: later.adding(milliseconds: 100_000))
        #expect(try Tar.files(period).contains { $0.name == "earlier.jsonl" })
        for report in [
            try await place.audit(trust), await BundleAudit.run(try await place.runBundle(), trust: trust),
            await BundleAudit.run(period, trust: trust),
        ] {
            #expect(Set(report.broken) == [.answerByAuthor], "\(report.subject): \(report.findings)")
            let run = try await place.installation.run.id.text
            #expect(
                report.findings.contains { $0.says.contains("alice answers 'gate' of \(run)") }, "\(report.findings)")
        }
        // What is carried from before the period is proved: a changed line of it is found.
        var files = try Tar.files(period)
        let at = try #require(files.firstIndex { $0.name == "earlier.jsonl" })
        files[at].bytes = Array(
            String(decoding: files[at].bytes, as: UTF8.self).replacing("\"alice\"", with: "\"carol\"").utf8)
        let changed = await BundleAudit.run(try Tar.archive(files), trust: trust)
        #expect(changed.broken.contains(.entryUnproved) && changed.broken.contains(.fileChanged), "\(changed.findings)")
    }

    @Test func `evidence is taken away in slices, and one that is stopped goes on with the next`() async throws {
        let store = place.store
        try await place.contain("d-1")
        try await place.contain("d-2")
        var trace = EvidenceTrace(
            endedBefore: place.installation.clock.now.adding(milliseconds: 86_400_000), heldBy: [])
        var pages = 0
        while !trace.isDone {
            let before = trace
            // The same page twice gives the same: one that could not be read is read again.
            var again = before
            try await again.advance(store)
            try await trace.advance(store)
            #expect(again.blobs.map(\.digest) == trace.blobs.map(\.digest) && again.isDone == trace.isDone)
            pages += 1
        }
        #expect(pages == 3 && trace.isWhole)
        #expect(Set(trace.blobs.map(\.run)).count >= 1)
        #expect(try trace.blobs.allSatisfy { try place.installation.blobs.contains(Digest(parsing: $0.digest)) })
        let held = try await place.installation.runs.map { RetentionBook.Scope.run($0.id) }
        var none = EvidenceTrace(endedBefore: place.installation.clock.now, heldBy: held)
        while !none.isDone { try await none.advance(store) }
        #expect(none.blobs.isEmpty)
    }
}
