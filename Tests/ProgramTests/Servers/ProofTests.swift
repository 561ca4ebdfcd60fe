// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// What a real Keystone lets the subject itself do, before a remedy and after it, is what proves the remedy.
@Suite(.serialized)
struct ProofTests {
    private static let demand = """
        workflow: demand
        title: Demand a second factor
        inputs:
          account: { type: service_account }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.account}" } }
          - id: demand
            do: factor.challenge
            with: { account: "${inputs.account}" }
            within: 4s
            hold: { for: 1h, then: undo }

        """

    /// This Keystone knows no totp: it takes the demand, and goes on to let in whoever has the password.
    @Test func `a token that works is refused after, a dead one proves nothing, an ignored demand is seen`()
        async throws
    {
        guard Keystone.isInstalled else { return try PythonServers.lacks("Keystone") }
        let scratch = try ScratchFolder("cordon-proof")
        let server = try await Keystone(
            in: scratch, port: try freePort(), methods: "password,token,application_credential")
        defer { server.stop() }
        let accounts = try await server.accounts("living", "dead", "ignored")
        let living = try await server.signIn(accounts[0]).token
        let dead = try await server.signIn(accounts[1]).token
        func identity(_ id: String, _ account: Keystone.Account, _ secrets: [String: String], _ workflow: String)
            -> Remedy.Identity
        {
            Remedy.Identity(
                id: id, attributes: ["user_id": .string(account.id)], secrets: secrets, workflow: workflow,
                with: workflow == "demand" ? [:] : ["hold": "1h"])
        }
        let ward = try await Ward(
            Remedy(
                connector: "keystone",
                settings: ["url": server.base, "user": "admin", "domain": "default", "project": "admin"],
                secrets: ["password": Keystone.password],
                identities: [
                    identity("living", accounts[0], ["token": living], "suspend-account"),
                    identity("dead", accounts[1], ["token": dead + "x"], "suspend-account"),
                    identity("ignored", accounts[2], ["account_password": accounts[2].password], "demand"),
                ], workflows: ["demand": Self.demand]))
        defer { ward.stop() }

        #expect(try await server.use(living) == 200)
        try await ward.accuse("living")
        let proved = try await ward.run(about: "living", once: "to hold") { $0.step("suspend")?["verified"] == true }
        let step = try #require(proved.step("suspend"))
        #expect(step.calls == ["control done", "before done", "act done", "read_back done", "verify done"])
        #expect(step["proof"]?["text"] == "proved: worked before, is refused now")
        let calls = step["calls"]?.arrayValue ?? []
        #expect(calls.first?.at("outcome", "result") == ["status": 200])
        #expect([401, 404].contains(calls.last?.at("outcome", "result", "status")?.intValue))
        #expect(try await server.use(living) != 200)
        #expect(try await ward.kinds(proved).contains("proofTaken"))

        try await ward.accuse("dead")
        let vain = try await ward.run(about: "dead", once: "to hold") { $0.step("suspend")?["verified"] == true }
        #expect(vain.step("suspend")?["proof"]?["text"] == "proved nothing: did not work before")
        #expect(vain.step("suspend")?.calls.contains { $0.hasPrefix("verify") } == false)

        try await ward.accuse("ignored")
        let asking = try await ward.run(about: "ignored", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking.step("demand")?.calls.first == "control done")
        #expect(asking.step("demand")?["proof"]?["verdict"] == "not_in_effect")
        #expect(asking["ask"]?["reason"]?.stringValue?.contains("what the subject holds still works") == true)
        #expect(asking.step("demand")?["after"]?["demanded"] == true, "the server says that it demands it")
        #expect(try await server.signIn(accounts[2]).status == 201)

        #expect(ward.leaked([living, dead, accounts[2].password, Keystone.password]) == [])
    }
}
