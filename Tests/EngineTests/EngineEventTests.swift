// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Foundation
import StoreKit
import Synchronization
import Testing

@testable import CordonEngine

/// A receiver of security events in memory: answers what the test says, and remembers each token's claims.
private final class EventReceiver: Transport {
    private let taken = Mutex<[Value]>([])
    private let answers: @Sendable (_ number: Int) -> (status: Int, body: String)?

    init(_ answers: @escaping @Sendable (Int) -> (status: Int, body: String)? = { _ in nil }) { self.answers = answers }

    var claims: [Value] { taken.withLock { $0 } }
    var names: [String] { claims.compactMap { $0["jti"]?.stringValue } }
    var words: [String] { claims.map(EventReceiver.words) }

    static func words(_ claims: Value) -> String {
        let type = claims["events"]?.objectValue?.keys.first?.split(separator: "/").last ?? ""
        return "\(claims.at("sub_id", "session", "id")?.stringValue ?? "-") \(type)"
    }

    static func claims(_ token: [UInt8]) -> Value {
        let part = String(decoding: token, as: UTF8.self).split(separator: ".").dropFirst().first.map(String.init) ?? ""
        var text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while text.count % 4 != 0 { text += "=" }
        return (try? JSON.parse(Array(Data(base64Encoded: text) ?? Data()))) ?? .null
    }

    func send(_ request: OutboundRequest) async -> Delivery {
        let claims = EventReceiver.claims(request.body ?? [])
        let number = taken.withLock { taken in
            taken.append(claims)
            return taken.count
        }
        guard let answer = answers(number) else { return .answered(202) }
        return .answered(answer.status, answer.body)
    }

    func close() async {}
}

/// Receivers are told of sessions: in order, under names that stay, until they have taken it; and the history says so.
@Suite(.timeLimit(.minutes(20)))
struct EngineEventTests {
    private let act = AgentSession.Act(by: "ann", reason: "it reads payroll")

    private func installation(_ means: EventStream.Means = .push(url: "https://gateway.example/events")) throws
        -> Installation
    {
        let installation = try Installation()
        installation.transmitter = Transmitter(
            issuer: "https://cordon.example",
            streams: [EventStream(id: "gateway", audience: "g", means: means, token: .environment("TOKEN"))])
        return installation
    }

    private func opening(_ id: String, below parent: String? = nil) -> AgentSession.Opening {
        AgentSession.Opening(
            id: id, agent: "g", owner: "o", parent: parent,
            approved: AgentSession.Approval(durationSeconds: 3600, bytes: 100))
    }

    private func play(_ engine: Engine) async throws {
        _ = try await engine.openSession(opening("a"), runtime: "r").get()
        _ = try await engine.openSession(opening("b", below: "a"), runtime: "r").get()
        _ = try await engine.tellSession("a", .change(.isolation(true), act, revision: nil)).get()
        _ = try await engine.tellSession("a", .change(.release, act, revision: nil)).get()
    }

    private static let all = [
        "a session-established", "b session-established", "a session-revoked", "b session-revoked",
        "a session-established", "b session-established",
    ]

    /// Time goes on until it holds.
    private func pass(
        _ installation: Installation, by step: Int64 = 50, until condition: @Sendable () async throws -> Bool
    ) async throws {
        while try await !condition() {
            try Task.checkCancellation()
            installation.clock.advance(milliseconds: step)
            for _ in 0..<20 { await Task.yield() }
        }
    }

    private func lines(_ installation: Installation) async throws -> [(kind: String, body: Value)] {
        try await installation.base.history("receiver:gateway", from: 1, limit: 100).map {
            ($0.entry.kind, try JSON.parse($0.entry.bytes)["body"] ?? .null)
        }
    }

    @Test func `each change is pushed in its order, and what was taken stands in the history`() async throws {
        let installation = try installation()
        let receiver = EventReceiver()
        let engine = installation.engine(receiver)
        try await installation.whileRunning(engine) {
            try await play(engine)
            try await pass(installation) { engine.receiverStanding("gateway").delivered == 6 }
        }
        #expect(receiver.words == Self.all)
        #expect(Set(receiver.names).count == 6)
        let claims = try #require(receiver.claims.last)
        #expect(claims["iss"] == "https://cordon.example" && claims["aud"] == "g")
        #expect(claims["sub"] == nil && claims["exp"] == nil)
        #expect(claims["txn"] == receiver.claims[4]["txn"], "one cause, one transaction")
        let told = try await lines(installation).filter { $0.kind == "eventsDelivered" }
            .flatMap { $0.body["events"]?.arrayValue ?? [] }
        #expect(told.compactMap { $0["jti"]?.stringValue } == receiver.names)
        #expect(told.compactMap { $0["session"] } == ["a", "b", "a", "b", "a", "b"])
        #expect(try await installation.base.notices(NoticeQuery()).isEmpty, "none of it is for people")
    }

