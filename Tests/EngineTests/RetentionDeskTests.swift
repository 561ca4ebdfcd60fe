// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import TestKit
import Testing

@testable import CordonEngine

/// What is kept for the law stays; what is erased of a subject is gone, told of, and nothing else is.
@Suite(.timeLimit(.minutes(20)))
struct RetentionDeskTests {
    private static let day: Int64 = 86_400_000
    private static let subject = "credential:billing-token"

    private func desk(_ place: AuditedInstallation) -> RetentionDesk {
        RetentionDesk(
            store: place.store, clock: place.installation.clock,
            evidence: EvidenceKeeper(blobs: place.installation.blobs))
    }

    private func subject(_ place: AuditedInstallation) async throws -> String {
        try #require(try await place.installation.runs.first?.subject)
    }

    @Test func `erasing takes bodies and evidence away, says so in the history, and both still verify`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        let digests = try place.installation.blobs.digests()
        #expect(!digests.isEmpty)
        let key = try await subject(place)
        let erasure = try await desk(place).erase(subject: key, by: "dpo", reason: "request 7")
        #expect(erasure.blobs == digests.map(\.text).sorted())
        #expect(erasure.alerts.count == 1)
        #expect(try place.installation.blobs.digests() == [])
        #expect(try await place.store.alerts(AlertQuery()).allSatisfy { $0.body.isEmpty })
        let line = try #require(try await place.store.history("retention", from: 1, limit: 9).last?.entry)
        #expect(line.kind == "subjectErased")
        let body = try JSON.parse(line.bytes)["body"]
        #expect(body?["by"] == "dpo")
        #expect(body?["reason"] == "request 7")
        #expect(body?["subject"]?.stringValue == key)

        try await place.sign()
        let report = try await place.audit()
        #expect(report.broken == [], "\(report.findings)")
        #expect(report.codes(.note).filter { $0 == .blobErased }.count == digests.count)
        for bundle in [try await place.runBundle(), try await place.periodBundle()] {
            let audit = await BundleAudit.run(bundle, trust: AuditTrust())
            #expect(audit.broken == [], "\(audit.findings)")
            let files = try Tar.files(bundle)
            let absent = try JSON.parse(try #require(files.first { $0.name == "absent.json" }).bytes).arrayValue ?? []
            #expect(absent.filter { $0["state"] == "erased" }.count == digests.count + 1)
            #expect(absent.allSatisfy { $0["reason"]?.stringValue?.contains("dpo erased it with all of") == true })
            let entries = try #require(files.first { $0.name == "entries.jsonl" }).bytes
            #expect(String(decoding: entries, as: UTF8.self).contains("subjectErased"), "the line goes along")
        }
        // Again is no mistake, and nothing is left to take.
        let again = try await desk(place).erase(subject: key, by: "dpo", reason: "again")
        #expect(again.alerts == [])
        #expect(try await place.audit().broken == [])
    }

    @Test func `evidence is named by a commitment: whoever guesses the content can't tell that it was that`()
        async throws
    {
        let place = try AuditedInstallation()
        try await place.contain()
        for digest in try place.installation.blobs.digests() {
            let stored = try place.installation.blobs.get(digest)
            let salted = try #require(SaltedBlob(bytes: stored))
            #expect(salted.commitment == digest)
            #expect(Digest.of(stored) == digest, "sha256sum checks the file as it is")
            #expect(Digest.of(salted.content) != digest)
            #expect(throws: Never.self) { try JSON.parse(salted.content) }
        }
        let keeper = EvidenceKeeper(blobs: place.installation.blobs)
        let first = try await keeper.keep([1])
        #expect(try await keeper.keep([1]) == first, "one process keeps it once")
        #expect(try await EvidenceKeeper(blobs: place.installation.blobs).keep([1]) != first)
        try await keeper.erase([first.text])
        #expect(try await keeper.keep([1]) != first, "what was erased is not thought to be there")
    }

