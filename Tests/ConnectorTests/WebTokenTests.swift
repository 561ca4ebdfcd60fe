// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Crypto
import CryptoExtras
import Foundation
import TestKit
import Testing

/// Tokens that are signed here: to sign in without a shared secret, and to tell a receiver of an event.
@Suite struct WebTokenTests {
    private static let rsa = try? _RSA.Signing.PrivateKey(pemRepresentation: PrivateKeys.rsa)
    private static let curve = P256.Signing.PrivateKey()

    /// A token in its compact form (RFC 7515 §3.1), as its receiver takes it apart.
    private struct Received {
        var header: Value
        var claims: Value
        var signed: Data
        var code: Data

        init(_ text: String) throws {
            let parts = text.split(separator: ".").map(String.init)
            try #require(parts.count == 3)
            header = try JSON.parse(Array(try Self.decode(parts[0])))
            claims = try JSON.parse(Array(try Self.decode(parts[1])))
            signed = Data((parts[0] + "." + parts[1]).utf8)
            code = try Self.decode(parts[2])
        }

        private static func decode(_ text: String) throws -> Data {
            #expect(!text.contains("=") && !text.contains("+") && !text.contains("/"))
            let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
            return try #require(Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4)))
        }

        func isSigned(by key: _RSA.Signing.PublicKey, _ padding: _RSA.Signing.Padding) -> Bool {
            key.isValidSignature(.init(rawRepresentation: code), for: SHA256.hash(data: signed), padding: padding)
        }
    }

