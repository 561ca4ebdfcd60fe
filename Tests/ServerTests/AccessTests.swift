// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Crypto
import Foundation
import HTTPTypes
import TestKit
import Testing

@testable import CordonServer

/// Who may ask what: written here a second time, by hand, so that a right that is given by mistake shows.
private let allowed: [String: Set<Role>] = {
    let everyone = Set(Role.allCases)
    let readers: Set<Role> = [.operator, .author, .approver, .auditor, .administrator]
    let keepers: Set<Role> = [.sessionKeeper, .operator, .administrator]
    let deciders: Set<Role> = [.operator, .approver, .administrator]
    return [
        "GET /metrics": [.operator, .auditor, .administrator],
        "GET /api/v1/version": everyone,
        "GET /api/v1/whoami": everyone,
        "GET /api/v1/alerts": readers,
        "GET /api/v1/alerts/{id}": readers,
        "POST /api/v1/alerts/{id}/label": deciders,
        "POST /api/v1/runs/{id}/label": deciders,
        "POST /api/v1/guards/breakers/close": [.operator, .administrator],
        "POST /api/v1/playbooks/{name}/mode": [.operator, .administrator],
        "GET /api/v1/playbooks/{name}/track-record": readers,
        "GET /api/v1/sources": readers,
        "GET /api/v1/signals": readers,
        "GET /api/v1/decisions": readers,
        "GET /api/v1/decisions/{id}": readers,
        "GET /api/v1/runs": readers,
        "GET /api/v1/runs/{id}": readers,
        "GET /api/v1/runs/{id}/history": readers,
        "GET /api/v1/runs/{id}/why": readers,
        "GET /api/v1/runs/{id}/plan": deciders,
        "POST /api/v1/runs/{id}/resume": deciders,
        "POST /api/v1/runs/{id}/cancel": deciders,
        "POST /api/v1/runs/{id}/resolve": [.operator, .administrator],
        "GET /api/v1/guards": readers,
        "GET /api/v1/retention": readers,
        "POST /api/v1/retention/holds": [.administrator],
        "POST /api/v1/retention/holds/release": [.administrator],
        "POST /api/v1/retention/erasures": [.administrator],
        "GET /api/v1/halts": [.operator, .author, .approver, .auditor, .administrator],
        "POST /api/v1/halts": [.operator, .administrator],
        "POST /api/v1/halts/lift": [.operator, .administrator],
        "POST /api/v1/runs/{id}/skip": [.operator, .administrator],
        "POST /api/v1/runs/{id}/pause": [.operator, .administrator],
        "POST /api/v1/runs/{id}/undo": [.operator, .administrator],
        "POST /api/v1/runs/{id}/hold": [.operator, .administrator],
        "POST /api/v1/runs/{id}/migrate": [.operator, .administrator],
        "POST /api/v1/runs/{id}/fork": readers,
        "POST /api/v1/runs/{id}/answer": [.operator, .approver, .administrator],
        "GET /api/v1/sessions": readers,
        "POST /api/v1/sessions": [.agentRuntime],
        "GET /api/v1/sessions/{id}": readers.union([.agentRuntime, .sessionKeeper]),
        "GET /api/v1/sessions/{id}/history": readers,
        "POST /api/v1/sessions/{id}/delegate": [.agentRuntime],
        "POST /api/v1/sessions/{id}/heartbeat": [.agentRuntime],
        "POST /api/v1/sessions/{id}/close": keepers.union([.agentRuntime]),
        "PUT /api/v1/sessions/{id}/isolation": keepers,
        "PUT /api/v1/sessions/{id}/limit": keepers,
        "POST /api/v1/sessions/{id}/extension": keepers,
        "PUT /api/v1/sessions/{id}/approved": keepers,
        "POST /api/v1/sessions/{id}/release": keepers,
        "GET /api/v1/streams": readers,
        "GET /api/v1/streams/{id}/history": readers,
        "POST /api/v1/streams/{id}/verification": [.operator, .administrator],
        "PUT /api/v1/streams/{id}/status": [.operator, .administrator],
        "GET /api/v1/verdicts/{session}": [.enforcementPoint],
        "GET /api/v1/verdict-stream": [.enforcementPoint],
        "GET /enforce/nginx": [.enforcementPoint],
        "GET /enforce/envoy/**": [.enforcementPoint],
        "POST /enforce/envoy/**": [.enforcementPoint],
        "PUT /enforce/envoy/**": [.enforcementPoint],
        "PATCH /enforce/envoy/**": [.enforcementPoint],
        "DELETE /enforce/envoy/**": [.enforcementPoint],
        "OPTIONS /enforce/envoy/**": [.enforcementPoint],
        "GET /enforce/envoy": [.enforcementPoint],
        "POST /enforce/envoy": [.enforcementPoint],
        "PUT /enforce/envoy": [.enforcementPoint],
        "PATCH /enforce/envoy": [.enforcementPoint],
        "DELETE /enforce/envoy": [.enforcementPoint],
        "OPTIONS /enforce/envoy": [.enforcementPoint],
        "POST /api/v1/undos": [.operator, .administrator],
        "GET /api/v1/notifications": readers,
        "POST /api/v1/notifications/test": [.operator, .administrator],
        "GET /api/v1/library": readers,
        "POST /api/v1/library/reload": [.author, .administrator],
        "GET /api/v1/definitions/{digest}": readers,
        "POST /api/v1/custody": readers,
        "GET /api/v1/tokens": [.administrator],
        "POST /api/v1/tokens": [.administrator],
        "DELETE /api/v1/tokens/{id}": [.administrator],
    ]
}()

