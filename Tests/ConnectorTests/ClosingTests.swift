// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// Sources close what they alerted of. Each shipped one that does names it alike when it opens and when it closes it, and
/// says, where it can, as of when.
@Suite struct ClosingTests {
    struct Life: Sendable, CustomTestStringConvertible {
        var connector: String
        var headers: [String: String] = [:]
        var opens: String
        var closes: String
        var key: String
        /// As of when, the opening and the closing; `nil`: it doesn't say.
        var openedAsOf: String?
        var closedAsOf: String?

        var testDescription: String { connector }
    }

    private static let github = """
        {"action":"ACTION","alert":{"number":42,"secret_type":"t","created_at":"2026-03-01T01:00:00Z",\
        "updated_at":UPDATED,"resolved_at":RESOLVED},"repository":{"full_name":"o/r"}}
        """

    private static func github(_ action: String, updated: String = "null", resolved: String = "null") -> String {
        github.replacing("ACTION", with: action).replacing("UPDATED", with: updated).replacing(
            "RESOLVED", with: resolved)
    }

    static let code: [Life] = [
        Life(
            connector: "github", headers: ["x-github-event": "secret_scanning_alert"], opens: github("created"),
            closes: github("resolved", resolved: "\"2026-03-01T01:30:00Z\""), key: "secret_scanning/o/r#42",
            openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "github", headers: ["x-github-event": "dependabot_alert"], opens: github("reopened"),
            closes: github("dismissed", updated: "\"2026-03-01T01:30:00Z\""), key: "dependabot_alert/o/r#42",
            openedAsOf: nil, closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "gitlab",
            opens: """
                {"object_kind":"vulnerability","object_attributes":{"url":"https://g/1","state":"detected","title":"t",\
                "report_type":"secret_detection","updated_at":"2026-03-01T01:00:00Z"}}
                """,
            closes: """
                {"object_kind":"vulnerability","object_attributes":{"url":"https://g/1","state":"dismissed",\
                "updated_at":"2026-03-01T01:30:00Z"}}
                """, key: "https://g/1", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "gitguardian",
            opens: """
                {"action":"incident_triggered","timestamp":"2026-03-01T01:00:00Z","incident":{"id":7}}
                """,
            closes: """
                {"action":"incident_resolved","timestamp":"2026-03-01T01:30:00Z","incident":{"id":7}}
                """, key: "7", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
    ]

    static let clouds: [Life] = [
        Life(
            connector: "guardduty",
            opens: """
                {"time":"2026-03-01T01:00:00Z","detail":{"id":"f","type":"T","updatedAt":"2026-03-01T00:59:00Z",\
                "service":{"archived":false}}}
                """,
            closes: """
                {"time":"2026-03-01T01:30:00Z","detail":{"id":"f","type":"T","updatedAt":"2026-03-01T00:59:00Z",\
                "service":{"archived":true}}}
                """, key: "f", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "security-hub",
            opens: """
                {"Findings":[{"Id":"f","UpdatedAt":"2026-03-01T01:00:00Z","AwsAccountId":"1","Title":"T",\
                "Resources":[{"Type":"Other","Id":"r"}],"Workflow":{"Status":"NEW"}}]}
                """,
            closes: """
                {"time":"2026-03-01T01:30:00Z","detail":{"findings":[{"Id":"f","UpdatedAt":"2026-03-01T01:00:00Z",\
                "Workflow":{"Status":"RESOLVED"}}]}}
                """, key: "f", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "google-scc",
            opens: """
                {"finding":{"name":"f","category":"c","resourceName":"r","state":"ACTIVE",\
                "eventTime":"2026-03-01T01:00:00Z"}}
                """,
            closes: """
                {"finding":{"name":"f","state":"INACTIVE","eventTime":"2026-03-01T01:30:00Z"}}
                """, key: "f", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "aws-sns", opens: #"{"AlarmName":"a","AlarmArn":"arn:a","NewStateValue":"ALARM"}"#,
            closes: #"{"AlarmName":"a","AlarmArn":"arn:a","NewStateValue":"OK"}"#, key: "arn:a"),
        Life(
            connector: "defender",
            opens: """
                {"id":"d","title":"T","status":"new","lastUpdateDateTime":"2026-03-01T01:00:00Z"}
                """,
            closes: """
                {"id":"d","status":"resolved","lastUpdateDateTime":"2026-03-01T01:30:00Z"}
                """, key: "d", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
    ]

    static let watchers: [Life] = [
        Life(
            connector: "alertmanager",
            opens: """
                {"alerts":[{"status":"firing","fingerprint":"p","startsAt":"2026-03-01T01:00:00Z",\
                "labels":{"alertname":"Hot"}}]}
                """,
            closes: """
                {"alerts":[{"status":"resolved","fingerprint":"p","startsAt":"2026-03-01T01:00:00Z",\
                "endsAt":"2026-03-01T01:30:00Z","labels":{"alertname":"Hot"}}]}
                """, key: "p", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "elastic",
            opens: #"{"rule":"R","uuid":"u","at":"2026-03-01T01:00:00Z","group":"default"}"#,
            closes: #"{"rule":"R","uuid":"u","at":"2026-03-01T01:30:00Z","group":"recovered"}"#, key: "u",
            openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "pagerduty",
            opens: """
                {"event":{"id":"1","event_type":"incident.triggered","occurred_at":"2026-03-01T01:00:00Z",\
                "data":{"id":"PI"}}}
                """,
            closes: """
                {"event":{"id":"2","event_type":"incident.resolved","occurred_at":"2026-03-01T01:30:00Z",\
                "data":{"id":"PI"}}}
                """, key: "PI", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "sentry", headers: ["sentry-hook-resource": "metric_alert"],
            opens: """
                {"action":"critical","data":{"metric_alert":{"id":"9","date_started":"2026-03-01T01:00:00Z"}}}
                """,
            closes: """
                {"action":"resolved","data":{"metric_alert":{"id":"9","date_closed":"2026-03-01T01:30:00Z"}}}
                """, key: "metric_alert/9", openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "sentry", headers: ["sentry-hook-resource": "issue"],
            opens: #"{"action":"unresolved","data":{"issue":{"id":"3","firstSeen":"2026-03-01T01:00:00Z"}}}"#,
            closes: #"{"action":"resolved","data":{"issue":{"id":"3"}}}"#, key: "issue/3"),
        Life(
            connector: "ocsf",
            opens: #"{"class_uid":2004,"activity_id":1,"time":1772326800000,"finding_info":{"title":"T","uid":"f"}}"#,
            closes: #"{"class_uid":2004,"activity_id":3,"time":1772328600000,"finding_info":{"uid":"f"}}"#, key: "f",
            openedAsOf: "2026-03-01T01:00:00Z", closedAsOf: "2026-03-01T01:30:00Z"),
        Life(
            connector: "wiz",
            opens: #"{"issue":{"id":"w","status":"OPEN"},"resource":{"id":"r","type":"vm"},"control":{"name":"C"}}"#,
            closes: #"{"issue":{"id":"w","status":"RESOLVED"}}"#, key: "w"),
    ]

    @Test(arguments: code + clouds + watchers)
    func `a source names what it opens and what it closes alike, and says as of when`(_ life: Life) throws {
        let source = try SigningSource(life.connector)
        let opening = source.shape.hear(try source.receive(text: life.opens, headers: life.headers))
        let signal = try #require(opening.meaning.signals.first, "\(opening.meaning)")
        #expect(signal.about?.key == life.key)
        #expect(opening.closes.isEmpty)
        let closing = source.shape.hear(try source.receive(text: life.closes, headers: life.headers))
        #expect(closing.meaning.signals.isEmpty)
        #expect(closing.closes.map(\.key) == [life.key], "\(closing.meaning)")
        // SNS says as of when in its own envelope, of the time at which the test signs.
        guard life.connector != "aws-sns" else { return }
        #expect(signal.about?.asOf == life.openedAsOf.flatMap(Instant.init(rfc3339:)))
        #expect(closing.closes.first?.asOf == life.closedAsOf.flatMap(Instant.init(rfc3339:)))
    }

    @Test func `what cannot be named is for a person, and what names nothing closes nothing`() throws {
        let source = try SigningSource("github")
        let headers = ["x-github-event": "secret_scanning_alert"]
        let torn = source.shape.hear(try source.receive(text: #"{"action":"resolved","alert":{}}"#, headers: headers))
        guard case .unknownShape(let reason) = torn.meaning else {
            Issue.record("must be of unknown shape")
            return
        }
        #expect(reason.hasPrefix("rule 3, closes: 'key' gave no value: "))
        #expect(torn.closes.isEmpty)
        let watcher = try SigningSource("alertmanager")
        let nameless = watcher.shape.hear(
            try watcher.receive(text: #"{"alerts":[{"status":"resolved","labels":{}}]}"#, headers: [:]))
        #expect(nameless.closes.isEmpty)
        #expect(nameless.meaning == .nothing("item 1: rule 1 says that it is over, and nothing names what"))
    }

    @Test func `a rule that gives a signal closes nothing, and one that ignores is about nothing`() throws {
        let text = """
            connector: own
            title: Own
            vendor: https://example.org
            source:
              authentication: { scheme: token, header: authorization }
              signals:
                - { when: "true", ignore: nothing, about: { key: a } }
                - { when: "true", kind: notice.given, closes: { key: a }, with: { event: a } }
                - { when: "true", ignore: nothing, closes: { as_of: a, kee: b } }
            """
        let mistakes = #expect(throws: Diagnostics.self) { try connector("own", text) }
        let told = (mistakes?.all ?? []).map(\.message)
        #expect(told.contains("a rule that ignores gives no signal"))
        #expect(told.contains("a rule that gives a signal closes nothing"))
        #expect(told.contains { $0.contains("key") })
    }
}
