// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import StoreKit
import TestKit

/// One run on a model store, scripted providers and virtual time. It plays the engine's part and no other: input,
/// machine, commit, perform, input; after a crash the sweep. All of it follows from one number.
struct Simulation {
    /// A request in hand of this process: to be sent, or sent and waiting for its answer.
    struct Errand {
        var step: String
        var call: Call
        var dueAt: Instant
        var outcome: Outcome?
    }

    /// What moves the run: an input, or a person who moves it to the next version of its workflow.
    enum Push {
        case input(RunInput)
        case migrate

        var short: String {
            switch self {
            case .input(let input): input.short
            case .migrate: "migrate"
            }
        }
    }

    let scenario: Scenario
    /// The promise that a planted bug breaks.
    let plant: Promise?
    var dice: Seeded
    var now = Scenario.start
    var halts = Halts.none
    var record: Record
    private(set) var violations: [Violation] = []
    private(set) var trace: [String] = []
    var isFaulty = true
    var faultPercent: Int

    // What the process holds in memory; a crash loses it.
    var errands: [Errand] = []
    var timer: Instant?
    private var memory: Run?
    /// What arrived once and may arrive again.
    var delivered: [(step: String, call: Call, outcome: Outcome)] = []

    private let store: FaultyStore
    private(set) var folded: Run?
    private var isTraced: Bool
    private var isNested = false
    private var haltsAtDecision = Halts.none

    init(seed: Int, plant: Promise? = nil, isTraced: Bool = false) {
        var generator = Generator(seed: UInt64(seed))
        scenario = generator.scenario()
        dice = generator.dice
        self.plant = plant
        self.isTraced = isTraced
        record = Record(scenario)
        record.world.undoesWrongly = plant == .restored
        faultPercent = dice.pick([0, 8, 25])
        let storePercent = plant == nil ? dice.pick([0, 0, 5]) : 0
        var dice = self.dice.split()
        let faults = (0..<300).map { _ in
            dice.chance(storePercent) ? dice.pick(FaultyStore.Fault.allCases) as FaultyStore.Fault? : nil
        }
        store = FaultyStore(MemoryStore(), faults: [nil] + faults)
        record.isTruthful = dice.chance(85)
    }

    /// The run in the process's eyes, or as it is stored.
    var run: Run? { memory ?? folded }

    mutating func note(_ text: @autoclosure () -> String) {
        if isTraced { trace.append("\(now.since(Scenario.start)) \(text())") }
    }

    mutating func violate(_ promise: Promise, _ text: String) {
        violations.append(Violation(promise: promise, text: text))
        note("VIOLATION \(promise): \(text)")
    }

    var isOver: Bool { !violations.isEmpty }

    // MARK: Whole

    mutating func play() async {
        await open()
        let turns = dice.number(10...150)
        for _ in 0..<turns where !isOver { await turn() }
        await calmDown()
    }

    private mutating func open() async {
        haltsAtDecision = halts
        let opened = Run.open(scenario.opening, scenario.definition, halts: halts, at: now)
        await commit(opened, from: 0, "open")
    }

    // MARK: The engine's part

    /// Input, machine, commit; read again and decide anew when another writer was first.
    @discardableResult
    mutating func put(_ input: RunInput) async -> Refusal? { await put(.input(input)) }

    @discardableResult
    mutating func put(_ push: Push) async -> Refusal? {
        for _ in 0..<8 where !isOver {
            guard let run = await current() else { return nil }
            haltsAtDecision = halts
            let transition: Transition
            switch decide(run, push) {
            case .failure(let refusal):
                note("refused \(push.short): \(refusal.reason)")
                return refusal
            case .success(let decided): transition = decided
            }
            guard !transition.events.isEmpty else { return nil }
            if isFaulty, !isNested, dice.chance(3) { await rival() }
            if await commit(transition, from: run.number, push.short) { return nil }
        }
        return nil
    }

