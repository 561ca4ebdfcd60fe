// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What guides the author of a connector: its mistakes, what it leaves open, and what it makes of bodies and answers.
@Suite(.serialized)
struct ConnectorCommandTests {
    private static let keyring = """
        connector: keyring
        title: A keyring
        vendor: https://keyring.example/docs
        provider:
          settings: { url: { type: url } }
          secrets: [api_key]
          subject_secrets: []
          authentication: { scheme: header, prefix: Bearer, secret: api_key }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, path: "/keys/${with.of.key_id}" }
              answers: { done: [200], refused: [401, 403, 404], later: [429, 503] }
              keep: [id, enabled]
            credential.delete:
              class: convergent
              request: { method: DELETE, to: url, path: "/keys/${with.credential.key_id}" }
              answers:
                done: [204]
                already: [404]
                rules: [{ status: [404], that: 'body.code != "no_such_key"', means: refused }]
            credential.disable:
              class: convergent
              request: { method: PATCH, to: url, path: "/keys/${with.credential.key_id}", json: { enabled: false } }
              answers: { done: [200], later: [429] }
              state:
                request: { method: GET, to: url, path: "/keys/${with.credential.key_id}" }
                answers: { done: [200], later: [429] }
                keep: [enabled]
              probe: after.enabled == false
              undo:
                request: { method: PATCH, to: url, path: "/keys/${with.credential.key_id}", json: { enabled: true } }
                answers: { done: [200] }
              reversibility: full
            grants.list:
              class: read
              request: { method: GET, to: url, path: "/grants" }
              answers: { done: [200], later: [429] }
              keep: { grants: "${body}" }

        """

    @Test func `a good connector is told with what it leaves open, a broken one by its place`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(Self.keyring, to: "keyring.yaml")
        let good = try await installation.finish("connector", "check", "keyring.yaml")
        #expect(good.end == .exited(0), "\(good.error)")
        for line in [
            "  credential.delete (convergent, no undo)",
            "    asks: DELETE url/keys/${with.credential.key_id}, again 404",
            "    open: nobody looks whether it took effect; say under 'state' what is read",
            "    open: no answer means 'later'; which one says that it was asked too often?",
            "  credential.disable (convergent, undo gives all back)", "    in effect when after.enabled == false",
            "    open: the first page passes for the whole; 'pages' says how the listing goes on, if it does",
        ] {
            #expect(good.output.split(separator: "\n").contains { $0 == line }, "\(line)")
        }
        let broken = Self.keyring.replacingOccurrences(of: "with.of.key_id", with: "wiht.of.key_id")
        try installation.scratch.write(broken, to: "keyring.yaml")
        let bad = try await installation.finish("connector", "check", "keyring.yaml")
        #expect(bad.end == .exited(10))
        #expect(bad.errorLines.first?.hasPrefix("keyring.yaml:12:55: error[X") == true, "\(bad.error)")
        #expect(bad.errorLines.contains { $0.contains("^^^^") })
        #expect(try await installation.finish("connector", "check", "nobody").end == .exited(3))
        let shipped = try await installation.finish("connector", "check", "okta", "-o", "json")
        #expect(try JSON.parse(shipped.output).arrayValue?.first?["connector"] == "okta")
    }

    @Test func `a body is told as the signals that it means`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(Installation.alert(), to: "leak.json")
        try installation.scratch.write("{}", to: "nothing.json")
        let test = ["connector", "test", "github", "--header", "x-github-event=secret_scanning_alert", "-o", "jsonl"]
        let heard = try await installation.finish(test + ["--body", "leak.json"])
        #expect(heard.end == .exited(0), "\(heard.error)")
        let signal = try JSON.parse(heard.output)
        #expect(signal["kind"] == "secret.exposed")
        #expect(signal["with"]?["secret_type"] == "example_api_token")
        let unheard = try await installation.finish(test + ["--body", "nothing.json"])
        #expect(unheard.end == .exited(1))
        #expect(try await installation.finish("connector", "test", "github").end == .exited(64))
        #expect(try await installation.finish("connector", "test", "okta", "--answer", "x").end == .exited(64))
    }

    @Test func `a provider that is there is read, and nothing of it is changed`() async throws {
        let server = try LoopbackServer { request in
            switch (request.method, request.path, request.headers["authorization"]) {
            case ("GET", "/keys/k1", "Bearer key-0192"): .json(#"{"id":"k1","enabled":true,"secret":"s"}"#)
            default: .respond(404)
            }
        }
        defer { server.stop() }
        let installation = try Installation.alone()
        let scratch = installation.scratch
        try scratch.write(Self.keyring, to: "workflows/connectors/keyring.yaml")
        // A library of its own: none of the playbooks that ship.
        try FileManager.default.createDirectory(
            atPath: scratch.path("playbooks"), withIntermediateDirectories: true)
        let key = try scratch.write("key-0192\n", to: "key")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        try scratch.write(
            """
            sources: []
            providers:
              - id: keys
                connector: keyring
                settings: { url: "https://keyring.example/" }
                secrets: { api_key: { file: key } }
                egress: { plain_http: true, loopback: true }
            """, to: "connections.yaml")
        try scratch.write(
            """
            identities:
              - id: billing
                kind: credential
                provider: keys
                matches: { a: b }
                attributes: { key_id: k1 }
            """, to: "identities.yaml")
        let test = ["connector", "test", "keyring", "--provider", "keys", "--to", server.url, "-o", "json"]
        let read = try await installation.finish(test + ["--subject", "billing"])
        #expect(read.end == .exited(1), "grants.list is answered with 404")
        let told = try JSON.parse(read.output).arrayValue ?? []
        #expect(told.map { $0["call"]?.stringValue } == ["credential.disable", "evidence.capture", "grants.list"])
        #expect(told.first?["keeps"] == ["enabled": true])
        #expect(told.last?["outcome"] == "refused")
        #expect(server.requests.allSatisfy { $0.method == "GET" })
        #expect(!(read.output + read.error).contains("key-0192"))
        #expect(try await installation.finish(test + ["--subject", "nobody"]).end == .exited(3))
    }
}
