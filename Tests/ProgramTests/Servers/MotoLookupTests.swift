// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import Foundation
import TestKit
import Testing

/// An alert that names an access key and nobody: AWS's own interface says whose it is, and that key alone is disabled.
@Suite(.serialized)
struct MotoLookupTests {
    private static let secret = Data("32 bytes that a runtime signs by".utf8)

    private static let workflow = """
        workflow: disable
        title: Contain a key for a time
        inputs:
          key: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.key}" } }
          - id: cut
            do: credential.disable
            with: { credential: "${inputs.key}" }
            hold: { for: 1h, then: undo }

        """
    private static let playbook = """
        playbook: key-misused
        title: A key is used from where it is not
        owner: team/tests
        mode: enforce
        trigger:
          signal: identity.suspected
          when: has(signal.session)
          on_undecided: ask
          subject: { kind: credential, from: signal.session }
        run:
          workflow: disable
          with: { key: "${subject}" }
        maps: { owasp_nhi: [NHI2] }

        """

    private func installation(_ server: Moto) throws -> Installation {
        let installation = try Installation.alone()
        let scratch = installation.scratch
        try scratch.writePrivate("whsec_" + Self.secret.base64EncodedString(), to: "runtime")
        try scratch.writePrivate(server.admin.id, to: "key-id")
        try scratch.writePrivate(server.admin.secret, to: "key-secret")
        try scratch.write(
            """
            sources:
              - { id: runtime, connector: native, secrets: [{ file: runtime }] }
            providers:
              - id: aws
                connector: aws-iam
                settings: { url: "\(server.url)", region: us-east-1 }
                secrets: { access_key_id: { file: key-id }, secret_access_key: { file: key-secret } }
                egress: { plain_http: true, loopback: true }

            """, to: "connections.yaml")
        try scratch.write("identities: []\n", to: "identities.yaml")
        try scratch.write(Self.workflow, to: "workflows/disable.yaml")
        try scratch.write(Self.playbook, to: "playbooks/key-misused.yaml")
        return installation
    }

    private func accuse(_ key: String, at serving: Installation.Serving) async throws -> String {
        let body = """
            {"kind":"identity.suspected","severity":"high","signal":{"identity":{"issuer":"aws","type":"unknown"},\
            "event":"UnauthorizedAccess","session":{"issuer":"aws","type":"access_key","id":"\(key)"},"resources":[]}}
            """
        let time = Int(Date(timeIntervalSinceNow: 0).timeIntervalSince1970)
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(key).\(time).\(body)".utf8), using: SymmetricKey(data: Self.secret))
        let answer = try await serving.web.ask(
            "POST", serving.url + "/hooks/runtime",
            headers: [
                ("content-type", "application/json"), ("webhook-id", key), ("webhook-timestamp", "\(time)"),
                ("webhook-signature", "v1," + Data(code).base64EncodedString()),
            ], body: body)
        #expect(answer.status == 202)
        return answer.json["alert"]?.stringValue ?? ""
    }

    @Test func `whose key it is, is asked of AWS; a key of nobody and Cordon's own are left alone`() async throws {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let leaked = try await server.user("leaked", may: "iam:List*")
        let other = try await server.user("other", may: "iam:List*")
        let ward = try await Ward(serving: try installation(server))
        defer { ward.stop() }

        let alert = try await accuse(leaked.id, at: ward.serving)
        let run = try await ward.run(about: "aws/\(leaked.id)", once: "to hold") { $0.step("cut")?["verified"] == true }
        #expect(run.step("cut")?["before"]?["status"] == "Active")
        #expect(try await status(of: leaked, user: "leaked", server) == "Inactive")
        #expect(try await status(of: other, user: "other", server) == "Active")
        let shown = try await ward.installation.finish("alert", "show", alert)
        #expect(shown.output.contains("as aws/\(leaked.id)"), "\(shown.output)\(shown.error)")

        // A draft is tried on whom the history says was found.
        let simulated = try await ward.installation.finish("playbook", "simulate", "key-misused", "-o", "json")
        #expect(try simulated.json["identities"] == [.string("credential:aws/\(leaked.id)")], "\(simulated.error)")

        for (key, says) in [
            ("AKIAGHOST00000000000", "aws names nobody"), (server.admin.id, "what Cordon itself signs in there as"),
        ] {
            let id = try await accuse(key, at: ward.serving)
            try await eventually("the alert of \(key) is decided") {
                let shown = try await ward.installation.finish("alert", "show", id, "-o", "json")
                return shown.output.contains(says)
            }
        }
        #expect(try await status(of: server.admin, user: "admin", server) == "Active")

        try await ward.command("undo", about: "aws/\(leaked.id)", because: "false alarm")
        try await ward.run(about: "aws/\(leaked.id)", once: "to be undone") { $0["phase"] == "ended" }
        #expect(try await status(of: leaked, user: "leaked", server) == "Active")
        #expect(ward.leaked([server.admin.secret]) == [])
    }

    private func status(of key: Moto.Key, user: String, _ server: Moto) async throws -> String? {
        Moto.text(
            of: "Status",
            in: try await server.call(["Action": "ListAccessKeys", "UserName": user], as: server.admin).body)
    }
}
