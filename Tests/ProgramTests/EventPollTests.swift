// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import CryptoExtras
import Foundation
import Synchronization
import TestKit
import Testing

/// A transmitter that can't push is asked for its events, and forgets only what is stored.
@Suite(.serialized)
struct EventPollTests {
    /// RFC 8936 from the other side: it gives what was neither acknowledged nor refused, two at a time.
    private final class Transmitter: Sendable {
        let key: _RSA.Signing.PrivateKey
        let server: LoopbackServer
        private let state: Box

        private struct State {
            var waiting: [String: String] = [:]
            var acknowledged: [String] = []
            var refused: [String: String] = [:]
            var isDown = false
        }

        /// What the handler, which is made before `self`, shares with it.
        private final class Box: Sendable { let held = Mutex(State()) }

        init() throws {
            key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            let box = Box()
            state = box
            server = try LoopbackServer { request in
                guard request.method == "POST", request.headers["authorization"] == "Bearer poll-token-7" else {
                    return .respond(401)
                }
                let body = (try? JSON.parse(request.body)) ?? .null
                return box.held.withLock { state in
                    if state.isDown { return .respond(503) }
                    for name in body["ack"]?.arrayValue ?? [] {
                        state.acknowledged.append(name.stringValue ?? "")
                        state.waiting[name.stringValue ?? ""] = nil
                    }
                    for (name, error) in body["setErrs"]?.objectValue ?? [:] {
                        state.refused[name] = error["err"]?.stringValue
                        state.waiting[name] = nil
                    }
                    let given = state.waiting.sorted { $0.key < $1.key }.prefix(2)
                    let sets = Dictionary(uniqueKeysWithValues: given.map { ($0.key, Value.string($0.value)) })
                    let answer: Value = [
                        "sets": .object(sets), "moreAvailable": .bool(state.waiting.count > given.count),
                    ]
                    return .json(answer.json)
                }
            }
        }

        var acknowledged: [String] { state.held.withLock { $0.acknowledged } }
        var refused: [String: String] { state.held.withLock { $0.refused } }
        func isDown(_ isDown: Bool) { state.held.withLock { $0.isDown = isDown } }
        func give(_ name: String, as token: String) { state.held.withLock { $0.waiting[name] = token } }

        func give(_ names: String...) {
            for name in names { give(name, as: token(name)) }
        }

        /// A session of somebody's was revoked.
        func token(_ name: String, issuer: String = "https://tx.example") -> String {
            let header: Value = ["alg": "RS256", "typ": "secevent+jwt", "kid": "t1"]
            let claims: Value = [
                "iss": .string(issuer), "aud": "https://cordon.example", "jti": .string(name), "iat": 1_767_323_045,
                "sub_id": ["format": "iss_sub", "iss": .string(issuer), "sub": "svc-1"],
                "events": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked": [:]],
            ]
            let signed = Self.text(header.jsonBytes) + "." + Self.text(claims.jsonBytes)
            let code = try? key.signature(for: SHA256.hash(data: Data(signed.utf8)), padding: .insecurePKCS1v1_5)
            return signed + "." + Self.text(Array(code?.rawRepresentation ?? Data()))
        }

        func keySet() throws -> Value {
            let parts = try key.publicKey.getKeyPrimitives()
            return [
                "keys": [
                    [
                        "kty": "RSA", "kid": "t1", "alg": "RS256", "n": .string(Self.text(Array(parts.modulus))),
                        "e": .string(Self.text(Array(parts.publicExponent))),
                    ]
                ]
            ]
        }

        private static func text(_ bytes: [UInt8]) -> String {
            Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(
                of: "/", with: "_"
            ).replacingOccurrences(of: "=", with: "")
        }
    }

    private func installation(_ transmitter: Transmitter) throws -> Installation {
        let installation = try Installation.alone()
        let scratch = installation.scratch
        for (name, text) in [("poll-token", "poll-token-7"), ("tx-keys", try transmitter.keySet().json)] {
            let path = try scratch.write(text, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        try scratch.write(
            """
            sources:
              - id: signals
                connector: ssf
                secrets: [{ file: tx-keys }]
                settings: { issuer: "https://tx.example", audience: "https://cordon.example" }
                egress: { plain_http: true, loopback: true }
                poll: { url: "\(transmitter.server.url)/poll", every: 1s, token: { file: poll-token } }
            providers: []
            """, to: "connections.yaml")
        return installation
    }

    @Test func `events are acknowledged once they are stored, refused when not believed, and taken once after a crash`()
        async throws
    {
        let transmitter = try Transmitter()
        defer { transmitter.server.stop() }
        transmitter.give("e1", "e2", "e3")
        transmitter.give("forged", as: transmitter.token("forged") + "AA")
        transmitter.give("foreign", as: transmitter.token("foreign", issuer: "https://else.example"))
        let installation = try installation(transmitter)
        var serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        try await eventually("the events to be taken") {
            Set(transmitter.acknowledged) == ["e1", "e2", "e3"] && transmitter.refused.count == 2
        }
        #expect(transmitter.refused == ["forged": "authentication_failed", "foreign": "invalid_issuer"])
        #expect(try await serving.counter("cordon_alerts_stored_total", token: token) == ["": 3])

        // What it was not told of comes again, and is known.
        serving.program.kill()
        try await serving.program.waitForExit()
        transmitter.give("e2", "e4")
        transmitter.isDown(true)
        serving = try await installation.serve()
        try await eventually("a poll to fail") {
            try await (serving.counter("cordon_polls_failed_total", token: token)[""] ?? 0) > 0
        }
        transmitter.isDown(false)
        do {
            try await eventually("the rest to be taken", seconds: 30) { transmitter.acknowledged.contains("e4") }
        } catch {
            let lines = serving.program.error.split(separator: "\n").filter { $0.contains("source=signals") }
            throw Web.NoAnswer(reason: "\(error): \(lines.suffix(10)) \(transmitter.acknowledged)")
        }
        #expect(try await serving.counter("cordon_alerts_stored_total", token: token) == ["": 1])
        #expect(try await serving.counter("cordon_alerts_repeated_total", token: token) == ["": 1])
        try await eventually("it to be told") { serving.program.error.contains("a source is heard again") }
        #expect(!serving.program.error.contains("poll-token-7"))
    }

    @Test func `a source that pushes is not polled, and an address must be one of https`() async throws {
        let transmitter = try Transmitter()
        defer { transmitter.server.stop() }
        let installation = try installation(transmitter)
        try installation.scratch.write(
            """
            sources:
              - id: github
                connector: github
                secrets: [{ file: hook-secret }]
                poll: { url: "http://x.example/poll" }
            providers: []
            """, to: "connections.yaml")
        let ended = try await installation.finish("playbook", "check")
        #expect(ended.end == .exited(10))
        #expect(ended.error.contains("only a transmitter of security event tokens is polled"))
        #expect(ended.error.contains("'url' is no absolute URL of https"))
    }
}
