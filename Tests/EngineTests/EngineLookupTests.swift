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

/// Whom an alert means is asked of providers before anything is decided, and every question and answer stands in the
/// alert's stream.
@Suite struct EngineLookupTests {
    /// A directory in memory: what it answers to each look-up, in order; the last goes on.
    private final class Directory: Transport {
        private let state: Mutex<(answers: [Delivery], asked: [OutboundRequest])>
        private let store: MemoryStore

        init(_ store: MemoryStore, _ answers: [Delivery]) {
            self.store = store
            state = Mutex((answers, []))
        }

        var asked: [String] { state.withLock { $0.asked.map { "\($0.method) \($0.url)" } } }

        func send(_ request: OutboundRequest) async -> Delivery {
            let log = (try? await store.log(from: 0, limit: 1000).map(\.entry.kind)) ?? []
            let intents = log.filter { $0 == "lookupIntended" || $0 == "callIntended" }.count
            return state.withLock { state in
                state.asked.append(request)
                #expect(intents >= state.asked.count, "a question left without a stored intent")
                return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
            }
        }

        func close() async {}
    }

    private let store = MemoryStore()
    private let clock = VirtualClock(Instant(milliseconds: 1_700_000_000_000))
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private static let bot = #"{"id":"00u9","status":"ACTIVE","profile":{"login":"bot@x"}}"#

