// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// What real servers show that a naive orchestrator gets wrong, each with the test that shows it:
///
/// | # | what must hold | on | test |
/// |---|---|---|---|
/// | 1 | used by the subject's own credential before, refused after | Glewlwyd, Keystone, moto, RabbitMQ, Apache, nginx | `ContainmentTests`, `ProofTests` and the suite of each server |
/// | 2 | a 200 that changed nothing is told as not effective | Glewlwyd behind nginx | here |
/// | 3 | a repeat is already done, never failed | Keystone, RabbitMQ, Apache, SCIM | `KeystoneTests`, `RabbitMQTests`, `RelyingPartyTests` |
/// | 4 | a lost answer and an unsent request end alike, with one effect | all behind nginx | `LostReplyTests`, `GlewlwydTests`, `RabbitMQTests`, `RelyingPartyTests`; the key that a lost answer leaves: here |
/// | 5 | a suspension that leaves a token in use says until when | Glewlwyd | `GlewlwydTests` |
/// | 6 | an undo writes the one field (the password is still the account's own), binds it to the version it compared, and stops where somebody wrote it since | scim2-server, Keystone, fault server | `ScimTests`, `KeystoneTests`, `VersionTests` |
/// | 7 | nobody is let in again while what they held is alive | Glewlwyd | `GlewlwydTests` |
/// | 8 | a role that is given back is the role that was there | Keystone | `KeystoneTests` |
/// | 9 | a demand that the server ignores is seen by a sign-in with the password alone | Keystone without totp | `ProofTests` |
/// | 10 | asked to wait, it waits as long as the provider says, through a restart | Glewlwyd behind nginx, fault server | here, `FaultServerTests`, `EngineLaneTests` |
/// | 11 | what must not be repeated, such as a new key, is asked for once | moto behind nginx | here |
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

    @Test func `asked to wait, a change waits as long as the provider says, also through a restart`() async throws {
        guard Glewlwyd.isInstalled, FaultFront.isInstalled else {
            return try skip("Glewlwyd or nginx is not installed (apt-get install glewlwyd nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-assertions")
        let port = try freePort()
        let server = try await Glewlwyd(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort(), change: "^PUT ", mark: "enabled")
        defer { front.stop() }
        var ward = try await Ward(
            Remedy(
                connector: "glewlwyd",
                settings: ["url": front.url + "/api", "user": Glewlwyd.admin.name, "plugin": "oidc"],
                secrets: ["password": Glewlwyd.admin.password],
                identities: [
                    Remedy.Identity(
                        id: "dave", attributes: ["user_name": "dave"], workflow: "suspend-account",
                        with: ["hold": "1h"])
                ]))
        defer { ward.stop() }
        try front.spoil(.limited)
        try await ward.accuse("dave")
        try await ward.run(about: "dave", once: "to be asked to wait") {
            $0.step("suspend")?.calls.contains("act later") == true
        }
        try await ward.killAndServe()
        let held = try await ward.run(about: "dave", once: "to hold") { $0.step("suspend")?["verified"] == true }
        let acts = (held.step("suspend")?["calls"]?.arrayValue ?? []).filter { $0["purpose"] == "act" }
        #expect(acts.count == 2, "asked once too early, and once when it may be asked again")
        let told = acts.first?["returned_at"]?.stringValue.flatMap(Instant.init(rfc3339:))
        let again = acts.last?["intended_at"]?.stringValue.flatMap(Instant.init(rfc3339:))
        let waited = try #require(again).since(try #require(told))
        #expect(waited >= 5000, "the provider asked for five seconds")
        #expect(try await server.signIn().status == 401)
    }

    /// A second key that a lost answer leaves would be nobody's: it is found in the list, asked for no second time, and
    /// taken away again with what was done.
    @Test func `a key whose making nobody heard of is made once, found and removed`() async throws {
        guard Moto.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-assertions")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        for name in ["lost", "never"] { _ = try await server.user(name, may: "iam:List*") }
        let front = try await FaultFront(
            before: server.url, in: scratch, port: try freePort(), page: "/moto-api/", change: "^POST ",
            mark: "Action=CreateAccessKey")
        defer { front.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "aws-keys", settings: ["url": front.url, "region": "us-east-1"],
                secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
                identities: ["lost", "never"].map {
                    Remedy.Identity(
                        id: $0, kind: "credential", attributes: ["user_name": .string($0)], workflow: "issue",
                        input: "identity")
                }, workflows: ["issue": Self.issue], connectors: ["aws-keys": Self.keys]))
        defer { ward.stop() }
        func keys(_ user: String) async throws -> Int {
            let listed = try await server.call(["Action": "ListAccessKeys", "UserName": user], as: server.admin).body
            return listed.components(separatedBy: "<AccessKeyId>").count - 1
        }
        for (id, fault) in [("lost", FaultFront.Fault.lost), ("never", .never)] {
            #expect(try await keys(id) == 1)
            try front.spoil(fault)
            try await ward.accuse(id)
            let made = try await ward.run(about: id, once: "to have a key") { $0.step("issue")?["verified"] == true }
            #expect(!front.isWaiting(fault), "\(fault) met no change")
            #expect(try await keys(id) == 2, "one key more, whatever became of the answer")
            let calls = try #require(made.step("issue")).calls
            #expect(calls.prefix(3) == ["before done", "act unknown", "probe done"])
            #expect(calls.count { $0.hasPrefix("act") } == (fault == .lost ? 1 : 2))
            try await ward.command("undo", about: id, because: "nobody holds its secret")
            try await ward.run(about: id, once: "to be undone") { $0["phase"] == "ended" }
            #expect(try await keys(id) == 1, "the key that nobody holds is gone")
        }
        #expect(ward.leaked([server.admin.secret]) == [])
    }

    private static let issue = """
        workflow: issue
        title: Make a second key
        inputs:
          identity: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.identity}" } }
          - { id: issue, do: credential.issue, with: { subject: "${inputs.identity}" }, hold: { for: 1h, then: undo } }

        """

    /// What stands in the list and did not before is what was made, and the only thing that is taken away.
    private static let keys = """
        connector: aws-keys
        title: Keys of AWS users
        vendor: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
        provider:
          settings: { url: { type: url }, region: { type: string } }
          secrets: [access_key_id, secret_access_key]
          subject_secrets: []
          authentication:
            { scheme: sigv4, access_key: access_key_id, secret_key: secret_access_key, region: region, service: iam }
          format: { body: xml, lists: [AccessKeyMetadata] }
          capabilities:
            evidence.capture:
              class: read
              request: { method: POST, to: url, form: { Action: ListAccessKeys, Version: "2010-05-08", UserName: "${with.of.user_name}" } }
              answers: { done: [200], later: [429, 503], refused: [400, 401, 403, 404] }
              keep: { keys: "${body.ListAccessKeysResponse.ListAccessKeysResult.AccessKeyMetadata.map(k, k.AccessKeyId)}" }
            credential.issue:
              class: probeable
              request: { method: POST, to: url, form: { Action: CreateAccessKey, Version: "2010-05-08", UserName: "${with.subject.user_name}" } }
              answers: { done: [200], later: [429, 503], refused: [400, 401, 403, 404, 409] }
              keep: { key: "${body.CreateAccessKeyResponse.CreateAccessKeyResult.AccessKey.AccessKeyId}" }
              state:
                request:
                  { method: POST, to: url, form: { Action: ListAccessKeys, Version: "2010-05-08", UserName: "${with.subject.user_name}" } }
                answers: { done: [200], later: [429, 503], refused: [400, 401, 403, 404] }
                keep: { keys: "${body.ListAccessKeysResponse.ListAccessKeysResult.AccessKeyMetadata.map(k, k.AccessKeyId)}" }
              probe: after.keys.exists(k, !(k in before.keys))
              undo:
                request:
                  method: POST
                  to: url
                  form:
                    Action: DeleteAccessKey
                    Version: "2010-05-08"
                    UserName: "${with.subject.user_name}"
                    AccessKeyId: "${with.live.keys.filter(k, !(k in with.before.keys))[0]}"
                answers: { done: [200], later: [429, 503], refused: [400, 401, 403, 404] }
              reversibility: full

        """

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
