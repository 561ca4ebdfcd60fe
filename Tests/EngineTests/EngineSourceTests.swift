// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Crypto
import CryptoExtras
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// What the engine makes of deliveries besides reading them: repeats of events, ids given twice, senders that are too
/// fast, subscriptions that ask to be confirmed.
@Suite struct EngineSourceTests {
    /// Answers every request alike, and keeps what was asked.
    private final class Answering: Transport {
        private let sent = Mutex<[String]>([])
        private let status: Mutex<Int>

        init(_ status: Int = 200) { self.status = Mutex(status) }

        func answer(_ status: Int) { self.status.withLock { $0 = status } }

        var urls: [String] { sent.withLock { $0 } }

        func send(_ request: OutboundRequest) async -> Delivery {
            sent.withLock { $0.append(request.url) }
            return Delivery(
                fate: .answered(OutboundResponse(status: status.withLock { $0 }, headers: [:], body: [])),
                durationMilliseconds: 1)
        }

        func close() async {}
    }

    private let store = MemoryStore()
    private let clock = VirtualClock(Installation.start)
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func engine(
        _ connector: String, _ transport: any Transport = Answering(), secret: String = "a:b",
        settings: [String: String] = [:], perSecond: Int? = nil
    ) throws -> Engine {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: "workflows/connectors/\(connector).yaml")))
        let loaded = try Connector.load(bytes, file: "\(connector).yaml", digest: digestText(bytes)).get()
        return Engine(
            Engine.Parts(
                store: store, clock: clock,
                connections: Connections(
                    sources: [
                        Connections.Source(
                            id: "s", connector: connector, secrets: [.environment("S")], settings: settings,
                            perSecondMax: perSecond)
                    ], providers: []),
                connectors: [connector: loaded],
                secrets: SecretReader(folder: "/nowhere", environment: { _ in secret }),
                sealKey: Secret(Array("the installation's own key".utf8)), transport: transport,
                evidence: EvidenceKeeper(blobs: try Blobs(at: folder.path("evidence"), disk: .real)),
                library: Library(
                    playbooks: [], workflows: [], inventory: Inventory(identities: [], digest: "sha256:none"),
                    sources: []),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func stored(_ receipt: Receipt) throws -> AlertID {
        guard case .stored(let id) = receipt else { throw CocoaError(.coderInvalidValue) }
        return id
    }

    private func alert(_ id: AlertID) async throws -> Alert {
        var query = AlertQuery()
        query.id = id
        return try #require(try await store.alerts(query).first)
    }

    private func read(_ engine: Engine, _ receipt: Receipt) async throws -> [Entry] {
        let id = try stored(receipt)
        await engine.read(try await alert(id))
        return try await store.history(id.text, from: 1, limit: 100).map(\.entry)
    }

    // MARK: Events

    private func group(_ fingerprints: String..., blanks: Int = 0) -> InboundDelivery {
        let alerts = fingerprints.map { print -> Value in
            [
                "status": "firing", "fingerprint": .string(print), "startsAt": "2023-11-14T22:00:00Z",
                "labels": ["alertname": "Hot", "host": .string("host-" + print)],
            ]
        }
        let body: Value = ["alerts": .array(alerts)]
        return InboundDelivery(
            headers: ["authorization": "Basic " + Data("a:b".utf8).base64EncodedString()],
            body: body.jsonBytes + [UInt8](repeating: UInt8(ascii: " "), count: blanks))
    }

    @Test func `an event that comes again in another delivery gives no second signal, and the history says so`()
        async throws
    {
        let engine = try engine("alertmanager")
        let first = try await read(engine, engine.receive(source: "s", group("a", "b")))
        #expect(first.map(\.kind).filter { $0 == "signalNormalized" }.count == 2)
        let second = try await read(engine, engine.receive(source: "s", group("a", "c", "c")))
        #expect(second.map(\.kind) == ["alertReceived", "signalNormalized", "decisionMade", "alertRead"])
        let line = try JSON.parse(try #require(second.last).bytes)
        let text = line.json
        #expect(text.contains("\"event_key\":\"a@2023-11-14T22:00:00Z/firing\""))
        #expect(text.contains("\"event_key\":\"c@2023-11-14T22:00:00Z/firing\""))
        let third = try await read(engine, engine.receive(source: "s", group("a", blanks: 1)))
        #expect(third.map(\.kind) == ["alertReceived", "alertRead"])
        let known = try await store.signals(
            telling: ["a", "b", "c"].map { EventKey(source: "s", name: "\($0)@2023-11-14T22:00:00Z/firing") })
        #expect(known.count == 3)
    }

    @Test func `deliveries of one event that are read side by side give one signal`() async throws {
        let engine = try engine("alertmanager")
        var alerts: [Alert] = []
        for blanks in 0..<8 {
            alerts.append(try await alert(try stored(await engine.receive(source: "s", group("a", blanks: blanks)))))
        }
        await withTaskGroup(of: Void.self) { group in
            for alert in alerts { group.addTask { await engine.read(alert) } }
        }
        var signals = 0
        for alert in alerts {
            signals += try await store.signals(of: alert.id).count
            #expect(try await self.alert(alert.id).state == .read)
        }
        #expect(signals == 1)
    }

    @Test func `what a list holds of unknown shape leaves the alert for a person, with the signals of the rest`()
        async throws
    {
        let engine = try engine("alertmanager")
        var delivery = group("a")
        delivery.body = Array(
            #"{"alerts":[{"what":1},{"status":"firing","fingerprint":"a","startsAt":"x","labels":{"alertname":"Hot"}}]}"#
                .utf8)
        let id = try stored(await engine.receive(source: "s", delivery))
        await engine.read(try await alert(id))
        #expect(try await alert(id).state == .quarantined)
        #expect(try await store.signals(of: id).count == 1)
        #expect(try await store.history(id.text, from: 1, limit: 9).last?.entry.kind == "alertQuarantined")
    }

    // MARK: Deliveries

    private func signed(_ body: String, _ id: String) -> InboundDelivery {
        let code = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: SymmetricKey(data: Array("a:b".utf8)))
        return InboundDelivery(
            headers: ["x-pagerduty-signature": "v1=" + hexText(Array(code)), "x-webhook-id": id], body: Array(body.utf8)
        )
    }

    @Test func `another body under an id that is known is stored, counted, and told from its own repeats`() async throws
    {
        let engine = try engine("pagerduty")
        let first = try stored(await engine.receive(source: "s", signed(#"{"a":1}"#, "d")))
        let other = try stored(await engine.receive(source: "s", signed(#"{"a":2}"#, "d")))
        #expect(other != first)
        #expect(try await alert(other).deliveryID == "d#" + alert(other).mark)
        #expect(await engine.receive(source: "s", signed(#"{"a":1}"#, "d")) == .duplicate(of: first))
        #expect(await engine.receive(source: "s", signed(#"{"a":2}"#, "d")) == .duplicate(of: other))
        #expect(engine.counts.alertsUnderKnownID == 1)
        #expect(engine.counts.alertsRepeated == 2)
        #expect(engine.counts.alertsStored == 2)
    }

    @Test func `other bytes under a name that is signed are a repeat, and counted`() async throws {
        let secret = "whsec_" + Data("32 bytes that a runtime signs by".utf8).base64EncodedString()
        let engine = try engine("native", secret: secret)
        func delivery(_ body: String) throws -> InboundDelivery {
            let scheme = SourceShape.Authentication.standardWebhooks(toleranceMilliseconds: 300_000)
            let headers = try #require(
                scheme.headers(Array(body.utf8), delivery: "d", with: Secret(Array(secret.utf8)), at: clock.now))
            return InboundDelivery(
                headers: Dictionary(headers.map { ($0.name, $0.value) }) { $1 }, body: Array(body.utf8))
        }
        let first = try stored(await engine.receive(source: "s", try delivery("{}")))
        #expect(await engine.receive(source: "s", try delivery("[]")) == .duplicate(of: first))
        #expect(await engine.receive(source: "s", try delivery("{}")) == .duplicate(of: first))
        #expect(engine.counts.alertsUnderKnownID == 1)
        #expect(try await store.alerts(AlertQuery()).count == 1)
    }

    @Test func `a sender that sends again is put off when it is too fast, and taken again in time`() async throws {
        let engine = try engine("pagerduty", perSecond: 1)
        for number in 1...5 { _ = try stored(await engine.receive(source: "s", signed("{}", "d-\(number)"))) }
        #expect(await engine.receive(source: "s", signed("{}", "d-6")) == .tooMany(retryAfterSeconds: 1))
        // What is not its own costs the source nothing.
        var forged = signed("{}", "d-6")
        forged.headers["x-pagerduty-signature"] = "v1=00"
        #expect(await engine.receive(source: "s", forged) == .rejected(.signatureWrong))
        clock.advance(milliseconds: 999)
        #expect(await engine.receive(source: "s", signed("{}", "d-6")) == .tooMany(retryAfterSeconds: 1))
        clock.advance(milliseconds: 1)
        _ = try stored(await engine.receive(source: "s", signed("{}", "d-6")))
        #expect(engine.counts.alertsPutOff == 2)
    }

    @Test func `a bucket fills no further than its brim, and a clock that is set back fills nothing`() {
        let pace = SourcePace()
        let start = Installation.start
        func count(_ at: Instant) -> Int { (1...20).count { _ in pace.admits("s", rate: 2, burst: 4, at: at) } }
        #expect(count(start) == 4)
        #expect(count(start.adding(milliseconds: 1000)) == 2)
        #expect(count(start.adding(milliseconds: -5000)) == 0)
        #expect(count(start.adding(milliseconds: 86_400_000)) == 4)
        #expect(pace.admits("another", rate: 2, burst: 4, at: start))
    }

    // MARK: Subscriptions

    private static let topic = "arn:aws:sns:eu-west-1:111122223333:findings"

    private func subscription(_ key: _RSA.Signing.PrivateKey, topic: String = topic) throws -> InboundDelivery {
        var fields = [
            "Message": "confirm", "MessageId": "m-1", "SubscribeURL": "https://evil.example/", "Timestamp": "t",
            "Token": "t0k", "TopicArn": topic, "Type": "SubscriptionConfirmation",
        ]
        let text = fields.sorted { $0.key < $1.key }.map { "\($0.key)\n\($0.value)\n" }.joined()
        let code = try key.signature(for: SHA256.hash(data: Data(text.utf8)), padding: .insecurePKCS1v1_5)
        fields["SignatureVersion"] = "2"
        fields["Signature"] = code.rawRepresentation.base64EncodedString()
        fields["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/c.pem"
        return InboundDelivery(headers: [:], body: Value.object(fields.mapValues(Value.string)).jsonBytes)
    }

    @Test func `a subscription of the configured topic is stored and confirmed at Amazon, whatever it asks for`()
        async throws
    {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let transport = Answering()
        let engine = try engine(
            "guardduty", transport, secret: key.publicKey.pemRepresentation, settings: ["topic": Self.topic])
        let entries = try await read(engine, engine.receive(source: "s", try subscription(key)))
        #expect(entries.map(\.kind) == ["alertReceived", "alertRead"])
        let url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3A"
        #expect(transport.urls == [url + "eu-west-1%3A111122223333%3Afindings&Token=t0k"])
        let foreign = try subscription(key, topic: Self.topic + "-2")
        #expect(await engine.receive(source: "s", foreign) == .rejected(.signatureWrong))
        #expect(transport.urls.count == 1)
    }

    @Test func `a subscription that can't be confirmed is taken at once, stays unread and is confirmed later`()
        async throws
    {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let transport = Answering(500)
        let engine = try engine(
            "guardduty", transport, secret: key.publicKey.pemRepresentation, settings: ["topic": Self.topic])
        let id = try stored(await engine.receive(source: "s", try subscription(key)))
        #expect(transport.urls.isEmpty, "its sender waits for nobody")
        await engine.read(try await alert(id))
        #expect(transport.urls.count == 1)
        #expect(try await alert(id).state == .received, "the sweep comes back to it")
        transport.answer(200)
        await engine.read(try await alert(id))
        #expect(transport.urls.count == 2)
        #expect(try await alert(id).state != .received)
    }

    @Test func `a subscription that is confirmed never is read in the end without it`() async throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let transport = Answering(403)
        let engine = try engine(
            "guardduty", transport, secret: key.publicKey.pemRepresentation, settings: ["topic": Self.topic])
        let id = try stored(await engine.receive(source: "s", try subscription(key)))
        clock.advance(milliseconds: Limits.confirmationMillisecondsMax)
        await engine.read(try await alert(id))
        #expect(transport.urls.isEmpty)
        #expect(try await alert(id).state != .received)
    }

    // MARK: What is refused

    @Test func `what is refused is counted by its source and told in one line an hour, however much it is`()
        async throws
    {
        let engine = try engine("pagerduty")
        var forged = signed("{}", "d")
        forged.headers["x-pagerduty-signature"] = "v1=00"
        func lines() async throws -> [Value] {
            try await store.history("source:s", from: 1, limit: 100).compactMap {
                try JSON.parse($0.entry.bytes)["body"]
            }
        }
        for _ in 1...500 { _ = await engine.receive(source: "s", forged) }
        for number in 1...500 { _ = await engine.receive(source: "nobody-\(number)", forged) }
        forged.headers["x-pagerduty-signature"] = nil
        clock.advance(milliseconds: 1000)
        _ = await engine.receive(source: "s", forged)
        try await engine.tellRejections()
        #expect(try await lines().isEmpty)
        clock.advance(milliseconds: Limits.rejectionWindowMilliseconds)
        try await engine.tellRejections()
        try await engine.tellRejections()
        let start = Installation.start
        #expect(
            try await lines() == [
                [
                    "from": .string(start.description), "to": .string(start.adding(milliseconds: 1000).description),
                    "count": 501, "reasons": ["signature_wrong": 500, "signature_missing": 1],
                ]
            ])
        let metrics = engine.counts.prometheus
        #expect(metrics.contains(#"cordon_alerts_rejected_total{reason="signature_wrong",source="s"} 500"#))
        #expect(metrics.contains(#"cordon_alerts_rejected_total{reason="source_unknown",source=""} 500"#))
        #expect(!metrics.contains("nobody"))
        #expect(try await store.vitals().entries == 1)
        _ = await engine.receive(source: "s", forged)
        try await engine.tellRejections(all: true)
        #expect(try await lines().map { $0["count"] } == [501, 1])
        #expect(
            try await engine.sourceStandings().first?["rejected"] == ["signature_wrong": 500, "signature_missing": 2])
    }
}