    private static func file(_ path: String) throws -> (bytes: [UInt8], digest: String) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: path)))
        return (bytes, digestText(bytes))
    }

    private func engine(
        _ transport: any Transport, providers: [String] = ["okta"], identities: [Inventory.Identity] = [],
        guards: GuardPolicy = .none, store: MemoryStore? = nil
    ) throws -> Engine {
        let workflow = try Self.file("workflows/suspend-access.yaml")
        let loaded = try Workflow.load(workflow.bytes, file: "suspend-access.yaml", digest: workflow.digest).get()
        let text = try Self.file("playbooks/identity-misused.yaml")
        let playbook = try Playbook.load(
            text.bytes, file: "identity-misused.yaml", digest: text.digest, workflows: [loaded]
        ).get()
        var connectors: [String: Connector] = [:]
        for name in ["native", "okta"] {
            let file = try Self.file("workflows/connectors/\(name).yaml")
            connectors[name] = try Connector.load(file.bytes, file: "\(name).yaml", digest: file.digest).get()
        }
        let connections = Connections(
            sources: [Connections.Source(id: "s", connector: "native", secrets: [.environment("S")])],
            providers: providers.map {
                Connections.Provider(
                    id: $0, connector: "okta", settings: ["url": "https://\($0).example/api/v1"],
                    secrets: ["api_token": .environment("S")], egress: EgressPolicy())
            })
        return Engine(
            Engine.Parts(
                store: store ?? self.store, clock: clock, connections: connections, connectors: connectors,
                secrets: SecretReader(folder: "/nowhere", environment: { _ in "s3cret-s3cret-s3cret-s3cret" }),
                sealKey: Secret(Array("the installation's own key".utf8)), transport: transport,
                evidence: EvidenceKeeper(blobs: try Blobs(at: folder.path("evidence"), disk: .real)),
                library: Library(
                    playbooks: [playbook], workflows: [loaded],
                    inventory: Inventory(identities: identities, digest: "sha256:inventory"),
                    sources: [
                        Library.Source(
                            kind: .workflow, name: loaded.name, digest: workflow.digest, bytes: workflow.bytes)
                    ], guards: guards),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Stores an alert that accuses somebody whom the inventory doesn't know.
    private func alert(
        _ identity: Value = ["issuer": "okta", "type": "User", "id": "00u9"], in store: MemoryStore? = nil
    ) async throws -> Alert {
        let id = AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y")
        let body: Value = [
            "kind": "identity.suspected", "severity": "critical",
            "signal": ["identity": identity, "event": "token.reused", "resources": []],
        ]
        let alert = Alert(
            id: id, source: "s", deliveryID: "d-1", receivedAt: clock.now, headers: [:], body: body.jsonBytes,
            bodyDigest: digestText(body.jsonBytes), originProof: .sharedSecret, state: .received)
        let entry = Chronicle().entry(id.text, 1, clock.now, "alertReceived", ["body": .string(alert.bodyDigest)])
        _ = try await (store ?? self.store).accept(alert, entry: entry)
        return alert
    }

    private func lines(_ alert: Alert) async throws -> [Entry] {
        try await store.history(alert.id.text, from: 1, limit: 100).map(\.entry)
    }

    private func decision(_ alert: Alert) async throws -> Value {
        var query = DecisionQuery()
        query.alert = alert.id
        return try JSON.parse(try #require(try await store.decisions(query).first).body)
    }

    private func because(_ alert: Alert) async throws -> [String] {
        try await decision(alert).at("matches")?.arrayValue?[0]["reasons"]?.arrayValue?.compactMap {
            $0["because"]?.stringValue
        } ?? []
    }

    // MARK: Found

    @Test func `whom the provider names is decided about, and the history says from where it is known`() async throws {
        let alert = try await alert()
        let directory = Directory(store, [.answered(200, Self.bot)])
        await (try engine(directory)).read(alert)
        #expect(directory.asked == ["GET https://okta.example/api/v1/users/00u9"])
        let lines = try await lines(alert)
        #expect(
            lines.map(\.kind) == [
                "alertReceived", "lookupIntended", "lookupReturned", "signalNormalized", "subjectResolved",
                "decisionMade", "alertRead",
            ])
        #expect(lines.map(\.number) == Array(1...7))
        let resolved = try JSON.parse(lines[4].bytes)
        #expect(resolved.at("body", "because")?.stringValue == "okta names it (\(alert.id)@3) as")
        #expect(resolved.at("body", "subject", "subject", "id") == "okta/00u9")
        #expect(try await decision(alert)["verdict"] == "enforce")
        #expect(try await because(alert)[1] == "okta names it (\(alert.id)@3) as service_account:okta/00u9")
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(run.subject?.attributes["okta_id"] == "00u9")
        #expect(run.gate == nil)
    }

    @Test func `the inventory's tags hold for whom it knows under another name: a protected identity stays protected`()
        async throws
    {
        let payments = Inventory.Identity(
            subject: Subject(
                kind: .serviceAccount, id: "payments", provider: "okta", owner: "ann", tags: ["tier0"],
                attributes: ["okta_id": "00u9"]), matches: ["login": "payments@x"])
        var guards = GuardPolicy.none
        guards.protection.deny = [try #require(ProtectedEntry(text: "tag/tier0"))]
        let alert = try await alert()
        await (try engine(Directory(store, [.answered(200, Self.bot)]), identities: [payments], guards: guards)).read(
            alert)
        let decision = try await decision(alert)
        #expect(decision["verdict"] == "deny")
        #expect(
            try await because(alert)[1]
                == "by what okta says of it (\(alert.id)@3) the inventory knows it as service_account:payments")
        #expect(try await store.runs(RunQuery()).isEmpty)
    }

    /// Guards, limits and locks go by whom it is about, so nothing of a run may come before that is stored.
    @Test func `nothing of a run stands in the log before it is resolved whom it is about`() async throws {
        for identities in [[], [Self.known]] {
            let store = MemoryStore()
            let alert = try await alert(in: store)
            let engine = try engine(Directory(store, [.answered(200, Self.bot)]), identities: identities, store: store)
            await engine.read(alert)
            let log = try await store.log(from: 0, limit: 1000).map(\.entry)
            // Whom the inventory knows is resolved in the decision, anybody else in a line of its own before it.
            let line = identities.isEmpty ? "subjectResolved" : "decisionMade"
            let resolved = try #require(log.firstIndex { $0.kind == line })
            let first = try #require(log.firstIndex { $0.stream.hasPrefix("run_") })
            #expect(log[..<resolved].allSatisfy { $0.stream == alert.id.text })
            #expect(resolved < first && log[first].kind == "runOpened")
            // The lines of a run are what can act: none of them is a call before the run itself is stored.
            let calls = log.indices.filter { log[$0].kind == "callIntended" }
            #expect(!calls.isEmpty && calls.allSatisfy { $0 > first })
        }
    }

    private static let known = Inventory.Identity(
        subject: Subject(
            kind: .serviceAccount, id: "billing-bot", provider: "okta", owner: "ann", attributes: ["okta_id": "00u9"]),
        matches: ["issuer": "okta", "type": "User", "id": "00u9"])

    // MARK: By several questions

    private static let token = #"{"id":"00T1","name":"ci","userId":"00u9"}"#
    private static let named: Value = ["issuer": "okta", "type": "Token", "id": "00T1"]
    private static let questions = [
        "GET https://okta.example/api/v1/api-tokens/00T1", "GET https://okta.example/api/v1/users/00u9",
    ]

    @Test func `whose token it is, is asked in two questions, each of which stands in the history before it leaves`()
        async throws
    {
        let alert = try await alert(Self.named)
        let directory = Directory(store, [.answered(200, Self.token), .answered(200, Self.bot)])
        await (try engine(directory)).read(alert)
        #expect(directory.asked == Self.questions)
        let lines = try await lines(alert)
        #expect(
            lines.map(\.kind) == [
                "alertReceived", "lookupIntended", "lookupReturned", "lookupIntended", "lookupReturned",
                "signalNormalized", "subjectResolved", "decisionMade", "alertRead",
            ])
        #expect(try await because(alert)[1] == "okta names it (\(alert.id)@5) as service_account:okta/00u9")
    }

    @Test func `a token of nobody, or of another number, is nobody's, and no second question is asked`() async throws {
        let alert = try await alert(Self.named)
        let directory = Directory(store, [.answered(200, Self.token.replacing("00T1", with: "00T2"))])
        await (try engine(directory)).read(alert)
        #expect(directory.asked == [Self.questions[0]])
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(run.subject == nil)
        #expect(run.gate?.reason.contains("okta names nobody (\(alert.id)@3)") == true)
    }

    @Test func `an ended process's first answer is used on, and only the second question is asked`() async throws {
        let alert = try await alert(Self.named)
        let first = Directory(store, [.answered(200, Self.token), .answered(503, "{}")])
        let ended = try engine(first)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await ended.read(alert) }
            while clock.sleepers == 0 { await Task.yield() }
            group.cancelAll()
            clock.advance(milliseconds: 60_000)
        }
        let second = Directory(store, [.answered(200, Self.bot)])
        await (try engine(second)).read(alert)
        #expect(second.asked == [Self.questions[1]])
        #expect(try await because(alert)[1].hasSuffix("as service_account:okta/00u9"))
    }

    // MARK: Not found

    @Test func `nobody, or somebody else, is asked of a person, with what the provider said`() async throws {
        let alert = try await alert()
        let other = #"{"id":"00u1","status":"ACTIVE","profile":{"login":"admin@x"}}"#
        await (try engine(Directory(store, [.answered(200, other)]))).read(alert)
        #expect(try await decision(alert)["verdict"] == "undecided")
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(run.subject == nil)
        #expect(run.gate?.kind == .undecided)
        #expect(run.gate?.reason.contains("okta names nobody (\(alert.id)@3)") == true)
        #expect(try await lines(alert).map(\.kind)[4] == "subjectUnresolved")
    }

    @Test func `one whom two providers name is two, and a person says which`() async throws {
        let alert = try await alert()
        let directory = Directory(store, [.answered(200, Self.bot)])
        await (try engine(directory, providers: ["okta", "okta-eu"])).read(alert)
        #expect(directory.asked.count == 2)
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(run.gate?.reason == "more than one identity matches: okta-eu/00u9, okta/00u9")
    }

    @Test func `a provider that lets nobody ask leaves it open, even where another names somebody`() async throws {
        let alert = try await alert()
        let directory = Directory(store, [.answered(200, Self.bot), .answered(403, "{}")])
        await (try engine(directory, providers: ["okta", "okta-eu"])).read(alert)
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(
            run.gate?.reason
                == "okta-eu could not say whom the alert means: the provider refused it (HTTP 403)")
    }

    // MARK: Again

    @Test func `a provider that asks to wait is asked again when it says, and the alert waits meanwhile`() async throws
    {
        let alert = try await alert()
        let directory = Directory(
            store, [.answered(429, "{}", headers: ["retry-after": "7"]), .answered(200, Self.bot)])
        let engine = try engine(directory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.read(alert) }
            while clock.sleepers == 0 { await Task.yield() }
            var query = AlertQuery()
            query.id = alert.id
            #expect(try await store.alerts(query).first?.state == .received)
            clock.advance(milliseconds: 6999)
            #expect(clock.sleepers == 1)
            clock.advance(milliseconds: 1)
            try await group.waitForAll()
        }
        let kinds = try await lines(alert).map(\.kind)
        #expect(kinds[1...4] == ["lookupIntended", "lookupReturned", "lookupIntended", "lookupReturned"])
        #expect(try await decision(alert)["verdict"] == "enforce")
    }

    @Test func `after five minutes without an answer a person is asked`() async throws {
        let alert = try await alert()
        let directory = Directory(store, [.answered(503, "{}")])
        let engine = try engine(directory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.read(alert) }
            group.addTask {
                while !Task.isCancelled {
                    clock.advance(milliseconds: 1000)
                    await Task.yield()
                }
            }
            try await group.next()
            group.cancelAll()
        }
        let run = try #require(try await store.runs(RunQuery()).first).run()
        #expect(run.gate?.reason.hasPrefix("okta could not say whom the alert means: ") == true)
        #expect(run.openedAt.since(alert.receivedAt) <= Limits.lookupMillisecondsMax + 2000)
        let last = try #require(try await lines(alert).last { $0.kind == "lookupReturned" })
        #expect(try JSON.parse(last.bytes).at("body", "last") == true)
    }

    @Test func `what an ended process was told is not asked again, and what it was not told is`() async throws {
        let alert = try await alert()
        let first = Directory(store, [.answered(200, Self.bot)])
        let ended = try engine(first)
        let weighed = try await ended.weigh(
            try #require(ended.shape(of: "s")).normalize(alert).signals, ended.library, of: alert, isNew: true)
        #expect(weighed.lines.number == 3)
        let second = Directory(store, [.answered(500, "{}")])
        await (try engine(second)).read(alert)
        #expect(second.asked == [])
        #expect(try await decision(alert)["verdict"] == "enforce")

        // The same with the process gone between question and answer.
        let other = try await AnotherAlert(store, clock).stored()
        let third = Directory(store, [.answered(200, Self.bot)])
        await (try engine(third)).read(other)
        #expect(third.asked.count == 1)
        #expect(
            try await lines(other).map(\.kind).prefix(4) == [
                "alertReceived", "lookupIntended", "lookupIntended", "lookupReturned",
            ])
    }

    /// An alert whose question stands in its stream, without an answer.
    private struct AnotherAlert {
        let store: MemoryStore
        let clock: VirtualClock

        init(_ store: MemoryStore, _ clock: VirtualClock) {
            self.store = store
            self.clock = clock
        }

        func stored() async throws -> Alert {
            let id = AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Z")
            let body: Value = [
                "kind": "identity.suspected", "severity": "critical",
                "signal": [
                    "identity": ["issuer": "okta", "type": "User", "id": "00u9"], "event": "e", "resources": [],
                ],
            ]
            let alert = Alert(
                id: id, source: "s", deliveryID: "d-2", receivedAt: clock.now, headers: [:], body: body.jsonBytes,
                bodyDigest: digestText(body.jsonBytes), originProof: .sharedSecret, state: .received)
            let chronicle = Chronicle()
            _ = try await store.accept(
                alert, entry: chronicle.entry(id.text, 1, clock.now, "alertReceived", ["body": "x"]))
            try await store.note(
                chronicle.entry(id.text, 2, clock.now, "lookupIntended", ["asks": "okta/id/another"]), notices: [])
            return alert
        }
    }
}

extension Normalization {
    fileprivate var signals: [Signal] {
        switch self {
        case .signals(let signals), .partly(let signals, _): signals
        case .nothing, .unknownShape: []
        }
    }
}
