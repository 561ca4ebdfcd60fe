// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Remedies at a real OpenStack Keystone, each seen with the account's own password and token, before and after.
@Suite(.serialized)
struct KeystoneTests {
    private static let reduce = """
        workflow: reduce
        title: Take a role for a time
        inputs:
          account: { type: service_account }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.account}" } }
          - id: reduce
            do: scopes.reduce
            with: { subject: "${inputs.account}", keep: [] }
            hold: { for: 1h, then: undo }

        """

    /// One server for all of it: it takes seconds to start.
    @Test func `a real Keystone refuses what was remedied and takes it back when it is undone`() async throws {
        guard Keystone.isInstalled else { return try PythonServers.lacks("Keystone") }
        let scratch = try ScratchFolder("cordon-keystone")
        let server = try await Keystone(in: scratch, port: try freePort())
        defer { server.stop() }
        let accounts = try await server.accounts("suspended", "reduced", "early", "stepped")
        let (suspended, reduced, early, stepped) = (accounts[0], accounts[1], accounts[2], accounts[3])
        let steppedToken = try await server.signIn(stepped).token
        let ward = try await Ward(
            Remedy(
                connector: "keystone",
                settings: ["url": server.base, "user": "admin", "domain": "default", "project": "admin"],
                secrets: ["password": Keystone.password],
                identities: [
                    identity("suspended", suspended, "suspend-account", with: ["hold": "15s"]),
                    identity("reduced", reduced, "reduce"), identity("early", early, "reduce"),
                    identity("stepped", stepped, "step-up", secrets: ["token": steppedToken], with: ["hold": "1h"]),
                ], workflows: ["reduce": Self.reduce]
            ))
        defer { ward.stop() }

        async let one: Void = suspension(suspended, server, ward)
        async let two: Void = reduction(reduced, server, ward)
        async let three: Void = repetition(early, server, ward)
        async let four: Void = stepUp(stepped, steppedToken, server, ward)
        _ = try await (one, two, three, four)

        #expect(ward.leaked([Keystone.password, steppedToken]) == [])
        #expect(!ward.serving.program.error.contains(Keystone.password))
    }

    private func identity(
        _ id: String, _ account: Keystone.Account, _ workflow: String, secrets: [String: String] = [:],
        with: [String: String] = [:]
    ) -> Remedy.Identity {
        Remedy.Identity(
            id: id,
            attributes: [
                "user_id": .string(account.id), "project_id": .string(account.project),
                "role_id": .string(account.member),
            ], secrets: secrets, workflow: workflow, with: with)
    }

    /// The hold ends by itself: the account signs in again, and the token from before stays dead.
    private func suspension(
        _ account: Keystone.Account, _ server: Keystone, _ ward: Ward
    ) async throws {
        let (status, token) = try await server.signIn(account)
        #expect(status == 201)
        #expect(try await server.use(token) == 200)
        try await ward.accuse("suspended")
        let held = try await ward.run(about: "suspended", once: "to hold") {
            $0.step("suspend")?["verified"] == true
        }
        #expect(try await server.signIn(account).status == 401)
        #expect([401, 404].contains(try await server.use(token)))
        #expect(held.step("suspend")?["before"] == ["enabled": true, "name": "suspended"])
        #expect(held.step("suspend")?["after"] == ["enabled": false, "name": "suspended"])
        let ended = try await ward.run(about: "suspended", once: "to end") { $0["phase"] == "ended" }
        #expect(ended["ending"] == "completed")
        #expect(ended.step("suspend")?["undone"] == true)
        #expect(ended.step("undo:suspend")?["verified"] == true)
        #expect(try await server.signIn(account).status == 201)
        #expect(try await server.use(token) != 200)
    }

    /// A token that lives loses the role at once and gets it back.
    private func reduction(
        _ account: Keystone.Account, _ server: Keystone, _ ward: Ward
    ) async throws {
        let token = try await server.signIn(account).token
        let before = try await server.roles(of: token)
        #expect(before == ["member", "reader"])
        try await ward.accuse("reduced")
        try await ward.run(about: "reduced", once: "to hold") {
            $0.step("reduce")?["verified"] == true
        }
        #expect(try await server.roles(of: token) == ["reader"])
        try await ward.command("hold", about: "reduced", then: ["reduce", "--then", "undo"], because: "false alarm")
        try await ward.run(about: "reduced", once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.roles(of: token) == before)
    }

    /// What was so before is found so: the provider answers 404, and what is read tells that nothing is missing.
    private func repetition(
        _ account: Keystone.Account, _ server: Keystone, _ ward: Ward
    ) async throws {
        _ = try await server.ask(
            "DELETE", "/projects/\(account.project)/users/\(account.id)/roles/\(account.member)")
        try await ward.accuse("early")
        let run = try await ward.run(about: "early", once: "to hold") {
            $0.step("reduce")?["verified"] == true
        }
        #expect(run.step("reduce")?["note"] == "was so before the call")
        // The inventory has no token of this one's, so nothing is proved, and nothing waits for that.
        #expect(run.step("reduce")?.calls == ["control refused", "before done", "act already", "read_back done"])
        #expect(run.step("reduce")?["proof"]?["verdict"] == "no_control")
        try await ward.command("hold", about: "early", then: ["reduce", "--then", "undo"], because: "over")
        let ended = try await ward.run(about: "early", once: "to end") { $0["phase"] == "ended" }
        // What it did not take it does not give.
        #expect(ended.step("undo:reduce")?.calls == ["before done"])
        let roles = try await server.roles(of: try await server.signIn(account).token)
        #expect(roles == ["reader"])
    }

    /// A password alone no longer suffices, the old token is dead, and where an administrator changed the demand since,
    /// the undo waits for a person.
    private func stepUp(
        _ account: Keystone.Account, _ token: String, _ server: Keystone, _ ward: Ward
    ) async throws {
        #expect(try await server.use(token) == 200)
        try await ward.accuse("stepped")
        let held = try await ward.run(about: "stepped", once: "to hold") {
            $0.step("token")?["verified"] == true
        }
        #expect(try await server.use(token) != 200)
        #expect(try await server.signIn(account).status == 401)
        #expect(held.step("demand")?["verified"] == true)
        let rules: Value = ["user": ["options": ["multi_factor_auth_rules": [["totp"]]]]]
        #expect(try await server.ask("PATCH", "/users/\(account.id)", rules).status == 200)
        try await ward.command("hold", about: "stepped", then: ["demand", "--then", "undo"], because: "false alarm")
        let asking = try await ward.run(about: "stepped", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking["ask"]?["kind"] == "undo_conflict")
        #expect(asking["ask"]?["reason"]?.stringValue?.hasPrefix("somebody changed it since") == true)
        #expect(try await server.signIn(account).status == 401)
        try await ward.command("resume", about: "stepped", then: ["--force"], because: "the other change was a mistake")
        try await ward.run(about: "stepped", once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.signIn(account).status == 201)
    }
}