    @Test func `a legal hold keeps a subject, or a run, from erasing and from expiry until it is released`()
        async throws
    {
        for isRun in [false, true] {
            let place = try AuditedInstallation()
            try await place.contain()
            let key = try await subject(place)
            let run = try #require(try await place.installation.runs.first?.id)
            let scope: RetentionBook.Scope = isRun ? .run(run) : .subject(key)
            let desk = desk(place)
            try await desk.hold(scope, by: "counsel", reason: "case 1")
            await #expect(throws: RetentionRefusal(code: .conflict, reason: "")) {
                try await desk.hold(scope, by: "counsel", reason: "case 1")
            }
            await #expect(throws: RetentionRefusal(code: .held, reason: "")) {
                try await desk.erase(subject: key, by: "dpo", reason: "r")
            }
            try await expire(place)
            #expect(try await bodies(place) == 1, "it had its time, and is held")
            try await desk.release(scope, by: "counsel", reason: "closed")
            await #expect(throws: RetentionRefusal(code: .notFound, reason: "")) {
                try await desk.release(scope, by: "counsel", reason: "closed")
            }
            try await expire(place)
            #expect(try await bodies(place) == 0)
            #expect(
                try await place.store.history("retention", from: 1, limit: 9).map(\.entry.kind) == [
                    "legalHoldSet", "legalHoldReleased", "bodiesExpired",
                ])
            try await place.sign()
            #expect(try await place.audit().broken == [])
        }
    }

    private func bodies(_ place: AuditedInstallation) async throws -> Int {
        try await place.store.alerts(AlertQuery()).count { !$0.body.isEmpty }
    }

    /// One look at what had its time, three days later.
    private func expire(_ place: AuditedInstallation) async throws {
        place.installation.clock.advance(milliseconds: 3 * Self.day)
        let engine = place.installation.engine(
            ScriptedTransport(place.installation), alertBodiesMilliseconds: 2 * Self.day)
        try await engine.sweepBodies()
    }

    @Test func `held alerts that stay the oldest do not keep younger ones from having their time`() async throws {
        let place = try AuditedInstallation()
        try await place.contain("d-1")
        let run = try #require(try await place.installation.runs.first?.id)
        try await desk(place).hold(.run(run), by: "counsel", reason: "case 1")
        try await place.contain("d-2")
        try await expire(place)
        #expect(try await bodies(place) == 1)
        try await expire(place)
        #expect(try await bodies(place) == 1)
    }

    @Test func `what is not known, and what a live run needs, is refused and stays`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        await #expect(throws: RetentionRefusal(code: .notFound, reason: "")) {
            try await desk(place).erase(subject: "credential:nobody", by: "dpo", reason: "r")
        }
        #expect(try await bodies(place) == 1)
        #expect(RetentionBook.Scope(text: "everything") == nil)
        #expect(RetentionBook.Scope(text: "run x y") == nil)
        #expect(RetentionBook.Scope(text: "subject nokind") == nil)
    }

    @Test func `evidence that a crash left after its erasure was told is found open, and the next start takes it away`()
        async throws
    {
        let place = try AuditedInstallation()
        try await place.contain()
        let before = try place.installation.blobs.digests().map { try place.installation.blobs.get($0) }
        _ = try await desk(place).erase(subject: try await subject(place), by: "dpo", reason: "r")
        for bytes in before { _ = try place.installation.blobs.put(bytes) }
        try await place.sign()
        let report = try await place.audit()
        #expect(report.broken == [])
        #expect(report.codes(.open).contains(.erasurePending))
        let engine = place.installation.engine(ScriptedTransport(place.installation))
        try await engine.finishErasures()
        #expect(try place.installation.blobs.digests() == [])
        #expect(try await place.audit().codes(.open).contains(.erasurePending) == false)
    }

    @Test func `evidence that another subject's run names too stays, and the line says which`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        let key = try await subject(place)
        let digest = try #require(try place.installation.blobs.digests().first)
        var outcome = Outcome(.done, status: 200)
        outcome.evidence = [Evidence(digest: digest.text, mediaType: "application/json", bytes: 1, about: "x")]
        let event = Event.callReturned(step: "s", number: 1, outcome)
        try await place.store.note(
            Chronicle().entry(
                "run_01KATB9Z2M8D4W6X1V3C5R7T9Y", 1, place.installation.clock.now, event.kind, event.value))
        let erasure = try await desk(place).erase(subject: key, by: "dpo", reason: "r")
        #expect(erasure.shared == [digest.text])
        #expect(!erasure.blobs.contains(digest.text))
        #expect(try place.installation.blobs.digests() == [digest])
    }
}
