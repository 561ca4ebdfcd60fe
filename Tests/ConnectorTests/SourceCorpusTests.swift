// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// Every real alert through the connector of its source, beside what an independent program made of it. That program is
/// an anchor and no law: where the two differ the difference stands here with its reason.
@Suite struct SourceCorpusTests {
    /// Which connector reads the files of a folder.
    private static let connectors = [
        "alertmanager": "alertmanager", "anthropic": "anthropic", "auth0": "auth0", "aws": "aws-sns",
        "aws-asff": "security-hub", "aws-guardduty": "guardduty", "caep": "ssf", "cloudevents": "cloudevents",
        "falco": "falco", "gcp-scc": "google-scc", "github": "github", "github-audit": "github-audit",
        "microsoft": "entra-logs", "microsoft-graph": "microsoft-graph", "okta-systemlog": "okta", "openai": "openai",
        "pagerduty": "pagerduty", "risc": "ssf", "sentry": "sentry", "splunk": "splunk", "ssf": "ssf",
        "standard-webhooks": "standard-webhooks", "thinkstcanary": "thinkst-canary", "tracebit": "tracebit",
        "wiz": "wiz",
    ]
    /// Files that another connector than their folder's reads.
    private static let exceptions = [
        "microsoft-graph/alerts_v2-get.json": "defender", "microsoft/defender-detection-passthrough.json": "defender",
        "microsoft/microsoft-graph-passthrough.json": "defender",
    ]
    /// Folders of what is no alert.
    private static let otherFolders: Set<String> = ["signatures"]

    private static func connector(_ file: String) throws -> String {
        let folder = String(file.split(separator: "/")[0])
        return try #require(exceptions[file] ?? connectors[folder], "no connector reads \(file)")
    }

    /// What the source says in headers, as the file's name tells it.
    private static func headers(_ file: String, _ connector: String) -> [String: String] {
        let name = String(file.split(separator: "/")[1])
        switch connector {
        case "github": return ["x-github-event": String(name.prefix { $0 != "." })]
        case "sentry":
            let resources = ["event-alert": "event_alert", "metric-alert": "metric_alert", "issue": "issue"]
            let found = resources.first { name.hasPrefix($0.key) }?.value ?? "installation"
            return ["sentry-hook-resource": found]
        default: return [:]
        }
    }

