// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import Synchronization
import TestKit
import Testing

/// Cordon tells receivers of its agent sessions by security events: another Cordon takes them over real HTTP, and a kill
/// at any moment loses none.
@Suite(.serialized)
struct SharedSignalTests {
    /// One that transmits, with what it takes to open and isolate sessions.
    private struct Transmitting: Sendable {
        let installation: Installation
        let port: Int
        let runtime, person: String

        init(_ streams: String) async throws {
            installation = try Installation.alone()
            port = try freePort()
            let scratch = installation.scratch
            try scratch.write(
                "listen: { port: \(port) }\nlog: { level: debug }\nstate: state\n", to: "cordon.yaml")
            try scratch.write("identities: []\n", to: "identities.yaml")
            let path = try scratch.write("stream-token-7", to: "stream-token")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            try scratch.write(
                """
                sources: []
                providers: []
                transmitter:
                  issuer: https://cordon.example
                  streams:
                \(streams)

                """, to: "connections.yaml")
            _ = try await installation.finish("init")
            let installation = installation
            func token(_ role: String) async throws -> String {
                try await installation.finish("token", "create", "--role", role, "--name", "the \(role)").output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            runtime = try await token("agent_runtime")
            person = try await token("operator")
        }

        func ask(_ method: String, _ path: String, _ token: String, _ body: Value? = nil) async throws -> Web.Answer {
            try await installation.web.ask(
                method, "http://127.0.0.1:\(port)\(path)", headers: [("authorization", "Bearer \(token)")],
                body: body?.json)
        }

        func open(_ id: String) async throws -> Int {
            let body: Value = [
                "id": .string(id), "agent": "refund-agent", "owner": "team/support",
                "approved": ["duration_s": 3600, "bytes": 1000],
            ]
            return try await ask("POST", "/api/v1/sessions", runtime, body).status
        }

        func isolate(_ id: String) async throws -> Int {
            try await ask(
                "PUT", "/api/v1/sessions/\(id)/isolation", person, ["isolated": true, "reason": "it reads payroll"]
            ).status
        }
    }

    /// The names of the tokens that came.
    private final class Names: Sendable { let held = Mutex<[String]>([]) }

    @Test func `another Cordon takes what is pushed, killed or not, and the history says what it took`() async throws {
        let receiver = try Installation.alone()
        let port = try freePort()
        let transmitting = try await Transmitting(
            """
                - id: gateway
                  audience: https://gateway.example
                  push: "http://127.0.0.1:\(port)/hooks/signals"
                  egress: { plain_http: true, loopback: true }
            """)
        try receiver.scratch.write(
            "listen: { port: \(port) }\nlog: { level: debug }\nstate: state\n", to: "cordon.yaml")
        try receiver.scratch.write("identities: []\n", to: "identities.yaml")
        try receiver.scratch.write(
            """
            sources:
              - id: signals
                connector: ssf
                keys: "http://127.0.0.1:\(transmitting.port)/ssf/keys"
                settings: { issuer: "https://cordon.example", audience: "https://gateway.example" }
                egress: { plain_http: true, loopback: true }
            providers: []
            """, to: "connections.yaml")

        // Nobody listens when the session is isolated, and the process is killed.
        var serving = try await transmitting.installation.serve()
        #expect(try await transmitting.open("refund-7") == 201)
        #expect(try await transmitting.isolate("refund-7") == 200)
        serving.program.kill()
        try await serving.program.waitForExit()
        let taking = try await receiver.serve()
        defer { taking.program.kill() }
        serving = try await transmitting.installation.serve()
        defer { serving.program.kill() }
        let token = try receiver.firstToken
        func signals() async throws -> [Value] {
            var all: [Value] = []
            for alert in try await taking.get("/api/v1/alerts", token: token).json["alerts"]?.arrayValue ?? [] {
                let path = "/api/v1/signals?alert=\(alert["id"]?.stringValue ?? "")"
                all += try await taking.get(path, token: token).json["signals"]?.arrayValue ?? []
            }
            return all
        }
        func changes() async throws -> [String] {
            try await signals().compactMap { $0.at("attributes", "change")?.stringValue }.sorted()
        }
        try await eventually("the receiver to take both") { try await changes() == ["established", "revoked"] }
        let signal = try #require(try await signals().first)
        #expect(signal.at("attributes", "session", "id") == "refund-7", "\(signal.json)")
        #expect(signal.at("attributes", "identity", "id") == "refund-agent", "\(signal.json)")

        let installation = transmitting.installation
        try await eventually("the history to say so") {
            try await installation.finish("stream", "list", "-o", "json").json.arrayValue?.first?["waiting"] == 0
        }
        let history = try await installation.finish("stream", "history", "gateway")
        #expect(history.output.contains("eventsDelivered"), "\(history.output)")
        #expect(history.output.contains("refund-7 session-established"), "\(history.output)")
        #expect(history.output.contains("refund-7 session-revoked"), "\(history.output)")
        #expect(try await installation.finish("audit", "verify").end == .exited(0))

        // A verification event shows that the stream is alive, and is no signal.
        let verified = try await installation.finish("stream", "verify", "gateway")
        #expect(verified.output == "gateway: a verification event is on its way\n", "\(verified.error)")
        try await eventually("it to be taken") {
            try await taking.counter("cordon_alerts_stored_total", token: token) == ["": 3]
        }
        #expect(try await changes() == ["established", "revoked"])
        #expect(try await installation.finish("stream", "verify", "gate").end == .exited(3))
        let paused = try await installation.finish("stream", "pause", "gateway", "--reason", "it is rebuilt")
        #expect(paused.output.hasPrefix("gateway is paused; "), "\(paused.error)")
        #expect(try await transmitting.open("refund-8") == 201)
        let resumed = try await installation.finish("stream", "resume", "gateway")
        #expect(resumed.output.hasPrefix("gateway is enabled; "), "\(resumed.error)")
        try await eventually("what waited to be taken") {
            try await changes() == ["established", "established", "revoked"]
        }
    }

