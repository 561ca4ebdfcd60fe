// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Crypto
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// Keys that an issuer publishes: fetched when they are needed, kept, and looked up again when a token doesn't fit them.
@Suite struct EngineKeyTests {
    /// An issuer whose keys and answers a test changes.
    private final class Issuer: Transport {
        private let state = Mutex((answer: (status: 200, body: [UInt8]()), asked: [String]()))
        private let takesLong = Atomic(false)
        /// Requests that somebody waits for are held by it, while there is one.
        private let gate = Mutex<(held: Gate, arrived: Gate)?>(nil)

        var asked: [String] { state.withLock { $0.asked } }
        func publish(_ keys: P256.Signing.PrivateKey...) {
            let set: Value = ["keys": .array(keys.map(key))]
            answer(200, set.jsonBytes)
        }

        func answer(_ status: Int, _ body: [UInt8]) { state.withLock { $0.answer = (status, body) } }

        /// From now on it answers nobody who waits less than a while.
        func takeLong() { takesLong.store(true, ordering: .relaxed) }
        func hold(_ held: Gate, arrived: Gate) { gate.withLock { $0 = (held, arrived) } }

        private func key(_ key: P256.Signing.PrivateKey) -> Value {
            let point = key.publicKey.rawRepresentation
            return [
                "kty": "EC", "crv": "P-256", "kid": .string(keyName(key)), "use": "sig",
                "x": .string(base64URL(point.prefix(32))), "y": .string(base64URL(point.suffix(32))),
            ]
        }

        func send(_ request: OutboundRequest) async -> Delivery {
            let answer = state.withLock { state in
                state.asked.append(request.url)
                return state.answer
            }
            if let gate = gate.withLock({ $0 }) {
                gate.arrived.open()
                await gate.held.passed()
            }
            if takesLong.load(ordering: .relaxed), request.timeoutMilliseconds <= Limits.keySetPatienceMilliseconds {
                let fault = Fault(kind: .timedOut, number: 28, reason: "it took too long")
                return Delivery(fate: .mayHaveBeenSent(fault), durationMilliseconds: request.timeoutMilliseconds)
            }
            return Delivery(
                fate: .answered(OutboundResponse(status: answer.status, headers: [:], body: answer.body)),
                durationMilliseconds: 1)
        }

        func close() async {}
    }

    // MARK: Certificates that messages name

    private static let certificate = [
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-fedcba9876543210.pem",
    ]

    /// Of nobody: made for this test with openssl, and its key thrown away.
    private static let certificatePEM = """
        -----BEGIN CERTIFICATE-----
        MIIDGzCCAgOgAwIBAgIUYz/373pog+FuJwxXhqr4cKs3GXwwDQYJKoZIhvcNAQEL
        BQAwHDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wIBcNMjYxMTI4MTYzOTQx
        WhgPMjEyNjExMDQxNjM5NDFaMBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29t
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAphSkZT3n5eVsImJRtees
        8oCrmLWSTt6uaO3HhMFkETQE3+frlZ05ukggjgm2fPrJXEs0mGQygWxJ0PbJh8Xk
        TAVQSq52crxYfqfKW7j9XSyM/3HC32kQdwJqhyBtRP/IK0jLpn8sHyWxsljKZ3iU
        dRJnz2eVNznks/BW14RuJGLlpmqrH90SaJVVLTr1gY0amA16lfcTYGw/8ZXAzJsb
        fjOJc+IZo5Qi4HajrzoSS42yKxZshQr9yEId+cEjfkTaT/x1qryG0oqiYAGvWYAK
        9eSY/wSmKMFw5XaWQ/Zq3svpfrQJ/ThJSepvRc/nQjSs5xes23YcILcHdTBuOqcG
        dwIDAQABo1MwUTAdBgNVHQ4EFgQUKssYQlO3pshky2MybSab1hx9bT0wHwYDVR0j
        BBgwFoAUKssYQlO3pshky2MybSab1hx9bT0wDwYDVR0TAQH/BAUwAwEB/zANBgkq
        hkiG9w0BAQsFAAOCAQEAUwKhtVz7C1GvFpT35IVBAZ/J3TKyOujybaIj9/K+rbDM
        uXb4TTfF++uJgKCPINdEGKnlbNADZYsWmBUQ21l7cNU8G7RozAHnlAv5r9dIsmnN
        sGzXyjdo624f6dsgLjwq4yZd3vDnUh0V7Ya2h/Hl3r1hiNfv4I0JqLq8QmCIKhhP
        kHXZTQlcSTBH5g9RrTjQSRN+Ji3j1kO0ffwyQleQ3p8761aLdVttMhgFbaHIJ8KB
        Xx53v7Hx18R37Kf4rKGSiu9Q0yDkvCv8pPqOFdejAc4pyrhdqncTN9Oy5t7s9fW/
        MWM8/MyWk/gQ3HWQFF6vFKIFWLT1XevI+YN8ZOC0/A==
        -----END CERTIFICATE-----
        """