    @Test(arguments: Array(1...9), FaultyStore.Fault.allCases)
    func `a crash at any write loses no event, and a repeat has the name that it had`(
        write: Int, fault: FaultyStore.Fault
    ) async throws {
        let installation = try installation()
        let receiver = EventReceiver()
        let first = installation.engine(receiver, over: FaultyStore(installation.base, write: write, fault))
        // Where it fails is the test's own argument.
        _ = try? await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            group.addTask {
                try await play(first)
                try await pass(installation) { first.receiverStanding("gateway").delivered == 6 }
            }
            _ = try await group.next()
            group.cancelAll()
        }
        let second = installation.engine(receiver)
        try await installation.whileRunning(second) {
            // What the first did not answer is asked again; what it did is known.
            try await play(second)
            var query = NoticeQuery()
            query.endpoint = "receiver:gateway"
            query.state = .waiting
            let waiting = query
            try await pass(installation) { try await installation.base.notices(waiting).isEmpty }
        }
        // Each session's, repeats apart, alternate: nothing came twice under two names, and nothing is missing.
        var seen: Set<String> = []
        let once = receiver.claims.filter { seen.insert($0["jti"]?.stringValue ?? "").inserted }
        for id in ["a", "b"] {
            let kinds = once.map(EventReceiver.words).filter { $0.hasPrefix(id) }
            #expect(kinds.count >= 3 && kinds.last == "\(id) session-established", "\(kinds)")
            for (place, kind) in kinds.enumerated() {
                #expect(kind.hasSuffix(place % 2 == 0 ? "established" : "revoked"), "\(kinds)")
            }
        }
    }

    @Test func `a receiver that refuses us keeps its events and is told of once, and goes on in order`() async throws {
        let installation = try installation()
        installation.notifications = Notifications(
            channels: [Channel(id: "chat", means: .webhook(url: .environment("HOOK")), gatherMilliseconds: 0)],
            routes: [NoticeRoute(to: ["chat"])])
        let receiver = EventReceiver {
            $0 <= 3 ? (status: 400, body: #"{"err":"invalid_key","description":"no such kid"}"#) : nil
        }
        let engine = installation.engine(receiver)
        try await play(engine)
        // Not running whole, so that nobody is told meanwhile and nothing is sent but events.
        try await engine.recallReceivers()
        let stream = try #require(engine.transmitter?["gateway"])
        let pushing = Task { await engine.keepPushing(stream) }
        try await pass(installation) { engine.receiverStanding("gateway").problem != nil }
        let problem = engine.receiverStanding("gateway").problem ?? ""
        #expect(problem.hasPrefix("the receiver answers invalid_key: no such kid; let it read the keys anew"))
        try await pass(installation) { engine.receiverStanding("gateway").delivered == 6 }
        pushing.cancel()
        await pushing.value
        #expect(receiver.words == Array(repeating: Self.all[0], count: 3) + Self.all)
        #expect(Set(receiver.names.prefix(4)).count == 1)
        let kinds = try await lines(installation).map(\.kind)
        #expect(kinds == ["deliveryFailing", "eventsDelivered", "deliveryResumed"])
        let people = try await installation.base.notices(NoticeQuery())
        #expect(people.count == 1)
        let body = try JSON.parse(try #require(people.first).body)
        #expect(body["kind"] == "receiver_unreached")
        #expect(body["text"]?.stringValue?.hasPrefix("gateway is not told of sessions: the receiver answers") == true)
    }

    @Test func `one event that its receiver finds wrong is given up after three tries, and keeps back no other`()
        async throws
    {
        let installation = try installation()
        let receiver = EventReceiver { $0 <= 3 ? (status: 400, body: #"{"err":"invalid_request"}"#) : nil }
        let engine = installation.engine(receiver)
        try await installation.whileRunning(engine) {
            try await play(engine)
            try await pass(installation) { engine.receiverStanding("gateway").delivered == 5 }
        }
        #expect(engine.receiverStanding("gateway").givenUp == 1)
        let given = try await lines(installation).first { $0.kind == "eventsGivenUp" }?.body["events"]?.arrayValue
        #expect(given?.first?["problem"] == "the receiver answers invalid_request")
    }

    @Test func `a receiver that is down for long is told of, and old events are given up`() async throws {
        let installation = try installation()
        let receiver = EventReceiver { _ in (status: 503, body: "") }
        let engine = installation.engine(receiver)
        try await play(engine)
        let stream = try #require(engine.transmitter?["gateway"])
        let pushing = Task { await engine.keepPushing(stream) }
        try await pass(installation, by: 1000) { try await lines(installation).map(\.kind) == ["deliveryFailing"] }
        let tries = receiver.claims.count
        #expect(tries > 3 && tries < 20, "it is tried less and less often: \(tries)")
        installation.clock.advance(milliseconds: Limits.eventMillisecondsMax)
        try await pass(installation) { engine.receiverStanding("gateway").givenUp == 6 }
        pushing.cancel()
        await pushing.value
        #expect(try await lines(installation).contains { $0.kind == "eventsGivenUp" })
    }

    @Test func `who asks gets what waits, and what is acknowledged comes no more`() async throws {
        let installation = try installation(.poll)
        let engine = installation.engine(EventReceiver())
        try await play(engine)
        #expect(engine.stream("gateway", shows: "wrong") == nil)
        #expect(engine.stream("nobody", shows: "leaked-token") == nil)
        let stream = try #require(engine.stream("gateway", shows: "leaked-token"))
        var ask = EventAsk(eventsMax: 2)
        let first = try await engine.polled(stream, ask)
        #expect(first.sets.count == 2 && first.hasMore)
        #expect(try await engine.polled(stream, ask).sets.keys.sorted() == first.sets.keys.sorted(), "not yet stored")
        for (name, token) in first.sets { #expect(EventReceiver.claims(Array(token.utf8))["jti"] == .string(name)) }
        ask.acknowledged = Array(first.sets.keys)
        ask.eventsMax = 50
        let second = try await engine.polled(stream, ask)
        #expect(second.sets.count == 4 && !second.hasMore)
        let wrong = try #require(second.sets.keys.sorted().first)
        ask.acknowledged = second.sets.keys.filter { $0 != wrong }
        ask.refused = [wrong: "invalid_request: no such session"]
        #expect(try await engine.polled(stream, ask).sets.isEmpty)
        #expect(engine.receiverStanding("gateway").delivered == 5)
        #expect(engine.receiverStanding("gateway").givenUp == 1)
        let kinds = try await lines(installation).map(\.kind)
        #expect(kinds == ["eventsDelivered", "eventsDelivered", "eventsGivenUp", "deliveryFailing"])
    }

    @Test func `a paused stream keeps what waits, and a start knows that it is paused`() async throws {
        let installation = try installation(.poll)
        let engine = installation.engine(EventReceiver())
        #expect(try await engine.setStream("gateway", .paused, reason: "rebuilt", by: "ann", isReceiver: false))
        #expect(try await !engine.setStream("nobody", .paused, reason: nil, by: "ann", isReceiver: false))
        try await play(engine)
        let stream = try #require(engine.transmitter?["gateway"])
        let given = try await engine.polled(stream, EventAsk())
        #expect(
            given.sets.values.map { EventReceiver.words(EventReceiver.claims(Array($0.utf8))) } == ["- stream-updated"])

        let second = installation.engine(EventReceiver())
        try await second.recallReceivers()
        #expect(second.receiverStanding("gateway").status == .paused)
        #expect(second.receiverStanding("gateway").reason == "rebuilt")
        #expect(second.receiverStanding("gateway").waiting == 7)
        let ask = EventAsk(acknowledged: Array(given.sets.keys))
        #expect(try await second.polled(stream, ask).sets.isEmpty)
        #expect(try await second.setStream("gateway", .enabled, reason: nil, by: "receiver", isReceiver: true))
        #expect(try await second.polled(stream, EventAsk()).sets.count == 6, "who asked need not be told")
    }

    @Test func `a verification event carries its state, and is not made at will`() async throws {
        let installation = try installation(.poll)
        let engine = installation.engine(EventReceiver())
        #expect(try await engine.verifyStream("gateway", state: "s-1", by: "g", isReceiver: true) == .queued)
        #expect(try await engine.verifyStream("gateway", state: "s-2", by: "g", isReceiver: true) == .tooSoon)
        #expect(try await engine.verifyStream("gateway", state: nil, by: "ann", isReceiver: false) == .queued)
        #expect(try await engine.verifyStream("nobody", state: nil, by: "ann", isReceiver: false) == .noSuchStream)
        let stream = try #require(engine.transmitter?["gateway"])
        let claims = try await engine.polled(stream, EventAsk()).sets.values.map {
            EventReceiver.claims(Array($0.utf8))
        }
        #expect(claims.count == 2)
        let states = claims.compactMap { $0.at("events", SecurityEventToken.verification, "state") }
        #expect(states == ["s-1"])
        #expect(claims.allSatisfy { $0["sub_id"] == ["format": "opaque", "id": "gateway"] })
    }

    @Test func `more than may wait is given up, and the history and people are told how many`() async throws {
        let installation = try installation(.poll)
        let engine = installation.engine(EventReceiver())
        engine.receiverDesk.change("gateway") { $0.waiting = Limits.eventsWaitingMax - 1 }
        try await play(engine)
        let stream = try #require(engine.transmitter?["gateway"])
        #expect(try await engine.polled(stream, EventAsk()).sets.count == 1)
        let told = try await lines(installation)
        #expect(told.map(\.kind) == ["eventsLeftOut", "deliveryFailing"])
        #expect(told.first?.body["events"] == 5)
    }

    @Test func `a look in shadow that a stop lost is told by the next start, once`() async throws {
        let installation = try Installation(mode: .shadow)
        let first = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == 1 }
        }
        let alert = try #require(try await installation.base.alerts(AlertQuery()).first)
        for time in 1...2 {
            installation.clock.advance(milliseconds: 1000)
            let next = installation.engine(ScriptedTransport(installation), looksInShadow: true)
            await next.noteLostLooks(before: installation.clock.now)
            let lines = try await installation.base.history(alert.id.text, from: 1, limit: 100)
            #expect(lines.count { $0.entry.kind == "shadowLookLost" } == 1)
            #expect(next.counts.shadowLooksLost == (time == 1 ? 1 : 0))
        }
    }
}