    @Test func `killed before the answer, it sends the same token again`() async throws {
        let names = Names()
        let gate = Gate()
        let server = try LoopbackServer { request in
            let part = request.bodyText.split(separator: ".").dropFirst().first.map(String.init) ?? ""
            var text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
            while text.count % 4 != 0 { text += "=" }
            let claims = try? JSON.parse(Array(Data(base64Encoded: text) ?? Data()))
            names.held.withLock { $0.append(claims?["jti"]?.stringValue ?? "?") }
            guard request.headers["authorization"] == "Bearer stream-token-7",
                request.headers["content-type"] == "application/secevent+jwt"
            else { return .respond(401) }
            if request.order == 1 { gate.wait() }
            return .respond(202)
        }
        defer {
            gate.open()
            server.stop()
        }
        let transmitting = try await Transmitting(
            """
                - id: gateway
                  audience: g
                  push: "\(server.url)/events"
                  token: { file: stream-token }
                  egress: { plain_http: true, loopback: true }
            """)
        var serving = try await transmitting.installation.serve()
        #expect(try await transmitting.open("refund-7") == 201)
        await server.waitForRequests(1)
        serving.program.kill()
        try await serving.program.waitForExit()
        gate.open()
        serving = try await transmitting.installation.serve()
        defer { serving.program.kill() }
        try await eventually("it to come again") { names.held.withLock { $0.count } == 2 }
        let seen = names.held.withLock { $0 }
        #expect(seen.count == 2 && seen[0] == seen[1] && seen[0].count == 32, "\(seen)")
        #expect(!serving.program.error.contains("stream-token-7"))
    }

    @Test func `a receiver finds what it needs, asks for its events, and learns nothing without its token`()
        async throws
    {
        let transmitting = try await Transmitting(
            "    - { id: far, audience: f, poll: true, token: { file: stream-token } }")
        let serving = try await transmitting.installation.serve()
        defer { serving.program.kill() }
        let found = try await serving.get("/.well-known/ssf-configuration", token: nil)
        #expect(found.status == 200)
        #expect(found.json["issuer"] == "https://cordon.example" && found.json["spec_version"] == "1_0")
        #expect(found.json["jwks_uri"] == "https://cordon.example/ssf/keys")
        #expect(found.json["default_subjects"] == "ALL")
        let keys = try await serving.get("/ssf/keys", token: nil).json["keys"]?.arrayValue
        #expect(keys?.count == 1 && keys?.first?["alg"] == "RS256" && keys?.first?["d"] == nil)

        #expect(try await transmitting.open("refund-7") == 201)
        let poll = "/ssf/streams/far/poll"
        for (path, token) in [(poll, "wrong"), ("/ssf/streams/else/poll", "stream-token-7")] {
            let refused = try await transmitting.ask("POST", path, token, [:])
            #expect(refused.status == 401 && refused.body.isEmpty)
        }
        let given = try await transmitting.ask("POST", poll, "stream-token-7", [:]).json
        let name = try #require(given["sets"]?.objectValue?.keys.first)
        #expect(given["moreAvailable"] == false)
        let ack: Value = ["ack": [.string(name)], "returnImmediately": true]
        #expect(try await transmitting.ask("POST", poll, "stream-token-7", ack).json["sets"] == [:])
        let bad = try await transmitting.ask("POST", poll, "stream-token-7", ["ack": "all"])
        #expect(bad.status == 400)

        let own = try await transmitting.ask("GET", "/ssf/streams?stream_id=far", "stream-token-7").json
        #expect(own["aud"] == "f" && own.at("delivery", "method") == "urn:ietf:rfc:8936")
        #expect(try await transmitting.ask("GET", "/ssf/streams", "wrong").status == 401)
        let asked: Value = ["stream_id": "far", "state": "s-1"]
        #expect(try await transmitting.ask("POST", "/ssf/verification", "stream-token-7", asked).status == 204)
        #expect(try await transmitting.ask("POST", "/ssf/verification", "stream-token-7", asked).status == 429)
        let status: Value = ["stream_id": "far", "status": "paused"]
        #expect(try await transmitting.ask("POST", "/ssf/status", "stream-token-7", status).json["status"] == "paused")
        let ended: Value = ["stream_id": "far", "status": "disabled"]
        #expect(try await transmitting.ask("POST", "/ssf/status", "stream-token-7", ended).status == 400)
        let told = try await transmitting.ask("GET", "/ssf/status?stream_id=far", "stream-token-7").json
        #expect(told == ["stream_id": "far", "status": "paused"])
    }
}
