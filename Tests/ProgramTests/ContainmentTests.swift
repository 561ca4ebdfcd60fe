// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The whole way with a real identity server: from a signed alert to a token that is refused.
@Suite(.serialized)
struct ContainmentTests {
    @Test func `a leaked token of a real identity server works before the alert and is refused after`() async throws {
        guard Glewlwyd.isInstalled else { return try skip("Glewlwyd is not installed (apt-get install glewlwyd)") }
        let scratch = try ScratchFolder("cordon-glewlwyd")
        let server = try await Glewlwyd(in: scratch, port: try freePort())
        defer { server.stop() }
        let token = try await server.token()
        let installation = try Installation(
            introspect: server.base + "/oidc/introspect", revoke: server.base + "/oidc/revoke", clientID: "bot-ci",
            clientSecret: "bot-secret-1", token: token)
        #expect(try await server.use(token) == 200)
        #expect(try await server.isActive(token))

        let serving = try await installation.serve()
        let answer = try await serving.post(Installation.alert(), delivery: "d-1")
        #expect(answer.status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }

        #expect(try await server.isActive(token) == false)
        #expect(try await server.use(token) == 401)
        let listed = try #require(try await installation.runs().first)
        let run = try await installation.run(try #require(listed["id"]?.stringValue))
        #expect(run["phase"] == "ended")
        let revoke = try #require(run["steps"]?.arrayValue?.first { $0["id"] == "revoke" })
        #expect(revoke["verified"] == true)
        #expect(revoke["before"]?["active"] == true)
        #expect(revoke["after"]?["active"] == false)
        #expect((revoke["evidence"]?.arrayValue ?? []).count == 2)
        try expectNoSecret(token, in: installation.scratch.path + "/state")
        serving.program.terminate()
        #expect(try await serving.program.waitForExit() == .exited(0))
        #expect(!serving.program.error.contains(token))
    }

    @Test func `a repeated delivery opens no second run`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let serving = try await installation.serve()
        let first = try await serving.post(Installation.alert(), delivery: "same")
        let second = try await serving.post(Installation.alert(), delivery: "same")
        #expect(first.status == 202)
        #expect(second.status == 202)
        #expect(first.json["alert"] == second.json["alert"])
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        #expect(try await installation.runs().count == 1)
        serving.program.kill()
    }

    @Test func `an alert about a secret that nobody listed asks a person and calls nobody`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let serving = try await installation.serve()
        let body = Installation.alert().replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        try await eventually("the run to ask") { try await installation.runs().first?["phase"] == "asked" }
        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let (end, why, _) = try await installation.command("run", "why", id)
        #expect(end == .exited(0))
        #expect(why.contains("no credential of the inventory matches"))
        #expect(provider.server.requests.isEmpty)
        serving.program.kill()
    }

    /// No file below the folder holds the secret, in whatever encoding the product could have put it there.
    private func expectNoSecret(_ secret: String, in folder: String) throws {
        let walker = try #require(FileManager.default.enumerator(atPath: folder))
        for case let name as String in walker {
            guard let contents = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
            #expect(contents.range(of: Data(secret.utf8)) == nil, "\(name) holds the token")
        }
    }
}

/// Says loudly that a test did not run; on the build machine that is a failure.
func skip(_ reason: String) throws {
    print("skipped: \(reason)")
    if ProcessInfo.processInfo.environment["CI"] != nil {
        Issue.record("skipped where nothing may be skipped: \(reason)")
    }
}

/// A port that was free a moment ago.
func freePort() throws -> Int {
    let probe = try LoopbackServer { _ in .respond(204) }
    defer { probe.stop() }
    return Int(probe.port)
}
