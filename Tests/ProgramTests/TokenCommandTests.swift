// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Tokens from the command line: created, listed and revoked, through the running server or in the store itself.
@Suite(.serialized)
struct TokenCommandTests {
    @Test(arguments: [true, false])
    func `a token is created, listed without itself, and revoked`(_ isServed: Bool) async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        if !isServed { #expect(try await serving.stop() == .exited(0)) }

        let created = try await installation.finish(
            "token", "create", "--role", "auditor", "--name", "audit", "-o", "json")
        #expect(created.end == .exited(0))
        let id = try #require(try created.json["id"]?.stringValue)
        let token = try #require(try created.json["token"]?.stringValue)
        #expect(token.hasPrefix("cordon_\(id)_"))
        #expect(try created.json["role"] == "auditor", "the same members with a server and without")
        #expect(try created.json["name"] == "audit")
        #expect(try await state(of: id, installation) == "valid")

        let listed = try await installation.finish("token", "list", "-o", "json")
        #expect(!listed.output.contains(token))
        #expect(try listed.json.arrayValue?.count == 2, "the first token and this one")
        #expect(try await installation.finish("token", "revoke", id).end == .exited(0))
        #expect(try await state(of: id, installation) == "revoked")
        #expect(try await installation.finish("token", "revoke", id).end == .exited(0), "twice changes nothing")
    }

    @Test func `a table shows the token alone on standard output`() async throws {
        let installation = try Installation.alone()
        #expect(try await installation.finish("init").end == .exited(0))
        let created = try await installation.finish("token", "create", "--role", "operator", "--name", "alice")
        #expect(created.output.wholeMatch(of: #/cordon_[0-9a-z]{10}_[A-Za-z0-9_-]{43}\n/#) != nil)
        #expect(created.errorLines.count == 1)
        #expect(created.error.contains("operator alice"))
    }

    @Test func `a token that was revoked while the server runs gets 401 at once`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let (id, token) = try await create("operator", installation)
        let before = try await serving.get("/api/v1/whoami", token: token)
        #expect(before.status == 200)
        #expect(before.json["role"] == "operator")
        #expect(try await installation.finish("token", "revoke", id).end == .exited(0))
        let after = try await serving.get("/api/v1/whoami", token: token)
        #expect(after.status == 401)
        #expect(after.body.isEmpty)
        #expect(try await installation.finish("run", "list", token: token).end == .exited(4))
    }

    @Test func `a token that was created or revoked without a server is known to the next one`() async throws {
        let installation = try Installation.alone()
        #expect(try await installation.finish("init").end == .exited(0))
        let (_, kept) = try await create("operator", installation)
        let (id, revoked) = try await create("operator", installation)
        #expect(try await installation.finish("token", "revoke", id).end == .exited(0))
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.get("/api/v1/whoami", token: kept).status == 200)
        #expect(try await serving.get("/api/v1/whoami", token: revoked).status == 401)
    }

    @Test func `a role that lacks the permission ends a command with 5 and is told which`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let (_, source) = try await create("alert_source", installation)
        let (_, auditor) = try await create("auditor", installation)
        for (command, token, permission) in [
            (["run", "list"], source, "read"), (["token", "list"], auditor, "administer"),
            (["token", "create", "--role", "administrator", "--name", "more"], auditor, "administer"),
            (["run", "cancel", "run_01KATB9Z2M8D4W6X1V3C5R7T9Y", "--reason", "a test"], auditor, "operate"),
        ] {
            let ended = try await installation.finish(command, token: token)
            #expect(ended.end == .exited(5), "\(command)")
            #expect(ended.output.isEmpty)
            #expect(ended.error.contains("lacks the permission"))
            #expect(ended.error.contains(permission))
        }
        #expect(try await installation.finish(["run", "list"], token: auditor).end == .exited(0))
        #expect(try await installation.finish("token", "list", "-o", "json").json.arrayValue?.count == 3)
    }

    @Test func `a token that nobody granted ends a command with 4`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let forged = "cordon_0123456789_" + String(repeating: "A", count: 43)
        for token in [forged, "nonsense", ""] {
            #expect(try await installation.finish(["run", "list"], token: token).end == .exited(4), "'\(token)'")
        }
    }

    @Test func `the state folder holds no token but the first, in its own file`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let first = try installation.firstToken
        let (_, second) = try await create("operator", installation)
        #expect(try await serving.get("/api/v1/whoami", token: second).status == 200)
        #expect(try await serving.stop() == .exited(0))
        let state = installation.scratch.path("state")
        for name in try FileManager.default.subpathsOfDirectory(atPath: state) {
            guard let bytes = FileManager.default.contents(atPath: state + "/" + name) else { continue }
            #expect(bytes.range(of: Data(second.utf8)) == nil, "\(name) holds a token")
            #expect(name == "token" || bytes.range(of: Data(first.utf8)) == nil, "\(name) holds the first token")
        }
        #expect(!serving.program.error.contains(second))
    }

    private func create(_ role: String, _ installation: Installation) async throws -> (id: String, token: String) {
        let created = try await installation.finish("token", "create", "--role", role, "--name", "a test", "-o", "json")
        try #require(created.end == .exited(0), "\(created.error)")
        return (try #require(try created.json["id"]?.stringValue), try #require(try created.json["token"]?.stringValue))
    }

    private func state(of id: String, _ installation: Installation) async throws -> String? {
        let listed = try await installation.finish("token", "list", "-o", "json").json.arrayValue ?? []
        return listed.first { $0["id"]?.stringValue == id }?["state"]?.stringValue
    }
}