    /// Another input is stored between decision and commit.
    private mutating func rival() async {
        isNested = true
        defer { isNested = false }
        await speakWildly()
    }

    private mutating func current() async -> Run? {
        if let memory { return memory }
        var query = RunQuery()
        query.id = Scenario.run
        guard let row = try? await store.runs(query).first else { return nil }
        return try? Run(snapshot: row.snapshot, tail: row.tail)
    }

    /// True when the input is dealt with: stored, or lost with the process.
    @discardableResult
    private mutating func commit(_ transition: Transition, from number: Int, _ why: String) async -> Bool {
        if plant == .intendedFirst { carryOut(transition) }
        if plant == .intendedFirst, let index = errands.indices.last, errands[index].outcome == nil { send(index) }
        do throws(StoreError) {
            try await store.commit(change(transition, from: number))
            note("\(why) -> \(transition.events.map(\.short).joined(separator: " "))")
            await observe()
            if plant != .intendedFirst { carryOut(transition) }
            return true
        } catch {
            memory = nil
            note("\(why) -> not confirmed: \(error.code)")
            if error.code == .conflict { return false }
            await observe()
            await crash()
            return true
        }
    }

    private func change(_ transition: Transition, from number: Int) -> RunChange {
        let run = transition.run
        let entries = transition.events.enumerated().map { offset, event in
            Entry(
                stream: run.id.text, number: number + offset + 1, at: run.updatedAt, kind: event.kind,
                bytes: (["body": event.value] as Value).jsonBytes, leaf: [])
        }
        // Oftener than the product, and not always: both ways of reading a run are gone in every life.
        let hasSnapshot = plant == .foldsToSnapshot || run.number / 5 != number / 5
        var stored = run
        if plant == .foldsToSnapshot, number > 0 { stored.steps[0].calls += 1 }
        let wake = plant == .wakes && number > 0 ? nil : run.wake?.word
        return RunChange(
            expectedNumber: number,
            run: RunRecord(
                id: run.id, decision: run.decision, alert: run.alert, playbook: run.playbook.name,
                playbookDigest: run.playbook.digest, workflow: run.workflow.name, workflowDigest: run.workflow.digest,
                subject: run.subject?.key ?? "", severity: run.severity, phase: run.phaseWord, wake: wake,
                dueAt: run.dueAt, number: run.number, openedAt: run.openedAt, updatedAt: run.updatedAt,
                endedAt: run.endedAt, snapshot: hasSnapshot ? stored.value.jsonBytes : []), entries: entries)
    }

    private mutating func carryOut(_ transition: Transition) {
        memory = transition.run.wake == .call ? transition.run : nil
        timer = transition.run.dueAt
        for case .perform(let step, let call) in transition.run.commands where transition.starts(step, call) {
            errands.append(Errand(step: step, call: call, dueAt: now.adding(milliseconds: Int64(errands.count))))
        }
    }

    // MARK: What is stored

    /// Reads what is new in the store and asks every checker about it.
    private mutating func observe() async {
        var query = RunQuery()
        query.id = Scenario.run
        do {
            guard let row = try await store.runs(query).first, row.number > folded?.number ?? 0 else { return }
            let entries = try await store.history(Scenario.run.text, from: (folded?.number ?? 0) + 1, limit: 10_000)
            var lines = try entries.map { entry in
                Commit.Line(
                    number: entry.entry.number, at: entry.entry.at,
                    event: try entry.entry.event())
            }
            var whole = folded
            if whole == nil {
                whole = Run.fold(lines.map { ($0.at, $0.event) })
            } else {
                for line in lines { whole?.apply(line.event, at: line.at) }
            }
            guard let whole else { return violate(.foldsToSnapshot, "the journal doesn't begin with its opening") }
            if plant == .gapFree, lines.count > 1, folded != nil { lines[lines.count - 1].number += 1 }
            check(
                Commit(
                    before: folded, lines: lines, folded: whole, row: row,
                    run: try Run(snapshot: row.snapshot, tail: row.tail), halts: haltsAtDecision))
            folded = whole
        } catch {
            violate(.foldsToSnapshot, "what is stored can't be read: \(error)")
        }
    }

