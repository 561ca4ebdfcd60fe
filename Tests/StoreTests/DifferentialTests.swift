// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Foundation
import Testing

/// The same seeded random operations go to the model in memory and to a database: same answers, same readings.
///
/// `CORDON_SEEDS=500` runs more seeds, `CORDON_SEED=17` one of them again.
@Suite struct DifferentialTests {
    static let operations = 200

    static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["CORDON_SEED"].flatMap(UInt64.init) { return [one] }
        return Array(1...(environment["CORDON_SEEDS"].flatMap(UInt64.init) ?? 40))
    }

    @Test(arguments: seeds)
    func `a database answers as the model does`(seed: UInt64) async throws {
        var script = Script(seed: seed)
        let model = MemoryStore()
        var tested = try StoreKind.sqlite.make()
        for step in 1...Self.operations {
            if script.chance(1, in: 60) { tested = try await tested.reopened() }
            let deed = script.deed()
            let (expected, found) = (await deed.perform(on: model), await deed.perform(on: tested.store))
            try #require(found == expected, "seed \(seed), step \(step): \(deed)")
            let question = script.question()
            let (said, answered) = (try await question.ask(model), try await question.ask(tested.store))
            try #require(answered == said, "seed \(seed), step \(step): \(question) after \(deed)")
            script.note(expected, of: deed)
        }
        try await expectSame(model, tested.store)
        tested = try await tested.reopened()
        try await expectSame(model, tested.store)
        await tested.store.close()
    }

    private func expectSame(_ model: any Store, _ store: any Store) async throws {
        for question in Script.everything {
            let (said, answered) = (try await question.ask(model), try await question.ask(store))
            #expect(answered == said, "\(question)")
        }
        let (log, expected) = (try await store.checkedLog(), try await model.checkedLog())
        #expect(log == expected)
    }
}

/// One writing verb with its arguments.
enum Deed: Sendable {
    case accept(Alert, Entry)
    case record(Reading)
    case commit(RunChange)
    case session(SessionCommit)
    case publish(Definition)
    case grant(TokenRecord, Entry)
    case note(Entry)
    case expire([AlertID], Entry)
    case revoke(String, Instant, Entry)

    enum Answer: Sendable, Equatable {
        case accepted(Acceptance)
        case done
        case refused(StoreError.Code)
    }

    func perform(on store: any Store) async -> Answer {
        do throws(StoreError) {
            switch self {
            case .accept(let alert, let entry): return .accepted(try await store.accept(alert, entry: entry))
            case .record(let reading): try await store.record(reading)
            case .commit(let change): try await store.commit(change)
            case .session(let change): try await store.commit(session: change)
            case .publish(let definition): try await store.publish(definition)
            case .grant(let token, let entry): try await store.grant(token, entry: entry)
            case .note(let entry): try await store.note(entry)
            case .expire(let alerts, let entry): try await store.expire(alerts, entry: entry)
            case .revoke(let id, let at, let entry): try await store.revoke(token: id, at: at, entry: entry)
            }
            return .done
        } catch { return .refused(error.code) }
    }
}

/// One reading verb with its arguments; the answer as its rows.
enum Question: Sendable {
    case alerts(AlertQuery), signals(AlertID), decisions(DecisionQuery), runs(RunQuery)
    case history(String, Int, Int), log(Int, Int), definition(String), tokens, counts
    case expirable(Instant, Int)
    case sessions(SessionQuery)

    func ask(_ store: any Store) async throws(StoreError) -> [AnyHashable] {
        switch self {
        case .alerts(let query): try await store.alerts(query)
        case .signals(let alert): try await store.signals(of: alert)
        case .decisions(let query): try await store.decisions(query)
        case .runs(let query): try await store.runs(query)
        case .history(let stream, let number, let limit):
            try await store.history(stream, from: number, limit: limit)
        case .log(let index, let limit): try await store.log(from: index, limit: limit)
        case .definition(let digest): [try await store.definition(digest)]
        case .tokens: try await store.tokens()
        case .sessions(let query): try await store.sessions(query)
        case .expirable(let instant, let limit): try await store.expirable(before: instant, limit: limit)
        case .counts: [try await counts(store)]
        }
    }

    private func counts(_ store: any Store) async throws(StoreError) -> [Int] {
        let vitals = try await store.vitals()
        return [vitals.alerts, vitals.runs, vitals.liveRuns, vitals.runsWithoutWake, vitals.entries]
    }
}

