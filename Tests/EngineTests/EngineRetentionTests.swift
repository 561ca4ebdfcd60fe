// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
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
        #expect(lines.map(\.entry.kind) == ["bodiesExpired"])
        let first = try #require(try await installation.base.alerts(AlertQuery()).first { $0.deliveryID == "d-1" })
        let told = try JSON.parse(lines[0].entry.bytes)["body"]?["alerts"]
        #expect(told == [.string(first.id.text)])
        #expect(!first.bodyDigest.isEmpty)
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
        // The definitions are published first, one write.
        let store = FaultyStore(installation.base, write: 2, fault, code: .busy)
        let engine = installation.engine(
            ScriptedTransport(installation), over: store, alertBodiesMilliseconds: Self.day)
        installation.clock.advance(milliseconds: 3 * Self.day)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            installation.clock.advance(milliseconds: 20_000)
            try await installation.wait { try await bodies(installation) == ["d-2"] }
        }
        let lines = try await installation.base.history("retention", from: 1, limit: 9)
        #expect(lines.map(\.entry.number) == [1])
    }
}
