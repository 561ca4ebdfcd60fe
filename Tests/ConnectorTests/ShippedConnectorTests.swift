// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// The connectors that this repository ships: what each promises, and the very requests it makes.
@Suite struct ShippedConnectorTests {
    static let names: [String] = {
        let folder = URL(fileURLWithPath: #filePath).appending(path: "../../../workflows/connectors").standardized.path
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    @Test func `those that the design names are there`() {
        #expect(
            Set(Self.names).isSuperset(of: [
                "agent-sessions", "aws-iam", "github", "glewlwyd", "keycloak", "keystone", "oauth2", "okta", "scim",
                "sink",
            ]))
    }

    @Test(arguments: names)
    func `each loads, links its vendor's page, and says of every change what its undo is`(_ name: String) throws {
        let connector = try shippedConnector(name)
        #expect(connector.vendor.hasPrefix("https://"))
        for (capability, action) in connector.provider?.actions ?? [:] {
            let known = try #require(Capability.named(capability))
            #expect(action.effectClass.isWrite == known.isWrite)
            guard known.isWrite else { continue }
            #expect((action.undo != nil) == (action.reversibility != .none), "\(name) \(capability)")
            if known.isContainment { #expect(action.undo != nil, "\(name) \(capability)") }
            if action.undo != nil { #expect(action.probe != nil, "\(name) \(capability)") }
        }
    }

    // MARK: Requests

    private static let secrets = [
        "password": "pass word", "token": "tok/en", "api_token": "00key", "client_secret": "s:1",
        "access_key_id": "AKIA",
        "secret_access_key": "key",
    ]

    private static let settings = [
        "url": "https://api.example/base", "user": "cordon", "domain": "default", "project": "ops", "plugin": "oidc",
        "client_id": "app-1", "token_endpoint": "https://login.example/token", "region": "us-east-1",
    ]

    private static let subject: Value = [
        "user_id": "u1", "okta_id": "00u1", "scim_id": "s1", "user_name": "svc", "project_id": "p1", "role_id": "r1",
        "role_name": "writer", "access_key_id": "AKIA2",
    ]

    /// What a call of a shipped connector puts on the wire.
    private func request(
        _ name: String, _ capability: String, _ purpose: Call.Purpose, _ arguments: Value
    ) async throws -> OutboundRequest {
        let shape = try #require(try shippedConnector(name).provider)
        var desk = CallDesk.with(
            shape,
            transport: ScriptedTransport { request, _ in
                .answered(
                    request.url.hasSuffix("/auth/tokens") ? 201 : 200,
                    #"{"access_token":"t","expires_in":60,"token":{"expires_at":"2099-01-01T00:00:00Z"}}"#,
                    headers: ["x-subject-token": "kt", "set-cookie": "SID=abc; Path=/"])
            })
        desk.settings = Self.settings.filter { shape.settings[$0.key] != nil }
        for name in shape.secrets { desk.connectionSecrets[name] = .environment(name) }
        desk.secrets = Self.secrets
        desk.inventory = Inventory(
            identities: [
                Inventory.Identity(
                    subject: Subject(kind: .credential, id: "deploy-token", provider: "auth"), matches: ["a": 1],
                    secrets: Dictionary(uniqueKeysWithValues: shape.subjectSecrets.map { ($0, .environment($0)) }))
            ], digest: "")
        _ = await desk.perform(try desk.call(capability, purpose, arguments))
        return try #require(desk.requests.last)
    }

    struct Line: Sendable, CustomTestStringConvertible {
        var connector: String
        var capability: String
        var purpose: Call.Purpose
        var line: String
        var body: String?
        var testDescription: String { "\(connector) \(capability) \(purpose.rawValue)" }

        init(_ connector: String, _ capability: String, _ purpose: Call.Purpose, _ line: String, _ body: String? = nil)
        {
            self.connector = connector
            self.capability = capability
            self.purpose = purpose
            self.line = line
            self.body = body
        }
    }

    private static let b = "https://api.example/base"

    static let lines = [
        Line("okta", "account.suspend", .act, "POST \(b)/users/00u1/lifecycle/suspend"),
        Line("okta", "account.suspend", .before, "GET \(b)/users/00u1"),
        Line("okta", "account.suspend", .undo, "POST \(b)/users/00u1/lifecycle/unsuspend"),
        Line("okta", "sessions.revoke", .act, "DELETE \(b)/users/00u1/sessions?forgetDevices=true&oauthTokens=true"),
        Line("okta", "grants.list", .act, "GET \(b)/users/00u1/grants?limit=200"),
        Line("okta", "grants.revoke", .act, "DELETE \(b)/users/00u1/grants/g1"),
        Line("keycloak", "sessions.revoke", .act, "POST \(b)/users/u1/logout"),
        Line("keycloak", "session.end", .act, "DELETE \(b)/sessions/sid1"),
        Line("keycloak", "grants.revoke", .act, "DELETE \(b)/users/u1/consents/g1"),
        Line(
            "keycloak", "scopes.reduce", .act, "DELETE \(b)/users/u1/role-mappings/realm",
            #"[{"id":"r1","name":"writer"}]"#),
        Line(
            "keycloak", "scopes.reduce", .undo, "POST \(b)/users/u1/role-mappings/realm",
            #"[{"id":"r1","name":"writer"}]"#),
        Line("github", "tokens.revoke", .act, "DELETE \(b)/applications/app-1/token", #"{"access_token":"tok/en"}"#),
        Line("github", "tokens.revoke", .probe, "POST \(b)/applications/app-1/token", #"{"access_token":"tok/en"}"#),
        Line("keystone", "account.suspend", .act, "PATCH \(b)/users/u1", #"{"user":{"enabled":false}}"#),
        Line("keystone", "account.suspend", .undo, "PATCH \(b)/users/u1", #"{"user":{"enabled":true}}"#),
        Line("keystone", "scopes.reduce", .act, "DELETE \(b)/projects/p1/users/u1/roles/r1"),
        Line("keystone", "scopes.reduce", .undo, "PUT \(b)/projects/p1/users/u1/roles/r1"),
        Line("keystone", "scopes.reduce", .readBack, "GET \(b)/role_assignments?scope.project.id=p1&user.id=u1"),
        Line("glewlwyd", "account.suspend", .act, "PUT \(b)/user/svc", #"{"enabled":false}"#),
        Line("glewlwyd", "grants.revoke", .act, "DELETE \(b)/oidc/token/g1?impersonate=svc"),
        Line(
            "scim", "account.suspend", .act, "PATCH \(b)/Users/s1",
            #"{"Operations":[{"op":"replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#
        ),
        Line(
            "aws-iam", "credential.disable", .act, "POST \(b)",
            "AccessKeyId=AKIA2&Action=UpdateAccessKey&Status=Inactive&UserName=svc&Version=2010-05-08"),
        Line(
            "aws-iam", "credential.disable", .undo, "POST \(b)",
            "AccessKeyId=AKIA2&Action=UpdateAccessKey&Status=Active&UserName=svc&Version=2010-05-08"),
        Line(
            "aws-iam", "policy.deny_write", .undo, "POST \(b)",
            "Action=DeleteUserPolicy&PolicyName=CordonDeny&UserName=svc&Version=2010-05-08"),
    ]

    @Test(arguments: lines)
    func `a call is the request that its vendor describes`(_ line: Line) async throws {
        let about = ["account", "subject", "issued_by", "credential", "of"].map { ($0, Self.subject) }
        var arguments: [String: Value] = Dictionary(uniqueKeysWithValues: about)
        arguments["grant"] = "g1"
        arguments["session"] = "sid1"
        if line.purpose == .undo {
            arguments["before"] = ["enabled": true, "status": "Active", "active": true]
            arguments["live"] = ["enabled": false]
        }
        let request = try await request(line.connector, line.capability, line.purpose, .object(arguments))
        #expect("\(request.method) \(request.url)" == line.line)
        #expect(request.text == line.body)
    }

    @Test(arguments: [
        ("okta", "SSWS 00key"), ("scim", "Bearer tok/en"), ("keycloak", "Bearer t"),
        ("github", "Basic YXBwLTE6cyUzQTE="),
    ])
    func `who asks is told as the vendor wants it`(_ name: String, _ authorization: String) async throws {
        let arguments: Value = ["of": Self.subject]
        #expect(try await request(name, "evidence.capture", .act, arguments).header("authorization") == authorization)
    }

    @Test(arguments: [("keystone", "x-auth-token", "kt"), ("glewlwyd", "cookie", "SID=abc")])
    func `a token goes into the header that its provider reads`(
        _ name: String, _ header: String, _ value: String
    ) async throws {
        let request = try await request(name, "evidence.capture", .act, ["of": Self.subject])
        #expect(request.header(header) == value)
    }

    @Test func `an undo at a SCIM provider holds the version that was compared, or none`() async throws {
        var arguments: [String: Value] = ["account": Self.subject, "before": ["active": true]]
        arguments["live"] = ["active": false, "version": "W/\"7\""]
        let guarded = try await request("scim", "account.suspend", .undo, .object(arguments))
        #expect(guarded.header("if-match") == "W/\"7\"")
        #expect(guarded.header("content-type") == "application/scim+json")
        arguments["live"] = .null
        #expect(try await request("scim", "account.suspend", .undo, .object(arguments)).header("if-match") == nil)
    }

    // MARK: Answers

    private func outcome(
        _ name: String, _ capability: String, _ purpose: Call.Purpose, _ delivery: Delivery, _ with: Value
    )
        throws -> Outcome
    {
        let action = try #require(try shippedConnector(name).provider?.actions[capability])
        let effectClass = purpose.isRead ? EffectClass.read : action.effectClass
        return read(delivery, try #require(action.exchange(for: purpose)), effectClass, arguments: with).outcome
    }

    @Test func `a repeat at Okta is told from a mistake by its code`() throws {
        func kind(_ body: String) throws -> Outcome.Kind {
            try outcome("okta", "account.suspend", .act, .answered(400, body), [:]).kind
        }
        #expect(try kind(#"{"errorCode":"E0000001","errorSummary":"Api validation failed"}"#) == .already)
        #expect(try kind(#"{"errorCode":"E0000003"}"#) == .refused)
    }

    @Test func `throttling at AWS is later, and other mistakes are not`() throws {
        func kind(_ status: Int, _ code: String) throws -> Outcome.Kind {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code></Error></ErrorResponse>"
            return try outcome("aws-iam", "credential.disable", .act, .answered(status, body), [:]).kind
        }
        #expect(try kind(400, "Throttling") == .later)
        #expect(try kind(409, "EntityTemporarilyUnmodifiable") == .later)
        #expect(try kind(400, "ValidationError") == .refused)
        #expect(try kind(404, "NoSuchEntity") == .refused)
    }

    @Test func `another user under the id, or a page of a list, is nobody's state`() throws {
        let scim = #"{"userName":"admin","active":true}"#
        #expect(
            try outcome("scim", "account.suspend", .before, .answered(200, scim), ["account": Self.subject]).kind
                == .refused)
        let page = """
            <ListUserPoliciesResponse><ListUserPoliciesResult><PolicyNames/><IsTruncated>true</IsTruncated>\
            </ListUserPoliciesResult></ListUserPoliciesResponse>
            """
        #expect(
            try outcome("aws-iam", "policy.deny_write", .readBack, .answered(200, page), ["subject": Self.subject]).kind
                == .refused)
        let whole = page.replacingOccurrences(of: "true", with: "false")
        #expect(
            try outcome("aws-iam", "policy.deny_write", .readBack, .answered(200, whole), ["subject": Self.subject])
                .result == ["denied": false])
        let next = Delivery.answered(200, "[]", headers: ["link": #"<https://x>; rel="next""#])
        #expect(try outcome("okta", "grants.list", .act, next, [:]).kind == .refused)
    }
}
