// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// Sources that lose what they send are compared with what their sender says it sent, in the form that GitHub and Okta
/// publish.
@Suite struct EngineReconcileTests {
    /// A sender that kept what it delivered: pages of two, the newest first, each body by its number.
    private final class Sender: Transport {
        struct State {
            /// By number: name, minutes before the start, and whether the body is still there.
            var delivered: [(name: String, minutesAgo: Int64, isKept: Bool)] = []
            var asked: [String] = []
            var limitedOnce = false
            var refuses: Int?
            /// Whose bodies are answered with something that is none.
            var unreadable: Set<String> = []
        }

        let state = Mutex(State())
        private let start: Instant

        init(_ start: Instant) { self.start = start }

        var asked: [String] { state.withLock { $0.asked } }

        func send(_ request: OutboundRequest) async -> Delivery {
            state.withLock { state in
                let path = String(request.url.dropFirst("https://api.example".count))
                state.asked.append(path)
                if let status = state.refuses { return .answered(status, "{}") }
                if state.limitedOnce {
                    state.limitedOnce = false
                    return .answered(
                        403, "{}",
                        headers: [
                            "x-ratelimit-remaining": "0", "x-ratelimit-reset": "\(start.milliseconds / 1000 + 90)",
                        ])
                }
                if path.hasPrefix("/logs") { return log(path, state) }
                if let number = path.split(separator: "/").last.flatMap({ Int($0) }) { return body(number, state) }
                return page(path, state)
            }
        }

        func close() async {}

        private func number(after mark: String, in path: String) -> Int? {
            path.components(separatedBy: mark).dropFirst().first.flatMap { Int($0.prefix { $0.isNumber }) }
        }

        private func page(_ path: String, _ state: State) -> Delivery {
            let top = number(after: "cursor=v1_", in: path) ?? state.delivered.count
            let numbers = (max(0, top - 2)..<top).reversed()
            let items = numbers.map { number -> Value in
                let item = state.delivered[number]
                let at = start.adding(milliseconds: -item.minutesAgo * 60_000)
                return [
                    "id": .int(Int64(number)), "guid": .string(item.name), "delivered_at": .string(at.description),
                    "redelivery": false, "duration": 0.03, "status": "timed out", "status_code": 504,
                    "event": "secret_scanning_alert", "action": "created",
                ]
            }
            let rest = max(0, top - 2)
            let link = rest > 0 ? #"<https://api.example/x?per_page=100&cursor=v1_\#(rest)>; rel="next""# : ""
            return .answered(200, Value.array(items).json, headers: link.isEmpty ? [:] : ["link": link])
        }

        private func body(_ number: Int, _ state: State) -> Delivery {
            guard state.delivered[number].isKept else { return .answered(404, "{}") }
            guard !state.unreadable.contains(state.delivered[number].name) else { return .answered(422, "{}") }
            let payload: Value = [
                "action": "created",
                "alert": [
                    "number": .int(Int64(number)), "secret_type": "t", "validity": "active",
                    "secret": "the-very-secret",
                ],
                "repository": ["full_name": "o/r"],
            ]
            let answer: Value = [
                "id": .int(Int64(number)), "guid": .string(state.delivered[number].name),
                "event": "secret_scanning_alert",
                "request": ["headers": ["X-Hub-Signature-256": "sha256=0"], "payload": payload],
            ]
            return .answered(200, answer.json)
        }

        /// Okta: oldest first, and always a next page.
        private func log(_ path: String, _ state: State) -> Delivery {
            let after = number(after: "after=", in: path)
            let numbers = Array(state.delivered.indices.dropFirst(after ?? 0).prefix(2))
            let items = numbers.map { number -> Value in
                let item = state.delivered[number]
                let at = start.adding(milliseconds: -item.minutesAgo * 60_000)
                return [
                    "uuid": .string(item.name), "published": .string(at.description), "severity": "WARN",
                    "eventType": "app.oauth2.token.detect_reuse", "target": .null,
                    "actor": ["id": "00u9", "type": "User", "alternateId": "bot@x"],
                ]
            }
            let next = (numbers.last ?? (after ?? 1) - 1) + 1
            let links =
                #"<https://api.example/logs?a>; rel="self", <https://api.example/logs?after=\#(next)>; rel="next""#
            return .answered(200, Value.array(items).json, headers: ["link": links])
        }
    }

