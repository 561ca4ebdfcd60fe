// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Secrets planted wherever one may stand, and everything that the program wrote or said searched for them.
@Suite(.serialized)
struct CanaryTests {
    private static let environment = "canary-env-9f31c2"
    private static let file = "canary-file-77ab04"
    private static let answered = "canary-answer-51de88"
    private static let header = "canary-header-c0ffee"
    /// What the alert itself says: cut out before it is stored.
    private static let body = "canary-body-3a3a3a"

    /// An authorization server that says back whatever it was told, and more, in bodies and headers, also when it fails.
    private func server() throws -> LoopbackServer {
        try LoopbackServer { request in
            let told = "\(request.bodyText) \(request.headers["authorization"] ?? "")"
            let headers = [
                "content-type": "application/json", "x-debug": Self.header, "set-cookie": "sid=\(Self.header)",
                "www-authenticate": "Bearer error=\"\(Self.header)\"",
            ]
            let noise: Value = ["debug": .string(told), "client_secret": .string(Self.answered)]
            switch (request.path, request.order) {
            // The first revocation fails with all that a careless server shows.
            case ("/revoke", ...3): return .respond(500, headers, noise.json)
            case ("/revoke", _): return .respond(200, headers, noise.json)
            default:
                var body = noise.objectValue ?? [:]
                body["active"] = .bool(request.order < 4)
                return .respond(200, headers, Value.object(body).json)
            }
        }
    }

    private func installation(_ server: LoopbackServer) throws -> Installation {
        let installation = try Remedy(
            connector: "oauth2",
            settings: [
                "introspection_endpoint": server.url + "/introspect", "revocation_endpoint": server.url + "/revoke",
                "client_id": "cordon",
            ], secrets: ["client_secret": "replaced below"],
            identities: [
                Remedy.Identity(
                    id: "leaked", kind: "credential", attributes: [:], secrets: ["token": Self.file],
                    workflow: "token-revocation", input: "credential")
            ]
        ).installation()
        let connections = try installation.scratch.read("connections.yaml")
        try installation.scratch.write(
            connections.replacingOccurrences(
                of: "{ file: provider-client_secret }", with: "{ env: CANARY_CLIENT_SECRET }"), to: "connections.yaml")
        return installation
    }

    @Test func `no secret is in a log, a line, an answer, a bundle or a file that did not hold it before`() async throws
    {
        let server = try server()
        defer { server.stop() }
        let installation = try installation(server)
        let serving = try await installation.serve(
            wrapper: ["/usr/bin/env", "CANARY_CLIENT_SECRET=\(Self.environment)"])
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let alert = Installation.alert().replacingOccurrences(of: "example_api_token", with: "leaked")
            .replacingOccurrences(of: #""state":"open""#, with: #""state":"open","secret":"\#(Self.body)""#)
        #expect(try await serving.post(alert, delivery: "d-1").status == 202)
        var run = ""
        try await eventually("the run to come to its end, or to ask") {
            let listed = try await serving.get("/api/v1/runs?limit=10", token: token).json["runs"]?.arrayValue ?? []
            run = listed.first?["id"]?.stringValue ?? ""
            return ["ended", "asked"].contains(listed.first?["phase"]?.stringValue ?? "")
        }
        #expect(server.requests.contains { $0.bodyText.contains(Self.file) }, "it was used")
        #expect(
            server.requests.contains {
                ($0.headers["authorization"] ?? "").contains(
                    Data("cordon:\(Self.environment)".utf8).base64EncodedString())
            }, "it was used")

        var said: [String: String] = [:]
        for words in [
            ["run", "show", run, "-o", "json"], ["run", "list", "-o", "json"], ["run", "why", run],
            ["doctor", "-o", "json"], ["audit", "verify"], ["connector", "check", "oauth2"], ["playbook", "check"],
            ["run", "export", run, "--out", installation.scratch.path("bundle.tar")],
        ] {
            let ended = try await installation.finish(words)
            said[words.joined(separator: " ")] = ended.output + ended.error
        }
        for path in ["/api/v1/runs/\(run)", "/api/v1/alerts?limit=10", "/metrics", "/healthz"] {
            said[path] = try await serving.get(path, token: token).text
        }
        serving.program.terminate()
        try await serving.program.waitForExit()
        said["serve"] = serving.program.output + serving.program.error

        let encoded = Data("cordon:\(Self.environment)".utf8).base64EncodedString()
        let everywhere = [Self.environment, encoded, Self.file, Self.answered, Self.header, Self.body]
        for (what, text) in said {
            for secret in everywhere { #expect(!text.contains(secret), "\(secret) in \(what)") }
        }
        try expectNone(of: everywhere, in: installation)
    }

    /// The files of the installation, but for the one that holds the secret by its owner's wish.
    private func expectNone(of secrets: [String], in installation: Installation) throws {
        let folder = installation.scratch.path
        let walker = try #require(FileManager.default.enumerator(atPath: folder))
        var looked = 0
        for case let name as String in walker where name != "leaked-token" {
            guard let contents = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
            looked += 1
            for secret in secrets {
                #expect(contents.range(of: Data(secret.utf8)) == nil, "\(secret) in \(name)")
            }
        }
        #expect(looked > 10)
    }
}
