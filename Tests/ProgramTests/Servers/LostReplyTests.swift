// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// The answer to a change is lost, or the change never arrives, before each real server that a change is tried at: one
/// effect and one state come of both. `GlewlwydTests`, `RabbitMQTests` and `RelyingPartyTests` try their own.
@Suite(.serialized)
struct LostReplyTests {
    private static let faults = [FaultFront.Fault.lost, .never]

    /// Accuses each in turn with a fault before the change; `check` looks at the provider itself.
    private func spoil(
        _ ids: [String], _ step: String, _ front: FaultFront, _ ward: Ward, _ check: (String) async throws -> Void
    ) async throws {
        for (id, fault) in zip(ids, Self.faults) {
            try front.spoil(fault)
            try await ward.accuse(id)
            let held = try await ward.run(about: id, once: "to hold after \(fault)") {
                $0.step(step)?["verified"] == true
            }
            #expect(!front.isWaiting(fault), "\(fault) met no change")
            let calls = held.step(step)?["calls"]?.arrayValue ?? []
            let acts = calls.filter { $0["purpose"] == "act" }
            #expect(acts.count == 1, "one intent, however often it was sent")
            let act = acts.first
            #expect(act?["delivery"] == 2 || act?["outcome"]?["sent_twice"] == true, "\(fault): \(calls)")
            try await check(id)
        }
    }

    @Test func `a SCIM account is suspended once whether the answer or the request was lost`() async throws {
        guard ScimServer.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("scim2-server") }
        let scratch = try ScratchFolder("cordon-lost")
        let server = try await ScimServer(in: scratch, port: try freePort())
        defer { server.stop() }
        let ids = ["lost": try await server.user("svc-lost"), "never": try await server.user("svc-never")]
        let front = try await FaultFront(
            before: String(server.base.dropLast("/v2".count)), in: scratch, port: try freePort(),
            page: "/v2/ServiceProviderConfig", change: "^PATCH ")
        defer { front.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "scim", settings: ["url": front.url + "/v2"], secrets: ["token": ScimServer.token],
                identities: ids.map { id, own in
                    Remedy.Identity(
                        id: id, attributes: ["scim_id": .string(own), "user_name": .string("svc-\(id)")],
                        workflow: "suspend-account", with: ["hold": "1h"])
                }))
        defer { ward.stop() }
        try await spoil(["lost", "never"], "suspend", front, ward) { id in
            #expect(try await server.state(of: ids[id] ?? "")["active"] == false)
            try await ward.command("hold", about: id, then: ["suspend", "--then", "undo"], because: "false alarm")
            try await ward.run(about: id, once: "to end") { $0["phase"] == "ended" }
            #expect(try await server.state(of: ids[id] ?? "")["active"] == true)
        }
    }

    @Test func `a SCIM account is suspended once where Cordon is killed between the request and its answer`()
        async throws
    {
        guard ScimServer.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("scim2-server") }
        let scratch = try ScratchFolder("cordon-killed")
        let server = try await ScimServer(in: scratch, port: try freePort())
        defer { server.stop() }
        let own = try await server.user("svc-killed")
        let front = try await FaultFront(
            before: String(server.base.dropLast("/v2".count)), in: scratch, port: try freePort(),
            page: "/v2/ServiceProviderConfig", change: "^PATCH ")
        defer { front.stop() }
        var ward = try await Ward(
            Remedy(
                connector: "scim", settings: ["url": front.url + "/v2"], secrets: ["token": ScimServer.token],
                identities: [
                    Remedy.Identity(
                        id: "killed", attributes: ["scim_id": .string(own), "user_name": "svc-killed"],
                        workflow: "suspend-account", with: ["hold": "1h"])
                ]))
        defer { ward.stop() }
        try front.spoil(.held)
        try await ward.accuse("killed")
        try await eventually("the change to be made, and its answer to be held back") {
            let state = try await server.state(of: own)
            return !front.isWaiting(.held) && state["active"] == false
        }
        try await ward.killAndServe()
        let held = try await ward.run(about: "killed", once: "to hold") { $0.step("suspend")?["verified"] == true }
        let acts = (held.step("suspend")?["calls"]?.arrayValue ?? []).filter { $0["purpose"] == "act" }
        #expect(acts.count == 1 && acts.first?["delivery"] == 2, "one intent, sent by each of the two")
        #expect(held.step("suspend")?["before"]?["active"] == true)
        try await ward.command("hold", about: "killed", then: ["suspend", "--then", "undo"], because: "false alarm")
        try await ward.run(about: "killed", once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.state(of: own)["active"] == true)
    }

    @Test func `a Keystone account is suspended once whether the answer or the request was lost`() async throws {
        guard Keystone.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("Keystone") }
        let scratch = try ScratchFolder("cordon-lost")
        let server = try await Keystone(in: scratch, port: try freePort())
        defer { server.stop() }
        let accounts = try await server.accounts("lost", "never")
        let front = try await FaultFront(
            before: String(server.base.dropLast("/v3".count)), in: scratch, port: try freePort(), page: "/v3",
            change: "^PATCH ")
        defer { front.stop() }
        let names = ["lost", "never"]
        let ward = try await Ward(
            Remedy(
                connector: "keystone",
                settings: ["url": front.url + "/v3", "user": "admin", "domain": "default", "project": "admin"],
                secrets: ["password": Keystone.password],
                identities: zip(names, accounts).map { id, account in
                    Remedy.Identity(
                        id: id, attributes: ["user_id": .string(account.id)], workflow: "suspend-account",
                        with: ["hold": "1h"])
                }))
        defer { ward.stop() }
        let own = Dictionary(zip(names, accounts)) { first, _ in first }
        try await spoil(names, "suspend", front, ward) { id in
            let account = try #require(own[id])
            #expect(try await server.signIn(account).status == 401)
            try await ward.command("hold", about: id, then: ["suspend", "--then", "undo"], because: "false alarm")
            try await ward.run(about: id, once: "to end") { $0["phase"] == "ended" }
            #expect(try await server.signIn(account).status == 201)
        }
    }

    @Test func `an AWS user is denied once whether the answer or the request was lost`() async throws {
        guard Moto.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-lost")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let keys = ["lost": try await server.user("lost", may: "iam:List*")]
            .merging(["never": try await server.user("never", may: "iam:List*")]) { first, _ in first }
        let front = try await FaultFront(
            before: server.url, in: scratch, port: try freePort(), page: "/moto-api/", change: "^POST ",
            mark: "Action=PutUserPolicy")
        defer { front.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "aws-iam", settings: ["url": front.url, "region": "us-east-1"],
                secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
                identities: keys.map { id, key in
                    Remedy.Identity(
                        id: id, kind: "credential",
                        attributes: ["user_name": .string(id), "access_key_id": .string(key.id)], workflow: "deny",
                        input: "identity")
                }, workflows: ["deny": MotoTests.deny]))
        defer { ward.stop() }
        try await spoil(["lost", "never"], "cut", front, ward) { id in
            let key = try #require(keys[id])
            #expect(try await server.call(["Action": "ListUsers"], as: key).status == 403)
            try await ward.command("undo", about: id, because: "false alarm")
            try await ward.run(about: id, once: "to be undone") { $0["phase"] == "ended" }
            #expect(try await server.call(["Action": "ListUsers"], as: key).status == 200)
        }
    }
}
