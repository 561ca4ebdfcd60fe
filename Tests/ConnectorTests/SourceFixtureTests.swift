// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What the shipped connectors make of alerts of their vendors' shapes with content of our own: received, signed, and
/// normalized. (`SourceCorpusTests` does the same with real ones, where they are.)
@Suite struct SourceFixtureTests {
    /// A body, and what its signals say: the kind, who or what, and the source's word for it.
    struct Fixture: Sendable, CustomTestStringConvertible {
        var connector: String
        var headers: [String: String] = [:]
        var body: String
        /// `kind id event severity`, one for each signal; none: it concerns nobody.
        var signals: [String]
        var testDescription: String { "\(connector): \(signals.joined(separator: ", "))" }
    }

    private static let clouds = [
        Fixture(
            connector: "guardduty",
            body: """
                {"detail-type":"GuardDuty Finding","detail":{"id":"f-1","updatedAt":"2026-01-01T00:00:00Z",\
                "type":"CredentialAccess:IAMUser/X","severity":8.5,"arn":"arn:f-1","accountId":"1","resource":\
                {"resourceType":"AccessKey","accessKeyDetails":{"principalId":"AID1","userName":"ci",\
                "userType":"IAMUser","accessKeyId":"AK1"}},"service":{"archived":false}}}
                """, signals: ["identity.suspected AID1 CredentialAccess:IAMUser/X high"]),
        Fixture(
            connector: "guardduty",
            body: """
                {"detail":{"Id":"f-2","UpdatedAt":"2026-01-01T00:00:00Z","Type":"Discovery:EC2/X","Severity":2,\
                "Resource":{"ResourceType":"Instance","InstanceDetails":{"InstanceId":"i-1"}}}}
                """, signals: ["resource.suspected i-1 Discovery:EC2/X low"]),
        Fixture(
            connector: "guardduty", body: #"{"detail":{"id":"f","type":"t","service":{"archived":true}}}"#, signals: []),
        Fixture(
            connector: "security-hub",
            body: """
                {"detail":{"findings":[{"Id":"h-1","UpdatedAt":"2026-01-01T00:00:00Z","AwsAccountId":"1",\
                "Title":"t","Types":["T/1"],"Severity":{"Label":"CRITICAL"},"Resources":[{"Type":"AwsIamRole",\
                "Id":"role-1","ResourceRole":"Target"},{"Type":"AwsIamAccessKey","Id":"AK9",\
                "ResourceRole":"Actor"}]},{"Id":"h-2","RecordState":"ARCHIVED","Resources":[]},\
                {"Id":"h-3","UpdatedAt":"2026-01-01T00:00:00Z","AwsAccountId":"1","Title":"bucket","Types":[],\
                "Resources":[{"Type":"AwsS3Bucket","Id":"b-1"}]}]}}
                """,
            signals: ["identity.suspected AK9 T/1 critical", "resource.suspected b-1 bucket medium"]),
        Fixture(
            connector: "aws-sns",
            body:
                #"{"AlarmName":"hot","NewStateValue":"ALARM","AlarmArn":"arn:a","StateChangeTime":"2026-01-01T00:00:00.000+0000"}"#,
            signals: ["notice.given - hot medium"]),
        Fixture(connector: "aws-sns", body: #"{"AlarmName":"hot","NewStateValue":"OK"}"#, signals: []),
        Fixture(
            connector: "google-scc",
            body: """
                {"finding":{"name":"n","state":"ACTIVE","category":"C","severity":"HIGH","resourceName":"//r",\
                "eventTime":"2026-01-01T00:00:00Z","access":{"principalEmail":"sa@p.example"}}}
                """, signals: ["identity.suspected sa@p.example C high"]),
        Fixture(
            connector: "google-scc", body: #"{"finding":{"name":"n","state":"INACTIVE","category":"C"}}"#, signals: []),
        Fixture(
            connector: "microsoft-graph",
            body: """
                {"value":[{"subscriptionId":"s","clientState":"c","lifecycleEvent":"missed"},{"subscriptionId":"s",\
                "clientState":"c","changeType":"updated","resource":"r/1"}]}
                """, signals: ["notice.given - missed high", "notice.given - change.updated medium"]),
        Fixture(
            connector: "defender",
            body: """
                {"value":[{"id":"a","title":"T","severity":"high","status":"new","tenantId":"t",\
                "lastUpdateDateTime":"2026-01-01T00:00:00.0000001Z","evidence":[{"@odata.type":\
                "#microsoft.graph.security.oauthApplicationEvidence","appId":"app-1"}]},{"status":"resolved"}]}
                """, signals: ["identity.suspected app-1 T high"]),
        Fixture(
            connector: "entra-logs",
            body: """
                {"operationName":"Add service principal credentials","category":"AuditLogs","properties":{\
                "targetResources":[{"id":"sp-1","type":"ServicePrincipal"}],"initiatedBy":{"user":{"id":"u"}}}}
                """, signals: ["identity.changed sp-1 Add service principal credentials high"]),
    ]

    private static let identityProviders = [
        Fixture(
            connector: "okta",
            body: """
                {"eventType":"com.okta.event_hook","eventId":"e","data":{"events":[{"uuid":"1","published":\
                "2026-01-01T00:00:00.000Z","eventType":"app.oauth2.token.detect_reuse","severity":"WARN",\
                "actor":{"id":"00c1","type":"PublicClientApp"},"authenticationContext":{"externalSessionId":null},\
                "target":null},{"uuid":"2","published":"2026-01-01T00:00:00.000Z","eventType":\
                "user.lifecycle.suspend","severity":"INFO","actor":{"id":"00a","type":"User"},"target":\
                [{"id":"00u2","type":"User"}]},{"uuid":"3","published":"2026-01-01T00:00:00.000Z","eventType":\
                "group.lifecycle.create","severity":"INFO","actor":{"id":"00a","type":"User"},"target":[]}]}}
                """,
            signals: [
                "identity.suspected 00c1 app.oauth2.token.detect_reuse high",
                "identity.changed 00u2 user.lifecycle.suspend medium", "notice.given - group.lifecycle.create low",
            ]),
        Fixture(
            connector: "auth0",
            body: """
                {"log_id":"1","data":{"type":"ferrt","date":"2026-01-01T00:00:00.000Z","client_id":"c-1"}}
                {"log_id":"2","data":{"type":"scp","date":"2026-01-01T00:00:00.000Z","user_id":"auth0|2"}}
                """, signals: ["identity.suspected c-1 ferrt high", "identity.changed auth0|2 scp medium"]),
        Fixture(
            connector: "keycloak",
            body: """
                {"uid":"k-1","time":1767225600000,"type":"admin.CLIENT-UPDATE","resourceType":"CLIENT",\
                "resourcePath":"clients/c-9/client-secret","realmId":"r","authDetails":{"userId":"adm"}}
                """, signals: ["identity.changed c-9 admin.CLIENT-UPDATE medium"]),
        Fixture(
            connector: "keycloak",
            body: """
                {"uid":"k-2","time":1767225600000,"type":"access.REFRESH_TOKEN_ERROR","realmId":"r",\
                "authDetails":{"clientId":"robot","sessionId":"s-1","ipAddress":"192.0.2.1"}}
                """, signals: ["identity.suspected robot access.REFRESH_TOKEN_ERROR medium"]),
        ssf(
            "caep/event-type/session-revoked",
            #"{"format":"complex","user":{"format":"email","email":"a@b.example"},"session":{"format":"opaque","id":"s-1"}}"#,
            "session.changed a@b.example caep.session-revoked medium"),
        ssf(
            "caep/event-type/credential-change", #"{"format":"opaque","id":"o-1"}"#,
            "identity.changed o-1 caep.credential-change medium"),
        ssf(
            "risc/event-type/credential-compromise", #"{"format":"account","uri":"acct:a@b.example"}"#,
            "identity.suspected acct:a@b.example risc.credential-compromise high"),
        ssf("ssf/event-type/verification", #"{"format":"opaque","id":"stream"}"#, nil),
    ]

    private static func ssf(_ type: String, _ subject: String, _ signal: String?) -> Fixture {
        Fixture(
            connector: "ssf",
            body: """
                {"iss":"https://t.example","aud":"me","jti":"j","iat":1767225600,"sub_id":\(subject),"events":\
                {"https://schemas.openid.net/secevent/\(type)":{}}}
                """, signals: signal.map { [$0] } ?? [])
    }

    private static let code = [
        Fixture(
            connector: "gitlab",
            body: """
                {"object_kind":"vulnerability","project":{"path_with_namespace":"g/p"},"object_attributes":{\
                "title":"AWS key","state":"detected","severity":"critical","report_type":"secret_detection",\
                "identifiers":[{"name":"AWS access token"}],"url":"https://gitlab.example/v/1","location":{"file":"a"}}}
                """, signals: ["secret.exposed g/p - critical"]),
        Fixture(
            connector: "gitlab", body: #"{"object_kind":"vulnerability","object_attributes":{"state":"resolved"}}"#,
            signals: []),
        Fixture(
            connector: "gitguardian",
            body: """
                {"source":"GitGuardian","timestamp":"2026-01-01T00:00:00Z","action":"incident_triggered","incident":{\
                "id":7,"detector":{"name":"slack_bot_token"},"validity":"valid","severity":"high",\
                "secret_hash":"h","gitguardian_url":"https://d.example/7"}}
                """, signals: ["secret.exposed 7 - high"]),
        Fixture(connector: "gitguardian", body: #"{"action":"incident_resolved","incident":{"id":7}}"#, signals: []),
        Fixture(
            connector: "github", headers: ["x-github-event": "installation"],
            body: """
                {"action":"new_permissions_accepted","installation":{"id":5,"app_id":6,"account":{"login":"o"},\
                "permissions":{"contents":"write"}},"sender":{"login":"ann"}}
                """, signals: ["scope.widened 5 installation.new_permissions_accepted medium"]),
        Fixture(
            connector: "github-audit",
            body: #"{"event":{"action":"personal_access_token.create","actor":"ann","user":"bot","org":"o"}}"#,
            signals: ["identity.changed bot personal_access_token.create medium"]),
    ]

    private static let watchers = [
        Fixture(
            connector: "alertmanager",
            body: """
                {"alerts":[{"status":"firing","fingerprint":"1","startsAt":"2026-01-01T00:00:00Z","labels":{\
                "alertname":"Odd","identity":"robot","severity":"warning"}},{"status":"resolved"},\
                {"status":"firing","fingerprint":"2","startsAt":"2026-01-01T00:00:00Z","labels":{\
                "alertname":"Hot","instance":"h:1"}}]}
                """, signals: ["identity.suspected robot Odd medium", "resource.suspected h:1 Hot medium"]),
        Fixture(
            connector: "falco",
            body: """
                {"uuid":"u","rule":"Shell in container","priority":"Critical","time":"2026-01-01T00:00:00.000000001Z",\
                "hostname":"n","output_fields":{"k8s.pod.name":"p-1","k8s.ns.name":"ns","container.id":"c"}}
                """, signals: ["resource.suspected p-1 Shell in container critical"]),
        Fixture(
            connector: "elastic",
            body: #"{"rule":"R","uuid":"u","severity":"high","identity":{"id":"svc"},"resource":{"id":"h"}}"#,
            signals: ["identity.suspected svc R high"]),
        Fixture(
            connector: "splunk", body: #"{"search_name":"S","sid":"1","result":{"identity":"svc","severity":"LOW"}}"#,
            signals: ["identity.suspected svc S low"]),
        Fixture(
            connector: "pagerduty",
            body: """
                {"event":{"id":"1","event_type":"incident.triggered","occurred_at":"2026-01-01T00:00:00Z","data":\
                {"id":"P1","urgency":"high"}}}
                """, signals: ["notice.given - incident.triggered high"]),
        Fixture(
            connector: "sentry", headers: ["sentry-hook-resource": "metric_alert"],
            body: #"{"action":"critical","data":{"metric_alert":{},"web_url":"https://s.example"}}"#,
            signals: ["notice.given - metric_alert.critical critical"]),
        Fixture(
            connector: "cloudevents",
            headers: [
                "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t.x",
                "ce-time": "2026-01-01T00:00:00Z",
            ], body: #"{"any":1}"#, signals: ["notice.given - t.x medium"]),
        Fixture(
            connector: "thinkst-canary",
            body: """
                {"AlertType":"CanarytokenIncident","IncidentKey":"k","Timestamp":"2026-01-01 00:00:00 (UTC)",\
                "Token":"tok","Description":"AWS key used","SourceIP":"192.0.2.1"}
                """, signals: ["resource.suspected tok AWS key used high"]),
        Fixture(
            connector: "ocsf",
            body: """
                {"class_uid":2004,"activity_id":1,"severity_id":4,"time":1767225600000,"metadata":{"uid":"1"},\
                "finding_info":{"title":"T","uid":"f"},"ai_agent":{"uid":"agent-1"}}
                {"class_uid":2004,"activity_id":3,"time":1767225600000}
                {"class_uid":3001,"activity_id":5,"time":1767225600000,"user":{"uid":"u1"},"activity_name":"Disable"}
                {"class_uid":3002,"activity_id":1,"time":1767225600000,"user":{"name":"n1"},"status":"Success"}
                {"class_uid":6003,"activity_id":1,"severity_id":5,"time":1767225600000,"actor":{"user":{"uid":"u2"}},\
                "api":{"operation":"DeleteTrail"}}
                {"class_uid":6003,"activity_id":1,"severity_id":1,"time":1767225600000,"api":{"operation":"List"}}
                """,
            signals: [
                "identity.suspected agent-1 T high", "identity.changed u1 account_change.Disable medium",
                "session.changed n1 authentication.Success low", "identity.suspected u2 DeleteTrail critical",
                "notice.given - List low",
            ]),
    ]

    @Test(arguments: clouds + identityProviders + code + watchers)
    func `an alert of a vendor's shape becomes the signals that it means`(_ fixture: Fixture) throws {
        let source = try SigningSource(fixture.connector)
        let alert = try source.receive(text: fixture.body, headers: fixture.headers)
        let found = source.shape.normalize(alert)
        #expect(found.signals.map(line) == fixture.signals, "\(found)")
        if case .unknownShape(let reason) = found { Issue.record("\(reason)") }
        if case .partly(_, let reason) = found { Issue.record("\(reason)") }
    }

    private func line(_ signal: Signal) -> String {
        let attributes = signal.attributes
        let who = ["identity", "resource", "credential"].lazy.compactMap { attributes[$0]?.objectValue }.first
        let id = ["id", "repository", "incident"].lazy.compactMap { who?[$0] }.first { $0 != .null }
        let shown =
            switch id {
            case .string(let text)?: text
            case .int(let number)?: "\(number)"
            default: "-"
            }
        return "\(signal.kind) \(shown) \(attributes["event"]?.stringValue ?? "-") \(signal.severity.rawValue)"
    }

    // MARK: The house's own format

    private static let map: Value = ["issuer": "agents", "id": "x"]

    /// A whole signal of each kind, of fields that its schema names.
    private func whole(_ kind: SignalKind) -> [String: Value] {
        kind.fields.mapValues { field in
            switch field.schema {
            case .string: "text"
            case .bool: true
            case .int: 7
            case .double: 7
            case .list: ["a"]
            case .object: ["kind": "repository", "repository": "o/r"]
            default: Self.map
            }
        }
    }

    @Test(arguments: SignalKind.all.map(\.name))
    func `the native format reports every kind with all its fields, and without those that may be left out`(
        _ name: String
    ) throws {
        let kind = try #require(SignalKind.named(name))
        let source = try SigningSource("native")
        let fields = whole(kind)
        let least = fields.filter { kind.fields[$0.key]?.isOptional == false }
        for attributes in [fields, least] {
            let one: Value = [
                "kind": .string(name), "id": "e-1", "time": "2026-03-01T10:20:30Z", "severity": "critical",
                "signal": .object(attributes),
            ]
            let signals = source.shape.normalize(try source.receive(.array([one, one]))).signals
            #expect(signals.count == 2)
            let signal = try #require(signals.first)
            #expect(signal.kind == name)
            #expect(signal.attributes == .object(attributes))
            #expect(signal.eventKey == "e-1")
            #expect(signal.severity == .critical)
            #expect(signal.occurredAt == Instant(rfc3339: "2026-03-01T10:20:30Z"))
        }
        for missing in least.keys {
            var fewer = least
            fewer[missing] = nil
            let one: Value = ["kind": .string(name), "signal": .object(fewer)]
            guard case .unknownShape(let reason) = source.shape.normalize(try source.receive(one)) else {
                Issue.record("\(missing) must not be missing")
                continue
            }
            #expect(reason.contains("'\(missing)'"))
        }
    }

    @Test func `a signal of no kind, or with a field of another type, is kept for a person`() throws {
        let source = try SigningSource("native")
        for body in [
            ["kind": "identity.stolen", "signal": [:]],
            ["kind": "notice.given", "signal": ["event": 7, "resources": []]],
            ["kind": "notice.given", "signal": ["event": "e", "resources": "r"]], ["signal": [:]], 7, [],
        ] as [Value] {
            let found = source.shape.normalize(try source.receive(body))
            #expect(found.signals.isEmpty)
            if body != [] { #expect(found != .nothing("it lists nothing")) }
        }
    }
}
