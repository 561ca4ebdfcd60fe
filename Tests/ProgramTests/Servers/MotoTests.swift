// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// Remedies at AWS's own interface, with every signature checked and every policy enforced.
@Suite(.serialized)
struct MotoTests {
    static let deny = workflow("deny", "policy.deny_write", "subject", "inputs.identity")
    private static let disable = workflow("disable", "credential.disable", "credential", "inputs.identity")

    private static func workflow(_ name: String, _ capability: String, _ parameter: String, _ value: String) -> String {
        """
        workflow: \(name)
        title: Contain an identity for a time
        inputs:
          identity: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${\(value)}" } }
          - id: cut
            do: \(capability)
            with: { \(parameter): "${\(value)}" }
            hold: { for: 1h, then: undo }

        """
    }

    @Test func `AWS refuses a denied user's own key, shows a disabled key, and takes both back`() async throws {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let bot = try await server.user("bot", may: "iam:List*")
        let leaked = try await server.user("leaked", may: "iam:List*")
        let ward = try await Ward(remedy(server, server.admin, bot, leaked))
        defer { ward.stop() }

        #expect(try await lists(server, bot) == 200)
        try await ward.accuse("bot")
        try await ward.accuse("leaked")
        try await ward.accuse("ghost")
        let denied = try await held("bot", ward)
        #expect(try await lists(server, bot) == 403)
        #expect(denied.step("cut")?["before"] == ["denied": false])
        // Inactive keys go on to work here, so that one is read back and not tried.
        let disabled = try await held("leaked", ward)
        #expect(disabled.step("cut")?["before"]?["status"] == "Active")
        #expect(try await status(of: leaked, server) == "Inactive")
        // Session credentials that were made from the key before live on, and nobody can call them back.
        #expect(disabled["residual"]?["of"] == "session credentials that were made from the key before")
        #expect(denied["residual"] == .null)
        // The list names no such key: nobody's key is taken for it.
        let ghost = try await ward.run(about: "ghost", once: "to ask") { $0["phase"] == "asked" }
        #expect(ghost.step("cut")?.calls == ["before refused"])

        for id in ["bot", "leaked"] {
            try await ward.command("undo", about: id, because: "false alarm")
            try await ward.run(about: id, once: "to be undone") { $0["phase"] == "ended" }
        }
        #expect(try await lists(server, bot) == 200)
        #expect(try await status(of: leaked, server) == "Active")
        #expect(ward.leaked([server.admin.secret]) == [])
    }

    @Test func `a signature that AWS does not take changes nothing and asks a person`() async throws {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let bot = try await server.user("bot", may: "iam:List*")
        let wrong = Moto.Key(id: server.admin.id, secret: "not-the-secret")
        let ward = try await Ward(remedy(server, wrong, bot, bot))
        defer { ward.stop() }
        try await ward.accuse("bot")
        let asking = try await ward.run(about: "bot", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking["ask"]?["reason"]?.stringValue?.contains("HTTP 403") == true)
        #expect(try await lists(server, bot) == 200)
    }

    private func remedy(
        _ server: Moto, _ key: Moto.Key, _ bot: Moto.Key, _ leaked: Moto.Key
    ) -> Remedy {
        func identity(_ id: String, _ user: String, _ key: String, _ workflow: String) -> Remedy.Identity {
            Remedy.Identity(
                id: id, kind: "credential", attributes: ["user_name": .string(user), "access_key_id": .string(key)],
                workflow: workflow, input: "identity")
        }
        return Remedy(
            connector: "aws-iam", settings: ["url": server.url, "region": "us-east-1"],
            secrets: ["access_key_id": key.id, "secret_access_key": key.secret],
            identities: [
                identity("bot", "bot", bot.id, "deny"), identity("leaked", "leaked", leaked.id, "disable"),
                identity("ghost", "leaked", "AKIAGHOST00000000000", "disable"),
            ], workflows: ["deny": Self.deny, "disable": Self.disable]
        )
    }

    private func held(_ id: String, _ ward: Ward) async throws -> Value {
        try await ward.run(about: id, once: "to hold") { $0.step("cut")?["verified"] == true }
    }

    private func lists(_ server: Moto, _ key: Moto.Key) async throws -> Int {
        try await server.call(["Action": "ListUsers"], as: key).status
    }

    private func status(of key: Moto.Key, _ server: Moto) async throws -> String? {
        Moto.text(
            of: "Status",
            in: try await server.call(["Action": "ListAccessKeys", "UserName": "leaked"], as: server.admin).body)
    }
}
