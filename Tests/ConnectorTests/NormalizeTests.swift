// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What the shipped connector makes of the deliveries that its vendor documents.
@Suite struct NormalizeTests {
    private let shape: SourceShape

    init() throws { shape = try #require(try shippedConnector("github").source) }

    private func normalize(_ body: [UInt8], event: String? = "secret_scanning_alert") -> Normalization {
        shape.normalize(
            Alert(
                id: AlertID(stem: "01"), source: "github-main", deliveryID: "d", receivedAt: .start,
                headers: event.map { ["x-github-event": $0] } ?? [:], body: body, bodyDigest: digestText(body),
                originProof: .sharedSecret))
    }

    private func normalize(_ body: Value, event: String? = "secret_scanning_alert") -> Normalization {
        normalize(body.jsonBytes, event: event)
    }

    private func signal(_ body: Value) throws -> Signal { try #require(normalize(body).signals.first) }

    @Test func `a new alert becomes a signal with everything that the vendor says`() throws {
        let signals = normalize(.alert()).signals
        #expect(signals.count == 1)
        let signal = signals[0]
        #expect(signal.id == AlertID(stem: "01").signal(1))
        #expect(signal.alert == AlertID(stem: "01"))
        #expect(signal.source == "github-main")
        #expect(signal.kind == "secret.exposed")
        #expect(signal.receivedAt == .start)
        #expect(signal.occurredAt == Instant(rfc3339: "2026-03-01T10:20:30Z"))
        #expect(signal.severity == .high)
        #expect(signal.confidence == nil)
        #expect(
            signal.attributes == [
                "validity": "active", "exposure": "internal", "secret_type": "adafruit_io_key",
                "location": [
                    "kind": "repository", "repository": "octo-org/octo-repo",
                    "link": "https://github.com/octo-org/octo-repo/security/secret-scanning/42",
                ],
                "credential": [
                    "issuer": "github", "repository": "octo-org/octo-repo", "secret_type": "adafruit_io_key",
                    "alert": 42,
                ],
            ])
    }

    @Test func `every field that the signal's kind asks for is there`() throws {
        let signal = try signal(.alert())
        let kind = try #require(SignalKind.named(signal.kind))
        for (name, field) in kind.fields where !field.isOptional { #expect(signal.attributes[name] != nil, "\(name)") }
    }

    @Test func `a secret that lies in public is critical`() throws {
        let signal = try signal(.alert(["publicly_leaked": true]))
        #expect(signal.severity == .critical)
        #expect(signal.attributes["exposure"] == "public")
    }

    @Test(arguments: [Value.null, nil] as [Value?])
    func `a validity that the vendor doesn't say is unknown`(_ validity: Value?) throws {
        var alert = Value.alert().at("alert")?.objectValue ?? [:]
        alert["validity"] = validity
        alert["created_at"] = nil
        alert["html_url"] = nil
        let signal = try signal(["action": "created", "alert": .object(alert), "repository": ["full_name": "o/r"]])
        #expect(signal.attributes["validity"] == "unknown")
        #expect(signal.occurredAt == nil)
        #expect(signal.attributes.at("location", "link") == "")
    }

    @Test(arguments: ["created", "reopened", "publicly_leaked", "validated"])
    func `an alert that says the secret is open gives a signal`(_ action: String) {
        #expect(normalize(.alert(action: action)).signals.count == 1)
    }

    @Test(arguments: ["resolved", "revoked"])
    func `an alert that its source closed concerns nobody`(_ action: String) {
        #expect(normalize(.alert(action: action)) == .nothing("rule 3 says that it is over"))
    }

    @Test func `a handshake concerns nobody`() {
        #expect(normalize(["zen": "Keep it simple."], event: "ping") == .nothing("rule 1 says that it concerns nobody"))
    }

    @Test(arguments: ["deleted", "", "CREATED", "created "])
    func `an action that the connector doesn't know is kept for a person`(_ action: String) {
        #expect(normalize(.alert(action: action)) == .unknownShape("no rule of its connector matches"))
    }

    @Test(arguments: ["push", "secret_scanning_alert_location", "", nil] as [String?])
    func `an event that the connector doesn't know is kept for a person`(_ event: String?) {
        #expect(normalize(.alert(), event: event) == .unknownShape("no rule of its connector matches"))
    }

    @Test(arguments: ["", "{", "payload=%7B%7D", "\u{feff}{}", "[1,", "nul"])
    func `a body that is no JSON is kept for a person`(_ body: String) {
        guard case .unknownShape(let reason) = normalize(Array(body.utf8)) else {
            Issue.record("must be of unknown shape")
            return
        }
        #expect(reason.hasPrefix("the body is no JSON: "))
    }

    @Test(arguments: [[], 7, nil, "created", ["action": ["created"]], ["action": 1]] as [Value])
    func `JSON of another shape is kept for a person`(_ body: Value) {
        #expect(normalize(body) == .unknownShape("no rule of its connector matches"))
    }

    @Test(arguments: ["repository", "alert"])
    func `an alert without a part that it must have is kept for a person, with the part's name`(_ part: String) {
        var body = Value.alert().objectValue ?? [:]
        body[part] = nil
        guard case .unknownShape(let reason) = normalize(.object(body)) else {
            Issue.record("must be of unknown shape")
            return
        }
        #expect(reason.hasPrefix("rule 2: "))
        #expect(reason.contains(part))
    }

    @Test func `whatever stands in a body stays a value`() throws {
        let hostile = "${secret.token}$${x}\"}]} {{env}} %(x)s"
        let signal = try signal(.alert(["secret_type": .string(hostile)]))
        #expect(signal.attributes["secret_type"] == .string(hostile))
        #expect(signal.attributes.at("credential", "secret_type") == .string(hostile))
    }

    @Test func `the vendor's own payloads come out as their events say`() throws {
        let events = [
            ("secret_scanning_alert.reopened.json", "secret_scanning_alert"), ("ping.json", "ping"),
            ("ping.with-organization.json", "ping"), ("dependabot_alert.created.json", "dependabot_alert"),
            ("deploy_key.created.json", "deploy_key"), ("member.added.json", "member"),
            ("installation.suspend.json", "installation"),
            ("code_scanning_alert.reopened.with-organization.json", "code_scanning_alert"),
        ]
        for (file, event) in events {
            guard let body = try sharedAlerts("github/\(file)") else { continue }
            let found = normalize(body, event: event)
            guard event == "secret_scanning_alert" else {
                #expect(found.signals.isEmpty == (event == "ping"), "\(file)")
                continue
            }
            #expect(
                found.signals.map { $0.attributes["credential"] } == [
                    [
                        "issuer": "github", "repository": "Codertocat/Hello-World",
                        "secret_type": "adafruit_io_key", "alert": 191,
                    ]
                ])
        }
    }
}

extension Value {
    /// Of the documented shape: https://docs.github.com/en/webhooks/webhook-events-and-payloads#secret_scanning_alert
    fileprivate static func alert(_ changes: [String: Value] = [:], action: String = "created") -> Value {
        let alert: [String: Value] = [
            "number": 42, "created_at": "2026-03-01T10:20:30Z", "updated_at": nil,
            "html_url": "https://github.com/octo-org/octo-repo/security/secret-scanning/42", "state": "open",
            "secret_type": "adafruit_io_key", "secret_type_display_name": "Adafruit IO Key", "validity": "active",
            "publicly_leaked": false, "multi_repo": false, "resolution": nil, "resolved_by": nil, "resolved_at": nil,
        ]
        return [
            "action": .string(action), "alert": .object(alert.merging(changes) { _, new in new }),
            "repository": ["id": 1, "name": "octo-repo", "full_name": "octo-org/octo-repo", "private": true],
            "sender": ["login": "github", "type": "Organization"],
        ]
    }
}