    private let store = MemoryStore()
    private let clock: VirtualClock
    private let sender: Sender
    private let folder: ScratchFolder
    private static let start = Instant(milliseconds: 1_700_000_000_000)

    init() throws {
        folder = try ScratchFolder()
        clock = VirtualClock(Self.start)
        sender = Sender(Self.start)
    }

    private func engine(_ source: String = "github", _ provider: String = "github-deliveries") throws -> Engine {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var connectors: [String: Connector] = [:]
        for name in Set([source, provider]) {
            let bytes = Array(try Data(contentsOf: root.appending(path: "workflows/connectors/\(name).yaml")))
            connectors[name] = try Connector.load(bytes, file: "\(name).yaml", digest: digestText(bytes)).get()
        }
        var inbound = Connections.Source(id: "s", connector: source, secrets: [.environment("S")])
        inbound.reconcile = Connections.Reconcile(
            provider: "p", everyMilliseconds: 300_000, arguments: ["hook": "repos/o/r/hooks/7"])
        let outbound = Connections.Provider(
            id: "p", connector: provider, settings: ["url": "https://api.example"],
            secrets: ["token": .environment("S"), "api_token": .environment("S")], egress: EgressPolicy())
        return Engine(
            Engine.Parts(
                store: store, clock: clock, connections: Connections(sources: [inbound], providers: [outbound]),
                connectors: connectors, secrets: SecretReader(folder: "/nowhere", environment: { _ in "s3cret" }),
                sealKey: Secret(Array("the installation's own key".utf8)), transport: sender,
                evidence: EvidenceKeeper(blobs: try Blobs(at: folder.path("evidence"), disk: .real)),
                library: Library(
                    playbooks: [], workflows: [], inventory: Inventory(identities: [], digest: "sha256:none")),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func deliver(_ items: (String, Int64)..., kept: Bool = true) {
        sender.state.withLock { state in
            for (name, minutes) in items { state.delivered.append((name, minutes, kept)) }
        }
    }

    private func compare(_ engine: Engine) async throws {
        let source = try #require(engine.connections.source("s"))
        try await engine.compare(source, try #require(source.reconcile))
    }

    private func alerts() async throws -> [String] { try await store.alerts(AlertQuery()).map(\.deliveryID).sorted() }

    private func lines() async throws -> [Value] {
        try await store.history(Engine.reconcileStream("s"), from: 1, limit: 100).map {
            try JSON.parse($0.entry.bytes)["body"] ?? .null
        }
    }

    @Test func `what was lost is taken in, what came is not taken twice, and the history tells both`() async throws {
        deliver(("d-1", 50), ("d-2", 40), ("d-3", 30), ("d-4", 20), ("d-5", 10))
        let engine = try engine()
        // The fourth came by itself.
        let body = Array(#"{"as":"it came"}"#.utf8)
        let pushed = Alert(
            id: AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y"), source: "s", deliveryID: "d-4", receivedAt: clock.now,
            headers: [:], body: body, bodyDigest: digestText(body), originProof: .sharedSecret)
        _ = try await store.accept(
            pushed, entry: Chronicle().entry(pushed.id.text, 1, clock.now, "alertReceived", pushed.receipt))
        try await compare(engine)
        #expect(try await alerts() == ["d-1", "d-2", "d-3", "d-4", "d-5"])
        let line = try #require(try await lines().first)
        #expect(line["listed"] == 5 && line["known"] == 1 && line["recovered"] == 4 && line["lost"] == 0)
        #expect(line["alerts"]?.arrayValue?.count == 4 && line["gap"] == nil)
        // Three pages, and each body that was missing.
        let asked = sender.asked
        #expect(asked.filter { $0.contains("/deliveries?") }.count == 3)
        #expect(asked[1] == "/repos/o/r/hooks/7/deliveries?cursor=v1_3&per_page=100")
        #expect(asked.filter { $0.hasSuffix("/deliveries/3") }.isEmpty)
        let recovered = try #require(try await store.alerts(AlertQuery()).first { $0.deliveryID == "d-1" })
        #expect(recovered.originProof == .channel)
        #expect(recovered.headers == ["x-github-event": "secret_scanning_alert"])
        // What must not be stored isn't, whatever way it comes.
        let kept = String(decoding: recovered.body, as: UTF8.self)
        #expect(!kept.contains("the-very-secret") && kept.contains("cordon:cut:secret:"))
        #expect(recovered.bodyDigest == recovered.bodyCommitment && recovered.salt.count == 32)
        await engine.read(recovered)
        #expect(try await store.signals(of: recovered.id).map(\.kind) == ["secret.exposed"])

        // Nothing new: nothing asked for anew, no line.
        clock.advance(milliseconds: 300_000)
        try await compare(engine)
        #expect(try await alerts().count == 5)
        #expect(try await lines().count == 1)
    }

    @Test func `what the sender no longer holds is lost, and told by its name`() async throws {
        deliver(("gone", 30), kept: false)
        deliver(("here", 20))
        try await compare(try engine())
        #expect(try await alerts() == ["here"])
        let line = try #require(try await lines().first)
        #expect(line["recovered"] == 1 && line["lost"] == 1 && line["deliveries_lost"] == ["gone"])
    }

    @Test func `what is lost is told once, though the next comparison meets it again`() async throws {
        deliver(("gone", 3), kept: false)
        for _ in 1...2 {
            // Another process the second time: what was told is in the history.
            let engine = try engine()
            try await compare(engine)
            clock.advance(milliseconds: 60_000)
            try await compare(engine)
        }
        #expect(try await lines().map { $0["lost"] } == [1])
    }

    @Test func `one that can't be read holds up nobody behind it, and is lost in the end`() async throws {
        deliver(("broken", 30), ("here", 20))
        sender.state.withLock { $0.unreadable = ["broken"] }
        let engine = try engine()
        for _ in 1..<Limits.reconcileTriesMax {
            await #expect(throws: Engine.ReconcileFailure.self) { try await compare(engine) }
            #expect(try await alerts() == ["here"])
        }
        // What came behind it is told, and the comparison stays where it was.
        #expect(try await lines().map { $0["recovered"] } == [1])
        #expect(try await lines().allSatisfy { $0["deliveries_lost"] == nil })
        try await compare(engine)
        #expect(try await lines().last?["deliveries_lost"] == ["broken"])
    }

    @Test func `what is delivered again after it was recovered is a repeat`() async throws {
        deliver(("d-1", 30))
        let engine = try engine()
        try await compare(engine)
        let body = Array(#"{ "action": "created", "alert": { "number": 0 } }"#.utf8)
        let raw = Alert(
            id: AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y"), source: "s", deliveryID: "d-1", receivedAt: clock.now,
            headers: [:], body: body, bodyDigest: digestText(body), originProof: .sharedSecret)
        guard case .duplicate = await engine.store(raw) else {
            Issue.record("it was taken a second time")
            return
        }
        #expect(try await alerts() == ["d-1"])
    }

    @Test func `what is just under way is left to come by itself`() async throws {
        deliver(("old", 10), ("new", 0))
        let engine = try engine()
        try await compare(engine)
        #expect(try await alerts() == ["old"])
        clock.advance(milliseconds: 120_000)
        try await compare(engine)
        #expect(try await alerts() == ["new", "old"])
    }

    @Test func `after an outage longer than the sender keeps things, the history has the span as a gap`() async throws {
        let first = try engine()
        try await compare(first)
        let until = try #require(try await lines().first?["until"])
        clock.advance(milliseconds: 5 * 24 * 3600 * 1000)
        // Another process: how far it was compared is in the history.
        let second = try engine()
        try await compare(second)
        let line = try #require(try await lines().last)
        #expect(line.at("gap", "from") == until)
        let end = clock.now.adding(milliseconds: -3 * 24 * 3600 * 1000)
        #expect(line.at("gap", "until")?.stringValue == end.description)
        let standing = try #require(try await second.sourceStandings().first?["reconcile"])
        #expect(standing["gaps"] == 1 && standing["failure"] == .null)
    }

    @Test func `a sender that is out of patience is asked when it says, and what failed moves nothing on`() async throws
    {
        deliver(("d-1", 30))
        sender.state.withLock { $0.limitedOnce = true }
        let engine = try engine()
        await #expect(throws: Engine.ReconcileFailure.self) { try await compare(engine) }
        #expect(try await lines().isEmpty)
        clock.advance(milliseconds: 91_000)
        try await compare(engine)
        #expect(try await alerts() == ["d-1"])

        sender.state.withLock { $0.refuses = 401 }
        clock.advance(milliseconds: 300_000)
        let refused = await #expect(throws: Engine.ReconcileFailure.self) { try await compare(engine) }
        #expect(refused?.reason == "the provider refused it (HTTP 401)")
    }

    @Test func `a process that ended in the middle is followed by one that takes the rest and nothing twice`()
        async throws
    {
        deliver(("d-1", 40), ("d-2", 30), ("d-3", 20))
        let engine = try engine()
        // What the ended one had taken, and no line of it.
        let source = try #require(engine.connections.source("s"))
        let shape = try #require(engine.shape(of: "s"))
        let taken = try shape.recover(
            InboundDelivery(headers: [:], body: Array("{}".utf8)), named: "d-2", source: source.id,
            id: AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y"), at: clock.now)
        _ = try await store.accept(
            taken, entry: Chronicle().entry(taken.id.text, 1, clock.now, "alertReceived", taken.receipt))
        try await compare(engine)
        #expect(try await alerts() == ["d-1", "d-2", "d-3"])
        #expect(try await lines().first?["recovered"] == 2)
    }

    @Test func `the log of Okta is followed to its end, and an event that came by its hook is not taken again`()
        async throws
    {
        deliver(("u-1", 50), ("u-2", 40), ("u-3", 30))
        let engine = try engine("okta", "okta")
        let event =
            #"{"uuid":"u-2","published":"2023-11-14T21:33:20Z","severity":"WARN","eventType":"app.oauth2.token.detect_reuse","target":null,"actor":{"id":"00u9","type":"User"}}"#
        let receipt = await engine.receive(
            source: "s",
            InboundDelivery(
                headers: ["authorization": "s3cret"], body: Array(#"{"data":{"events":[\#(event)]}}"#.utf8)))
        guard case .stored(let id) = receipt else { throw CocoaError(.coderInvalidValue) }
        var query = AlertQuery()
        query.id = id
        await engine.read(try #require(try await store.alerts(query).first))
        try await compare(engine)
        let line = try #require(try await lines().first)
        #expect(line["listed"] == 3 && line["known"] == 1 && line["recovered"] == 2)
        #expect(try await alerts().filter { $0.hasPrefix("log/") } == ["log/u-1", "log/u-3"])
        #expect(sender.asked[0].contains("since=2023-11-14T21"))
        #expect(sender.asked.count == 3)
        let found = try #require(try await store.alerts(AlertQuery()).first { $0.deliveryID == "log/u-3" })
        await engine.read(found)
        #expect(try await store.signals(of: found.id).map(\.kind) == ["identity.suspected"])
    }
}
