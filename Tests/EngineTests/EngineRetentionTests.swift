// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import StoreKit
import Testing

/// Bodies of alerts go when they have had their time, in small batches, and the history says so.
@Suite(.timeLimit(.minutes(20)))
struct EngineRetentionTests {
    private static let day: Int64 = 86_400_000

    /// Two alerts that are done with, and one whose run waits for a person.
    private func fill(_ installation: Installation) async throws {
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine, delivery: "d-1")
            try await installation.waitUntilEnded()
            await installation.post(engine, delivery: "d-2", repository: "octo-org/unknown")
            try await installation.wait { try await installation.runs.contains { $0.phase == "asked" } }
        }
    }

    /// Whose bodies are there, by delivery.
    private func bodies(_ installation: Installation) async throws -> [String] {
        try await installation.base.alerts(AlertQuery()).filter { !$0.body.isEmpty }.map(\.deliveryID).sorted()
    }

    @Test func `what a live run needs stays, the rest goes after its time and a line tells of it`() async throws {
        let installation = try Installation()
        try await fill(installation)
        let engine = installation.engine(ScriptedTransport(installation), alertBodiesMilliseconds: 2 * Self.day)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            #expect(try await bodies(installation) == ["d-1", "d-2"])
            installation.clock.advance(milliseconds: 3 * Self.day)
            try await installation.wait { try await bodies(installation) == ["d-2"] }
        }
        let lines = try await installation.base.history("retention", from: 1, limit: 9)
        #expect(lines.map(\.entry.kind) == ["retentionPolicySet", "bodiesExpired"])
        let first = try #require(try await installation.base.alerts(AlertQuery()).first { $0.deliveryID == "d-1" })
        let policy = try JSON.parse(lines[0].entry.bytes)["body"]
        #expect(policy == ["by": "start", "alert_bodies_ms": .int(2 * Self.day), "evidence_ms": nil])
        let told = try JSON.parse(lines[1].entry.bytes)["body"]?["alerts"]
        #expect(told == [.string(first.id.text)])
        #expect(!first.bodyDigest.isEmpty)
    }

    @Test func `evidence of a run goes when it has had its time, a line tells of it, and the record stays sound`()
        async throws
    {
        let installation = try Installation()
        try await fill(installation)
        let ended = try #require(try await installation.runs.first { $0.phase == "ended" })
        let named = try await evidence(installation, of: ended.id.text)
        #expect(!named.isEmpty && named.allSatisfy { Self.isThere($0, installation) })
        let engine = installation.engine(
            ScriptedTransport(installation), evidenceMilliseconds: 2 * Self.day)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 3 * Self.day)
            while named.contains(where: { Self.isThere($0, installation) }) {
                try await installation.waitUntilStarted()
                installation.clock.advance(milliseconds: 15_000)
            }
        }
        let lines = try await installation.base.history("retention", from: 1, limit: 9).map(\.entry)
        #expect(lines.map(\.kind) == ["retentionPolicySet", "evidenceExpired"])
        let body = try #require(try JSON.parse(lines[1].bytes)["body"])
        #expect(body["runs"] == [.string(ended.id.text)])
        #expect(body["blobs"]?.arrayValue?.compactMap(\.stringValue).sorted() == Set(named).sorted())
        // What the run that waits for a person has is still there.
        let waiting = try #require(try await installation.runs.first { $0.phase == "asked" })
        for digest in try await evidence(installation, of: waiting.id.text) {
            #expect(Self.isThere(digest, installation))
        }
        let book = try await engine.retentionDesk.book()
        #expect(book.expirations["evidence"]?.count == Set(named).count)
    }

    @Test func `a legal hold keeps the evidence of its run`() async throws {
        let installation = try Installation()
        try await fill(installation)
        let ended = try #require(try await installation.runs.first { $0.phase == "ended" })
        let named = try await evidence(installation, of: ended.id.text)
        let engine = installation.engine(
            ScriptedTransport(installation), alertBodiesMilliseconds: Self.day, evidenceMilliseconds: Self.day)
        try await engine.retentionDesk.hold(.subject(ended.subject), by: "mona", reason: "case 1")
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            for _ in 0..<20 {
                installation.clock.advance(milliseconds: Self.day)
                try await installation.waitUntilStarted()
            }
        }
        #expect(named.allSatisfy { Self.isThere($0, installation) })
        let kinds = try await installation.base.history("retention", from: 1, limit: 9).map(\.entry.kind)
        #expect(kinds == ["legalHoldSet", "retentionPolicySet"])
    }

    private func evidence(_ installation: Installation, of run: String) async throws -> [String] {
        try await installation.base.history(run, from: 1, limit: 1000).flatMap { indexed -> [String] in
            guard case .callReturned(_, _, let outcome)? = try? indexed.entry.event() else { return [] }
            return outcome.evidence.map(\.digest)
        }
    }

    private static func isThere(_ digest: String, _ installation: Installation) -> Bool {
        (try? installation.blobs.contains(Digest(parsing: digest))) ?? false
    }

    @Test func `without a time nothing ever goes`() async throws {
        let installation = try Installation()
        try await fill(installation)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 4000 * Self.day)
            try await installation.waitUntilStarted()
        }
        #expect(try await bodies(installation) == ["d-1", "d-2"])
    }

    @Test(arguments: FaultyStore.Fault.allCases)
    func `a removal that is not confirmed is looked at again`(_ fault: FaultyStore.Fault) async throws {
        let installation = try Installation()
        try await fill(installation)
        // The definitions are published first, one write; then it is told how long what is kept.
        let store = FaultyStore(installation.base, write: 3, fault, code: .busy)
        let engine = installation.engine(
            ScriptedTransport(installation), over: store, alertBodiesMilliseconds: Self.day)
        installation.clock.advance(milliseconds: 3 * Self.day)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 20_000)
            try await installation.wait { try await bodies(installation) == ["d-2"] }
        }
        let lines = try await installation.base.history("retention", from: 1, limit: 9)
        #expect(lines.map(\.entry.number) == [1, 2])
    }
}