/// Seeded random operations and questions on a small world, so that they often meet.
struct Script {
    private var random: SplitMix64
    /// The last entry number of each stream, as far as the script knows.
    private var last: [String: Int] = [:]
    private static let numbers = 1...9

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func chance(_ part: Int, in whole: Int) -> Bool { Int.random(in: 0..<whole, using: &random) < part }

    private mutating func number() -> Int { Int.random(in: Self.numbers, using: &random) }

    /// Mostly the stream's next entry number, sometimes another.
    private mutating func next(_ stream: String) -> Int {
        let next = last[stream, default: 0] + 1
        return chance(1, in: 8) ? max(1, next + Int.random(in: -2...2, using: &random)) : next
    }

    mutating func deed() -> Deed {
        switch Int.random(in: 0..<23, using: &random) {
        case 21, 22: return session()
        case 20:
            let alerts = chance(1, in: 2) ? [number()] : Array(Set([number(), number()])).sorted()
            return .expire(alerts.map { Sample.alertID($0) }, Sample.entry("retention", next("retention")))
        case 0..<4: return accept()
        case 4..<8: return .record(reading())
        case 8..<16: return .commit(change())
        case 16: return .publish(Sample.definition("\(number() % 3)", source: "source \(number())"))
        case 17: return .note(Sample.entry("halts", next("halts")))
        case 18: return .grant(Sample.token("tok_\(number())", at: number()), Sample.entry("node", next("node")))
        default: return .revoke("tok_\(number())", Sample.time(number()), Sample.entry("node", next("node")))
        }
    }

    private mutating func session() -> Deed {
        let id = "s\(number() % 4)"
        let expected = max(0, next("ses_" + id) - 1)
        let root = chance(1, in: 3) ? "s\(number() % 4)" : id
        return .session(
            Sample.session(
                id, root: root, from: expected, to: expected + (chance(1, in: 3) ? 2 : 1), closed: chance(1, in: 4)))
    }

    private mutating func accept() -> Deed {
        let delivery = ["one", "two", "caf\u{e9}", "cafe\u{301}", "", "x\u{0}"].randomElement(using: &random)
        let alert = Sample.alert(
            number(), source: chance(1, in: 4) ? "okta" : "github", delivery: chance(1, in: 2) ? delivery : nil)
        return .accept(alert, Sample.entry(alert.id.text, 1, "received"))
    }

    private mutating func reading() -> Reading {
        let alert = number()
        let stream = Sample.alertID(alert).text
        let from = next(stream)
        // Signals may be those of another alert, so that their ids are sometimes taken.
        return Reading(
            alert: Sample.alertID(alert), state: chance(1, in: 4) ? .quarantined : .read,
            signals: chance(1, in: 3) ? [] : [Sample.signal(chance(1, in: 6) ? number() : alert)],
            decisions: chance(1, in: 3)
                ? [] : [Sample.decision(alert, verdict: chance(1, in: 2) ? "shadow" : "enforce")],
            opened: (0..<Int.random(in: 0...2, using: &random)).map { _ in Sample.change(number(), from: 0, to: 1) },
            entries: (0..<Int.random(in: 0...2, using: &random)).map { Sample.entry(stream, from + $0, "read") })
    }

    private mutating func change() -> RunChange {
        let run = number()
        let from = next(Sample.runID(run).text) - 1
        let to = from + Int.random(in: 1...3, using: &random)
        var change = Sample.change(run, from: from, to: to, phase: chance(1, in: 5) ? "ended" : "running")
        if chance(1, in: 3) { change.run.wake = nil }
        if chance(1, in: 3) { change.run.dueAt = nil }
        if chance(1, in: 3) { change.run.dueAt = Sample.time(number()) }
        if chance(1, in: 3) {
            change.run.subject = ["", "caf\u{e9}", "cafe\u{301}"].randomElement(using: &random) ?? ""
        }
        if chance(1, in: 10) { change.run.snapshot = [] }
        if chance(1, in: 10) { change.run.snapshot = [UInt8](repeating: UInt8(number()), count: 9000) }
        return change
    }

