// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Synchronization

/// One case while it is played: all that outlives an engine.
final class Scene: Sendable {
    static let start = Instant(milliseconds: 1_767_600_000_000)
    static let source = "rehearsal"
    /// A case that goes on longer goes on for ever.
    private static let turnsMax = 200_000
    private static let daysMax: Int64 = 400

    struct Progress {
        var arrived = 0
        var deeds = 0
        /// Answers that were given, each by question and place.
        var given: Set<String> = []
        var refusals: [String] = []
        var crashes = 0
        var isOverrun = false
    }

    let item: PlaybookTest.Case
    let rehearsal: Rehearsal
    let clock = VirtualClock(start)
    let store: MemoryStore
    let provider: RehearsedProvider
    let blobs: Blobs
    let library: Library
    let arrivals: Arrivals
    let inbound: Connector
    let outbound: Connector
    /// What stands behind the connections at which steps are done.
    let elsewhere: [String: Connector]
    private let stage: Stage
    let progress = Mutex(Progress())

    init(_ rehearsal: Rehearsal, _ item: PlaybookTest.Case, _ stage: Stage) throws {
        self.rehearsal = rehearsal
        self.item = item
        self.stage = stage
        store = MemoryStore(guards: Scene.standing(rehearsal, item.world))
        guard var outbound = rehearsal.connectors[item.world.connector], let shape = outbound.provider?.rehearsed
        else {
            throw EngineError(.store, "the connector '\(item.world.connector)' describes no provider")
        }
        outbound.provider = shape
        self.outbound = outbound
        arrivals = try Arrivals(item.arrival, kind: rehearsal.playbook.trigger.signalKind, rehearsal.connectors)
        inbound = arrivals.connector
        elsewhere = item.world.connections.compactMapValues { name in
            guard var connector = rehearsal.connectors[name] else { return nil }
            connector.provider = connector.provider?.rehearsed
            return connector
        }
        let shapes = [outbound.name: shape].merging(elsewhere.compactMapValues(\.provider)) { own, _ in own }
        provider = RehearsedProvider(item, rehearsal.map, shapes, clock)
        blobs = try Blobs(at: "/evidence", disk: MemoryDisk().disk)
        library = Scene.library(
            rehearsal, item, naming: arrivals.references(rehearsal.playbook, source: Scene.source, after: Scene.start))
    }

