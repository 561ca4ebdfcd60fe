// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What comes in and leaves something open: each has its answer (`Cordon.docc/Guide/Doubt.md`), and nothing acts on a
/// guess. A listing that breaks off or is cut by its deadline is tried in `ListingTests`, two playbooks on one subject in
/// `EngineQueueTests` and `EngineContainmentTests`.
@Suite(.serialized)
struct DoubtfulInputTests {
    private func installation(_ provider: PracticeAuthority) throws -> Installation {
        let installation = try provider.installation()
        let scratch = installation.scratch
        for name in ["playbooks/secret-leaked.yaml", "workflows/token-revocation.yaml"] {
            try scratch.write(
                try String(contentsOfFile: PythonServers.root + "/" + name, encoding: .utf8), to: name)
        }
        try scratch.write(Self.workflow, to: "workflows/asked-first.yaml")
        try scratch.write(Self.playbook, to: "playbooks/asked-first.yaml")
        try scratch.write(
            try scratch.read("connections.yaml").replacingOccurrences(
                of: "    connector: oauth2\n", with: "    connector: oauth2\n    signs_in_as: [own]\n"),
            to: "connections.yaml")
        let identities = ["twin-1": "twin", "twin-2": "twin", "own": "own", "late": "late"]
        try scratch.write(
            "identities:\n"
                + identities.sorted { $0.key < $1.key }.map {
                    """
                      - id: \($0.key)
                        kind: credential
                        provider: login
                        matches: { issuer: github, secret_type: \($0.value) }
                        secrets: { token: { file: token } }

                    """
                }.joined(), to: "identities.yaml")
        return installation
    }

    private static let playbook = """
        playbook: asked-first
        title: A secret of which people are asked first
        owner: team/appsec
        mode: enforce
        trigger:
          signal: secret.exposed
          when: signal.secret_type == "late"
          subject: { kind: credential, from: signal.credential }
        run: { workflow: asked-first, with: { credential: "${subject}" } }
        maps: { owasp_nhi: [NHI2] }

        """

    private static let workflow = """
        workflow: asked-first
        title: Ask before anything is done
        inputs:
          credential: { type: credential }
        steps:
          - id: short
            task: { by: [approver], ask: Is it used?, choices: [used, unused], within: 2s, on_timeout: skip }

        """

    private func run(_ installation: Installation, of playbook: String, _ subject: String) async throws -> Value? {
        try await installation.runs().first {
            $0.at("playbook", "name") == .string(playbook) && $0["subject"] == .string("credential:\(subject)")
        }
    }

    @Test func `of whom nobody is certain nobody is touched, and what is past is not agreed to`() async throws {
        let provider = try PracticeAuthority()
        defer { provider.server.stop() }
        let installation = try installation(provider)
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        func accuse(_ type: String, _ number: Int) async throws {
            let body = Installation.alert(number: number).replacingOccurrences(of: "example_api_token", with: type)
            #expect(try await serving.post(body, delivery: "d-\(number)").status == 202)
        }
        // An unknown subject, and one of two: a person is asked, and can but end it.
        for (number, type, words) in [
            (1, "nobody", "no credential of the inventory matches"),
            (2, "twin", "more than one identity of the inventory matches: twin-1, twin-2"),
        ] {
            try await accuse(type, number)
            var found: Value?
            try await eventually("the run about \(type) to ask") {
                for run in try await installation.runs() where run["phase"] == "asked" {
                    let shown = try await installation.run(run["id"]?.stringValue ?? "")
                    if shown["why"]?.stringValue?.contains(words) == true { found = shown }
                }
                return found != nil
            }
            let id = try #require(found?["id"]?.stringValue)
            let resumed = try await installation.finish("run", "resume", id, "--reason", "go on")
            #expect(resumed.end == .exited(6), "\(resumed.error)")
            #expect(resumed.error.contains("it can only be cancelled"), "\(resumed.error)")
        }
        // Cordon's own identity: denied, without a run.
        try await accuse("own", 3)
        let token = try installation.firstToken
        try await eventually("the decision about Cordon's own identity") {
            let decisions = try await serving.get("/api/v1/decisions", token: token).json["decisions"]?.arrayValue
            return decisions?.contains { $0["verdict"] == "deny" } == true
        }
        #expect(try await installation.runs().count == 2)
        #expect(provider.introspections + provider.revocations == 0)

        try await lateness(installation, accuse)
    }

    /// An answer after the time that it was asked for counts for nothing.
    private func lateness(_ installation: Installation, _ accuse: (String, Int) async throws -> Void) async throws {
        try await accuse("late", 4)
        var shown = ""
        try await eventually("the question to be asked and its time to be over") {
            guard let id = try await run(installation, of: "asked-first", "late")?["id"]?.stringValue else {
                return false
            }
            let run = try await installation.run(id)
            shown = run.step("short")?["question"]?["shown"]?.stringValue ?? shown
            return run["phase"] == "ended"
        }
        let id = try await run(installation, of: "asked-first", "late")?["id"]?.stringValue ?? ""
        let ben = try await installation.grant("ben", "approver")
        let late = try await installation.finish(
            ["run", "answer", id, "short", "unused", "--shown", shown.isEmpty ? "sha256:0" : shown, "--reason", "yes"],
            token: ben)
        #expect(late.end == .exited(6), "\(late.error)")
    }

    @Test func `a closed session takes no heartbeat, and a runtime's clock moves no boundary`() async throws {
        let installed = try await SessionInstallation()
        let serving = try await installed.installation.serve()
        defer { serving.program.kill() }
        #expect(try await installed.open("a") == 201)
        let skewed = try await installed.api(
            "POST", "/sessions/a/heartbeat", installed.runtime,
            ["used": ["bytes": 3], "at": "2001-01-01T00:00:00Z"])
        #expect(skewed.status == 200)
        #expect((skewed.json["clock_skew_ms"]?.intValue ?? 0) < -1_000_000, "\(skewed.text)")
        #expect(skewed.json.at("verdict", "verdict") == "allow")
        let history = try await installed.api("GET", "/sessions/a/history", installed.person)
        #expect(history.text.contains("sessionSkewed"), "\(history.text)")
        #expect(try await installed.api("POST", "/sessions/a/close", installed.runtime, [:]).status == 200)
        let late = try await installed.api("POST", "/sessions/a/heartbeat", installed.runtime, ["used": ["bytes": 4]])
        #expect(late.status == 409)
        #expect(late.json.at("error", "code") == "wrong_phase")
        #expect(try await installed.alarms().isEmpty)
    }
}
