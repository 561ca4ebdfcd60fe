// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CryptoExtras
import Testing

/// An answer in the form that its vendor publishes, and what it must mean.
struct VendorAnswer: Sendable, CustomTestStringConvertible {
    var connector: String
    var capability: String
    var purpose: Call.Purpose
    var status: Int
    var body: String
    var headers: [String: String]
    var kind: Outcome.Kind
    var kept: Value?
    var testDescription: String { "\(connector) \(capability) \(purpose.rawValue) \(status) \(body.prefix(60))" }

    init(
        _ connector: String, _ capability: String, _ purpose: Call.Purpose, _ status: Int, _ body: String,
        _ kind: Outcome.Kind, headers: [String: String] = [:], kept: Value? = nil
    ) {
        self.connector = connector
        self.capability = capability
        self.purpose = purpose
        self.status = status
        self.body = body
        self.headers = headers
        self.kind = kind
        self.kept = kept
    }

    static let all =
        gone + restored + lookUps + microsoft + auth0 + gitlab + google + vault + kubernetes + rabbitmq + notices

    /// A repeat of what was ended, as each of them says it itself.
    private static let gone = [
        VendorAnswer(
            "okta", "grants.revoke", .act, 404, #"{"errorCode":"E0000007","errorSummary":"Not found"}"#, .already),
        VendorAnswer(
            "okta", "grants.revoke", .readBack, 404, #"{"errorCode":"E0000007","errorSummary":"Not found"}"#, .done,
            kept: ["alive": false]),
        VendorAnswer(
            "okta", "grants.revoke", .act, 404, #"{"errorCode":"E0000008","errorSummary":"The requested path"}"#,
            .refused),
        VendorAnswer(
            "github", "tokens.revoke", .act, 404,
            #"{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}"#, .already),
        VendorAnswer(
            "keystone", "tokens.revoke", .act, 404,
            #"{"error":{"code":404,"message":"Could not find token","title":"Not Found"}}"#, .already),
        VendorAnswer(
            "keycloak", "grants.revoke", .act, 404, #"{"error":"Consent nor offline token not found"}"#, .already),
        VendorAnswer("keycloak", "grants.revoke", .act, 404, #"{"error":"Client not found"}"#, .refused),
        VendorAnswer("keycloak", "session.end", .act, 404, #"{"error":"Sesssion not found"}"#, .already),
        VendorAnswer(
            "aws-iam", "policy.allow_write", .act, 404,
            "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>", .already),
        VendorAnswer(
            "google-iam", "credential.delete", .readBack, 404, #"{"error":{"status":"NOT_FOUND"}}"#, .done,
            kept: ["present": false]),
    ]

    private static let restored = [
        VendorAnswer(
            "entra", "grants.revoke", .readBack, 404,
            #"{"error":{"code":"Request_ResourceNotFound","message":"gone"}}"#,
            .done, kept: ["present": false]),
        VendorAnswer("entra", "grants.revoke", .readBack, 200, #"{"id":"g1"}"#, .done, kept: ["present": true]),
        VendorAnswer(
            "auth0", "grants.revoke", .readBack, 404, #"{"statusCode":404,"error":"Not Found","message":"gone"}"#,
            .done,
            kept: ["alive": false]),
        VendorAnswer("google-iam", "credential.enable", .readBack, 200, "{}", .done, kept: ["disabled": false]),
        VendorAnswer("rabbitmq", "account.restore", .readBack, 200, "[]", .done, kept: ["limited": false]),
        VendorAnswer(
            "rabbitmq", "account.restore", .readBack, 200, #"[{"user":"svc","value":{"max-connections":-1}}]"#, .done,
            kept: ["limited": false]),
        VendorAnswer(
            "rabbitmq", "account.restore", .readBack, 200, #"[{"user":"svc","value":{"max-connections":0}}]"#, .done,
            kept: ["limited": true]),
        VendorAnswer(
            "caep-transmitter", "evidence.capture", .act, 200, #"{"keys":[{"kty":"RSA","kid":"k1"}]}"#, .done,
            kept: ["keys": ["k1"]]),
        VendorAnswer("caep-transmitter", "evidence.capture", .act, 200, #"{"keys":[]}"#, .refused),
    ]

    /// A provider that ignores the filter names somebody else first; one that names two of the name names nobody.
    private static let lookUps = [
        VendorAnswer(
            "scim", "account.find", .act, 200,
            #"{"totalResults":2,"Resources":[{"id":"a","userName":"admin"},{"id":"s","userName":"svc"}]}"#, .done,
            kept: ["account": ["scim_id": "s", "user_name": "svc"]]),
        VendorAnswer(
            "scim", "account.find", .act, 200, #"{"totalResults":1,"Resources":[{"id":"a","userName":"admin"}]}"#,
            .refused),
        VendorAnswer(
            "scim", "account.find", .act, 200, #"{"totalResults":9,"Resources":[{"id":"s","userName":"svc"}]}"#,
            .refused),
        VendorAnswer("scim", "account.find", .act, 200, #"{"totalResults":0,"Resources":[]}"#, .refused),
        VendorAnswer(
            "gitlab", "account.find", .act, 200, #"[{"id":1,"username":"svc"},{"id":2,"username":"svc"}]"#, .refused),
        VendorAnswer(
            "gitlab", "account.find", .act, 200, #"[{"id":7,"username":"svc","name":"x"}]"#, .done,
            kept: ["account": ["user_id": 7, "user_name": "svc"]]),
        VendorAnswer("gitlab", "account.find", .act, 200, #"[{"id":7,"username":"SVC"}]"#, .refused),
        VendorAnswer(
            "okta", "account.find", .act, 200, #"[{"id":"00u9","profile":{"login":"svc@x"}}]"#, .done,
            kept: ["account": ["okta_id": "00u9", "login": "svc@x"]]),
        VendorAnswer(
            "entra", "account.find", .act, 200, #"{"value":[{"id":"sp9","appId":"app-9"}]}"#, .done,
            kept: ["account": ["collection": "servicePrincipals", "object_id": "sp9", "app_id": "app-9"]]),
    ]

    /// https://learn.microsoft.com/en-us/graph/errors
    private static let microsoft = [
        VendorAnswer("entra", "account.suspend", .act, 204, "", .done),
        VendorAnswer(
            "entra", "account.suspend", .act, 404,
            #"{"error":{"code":"Request_ResourceNotFound","message":"Resource 'o1' does not exist"}}"#, .refused),
        VendorAnswer(
            "entra", "account.suspend", .act, 403,
            #"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#, .refused),
        VendorAnswer(
            "entra", "account.suspend", .act, 409, #"{"error":{"code":"Directory_ConcurrencyViolation"}}"#, .later),
        VendorAnswer("entra", "account.suspend", .act, 429, "", .later, headers: ["retry-after": "10"]),
        VendorAnswer(
            "entra", "account.suspend", .before, 200, #"{"@odata.context":"x","id":"o1","accountEnabled":true}"#, .done,
            kept: ["id": "o1", "enabled": true]),
        VendorAnswer("entra", "sessions.revoke", .act, 200, #"{"@odata.context":"x","value":true}"#, .done),
        VendorAnswer("entra", "sessions.revoke", .act, 200, #"{"value":false}"#, .unknown),
        VendorAnswer(
            "entra", "credential.delete", .readBack, 200,
            #"{"id":"a1","passwordCredentials":[{"keyId":"k1","displayName":"old","secretText":null}]}"#, .done,
            kept: ["present": false]),
        VendorAnswer(
            "entra", "credential.delete", .before, 200, #"{"id":"a1","passwordCredentials":[{"keyId":"k9"}]}"#, .done,
            kept: ["present": true]),
        VendorAnswer(
            "entra", "grants.revoke", .act, 404, #"{"error":{"code":"Request_ResourceNotFound","message":"gone"}}"#,
            .already),
    ]

    /// https://auth0.com/docs/api/management/v2
    private static let auth0 = [
        VendorAnswer("auth0", "account.suspend", .act, 200, #"{"user_id":"u1","blocked":true}"#, .done),
        VendorAnswer("auth0", "account.suspend", .before, 200, #"{"user_id":"u1"}"#, .done, kept: ["blocked": false]),
        VendorAnswer("auth0", "account.suspend", .before, 200, #"{"user_id":"u2","blocked":true}"#, .refused),
        VendorAnswer("auth0", "sessions.revoke", .act, 202, "", .done),
        VendorAnswer(
            "auth0", "sessions.revoke", .readBack, 200, #"{"sessions":[{"id":"s1","user_id":"u1"}]}"#, .done,
            kept: ["open": 1]),
        VendorAnswer("auth0", "sessions.revoke", .readBack, 200, #"{"sessions":[],"next":"c"}"#, .refused),
        VendorAnswer(
            "auth0", "account.suspend", .act, 429, #"{"statusCode":429,"error":"Too Many Requests"}"#, .later,
            headers: ["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000005"]),
    ]

    /// https://docs.gitlab.com/api/
    private static let gitlab = [
        VendorAnswer("gitlab", "account.suspend", .act, 201, "true", .done),
        VendorAnswer(
            "gitlab", "account.suspend", .act, 403,
            #"{"message":"403 Forbidden - LDAP blocked users cannot be modified"}"#, .refused),
        VendorAnswer(
            "gitlab", "account.suspend", .readBack, 200, #"{"id":1,"username":"bot","state":"blocked","email":"x"}"#,
            .done, kept: ["id": 1, "username": "bot", "state": "blocked"]),
        VendorAnswer("gitlab", "tokens.revoke", .act, 204, "", .done),
        VendorAnswer("gitlab", "tokens.revoke", .act, 400, #"{"message":"400 Bad request"}"#, .already),
        VendorAnswer("gitlab", "tokens.revoke", .act, 401, #"{"message":"401 Unauthorized"}"#, .refused),
        VendorAnswer(
            "gitlab", "tokens.revoke", .readBack, 200, #"{"id":42,"revoked":true,"active":false,"scopes":["api"]}"#,
            .done, kept: ["id": 42, "revoked": true, "active": false]),
        VendorAnswer("gitlab", "tokens.revoke", .readBack, 200, #"{"id":43,"active":false}"#, .refused),
        VendorAnswer(
            "gitlab", "credential.delete", .readBack, 404, #"{"message":"404 project Access Token Not Found"}"#, .done,
            kept: ["active": false]),
        VendorAnswer(
            "gitlab", "credential.delete", .readBack, 404, #"{"message":"404 Project Not Found"}"#, .refused),
        VendorAnswer(
            "gitlab", "tokens.revoke", .act, 429, "Retry later", .later,
            headers: ["ratelimit-remaining": "0", "ratelimit-reset": "1700000005"]),
    ]

    /// https://cloud.google.com/iam/docs/reference/rest
    private static let google = [
        VendorAnswer("google-iam", "account.suspend", .act, 200, "{}", .done),
        VendorAnswer(
            "google-iam", "account.suspend", .before, 200,
            #"{"name":"projects/proj/serviceAccounts/svc@p.example","email":"svc@p.example","uniqueId":"107"}"#, .done,
            kept: ["disabled": false, "unique_id": "107"]),
        VendorAnswer(
            "google-iam", "account.suspend", .readBack, 200,
            #"{"email":"svc@p.example","uniqueId":"107","disabled":true}"#, .done,
            kept: ["disabled": true, "unique_id": "107"]),
        VendorAnswer("google-iam", "account.suspend", .readBack, 200, #"{"email":"x","uniqueId":"1"}"#, .refused),
        VendorAnswer(
            "google-iam", "account.suspend", .act, 403, #"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#,
            .refused),
        VendorAnswer("google-iam", "account.suspend", .act, 429, #"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, .later),
        VendorAnswer("google-iam", "credential.delete", .act, 404, #"{"error":{"status":"NOT_FOUND"}}"#, .already),
    ]

    /// https://developer.hashicorp.com/vault/api-docs#http-status-codes
    private static let vault = [
        VendorAnswer("vault", "tokens.revoke", .act, 204, "", .done),
        VendorAnswer(
            "vault", "tokens.revoke", .act, 200, #"{"warnings":["No token found with this accessor"]}"#, .done),
        VendorAnswer(
            "vault", "tokens.revoke", .act, 400, #"{"errors":["1 error occurred:\n\t* invalid accessor\n\n"]}"#,
            .already),
        VendorAnswer(
            "vault", "tokens.revoke", .act, 403, #"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
            .refused),
        VendorAnswer(
            "vault", "tokens.revoke", .readBack, 403, #"{"errors":["1 error occurred:\n\t* invalid accessor\n\n"]}"#,
            .done, kept: ["active": false]),
        VendorAnswer("vault", "tokens.revoke", .readBack, 403, #"{"errors":["permission denied"]}"#, .refused),
        VendorAnswer(
            "vault", "tokens.revoke", .before, 200, #"{"data":{"accessor":"acc1","id":""}}"#, .done,
            kept: ["active": true]),
        VendorAnswer("vault", "account.suspend", .act, 503, #"{"errors":["Vault is sealed"]}"#, .later),
        VendorAnswer("vault", "account.suspend", .act, 473, "", .later),
    ]

    /// https://kubernetes.io/docs/reference/using-api/api-concepts/
    private static let kubernetes = [
        VendorAnswer("kubernetes", "tokens.revoke", .act, 200, #"{"kind":"Status","status":"Success"}"#, .done),
        VendorAnswer(
            "kubernetes", "tokens.revoke", .act, 404, #"{"kind":"Status","reason":"NotFound","code":404}"#, .already),
        VendorAnswer(
            "kubernetes", "tokens.revoke", .before, 200,
            #"{"kind":"Secret","data":{"token":"c2VjcmV0"},"metadata":{"name":"exporter-token","uid":"u"}}"#, .done,
            kept: ["active": true, "uid": "u"]),
        VendorAnswer("kubernetes", "workload.pause", .act, 409, #"{"kind":"Status","reason":"Conflict"}"#, .refused),
        VendorAnswer("kubernetes", "workload.pause", .act, 429, "", .later, headers: ["retry-after": "1"]),
        VendorAnswer(
            "kubernetes", "workload.pause", .before, 200,
            #"{"kind":"CronJob","metadata":{"uid":"u","resourceVersion":"7"},"spec":{"schedule":"* * * * *"}}"#, .done,
            kept: ["paused": false, "replicas": nil, "uid": "u", "version": "7"]),
        VendorAnswer(
            "kubernetes", "workload.pause", .readBack, 200,
            #"{"kind":"Deployment","metadata":{"uid":"u","resourceVersion":"8"},"spec":{"replicas":0}}"#, .done,
            kept: ["paused": true, "replicas": 0, "uid": "u", "version": "8"]),
        VendorAnswer(
            "kubernetes", "scopes.reduce", .before, 200,
            #"{"metadata":{"name":"writers","uid":"u"},"roleRef":{"kind":"Role","name":"writer"},"subjects":[{"name":"x"}]}"#,
            .done,
            kept: [
                "present": true, "role": ["kind": "Role", "name": "writer"], "subjects": [["name": "x"]],
                "labels": nil, "annotations": nil, "uid": "u",
            ]),
    ]

    /// As a RabbitMQ 3.10 answered.
    private static let rabbitmq = [
        VendorAnswer("rabbitmq", "account.suspend", .act, 204, "", .done),
        VendorAnswer("rabbitmq", "account.suspend", .before, 200, "[]", .done, kept: ["limit": -1]),
        VendorAnswer(
            "rabbitmq", "account.suspend", .before, 200, #"[{"user":"svc","value":{"max-connections":10}}]"#, .done,
            kept: ["limit": 10]),
        VendorAnswer(
            "rabbitmq", "account.suspend", .before, 200, #"[{"user":"other","value":{"max-connections":0}}]"#, .done,
            kept: ["limit": -1]),
        VendorAnswer(
            "rabbitmq", "account.suspend", .before, 404, #"{"error":"Object Not Found","reason":"Not Found"}"#, .refused
        ),
        VendorAnswer("rabbitmq", "sessions.revoke", .readBack, 200, "[]", .done, kept: ["open": 0]),
    ]

    private static let notices = [
        VendorAnswer("slack", "notify", .act, 200, #"{"ok":true,"channel":"C1","ts":"1503435956.000247"}"#, .done),
        VendorAnswer("slack", "notify", .act, 200, #"{"ok":false,"error":"channel_not_found"}"#, .refused),
        VendorAnswer("slack", "notify", .act, 200, #"{"ok":false,"error":"ratelimited"}"#, .later),
        VendorAnswer("slack", "notify", .act, 200, #"{"ok":false,"error":"internal_error"}"#, .unknown),
        VendorAnswer("slack", "notify", .act, 200, "<html>", .unknown),
        VendorAnswer("slack", "notify", .act, 429, "", .later, headers: ["retry-after": "30"]),
        VendorAnswer("chat-webhook", "notify", .act, 200, "ok", .done),
        VendorAnswer("chat-webhook", "notify", .act, 404, "no_service", .refused),
        VendorAnswer("chat-webhook", "notify", .act, 503, "", .unknown),
        VendorAnswer(
            "pagerduty", "notify", .act, 202,
            #"{"status":"success","message":"Event processed","dedup_key":"cordon/x"}"#, .done,
            kept: ["status": "success", "dedup_key": "cordon/x"]),
        VendorAnswer(
            "pagerduty", "notify", .act, 400, #"{"status":"invalid event","errors":["'payload.summary' is missing"]}"#,
            .refused),
        VendorAnswer("pagerduty", "notify", .act, 429, "", .later),
        // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
        VendorAnswer(
            "github", "tokens.revoke", .act, 403, #"{"message":"You have exceeded a secondary rate limit"}"#, .later,
            headers: ["retry-after": "60", "x-ratelimit-remaining": "4000"]),
        VendorAnswer(
            "github", "tokens.revoke", .act, 403, #"{"message":"API rate limit exceeded"}"#, .later,
            headers: ["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000005"]),
        VendorAnswer("github", "tokens.revoke", .act, 403, #"{"message":"Forbidden"}"#, .refused),
        VendorAnswer("oidc-logout", "sessions.revoke", .act, 400, #"{"error":"invalid_request"}"#, .refused),
        VendorAnswer(
            "caep-transmitter", "sessions.revoke", .act, 400, #"{"err":"invalid_key","description":"x"}"#, .refused),
    ]
}

/// Keys of the tests' own making, one for all: making one takes a while.
enum PrivateKeys {
    static let rsa = (try? _RSA.Signing.PrivateKey(keySize: .bits2048))?.pemRepresentation ?? ""
}
