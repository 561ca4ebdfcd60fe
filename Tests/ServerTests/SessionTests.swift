// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import TestKit
import Testing

@testable import CordonServer

/// A server with a token for each who has to do with agent sessions.
struct Registry: Sendable {
    let server: ServerUnderTest
    let clock = SetClock()
    let store: MemoryStore
    private let scratch: ScratchFolder
    let runtime, other, keeper, gate: String

    init(_ store: MemoryStore = MemoryStore()) async throws {
        self.store = store
        scratch = try ScratchFolder("cordon-sessions")
        server = try ServerUnderTest(store, in: scratch, clock: clock)
        let access = server.access
        func token(_ name: String, _ role: Role) async throws -> String {
            try await access.grant(name: name, role: role, by: "a test").token.reveal()
        }
        runtime = try await token("runner", .agentRuntime)
        other = try await token("another", .agentRuntime)
        keeper = try await token("cordon", .sessionKeeper)
        gate = try await token("nginx", .enforcementPoint)
    }

    /// Opens a session and does to it what `deed` says.
    func open(_ id: String, and deed: String, at all: String) async throws {
        _ = try await ask("POST", all, runtime, Registry.opening(id, ["when_exceeded": "step_up"]))
        switch deed {
        case "slow", "read_only": _ = try await ask("PUT", "\(all)/\(id)/limit", keeper, ["to": .string(deed)])
        case "isolate": _ = try await ask("PUT", "\(all)/\(id)/isolation", keeper, ["isolated": true])
        case "exceed": _ = try await ask("POST", "\(all)/\(id)/heartbeat", runtime, ["used": ["calls": 11]])
        default: break
        }
    }

    func ask(
        _ method: String, _ url: String, _ token: String, _ body: Value? = nil,
        _ headers: [(name: String, value: String)] = []
    ) async throws -> ServerUnderTest.Answer {
        try await server.ask(
            method, url, headers: [("authorization", "Bearer \(token)")] + headers, body: body?.jsonBytes)
    }

    static func opening(_ id: String, seconds: Int = 3600, _ more: [String: Value] = [:]) -> Value {
        let own: [String: Value] = [
            "id": .string(id), "agent": "refund-agent", "owner": "team/support", "scope": ["orders:read"],
            "resources": ["orders"],
            "approved": ["duration_s": .int(Int64(seconds)), "bytes": 1000, "calls": 10],
        ]
        return .object(own.merging(more) { _, new in new })
    }
}

/// The registry over the wire: each answer that its reference names.
struct SessionTests {
    @Test func `a session is opened once, told of, delegated from and closed`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            let opened = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            #expect(opened.status == 201)
            #expect(opened.headers["etag"] == "\"1\"")
            #expect(opened.json["state"] == "open")
            let again = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            #expect(again.status == 200, "the same twice is one opening")
            let differs = try await registry.ask("POST", all, registry.runtime, Registry.opening("a", seconds: 60))
            #expect(differs.status == 409)
            #expect(differs.json.at("error", "code") == "conflict")

            let child = try await registry.ask("POST", all + "/a/delegate", registry.runtime, Registry.opening("b"))
            #expect(child.status == 201)
            #expect(child.json["parent"] == "a")
            let beat = try await registry.ask(
                "POST", all + "/b/heartbeat", registry.runtime, ["used": ["bytes": 300, "calls": 2]])
            #expect(beat.status == 200)
            #expect(beat.json.at("verdict", "verdict") == "allow")
            let parent = try await registry.ask("GET", all + "/a", registry.runtime)
            #expect(parent.json.at("used", "bytes") == 300, "what a child uses counts for its parent")
            #expect(parent.json["children"] == ["b"])

