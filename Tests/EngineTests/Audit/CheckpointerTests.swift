// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Glibc
import Logging
import TestKit
import Testing

@testable import CordonEngine

@Suite(.timeLimit(.minutes(20))) struct CheckpointerTests {
    @Test func `a first start makes the key, signs what is there, and says so in the history`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        let before = try await place.store.vitals().entries
        #expect(try await place.sign() == .signing)
        #expect(try place.keys.load().count == 1)
        let opened = try #require(try await place.store.history("log", from: 1, limit: 10).first?.entry)
        #expect(opened.kind == "logOpened")
        #expect(try place.signed.size == UInt64(before + 1))
        #expect(try place.signed.origin == "cordon.example/log")
        #expect(try await place.audit().broken == [])
    }

    @Test func `it signs at 256 entries, after ten seconds, and at once when a run has ended`() async throws {
        let place = try AuditedInstallation()
        try await place.sign()
        let checkpointer = place.checkpointer()
        let keeper = try #require(try await checkpointer.open())
        let start = try place.signed.size
        let writer = StreamWriter("probe", store: place.store, clock: place.installation.clock)
        for _ in 0..<255 { try await writer.append("probed", [:]) }
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try place.signed.size == start, "neither many nor long")
        try await writer.append("probed", [:])
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try place.signed.size == start + 256)

        try await writer.append("probed", [:])
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try place.signed.size == start + 256)
        place.installation.clock.advance(to: place.installation.clock.now.adding(milliseconds: 10_000))
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try place.signed.size == start + 257)

        try await writer.append("runEnded", [:])
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try place.signed.size == start + 258)
    }

    @Test func `more than a page is taken in at once and signed for once`() async throws {
        let place = try AuditedInstallation()
        let writer = StreamWriter("probe", store: place.store, clock: place.installation.clock)
        for _ in 0..<5000 { try await writer.append("probed", [:]) }
        #expect(try await place.sign() == .signing)
        #expect(try place.signed.size == 5001)
        #expect(try place.folder.kept().count == 2, "at its opening and at the end")
    }

    @Test func `a restored backup is told from what was signed, by its size and by its content`() async throws {
        for regrows in [false, true] {
            let place = try AuditedInstallation()
            try await place.contain()
            try await place.sign()
            let signed = try place.signed
            // The backup: what there was before the last entries, and perhaps other ones since.
            let backup = MemoryStore()
            let entries = try await place.store.log(from: 0, limit: 10_000).map(\.entry)
            for entry in entries.dropLast(3) { try await backup.note(entry) }
            if regrows {
                let writer = StreamWriter("probe", store: backup, clock: place.installation.clock)
                for _ in 0..<10 { try await writer.append("probed", [:]) }
            }
            let checkpointer = place.checkpointer(over: backup)
            #expect(try await checkpointer.open() == nil)
            guard case .refused(let reason) = checkpointer.standing else {
                Issue.record("it must not sign")
                continue
            }
            let first = entries.count - 3
            #expect(
                reason.contains(
                    regrows ? "entry \(first) is not the one" : "entries \(first) to \(entries.count - 1) are lost"))
            #expect(try place.signed == signed, "nothing was signed")
            let told = try #require(try await backup.history("log", from: 1, limit: 10).last?.entry)
            #expect(told.kind == "logForked")
            #expect(try JSON.parse(told.bytes)["body"]?["signed_root"]?.stringValue == signed.root.text)
            // The next start neither signs nor says it again.
            let count = try await backup.vitals().entries
            #expect(try await place.checkpointer(over: backup).open() == nil)
            #expect(try await backup.vitals().entries == count)
        }
    }

    @Test func `a log that was taken away is not begun anew silently`() async throws {
        let place = try AuditedInstallation()
        try await place.sign()
        let other = try AuditedInstallation()
        let checkpointer = Checkpointer(
            Checkpointer.Parts(
                store: place.store, clock: place.installation.clock, logPath: other.scratch.path("log"),
                keys: place.keys, logger: .init(label: "test")))
        #expect(try await checkpointer.open() == nil)
        #expect(try await place.store.history("log", from: 1, limit: 10).last?.entry.kind == "logForked")
    }

    @Test func `a log that was never signed is open, one that is gone is broken`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        let unsigned = try await place.audit()
        #expect(unsigned.broken == [])
        #expect(unsigned.codes(.open).contains(.logMissing))
        try await place.sign()
        #expect(unlink(place.scratch.path("log/checkpoint")) == 0)
        #expect(try await place.audit().broken == [.logMissing])
    }

    @Test func `while two keys lie there both sign, and the history tells of each change`() async throws {
        let place = try AuditedInstallation()
        try await place.sign()
        let old = try #require(try place.keys.load().first?.verifier)
        let checkpointer = place.checkpointer()
        let keeper = try #require(try await checkpointer.open())
        let new = try place.keys.make(origin: old.name).key
        try await checkpointer.turn(keeper, isLast: true)
        for key in [old, new] {
            #expect(try OpenedCheckpoint(#require(try place.folder.published()), logKeys: [key]).checkpoint.size > 0)
        }
        #expect(
            try await place.store.history("log", from: 1, limit: 10).map(\.entry.kind) == [
                "logOpened", "logKeysChanged",
            ])
        #expect(throws: EvidenceError(.notFound, "")) { try place.keys.retire("00000000") }
        #expect(try place.keys.retire(old.hash8) == old)
        #expect(throws: EvidenceError(.signatureMissing, "")) { try place.keys.retire(new.hash8) }
        try await checkpointer.turn(keeper, isLast: true)
        #expect(throws: EvidenceError(.signatureMissing, "")) {
            try OpenedCheckpoint(#require(try place.folder.published()), logKeys: [old])
        }
        #expect(try await place.audit(AuditTrust(keys: [old, new])).broken == [])
        #expect(try await place.sign() == .signing, "a start knows the key that signed last")
    }

    @Test func `without a key it signs nothing, and a key that others may read is none`() async throws {
        let place = try AuditedInstallation()
        try await place.sign()
        let hash = try #require(try place.keys.load().first?.verifier.hash8)
        _ = try place.keys.make(origin: "cordon.example/log")
        _ = try place.keys.retire(hash)
        #expect(chmod(place.scratch.path("keys/log-2"), 0o644) == 0)
        guard case .refused(let reason) = try await place.sign() else {
            Issue.record("it must not sign with an exposed key")
            return
        }
        #expect(reason.contains("chmod 600"))
        #expect(unlink(place.scratch.path("keys/log-2")) == 0)
        #expect(try await place.sign() != .signing)
    }

    @Test(arguments: [1, 2, 3]) func `a crash between commit and checkpoint loses nothing`(_ rounds: Int) async throws {
        let place = try AuditedInstallation()
        try await place.sign()
        // Each round stores something, and ends before anything was signed.
        for round in 0..<rounds { try await place.contain("d-\(round)") }
        #expect(try await place.audit().codes(.open).contains(.entriesUnsigned))
        #expect(try await place.audit().broken == [])
        try await place.sign()
        #expect(try place.signed.size == UInt64(try await place.store.vitals().entries))
        #expect(try await place.audit().codes(.open) == [])
    }
}
