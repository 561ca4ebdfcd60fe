// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import Synchronization
import TestKit
import Testing

/// The built program whose secrets lie in a Vault that is sealed when it starts.
@Suite(.serialized)
struct VaultServeTests {
    private static let token = "vault-held-token-19c3"
    private static let hook = "vault-held-hook-7d02"

    /// A Vault and a provider behind one port; what the provider was sent is kept by the server.
    private final class Site: Sendable {
        let server: LoopbackServer
        private let seal: Seal

        private final class Seal: Sendable {
            let isSealed = Mutex(true)
        }

        init() throws {
            let seal = Seal()
            self.seal = seal
            server = try LoopbackServer { request in
                guard request.path.hasPrefix("/v1/") else {
                    return .json(#"{"id":"good","status":"ACTIVE","profile":{"login":"bot@example.org"}}"#)
                }
                if seal.isSealed.withLock({ $0 }) { return .json(#"{"errors":["Vault is sealed"]}"#, status: 503) }
                guard request.headers["x-vault-token"] == "s.given" else {
                    return .json(#"{"auth":{"client_token":"s.given","lease_duration":3600,"renewable":true}}"#)
                }
                let held = #"{"api_token":"\#(VaultServeTests.token)","hook":"\#(VaultServeTests.hook)"}"#
                return .json(#"{"lease_duration":0,"data":{"data":\#(held),"metadata":{"destroyed":false}}}"#)
            }
        }

        func unseal() { seal.isSealed.withLock { $0 = false } }
        var authorizations: Set<String> {
            Set(server.requests.filter { !$0.path.hasPrefix("/v1/") }.compactMap { $0.headers["authorization"] })
        }
    }

    private func installation(_ site: Site) throws -> Installation {
        let installation = try Remedy(
            connector: "okta", settings: [:], secrets: ["role": "role-1", "secret": "secret-1"],
            identities: [Remedy.Identity(id: "good", attributes: ["okta_id": "good"], workflow: "suspend-account")]
        ).installation()
        let plain = "egress: { plain_http: true, loopback: true }"
        try installation.scratch.write(
            """
            vault:
              url: "\(site.server.url)"
              login: { role_id: { file: provider-role }, secret_id: { file: provider-secret } }
              \(plain)
            sources:
              - { id: github, connector: github, secrets: [{ file: hook-secret }] }
              - { id: other, connector: gitlab, secrets: [{ vault: secret/data/cordon#hook }], authentication: { scheme: token, header: x-gitlab-token } }
            providers:
              - { id: idp, connector: okta, settings: { url: "\(site.server.url)" }, secrets: { api_token: { vault: secret/data/cordon#api_token } }, \(plain) }

            """, to: "connections.yaml")
        return installation
    }

    @Test func `what needs a secret waits and says for which, and goes on by itself once the Vault answers`()
        async throws
    {
        let site = try Site()
        defer { site.server.stop() }
        let ward = try await Ward(serving: try installation(site))
        defer { ward.stop() }
        func deliver() async throws -> Int {
            try await ward.serving.web.ask(
                "POST", ward.serving.url + "/hooks/other",
                headers: [("content-type", "application/json"), ("x-gitlab-token", Self.hook)], body: "{}"
            ).status
        }
        try await eventually("the start says which secret it lacks") {
            ward.serving.program.error.contains("vault:secret/data/cordon: the Vault is sealed")
        }
        #expect(try await deliver() == 503, "to be sent again")
        try await ward.accuse("good")
        let run = try await ward.run(about: "good", once: "to wait") {
            $0["why"]?.stringValue?.contains("again") == true
        }
        let why = try await ward.installation.finish("run", "why", run["id"]?.stringValue ?? "")
        #expect(
            why.output.contains("not sent: vault:secret/data/cordon#api_token: the Vault is sealed"), "\(why.output)")
        #expect(site.authorizations.isEmpty, "nothing was asked without it")
        let doctor = try await ward.installation.finish("doctor")
        #expect(doctor.output.contains("vault:secret/data/cordon#api_token"))

        site.unseal()
        try await eventually("what it sends is taken") { try await deliver() == 202 }
        let id = run["id"]?.stringValue ?? ""
        try await eventually("the provider is asked with the secret", seconds: 120) {
            // A machine that was slow until here may have used up the step's tries: then a person has it go on.
            if try await ward.installation.runs().first?["phase"] == "asked" {
                _ = try await ward.installation.finish("run", "resume", id, "--reason", "the Vault answers")
            }
            return site.authorizations == ["SSWS \(Self.token)"]
        }
        #expect(ward.leaked([Self.token, Self.hook, "s.given"]) == [])
        #expect(!ward.serving.program.error.contains(Self.token))
    }
}
