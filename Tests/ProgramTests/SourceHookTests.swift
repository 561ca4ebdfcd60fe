// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import Foundation
import TestKit
import Testing

/// Sources of several kinds at the built program, over the wire: handshakes, tokens with answers of their own, events
/// that come twice.
@Suite(.serialized)
struct SourceHookTests {
    private static let key = P256.Signing.PrivateKey()
    private static let secret = Data("32 bytes that a runtime signs by".utf8)

    private func base64URL(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private func installation() throws -> Installation {
        let installation = try Installation.alone()
        let scratch = installation.scratch
        let point = Self.key.publicKey.rawRepresentation
        let keys: Value = [
            "keys": [
                [
                    "kty": "EC", "crv": "P-256", "kid": "k", "x": .string(base64URL(point.prefix(32))),
                    "y": .string(base64URL(point.suffix(32))),
                ]
            ]
        ]
        for (name, text) in [
            ("okta", "okta-value"), ("graph", "state"), ("keys", keys.json),
            ("runtime", "whsec_" + Self.secret.base64EncodedString()),
        ] {
            let path = try scratch.write(text, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        try scratch.write(
            """
            sources:
              - { id: okta, connector: okta, secrets: [{ file: okta }] }
              - { id: graph, connector: microsoft-graph, secrets: [{ file: graph }] }
              - { id: runtime, connector: native, secrets: [{ file: runtime }], limits: { per_second: 1 } }
              - { id: signals, connector: ssf, secrets: [{ file: keys }], settings: { issuer: "https://t.example", audience: me } }
            providers: []
            """, to: "connections.yaml")
        try scratch.write("identities: []\n", to: "identities.yaml")
        return installation
    }

    private func token(_ audience: String) throws -> String {
        let claims = """
            {"iss":"https://t.example","aud":"\(audience)","jti":"j-1","iat":1767225600,"sub_id":{"format":"email",\
            "email":"a@b.example"},"events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}}
            """
        let header = #"{"alg":"ES256","kid":"k","typ":"secevent+jwt"}"#
        let signed = base64URL(Data(header.utf8)) + "." + base64URL(Data(claims.utf8))
        return signed + "." + base64URL(try Self.key.signature(for: Data(signed.utf8)).rawRepresentation)
    }

    private func sign(_ body: String, _ id: String, at time: Int) -> [(name: String, value: String)] {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(id).\(time).\(body)".utf8), using: SymmetricKey(data: Self.secret))
        return [
            ("webhook-id", id), ("webhook-timestamp", "\(time)"),
            ("webhook-signature", "v1," + Data(code).base64EncodedString()),
        ]
    }

    @Test func `senders that ask before they send are answered, and nobody else learns anything`() async throws {
        let installation = try installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let challenge = try await serving.web.ask(
            "GET", serving.url + "/hooks/okta", headers: [("x-okta-verification-challenge", "abc")])
        #expect(challenge.status == 200)
        #expect(challenge.json == ["verification": "abc"])
        let graph = try await serving.web.ask(
            "POST", serving.url + "/hooks/graph?validationToken=Validation%3A+Testing%20%2B1", body: "")
        #expect(graph.status == 200)
        #expect(graph.text == "Validation: Testing +1")
        #expect(graph.headers["content-type"] == "text/plain")
        for (method, path) in [
            ("GET", "/hooks/okta"), ("GET", "/hooks/nobody"), ("GET", "/hooks/graph?validationToken=x"),
            ("OPTIONS", "/hooks/okta"), ("POST", "/hooks/okta?validationToken=x"), ("POST", "/hooks/graph?x=%ZZ"),
        ] {
            let answer = try await serving.web.ask(
                method, serving.url + path, body: method == "POST" ? "{}" : nil)
            #expect(answer.status == 401, "\(method) \(path)")
            #expect(answer.body.isEmpty, "\(method) \(path)")
        }
    }

    @Test func `a transmitter of security events gets RFC 8935's answers`() async throws {
        let installation = try installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        func push(_ text: String, type: String = "application/secevent+jwt") async throws -> Web.Answer {
            try await serving.web.ask(
                "POST", serving.url + "/hooks/signals", headers: [("content-type", type)], body: text)
        }
        for _ in 1...2 {
            let taken = try await push(try token("me"))
            #expect(taken.status == 202)
            #expect(taken.body.isEmpty)
        }
        let other = try await push(try token("you"))
        #expect(other.status == 400)
        #expect(other.json["err"] == "invalid_audience")
        #expect(other.json["description"]?.stringValue?.isEmpty == false)
        #expect(try await push("no token").json["err"] == "invalid_request")
        let access = try installation.firstToken
        // Signed anew the same token is other bytes under its name: a repeat all the same, and told.
        #expect(try await serving.counter("cordon_alerts_under_known_id_total", token: access) == ["": 1])
        #expect(try await push(try token("me"), type: "text/plain").json["err"] == "invalid_request")
        let alerts = try await serving.get("/api/v1/alerts", token: access).json["alerts"]
        #expect(alerts?.arrayValue?.count == 1)
    }

    @Test func `an event that comes twice gives one signal, and a fast sender is put off`() async throws {
        let installation = try installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let access = try installation.firstToken
        let body = #"{"kind":"notice.given","id":"e-1","signal":{"event":"tried","resources":["r"]}}"#
        // The built program's clock is this machine's.
        let now = Int(Date().timeIntervalSince1970)
        func send(_ number: Int) async throws -> Web.Answer {
            try await serving.web.ask(
                "POST", serving.url + "/hooks/runtime", headers: sign(body, "d-\(number)", at: now), body: body)
        }
        var answers = [try await send(1), try await send(2)]
        // Together, so that a slow machine does not make a slow sender.
        answers += try await withThrowingTaskGroup { group in
            for number in 3...20 {
                group.addTask { try await send(number) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers[0].status == 202)
        #expect(answers[1].status == 202)
        let late = try #require(answers.first { $0.status == 429 })
        #expect(late.headers["retry-after"] == "1")
        #expect(late.json.at("error", "code") == "too_many")
        var signals = 0
        for answer in answers where answer.status == 202 {
            let id = try #require(answer.json["alert"]?.stringValue)
            #expect(try await serving.stateOnceRead(id, token: access) == "read")
            signals +=
                try await serving.get("/api/v1/signals?alert=\(id)", token: access).json["signals"]?.arrayValue?
                .count ?? 0
        }
        #expect(signals == 1)
        // Sent by the command as its source would.
        let sent = try await installation.finish(
            "alert", "send", try installation.scratch.write(body, to: "e.json"), "--source", "runtime", "--delivery",
            "d-1")
        #expect([.exited(0)].contains(sent.end) || sent.error.contains("send it again"), "\(sent.error)")
    }
}
