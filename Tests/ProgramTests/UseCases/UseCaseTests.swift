// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The five use cases as they ship, at real servers, in real seconds, each on all the ways that it can go:
///
/// | way           | scope-widened | agent-out-of-context | secret-leaked | unusual-destination | boundary-exceeded |
/// |---------------|---------------|----------------------|---------------|---------------------|-------------------|
/// | server        | Keystone      | Cordon, nginx        | Glewlwyd      | moto                | Cordon, nginx     |
/// | confirmed     | here          | here                 | here          | here (1)            | here              |
/// | false alarm   | here          | here                 | here          | here (1)            | here              |
/// | tier 0        | here          | here                 | here          | here                | here              |
/// | wave          | here          | here                 | here (2)      | here                | here              |
/// | provider down | here          | here                 | here          | here                | here              |
/// | crash         | here          | here                 | here (3)      | here                | here              |
/// | in shadow     | here          | here                 | here          | here                | here              |
///
/// (1) with objects that are restored: `MotoJobTests`; (2) through kills: `GuardCommandTests`; (3) at each boundary of
/// a run: `CrashTests`.
///
/// The same thirty in virtual time are cases of `playbooks/NAME.test.yaml`, played by `RehearsalTests`. How a wave is
/// undone by one command is `WaveUndoTests`.
@Suite(.serialized)
struct UseCaseTests {
    @Test func `scope-widened at a real Keystone, on every way`() async throws {
        guard Keystone.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("Keystone or nginx") }
        let scratch = try ScratchFolder("cordon-case-scope")
        let port = try freePort()
        let server = try await Keystone(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort(), page: "/v3", change: "^DELETE ")
        let names = Way.all.map { "s-" + $0 }
        let accounts = try await server.accounts(names)
        let ward = try await ShippedHouse(
            connector: "keystone",
            settings: [
                "url": .string(front.url + "/v3"), "user": "admin", "domain": "default", "project": "admin",
            ], secrets: ["password": Keystone.password], kind: "service_account",
            identities: zip(names, accounts).map { name, account in
                ShippedHouse.Identity(
                    id: name,
                    attributes: [
                        "user_id": .string(account.id), "project_id": .string(account.project),
                        "role_id": .string(account.member), "baseline": ["scopes": ["reader"]],
                    ], matches: ["account": .string(name)])
            }
        ).ward()
        let use = ScopeWidened(server: server, accounts: Dictionary(uniqueKeysWithValues: zip(names, accounts)))
        try await walk(use, ward, front)
    }

    @Test func `secret-leaked at a real Glewlwyd, on every way`() async throws {
        guard Glewlwyd.isInstalled, FaultFront.isInstalled else {
            return try skip("Glewlwyd or nginx is not installed (apt-get install glewlwyd nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-case-secret")
        let port = try freePort()
        let server = try await Glewlwyd(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort(), change: "^POST .*/revoke")
        var tokens: [String: String] = [:]
        for way in Way.all { tokens["t-" + way] = try await server.token() }
        let ward = try await ShippedHouse(
            connector: "oauth2",
            settings: [
                "introspection_endpoint": .string(front.url + "/api/oidc/introspect"),
                "revocation_endpoint": .string(front.url + "/api/oidc/revoke"), "client_id": "bot-ci",
            ], secrets: ["client_secret": "bot-secret-1"], kind: "credential",
            identities: tokens.sorted { $0.key < $1.key }.map { name, token in
                ShippedHouse.Identity(
                    id: name, matches: ["issuer": "github", "secret_type": .string(name)], secret: ("token", token))
            }
        ).ward()
        try await walk(SecretLeaked(server: server, tokens: tokens), ward, front)
        #expect(ward.leaked(Array(tokens.values)) == [])
    }

    @Test func `unusual-destination at AWS's own interface, on every way`() async throws {
        guard Moto.isInstalled, FaultFront.isInstalled else { return try PythonServers.lacks("moto or nginx") }
        let scratch = try ScratchFolder("cordon-case-job")
        let port = try freePort()
        let server = try await Moto(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort(), page: "/moto-api/",
            change: "DisableRule$")
        try await server.jobs(Way.all.map { "j-" + $0 })
        let ward = try await ShippedHouse(
            connector: "aws-job",
            settings: [
                "events": .string(front.url), "iam": .string(front.url), "store": .string(front.url),
                "region": "us-east-1", "iam_region": "us-east-1",
            ],
            secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret], kind: "workload",
            identities: Way.all.map { way in
                ShippedHouse.Identity(
                    id: "j-" + way,
                    attributes: [
                        "rule": .string("j-" + way), "user_name": .string("j-" + way), "bucket": "reports",
                        "prefix": .string("j-\(way)/"),
                    ], matches: ["job": .string("j-" + way)])
            }
        ).ward()
        try await walk(UnusualDestination(server: server), ward, front)
        #expect(ward.leaked([server.admin.secret]) == [])
    }

    /// Both at one Cordon: it is the provider too, and nginx says what a session may.
    @Test func `agent-out-of-context and boundary-exceeded before a real upstream, on every way`() async throws {
        guard SessionInstallation.isInstalled, FaultFront.isInstalled else {
            return try skip("nginx is not installed (apt-get install nginx libnginx-mod-http-js)")
        }
        let frontPort = try freePort()
        let installed = try await SessionInstallation(shippedBehind: frontPort)
        let front = try await FaultFront(
            before: "http://127.0.0.1:\(installed.port)", in: installed.installation.scratch, port: frontPort,
            page: "/ready", change: "^PUT [^ ]+ $")
        let ward = try await Ward(serving: installed.installation)
        let gate = try await SessionGate(before: installed)
        defer { gate.stop() }
        for way in Way.all {
            for prefix in ["c-", "b-"] {
                let owner = way == "tier0" ? "board" : "team/support"
                #expect(try await installed.open(prefix + way, owner: owner) == 201)
            }
        }
        #expect(try await installed.open("c-child", below: "c-right") == 201)
        var first = try await SixWays(OutOfContext(gate: gate), ward, front)
        try await first.walk()
        #expect(try await gate.use("c-child") == 403, "what it delegated to ended with it")
        var second = try await SixWays(BoundaryExceeded(installed: installed, gate: gate), first.ward, first.front)
        try await second.walk()
        try await finish(second.ward, second.front)
    }

    private func walk(_ use: some UseCase, _ ward: Ward, _ front: FaultFront) async throws {
        var ways = try await SixWays(use, ward, front)
        try await ways.walk()
        try await finish(ways.ward, ways.front)
    }

    /// Whatever happened, the record holds.
    private func finish(_ ward: Ward, _ front: FaultFront) async throws {
        front.stop()
        #expect(try await ward.serving.stop() == .exited(0))
        let audit = try await ward.installation.finish("audit", "verify")
        #expect(audit.end == .exited(0), "\(audit.output) \(audit.error)")
    }
}