private let withoutToken: Set<String> = [
    "POST /hooks/{source}", "POST /hook", "GET /hooks/{source}", "OPTIONS /hooks/{source}", "GET /health", "GET /ready",
    "GET /approve", "POST /approve", "GET /.well-known/ssf-configuration", "GET /ssf/keys",
    "POST /ssf/streams/{id}/poll", "GET /ssf/streams", "GET /ssf/status", "POST /ssf/status", "POST /ssf/verification",
]

extension Route {
    fileprivate var name: String { "\(method.rawValue) \(path)" }
    fileprivate var target: String {
        path.replacing("{id}", with: "nobody").replacing("{digest}", with: "nobody").replacing(
            "{source}", with: "nobody"
        ).replacing("{session}", with: "nobody").replacing("**", with: "any/thing")
    }
}

/// Routes against roles: denied by default, and the same over the wire as in the table.
struct AccessTests {
    @Test func `every route is in the table, and none without a token but those that say so`() {
        for route in Route.all {
            if case .anyOf(let permissions) = route.gate {
                #expect(!permissions.isEmpty, "\(route.name) can be asked by nobody")
                let may = Set(Role.allCases.filter { role in permissions.contains(where: role.may) })
                #expect(may == allowed[route.name], "\(route.name)")
            } else {
                #expect(withoutToken.contains(route.name), "\(route.name) asks for no token")
            }
        }
        #expect(Set(Route.all.map(\.name)) == Set(allowed.keys).union(withoutToken))
        #expect(Set(Route.all.map(\.name)).count == Route.all.count, "no route stands twice")
    }

    @Test
    func `whoever only sends alerts, runs agents or enforces reads nothing, and an administrator approves nothing`() {
        #expect(Permission.allCases.filter(Role.alertSource.may) == [.identify])
        #expect(Permission.allCases.filter(Role.enforcementPoint.may) == [.identify, .enforce])
        #expect(Permission.allCases.filter(Role.agentRuntime.may) == [.identify, .register])
        #expect(Permission.allCases.filter(Role.sessionKeeper.may) == [.identify, .contain])
        #expect(Role.allCases.filter { $0.may(.approve) } == [.approver])
        #expect(Role.allCases.filter { $0.may(.administer) } == [.administrator])
        for permission in Permission.allCases { #expect(Role.table[permission] != nil, "\(permission) has no row") }
    }

    @Test(arguments: Role.allCases)
    func `over the wire a role gets what its table says and 403 for the rest`(_ role: Role) async throws {
        let scratch = try ScratchFolder("cordon-access")
        let server = try ServerUnderTest(MemoryStore(), in: scratch)
        let token = try await server.access.grant(name: "ann", role: role, by: "a test").token.reveal()
        try await server.serving { url in
            for route in Route.all where !withoutToken.contains(route.name) {
                let isAllowed = allowed[route.name]?.contains(role) == true
                // Whoever may ask it is answered for as long as they listen: see `EnforcementTests`.
                if isAllowed, route.path.hasSuffix("-stream") { continue }
                let answer = try await server.ask(route.method.rawValue, url + route.target, token: token)
                if isAllowed {
                    // A verdict is an answer, whatever it says of a session that nobody named.
                    if answer.headers["x-cordon-verdict"] != nil { continue }
                    #expect(
                        ![401, 403, 405, 500, 503].contains(answer.status), "\(role) at \(route.name): \(answer.status)"
                    )
                } else {
                    #expect(answer.status == 403, "\(role) at \(route.name)")
                    #expect(answer.json.at("error", "code") == "forbidden")
                }
            }
        }
    }

