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
                "agent-sessions", "auth0", "aws-iam", "caep-transmitter", "chat-webhook", "entra", "github", "gitlab",
                "glewlwyd", "google-iam", "keycloak", "keystone", "kubernetes", "oauth2", "oidc-logout", "okta",
                "pagerduty", "rabbitmq", "scim", "sink", "slack", "vault", "aws-secrets", "github-issues",
                "gitlab-issues",
                "jira", "servicenow",
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
        "secret_access_key": "key", "bot_token": "xoxb-1", "path": "T1/B1/x", "routing_key": "R0",
        "private_key": PrivateKeys.rsa, "signing_key": PrivateKeys.rsa, "push_token": "pt", "held_token": "ht",
        "account_password": "ap",
    ]

    private static let settings = [
        "url": "https://api.example/base", "user": "cordon", "user_name": "cordon", "domain": "default",
        "project": "ops", "plugin": "oidc",
        "client_id": "app-1", "token_endpoint": "https://login.example/token", "region": "us-east-1",
        "audience": "https://t.example/api/v2/", "client_email": "cordon@p.example", "channel": "C1",
        "issuer": "https://op.example", "key_id": "k1", "sts": "https://sts.example", "owner": "acme",
        "repository": "ops", "issue_type": "Task", "done": "31", "closed_state": "7",
        "close_code": "Resolved by request",
    ]

    private static let subject: Value = [
        "user_id": "u1", "okta_id": "00u1", "scim_id": "s1", "user_name": "svc", "project_id": "p1", "role_id": "r1",
        "role_name": "writer", "access_key_id": "AKIA2", "collection": "servicePrincipals", "object_id": "o1",
        "application_id": "a1", "key_id": "k9", "project": "proj", "email": "svc@p.example", "accessor": "acc1",
        "entity_id": "e1", "lease_prefix": "database/creds/report", "namespace": "jobs", "account": "exporter",
        "secret_name": "exporter-token", "role_binding": "writers", "token_id": 42,
        "resource": "apis/batch/v1/namespaces/jobs/cronjobs/export", "sub": "svc-1", "iss": "https://idp.example",
        "id": "svc-export", "login": "svc@x", "app_id": "app-9",
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
        for name in shape.secrets + shape.optionalSecrets where Self.secrets[name] != nil {
            desk.connectionSecrets[name] = .environment(name)
        }
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

    static let lines =
        [
            Line("okta", "account.suspend", .act, "POST \(b)/users/00u1/lifecycle/suspend"),
            Line("okta", "account.suspend", .before, "GET \(b)/users/00u1"),
            Line("okta", "account.suspend", .undo, "POST \(b)/users/00u1/lifecycle/unsuspend"),
            Line(
                "okta", "sessions.revoke", .act, "DELETE \(b)/users/00u1/sessions?forgetDevices=true&oauthTokens=true"),
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
            Line(
                "github", "tokens.revoke", .act, "DELETE \(b)/applications/app-1/token", #"{"access_token":"tok/en"}"#),
            Line(
                "github", "tokens.revoke", .probe, "POST \(b)/applications/app-1/token", #"{"access_token":"tok/en"}"#),
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
        ] + vendors + tickets

    private static let project = "\(b)/projects/proj/serviceAccounts/svc%40p.example"

    private static let vendors = [
        Line("entra", "account.suspend", .act, "PATCH \(b)/servicePrincipals/o1", #"{"accountEnabled":false}"#),
        Line("entra", "account.suspend", .before, "GET \(b)/servicePrincipals/o1?%24select=id%2CaccountEnabled"),
        Line("entra", "account.suspend", .undo, "PATCH \(b)/servicePrincipals/o1", #"{"accountEnabled":true}"#),
        Line("entra", "sessions.revoke", .act, "POST \(b)/users/o1/revokeSignInSessions"),
        Line("entra", "credential.delete", .act, "POST \(b)/applications/a1/removePassword", #"{"keyId":"k9"}"#),
        Line(
            "entra", "grants.list", .act, "GET \(b)/oauth2PermissionGrants?%24filter=clientId%20eq%20%27o1%27"),
        Line("entra", "grants.revoke", .act, "DELETE \(b)/oauth2PermissionGrants/g1"),
        Line("auth0", "account.suspend", .act, "PATCH \(b)/users/u1", #"{"blocked":true}"#),
        Line("auth0", "account.suspend", .undo, "PATCH \(b)/users/u1", #"{"blocked":false}"#),
        Line("auth0", "sessions.revoke", .act, "DELETE \(b)/users/u1/sessions"),
        Line("auth0", "grants.revoke", .act, "DELETE \(b)/refresh-tokens/g1"),
        Line("gitlab", "account.suspend", .act, "POST \(b)/users/u1/block"),
        Line("gitlab", "account.suspend", .undo, "POST \(b)/users/u1/unblock"),
        Line("gitlab", "evidence.capture", .act, "GET \(b)/projects/p1/access_tokens/42"),
        Line("gitlab", "tokens.revoke", .act, "DELETE \(b)/personal_access_tokens/42"),
        Line("gitlab", "credential.delete", .act, "DELETE \(b)/projects/p1/access_tokens/42"),
        Line("gitlab", "grants.list", .act, "GET \(b)/personal_access_tokens?per_page=100&state=active&user_id=u1"),
        Line("google-iam", "account.suspend", .act, "POST \(project):disable", "{}"),
        Line("google-iam", "account.suspend", .undo, "POST \(project):enable", "{}"),
        Line("google-iam", "credential.disable", .act, "POST \(project)/keys/k9:disable", "{}"),
        Line("google-iam", "credential.disable", .readBack, "GET \(project)/keys/k9"),
        Line("google-iam", "credential.delete", .act, "DELETE \(project)/keys/k9"),
        Line("vault", "tokens.revoke", .act, "POST \(b)/auth/token/revoke-accessor", #"{"accessor":"acc1"}"#),
        Line("vault", "tokens.revoke", .probe, "POST \(b)/auth/token/lookup-accessor", #"{"accessor":"acc1"}"#),
        Line("vault", "account.suspend", .act, "POST \(b)/identity/entity/id/e1", #"{"disabled":true}"#),
        Line("vault", "account.suspend", .undo, "POST \(b)/identity/entity/id/e1", #"{"disabled":false}"#),
        Line(
            "vault", "sessions.revoke", .act, "PUT \(b)/sys/leases/revoke-prefix/database/creds/report",
            #"{"sync":true}"#),
        Line(
            "kubernetes", "tokens.revoke", .act, "DELETE \(b)/api/v1/namespaces/jobs/secrets/exporter-token",
            #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":null}"#),
        Line(
            "kubernetes", "scopes.reduce", .act,
            "DELETE \(b)/apis/rbac.authorization.k8s.io/v1/namespaces/jobs/rolebindings/writers",
            #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":null}"#),
        Line(
            "kubernetes", "scopes.reduce", .undo,
            "POST \(b)/apis/rbac.authorization.k8s.io/v1/namespaces/jobs/rolebindings",
            #"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"annotations":null,"labels":{"a":"b"},"name":"writers"},"roleRef":{"name":"writer"},"subjects":[{"name":"exporter"}]}"#
        ),
        Line(
            "kubernetes", "workload.pause", .act, "PATCH \(b)/apis/batch/v1/namespaces/jobs/cronjobs/export",
            #"{"spec":{"suspend":true}}"#),
        Line(
            "kubernetes", "workload.pause", .undo, "PATCH \(b)/apis/batch/v1/namespaces/jobs/cronjobs/export",
            #"{"metadata":{"resourceVersion":"7"},"spec":{"suspend":false}}"#),
        Line("rabbitmq", "account.suspend", .act, "PUT \(b)/user-limits/svc/max-connections", #"{"value":0}"#),
        Line("rabbitmq", "account.suspend", .undo, "PUT \(b)/user-limits/svc/max-connections", #"{"value":-1}"#),
        Line("rabbitmq", "sessions.revoke", .act, "DELETE \(b)/connections/username/svc"),
        Line(
            "slack", "notify", .act, "POST \(b)/chat.postMessage",
            #"{"channel":"C1","text":"look","unfurl_links":false}"#),
        Line("chat-webhook", "notify", .act, "POST \(b)/T1/B1/x", #"{"text":"look"}"#),
        Line(
            "pagerduty", "notify", .act, "POST \(b)/enqueue",
            #"{"client":"Cordon","dedup_key":"cordon/svc-export","event_action":"trigger","payload":{"severity":"critical","source":"svc-export","summary":"look"},"routing_key":"R0"}"#
        ),
    ]

    private static let tickets = [
        Line(
            "aws-iam", "credential.issue", .act, "POST \(b)", "Action=CreateAccessKey&UserName=svc&Version=2010-05-08"),
        Line(
            "aws-iam", "credential.issue", .undo, "POST \(b)",
            "AccessKeyId=AKIA3&Action=DeleteAccessKey&UserName=svc&Version=2010-05-08"),
        Line(
            "aws-iam", "credential.delete", .act, "POST \(b)",
            "AccessKeyId=AKIA2&Action=DeleteAccessKey&UserName=svc&Version=2010-05-08"),
        Line(
            "aws-secrets", "secret.deliver", .undo, "POST \(b)/",
            #"{"MoveToVersionId":"v1","RemoveFromVersionId":"MARK","SecretId":"billing/aws","VersionStage":"AWSCURRENT"}"#
        ),
        Line("aws-secrets", "secret.deliver", .before, "POST \(b)/", #"{"SecretId":"billing/aws"}"#),
        Line(
            "gitlab-issues", "ticket.open", .act, "POST \(b)/projects/ops/issues",
            #"{"description":"look","labels":"cordon,cordon-MARK","title":"A key"}"#),
        Line(
            "gitlab-issues", "ticket.open", .probe,
            "GET \(b)/projects/ops/issues?labels=cordon-MARK&per_page=100&state=all"),
        Line(
            "gitlab-issues", "ticket.open", .undo, "PUT \(b)/projects/ops/issues/12", #"{"state_event":"close"}"#),
        Line(
            "gitlab-issues", "ticket.comment", .act, "POST \(b)/projects/ops/issues/12/notes", #"{"body":"look"}"#),
        Line(
            "github-issues", "ticket.open", .act, "POST \(b)/repos/acme/ops/issues",
            #"{"body":"look\n\ncordon-MARK","title":"A key"}"#),
        Line(
            "github-issues", "ticket.open", .undo, "PATCH \(b)/repos/acme/ops/issues/12",
            #"{"state":"closed","state_reason":"not_planned"}"#),
        Line(
            "github-issues", "ticket.close", .act, "PATCH \(b)/repos/acme/ops/issues/12",
            #"{"state":"closed","state_reason":"completed"}"#),
        Line(
            "jira", "ticket.open", .act, "POST \(b)/rest/api/3/issue",
            #"{"fields":{"description":{"content":[{"content":[{"text":"look","type":"text"}],"type":"paragraph"}],"type":"doc","version":1},"issuetype":{"name":"Task"},"labels":["cordon","cordon-MARK"],"project":{"key":"ops"},"summary":"A key"}}"#
        ),
        Line(
            "jira", "ticket.open", .probe, "POST \(b)/rest/api/3/search/jql",
            #"{"fields":["status","labels"],"jql":"labels = \"cordon-MARK\"","maxResults":10}"#),
        Line(
            "jira", "ticket.open", .undo, "POST \(b)/rest/api/3/issue/12/transitions", #"{"transition":{"id":"31"}}"#),
        Line(
            "servicenow", "ticket.open", .act, "POST \(b)/api/now/table/incident",
            #"{"correlation_display":"Cordon","correlation_id":"cordon-MARK","description":"look","short_description":"A key"}"#
        ),
        Line(
            "servicenow", "ticket.open", .probe,
            "GET \(b)/api/now/table/incident?sysparm_fields=sys_id%2Cnumber%2Cactive%2Ccorrelation_id&sysparm_limit=10&sysparm_query=correlation_id%3Dcordon-MARK"
        ),
        Line(
            "servicenow", "ticket.open", .undo, "PATCH \(b)/api/now/table/incident/12",
            #"{"close_code":"Resolved by request","close_notes":"Cordon took back what it did.","state":"7"}"#),
    ]

    /// The mark is a number of 128 bits under the installation's key: the same in each request of the step.
    private func unmarked(_ text: String?) -> String? {
        guard let text, let found = text.firstRange(of: /(cordon-|"RemoveFromVersionId":")[0-9a-f]{32}/) else {
            return text
        }
        return text.replacingCharacters(
            in: text.index(found.upperBound, offsetBy: -32)..<found.upperBound, with: "MARK")
    }

    @Test(arguments: lines)
    func `a call is the request that its vendor describes`(_ line: Line) async throws {
        let about = ["account", "subject", "issued_by", "credential", "of", "workload"].map { ($0, Self.subject) }
        var arguments: [String: Value] = Dictionary(uniqueKeysWithValues: about)
        arguments["grant"] = "g1"
        arguments["session"] = "sid1"
        arguments["text"] = "look"
        arguments["title"] = "A key"
        arguments["ticket"] = "12"
        arguments["to"] = "billing/aws"
        if line.purpose == .undo {
            arguments["before"] = [
                "enabled": true, "status": "Active", "active": true, "blocked": false, "disabled": false,
                "limit": -1, "paused": false, "role": ["name": "writer"], "subjects": [["name": "exporter"]],
                "labels": ["a": "b"], "annotations": nil, "current": "v1",
            ]
            arguments["live"] = ["enabled": false, "version": "7"]
            arguments["result"] = ["ticket": "12", "credential": ["access_key_id": "AKIA3"]]
        }
        let request = try await request(line.connector, line.capability, line.purpose, .object(arguments))
        #expect("\(request.method) \(unmarked(request.url) ?? "")" == line.line)
        #expect(unmarked(request.text) == line.body)
    }

    @Test(arguments: [
        ("okta", "Bearer t"), ("scim", "Bearer tok/en"), ("keycloak", "Bearer t"),
        ("github", "Basic YXBwLTE6cyUzQTE="), ("entra", "Bearer t"), ("auth0", "Bearer t"), ("gitlab", "Bearer tok/en"),
        ("google-iam", "Bearer t"), ("vault", "Bearer tok/en"), ("kubernetes", "Bearer tok/en"),
        // RFC 7617 as it stands: what a broker compares with is no form.
        ("rabbitmq", "Basic Y29yZG9uOnBhc3Mgd29yZA=="),
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

    @Test(arguments: [
        ("keystone", "account.suspend", "x-auth-token", "token"),
        ("keystone", "tokens.revoke", "x-auth-token", "token"),
        ("vault", "tokens.revoke", "x-vault-token", "held_token"),
        ("gitlab", "tokens.revoke", "private-token", "held_token"),
    ])
    func `a proof shows what the subject holds, and nothing of who Cordon is`(
        _ name: String, _ capability: String, _ header: String, _ secret: String
    ) async throws {
        for purpose in [Call.Purpose.control, .verify] {
            let request = try await request(
                name, capability, purpose, ["account": Self.subject, "credential": Self.subject])
            #expect(request.header(header) == Self.secrets[secret])
            #expect(request.header("authorization") == nil)
            #expect(request.header("idempotency-key") == nil)
            let own = [request.url, request.text ?? ""] + request.headers.map(\.value)
            #expect(!own.contains { $0 == "kt" || $0.contains("Bearer") }, "a token of Cordon's own")
        }
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

    @Test(arguments: VendorAnswer.all)
    func `an answer means what its vendor says of it`(_ answer: VendorAnswer) throws {
        let outcome = try outcome(
            answer.connector, answer.capability, answer.purpose,
            .answered(answer.status, answer.body, headers: answer.headers),
            [
                "account": Self.subject, "subject": Self.subject, "credential": Self.subject, "of": Self.subject,
                "issued_by": Self.subject, "workload": Self.subject,
            ])
        #expect(outcome.kind == answer.kind, "\(outcome.reason ?? "")")
        if let kept = answer.kept { #expect(outcome.result == kept) }
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