            let closed = try await registry.ask("POST", all + "/a/close", registry.runtime, ["reason": "done"])
            #expect(closed.status == 200)
            #expect(closed.json["state"] == "closed")
            #expect(try await registry.ask("POST", all + "/a/close", registry.runtime, [:]).status == 200)
            let late = try await registry.ask("POST", all + "/b/heartbeat", registry.runtime, [:])
            #expect(late.status == 409)
            #expect(late.json.at("error", "code") == "wrong_phase")
            let reopened = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            #expect(reopened.status == 409, "no id is used twice")
        }
    }

    @Test func `what is wrong with a body is told, and nothing of it is stored`() async throws {
        let registry = try await Registry()
        let before = try await registry.store.vitals().entries
        let bad: [(Value, String)] = [
            (Registry.opening("a/b"), "'id'"), (Registry.opening("a", ["agent": ""]), "'agent'"),
            (Registry.opening("a", ["approved": ["duration_s": 0]]), "duration_s"),
            (Registry.opening("a", ["approved": ["duration_s": 60, "bytes": -1]]), "'bytes'"),
            (Registry.opening("a", ["approved": ["duration_s": 60, "rows": 1]]), "'rows'"),
            (Registry.opening("a", ["when_exceeded": "panic"]), "when_exceeded"),
            (Registry.opening("a", ["scope": ["x", "x"]]), "twice"),
            (Registry.opening("a", ["color": "red"]), "'color'"),
            (
                Registry.opening(
                    "a", ["resources": .array((0..<60).map { .string("\($0)" + String(repeating: "r", count: 190)) })]),
                "sessionBytesMax"
            ),
        ]
        try await registry.server.serving { url in
            for (body, words) in bad {
                let answer = try await registry.ask("POST", url + "/api/v1/sessions", registry.runtime, body)
                #expect(answer.status == 400, "\(words)")
                #expect(answer.json.at("error", "message")?.stringValue?.contains(words) == true, "\(answer.json.json)")
            }
            let orphan = try await registry.ask(
                "POST", url + "/api/v1/sessions/nobody/delegate", registry.runtime, Registry.opening("a"))
            #expect(orphan.status == 409)
            #expect(
                try await registry.ask("POST", url + "/api/v1/sessions/a/heartbeat", registry.runtime, [:]).status
                    == 404)
        }
        #expect(try await registry.store.vitals().entries == before)
    }

    @Test func `a runtime tells of its own sessions alone`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            _ = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            for (method, path, body): (String, String, Value?) in [
                ("POST", "/a/heartbeat", [:]), ("POST", "/a/close", [:]),
                ("POST", "/a/delegate", Registry.opening("b")),
                ("GET", "/a", nil),
            ] {
                #expect(try await registry.ask(method, all + path, registry.other, body).status == 403, "\(path)")
            }
            #expect(try await registry.ask("POST", all, registry.other, Registry.opening("a")).status == 409)
            #expect(try await registry.ask("GET", all + "/a", registry.keeper).json["state"] == "open")
        }
    }

    @Test func `a change is made once, undone by its revision, and refused where another came between`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            _ = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            let isolated = try await registry.ask("PUT", all + "/a/isolation", registry.keeper, ["isolated": true])
            #expect(isolated.json["state"] == "isolated")
            #expect(isolated.json["revision"] == 2)
            let again = try await registry.ask("PUT", all + "/a/isolation", registry.keeper, ["isolated": true])
            #expect(again.json["revision"] == 2, "convergent")
            let stale = try await registry.ask(
                "PUT", all + "/a/isolation", registry.keeper, ["isolated": false], [("if-match", "1")])
            #expect(stale.status == 412)
            let undone = try await registry.ask(
                "PUT", all + "/a/isolation", registry.keeper, ["isolated": false], [("if-match", "\"2\"")])
            #expect(undone.json["state"] == "open")

            let limited = try await registry.ask("PUT", all + "/a/limit", registry.keeper, ["to": "read_only"])
            #expect(limited.json["state"] == "read_only")
            #expect(try await registry.ask("PUT", all + "/a/limit", registry.keeper, ["to": "gone"]).status == 400)
            let key = [(name: "idempotency-key", value: "k1")]
            for _ in 1...2 {
                let more = try await registry.ask("POST", all + "/a/extension", registry.keeper, ["by": "30m"], key)
                #expect(more.json.at("approved", "duration_s") == 5400)
            }
            let back = try await registry.ask(
                "PUT", all + "/a/approved", registry.keeper, ["duration_s": 3600, "bytes": 1000, "calls": 10])
            #expect(back.json.at("approved", "duration_s") == 3600)
            let released = try await registry.ask("POST", all + "/a/release", registry.keeper, [:])
            #expect(released.json["state"] == "open")
            let kinds = try await registry.store.history("ses_a", from: 1, limit: 50).map(\.entry.kind)
            #expect(
                kinds == [
                    "sessionOpened", "sessionIsolated", "sessionIsolationEnded", "sessionLimited", "sessionExtended",
                    "sessionApproved", "sessionReleased",
                ])
        }
    }

    @Test func `a boundary that is passed makes one alert, and a clock that is off moves none`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            _ = try await registry.ask("POST", all, registry.runtime, Registry.opening("a"))
            let early = registry.clock.now.adding(milliseconds: -7_200_000).description
            let skewed = try await registry.ask(
                "POST", all + "/a/heartbeat", registry.runtime, ["used": ["bytes": 1000], "at": .string(early)])
            #expect(skewed.status == 200)
            #expect(skewed.json["clock_skew_ms"] == -7_200_000)
            #expect(try await registry.store.alerts(AlertQuery()).isEmpty)
            for bytes: Int64 in [1001, 1002, 1500] {
                _ = try await registry.ask(
                    "POST", all + "/a/heartbeat", registry.runtime, ["used": ["bytes": .int(bytes)]])
            }
            let alerts = try await registry.store.alerts(AlertQuery())
            #expect(alerts.map(\.deliveryID) == ["a/bytes/1000/1"])
            #expect(alerts.first?.source == "cordon.sessions")
            // Nobody may post in Cordon's own name.
            #expect(
                try await registry.server.ask("POST", url + "/hooks/cordon.sessions", body: alerts[0].body).status
                    == 401)
            registry.clock.advance(milliseconds: 3_600_000)
            _ = try await registry.ask("POST", all + "/a/heartbeat", registry.runtime, ["used": ["bytes": 1500]])
            #expect(try await registry.store.alerts(AlertQuery()).count == 2)
        }
    }

    @Test func `another process over the same store knows what was isolated`() async throws {
        let store = MemoryStore()
        let first = try await Registry(store)
        try await first.server.serving { url in
            let all = url + "/api/v1/sessions"
            _ = try await first.ask("POST", all, first.runtime, Registry.opening("a"))
            _ = try await first.ask("POST", all + "/a/delegate", first.runtime, Registry.opening("b"))
            _ = try await first.ask("PUT", all + "/a/isolation", first.keeper, ["isolated": true])
        }
        let second = try await Registry(store)
        try await second.server.serving { url in
            let verdict = try await second.ask("GET", url + "/api/v1/verdicts/b", second.gate)
            #expect(verdict.json["verdict"] == "deny")
        }
    }
}