    private mutating func check(_ commit: Commit) {
        for checker in Checkers.ofCommits {
            if let text = checker.check(commit, record) { violate(checker.promise, text) }
        }
        for event in commit.events {
            _ = record.intents.take(event)
            record.kinds.insert(event.kind)
        }
        record.commits += 1
    }

    // MARK: Providers

    mutating func send(_ index: Int) {
        let errand = errands[index]
        let obstacle = obstacle(to: errand.call)
        if let obstacle, plant != .quietOnTheWire {
            errands[index].outcome = Outcome(.later, reason: "not sent: \(obstacle)", wasWithheld: true)
            return
        }
        let latest = errand.call.purpose.asksWhatWasDone ? nil : folded?.step(errand.step)?.deadline
        guard latest.map({ max($0, errand.call.deadline) > now }) ?? true else {
            errands[index].outcome = Outcome(.later, reason: "not sent: its time was up", wasWithheld: true)
            return
        }
        let isSpared = !isFaulty || !dice.chance(faultPercent)
        let fate = isSpared ? .fine : dice.pick(World.Fate.allCases)
        for _ in 0..<(plant == .sentOnce ? 2 : 1) {
            if fate != .notSent { record.sends.append(Send(step: errand.step, call: errand.call, obstacle: obstacle)) }
            let reply = record.world.deliver(errand.step, errand.call, fate, &dice)
            note("sent \(errand.step)#\(errand.call.number) \(errand.call.purpose): \(fate)")
            errands[index].outcome = reply.outcome
            errands[index].dueAt = now.adding(milliseconds: reply.afterMilliseconds)
            guard fate != .notSent, let send = record.sends.last else { continue }
            for checker in Checkers.ofSends {
                if let text = checker.check(send, record) { violate(checker.promise, text) }
            }
        }
    }

    /// What forbids a write that is about to leave.
    private func obstacle(to call: Call) -> String? {
        guard call.purpose == .act, call.effectClass.isWrite, let run else { return nil }
        if let pause = run.pause { return "it is paused by \(pause.reason)" }
        if run.rollback != nil || run.conclusion != nil { return "the way forward is over" }
        return halts.reason(playbook: run.playbook.name, provider: call.provider)
    }

    mutating func deliver(_ index: Int) async {
        let errand = errands.remove(at: index)
        guard let outcome = errand.outcome else { return }
        delivered.append((errand.step, errand.call, outcome))
        await put(.callReturned(step: errand.step, number: errand.call.number, delivery: errand.call.delivery, outcome))
    }

    // MARK: Crashes

    /// The process ends with all that it had in hand, and another begins some time later.
    mutating func crash() async {
        note("crash")
        memory = nil
        errands = []
        timer = nil
        now = now.adding(milliseconds: dice.pick([0, 1000, 60_000, 1_200_000, 90_000_000]))
        await sweep()
    }

    /// Every open call that nobody has in hand is lost; timers are noted; what was halted is looked at again.
    mutating func sweep() async {
        guard let run = folded, run.isLive else { return }
        timer = run.dueAt
        let isHalted = run.steps.contains { if case .halted = $0.phase { true } else { false } }
        for case .perform(let id, let call) in run.commands {
            guard !errands.contains(where: { $0.step == id && $0.call.number == call.number }) else { continue }
            await put(.callReturned(step: id, number: call.number, delivery: call.delivery, .lost))
        }
        if isHalted { await put(.timerFired) }
    }
}

extension Transition {
    /// The call was intended or redelivered in this very transition.
    func starts(_ step: String, _ call: Call) -> Bool {
        events.contains { event in
            switch event {
            case .callIntended(let id, let intended): id == step && intended.number == call.number
            case .callRedelivered(let id, let number, _, _): id == step && number == call.number
            default: false
            }
        }
    }
}
