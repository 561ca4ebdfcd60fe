// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// Asking shipped providers whom an alert means: by what, how, and who counts as found.
@Suite struct LookupTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var connector: String
        var named: Value
        var line: String
        var body: String
        /// `nil`: nobody.
        var found: Value?
        var testDescription: String { "\(connector) \(named.json)" }
    }

    private static let b = "https://api.example/base"

    static let cases = [
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "User", "id": "00u9"], line: "GET \(b)/users/00u9",
            body: #"{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x","manager":"ann"}}"#,
            found: [
                "id": "00u9", "names": ["issuer": "okta", "type": "User", "id": "00u9", "login": "bot@x"],
                "handles": ["okta_id": "00u9"], "owner": "ann",
                "facts": ["login": "bot@x", "status": "ACTIVE", "department": .null],
            ]),
        // Okta finds a user by the login too.
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "User", "id": "bot"], line: "GET \(b)/users/bot",
            body: #"{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x"}}"#, found: nil),
        Case(
            connector: "okta", named: ["login": "bot@x"],
            line: "GET \(b)/users?search=profile.login%20eq%20%22bot%40x%22",
            body:
                #"[{"id":"00u1","status":"ACTIVE","profile":{"login":"admin@x"}},{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x"}}]"#,
            found: [
                "id": "00u9", "names": ["issuer": "okta", "type": "User", "id": "00u9", "login": "bot@x"],
                "handles": ["okta_id": "00u9"], "owner": .null, "facts": ["login": "bot@x", "status": "ACTIVE"],
            ]),
        // The text of an alert that would widen the filter widens nothing: the answer is compared with it whole.
        Case(
            connector: "okta", named: ["login": #"x" or profile.login sw "a"#],
            line: "GET \(b)/users?search=profile.login%20eq%20%22x%22%20or%20profile.login%20sw%20%22a%22",
            body: #"[{"id":"00u1","status":"ACTIVE","profile":{"login":"admin@x"}}]"#, found: nil),
        Case(
            connector: "scim", named: ["user_name": "svc"],
            line: "GET \(b)/Users?count=100&filter=userName%20eq%20%22svc%22",
            body:
                #"{"totalResults":2,"Resources":[{"id":"a","userName":"admin"},{"id":"s","userName":"svc","active":true,"roles":[{"value":"tier0"}]}]}"#,
            found: [
                "id": "s", "names": ["user_name": "svc", "id": "s"], "handles": ["scim_id": "s", "user_name": "svc"],
                "owner": .null, "tags": ["tier0"], "facts": ["active": true, "title": .null],
            ]),
        Case(
            connector: "scim", named: ["user_name": "svc"],
            line: "GET \(b)/Users?count=100&filter=userName%20eq%20%22svc%22",
            body: #"{"totalResults":1,"Resources":[{"id":"a","userName":"admin"}]}"#, found: nil),
        Case(
            connector: "scim", named: ["user_name": "svc"],
            line: "GET \(b)/Users?count=100&filter=userName%20eq%20%22svc%22",
            body: #"{"totalResults":2,"Resources":[{"id":"a","userName":"svc"},{"id":"b","userName":"svc"}]}"#,
            found: nil),
        Case(
            connector: "gitlab", named: ["issuer": "gitlab", "type": "user", "id": 7, "login": "svc"],
            line: "GET \(b)/users?username=svc", body: #"[{"id":7,"username":"svc","state":"active","bot":true}]"#,
            found: [
                "id": 7, "names": ["issuer": "gitlab", "type": "user", "id": 7, "login": "svc"],
                "handles": ["user_id": 7, "user_name": "svc"], "facts": ["state": "active", "bot": true],
            ]),
        Case(
            connector: "entra", named: ["issuer": "entra", "type": "ServicePrincipal", "id": "o1"],
            line:
                "GET \(b)/servicePrincipals/o1?%24select=id%2CappId%2CdisplayName%2CaccountEnabled%2CservicePrincipalType%2Ctags",
            body: #"{"id":"o1","appId":"app-9","displayName":"ci","accountEnabled":true,"tags":["tier0"]}"#,
            found: [
                "id": "o1", "names": ["issuer": "entra", "id": "o1", "app_id": "app-9"],
                "handles": ["object_id": "o1", "app_id": "app-9"], "tags": ["tier0"],
                "facts": ["collection": "servicePrincipals", "name": "ci", "enabled": true, "type": .null],
            ]),
        Case(
            connector: "entra", named: ["issuer": "entra", "type": "user", "id": "u1"],
            line: "GET \(b)/users/u1?%24select=id%2CuserPrincipalName%2CdisplayName%2CaccountEnabled%2Cdepartment",
            body: #"{"id":"u2"}"#, found: nil),
        Case(
            connector: "aws-iam", named: ["issuer": "aws", "type": "IAMUser", "id": "AIDA1", "name": "svc"],
            line: "POST \(b)",
            body:
                "<GetUserResponse><GetUserResult><User><UserName>svc</UserName><UserId>AIDA1</UserId><Arn>arn:1</Arn><Tags><member><Key>owner</Key><Value>ann</Value></member></Tags></User></GetUserResult></GetUserResponse>",
            found: [
                "id": "AIDA1", "names": ["issuer": "aws", "type": "IAMUser", "id": "AIDA1", "name": "svc"],
                "handles": ["user_name": "svc"], "owner": "ann", "tags": ["owner=ann"], "facts": ["arn": "arn:1"],
            ]),
        Case(
            connector: "aws-iam", named: ["issuer": "aws", "type": "IAMUser", "name": "svc"], line: "POST \(b)",
            body:
                "<GetUserResponse><GetUserResult><User><UserName>cordon</UserName><UserId>AIDA1</UserId><Arn>a</Arn></User></GetUserResult></GetUserResponse>",
            found: nil),
        Case(
            connector: "keycloak", named: ["issuer": "keycloak", "type": "user", "id": "u1", "realm": "r"],
            line: "GET \(b)/users/u1",
            body: #"{"id":"u1","username":"svc","enabled":true,"attributes":{"owner":["ann"],"tags":["tier0"]}}"#,
            found: [
                "id": "u1", "names": ["issuer": "keycloak", "type": "user", "id": "u1", "name": "svc"],
                "handles": ["user_id": "u1"], "owner": "ann", "tags": ["tier0"],
                "facts": ["user_name": "svc", "enabled": true],
            ]),
        Case(
            connector: "auth0", named: ["issuer": "auth0", "type": "user", "id": "auth0|1"],
            line: "GET \(b)/users/auth0%7C1", body: #"{"user_id":"auth0|1","app_metadata":{"owner":"ann"}}"#,
            found: [
                "id": "auth0|1", "names": ["issuer": "auth0", "type": "user", "id": "auth0|1"],
                "handles": ["user_id": "auth0|1"], "owner": "ann", "tags": [],
                "facts": ["blocked": false, "email": .null],
            ]),
    ]

    private func desk(_ connector: String, _ status: Int, _ body: String) throws -> CallDesk {
        let shape = try #require(try shippedConnector(connector).provider)
        let token = #"{"access_token":"t","expires_in":60}"#
        var desk = CallDesk.with(
            shape,
            transport: ScriptedTransport { request, _ in
                request.url.hasSuffix("/token") ? .answered(200, token) : .answered(status, body)
            })
        let settings = [
            "url": Self.b, "token_endpoint": "https://login.example/token", "client_id": "c", "region": "us-east-1",
            "audience": "https://a.example",
        ]
        desk.settings = settings.filter { shape.settings[$0.key] != nil }
        for name in shape.secrets + ["client_secret"] { desk.connectionSecrets[name] = .environment(name) }
        desk.secrets = Dictionary(uniqueKeysWithValues: Set(shape.secrets + ["client_secret"]).map { ($0, "s3cret") })
        return desk
    }

    private func ask(_ desk: CallDesk, _ named: Value) async throws -> Outcome {
        let lookup = try #require(desk.provider.lookup(for: Wanted(kind: .serviceAccount, reference: named)))
        let draft = desk.draft(lookup.capability, .act, ["named": named])
        let call = Call(
            number: 1, purpose: .act, attempt: 1, capability: lookup.capability, provider: "auth", effectClass: .read,
            arguments: draft.arguments, seal: try desk.sealer.seal(draft).get(), intendedAt: desk.now,
            deadline: desk.now.adding(milliseconds: lookup.timeoutMilliseconds))
        return await desk.perform(call).outcome
    }

    @Test(arguments: cases)
    func `who is found is the one that the alert names, or nobody`(_ item: Case) async throws {
        let desk = try desk(item.connector, 200, item.body)
        let outcome = try await ask(desk, item.named)
        let request = try #require(desk.requests.last)
        #expect("\(request.method) \(request.url)" == item.line)
        guard let found = item.found else {
            #expect(outcome.kind == .refused && outcome.status == 200)
            return
        }
        #expect(outcome.kind == .done, "\(outcome)")
        #expect(outcome.result == found)
        #expect(throws: Never.self) { try Found.read(outcome.result).get() }
    }

    @Test(arguments: ["okta", "scim", "gitlab", "keycloak"])
    func `a provider that is busy says nothing about anybody`(_ connector: String) async throws {
        let named: Value = [
            "issuer": .string(connector), "type": connector == "okta" ? "User" : "user", "id": "u1", "login": "l",
            "user_name": "n",
        ]
        for status in [429, 500, 503] {
            let kind = try await ask(try desk(connector, status, "{}"), named).kind
            #expect(kind == .later || kind == .unknown)
        }
    }

    @Test func `of another issuer, or by nothing that it knows, nobody is asked`() throws {
        let strangers: [(connector: String, named: Value)] = [
            ("okta", ["issuer": "aws", "login": "bot@x"]), ("okta", ["email": "bot@x"]), ("okta", [:]),
            ("gitlab", ["login": "svc"]), ("entra", ["issuer": "entra", "type": "group", "id": "g1"]),
            ("aws-iam", ["issuer": "aws", "type": "Role", "name": "r"]), ("keycloak", ["id": "u1"]),
        ]
        for (connector, named) in strangers {
            let provider = try desk(connector, 200, "{}").provider
            #expect(provider.lookup(for: Wanted(kind: .serviceAccount, reference: named)) == nil, "\(connector)")
        }
        let login: Value = ["issuer": "okta", "login": "b"]
        #expect(try desk("okta", 200, "{}").provider.lookup(for: Wanted(kind: .workload, reference: login)) == nil)
    }

    @Test func `a name with a slash leaves for nowhere`() async throws {
        let desk = try desk("okta", 200, "{}")
        let draft = desk.draft("lookup.id", .act, ["named": ["id": "../groups/1"]])
        #expect(throws: Refusal.self) { try desk.sealer.seal(draft).get() }
        #expect(desk.requests.isEmpty)
    }

    // MARK: Mistakes

    private func mistakes(_ lookup: String) throws -> [String] {
        let sketch = DefinitionSketch.connector.changed(
            "  capabilities:\n", to: "  lookups:\n" + lookup + "  capabilities:\n")
        return try sketch.refusal?.all.map { "\($0.code) \($0.message)" } ?? []
    }

    private func lookup(
        _ name: String = "login", keep: String = "{ id: \"${body.id}\", handles: '${{\"a\": body.id}}' }",
        answers: String = "{ done: [200], rules: [{ status: [200], that: body.id != with.named.id, means: refused }] }"
    ) -> String {
        """
            \(name):
              subject: service_account
              when: has(named.id)
              request: { method: GET, to: base, path: "/users/${with.named.id}" }
              answers: \(answers)
              keep: \(keep)

        """
    }

    @Test func `a look-up says how who is found is compared, and tells what a run acts by`() throws {
        #expect(try mistakes(lookup()) == [])
        #expect(
            try mistakes(lookup(answers: "{ done: [200] }")) == [
                "P058 nothing compares the answer with who was asked for: a server that ignores the question names others"
            ])
        #expect(
            try mistakes(lookup(keep: "{ id: \"${body.id}\" }")) == [
                "P088 a look-up tells 'handles', and it is not kept"
            ])
        #expect(
            try mistakes(lookup(keep: "[id, handles, email]")) == ["P088 nobody reads 'email' of a look-up"])
        #expect(try mistakes(lookup("Log-in")) == ["P039 'Log-in' is no name of a look-up"])
    }
}
