// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// A waiting run and a workflow that its author changed meanwhile: told, moved, finished.
@Suite(.serialized)
struct RunMigrateTests {
    private static func shipped(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    @Test func `a proposal that waits over an edit of its workflow keeps its text until a person moves it`()
        async throws
    {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        try installation.scratch.write("listen: { port: 0 }\nstate: state\nlibrary: .\n", to: "cordon.yaml")
        let playbook = try Self.shipped("playbooks/secret-leaked.yaml")
        let workflow = try Self.shipped("workflows/token-revocation.yaml")
        for folder in ["playbooks", "workflows"] {
            try FileManager.default.createDirectory(
                atPath: installation.scratch.path(folder), withIntermediateDirectories: true)
        }
        try installation.scratch.write(
            playbook.replacingOccurrences(of: "mode: enforce", with: "mode: propose"),
            to: "playbooks/secret-leaked.yaml")
        try installation.scratch.write(workflow, to: "workflows/token-revocation.yaml")
        let first = try await installation.serve()
        defer { first.program.kill() }
        #expect(try await first.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await proposal(installation)
        let old = try await digest(run, installation)
        #expect(try await first.stop() == .exited(0))

        try installation.scratch.write(
            workflow + "  - id: rest\n    wait: 1s\n", to: "workflows/token-revocation.yaml")
        let second = try await installation.serve()
        defer { second.program.kill() }
        #expect(try await digest(run, installation) == old)
        try await tellBoth(run, installation)
        try await refuseMisfits(run, installation)
        let moved = try await installation.finish("run", "migrate", run, "--reason", "a second more")
        #expect(moved.end == .exited(0), "\(moved.error)")
        #expect(try await digest(run, installation) != old)
        try await approve(run, installation)
        #expect(try await installation.finish("run", "wait", run, "--timeout", "1m").end == .exited(0))
        let steps = try await installation.finish("run", "show", run, "-o", "json").json["steps"]?.arrayValue ?? []
        #expect(steps.map { $0["id"] } == ["proof", "revoke", "rest"])
        #expect(!provider.isActive)
    }

    private func proposal(_ installation: Installation) async throws -> String {
        try await eventually("the run to ask") { try await installation.runs().first?["phase"] == "asked" }
        return try #require(try await installation.runs().first?["id"]?.stringValue)
    }

    private func digest(_ run: String, _ installation: Installation) async throws -> String {
        let shown = try await installation.finish("run", "show", run, "-o", "json").json
        return try #require(shown["workflow"]?["digest"]?.stringValue)
    }

    /// The administrator may not: whoever approves does so under a name that was granted for it.
    private func approve(_ run: String, _ installation: Installation) async throws {
        let made = try await installation.finish("token", "create", "--role", "approver", "--name", "ann")
        let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let resumed = try await installation.agree(run, "go", token: token)
        #expect(resumed.end == .exited(0), "\(made.error) \(resumed.error)")
    }

    private func tellBoth(_ run: String, _ installation: Installation) async throws {
        let plain = try await installation.finish("run", "fork", run)
        #expect(plain.end == .exited(2) || plain.end == .exited(64))
        #expect(plain.error.contains("--dry-run"))
        let table = try await installation.finish("run", "fork", run, "--dry-run")
        #expect(table.end == .exited(0), "\(table.error)")
        #expect(table.output.contains("tokens.revoke at login"))
        #expect(table.output.contains("completed"))
        let refused = try await installation.finish(
            "run", "fork", run, "--dry-run", "--refuse", "tokens.revoke", "-o", "json"
        ).json
        #expect(refused["lines"]?.arrayValue?.last?["does"] == "stop")
        #expect(refused["ending"] == .null)
    }

    private func refuseMisfits(_ run: String, _ installation: Installation) async throws {
        let unknown = try await installation.finish("run", "migrate", run, "--to", "sha256:0", "--reason", "x")
        #expect(unknown.end == .exited(6))
        #expect(unknown.error.contains("no sound workflow of digest sha256:0 is stored"))
        let slip = try await installation.finish("run", "migrate", run, "--step", "rvoke=rest", "--reason", "x")
        #expect(slip.end == .exited(6))
        #expect(slip.error.contains("the old version has no step 'rvoke'; did you mean 'revoke'?"))
        let half = try await installation.finish("run", "migrate", run, "--step", "revoke", "--reason", "x")
        #expect(half.error.contains("it takes NAME=VALUE"))
    }
}
