// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonLanguage
import Foundation
import TestKit
import Testing

/// Four eyes, at the built program: who published may not approve, and the verifier says when somebody did.
@Suite(.serialized)
struct AuthorCommandTests {
    private static let workflow = """
        workflow: agreed
        title: It
        inputs:
          credential: { type: credential }
        steps:
          - id: gate
            approve: { by: approver, exclude_author: true, within: 4h, on_timeout: skip }
          - { id: calm, wait: 1h }

        """
    private static let playbook = """
        playbook: leak
        title: Secret found
        owner: team/appsec
        mode: enforce
        trigger: { signal: secret.exposed, subject: { kind: credential, from: signal.credential } }
        run: { workflow: agreed, with: { credential: "${subject}" } }
        maps: { owasp_nhi: [NHI2] }

        """

    private func installation() async throws -> Installation {
        let installation = try Installation.alone()
        try installation.scratch.write(Self.workflow, to: "workflows/agreed.yaml")
        try installation.scratch.write(Self.playbook, to: "playbooks/leak.yaml")
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        for name in ["github", "oauth2"] {
            let text = try String(contentsOfFile: "\(root)/workflows/connectors/\(name).yaml", encoding: .utf8)
            try installation.scratch.write(text, to: "workflows/connectors/\(name).yaml")
        }
        #expect(try await installation.finish("init").end == .exited(0))
        return installation
    }

    private func token(_ installation: Installation, _ role: String, _ name: String) async throws -> String {
        let made = try await installation.finish("token", "create", "--role", role, "--name", name, "-o", "json")
        return try #require(try made.json["token"]?.stringValue, "\(made.error)")
    }

    private func codes(_ ended: Installation.Ended) throws -> [String] {
        (try ended.json["findings"]?.arrayValue ?? []).compactMap { $0["code"]?.stringValue }
    }

    @Test func `the author of a playbook is recorded, may not approve its run, and is found where the record says so`()
        async throws
    {
        let place = try await installation()
        let nobody = try await place.finish("playbook", "publish", "leak")
        #expect(nobody.end == .exited(0) && nobody.error.contains("no author is named"), "\(nobody.error)")
        #expect(nobody.output.contains("unknown"))
        let named = try await place.finish("playbook", "publish", "leak", "--author", "alice")
        #expect(named.end == .exited(0) && named.output.contains("alice"), "\(named.output)\(named.error)")
        #expect(try await place.finish("playbook", "publish", "--author", "").end == .exited(64))

        let serving = try await place.serve()
        defer { serving.program.kill() }
        let (alice, bob) = (try await token(place, "approver", "alice"), try await token(place, "approver", "bob"))
        let twice = try await place.finish("playbook", "publish", "--author", "alice")
        #expect(twice.end == .exited(64) && twice.error.contains("a server runs"), "\(twice.error)")
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to ask") { try await place.runs().first?["phase"] == "asked" }
        let run = try #require(try await place.runs().first?["id"]?.stringValue)
        let steps = try await place.finish("run", "show", run, "-o", "json").json["steps"]?.arrayValue ?? []
        let digests = steps.compactMap { $0.at("question", "shown")?.stringValue }
        let shown = try #require(digests.first)
        let answer = ["run", "answer", run, "gate", "approve", "--shown", shown, "--reason", "looked"]
        let refused = try await place.finish(answer, token: alice)
        #expect(refused.end != .exited(0))
        #expect(refused.error.contains("alice put playbook leak and workflow agreed in force"), "\(refused.error)")
        let agreed = try await place.finish(answer, token: bob)
        #expect(agreed.end == .exited(0), "\(agreed.error)")
        #expect(try await serving.stop() == .exited(0))

        let sound = try await place.finish("audit", "verify", "-o", "json")
        #expect(sound.end == .exited(0), "\(sound.output)")
        let told = try codes(sound)
        #expect(!told.contains("answerByAuthor") && !told.contains("authorUnknown"))
        let exported = try await place.finish("run", "export", run, "--reason", "audit", "--out", "run.tar")
        #expect(exported.end == .exited(0), "\(exported.error)")
        let bundle = try await place.finish("audit", "verify", "run.tar", "-o", "json")
        #expect(bundle.end == .exited(0), "\(bundle.output)")
        #expect(try !codes(bundle).contains("authorUnknown"))

        // Somebody with the database makes it alice's answer.
        try change(
            place.scratch.path("state/cordon.db"),
            "UPDATE entry SET bytes = CAST(replace(bytes, '\"bob\"', '\"alice\"') AS BLOB) WHERE kind = 'answerGiven'")
        let broken = try await place.finish("audit", "verify", "-o", "json")
        #expect(broken.end == .exited(9))
        #expect(try codes(broken).contains("answerByAuthor") && codes(broken).contains("entryChanged"))
    }

    private func change(_ database: String, _ sql: String) throws {
        var connection: OpaquePointer?
        try #require(sqlite3_open(database, &connection) == SQLITE_OK)
        defer { sqlite3_close(connection) }
        let status = sqlite3_exec(connection, "DROP TRIGGER entry_never_changes; \(sql);", nil, nil, nil)
        try #require(status == SQLITE_OK, "\(sql): \(String(cString: sqlite3_errmsg(connection)))")
        #expect(sqlite3_total_changes(connection) > 0, "\(sql) changes nothing")
    }
}
