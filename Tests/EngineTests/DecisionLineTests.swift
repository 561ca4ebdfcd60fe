// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// A decision's line in the history: whole while it fits, else the digest of the whole.
@Suite(.timeLimit(.minutes(20))) struct DecisionLineTests {
    @Test func `a decision that fits stands in the history whole`() async throws {
        let (line, row) = try await decide(playbooks: 1)
        #expect(line.body == (try JSON.parse(row.body)))
    }

    @Test func `a decision that is longer than a line may be stands there by its digest, and its row has it whole`()
        async throws
    {
        let (line, row) = try await decide(playbooks: 100)
        #expect(row.body.count > Limits.entryBytesMax)
        #expect(line.entry.bytes.count <= Limits.entryBytesMax)
        #expect(
            line.body == [
                "id": .string(row.id.text), "verdict": "shadow", "cut": true, "bytes": .int(Int64(row.body.count)),
                "digest": .string(digestText(row.body)),
            ])
        #expect(try JSON.parse(row.body)["matches"]?.arrayValue?.count == 100)
    }

    /// One alert that so many playbooks in shadow mode answer; none of them opens a run.
    private func decide(playbooks count: Int) async throws -> (line: (entry: Entry, body: Value), row: DecisionRecord) {
        let installation = try Installation(mode: .shadow, playbooks: count)
        let engine = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { try await !installation.base.decisions(DecisionQuery()).isEmpty }
        }
        #expect(try await installation.runs.isEmpty)
        let row = try #require(try await installation.base.decisions(DecisionQuery()).first)
        let lines = try await installation.base.history(row.alert.text, from: 1, limit: 100).map(\.entry)
        let entry = try #require(lines.first { $0.kind == "decisionMade" })
        #expect(lines.allSatisfy { $0.bytes.count <= Limits.entryBytesMax })
        return ((entry, try #require(try JSON.parse(entry.bytes)["body"])), row)
    }
}
