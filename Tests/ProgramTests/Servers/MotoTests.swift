// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
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

    private static let expel = """
        workflow: expel
        title: End what was issued for a role
        inputs:
          identity: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.identity}" } }
          - id: cut
            do: sessions.revoke
            with: { issued_by: "${inputs.identity}" }
            undo: none
            because: sessions that were ended can't be given back

        """

    private static func ending(_ name: String, _ capability: String, _ parameter: String) -> String {
        """
        workflow: \(name)
        title: End what may be ended already
        inputs:
          identity: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.identity}" } }
          - id: cut
            do: \(capability)
            with: { \(parameter): "${inputs.identity}" }
            undo: none
            because: a test of what was so before

        """
    }

    @Test func `sessions of a role are refused what was issued before, and a denied role has its own back`()
        async throws
    {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let runner = try await server.session(of: "runner", may: "iam:List*")
        let deployer = try await server.session(of: "deployer", may: "iam:List*")
        func identity(_ id: String, _ workflow: String) -> Remedy.Identity {
            Remedy.Identity(
                id: id, kind: "credential", attributes: ["iam_role": .string(id)], workflow: workflow, input: "identity"
            )
        }
        let ward = try await Ward(
            Remedy(
                connector: "aws-iam", settings: ["url": server.url, "region": "us-east-1"],
                secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
                identities: [identity("runner", "deny"), identity("deployer", "expel"), identity("nobody", "expel")],
                workflows: ["deny": Self.deny, "expel": Self.expel]))
        defer { ward.stop() }
        for key in [runner, deployer] { #expect(try await lists(server, key) == 200) }

        try await ward.accuse("runner")
        let denied = try await held("runner", ward)
        #expect(denied.step("cut")?["before"] == ["denied": false])
        #expect(try await lists(server, runner) == 403)
        try await ward.command("undo", about: "runner", because: "false alarm")
        try await ward.run(about: "runner", once: "to be undone") { $0["phase"] == "ended" }
        #expect(try await lists(server, runner) == 200)

        try await ward.accuse("deployer")
        let ended = try await ward.run(about: "deployer", once: "to end") { $0["phase"] == "ended" }
        #expect(ended.step("cut")?["verified"] == true)
        #expect(ended.step("cut")?["before"]?["policy"] == "")
        #expect(try await lists(server, deployer) == 403)
        // The server looks at no condition of a policy, so what it says is read: until when sessions are denied.
        let policy =
            try await server.call(
                ["Action": "GetRolePolicy", "RoleName": "deployer", "PolicyName": "AWSRevokeOlderSessions"],
                as: server.admin
            ).body.removingPercentEncoding ?? ""
        let told = ended.step("cut")?["before"]?["told_at"]?.stringValue ?? "nothing"
        #expect(policy.contains(#""DateLessThan""#) && policy.contains(told), "\(policy)")
        #expect(told.hasSuffix("Z") && told.count == 20)

        // A role that is not there is not one whose sessions are over.
        try await ward.accuse("nobody")
        let asking = try await ward.run(about: "nobody", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking.step("cut")?["acted"] != true)
    }

    @Test func `what AWS answers to a repeat, 404 of its own, is found to be so already`() async throws {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let bot = try await server.user("bot", may: "iam:List*")
        let gone = try await server.user("gone", may: "iam:List*")
        _ = try await server.call(
            ["Action": "DeleteAccessKey", "UserName": "gone", "AccessKeyId": gone.id], as: server.admin)
        func identity(_ id: String, _ key: Moto.Key, _ workflow: String) -> Remedy.Identity {
            Remedy.Identity(
                id: id, kind: "credential", attributes: ["user_name": .string(id), "access_key_id": .string(key.id)],
                workflow: workflow, input: "identity")
        }
        let ward = try await Ward(
            Remedy(
                connector: "aws-iam", settings: ["url": server.url, "region": "us-east-1"],
                secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
                identities: [identity("bot", bot, "allow"), identity("gone", gone, "delete")],
                workflows: [
                    "allow": Self.ending("allow", "policy.allow_write", "subject"),
                    "delete": Self.ending("delete", "credential.delete", "credential"),
                ]))
        defer { ward.stop() }
        for id in ["bot", "gone"] {
            try await ward.accuse(id)
            let run = try await ward.run(about: id, once: "to end") { $0["phase"] == "ended" }
            #expect(run.step("cut")?.calls == ["before done", "act already", "read_back done"], "\(id)")
            #expect(run.step("cut")?["note"] == "was so before the call")
        }
        #expect(try await lists(server, bot) == 200)
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