    func play() async throws -> Performance {
        while true {
            let engine = makeEngine()
            let isOver = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.run() }
                let isOver = try await self.direct(engine)
                // The end of a process: nothing that was under way is stored any more.
                group.cancelAll()
                try await group.waitForAll()
                return isOver
            }
            if isOver { return try await performance() }
            progress.withLock { $0.crashes += 1 }
        }
    }

    /// Lets time go by from one thing that happens to the next. False when the process is to end.
    private func direct(_ engine: Engine) async throws -> Bool {
        for _ in 0..<Scene.turnsMax {
            await stage.quiet()
            if provider.takeCrash() { return false }
            if try await actDue(engine) { continue }
            guard let next = try await nextInstant(engine) else { return true }
            guard next.since(Scene.start) <= Scene.daysMax * 86_400_000 else { break }
            // A timer that was due already waits for the engine to look.
            clock.advance(to: next > clock.now ? next : clock.earliest ?? clock.now.adding(milliseconds: 1))
        }
        progress.withLock { $0.isOverrun = true }
        return true
    }

    /// When something would happen next; `nil` when nothing would.
    private func nextInstant(_ engine: Engine) async throws -> Instant? {
        // A call that stands in line goes when its lane opens.
        var all = [provider.earliest, engine.lanes.opensAt(clock.now)].compactMap { $0 }
        let progress = self.progress.withLock { $0 }
        if progress.arrived < arrivals.count { all.append(arrivals.instant(progress.arrived, after: Scene.start)) }
        if progress.deeds < deeds.count { all.append(instant(of: deeds[progress.deeds])) }
        for record in try await liveRecords() {
            if let due = record.dueAt { all.append(due) }
            for answer in try answers(to: record) { all.append(answer.at) }
        }
        return all.min()
    }

    // MARK: People

    var deeds: [PlaybookTest.Deed] { item.deeds.sorted { $0.atMilliseconds < $1.atMilliseconds } }

    private func instant(of deed: PlaybookTest.Deed) -> Instant {
        Scene.start.adding(milliseconds: deed.atMilliseconds)
    }

    /// Does the next thing whose time has come. False when there is none.
    private func actDue(_ engine: Engine) async throws -> Bool {
        let progress = self.progress.withLock { $0 }
        if progress.arrived < arrivals.count, arrivals.instant(progress.arrived, after: Scene.start) <= clock.now {
            self.progress.withLock { $0.arrived += 1 }
            _ = await engine.store(arrivals.alert(progress.arrived, source: Scene.source, after: Scene.start))
            return true
        }
        for record in try await liveRecords() {
            for answer in try answers(to: record) where answer.at <= clock.now {
                self.progress.withLock { _ = $0.given.insert(answer.key) }
                note(await engine.control(record.id, answer.input), "the answer to '\(answer.step)'")
                return true
            }
        }
        guard progress.deeds < deeds.count, instant(of: deeds[progress.deeds]) <= clock.now else { return false }
        self.progress.withLock { $0.deeds += 1 }
        try await perform(deeds[progress.deeds], engine)
        return true
    }

    private struct Due {
        var key: String
        var step: String
        var at: Instant
        var input: RunInput
    }

    /// The answers that the case has for what a run asks now, and that were not given yet.
    private func answers(to record: RunRecord) throws -> [Due] {
        guard !item.answers.isEmpty else { return [] }
        let given = progress.withLock { $0.given }
        return try record.run().steps.flatMap { step -> [Due] in
            guard case .asking(let question) = step.phase, let spot = rehearsal.map.spot(of: step.id) else { return [] }
            let answers = item.answers[step.id] ?? item.answers[spot.step] ?? []
            return answers.enumerated().compactMap { index, answer in
                let key = "\(record.id)/\(step.id)@\(question.askedAt)#\(index)"
                guard !given.contains(key) else { return nil }
                let name = answer.by ?? (index == 0 ? "somebody" : "somebody-\(index + 1)")
                let input = RunInput.answer(
                    step: step.id, Person(name: name, groups: Set(question.by)), choice: answer.choice,
                    shown: question.shown, reason: "as the case says")
                return Due(
                    key: key, step: step.id, at: question.askedAt.adding(milliseconds: answer.atMilliseconds),
                    input: input)
            }
        }
    }

    private func perform(_ deed: PlaybookTest.Deed, _ engine: Engine) async throws {
        let what = "'\(deed.verb.rawValue)' at +\(spanText(deed.atMilliseconds))"
        if deed.verb == .halt || deed.verb == .unhalt {
            _ = try await engine.setHalt(
                .everything, isSet: deed.verb == .halt, by: deed.by, reason: "the case says so")
            return
        }
        let live = try await liveRecords()
        let all = try await store.runs(RunQuery())
        guard let run = live.first ?? all.first, let input = deed.input else {
            return progress.withLock { $0.refusals.append("\(what): there is no run") }
        }
        note(await engine.control(run.id, input), what)
    }

    private func note(_ answer: ControlAnswer, _ what: String) {
        switch answer {
        case .done: break
        case .refused(let refusal): progress.withLock { $0.refusals.append("\(what) was refused: \(refusal.reason)") }
        case .noSuchRun: progress.withLock { $0.refusals.append("\(what): there is no such run") }
        case .notStored(let error): progress.withLock { $0.refusals.append("\(what): \(error.reason)") }
        case .unavailable(let reason): progress.withLock { $0.refusals.append("\(what): \(reason)") }
        }
    }

    private func liveRecords() async throws -> [RunRecord] {
        var query = RunQuery()
        query.onlyLive = true
        query.oldestFirst = true
        query.limit = Limits.repeatsPerCaseMax
        return try await store.runs(query)
    }
}

extension PlaybookTest.Deed {
    fileprivate var input: RunInput? {
        let reason = "as the case says"
        return switch verb {
        case .resume: .resume(step: step, isForced: isForced, by: by, reason: reason)
        case .skip: .skip(step: step ?? "", by: by, reason: reason)
        case .pause: .pause(by: by, reason: reason)
        case .cancel: .cancel(undo: false, by: by, reason: reason)
        case .undo: .undo(steps: step.map { [$0] }, by: by, reason: reason)
        case .resolve: .resolve(step: step, tookEffect: tookEffect, by: by, reason: reason)
        case .keep: .endHold(step: step ?? "", keep: true, by: by, reason: reason)
        case .lift: .endHold(step: step ?? "", keep: false, by: by, reason: reason)
        case .halt, .unhalt: nil
        }
    }
}

/// `100ms`, `20m`, `1h 30m`: what a person reads of a span, in two units at most.
package func spanText(_ milliseconds: Int64) -> String {
    let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
    ]
    guard milliseconds >= 1000 else { return "\(milliseconds)ms" }
    let first = units.firstIndex { milliseconds >= $0.milliseconds } ?? units.count - 1
    let unit = units[first]
    if unit.name == "s" {
        let tenths = milliseconds / 100
        return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
    }
    let rest = milliseconds % unit.milliseconds / units[first + 1].milliseconds
    return "\(milliseconds / unit.milliseconds)\(unit.name)" + (rest > 0 ? " \(rest)\(units[first + 1].name)" : "")
}
