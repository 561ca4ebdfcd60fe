// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import Testing

@testable import CordonEngine

/// What a SIEM counts: each change once as intended and once as it came out, and nothing that was only looked at.
@Suite(.timeLimit(.minutes(10))) struct OCSFTests {
    private static let hours4: Int64 = 4 * 3600 * 1000

    /// A line of OCSF, as far as it is compared.
    private struct Told: Hashable, CustomStringConvertible {
        var call: String
        var activity: Int64
        var status: Int64
        var technique: String?

        init(_ call: String, _ activity: Int64, _ status: Int64, _ technique: String?) {
            (self.call, self.activity, self.status, self.technique) = (call, activity, status, technique)
        }

        var description: String { "\(call) activity \(activity) status \(status) \(technique ?? "no technique")" }
    }

    private func remediations(_ lines: [UInt8]) throws -> [Told] {
        try lines.split(separator: UInt8(ascii: "\n")).map { try JSON.parse(Array($0)) }
            .filter { $0["class_uid"] == 7001 }.map { event in
                let activity = try #require(event["activity_id"]?.intValue)
                #expect(event["type_uid"] == .int(700_100 + activity))
                let command = try #require(event["command_uid"]?.stringValue?.split(separator: "/").last)
                let measures = event["countermeasures"]?.arrayValue ?? []
                #expect(measures.count <= 1)
                return Told(
                    String(command), activity, try #require(event["status_id"]?.intValue),
                    measures.first?.at("d3f_technique", "uid")?.stringValue)
            }
    }

    /// - Returns: the lines of the run's bundle, which are those that a verifier makes.
    private func restored(_ deed: String) async throws -> [Told] {
        let scene = try ContainmentScene([deed])
        let place = try AuditedInstallation(scene.installation)
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["timer"])
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.installation.waitUntilEnded()
        }
        try await place.sign()
        let bundle = try await place.runBundle()
        let report = await BundleAudit.run(bundle, trust: AuditTrust())
        #expect(!report.findings.contains { $0.place == "ocsf.jsonl" }, "\(report.findings)")
        return try remediations(try #require(try Tar.files(bundle).first { $0.name == "ocsf.jsonl" }).bytes)
    }

    @Test func `a contained and restored run is two changes, each with its intent, its outcome and its word in D3FEND`()
        async throws
    {
        #expect(
            try await restored("reduce") == [
                Told("fence#2", 1, 99, "D3-UAP"), Told("fence#2", 1, 1, "D3-UAP"),
                Told("undo:fence#2", 3, 99, "D3-RUAA"), Told("undo:fence#2", 3, 1, "D3-RUAA"),
            ])
        #expect(
            try await restored("suspend") == [
                Told("fence#2", 2, 99, "D3-AL"), Told("fence#2", 2, 1, "D3-AL"),
                Told("undo:fence#2", 3, 99, "D3-ULA"), Told("undo:fence#2", 3, 1, "D3-ULA"),
            ])
    }

    // MARK: Line by line

    private func intended(
        _ number: Int, _ purpose: Call.Purpose, _ capability: String, _ stream: String = "run_1"
    ) throws -> HistoryLine {
        try line(
            "callIntended",
            [
                "step": "s",
                "call": [
                    "n": .int(Int64(number)), "purpose": .string(purpose.rawValue), "capability": .string(capability),
                    "provider": "p",
                ],
            ], stream)
    }

    private func returned(_ number: Int, _ kind: Outcome.Kind, _ stream: String = "run_1") throws -> HistoryLine {
        try line(
            "callReturned",
            ["step": "s", "n": .int(Int64(number)), "outcome": ["kind": .string(kind.rawValue)]], stream)
    }

    private func line(_ kind: String, _ body: Value, _ stream: String = "run_1") throws -> HistoryLine {
        let line: Value = [
            "stream": .string(stream), "n": 1, "at": "2026-01-01T00:00:00.000Z", "type": .string(kind), "v": 1,
            "body": body,
        ]
        return try HistoryLine.read(line.jsonBytes).get()
    }

    private func told(_ lines: [HistoryLine], _ writer: inout OCSF) throws -> [Told] {
        var bytes: [UInt8] = []
        for line in lines { writer.write(line, to: &bytes) }
        return try remediations(bytes)
    }

    @Test func `what only reads has no line, whatever it was read for`() throws {
        var writer = OCSF(views: 2)
        for purpose in Call.Purpose.allCases where purpose.isRead {
            #expect(try told([intended(1, purpose, "tokens.revoke"), returned(1, .done)], &writer) == [])
        }
        for capability in ["evidence.capture", "account.find", "sessions.list", "store.plan_restore"] {
            #expect(try told([intended(1, .act, capability), returned(1, .done)], &writer) == [])
        }
        #expect(writer.pendingCount == 0)
    }

    @Test func `a call that is sent again, or whose outcome is known later, keeps its words until it is over`() throws {
        var writer = OCSF(views: 2)
        let again = [
            try intended(1, .act, "tokens.revoke"), try returned(1, .later), try returned(1, .unknown),
            try returned(1, .done),
        ]
        #expect(try told(again, &writer).map(\.status) == [99, 6, 0, 1])
        #expect(writer.pendingCount == 0)
        let settled = [
            try intended(2, .act, "account.suspend"), try returned(2, .unknown),
            try line("callResolved", ["step": "s", "n": 2, "took_effect": true, "by": "ann", "reason": "seen"]),
        ]
        #expect(
            try told(settled, &writer) == [
                Told("s#2", 2, 99, "D3-AL"), Told("s#2", 2, 0, "D3-AL"), Told("s#2", 2, 1, "D3-AL"),
            ])
        #expect(writer.pendingCount == 0)
    }

    @Test func `an outcome whose intent is not here counts as neither success nor failure`() throws {
        var writer = OCSF(views: 2)
        #expect(try told([returned(7, .done)], &writer) == [Told("s#7", 99, 99, nil)])
        // The same call of another run is another call.
        _ = try told([intended(7, .act, "tokens.revoke", "run_2")], &writer)
        #expect(try told([returned(7, .refused)], &writer) == [Told("s#7", 99, 99, nil)])
        #expect(try told([returned(7, .done, "run_2")], &writer) == [Told("s#7", 2, 1, "D3-CR")])
    }

    @Test func `of a long period no more is remembered than calls that are not over`() throws {
        var writer = OCSF(views: 2)
        var most = 0
        for number in 1...2000 {
            let stream = "run_\(number)"
            _ = try told([intended(1, .before, "tokens.revoke", stream), returned(1, .done, stream)], &writer)
            _ = try told([intended(2, .act, "tokens.revoke", stream), returned(2, .later, stream)], &writer)
            most = max(most, writer.pendingCount)
            _ = try told([line("runEnded", [:], stream)], &writer)
        }
        #expect(most == 1)
        #expect(writer.pendingCount == 0)
    }

    @Test func `pages of version 1 are written as they were`() throws {
        var writer = OCSF(views: 1)
        let lines = [
            try intended(1, .before, "session.isolate"), try returned(1, .done),
            try intended(2, .undo, "session.isolate"), try returned(2, .done),
        ]
        #expect(
            try told(lines, &writer) == [
                Told("s#1", 99, 1, nil), Told("s#2", 3, 99, "D3-RUAA"), Told("s#2", 99, 1, nil),
            ])
        #expect(writer.pendingCount == 0)
    }

    // MARK: The table

    @Test(
        arguments: [
            ("account.suspend", "D3-ULA", 3), ("scopes.reduce", "D3-RUAA", 3), ("policy.deny_write", "D3-RUAA", 3),
            ("credential.disable", "D3-RUAA", 3), ("session.limit", "D3-RUAA", 3), ("credential.issue", "D3-CR", 2),
            ("session.isolate", nil, 3), ("workload.pause", nil, 3), ("factor.challenge", nil, 3),
            ("secret.deliver", nil, 3), ("store.restore_version", nil, 3), ("ticket.open", nil, 99),
        ] as [(String, String?, Int64)])
    func `an undo is told as the inverse of its capability, or as none`(
        _ capability: String, _ technique: String?, _ activity: Int64
    ) throws {
        var writer = OCSF(views: 2)
        let lines = [try intended(1, .undo, capability), try returned(1, .done)]
        #expect(
            try told(lines, &writer) == [Told("s#1", activity, 99, technique), Told("s#1", activity, 1, technique)])
    }

    @Test func `every technique that is named stands in the catalog under its title`() throws {
        let catalog = try #require(Framework.all.first { $0.key == "d3fend" })
        for capability in Capability.all where capability.isWrite {
            for measure in [Countermeasure.of(capability.name), .inverse(of: capability.name)] {
                for item in measure.list.arrayValue ?? [] {
                    #expect(item["version"] == .string(catalog.version))
                    let named = item["d3f_technique"]
                    let known = catalog.items.first { $0.id == named?["uid"]?.stringValue }
                    #expect(known?.title == named?["name"]?.stringValue)
                    #expect(known != nil, "\(capability.name)")
                }
            }
            // What takes something away and can be undone is told as restored.
            guard capability.isContainment, capability.reversibility == .full else { continue }
            #expect(Countermeasure.inverse(of: capability.name).activity == 3, "\(capability.name)")
        }
    }
}
