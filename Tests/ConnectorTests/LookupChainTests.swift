// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Synchronization
import Testing

/// Asking shipped providers by a key's, a token's or a session's name: what each question is, and that every answer is
/// compared with it. The answers are those that the vendors' pages show.
@Suite struct LookupChainTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var connector: String
        var kind = Subject.Kind.serviceAccount
        var named: Value
        /// The answers to its questions, in order.
        var answers: [String]
        /// What is asked, in order: method, place, and the form where there is one.
        var lines: [String]
        /// `nil`: nobody.
        var found: Value?
        var testDescription: String {
            "\(connector) \(kind.rawValue) \(named.json) \(found == nil ? "nobody" : "found")"
        }
    }

    private static let b = "https://api.example/base"
    private static let key: Value = ["issuer": "aws", "type": "access_key", "id": "AKIA1"]
    private static let used = """
        <GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>svc</UserName><AccessKeyLastUsed>\
        <Region>N/A</Region></AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>
        """
    private static func keys(_ ids: String...) -> String {
        let members = ids.map {
            "<member><UserName>svc</UserName><AccessKeyId>\($0)</AccessKeyId><Status>Active</Status></member>"
        }
        return "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>\(members.joined())"
            + "</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>"
    }
    private static func user(_ name: String) -> String {
        "<GetUserResponse><GetUserResult><User><UserName>\(name)</UserName><UserId>AIDA1</UserId><Arn>arn:1</Arn>"
            + "</User></GetUserResult></GetUserResponse>"
    }
    private static let lastUsed = "POST \(b) AccessKeyId=AKIA1&Action=GetAccessKeyLastUsed&Version=2010-05-08"
    private static let list = "POST \(b) Action=ListAccessKeys&UserName=svc&Version=2010-05-08"
    private static let get = "POST \(b) Action=GetUser&UserName=svc&Version=2010-05-08"

    private static let token: Value = ["issuer": "gitlab", "type": "personal_access_token", "id": 42]
    private static let gitlabToken =
        #"{"id":42,"name":"deploy","revoked":false,"scopes":["api"],"user_id":7,"active":true,"expires_at":null}"#
    private static let oktaToken =
        #"{"id":"00T1","name":"ci","userId":"00u9","clientName":"Okta API","created":"2021-11-09T20:38:10.000Z"}"#
    private static let pod = #"{"metadata":{"name":"web-1","namespace":"shop"},"spec":{"serviceAccountName":"web"}}"#

    static let cases = [
        Case(
            connector: "aws-iam", kind: .credential, named: key, answers: [used, keys("AKIA0", "AKIA1")],
            lines: [lastUsed, list],
            found: [
                "id": "AKIA1", "names": ["issuer": "aws", "type": "access_key", "id": "AKIA1"],
                "handles": ["access_key_id": "AKIA1"], "facts": ["user_name": "svc", "status": "Active"],
            ]),
        // The user that the first answer tells has no such key: a server that ignores the question names anybody.
        Case(
            connector: "aws-iam", kind: .credential, named: key, answers: [used, keys("AKIA0")],
            lines: [lastUsed, list]),
        Case(
            connector: "aws-iam", named: key, answers: [used, keys("AKIA1"), user("svc")],
            lines: [lastUsed, list, get],
            found: [
                "id": "AIDA1", "names": ["issuer": "aws", "type": "IAMUser", "id": "AIDA1", "name": "svc"],
                "handles": ["user_name": "svc"], "owner": .null, "tags": [], "facts": ["arn": "arn:1"],
            ]),
        Case(connector: "aws-iam", named: key, answers: [used, keys("AKIA0")], lines: [lastUsed, list]),
        Case(
            connector: "aws-iam", named: key, answers: [used, keys("AKIA1"), user("admin")],
            lines: [lastUsed, list, get]),
        Case(
            connector: "gitlab", kind: .credential, named: token, answers: [gitlabToken],
            lines: ["GET \(b)/personal_access_tokens/42"],
            found: [
                "id": "personal_access_token-42",
                "names": ["issuer": "gitlab", "type": "personal_access_token", "id": 42], "handles": ["token_id": 42],
                "facts": ["user_id": 7, "name": "deploy", "active": true, "scopes": ["api"]],
            ]),
        Case(
            connector: "gitlab", kind: .credential, named: token, answers: [#"{"id":43,"user_id":1,"name":"x"}"#],
            lines: ["GET \(b)/personal_access_tokens/42"]),
        Case(
            connector: "gitlab", named: token, answers: [gitlabToken, #"{"id":7,"username":"svc","state":"active"}"#],
            lines: ["GET \(b)/personal_access_tokens/42", "GET \(b)/users/7"],
            found: [
                "id": 7, "names": ["issuer": "gitlab", "type": "user", "id": 7, "login": "svc"],
                "handles": ["user_id": 7, "user_name": "svc"], "facts": ["state": "active", "bot": .null],
            ]),
        Case(
            connector: "gitlab", named: token, answers: [gitlabToken, #"{"id":1,"username":"root"}"#],
            lines: ["GET \(b)/personal_access_tokens/42", "GET \(b)/users/7"]),
        Case(
            connector: "okta", kind: .credential, named: ["issuer": "okta", "type": "Token", "id": "00T1"],
            answers: [oktaToken], lines: ["GET \(b)/api-tokens/00T1"],
            found: [
                "id": "00T1", "names": ["issuer": "okta", "type": "Token", "id": "00T1"],
                "handles": ["token_id": "00T1"], "facts": ["okta_user_id": "00u9", "name": "ci"],
            ]),
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "api_token", "id": "00T1"],
            answers: [oktaToken, #"{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x"}}"#],
            lines: ["GET \(b)/api-tokens/00T1", "GET \(b)/users/00u9"],
            found: [
                "id": "00u9", "names": ["issuer": "okta", "type": "User", "id": "00u9", "login": "bot@x"],
                "handles": ["okta_id": "00u9"], "owner": .null,
                "facts": ["login": "bot@x", "status": "ACTIVE", "department": .null],
            ]),
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "Token", "id": "00T2"], answers: [oktaToken],
            lines: ["GET \(b)/api-tokens/00T2"]),
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "session", "id": "101W1"],
            answers: [
                #"{"id":"101W1","userId":"00u9","login":"bot@x","status":"ACTIVE"}"#,
                #"{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x"}}"#,
            ], lines: ["GET \(b)/sessions/101W1", "GET \(b)/users/00u9"],
            found: [
                "id": "00u9", "names": ["issuer": "okta", "type": "User", "id": "00u9", "login": "bot@x"],
                "handles": ["okta_id": "00u9"], "owner": .null,
                "facts": ["login": "bot@x", "status": "ACTIVE", "department": .null],
            ]),
        // Another session's answer names nobody.
        Case(
            connector: "okta", named: ["issuer": "okta", "type": "session", "id": "101W2"],
            answers: [#"{"id":"101W1","userId":"00u9"}"#], lines: ["GET \(b)/sessions/101W2"]),
        Case(
            connector: "keycloak", named: ["issuer": "keycloak", "type": "client", "id": "CI"],
            answers: [
                #"[{"id":"c0","clientId":"ci-other"},{"id":"c1","clientId":"CI"}]"#,
                #"{"id":"u1","username":"service-account-ci","enabled":true}"#,
            ], lines: ["GET \(b)/clients?clientId=CI&max=100", "GET \(b)/clients/c1/service-account-user"],
            found: [
                "id": "u1", "names": ["issuer": "keycloak", "type": "user", "id": "u1", "name": "service-account-ci"],
                "handles": ["user_id": "u1"],
                "facts": ["user_name": "service-account-ci", "enabled": true, "client": "c1"],
            ]),
        Case(
            connector: "keycloak", named: ["issuer": "keycloak", "type": "client", "id": "ci"],
            answers: [#"[{"id":"c0","clientId":"admin-cli"}]"#], lines: ["GET \(b)/clients?clientId=ci&max=100"]),
        Case(
            connector: "keycloak", named: ["issuer": "keycloak", "type": "session", "id": "s1", "client": "ci"],
            answers: [
                #"[{"id":"c1","clientId":"ci"}]"#,
                #"[{"id":"s0","userId":"u0","username":"admin"},{"id":"s1","userId":"u1","username":"svc"}]"#,
                #"{"id":"u1","username":"svc","enabled":true}"#,
            ],
            lines: [
                "GET \(b)/clients?clientId=ci&max=100", "GET \(b)/clients/c1/user-sessions?max=100",
                "GET \(b)/users/u1",
            ],
            found: [
                "id": "u1", "names": ["issuer": "keycloak", "type": "user", "id": "u1", "name": "svc"],
                "handles": ["user_id": "u1"], "facts": ["user_name": "svc", "enabled": true],
            ]),
        Case(
            connector: "kubernetes",
            named: ["issuer": "kubernetes", "type": "user", "id": "system:serviceaccount:shop:web"],
            answers: [
                #"{"metadata":{"name":"web","namespace":"shop","uid":"k-1","annotations":{"owner":"team/shop"}}}"#
            ], lines: ["GET \(b)/api/v1/namespaces/shop/serviceaccounts/web"],
            found: [
                "id": "k-1", "names": ["issuer": "kubernetes", "id": "system:serviceaccount:shop:web"],
                "handles": ["uid": "k-1"], "owner": "team/shop", "facts": ["namespace": "shop", "account": "web"],
            ]),
        Case(
            connector: "kubernetes",
            named: ["issuer": "kubernetes", "type": "user", "id": "system:serviceaccount:shop:web"],
            answers: [#"{"metadata":{"name":"default","namespace":"shop","uid":"k-1"}}"#],
            lines: ["GET \(b)/api/v1/namespaces/shop/serviceaccounts/web"]),
        Case(
            connector: "kubernetes", named: ["issuer": "falco", "type": "pod", "id": "web-1", "namespace": "shop"],
            answers: [pod, #"{"metadata":{"name":"web","namespace":"shop","uid":"k-1"}}"#],
            lines: [
                "GET \(b)/api/v1/namespaces/shop/pods/web-1", "GET \(b)/api/v1/namespaces/shop/serviceaccounts/web",
            ],
            found: [
                "id": "k-1", "names": ["issuer": "kubernetes", "id": "system:serviceaccount:shop:web"],
                "handles": ["uid": "k-1"], "owner": .null, "facts": ["namespace": "shop", "account": "web"],
            ]),
        Case(
            connector: "kubernetes", named: ["issuer": "falco", "type": "pod", "id": "web-2", "namespace": "shop"],
            answers: [pod], lines: ["GET \(b)/api/v1/namespaces/shop/pods/web-2"]),
    ]

    private func desk(_ item: Case) throws -> CallDesk {
        let shape = try #require(try shippedConnector(item.connector).provider)
        let left = Answers(item.answers)
        var desk = CallDesk.with(
            shape,
            transport: ScriptedTransport { request, _ in
                request.url.hasSuffix("/token")
                    ? .answered(200, #"{"access_token":"t","expires_in":60}"#) : .answered(200, left.next())
            })
        let settings = [
            "url": Self.b, "token_endpoint": "https://login.example/token", "client_id": "c", "region": "us-east-1",
        ]
        desk.settings = settings.filter { shape.settings[$0.key] != nil }
        for name in shape.secrets { desk.connectionSecrets[name] = .environment(name) }
        desk.secrets = Dictionary(uniqueKeysWithValues: Set(shape.secrets).map { ($0, "s3cret") })
        return desk
    }

    @Test(arguments: cases)
    func `whoever is found is the one whose key, token or session the alert names, or nobody`(
        _ item: Case
    ) async throws {
        let desk = try desk(item)
        let lookup = try #require(desk.provider.lookup(for: Wanted(kind: item.kind, reference: item.named)))
        var arguments: [String: Value] = ["named": item.named]
        var known: [String: Value] = [:]
        var outcome = Outcome(.later)
        for capability in lookup.viaCapabilities + [lookup.capability] {
            let draft = desk.draft(capability, .act, .object(arguments))
            let call = Call(
                number: 1, purpose: .act, attempt: 1, capability: capability, provider: "auth", effectClass: .read,
                arguments: draft.arguments, seal: try desk.sealer.seal(draft).get(), intendedAt: desk.now,
                deadline: desk.now.adding(milliseconds: lookup.timeoutMilliseconds))
            outcome = await desk.perform(call).outcome
            guard outcome.kind == .done else { break }
            known.merge(outcome.result.objectValue ?? [:]) { _, later in later }
            arguments["via"] = .object(known)
        }
        let sent = desk.requests.filter { !$0.url.hasSuffix("/token") }.map { request in
            let form = request.body.map { " " + String(decoding: $0, as: UTF8.self) } ?? ""
            let sorted = form.split(separator: "&").map { $0.trimmingPrefix(" ") }.sorted().joined(separator: "&")
            return "\(request.method) \(request.url)" + (sorted.isEmpty ? "" : " " + sorted)
        }
        #expect(sent == item.lines)
        guard let found = item.found else {
            #expect(outcome.kind == .refused && outcome.status == 200, "\(outcome)")
            return
        }
        #expect(outcome.kind == .done, "\(outcome)")
        #expect(outcome.result == found)
        #expect(throws: Never.self) { try Found.read(outcome.result).get() }
    }

    @Test func `a look-up with more questions than are taken is refused when it is loaded`() throws {
        let step = "      - { request: { method: GET, to: base, path: /a }, answers: { done: [200] }, keep: [id] }\n"
        func mistakes(_ count: Int) throws -> [String] {
            let lookup = """
                    key:
                      subject: credential
                      when: has(named.id)
                      request: { method: GET, to: base, path: "/keys/${with.named.id}" }
                      answers: { done: [200], rules: [{ status: [200], that: body.id != with.named.id, means: refused }] }
                      keep: { id: "${body.id}", handles: '${{"key": body.id}}' }
                      via:

                """
            let sketch = DefinitionSketch.connector.changed(
                "  capabilities:\n",
                to: "  lookups:\n" + lookup
                    + String(repeating: step.replacing("      -", with: "        -"), count: count)
                    + "  capabilities:\n")
            return try sketch.refusal?.all.map(\.message) ?? []
        }
        #expect(try mistakes(3) == [])
        #expect(try mistakes(4) == ["4 questions come before, the limit is 3"])
    }
}

/// Given out in order, the last one again and again.
private final class Answers: Sendable {
    private let left: Mutex<[String]>
    init(_ answers: [String]) { left = Mutex(answers) }
    func next() -> String { left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
}
