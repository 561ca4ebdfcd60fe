// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What shipped connectors ask about roles, applications, their permissions and tokens: the requests of their vendors'
/// pages, and nothing about whoever is of another kind.
@Suite struct NonHumanVerbTests {
    struct Line: Sendable, CustomTestStringConvertible {
        var connector: String
        var capability: String
        var purpose: Call.Purpose
        var with: Value
        var line: String
        var body: String?
        var testDescription: String { "\(connector) \(capability) \(purpose.rawValue)" }

        init(
            _ connector: String, _ capability: String, _ purpose: Call.Purpose, _ with: Value, _ line: String,
            _ body: String? = nil
        ) {
            self.connector = connector
            self.capability = capability
            self.purpose = purpose
            self.with = with
            self.line = line
            self.body = body
        }
    }

    private static let b = "https://api.example/base"

    private func desk(_ name: String) throws -> CallDesk {
        let shape = try #require(try shippedConnector(name).provider)
        var desk = CallDesk.with(
            shape, url: Self.b,
            transport: ScriptedTransport { _, _ in .answered(200, #"{"access_token":"t","expires_in":60}"#) })
        for (name, setting) in shape.settings where desk.settings[name] == nil {
            desk.settings[name] = setting.kind == .url ? "https://login.example/token" : "us-east-1"
        }
        for name in shape.secrets + shape.optionalSecrets where !["client_certificate", "client_key"].contains(name) {
            desk.connectionSecrets[name] = .environment(name)
            desk.secrets[name] = name == "private_key" ? PrivateKeys.rsa : "s"
        }
        for name in shape.subjectSecrets { desk.secrets[name] = "tok/en" }
        desk.inventory = Inventory(
            identities: [
                Inventory.Identity(
                    subject: Subject(kind: .credential, id: "deploy-token", provider: "auth"), matches: ["a": 1],
                    secrets: Dictionary(uniqueKeysWithValues: shape.subjectSecrets.map { ($0, .environment($0)) }))
            ], digest: "")
        return desk
    }

    private func request(_ line: Line) async throws -> OutboundRequest? {
        let desk = try desk(line.connector)
        _ = await desk.perform(try desk.call(line.capability, line.purpose, line.with))
        return desk.requests.last { $0.url.hasPrefix(Self.b) }
    }

    private static let app: Value = ["okta_app_id": "0oa9"]
    private static let token: Value = ["token_id": "00T1"]
    private static let grant: Value = ["client_id": "app-9", "client_grant_id": "cgr_1"]
    private static let principal: Value = [
        "collection": "servicePrincipals", "object_id": "sp1", "resource_id": "graph", "app_role_id": "role-1",
    ]
    private static let role: Value = ["iam_role": "deployer"]
    private static let worker: Value = ["resource": "apis/apps/v1/namespaces/jobs/deployments/worker", "replicas": 3]

    static let okta = [
        Line("okta", "tokens.revoke", .act, ["credential": token], "DELETE \(b)/api-tokens/00T1"),
        Line("okta", "tokens.revoke", .readBack, ["credential": token], "GET \(b)/api-tokens/00T1"),
        Line("okta", "evidence.capture", .act, ["of": token], "GET \(b)/api-tokens/00T1"),
        Line("okta", "evidence.capture", .act, ["of": app], "GET \(b)/apps/0oa9"),
        Line("okta", "account.suspend", .act, ["account": app], "POST \(b)/apps/0oa9/lifecycle/deactivate"),
        Line("okta", "account.suspend", .before, ["account": app], "GET \(b)/apps/0oa9"),
        Line("okta", "account.suspend", .undo, ["account": app], "POST \(b)/apps/0oa9/lifecycle/activate"),
        Line("okta", "account.restore", .act, ["account": app], "POST \(b)/apps/0oa9/lifecycle/activate"),
    ]

    static let clouds = [
        Line(
            "auth0", "scopes.reduce", .before, ["subject": grant, "keep": []],
            "GET \(b)/client-grants?client_id=app-9&take=50"),
        // Never more than it had.
        Line(
            "auth0", "scopes.reduce", .act,
            ["subject": grant, "keep": ["read:a", "admin:a"], "before": ["scopes": ["read:a", "write:a"]]],
            "PATCH \(b)/client-grants/cgr_1", #"{"scope":["read:a"]}"#),
        Line(
            "auth0", "scopes.reduce", .undo,
            ["subject": grant, "keep": ["read:a"], "before": ["scopes": ["read:a", "write:a"]]],
            "PATCH \(b)/client-grants/cgr_1", #"{"scope":["read:a","write:a"]}"#),
        Line(
            "auth0", "scopes.restore", .act,
            ["subject": grant, "scopes": ["write:a", "read:a"], "before": ["scopes": ["read:a"]]],
            "PATCH \(b)/client-grants/cgr_1", #"{"scope":["read:a","write:a"]}"#),
        Line(
            "entra", "scopes.reduce", .act, ["subject": principal, "before": ["held": true, "assignment": "as1"]],
            "DELETE \(b)/servicePrincipals/sp1/appRoleAssignments/as1"),
        Line(
            "entra", "scopes.reduce", .undo, ["subject": principal, "before": ["held": true, "assignment": "as1"]],
            "POST \(b)/servicePrincipals/sp1/appRoleAssignments",
            #"{"appRoleId":"role-1","principalId":"sp1","resourceId":"graph"}"#),
        Line(
            "entra", "scopes.restore", .act, ["subject": principal],
            "POST \(b)/servicePrincipals/sp1/appRoleAssignments",
            #"{"appRoleId":"role-1","principalId":"sp1","resourceId":"graph"}"#),
        Line(
            "keycloak", "scopes.restore", .act, ["subject": ["user_id": "u1", "role_id": "r1", "role_name": "writer"]],
            "POST \(b)/users/u1/role-mappings/realm", #"[{"id":"r1","name":"writer"}]"#),
        Line(
            "aws-iam", "sessions.revoke", .act,
            ["issued_by": role, "before": ["policy": "", "told_at": "2026-11-29T02:10:15Z"]], "POST \(b)",
            "Action=PutRolePolicy&PolicyDocument=" + percentEncoded(revoking)
                + "&PolicyName=AWSRevokeOlderSessions&RoleName=deployer&Version=2010-05-08"),
        Line(
            "aws-iam", "policy.deny_write", .undo, ["subject": role, "before": ["denied": false]], "POST \(b)",
            "Action=DeleteRolePolicy&PolicyName=CordonDeny&RoleName=deployer&Version=2010-05-08"),
        Line(
            "aws-iam", "policy.deny_write", .readBack, ["subject": role], "POST \(b)",
            "Action=ListRolePolicies&MaxItems=1000&RoleName=deployer&Version=2010-05-08"),
        Line(
            "aws-iam", "evidence.capture", .act, ["of": role], "POST \(b)",
            "Action=GetRole&RoleName=deployer&Version=2010-05-08"),
        Line(
            "kubernetes", "workload.resume", .act, ["workload": worker],
            "PATCH \(b)/apis/apps/v1/namespaces/jobs/deployments/worker", #"{"spec":{"replicas":3}}"#),
        // What was looked at is deleted, and no other of its name.
        Line(
            "kubernetes", "tokens.revoke", .act,
            ["credential": ["namespace": "jobs", "secret_name": "t"], "before": ["active": true, "uid": "u-1"]],
            "DELETE \(b)/api/v1/namespaces/jobs/secrets/t",
            #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u-1"}}"#),
        Line(
            "kubernetes", "scopes.reduce", .act,
            ["subject": ["namespace": "jobs", "role_binding": "writers"], "before": ["present": true, "uid": "u-2"]],
            "DELETE \(b)/apis/rbac.authorization.k8s.io/v1/namespaces/jobs/rolebindings/writers",
            #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u-2"}}"#),
        Line(
            "github-credentials", "tokens.revoke", .act, ["credential": "c"], "POST \(b)/credentials/revoke",
            #"{"credentials":["tok/en"]}"#),
    ]

    private static let revoking =
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-29T02:10:15Z"}}}]}"#

    @Test(arguments: okta + clouds)
    func `a call about what is no person is the request that its vendor describes`(_ line: Line) async throws {
        let request = try #require(try await request(line))
        #expect("\(request.method) \(request.url)" == line.line)
        #expect(request.text == line.body)
    }

    @Test func `GitHub is told of a found token by nobody, and asked of it as its holder`() async throws {
        let told = try await request(
            Line("github-credentials", "tokens.revoke", .act, ["credential": "c"], ""))
        #expect(told?.header("authorization") == nil)
        let asked = try await request(
            Line("github-credentials", "tokens.revoke", .readBack, ["credential": "c"], ""))
        #expect(asked.map { "\($0.method) \($0.url)" } == "GET \(Self.b)/user")
        #expect(asked?.header("authorization") == "Bearer tok/en")
    }

    @Test func `an assignment that was not there is not addressed`() async throws {
        let desk = try desk("entra")
        let with: Value = ["subject": Self.principal, "before": ["held": false, "assignment": nil]]
        let sealed = desk.sealer.seal(desk.draft("scopes.reduce", .act, with))
        guard case .failure(let refusal) = sealed else {
            Issue.record("the collection itself is no target")
            return
        }
        #expect(refusal.reason.contains("a path parameter is empty"))
    }

    struct Told: Sendable, CustomTestStringConvertible {
        var line: Line
        var status: Int
        var answer: String
        var kind: Outcome.Kind
        var kept: Value?
        var headers: [String: String] = [:]
        var testDescription: String { "\(line.testDescription) \(status)" }
    }

    private static let roleState = Line("aws-iam", "sessions.revoke", .before, ["issued_by": role], "")
    private static let date = ["date": "Sun, 29 Nov 2026 02:10:15 GMT"]

    private static func missing(_ message: String) -> String {
        "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>\(message)</Message></Error></ErrorResponse>"
    }

    static let told = [
        Told(
            line: roleState, status: 404,
            answer: missing("The role policy with name AWSRevokeOlderSessions cannot be found."), kind: .done,
            kept: ["policy": "", "told_at": "2026-11-29T02:10:15Z"], headers: date),
        Told(
            line: roleState, status: 404, answer: missing("The role with name deployer cannot be found."),
            kind: .refused, headers: date),
        Told(
            line: roleState, status: 200,
            answer:
                "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>%7B%22aws%3ATokenIssueTime%22%7D</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>",
            kind: .done, kept: ["policy": "%7B%22aws%3ATokenIssueTime%22%7D", "told_at": "2026-11-29T02:10:15Z"],
            headers: date),
        Told(
            line: Line("aws-iam", "policy.deny_write", .before, ["subject": role], ""), status: 200,
            answer:
                "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>CordonDeny</member></PolicyNames><IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>",
            kind: .done, kept: ["denied": true]),
        Told(
            line: Line("auth0", "scopes.reduce", .before, ["subject": grant, "keep": []], ""), status: 200,
            answer:
                #"{"client_grants":[{"id":"cgr_0","client_id":"app-9","scope":["x"]},{"id":"cgr_1","client_id":"app-9","scope":["read:a"]}]}"#,
            kind: .done, kept: ["scopes": ["read:a"]]),
        Told(
            line: Line("auth0", "scopes.reduce", .before, ["subject": grant, "keep": []], ""), status: 200,
            answer: #"{"client_grants":[{"id":"cgr_1","client_id":"other","scope":["read:a"]}]}"#, kind: .refused),
        Told(
            line: Line("entra", "scopes.reduce", .before, ["subject": principal], ""), status: 200,
            answer:
                #"{"value":[{"id":"as0","appRoleId":"role-1","resourceId":"other","principalId":"sp1"},{"id":"as1","appRoleId":"role-1","resourceId":"graph","principalId":"sp1"}]}"#,
            kind: .done, kept: ["held": true, "assignment": "as1"]),
        Told(
            line: Line("entra", "scopes.reduce", .before, ["subject": principal], ""), status: 200,
            answer: #"{"value":[]}"#, kind: .done, kept: ["held": false, "assignment": nil]),
        Told(
            line: Line("github-credentials", "tokens.revoke", .readBack, ["credential": "c"], ""), status: 401,
            answer: #"{"message":"Bad credentials","status":"401"}"#, kind: .done, kept: ["active": false]),
        Told(
            line: Line("github-credentials", "tokens.revoke", .readBack, ["credential": "c"], ""), status: 401,
            answer: #"{"message":"Unauthorized"}"#, kind: .refused),
        Told(
            line: Line("okta", "tokens.revoke", .readBack, ["credential": token], ""), status: 404,
            answer: #"{"errorCode":"E0000007"}"#, kind: .done, kept: ["active": false]),
        Told(
            line: Line("okta", "tokens.revoke", .readBack, ["credential": token], ""), status: 200,
            answer: #"{"id":"00T2"}"#, kind: .refused),
        Told(
            line: Line("okta", "account.suspend", .readBack, ["account": app], ""), status: 200,
            answer: #"{"id":"0oa9","label":"Export","status":"INACTIVE","credentials":{}}"#, kind: .done,
            kept: ["id": "0oa9", "status": "INACTIVE"]),
    ]

    @Test(arguments: told)
    func `an answer about what is no person means what its vendor says of it`(_ told: Told) throws {
        let action = try #require(try shippedConnector(told.line.connector).provider?.actions[told.line.capability])
        let outcome = read(
            .answered(told.status, told.answer, headers: told.headers),
            try #require(action.exchange(for: told.line.purpose)), .read, arguments: told.line.with
        ).outcome
        #expect(outcome.kind == told.kind, "\(outcome.reason ?? "")")
        if let kept = told.kept { #expect(outcome.result == kept) }
    }

    @Test(
        arguments: [
            ("okta", "sessions.revoke", ["okta_id": "u"] as Value, app),
            ("okta", "tokens.revoke", token, ["okta_id": "u"]),
            ("okta", "grants.revoke", ["okta_id": "u"], app),
            ("entra", "scopes.reduce", principal, ["collection": "users"]),
            ("entra", "sessions.revoke", ["collection": "users"], principal),
            ("auth0", "scopes.reduce", grant, ["user_id": "auth0|1"]),
            ("aws-iam", "sessions.revoke", role, ["user_name": "bot"]),
        ] as [(String, String, Value, Value)])
    func `what is offered for some is not offered for others`(
        _ name: String, _ capability: String, _ suited: Value, _ other: Value
    ) throws {
        let contract = try #require(try shippedConnector(name).provider?.contracts[capability])
        func subject(_ attributes: Value) -> Subject {
            Subject(kind: .serviceAccount, id: "s", provider: "p", attributes: attributes)
        }
        #expect(contract.suits(subject(suited)))
        #expect(!contract.suits(subject(other)))
    }
}