// MARK: The five

private struct ScopeWidened: UseCase {
    let server: Keystone
    let accounts: [String: Keystone.Account]

    let playbook = "scope-widened"
    let prefix = "s-"
    let containing = "reduce"
    let capability = "scopes.reduce"
    let question: Question? = Question(
        step: "check", confirm: "not_intended", release: "intended", follows: "suspend")

    func accuse(_ id: String, _ ward: Ward) async throws {
        try await Feed.post(
            "scope.widened", id,
            ["identity": ["account": .string(id)], "requested": ["member"], "granted": true], ward)
    }

    func isContained(_ id: String) async throws -> Bool {
        guard let account = accounts[id] else { return false }
        return try await !server.holds(account)
    }

    func expectConfirmed(_ id: String) async throws {
        guard let account = accounts[id] else { return }
        #expect(try await server.signIn(account).status == 401, "its owner did not mean it: it is suspended")
    }
}

private struct SecretLeaked: UseCase {
    let server: Glewlwyd
    let tokens: [String: String]

    let playbook = "secret-leaked"
    let prefix = "t-"
    let containing = "revoke"
    let capability = "tokens.revoke"
    let question: Question? = nil

    func accuse(_ id: String, _ ward: Ward) async throws { try await ward.accuse(id) }
    func isContained(_ id: String) async throws -> Bool { try await !server.isActive(tokens[id] ?? "") }
    func expectConfirmed(_ id: String) async throws {
        #expect(try await server.use(tokens[id] ?? "") == 401)
    }
}

private struct UnusualDestination: UseCase {
    let server: Moto

    let playbook = "unusual-destination"
    let prefix = "j-"
    let containing = "pause"
    let capability = "workload.pause"
    let question: Question? = Question(step: "judge", confirm: "stay_stopped", release: "resume", quorum: 2)

    func accuse(_ id: String, _ ward: Ward) async throws {
        try await Feed.post(
            "destination.unusual", id,
            ["workload": ["job": .string(id)], "destination": "bucket:elsewhere", "action": "PutObject"], ward)
    }

    func isContained(_ id: String) async throws -> Bool {
        try await server.event("DescribeRule", ["Name": .string(id)])["State"] == "DISABLED"
    }

    func expectConfirmed(_ id: String) async throws {
        let listed = try await server.call(["Action": "ListUserPolicies", "UserName": id], as: server.admin)
        #expect(listed.body.contains("CordonDeny"), "\(listed.body)")
    }
}

private struct OutOfContext: UseCase {
    let gate: SessionGate

    let playbook = "agent-out-of-context"
    let prefix = "c-"
    let containing = "isolate"
    let capability = "session.isolate"
    let question: Question? = Question(step: "judge", confirm: "end", release: "release", follows: "end", quorum: 2)

    func accuse(_ id: String, _ ward: Ward) async throws {
        try await Feed.post(
            "context.left", id,
            ["session": ["id": .string(id)], "resource": "table:payroll", "action": "read", "context": "refunds"], ward)
    }

    func isContained(_ id: String) async throws -> Bool { try await gate.use(id) == 403 }
    func expectConfirmed(_ id: String) async throws { #expect(try await gate.use(id, method: "POST") == 403) }
}

private struct BoundaryExceeded: UseCase {
    let installed: SessionInstallation
    let gate: SessionGate

    let playbook = "boundary-exceeded"
    let prefix = "b-"
    let containing = "read_only"
    let capability = "session.limit"
    let question: Question? = Question(step: "decide", confirm: "end", release: "extend", follows: "end")

    /// Nobody outside accuses it: its runtime tells what it used.
    func accuse(_ id: String, _ ward: Ward) async throws {
        let beat = try await installed.api(
            "POST", "/sessions/\(id)/heartbeat", installed.runtime, ["used": ["bytes": 1001, "calls": 3]])
        guard beat.status == 200 else { throw Web.NoAnswer(reason: "\(beat.status) \(beat.text)") }
    }

    func isContained(_ id: String) async throws -> Bool { try await gate.use(id, method: "POST") == 403 }
    func expectConfirmed(_ id: String) async throws { #expect(try await gate.use(id) == 403, "it is ended") }
}
