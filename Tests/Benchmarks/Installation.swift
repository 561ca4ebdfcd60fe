// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import TestKit

/// An installation of the program in a folder of its own, as an operator would have it: the playbook and the workflow
/// that the program ships, one provider, and an inventory of credentials that each have a token of their own.
final class Installation: Sendable {
    let scratch: ScratchFolder
    private static let hookSecret = "a webhook's secret for the benchmark"

    init(credentials: Range<Int>, on provider: LoopbackProvider) throws {
        scratch = try ScratchFolder("cordon-bench")
        try scratch.write("listen: { port: 0 }\nstate: state\n", to: "cordon.yaml")
        try scratch.write(
            """
            sources:
              - { id: github, connector: github, secrets: [{ file: hook-secret }] }
            providers:
              - id: login
                connector: oauth2
                settings:
                  introspection_endpoint: "\(provider.server.url)/introspect"
                  revocation_endpoint: "\(provider.server.url)/revoke"
                  client_id: bench
                secrets: { client_secret: { file: client-secret } }
                egress: { plain_http: true, loopback: true }
            """, to: "connections.yaml")
        try writeSecret(Installation.hookSecret, to: "hook-secret")
        try writeSecret("a client's secret for the benchmark", to: "client-secret")
        try writeInventory(credentials)
    }

    var settingsPath: String { scratch.path("cordon.yaml") }
    var statePath: String { scratch.path("state") }

    /// As if the program had never run here.
    func forgetState() throws {
        guard FileManager.default.fileExists(atPath: statePath) else { return }
        try FileManager.default.removeItem(atPath: statePath)
    }

    private func writeInventory(_ credentials: Range<Int>) throws {
        var text = "identities:\n"
        for number in credentials {
            text += """
                  - id: credential-\(number)
                    kind: credential
                    provider: login
                    owner: team/bench
                    matches: { issuer: github, repository: example/r\(number), secret_type: example_api_token }
                    secrets: { token: { file: tokens/\(number) } }

                """
            try writeSecret(LoopbackProvider.token(number), to: "tokens/\(number)")
        }
        try scratch.write(text, to: "identities.yaml")
        // What is measured is a flood, which the standard guards would hold.
        try scratch.write(
            "limits: { per_playbook: 100000, per_provider: 100000, per_owner: 100000, per_hour: 100000, share: 100% }\n"
                + "surge: { cap: 100000 }\n",
            to: "guards.yaml")
    }

    private func writeSecret(_ text: String, to name: String) throws {
        let path = try scratch.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// The whole request of a signed alert that opens a run on this credential; its delivery id and its subject are its
    /// own.
    static func alert(_ number: Int) -> [UInt8] {
        let body = """
            {"action":"created","alert":{"number":\(number),"created_at":"2026-11-23T18:04:05Z",\
            "html_url":"https://github.com/example/r\(number)/security/secret-scanning/\(number)","state":"open",\
            "secret_type":"example_api_token","secret_type_display_name":"Example API Token","validity":"active",\
            "publicly_leaked":false,"multi_repo":false,"push_protection_bypassed":false,"resolution":null},\
            "repository":{"id":\(number),"name":"r\(number)","full_name":"example/r\(number)","private":true,\
            "owner":{"login":"example","id":6811672,"type":"Organization"}},\
            "sender":{"login":"octocat","id":583231,"type":"User"}}
            """
        let key = SymmetricKey(data: Array(hookSecret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: key)
        let head = [
            "POST /hooks/github HTTP/1.1", "host: 127.0.0.1", "content-type: application/json",
            "x-github-event: secret_scanning_alert", "x-github-delivery: bench-\(number)",
            "x-hub-signature-256: sha256=" + code.map { String(format: "%02x", $0) }.joined(),
            "content-length: \(body.utf8.count)",
        ]
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }
}