    @Test func `over the wire no route lets anybody in without a good token, and none says why`() async throws {
        let scratch = try ScratchFolder("cordon-access")
        let clock = SetClock()
        let server = try ServerUnderTest(MemoryStore(), in: scratch, clock: clock)
        let headers = try await badHeaders(server.access, clock)
        try await server.serving { url in
            for route in Route.all where !withoutToken.contains(route.name) {
                for (what, fields) in headers {
                    let answer = try await server.ask(route.method.rawValue, url + route.target, headers: fields)
                    #expect(answer.status == 401, "\(what) at \(route.name)")
                    #expect(answer.body.isEmpty, "\(what) at \(route.name)")
                    #expect(answer.headers["www-authenticate"] == "Bearer")
                }
            }
        }
    }

    private func badHeaders(
        _ access: Access, _ clock: SetClock
    ) async throws -> [(what: String, fields: [(name: String, value: String)])] {
        let good = try await access.grant(name: "good", role: .administrator, by: "a test").token.reveal()
        let revoked = try await access.grant(name: "revoked", role: .administrator, by: "a test")
        try await access.revoke(id: revoked.record.id, by: "a test")
        let expired = try await access.grant(
            name: "expired", role: .administrator, expiresAt: clock.now.adding(milliseconds: 1000), by: "a test")
        clock.advance(milliseconds: 1000)
        let last = good.hasSuffix("A") ? "B" : "A"
        return [
            ("nothing", []), ("no token", [("authorization", "Bearer")]),
            ("another scheme", [("authorization", "Basic \(good)")]), ("no scheme", [("authorization", good)]),
            ("another secret", [("authorization", "Bearer \(good.dropLast())\(last)")]),
            ("a longer token", [("authorization", "Bearer \(good)A")]),
            ("an unknown id", [("authorization", "Bearer cordon_0000000000_\(good.suffix(43))")]),
            ("a revoked token", [("authorization", "Bearer \(revoked.token.reveal())")]),
            ("an expired token", [("authorization", "Bearer \(expired.token.reveal())")]),
            ("two fields", [("authorization", "Bearer \(good)"), ("authorization", "Bearer \(good)")]),
        ]
    }

    @Test func `another method at a known path gets 405 and an unknown path 404, whoever asks`() async throws {
        let scratch = try ScratchFolder("cordon-access")
        let server = try ServerUnderTest(MemoryStore(), in: scratch)
        try await server.serving { url in
            let wrong = try await server.ask("PUT", url + "/api/v1/tokens")
            #expect(wrong.status == 405)
            #expect(wrong.headers["allow"] == "GET, HEAD, POST")
            #expect(try await server.ask("GET", url + "/api/v1/secrets").status == 404)
            #expect(try await server.ask("PUT", url + "/hooks/github").status == 405)
            // Not whether there is such a source, nor whether its sender may ask anything.
            #expect(try await server.ask("GET", url + "/hooks/github").status == 401)
            #expect(try await server.ask("GET", url + "/hooks/nobody").status == 401)
        }
    }
}

/// Tokens: known by their hash alone, and good for nobody once they ended.
struct AccessTokenTests {
    let store = MemoryStore()
    let clock = SetClock()
    var access: Access { Access(store: store, clock: clock) }

