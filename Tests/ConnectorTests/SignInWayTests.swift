// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// A provider that can be told in several ways who asks: each connection takes the first whose secrets it has.
@Suite struct SignInWayTests {
    private static let okta = [
        "url": "https://acme.okta.com/api/v1", "token_endpoint": "https://acme.okta.com/oauth2/v1/token",
        "client_id": "0oa1", "key_id": "k1",
    ]
    private static let keycloak = [
        "url": "https://id.example/admin/realms/r", "client_id": "cordon",
        "token_endpoint": "https://id.example/realms/r/protocol/openid-connect/token",
    ]
    private static let oauth = [
        "introspection_endpoint": "https://auth.example/introspect", "client_id": "cordon",
        "audience": "https://auth.example",
        "revocation_endpoint": "https://auth.example/revoke",
    ]

    private func desk(_ name: String, _ settings: [String: String], _ secrets: [String]) throws -> CallDesk {
        let shape = try #require(try shippedConnector(name).provider)
        var desk = CallDesk.with(
            shape,
            transport: ScriptedTransport { _, _ in
                .answered(200, #"{"access_token":"given","expires_in":3600,"active":true,"id":"u1"}"#)
            })
        desk.settings = settings
        for secret in secrets {
            desk.connectionSecrets[secret] = .environment(secret)
            desk.secrets[secret] = secret == "private_key" ? PrivateKeys.rsa : "the " + secret
        }
        for secret in shape.subjectSecrets { desk.secrets[secret] = "held" }
        desk.inventory = Inventory(
            identities: [
                Inventory.Identity(
                    subject: Subject(kind: .credential, id: "deploy-token", provider: "auth"), matches: ["a": 1],
                    secrets: Dictionary(uniqueKeysWithValues: shape.subjectSecrets.map { ($0, .environment($0)) }))
            ], digest: "")
        return desk
    }

    private func fields(_ request: OutboundRequest?) throws -> [String: String] {
        let pairs = try #require(request?.text).split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
        }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0.count > 1 ? $0[1] : "") })
    }

    /// What a signed token says, its signature left to the tests of tokens.
    private func claims(_ token: String?) throws -> Value {
        var middle = String(try #require(token).split(separator: ".")[1])
            .replacing("-", with: "+").replacing("_", with: "/")
        middle += String(repeating: "=", count: (4 - middle.count % 4) % 4)
        return try JSON.parse(Array(try #require(Data(base64Encoded: middle))))
    }

    private static let assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    @Test func `Okta is asked as a service app where there is a key, and by the API token where there is none`()
        async throws
    {
        let about: Value = ["of": ["okta_id": "00u1"]]
        let keyed = try desk("okta", Self.okta, ["private_key", "api_token"])
        _ = await keyed.perform(try keyed.call("evidence.capture", .act, about))
        let form = try fields(keyed.requests.first)
        #expect(keyed.requests.first?.url == Self.okta["token_endpoint"])
        #expect(form["grant_type"] == "client_credentials" && form["client_assertion_type"] == Self.assertion)
        #expect(form["scope"] == "okta.users.manage okta.apps.manage okta.apiTokens.manage okta.logs.read")
        let claims = try claims(form["client_assertion"])
        #expect(claims["iss"] == "0oa1" && claims["sub"] == "0oa1")
        #expect(claims["aud"] == .string(Self.okta["token_endpoint"] ?? ""))
        #expect(keyed.requests.last?.header("authorization") == "Bearer given")

        let plain = try desk("okta", ["url": "https://acme.okta.com/api/v1"], ["api_token"])
        _ = await plain.perform(try plain.call("evidence.capture", .act, about))
        #expect(plain.requests.map { $0.header("authorization") } == ["SSWS the api_token"])
    }

    @Test func `Keycloak gives a token for a key, also to ask about what a subject holds`() async throws {
        let desk = try desk("keycloak", Self.keycloak, ["private_key"])
        _ = await desk.perform(try desk.call("sessions.revoke", .verify, ["issued_by": ["user_id": "u1"]]))
        let asked = try fields(desk.requests.last)
        #expect(desk.requests.last?.url == Self.keycloak["token_endpoint"].map { $0 + "/introspect" })
        #expect(asked["token"] == "held" && asked["client_assertion_type"] == Self.assertion)
        #expect(asked["client_secret"] == nil && asked["client_assertion"]?.isEmpty == false)
        _ = await desk.perform(try desk.call("sessions.revoke", .act, ["issued_by": ["user_id": "u1"]]))
        let signIn = try fields(desk.requests.dropLast().last)
        #expect(signIn["grant_type"] == "client_credentials" && signIn["client_assertion"]?.isEmpty == false)
        #expect(desk.requests.last?.header("authorization") == "Bearer given")

        let shared = try self.desk("keycloak", Self.keycloak, ["client_secret"])
        _ = await shared.perform(try shared.call("sessions.revoke", .verify, ["issued_by": ["user_id": "u1"]]))
        let other = try fields(shared.requests.last)
        #expect(other["client_secret"] == "the client_secret" && other["client_assertion"] == nil)
        #expect(other["client_assertion_type"] == nil)
    }

    @Test func `an OAuth 2.0 server gets an assertion of its own with each request, and a number once alone`()
        async throws
    {
        let desk = try desk("oauth2", Self.oauth, ["private_key", "client_secret"])
        let call = try desk.call("tokens.revoke", .act, ["credential": "c"])
        for _ in 1...2 { #expect(await desk.perform(call).outcome.kind == .done) }
        let sent = try desk.requests.map(fields)
        #expect(desk.requests.allSatisfy { $0.header("authorization") == nil })
        #expect(sent.allSatisfy { $0["token"] == "held" && $0["client_assertion_type"] == Self.assertion })
        let told = try sent.map { try claims($0["client_assertion"]) }
        #expect(told.allSatisfy { $0["aud"] == "https://auth.example" && $0["iss"] == "cordon" })
        // A server that remembers numbers would refuse the same call sent again.
        #expect(told[0]["jti"] != told[1]["jti"])

        let shared = try self.desk("oauth2", Self.oauth, ["client_secret"])
        _ = await shared.perform(try shared.call("tokens.revoke", .act, ["credential": "c"]))
        #expect(shared.requests.first?.header("authorization")?.hasPrefix("Basic ") == true)
        #expect(try fields(shared.requests.first)["client_assertion"] == nil)
    }

    // MARK: Mistakes

    private static let text = """
        connector: gate
        title: A gate with two keys
        vendor: https://gate.example/docs
        provider:
          settings: { url: { type: url }, client: { type: string, optional: true } }
          secrets: []
          optional_secrets: [key, token]
          subject_secrets: []
          authentication:
            - { scheme: basic, needs: [key, client], user: client, password: key }
            - { scheme: header, prefix: Bearer, secret: token }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url }
              answers: { done: [200] }
              keep: [id]

        """

    private func told(_ old: String = "", _ new: String = "") -> [String] {
        let text = old.isEmpty ? Self.text : Self.text.replacing(old, with: new)
        guard case .failure(let found) = Connector.load(Array(text.utf8), file: "gate.yaml", digest: "") else {
            return []
        }
        return found.all.map { "\($0.code) \($0.message)" }
    }

    @Test func `a way names what it needs, and an assertion has a form to stand in`() {
        #expect(told() == [])
        #expect(
            told("needs: [key, client]", "needs: [kee, client]").contains {
                $0.hasPrefix("P044 'kee' is no setting and no optional secret")
            })
        #expect(
            told("needs: [key, client], ", "").first
                == "P044 basic needs 'user', a setting, and 'password', a secret")
        #expect(
            told(
                "{ scheme: basic, needs: [key, client], user: client, password: key }",
                "{ scheme: assertion, needs: [key], jwt: { algorithm: RS256, key: key, claims: { iss: me } } }")
                == ["P044 a request of evidence.capture has no form, so nothing could carry the assertion"])
    }

    @Test(arguments: [
        ("secrets: { key: { env: K } }", ", client: c", [] as [String]),
        ("secrets: { token: { env: T } }", "", []),
        (
            "secrets: { key: { env: K } }", "",
            ["P044 gate signs in by key here, and needs the setting 'client' for it"]
        ),
        (
            "secrets: { other: { env: K } }", "",
            ["P045 gate has the secrets of no way to sign in; it takes key, or token"]
        ),
    ])
    func `a connection has what one way to sign in needs`(_ secrets: String, _ client: String, _ told: [String]) throws
    {
        let gate = try connector("gate", Self.text)
        let text = """
            sources: []
            providers:
              - id: gate
                connector: gate
                settings: { url: "https://gate.example"\(client) }
                \(secrets)

            """
        let loaded = Connections.load(Array(text.utf8), file: "connections.yaml", connectors: ["gate": gate])
        switch loaded {
        case .success: #expect(told.isEmpty)
        case .failure(let found): #expect(found.all.map { "\($0.code) \($0.message)" } == told)
        }
    }
}
