// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import TestKit
import Testing

@testable import CordonEngine

/// A log that was put aside is still compared with what is there.
@Suite(.timeLimit(.minutes(20))) struct LogAsideTests {
    private let place: AuditedInstallation

    init() throws { place = try AuditedInstallation() }

    /// What a restore does once the files are copied: the line, then the move.
    private func putAside() async throws -> Checkpoint {
        try await place.contain()
        try await place.sign()
        let signed = try place.signed
        try await StreamWriter(LogBook.stream, store: place.store, clock: place.installation.clock).append(
            LogBook.reopened,
            [
                "by": "test", "origin": "cordon.example/log-2", "reason": "restored",
                "was": LogBook.told(place.folder, as: "log.forked-1"),
            ])
        try FileManager.default.moveItem(
            atPath: place.scratch.path("log"), toPath: place.scratch.path("log.forked-1"))
        try FileManager.default.removeItem(atPath: place.scratch.path("keys/log-1"))
        _ = try place.keys.make(origin: "cordon.example/log-2")
        return signed
    }

    @Test func `one that is the beginning of what is there is sound, before and after the next is signed`()
        async throws
    {
        let signed = try await putAside()
        #expect(try await place.audit().broken == [])
        let line = try #require(try await place.store.history("log", from: 2, limit: 1).first?.entry)
        let was = try JSON.parse(line.bytes).at("body", "was")
        #expect(was?["root"]?.stringValue == signed.root.text)
        #expect(was?["size"]?.intValue == Int64(signed.size))
        #expect(was?["keys"]?.arrayValue?.count == 1)
        try await place.sign()
        #expect(try await place.audit().broken == [])
    }

    @Test func `a folder that is gone, or holds another checkpoint, is told`() async throws {
        _ = try await putAside()
        try await place.sign()
        let checkpoint = place.scratch.path("log.forked-1/checkpoint")
        let whole = try Data(contentsOf: URL(filePath: checkpoint))
        let kept = place.scratch.path("log.forked-1/checkpoints/")
        let older = try #require(try FileManager.default.contentsOfDirectory(atPath: kept).sorted().first)
        try Data(contentsOf: URL(filePath: kept + older)).write(to: URL(filePath: checkpoint))
        #expect(try await place.audit().broken == [.checkpointDiffers])
        try whole.write(to: URL(filePath: checkpoint))
        #expect(try await place.audit().broken == [])
        try FileManager.default.removeItem(atPath: place.scratch.path("log.forked-1"))
        #expect(try await place.audit().broken == [.logMissing])
    }

    @Test func `entries that are others than what was signed before are told, unless the fork was`() async throws {
        for isTold in [false, true] {
            let place = try AuditedInstallation()
            try await place.contain()
            try await place.sign()
            let signed = try place.signed
            let was = LogBook.told(place.folder, as: "log.forked-1")
            let other = MemoryStore()
            let writer = StreamWriter("probe", store: other, clock: place.installation.clock)
            for _ in 0..<(signed.size + 3) { try await writer.append("probed", [:]) }
            let log = StreamWriter(LogBook.stream, store: other, clock: place.installation.clock)
            if isTold {
                try await log.append(
                    LogBook.forked, ["says": "lost", "signed_root": .string(signed.root.text), "signed_size": 1])
            }
            try await log.append(LogBook.reopened, ["by": "test", "origin": "x", "reason": "restored", "was": was])
            try FileManager.default.moveItem(
                atPath: place.scratch.path("log"), toPath: place.scratch.path("log.forked-1"))
            let report = try await StateAudit.run(
                store: other, folder: place.folder, blobs: place.installation.blobs, trust: AuditTrust())
            #expect(report.broken.contains(.checkpointDiffers) == !isTold)
        }
    }

    @Test func `that a log was forked is signed by its own key, and a line has to tell of it`() async throws {
        try await place.contain()
        try await place.sign()
        let entries = try await place.store.log(from: 0, limit: 10_000).map(\.entry)
        let backup = MemoryStore()
        for entry in entries.dropLast(3) { try await backup.note(entry) }
        #expect(try await place.checkpointer(over: backup).open() == nil)
        #expect(try await audit(backup).broken.filter { $0 == .logForked }.count == 1, "the line alone")
        let forked = place.scratch.path("log/forked")
        #expect(try place.scratch.read("log/forked").hasPrefix("cordon fork of a signed log\nlog cordon.example/log\n"))
        // The line is dropped: the key's own word stays.
        let silent = MemoryStore()
        for entry in entries.dropLast(3) { try await silent.note(entry) }
        let found = try await audit(silent).findings.filter { $0.code == .logForked }
        #expect(found.map(\.place) == ["log/forked"])
        try (place.scratch.read("log/forked").replacingOccurrences(of: "fork of", with: "Fork of")).write(
            toFile: forked, atomically: true, encoding: .utf8)
        #expect(try await audit(silent).broken.contains(.signatureInvalid))
    }

    private func audit(_ store: MemoryStore) async throws -> AuditReport {
        try await StateAudit.run(
            store: store, folder: place.folder, blobs: place.installation.blobs, trust: AuditTrust())
    }
}
