// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import StoreKit
import Testing

@testable import CordonEngine

/// What is erased while a bundle is made, or after the time that it is of, makes no honest bundle a broken one; and that
/// something was erased is never the exporter's word alone.
@Suite(.timeLimit(.minutes(20))) struct BundleErasureTests {
    private func erase(_ place: AuditedInstallation) async throws {
        let key = try #require(try await place.installation.runs.first?.subject)
        _ = try await RetentionDesk(
            store: place.store, clock: place.installation.clock,
            evidence: EvidenceKeeper(blobs: place.installation.blobs)
        ).erase(subject: key, by: "dpo", reason: "request 7")
    }

    private func bundler(_ place: AuditedInstallation, over store: any Store) throws -> Bundler {
        Bundler(
            store: store, folder: place.folder, blobs: place.installation.blobs, signers: try place.keys.load(),
            includesBodies: true)
    }

    private func export(_ bundler: Bundler, _ place: AuditedInstallation, isRun: Bool) async throws -> [UInt8] {
        guard isRun else {
            return try await bundler.period(
                from: Instant(milliseconds: 0), to: place.installation.clock.now.adding(milliseconds: 1))
        }
        return try await bundler.run(try #require(try await place.installation.runs.first).id)
    }

    /// How often a store is read for one bundle.
    private func reads(isRun: Bool) async throws -> Int {
        let place = try AuditedInstallation()
        try await place.contain()
        try await place.sign()
        let store = FaultyStore(place.store, beforeReading: { _ in })
        _ = try await export(bundler(place, over: store), place, isRun: isRun)
        return store.reads
    }

    @Test(arguments: [true, false])
    func `an erasure at any moment of an export leaves a bundle that is whole, or none`(isRun: Bool) async throws {
        let reads = try await reads(isRun: isRun)
        #expect(reads >= 4, "its lines, what says of those that something is gone, and what is beside them")
        for (moment, isSigned) in (1...reads).flatMap({ [($0, true), ($0, false)] }) {
            let place = try AuditedInstallation()
            try await place.contain()
            try await place.sign()
            let store = FaultyStore(
                place.store,
                beforeReading: { number in
                    guard number == moment else { return }
                    await #expect(throws: Never.self) {
                        try await erase(place)
                        if isSigned { try await place.sign() }
                    }
                })
            do {
                let bundle = try await export(bundler(place, over: store), place, isRun: isRun)
                let trust = AuditTrust(keys: try place.keys.load().map(\.verifier))
                let report = await BundleAudit.run(bundle, trust: trust)
                #expect(report.broken == [], "before reading \(moment) of \(reads): \(report.findings)")
                #expect(report.codes(.open) == [], "before reading \(moment) of \(reads): \(report.findings)")
            } catch Bundler.Failure.notSigned {
                #expect(!isSigned, "the line that tells of it was signed")
            }
        }
    }

    @Test func `what is erased again and again while it is exported ends in words, not in a bundle`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        try await place.sign()
        // As if each time another batch of its evidence had its time.
        let digests = try place.installation.blobs.digests().map(\.text)
        let store = FaultyStore(
            place.store,
            beforeReading: { _ in
                let number = try? await place.store.history(RetentionBook.stream, from: 1, limit: 999).count
                await #expect(throws: Never.self) {
                    try await place.store.note(
                        Chronicle().entry(
                            RetentionBook.stream, (number ?? 0) + 1, place.installation.clock.now,
                            RetentionBook.evidenceExpired, ["blobs": .array(digests.map(Value.string))]),
                        notices: [])
                }
            })
        await #expect(throws: Bundler.Failure.unsettled) {
            try await export(bundler(place, over: store), place, isRun: false)
        }
    }

    // MARK: Periods

    /// A period whose evidence was erased later, in files that can be changed and sealed anew.
    private func erasedLater() async throws -> (place: AuditedInstallation, files: [Tar.File]) {
        let place = try AuditedInstallation()
        try await place.contain()
        let end = place.installation.clock.now.adding(milliseconds: 1)
        place.installation.clock.advance(milliseconds: 60_000)
        for name in ["one", "two", "three"] {
            try await StreamWriter(StreamWriter.custody, store: place.store, clock: place.installation.clock).append(
                "exported", ["what": .string(name)])
        }
        try await erase(place)
        try await place.sign()
        let bundle = try await place.bundler.period(from: Instant(milliseconds: 0), to: end)
        return (place, try Tar.files(bundle))
    }

    private func audit(_ files: [Tar.File], _ place: AuditedInstallation) async throws -> AuditReport {
        let keys = try place.keys.load()
        let predicate = try await parts(of: Tar.archive(files)).predicate
        return await BundleAudit.run(
            try sealed(files, with: keys, predicate: .object(predicate)),
            trust: AuditTrust(keys: keys.map(\.verifier)))
    }

    @Test func `a period holds the lines that say what of it was erased later, each with its proof`() async throws {
        let (place, files) = try await erasedLater()
        let gone = try #require(files.first { $0.name == "gone.jsonl" })
        #expect(String(decoding: gone.bytes, as: UTF8.self).contains("subjectErased"))
        let entries = try #require(files.first { $0.name == "entries.jsonl" })
        #expect(!String(decoding: entries.bytes, as: UTF8.self).contains("subjectErased"))
        let report = try await audit(files, place)
        #expect(report.broken == [], "\(report.findings)")
        #expect(report.codes(.open) == [])
        #expect(report.codes(.note).contains(.blobErased))
    }

    @Test func `a period's list of what is gone is not believed without those lines`() async throws {
        let (place, files) = try await erasedLater()
        let without = files.filter { !$0.name.hasPrefix("gone") }
        #expect(try await audit(without, place).codes(.open).contains(.blobErased))
        let unproved = files.filter { !$0.name.hasPrefix("gone/") }
        #expect(try await audit(unproved, place).broken.contains(.entryMissing))
        var changed = files
        for index in changed.indices where changed[index].name == "gone.jsonl" {
            changed[index].bytes = Array(
                String(decoding: changed[index].bytes, as: UTF8.self).replacing("dpo", with: "mallory").utf8)
        }
        let report = try await audit(changed, place)
        #expect(report.broken.contains(.entryUnproved))
        #expect(report.broken.contains(.blobMissing), "a line that is not proved says nothing")
    }
}