    @Test func `a certificate is fetched once from Amazon's host, and another no sooner than after a while`()
        async throws
    {
        let desk = KeyDesk(issuer) { _ in }
        let pem = Array(Self.certificatePEM.utf8)
        issuer.answer(200, pem)
        func fetch(_ url: String) async -> Bool {
            await desk.certificate(url, of: "hub", at: clock.now)?.reveal() == pem
        }
        #expect(await fetch(Self.certificate[0]))
        #expect(await fetch(Self.certificate[0]))
        #expect(issuer.asked == [Self.certificate[0]])
        // Whoever names one after another causes no more than a request now and then.
        #expect(await !fetch(Self.certificate[1]))
        #expect(issuer.asked.count == 1)
        clock.advance(milliseconds: Limits.keySetRetryMilliseconds)
        #expect(await fetch(Self.certificate[1]))
        clock.advance(milliseconds: Limits.keySetRetryMilliseconds)
        issuer.answer(200, Array("no certificate".utf8))
        #expect(await !fetch(Self.certificate[0].replacingOccurrences(of: "0123", with: "9999")))
    }

    @Test func `only the name that Amazon gives its certificates is fetched, for the topic that is configured`() {
        let topic = "arn:aws:sns:eu-west-1:111122223333:findings"
        func url(_ named: String, topic own: String = topic) -> String? {
            let body: Value = [
                "Type": "Notification", "Message": "m", "MessageId": "i", "Timestamp": "t", "TopicArn": .string(topic),
                "SigningCertURL": .string(named),
            ]
            return TopicMessage.certificateURL(body.jsonBytes, topic: own)
        }
        #expect(url(Self.certificate[0]) == Self.certificate[0])
        #expect(url(Self.certificate[0], topic: topic + "2") == nil)
        for other in [
            "https://sns.eu-west-1.amazonaws.com/a.pem", "https://sns.eu-west-1.amazonaws.com/x/../y.pem",
            "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
            "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=y",
        ] {
            #expect(url(other) == nil, "\(other)")
        }
    }

    private let store = MemoryStore()
    private let clock = VirtualClock(Installation.start)
    private let folder: ScratchFolder
    private let issuer = Issuer()
    private let old = P256.Signing.PrivateKey()
    private let new = P256.Signing.PrivateKey()

    init() throws { folder = try ScratchFolder() }

