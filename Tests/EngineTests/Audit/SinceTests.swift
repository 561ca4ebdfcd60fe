// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore
import Glibc
import TestKit
import Testing

@testable import CordonEngine

/// An auditor who kept a checkpoint sees that the log still begins with it.
@Suite(.timeLimit(.minutes(20))) struct SinceTests {
    private func trust(_ place: AuditedInstallation, since note: [UInt8]) throws -> AuditTrust {
        AuditTrust(keys: try place.keys.load().map(\.verifier), since: note)
    }

    @Test func `a log that begins with the kept checkpoint is sound, in a state folder and in a bundle`() async throws {
        let place = try AuditedInstallation()
        try await place.contain("d-1")
        try await place.sign()
        let kept = try #require(try place.folder.published())
        try await place.contain("d-2")
        try await place.sign()
        let trust = try trust(place, since: kept)
        #expect(try await place.audit(trust).broken == [])
        let period = await BundleAudit.run(try await place.periodBundle(), trust: trust)
        #expect(period.broken == [], "\(period.findings)")
        #expect(!period.codes(.open).contains(.checkpointMissing))
        // Single lines do not show what lies between.
        #expect(
            await BundleAudit.run(try await place.runBundle(), trust: trust).codes(.open).contains(.checkpointMissing))
        let same = try self.trust(place, since: try #require(try place.folder.published()))
        #expect(
            await !BundleAudit.run(try await place.runBundle(), trust: same).codes(.open).contains(.checkpointMissing))
    }

    @Test func `another history under the same key, a larger one and a stranger's are told`() async throws {
        let place = try AuditedInstallation()
        try await place.contain()
        try await place.sign()
        let size = try place.signed.size
        let key = try #require(try place.keys.load().first)
        for (other, code) in [
            (size / 2, AuditFinding.Code.checkpointDiffers), (size, .checkpointDiffers), (size + 5, .checkpointDiffers),
        ] {
            let root = Digest.of([UInt8(other & 255)])
            let kept = try Checkpoint(origin: key.name, size: other, root: root).signed(by: [key]).bytes
            let trust = try trust(place, since: kept)
            #expect(try await place.audit(trust).broken.contains(code), "a size of \(other)")
            #expect(
                await BundleAudit.run(try await place.periodBundle(), trust: trust).broken.contains(code),
                "a size of \(other)")
        }
        let stranger = try SigningKey(name: key.name)
        let forged = try Checkpoint(origin: key.name, size: 1, root: Digest.of([])).signed(by: [stranger]).bytes
        #expect(try await place.audit(trust(place, since: forged)).broken == [.signatureMissing])
        let next = try SigningKey(name: "other.example")
        let foreign = try Checkpoint(origin: next.name, size: 1, root: Digest.of([])).signed(by: [next]).bytes
        var both = try trust(place, since: foreign)
        both.keys.append(next.verifier)
        #expect(try await place.audit(both).broken == [.checkpointDiffers])
    }

    @Test func `keys are put aside on another file system, also when a crash left the copy there`() throws {
        let scratch = try ScratchFolder("cordon-keys")
        try scratch.write("", to: "keys/.keep")
        try scratch.write("", to: "aside/.keep")
        var disk = Disk.real
        disk.rename = { path, newPath throws(EvidenceError) in
            // As rename(2) answers across file systems; drafts beside their target are renamed as ever.
            guard !path.contains("/draft-") else { return try Disk.real.rename(path, newPath) }
            throw EvidenceError(.writeFailed, "Invalid cross-device link", systemCode: EXDEV)
        }
        let keys = SigningKeys(folder: scratch.path("keys"), disk: disk)
        let first = try keys.make(origin: "log.example").key
        let second = try keys.make(origin: "log.example").key
        try KeyFile.create(try keys.load()[0], at: scratch.path("aside/log-1"))
        try keys.putAside(in: scratch.path("aside"))
        #expect(try keys.load().isEmpty)
        let aside = SigningKeys(folder: scratch.path("aside"))
        #expect(try aside.load().map(\.verifier) == [first, second])
        #expect(try Disk.real.read(scratch.path("aside/log-2"), 4096)?.mode == 0o600)
    }
}
