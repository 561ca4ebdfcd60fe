// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import TestKit
import Testing

@testable import CordonEngine

/// What lies behind the last checkpoint is short after a crash; a long end means that a newer checkpoint was taken away.
@Suite(.timeLimit(.minutes(20))) struct UnsignedTailTests {
    private let place: AuditedInstallation

    init() throws { place = try AuditedInstallation() }

    private func append(_ kinds: [String], to stream: String = "probe", after milliseconds: Int64 = 0) async throws {
        let clock = place.installation.clock
        clock.advance(to: clock.now.adding(milliseconds: milliseconds))
        let writer = StreamWriter(stream, store: place.store, clock: clock)
        for kind in kinds { try await writer.append(kind, [:]) }
    }

    private func graded() async throws -> AuditFinding? {
        try await place.audit().findings.first { $0.code == .entriesUnsigned }
    }

    @Test func `what a crash leaves unsigned is open, what no crash leaves is broken`() async throws {
        try await place.sign()
        #expect(try await graded() == nil)
        try await append(["probed", "runEnded"])
        #expect(try await graded()?.grade == .open)
        try await append(["probed"], after: 29_000)
        #expect(try await graded()?.grade == .open)
        try await append(["probed"], after: 2000)
        let late = try #require(try await graded())
        #expect(late.grade == .broken)
        #expect(late.says.contains("probe@2, which is signed for at once"))
        try await place.sign()
        #expect(try await place.audit().broken == [])

        try await append(["probed"])
        try await append(["probed"], after: 59_000)
        #expect(try await graded()?.grade == .open)
        try await append(["probed"], after: 2000)
        let long = try #require(try await graded())
        #expect(long.grade == .broken)
        #expect(long.says.contains("they span 61 seconds"))
    }

    @Test func `what commands write while no server runs may wait for the next one`() async throws {
        try await place.sign()
        for stream in ["node", "retention", "custody", "library"] {
            try await append(["told"], to: stream, after: 86_400_000)
        }
        #expect(try await graded()?.grade == .open)
    }

    @Test func `an older checkpoint in the newer's place is told by the line that names the newer`() async throws {
        try await place.sign()
        let old = try #require(try place.folder.published())
        try await append(["probed"])
        try await place.sign()
        let size = try place.signed.size
        let keeper = ClockKeeper(
            ClockKeeper.Parts(
                store: place.store, clock: place.installation.clock, logPath: place.scratch.path("log"),
                elapsed: { 0 }, reading: { ClockReading(state: .synchronized) }, logger: .init(label: "test")))
        await keeper.look()
        #expect(try await graded()?.grade == .open)
        try Data(old).write(to: URL(filePath: place.scratch.path("log/checkpoint")))
        let kept = place.scratch.path("log/checkpoints")
        for name in try FileManager.default.contentsOfDirectory(atPath: kept).sorted().dropFirst() {
            try FileManager.default.removeItem(atPath: kept + "/" + name)
        }
        let rolled = try #require(try await graded())
        #expect(rolled.grade == .broken)
        #expect(rolled.says.contains("node@1 tells of a checkpoint of \(size)"))
    }

    @Test func `one that may not sign says so once, and what is unsigned has a reason`() async throws {
        try await place.sign()
        try FileManager.default.removeItem(atPath: place.scratch.path("keys/log-1"))
        let checkpointer = place.checkpointer()
        for _ in 0..<3 { #expect(try await checkpointer.open() == nil) }
        let lines = try await place.store.history("log", from: 1, limit: 10).map(\.entry)
        #expect(lines.map(\.kind) == ["logOpened", "logSigningRefused"])
        try await append(["probed"])
        try await append(["runEnded", "probed"], after: 3_600_000)
        let unsigned = try #require(try await graded())
        #expect(unsigned.grade == .open)
        #expect(unsigned.says.contains("log@2 says why: no key signs the log"))
    }

    @Test func `a start signs what was left before anything is added`() async throws {
        try await place.sign()
        try await append(["probed"])
        let checkpointer = place.checkpointer()
        try await checkpointer.prepare()
        #expect(try place.signed.size == UInt64(try await place.store.vitals().entries))
        #expect(checkpointer.standing == .signing)
    }
}