    private func engine() throws -> Engine {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: "workflows/connectors/ssf.yaml")))
        let connector = try Connector.load(bytes, file: "ssf.yaml", digest: digestText(bytes)).get()
        let source = Connections.Source(
            id: "s", connector: "ssf", secrets: [], settings: ["issuer": "i", "audience": "a"],
            keys: Connections.PublishedKeys(url: "https://i.example/keys"))
        return Engine(
            Engine.Parts(
                store: store, clock: clock, connections: Connections(sources: [source], providers: []),
                connectors: ["ssf": connector], secrets: SecretReader(folder: "/nowhere"),
                sealKey: Secret(Array("the installation's own key".utf8)), transport: issuer,
                evidence: EvidenceKeeper(blobs: try Blobs(at: folder.path("evidence"), disk: .real)),
                library: Library(
                    playbooks: [], workflows: [], inventory: Inventory(identities: [], digest: "sha256:none"),
                    sources: []),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func token(_ name: String, by key: P256.Signing.PrivateKey) throws -> InboundDelivery {
        let header: Value = ["alg": "ES256", "kid": .string(keyName(key)), "typ": "secevent+jwt"]
        let claims: Value = ["iss": "i", "aud": "a", "jti": .string(name), "iat": 1, "events": ["x/y/z/a/b": [:]]]
        let signed = base64URL(Data(header.jsonBytes)) + "." + base64URL(Data(claims.jsonBytes))
        let code = base64URL(try key.signature(for: Data(signed.utf8)).rawRepresentation)
        return InboundDelivery(headers: [:], body: Array((signed + "." + code).utf8))
    }

    private func isStored(_ receipt: Receipt) -> Bool { if case .stored = receipt { true } else { false } }

    @Test func `keys are fetched once, used for their time, and looked up again for a key that is new`() async throws {
        let engine = try engine()
        issuer.publish(old)
        for name in ["1", "2", "3"] { #expect(isStored(await engine.receive(source: "s", try token(name, by: old)))) }
        #expect(issuer.asked == ["https://i.example/keys"])
        // A token of a key that nobody knows: asked for again only after a while.
        #expect(await engine.receive(source: "s", try token("4", by: new)) == .rejected(.eventKeyUnknown))
        #expect(issuer.asked.count == 1)
        clock.advance(milliseconds: Limits.keySetMillisecondsMin)
        issuer.publish(old, new)
        #expect(isStored(await engine.receive(source: "s", try token("4", by: new))))
        #expect(issuer.asked.count == 2)
        for _ in 1...5 {
            let stranger = try token("5", by: P256.Signing.PrivateKey())
            #expect(await engine.receive(source: "s", stranger) == .rejected(.eventKeyUnknown))
        }
        #expect(issuer.asked.count == 2, "strangers cause no requests")
        // A key that was withdrawn is forgotten in time.
        issuer.publish(new)
        clock.advance(milliseconds: Limits.keySetMillisecondsMax)
        #expect(await engine.receive(source: "s", try token("6", by: old)) == .rejected(.eventKeyUnknown))
        #expect(issuer.asked.count == 3)
    }

    @Test func `the key that signed is told once, before what it signed, and an auditor looks at it again`()
        async throws
    {
        let engine = try engine()
        issuer.publish(old, new)
        for name in ["1", "2"] { #expect(isStored(await engine.receive(source: "s", try token(name, by: old)))) }
        #expect(isStored(await engine.receive(source: "s", try token("3", by: new))))
        // Another process reads what was told before.
        let second = try self.engine()
        #expect(isStored(await second.receive(source: "s", try token("4", by: new))))
        let lines = try await store.log(from: 0, limit: 100).map(\.entry)
        #expect(
            lines.map(\.kind) == [
                "originKeyUsed", "alertReceived", "alertReceived", "originKeyUsed", "alertReceived", "alertReceived",
            ])
        let told = try lines.map { try JSON.parse($0.bytes)["body"] ?? .null }
        #expect(told[0]["text"]?.stringValue.flatMap { try? JSON.parse($0) }?["kid"] == .string(keyName(old)))
        #expect(told[1]["key"] == told[0]["key"] && told[2]["key"] == told[0]["key"])
        #expect(told[4]["key"] == told[3]["key"] && told[3]["key"] != told[0]["key"])

        var history = HistoryAudit(.whole)
        for line in lines { history.take(line.bytes, place: line.stream) }
        let named = try #require(history.bodies[lines[1].stream])
        func findings(_ body: [UInt8]?, _ history: HistoryAudit, isWhole: Bool = true) -> [AuditFinding.Code] {
            var report = AuditReport(subject: "test")
            report.checkOrigin(body, of: "alr", named, history, isWhole: isWhole)
            return report.findings.map(\.code)
        }
        let (own, foreign) = (try token("1", by: old).body, try token("1", by: new).body)
        #expect(findings(own, history) == [])
        #expect(findings(nil, history) == [], "what is gone says nothing")
        #expect(findings(foreign, history) == [.originInvalid])
        #expect(findings(own, HistoryAudit(.whole)) == [.originKeyMissing])
        var forged = HistoryAudit(.whole)
        let text = String(decoding: lines[0].bytes, as: UTF8.self).replacing("ES256", with: "ES384")
            .replacing("\\\"use\\\":\\\"sig\\\"", with: "\\\"use\\\":\\\"enc\\\"")
        forged.take(Array(text.utf8), place: "forged")
        #expect(findings(own, forged) == [.originInvalid], "the key is not the one of that name")
    }

    @Test(arguments: [(500, ""), (200, "no JSON"), (200, #"{"keys":[]}"#), (302, "")] as [(Int, String)])
    func `without keys a delivery is put off, and good ones are used on`(_ status: Int, _ body: String) async throws {
        let engine = try engine()
        issuer.answer(status, Array(body.utf8))
        guard case .unavailable = await engine.receive(source: "s", try token("1", by: old)) else {
            Issue.record("must be put off")
            return
        }
        guard case .unavailable = await engine.receive(source: "s", try token("1", by: old)) else {
            Issue.record("must be put off")
            return
        }
        #expect(issuer.asked.count == 1)
        clock.advance(milliseconds: Limits.keySetRetryMilliseconds)
        issuer.publish(old)
        #expect(isStored(await engine.receive(source: "s", try token("1", by: old))))
        issuer.answer(status, Array(body.utf8))
        clock.advance(milliseconds: Limits.keySetMillisecondsMax)
        #expect(isStored(await engine.receive(source: "s", try token("2", by: old))))
        #expect(issuer.asked.count == 3)
    }

    /// What the engine would do of it beside its answers.
    private func fetchAtLength(_ engine: Engine) async {
        for await item in engine.inbox {
            guard case .fetch(let errand) = item else { continue }
            return await engine.keyDesk.carryOut(errand)
        }
    }

    @Test func `while a stranger's token has the keys looked up, those that fit the known ones wait for nothing`()
        async throws
    {
        let engine = try engine()
        issuer.publish(old)
        #expect(isStored(await engine.receive(source: "s", try token("1", by: old))))
        clock.advance(milliseconds: Limits.keySetMillisecondsMin)
        let (held, arrived) = (Gate(), Gate())
        issuer.hold(held, arrived: arrived)
        let stranger = try token("2", by: P256.Signing.PrivateKey())
        async let refused = engine.receive(source: "s", stranger)
        await arrived.passed()
        for name in ["3", "4"] { #expect(isStored(await engine.receive(source: "s", try token(name, by: old)))) }
        // Nobody knows yet whether it is the issuer's new key: it comes again.
        guard case .unavailable = await engine.receive(source: "s", try token("5", by: new)) else {
            Issue.record("must be put off")
            return held.open()
        }
        held.open()
        #expect(await refused == .rejected(.eventKeyUnknown))
        #expect(issuer.asked.count == 2)
    }

    @Test func `keys that take long are fetched while nobody waits, and those that are known are used on`() async throws
    {
        let engine = try engine()
        issuer.publish(old)
        issuer.takeLong()
        guard case .unavailable = await engine.receive(source: "s", try token("1", by: old)) else {
            Issue.record("must be put off")
            return
        }
        await fetchAtLength(engine)
        #expect(isStored(await engine.receive(source: "s", try token("1", by: old))))
        #expect(issuer.asked.count == 2)
        clock.advance(milliseconds: Limits.keySetMillisecondsMax)
        issuer.publish(new)
        #expect(isStored(await engine.receive(source: "s", try token("2", by: old))), "nothing newer is known yet")
        guard case .unavailable = await engine.receive(source: "s", try token("3", by: new)) else {
            Issue.record("must be put off")
            return
        }
        await fetchAtLength(engine)
        #expect(isStored(await engine.receive(source: "s", try token("3", by: new))))
        #expect(await engine.receive(source: "s", try token("4", by: old)) == .rejected(.eventKeyUnknown))
        #expect(issuer.asked.count == 4)
    }

    @Test func `a certificate that takes long is fetched while nobody waits`() async throws {
        let errands = Mutex<[KeyDesk.Errand]>([])
        let desk = KeyDesk(issuer) { errand in errands.withLock { $0.append(errand) } }
        issuer.answer(200, Array(Self.certificatePEM.utf8))
        issuer.takeLong()
        #expect(await desk.certificate(Self.certificate[0], of: "hub", at: clock.now) == nil)
        let errand = try #require(errands.withLock { $0.first })
        await desk.carryOut(errand)
        #expect(await desk.certificate(Self.certificate[0], of: "hub", at: clock.now) != nil)
        #expect(issuer.asked.count == 2)
    }

    @Test func `deliveries that come at once wait for one request`() async throws {
        let engine = try engine()
        issuer.publish(old)
        let tokens = try (1...8).map { try token("\($0)", by: old) }
        await withTaskGroup(of: Void.self) { group in
            for token in tokens { group.addTask { _ = await engine.receive(source: "s", token) } }
        }
        #expect(engine.counts.alertsStored == 8)
        #expect(issuer.asked.count == 1)
    }
}

/// A key's name: of its public half.
private func keyName(_ key: P256.Signing.PrivateKey) -> String {
    base64URL(key.publicKey.rawRepresentation.prefix(6))
}

/// RFC 4648 §5, without padding.
private func base64URL(_ bytes: Data) -> String {
    bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