/// What enforcement points are told, in each of the shapes.
struct EnforcementTests {
    private static func headers(_ session: String, _ method: String? = nil) -> [(name: String, value: String)] {
        [(name: "x-cordon-session", value: session)] + (method.map { [(name: "x-original-method", value: $0)] } ?? [])
    }

    @Test(arguments: [
        ("", "allow", 204, 204), ("slow", "slow", 204, 204), ("read_only", "read_only", 204, 403),
        ("isolate", "deny", 403, 403), ("exceed", "step_up", 401, 401),
    ])
    func `a verdict has the same meaning in each shape`(
        _ deed: String, _ verdict: String, _ reading: Int, _ writing: Int
    ) async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            try await registry.open("a", and: deed, at: all)
            let json = try await registry.ask("GET", url + "/api/v1/verdicts/a", registry.gate)
            #expect(json.json["verdict"] == .string(verdict))
            #expect(json.json["max_age_ms"] == .int(Limits.verdictMilliseconds))
            for (method, status) in [("GET", reading), ("POST", writing)] {
                let nginx = try await registry.ask(
                    "GET", url + "/enforce/nginx", registry.gate, nil, Self.headers("a", method))
                #expect(nginx.status == status, "nginx \(method)")
                #expect(nginx.headers["x-cordon-verdict"] == verdict)
                #expect(nginx.headers["cache-control"] == "max-age=5")
                let envoy = try await registry.ask(
                    method, url + "/enforce/envoy/orders/7", registry.gate, nil, Self.headers("a"))
                #expect(envoy.status == (status == 204 ? 200 : status), "envoy \(method)")
                if status == 401 {
                    #expect(envoy.headers["www-authenticate"]?.contains("insufficient_user_authentication") == true)
                }
            }
        }
    }

    @Test func `no session, two sessions and an unknown one are denied`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            _ = try await registry.ask("POST", url + "/api/v1/sessions", registry.runtime, Registry.opening("a"))
            for headers in [[], Self.headers(""), Self.headers("a") + Self.headers("a"), Self.headers("nobody")] {
                let answer = try await registry.ask("GET", url + "/enforce/nginx", registry.gate, nil, headers)
                #expect(answer.status == 403)
                #expect(answer.headers["x-cordon-verdict"] == "deny")
            }
        }
    }
}