    /// Learns from an answer where streams stand, so that most numbers fit.
    mutating func note(_ answer: Deed.Answer, of deed: Deed) {
        switch (deed, answer) {
        case (.accept(_, let entry), .accepted(.stored)): note([entry])
        case (.record(let reading), .done):
            note(reading.entries)
            for change in reading.opened { note(change.entries) }
        case (.commit(let change), .done): note(change.entries)
        case (.session(let change), .done): note(change.entries)
        case (.grant(_, let entry), .done), (.note(let entry), .done), (.expire(_, let entry), .done): note([entry])
        // A second revocation is done without an entry: the number that the log lacks stays the next.
        case (.revoke(_, _, let entry), .done) where chance(1, in: 2): note([entry])
        default: break
        }
    }

    private mutating func note(_ entries: [Entry]) {
        for entry in entries { last[entry.stream] = entry.number }
    }

    mutating func question() -> Question {
        let limit = chance(1, in: 2) ? 100 : Int.random(in: -1...4, using: &random)
        switch Int.random(in: 0..<11, using: &random) {
        case 10: return .sessions(sessionQuery(limit))
        case 9: return .expirable(Sample.time(number()), limit)
        case 0: return .alerts(alertQuery(limit))
        case 1: return .signals(Sample.alertID(number()))
        case 2: return .decisions(decisionQuery(limit))
        case 3...4: return .runs(runQuery(limit))
        case 5: return .history(Sample.runID(number()).text, number() - 2, limit)
        case 6: return .log(Int.random(in: -2...300, using: &random), limit)
        case 7: return .definition(Sample.definition("\(number() % 3)").digest)
        default: return chance(1, in: 2) ? .tokens : .counts
        }
    }

    private mutating func sessionQuery(_ limit: Int) -> SessionQuery {
        var query = SessionQuery()
        if chance(1, in: 5) { query.id = "s\(number() % 4)" }
        query.onlyLive = chance(1, in: 2)
        if chance(1, in: 3) { query.beyond = "s\(number() % 4)" }
        query.limit = limit
        return query
    }

    private mutating func alertQuery(_ limit: Int) -> AlertQuery {
        var query = AlertQuery()
        if chance(1, in: 5) { query.id = Sample.alertID(number()) }
        if chance(1, in: 3) { query.state = Alert.State.allCases.randomElement(using: &random) }
        if chance(1, in: 4) { query.source = "github" }
        if chance(1, in: 3) { query.beyond = Sample.alertID(number()) }
        query.oldestFirst = chance(1, in: 2)
        query.limit = limit
        return query
    }

    private mutating func decisionQuery(_ limit: Int) -> DecisionQuery {
        var query = DecisionQuery()
        if chance(1, in: 5) { query.id = Sample.decision(number()).id }
        if chance(1, in: 4) { query.alert = Sample.alertID(number()) }
        if chance(1, in: 3) { query.verdict = "shadow" }
        if chance(1, in: 3) { query.beyond = Sample.decision(number()).id }
        query.limit = limit
        return query
    }

    private mutating func runQuery(_ limit: Int) -> RunQuery {
        var query = RunQuery()
        if chance(1, in: 6) { query.id = Sample.runID(number()) }
        if chance(1, in: 6) { query.alert = Sample.alertID(number()) }
        if chance(1, in: 5) { query.phase = chance(1, in: 2) ? "ended" : "running" }
        if chance(1, in: 6) { query.playbook = "exposed-credential" }
        if chance(1, in: 5) { query.subject = ["", "caf\u{e9}", "credential:key-1"].randomElement(using: &random) }
        query.onlyLive = chance(1, in: 3)
        if chance(1, in: 4) { query.dueBy = Sample.time(number() * 20) }
        if chance(1, in: 4) { query.beyond = Sample.runID(number()) }
        query.oldestFirst = chance(1, in: 2)
        query.limit = limit
        return query
    }

    /// Questions that together ask for all there is.
    static var everything: [Question] {
        let all: [Question] = [
            .alerts(AlertQuery()), .decisions(DecisionQuery()), .runs(RunQuery()), .tokens, .counts,
            .history("node", 1, 1000), .history("retention", 1, 1000), .sessions(SessionQuery()),
            .expirable(Sample.time(1000), 1000),
        ]
        return all
            + numbers.flatMap { number -> [Question] in
                [
                    .signals(Sample.alertID(number)), .history(Sample.runID(number).text, 1, 1000),
                    .history(Sample.alertID(number).text, 1, 1000), .definition("sha256:\(number)"),
                ]
            }
    }
}

/// The generator of Steele, Lea and Flood (2014): small, seeded, the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