    private func form(_ request: OutboundRequest?) throws -> [String: String] {
        var fields: [String: String] = [:]
        for pair in try #require(request?.text).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
            fields[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        return fields
    }

    /// A shipped connector whose provider takes everything.
    private func desk(_ name: String, _ settings: [String: String], secrets: [String: String]) throws -> CallDesk {
        let shape = try #require(try shippedConnector(name).provider)
        var desk = CallDesk.with(
            shape,
            transport: ScriptedTransport { request, _ in
                .answered(
                    request.url.hasSuffix("/sets") ? 202 : 200,
                    #"{"access_token":"given","expires_in":3600,"email":"svc@p.example","uniqueId":"1","name":"n"}"#)
            })
        desk.settings = settings
        for name in secrets.keys { desk.connectionSecrets[name] = .environment(name) }
        desk.secrets = secrets
        return desk
    }

    private static let google = [
        "url": "https://iam.googleapis.com/v1", "token_endpoint": "https://oauth2.googleapis.com/token",
        "client_email": "cordon@p.iam.gserviceaccount.com",
    ]

    @Test(arguments: [false, true])
    func `a service account signs in as RFC 7523 says, with its key or its whole key file`(_ isFile: Bool) async throws
    {
        let key = try #require(Self.rsa)
        let file: Value = ["type": "service_account", "private_key": .string(key.pemRepresentation)]
        let desk = try desk(
            "google-iam", Self.google, secrets: ["private_key": isFile ? file.json : key.pemRepresentation])
        let about: Value = ["of": ["project": "p", "email": "svc@p.example"]]
        let answer = await desk.perform(try desk.call("evidence.capture", .act, about))
        #expect(answer.outcome.kind == .done)
        #expect(desk.requests.map(\.url).first == "https://oauth2.googleapis.com/token")
        let fields = try form(desk.requests.first)
        #expect(fields["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        let token = try Received(try #require(fields["assertion"]))
        #expect(token.header == ["alg": "RS256", "typ": "JWT"])
        let now = Instant.start.milliseconds / 1000
        #expect(token.claims["iss"] == "cordon@p.iam.gserviceaccount.com")
        #expect(token.claims["aud"] == "https://oauth2.googleapis.com/token")
        #expect(token.claims["scope"] == "https://www.googleapis.com/auth/cloud-platform")
        #expect(token.claims["iat"] == .int(now) && token.claims["exp"] == .int(now + 600))
        #expect(token.isSigned(by: key.publicKey, .insecurePKCS1v1_5))
        #expect(desk.requests.last?.header("authorization") == "Bearer given")
    }

    private static let entra = [
        "url": "https://graph.microsoft.com/v1.0", "client_id": "app-1", "thumbprint": "A1bC2dE3",
        "token_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
    ]

    @Test func `an application signs in by its certificate's key, and by a secret where it has no key`() async throws {
        let key = try #require(Self.rsa)
        let about: Value = ["of": ["collection": "users", "object_id": "u1"]]
        let keyed = try desk(
            "entra", Self.entra, secrets: ["private_key": key.pemRepresentation, "client_secret": "s"])
        _ = await keyed.perform(try keyed.call("evidence.capture", .act, about))
        let fields = try form(keyed.requests.first)
        #expect(fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        #expect(fields["client_secret"] == nil)
        let token = try Received(try #require(fields["client_assertion"]))
        #expect(token.header == ["alg": "PS256", "typ": "JWT", "x5t#S256": "A1bC2dE3"])
        #expect(token.claims["iss"] == "app-1" && token.claims["sub"] == "app-1")
        #expect(token.claims["jti"]?.stringValue?.count == 32)
        #expect(token.isSigned(by: key.publicKey, .PSS))

        let shared = try desk("entra", Self.entra, secrets: ["client_secret": "s3"])
        _ = await shared.perform(try shared.call("evidence.capture", .act, about))
        let other = try form(shared.requests.first)
        #expect(other["client_secret"] == "s3" && other["client_assertion"] == nil)
        #expect(other["client_assertion_type"] == nil)
    }

    /// What a connector sends that signs in with a token of its own.
    private func curveToken() async throws -> String {
        let shape = try #require(
            try connector(
                "curve",
                """
                connector: curve
                title: A service that takes tokens of its clients' own
                vendor: https://www.rfc-editor.org/rfc/rfc7523
                provider:
                  settings: { url: { type: url }, app: { type: string } }
                  secrets: [key]
                  subject_secrets: []
                  authentication:
                    scheme: token
                    sign_in:
                      request:
                        method: POST
                        to: url
                        path: /tokens
                        jwt: { algorithm: ES256, key: key, key_id: app, claims: { iss: "${provider.app}", none: null }, bearer: true }
                      answers: { done: [200] }
                      token: "${body.access_token}"
                  capabilities:
                    account.suspend:
                      class: convergent
                      request: { method: POST, to: url, path: "/users/${with.account}/suspend" }
                      answers: { done: [200] }
                """
            ).provider)
        var desk = CallDesk.with(
            shape, transport: ScriptedTransport { _, _ in .answered(200, #"{"access_token":"t"}"#) })
        desk.settings["app"] = "k-7"
        desk.connectionSecrets = ["key": .environment("KEY")]
        desk.secrets = ["KEY": Self.curve.pemRepresentation]
        #expect(await desk.perform(try desk.call("account.suspend", .act, ["account": "bob"])).outcome.kind == .done)
        let bearer = try #require(desk.requests.first?.header("authorization"))
        return String(bearer.dropFirst("Bearer ".count))
    }

    @Test func `a token may itself be who asks, signed on a curve`() async throws {
        let token = try Received(try await curveToken())
        #expect(token.header == ["alg": "ES256", "typ": "JWT", "kid": "k-7"])
        #expect(Set(token.claims.objectValue?.keys ?? [:].keys) == ["iss", "iat", "jti"])
        let code = try P256.Signing.ECDSASignature(rawRepresentation: token.code)
        #expect(Self.curve.publicKey.isValidSignature(code, for: token.signed))
    }

    // MARK: Another reader

    /// Which tokens are made here: the text, the public key as PEM, the algorithm that was asked for.
    private func signed() async throws -> [(token: String, pem: String, algorithm: String)] {
        let key = try #require(Self.rsa)
        let pem = key.publicKey.pemRepresentation
        let service = try desk("google-iam", Self.google, secrets: ["private_key": key.pemRepresentation])
        let about: Value = ["of": ["project": "p", "email": "svc@p.example"]]
        _ = await service.perform(try service.call("evidence.capture", .act, about))
        let application = try desk("entra", Self.entra, secrets: ["private_key": key.pemRepresentation])
        let user: Value = ["of": ["collection": "users", "object_id": "u1"]]
        _ = await application.perform(try application.call("evidence.capture", .act, user))
        return [
            (try #require(try form(service.requests.first)["assertion"]), pem, "RS256"),
            (try #require(try form(application.requests.first)["client_assertion"]), pem, "PS256"),
            (try await curveToken(), Self.curve.publicKey.pemRepresentation, "ES256"),
        ]
    }

    @Test func `jwcrypto, which shares no code with Cordon, takes each token for what it is`() async throws {
        guard let python = PythonForTokens.path else { return }
        let scratch = try ScratchFolder("cordon-jwcrypto")
        let script = try scratch.write(PythonForTokens.script, to: "check.py")
        for (token, pem, algorithm) in try await signed() {
            try scratch.write(pem, to: "key.pem")
            var changed = token
            // The last but one: of the last, two bits say nothing.
            let at = changed.index(changed.endIndex, offsetBy: -2)
            changed.replaceSubrange(at...at, with: changed[at] == "A" ? "B" : "A")
            for (text, isTaken) in [(token, true), (changed, false)] {
                let process = try ProgramUnderTest(
                    python, [script, "key.pem", algorithm, text], folder: scratch.path, capturedIn: scratch,
                    as: "jwcrypto")
                #expect(try await process.waitForExit() == .exited(isTaken ? 0 : 1), "\(process.error)")
                guard isTaken else { continue }
                #expect(try JSON.parse(process.output) == Received(token).claims)
            }
        }
    }

    @Test(arguments: ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "{}"])
    func `with what is no key nothing is sent, and the reason quotes nothing of it`(_ key: String) async throws {
        let desk = try desk("google-iam", Self.google, secrets: ["private_key": key])
        let call = try desk.call("evidence.capture", .act, ["of": ["project": "p", "email": "e"]])
        let outcome = await desk.perform(call).outcome
        #expect(outcome.kind == .refused && desk.requests.isEmpty)
        #expect(
            outcome.reason
                == "not sent: a token could not be asked for: the secret 'private_key' is no private key for RS256")
    }

    // MARK: Mistakes

    @Test(arguments: [
        ("jwt: { algorithm: RS256, key: key, claims: { a: \"${secret.key}\" } }", "there is no variable 'secret'"),
        ("jwt: { algorithm: RS256, key: kye, claims: {} }", "'kye' is no secret"),
        ("jwt: { algorithm: RS256, key: key, key_id: k, claims: {} }", "'k' is no setting"),
        ("jwt: { algorithm: none, key: key, claims: {} }", "'algorithm' must be one of RS256, PS256, ES256"),
        ("jwt: { algorithm: RS256, key: key, claims: { exp: 1 } }", "'exp' is not a connector's to set"),
        ("jwt: { algorithm: RS256, key: key, header: { alg: none } }", "'alg' is not a connector's to set"),
        ("text: a, json: { a: b }", "a request has one body: 'text', 'json' or 'form'"),
    ])
    func `what a token may not say is refused where it stands`(_ field: String, _ message: String) throws {
        let text = """
            connector: mistaken
            title: A mistake
            vendor: https://example.org
            provider:
              settings: { url: { type: url } }
              secrets: [key]
              subject_secrets: []
              authentication: { scheme: none }
              capabilities:
                notify:
                  class: once
                  request: { method: POST, to: url, \(field) }
                  answers: { done: [200] }
            """
        let loaded = Connector.load(Array(text.utf8), file: "mistaken.yaml", digest: "")
        guard case .failure(let mistakes) = loaded else {
            Issue.record("it was loaded")
            return
        }
        #expect(mistakes.all.contains { $0.message.hasPrefix(message) }, "\(mistakes.all.map(\.message))")
        #expect(mistakes.all.allSatisfy { $0.place.line == 12 })
    }

    // MARK: Events

    @Test func `a logout token holds what OpenID Connect asks for, under the intent's own number`() async throws {
        let key = try #require(Self.rsa)
        let desk = try desk(
            "oidc-logout",
            ["url": "https://rp.example/cb", "issuer": "https://op.example", "client_id": "rp", "key_id": "k1"],
            secrets: ["signing_key": key.pemRepresentation])
        let about: Value = ["issued_by": ["sub": "svc-1"]]
        let call = try desk.call("sessions.revoke", .act, about)
        // What is sealed is what it will say, and no signature: it is the same whenever it is looked at.
        #expect(try desk.call("sessions.revoke", .act, about).seal == call.seal)
        #expect(await desk.perform(call).outcome.kind == .done)
        let request = try #require(desk.requests.first)
        let token = try Received(try #require(try form(request)["logout_token"]))
        #expect(token.header == ["alg": "RS256", "typ": "logout+jwt", "kid": "k1"])
        #expect(token.claims["events"] == ["http://schemas.openid.net/event/backchannel-logout": [:]])
        #expect(token.claims["sub"] == "svc-1" && token.claims["aud"] == "rp" && token.claims["nonce"] == nil)
        #expect(token.claims["jti"]?.stringValue == request.header("idempotency-key"))
        #expect(token.claims["exp"]?.intValue == (token.claims["iat"]?.intValue ?? 0) + 120)
        #expect(token.isSigned(by: key.publicKey, .insecurePKCS1v1_5))
        _ = await desk.perform(call)
        let again = try Received(try #require(try form(desk.requests.last)["logout_token"]))
        #expect(again.claims["jti"] == token.claims["jti"])
    }

    @Test func `an event of shared signals is a security event token as its receiver reads it`() async throws {
        let key = try #require(Self.rsa)
        let desk = try desk(
            "caep-transmitter",
            [
                "url": "https://rx.example/sets", "issuer": "https://cordon.example", "audience": "https://rx.example",
                "key_id": "k1",
            ],
            secrets: ["signing_key": key.pemRepresentation, "push_token": "pt"])
        let call = try desk.call(
            "sessions.revoke", .act, ["issued_by": ["iss": "https://idp.example", "sub": "svc-1"]])
        #expect(await desk.perform(call).outcome.kind == .done)
        let request = try #require(desk.requests.first)
        #expect(request.header("content-type") == "application/secevent+jwt")
        #expect(request.header("authorization") == "Bearer pt")
        let text = try #require(request.text)
        let token = try Received(text)
        #expect(token.header["typ"] == "secevent+jwt")
        #expect(token.claims["exp"] == nil)
        // Read by the receiver that ships with this repository.
        let source = try #require(try shippedConnector("ssf").source)
        let jwk: Value = try Self.publicJWK(key)
        let alert = try source.receive(
            InboundDelivery(headers: ["content-type": "application/secevent+jwt"], body: Array(text.utf8)),
            source: "s", secrets: [Secret(Value.object(["keys": [jwk]]).json)],
            settings: ["issuer": "https://cordon.example", "audience": "https://rx.example"],
            id: AlertID(stem: "01"), at: .start)
        #expect(alert.deliveryID == call.seal.idempotencyKey)
    }

    private static func publicJWK(_ key: _RSA.Signing.PrivateKey) throws -> Value {
        let parts = try key.publicKey.getKeyPrimitives()
        func text(_ data: Data) -> Value {
            .string(
                data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(
                    of: "/", with: "_"
                ).replacingOccurrences(of: "=", with: ""))
        }
        return [
            "kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": text(parts.modulus),
            "e": text(parts.publicExponent),
        ]
    }
}

/// The Python of the build's servers, with jwcrypto in it.
private enum PythonForTokens {
    static let script = """
        import sys
        from jwcrypto import jwk, jws
        token = jws.JWS()
        token.allowed_algs = [sys.argv[2]]
        token.deserialize(sys.argv[3], jwk.JWK.from_pem(open(sys.argv[1], "rb").read()))
        print(token.payload.decode())
        """

    /// `CORDON_SERVERS` names another place than the build's own folder.
    static var path: String? {
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        let folder = ProcessInfo.processInfo.environment["CORDON_SERVERS"] ?? root + "/.build/servers"
        let lib = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/lib")) ?? []
        let isThere = lib.contains {
            FileManager.default.fileExists(atPath: "\(folder)/lib/\($0)/site-packages/jwcrypto")
        }
        guard isThere else {
            print("skipped: jwcrypto is not installed in \(folder); tokens are read by no other program")
            if ProcessInfo.processInfo.environment["CI"] != nil { Issue.record("nothing may be skipped here") }
            return nil
        }
        return folder + "/bin/python"
    }
}
