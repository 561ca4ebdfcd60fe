// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What real servers show that a naive orchestrator gets wrong, each with the test that shows it:
///
/// | # | what must hold | on | test |
/// |---|---|---|---|
/// | 1 | used by the subject's own credential before, refused after | Glewlwyd, Keystone, moto, RabbitMQ, Apache, nginx | `ContainmentTests` and the suite of each server |
/// | 2 | a 200 that changed nothing is told as not effective | Glewlwyd behind nginx | here |
/// | 3 | a repeat is already done, never failed | Keystone, RabbitMQ, Apache, SCIM | `KeystoneTests`, `RabbitMQTests`, `RelyingPartyTests` |
/// | 4 | a lost answer and an unsent request end alike, with one effect | all behind nginx | `LostReplyTests`, `GlewlwydTests`, `RabbitMQTests`, `RelyingPartyTests` |
/// | 5 | a suspension that leaves a token in use says until when | Glewlwyd | `GlewlwydTests` |
/// | 6 | an undo writes the one field, and stops where somebody wrote it since | scim2-server, Keystone | `ScimTests`, `KeystoneTests` |
/// | 7 | nobody is let in again while what they held is alive | Glewlwyd | `GlewlwydTests` |
/// | 8 | a role that is given back is the role that was there | Keystone | `KeystoneTests` |
/// | 9 | a demand that the server ignores is seen | Keystone | not shown: Cordon signs in as nobody but itself |
/// | 10 | asked to wait, it waits as long as the provider says, through a restart | fault server | `FaultServerTests`, `EngineLaneTests` |
/// | 11 | a rotation is asked for once | fault server | not shown: no connector rotates |
/// | 12 | a path parameter that is empty or leads elsewhere is refused | Glewlwyd, scim2-server | `GlewlwydTests`, `ScimTests` |
/// | 13 | no secret is in what is kept | all | `CanaryTests`, and the suite of each server |
/// | 14 | an administrator's credential that ends meanwhile is renewed | Glewlwyd | here |
@Suite(.serialized)
struct AssertionTests {
    private static let revoke = """
        workflow: revoke
        title: End a token, and don't wait long for the proof
        inputs:
          token: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.token}" } }
          - id: revoke
            do: tokens.revoke
            with: { credential: "${inputs.token}" }
            within: 3s
            undo: none
            because: its client asks for another

        """

    @Test func `a revocation that is answered with 200 and changes nothing does not count`() async throws {
        guard Glewlwyd.isInstalled, FaultFront.isInstalled else {
            return try skip("Glewlwyd or nginx is not installed (apt-get install glewlwyd nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-assertions")
        let port = try freePort()
        let server = try await Glewlwyd(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort(), change: "^POST ",
            mark: "token_type_hint")
        defer { front.stop() }
        let token = try await server.token()
        let ward = try await Ward(
            Remedy(
                connector: "oauth2",
                settings: [
                    "introspection_endpoint": front.url + "/api/oidc/introspect",
                    "revocation_endpoint": front.url + "/api/oidc/revoke", "client_id": "bot-ci",
                ], secrets: ["client_secret": "bot-secret-1"],
                identities: [
                    Remedy.Identity(
                        id: "leaked", kind: "credential", attributes: [:], secrets: ["token": token],
                        workflow: "revoke", input: "token")
                ], workflows: ["revoke": Self.revoke]))
        defer { ward.stop() }
        try front.spoil(.ignored)
        try await ward.accuse("leaked")
        let asking = try await ward.run(about: "leaked", once: "to ask") { $0["phase"] == "asked" }
        #expect(!front.isWaiting(.ignored))
        let step = try #require(asking.step("revoke"))
        #expect(step.calls.prefix(2) == ["before done", "act done"], "the provider said that it is done")
        #expect(step["verified"] != true)
        #expect(asking["ask"]?["reason"]?.stringValue?.contains("the effect is not there") == true)
        #expect(try await server.use(token) == 200)
        try await ward.command("resume", about: "leaked", because: "the proxy is mended")
        #expect(try await server.use(token) == 200, "a step that acted is first looked at again")
        #expect(ward.leaked([token]) == [])
    }

    @Test func `an administrator's session that ended meanwhile is renewed and fails nothing`() async throws {
        guard Glewlwyd.isInstalled else { return try skip("Glewlwyd is not installed (apt-get install glewlwyd)") }
        let scratch = try ScratchFolder("cordon-assertions")
        let server = try await Glewlwyd(in: scratch, port: try freePort())
        defer { server.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "glewlwyd",
                settings: ["url": server.base, "user": Glewlwyd.admin.name, "plugin": "oidc"],
                secrets: ["password": Glewlwyd.admin.password],
                identities: [
                    Remedy.Identity(
                        id: "dave", attributes: ["user_name": "dave"], workflow: "suspend-access-listed",
                        with: ["hold": "1h"])
                ]))
        defer { ward.stop() }
        let session = try await server.signIn()
        let refresh = try await server.refreshToken()
        try await ward.accuse("dave")
        try await ward.run(about: "dave", once: "to hold") { $0.step("end_grants")?["phase"] == "finished" }
        #expect(try await server.profile(session.cookie) == 401)
        #expect(try await server.refresh(refresh).status != 200)

        #expect(try await server.endSessionsOfAdministrator() > 1, "Cordon's own among them")
        try await ward.command("hold", about: "dave", then: ["suspend", "--then", "undo"], because: "false alarm")
        let ended = try await ward.run(about: "dave", once: "to end") { $0["phase"] == "ended" }
        #expect(ended.step("undo:suspend")?["verified"] == true)
        #expect(try await server.signIn().status == 200)
    }

    /// The table above names suites; whoever renames one mends it.
    @Test func `every suite that the table names is there`() throws {
        let tests = URL(filePath: #filePath).appending(path: "../../..").standardized
        let table = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
            .split(separator: "\n").filter { $0.hasPrefix("/// | ") }.joined()
        let named = Set(table.matches(of: /`(\w+Tests)`/).map { String($0.1) })
        #expect(named.count > 8)
        let walker = try #require(FileManager.default.enumerator(atPath: tests.path))
        let files = Set(walker.compactMap { ($0 as? String)?.split(separator: "/").last.map(String.init) })
        #expect(named.filter { !files.contains($0 + ".swift") } == [])
    }
}