    @Test func `only a token's hash is stored, and nothing shows the token but its own reveal`() async throws {
        let grant = try await access.grant(name: "ann", role: .operator, by: "bob (0123456789)")
        let token = grant.token.reveal()
        let record = try #require(try await store.tokens().first)
        let hash = SHA256.hash(data: Array(token.utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(record.hash == hash)
        let lines = try await store.log(from: 0, limit: 10).map { String(decoding: $0.entry.bytes, as: UTF8.self) }
        #expect(lines.count == 1)
        var dumped = ""
        dump(grant.token, to: &dumped)
        let seen =
            lines + ["\(record)", TokenView.make(record, now: clock.now).json, "\(grant.token)", "\(grant)", dumped]
        for text in seen {
            #expect(!text.contains(token))
            #expect(!text.contains(token.suffix(AccessToken.secretCharacters)))
        }
        #expect(!TokenView.make(record, now: clock.now).json.contains(hash))
        #expect(lines[0].contains("tokenGranted"))
        #expect(lines[0].contains("bob (0123456789)"), "the history names who granted it")
    }

    @Test func `a token lets its caller in until the moment it expires`() async throws {
        let access = access
        let grant = try await access.grant(
            name: "ann", role: .auditor, expiresAt: clock.now.adding(milliseconds: 60_000), by: "a test")
        let header = "bearer " + grant.token.reveal()
        clock.advance(milliseconds: 59_999)
        let caller = try await access.caller(authorization: header)
        #expect(caller?.id == grant.record.id)
        #expect(caller?.role == .auditor)
        clock.advance(milliseconds: 1)
        #expect(try await access.caller(authorization: header) == nil)
    }

    @Test func `a token that another process revoked is refused once the reading of tokens is stale`() async throws {
        let access = access
        let grant = try await access.grant(name: "ann", role: .auditor, by: "a test")
        let header = "Bearer " + grant.token.reveal()
        #expect(try await access.caller(authorization: header) != nil)
        try await Access(store: store, clock: clock).revoke(id: grant.record.id, by: "another")
        clock.advance(milliseconds: ServerLimits.tokensRefreshMilliseconds)
        #expect(try await access.caller(authorization: header) == nil)
        let lines = try await store.log(from: 0, limit: 10).map(\.entry.kind)
        #expect(lines == ["tokenGranted", "tokenRevoked"])
        try await access.revoke(id: grant.record.id, by: "a test")
        #expect(try await store.log(from: 0, limit: 10).count == 2, "revoking twice changes nothing")
    }

    @Test func `a role that this version doesn't know lets nobody in`() async throws {
        let grant = try await access.grant(name: "ann", role: .auditor, by: "a test")
        let other = MemoryStore()
        var record = grant.record
        record.role = "emperor"
        let entry = try #require(try await store.log(from: 0, limit: 1).first).entry
        try await other.grant(record, entry: entry)
        let header = "Bearer " + grant.token.reveal()
        #expect(try await Access(store: other, clock: clock).caller(authorization: header) == nil)
        #expect(try await Access(store: store, clock: clock).caller(authorization: header) != nil)
    }

    @Test(arguments: ["", " ", "two\nlines", "turned \u{202E}around", String(repeating: "a", count: 101)])
    func `a name that could not stand in the history is refused`(_ name: String) async throws {
        await #expect(throws: ServerError(.badName, "")) {
            try await access.grant(name: name, role: .auditor, by: "a test")
        }
        #expect(try await store.tokens().isEmpty)
    }

    @Test func `a token that would have expired already is refused`() async throws {
        await #expect(throws: ServerError(.badExpiry, "")) {
            try await access.grant(name: "ann", role: .auditor, expiresAt: clock.now, by: "a test")
        }
        #expect(try await store.tokens().isEmpty)
    }

    @Test func `grants by two processes at one time are all stored, and the history has no gap`() async throws {
        let (left, right) = (access, access)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                let access = number.isMultiple(of: 2) ? left : right
                group.addTask { _ = try await access.grant(name: "n\(number)", role: .auditor, by: "a test") }
            }
            try await group.waitForAll()
        }
        #expect(Set(try await store.tokens().map(\.name)) == Set((0..<8).map { "n\($0)" }))
        #expect(try await store.history("node", from: 1, limit: 100).map(\.entry.number) == Array(1...8))
    }
}