    /// The files of the corpus, or `nil` where it is not beside the repository.
    private static func files() throws -> [String]? {
        guard let list = try sharedAlerts("SOURCES.md") else { return nil }
        var folder = URL(filePath: #filePath)
        while !FileManager.default.fileExists(atPath: folder.appending(path: "shared/data/alerts/SOURCES.md").path) {
            folder.deleteLastPathComponent()
        }
        #expect(!list.isEmpty)
        let root = folder.appending(path: "shared/data/alerts").path
        return try FileManager.default.subpathsOfDirectory(atPath: root)
            .filter { $0.hasSuffix(".json") && !otherFolders.contains(String($0.split(separator: "/")[0])) }.sorted()
    }

    private static func body(_ file: String) throws -> Value {
        try JSON.parse(try #require(try sharedAlerts(file)))
    }

    /// The alert of a file, as its source would send it.
    private static func alert(_ file: String) throws -> (alert: Alert, shape: SourceShape) {
        let name = try connector(file)
        let source = try SigningSource(name)
        let alert = try source.receive(try body(file), headers: headers(file, name))
        return (alert, source.shape)
    }

    @Test func `every alert is taken, and gives signals or is known to concern nobody`() throws {
        guard let files = try Self.files() else { return }
        #expect(files.count >= 100)
        for file in files {
            if Self.isStreamManagement(file) {
                let rejection = #expect(throws: Rejection.self, "\(file)") { try Self.alert(file) }
                #expect(rejection?.eventDescription != nil)
                continue
            }
            do {
                let (alert, shape) = try Self.alert(file)
                switch shape.normalize(alert) {
                case .signals(let signals): #expect(!signals.isEmpty, "\(file)")
                case .nothing: #expect(Self.silent.contains(file), "\(file) gave nothing")
                case .partly(_, let reason), .unknownShape(let reason):
                    Issue.record("\(file): \(reason)")
                }
            } catch { Issue.record("\(file): \(error)") }
        }
    }

    /// What a receiver and a transmitter say to each other about a stream: never delivered, and refused as no event.
    private static func isStreamManagement(_ file: String) -> Bool { file.contains("-http-") }

    /// Handshakes, and what its source itself ended.
    private static let silent: Set<String> = [
        "github/ping.json", "github/ping.with-organization.json", "sentry/installation-created.json",
        "sentry/metric-alert-resolved.json",
        "ssf/01-verification.json", "ssf/08-verification.json",
    ]

    @Test func `what is cut of a real alert before it is stored changes no signal`() throws {
        let fingerprints = Fingerprints(Secret("0123456789abcdef0123456789abcdef"))
        var cut = 0
        for file in try Self.files() ?? [] where !Self.isStreamManagement(file) {
            let (alert, shape) = try Self.alert(file)
            let sealed = alert.sealed(as: shape, fingerprints, salt: [UInt8](repeating: 1, count: 32))
            cut += sealed.cuts.isEmpty ? 0 : 1
            #expect(shape.normalize(sealed) == shape.normalize(alert), "\(file)")
        }
        if try Self.files() != nil { #expect(cut >= 8) }
    }

    // MARK: Beside the other program

    @Test func `signals are those of the other program, but for the differences that are explained`() throws {
        guard let lines = try sharedAlerts("expected-signals.jsonl") else { return }
        let expected = try lines.split(separator: UInt8(ascii: "\n")).map { try JSON.parse($0) }
        let files = Dictionary(grouping: expected) { $0["file"]?.stringValue ?? "" }
        var found: Set<String> = []
        for (file, lines) in files.sorted(by: { $0.key < $1.key }) {
            let (alert, shape) = try Self.alert(file)
            found.formUnion(Self.differences(file, lines, shape.normalize(alert).signals, alert))
        }
        for file in try Self.files() ?? [] where files[file] == nil && !Self.isStreamManagement(file) {
            let (alert, shape) = try Self.alert(file)
            if !shape.normalize(alert).signals.isEmpty { found.insert("\(file) more") }
        }
        let explained = Set(SourceCorpusDifferences.reasons.keys)
        for name in found.subtracting(explained).sorted() { Issue.record("not explained: \(name)") }
        for name in explained.subtracting(found).sorted() { Issue.record("no difference any more: \(name)") }
    }

    /// The fields that differ, each as `file field`.
    private static func differences(
        _ file: String, _ lines: [Value], _ signals: [Signal], _ alert: Alert
    ) -> Set<String> {
        guard lines.count == signals.count else { return ["\(file) count"] }
        var out: Set<String> = []
        for (line, signal) in zip(lines, signals) {
            for (field, isSame) in comparison(line, signal, alert) where !isSame {
                if SourceCorpusDifferences.reasons["\(file) \(field)"] == nil {
                    print("difference: \(file) \(field): \(line[field]?.json ?? "-") is \(signal.value.json)")
                }
                out.insert("\(file) \(field)")
            }
        }
        return out
    }

    private static func comparison(_ line: Value, _ signal: Signal, _ alert: Alert) -> [(field: String, isSame: Bool)] {
        let attributes = signal.attributes
        let resources = (line["resources"]?.arrayValue ?? []).filter { $0 != .null }
        return [
            ("kind", attributes["event"] == line["kind"]),
            ("occurred_at", signal.occurredAt.map { .string($0.description) } ?? .null == line["occurred_at"]),
            ("severity", severities[line["severity"]?.stringValue ?? ""].map { $0 == signal.severity } ?? true),
            ("identity", text(attributes.at("identity", "id")) == text(line.at("identity", "id"))),
            ("session", text(attributes.at("session", "id")) == text(line["session"])),
            ("resources", attributes["resources"]?.arrayValue ?? [] == resources),
            ("dedupe_key", isKey(line["dedupe_key"]?.stringValue ?? "", signal, alert)),
        ]
    }

    private static func text(_ value: Value?) -> String? {
        switch value {
        case .string(let text)?: text
        case .int(let number)?: "\(number)"
        default: nil
        }
    }

    /// The sources' words; `resolved` and `triggered` are none of severity.
    private static let severities: [String: Signal.Severity] = [
        "debug": .low, "info": .low, "note": .low, "low": .low, "medium": .medium, "high": .high, "warn": .high,
        "critical": .critical,
    ]

    private static func isKey(_ expected: String, _ signal: Signal, _ alert: Alert) -> Bool {
        switch true {
        case expected == "sha256-of-raw-body": signal.eventKey == nil && alert.deliveryID == alert.bodyDigest
        case expected.hasPrefix("header:"): signal.eventKey == nil && alert.deliveryID == "d-1"
        default: signal.eventKey == expected
        }
    }
}
