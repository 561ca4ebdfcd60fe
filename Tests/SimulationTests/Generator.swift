// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit

/// Makes workflows of every kind of step and every modifier, as the loader would let them through.
struct Generator {
    private(set) var dice: Seeded
    private var linesLeft = 25
    private var contracts: [String: Contract] = [:]
    private var called: [String: Workflow] = [:]

    // Of the workflow at hand.
    private var seen: [String] = []
    private var acts: [Workflow.Line] = []
    private var letter = "s"
    private var targets: [Arguments] = []

    init(seed: UInt64) { dice = Seeded(seed) }

    mutating func scenario() -> Scenario {
        for name in ["inner", "outer"] where dice.chance(60) { called[name] = workflow(name, lines: 1...3) }
        let main = workflow("main", lines: 2...7)
        var gate: Run.Ask?
        let gates: [Run.Ask.Kind] = [.proposal, .proposal, .proposal, .queued, .queued, .undecided]
        if dice.chance(20) { gate = Run.Ask(kind: dice.pick(gates), reason: "its mode") }
        let lists: [Value] = [["a", "b", "c"], ["a"], [], ["a", "b", "c", "d", "e"], "a"]
        let unbuildable = dice.chance(5) ? main.lines.last.map { [$0.id] } ?? [] : []
        return Scenario(
            workflow: main, called: called, contracts: contracts, unbuildable: Set(unbuildable), gate: gate,
            subject: dice.chance(98) ? .simulated : nil, objectsMax: dice.chance(10) ? dice.number(1...6) : nil,
            inputs: [
                "flag": .bool(dice.chance(70)), "items": dice.chance(80) ? lists[0] : dice.pick(lists),
                "owner": dice.chance(90) ? "ann" : "", "span": dice.pick(["90s", "2h", "2h", "soon"]), "key": "k",
            ])
    }

    private mutating func workflow(_ name: String, lines: ClosedRange<Int>) -> Workflow {
        seen = []
        acts = []
        letter = String(name.prefix(1))
        let body = block(lines, depth: 0)
        return Workflow(name: name, title: name, inputs: [], lines: body, digest: "sha256:\(name)")
    }

    private mutating func block(_ count: ClosedRange<Int>, depth: Int) -> [Workflow.Line] {
        var lines: [Workflow.Line] = []
        for _ in 0..<dice.number(count) where linesLeft > 0 || lines.isEmpty { lines.append(line(depth: depth)) }
        return lines
    }

    private mutating func line(depth: Int) -> Workflow.Line {
        linesLeft -= 1
        let id = "\(letter)\(25 - linesLeft)"
        let known = seen
        let held = acts.filter { $0.hold != nil }.map(\.id)
        var line = Workflow.Line(id: id, kind: .wait(.span(.literal(1000))))
        let roll = dice.number(0...99)
        switch roll {
        case 0..<52: makeAct(&line)
        case 52..<60: line.kind = .approve(consent(choices: Workflow.Consent.yesOrNo))
        case 60..<66: line.kind = .task(consent(choices: ["keep", "end", "ask"]))
        case 66..<74: line.kind = .wait(wait())
        case 74..<81 where depth < 3: line.kind = .parallel(branches(2...3, depth))
        case 81..<88 where depth < 3: makeLadder(&line, depth)
        case 88..<94 where !called.isEmpty: makeCall(&line)
        case 94...: makeUndo(&line)
        default: makeAct(&line)
        }
        modify(&line)
        if !known.isEmpty, dice.chance(12) {
            line.after = !held.isEmpty && dice.chance(60) ? .hold(dice.pick(held)) : .step(dice.pick(known))
        }
        seen.append(id)
        if line.act != nil { acts.append(line) }
        return line
    }

    // MARK: Kinds

    private mutating func makeAct(_ line: inout Workflow.Line) {
        let effect = dice.pick([EffectClass.read] + EffectClass.allCases.filter(\.isWrite) + [.convergent, .keyed])
        let reads = dice.chance(70)
        let undo = effect.isWrite && dice.chance(75)
        let compared = dice.chance(50)
        var capability =
            "\(effect.rawValue)\(reads ? ".reads" : "")\(undo ? ".undo" : "")\(compared ? ".compared" : "")"
        var contract = Contract(
            effectClass: effect, readsState: reads, canUndo: undo, compared: compared ? ["active", "owner"] : nil,
            timeoutMilliseconds: 10_000)
        if effect.isWrite { promise(&contract, &capability) }
        contracts[capability] = contract
        let isItem = dice.chance(18)
        if isItem { line.each = each() }
        let arguments: Arguments
        if effect == .convergent, dice.chance(10), let other = targets.last, !isItem {
            arguments = other
        } else {
            arguments = .map([
                "target": .literal(.string("t-\(line.id)")), "item": isItem ? hole("${c}") : .literal("-"),
                "key": hole("${inputs.key}"),
            ])
        }
        if !isItem { targets.append(arguments) }
        let verify = effect.isWrite && dice.chance(65) ? condition("after.active == false") : nil
        let isUndoable = effect.isWrite && undo && dice.chance(85)
        line.kind = .act(
            Workflow.Act(
                capability: capability, arguments: arguments, verify: verify,
                undo: !effect.isWrite ? .notNeeded : isUndoable ? .byConnector : .none(because: "simulated"),
                onUnknown: effect.isWrite ? onUnknown() : .ask))
        guard effect.isWrite ? dice.chance(45) : dice.chance(3) else { return }
        line.hold = hold(isUndoable)
    }

    /// What a connector may say besides: each in the capability's name, so that one name means one contract.
    private mutating func promise(_ contract: inout Contract, _ capability: inout String) {
        if contract.readsState, dice.chance(25) {
            contract.probe = condition("after.active == false")
            capability += ".probed"
        }
        if contract.readsState, dice.chance(12) {
            contract.precondition = condition("before.active == true")
            capability += ".planned"
        }
        if contract.readsState, dice.chance(20) {
            contract.lagMilliseconds = 60_000
            capability += ".late"
        }
        if dice.chance(20) {
            contract.residual = Residual(
                of: "what was issued before", milliseconds: 3_600_000,
                endedBy: ["convergent", "convergent.reads", "convergent.undo", "convergent.reads.undo", "keyed.reads"])
            capability += ".leaves"
        }
    }

    private mutating func onUnknown() -> Workflow.OnUnknown {
        switch dice.number(0...19) {
        case 0: .accept(because: "simulated")
        case 1: .repeat(because: "simulated")
        default: .ask
        }
    }

    private mutating func hold(_ canUndo: Bool) -> Workflow.Hold {
        let thens: [Workflow.Hold.Then] = canUndo ? [.undo, .undo, .page, .keep] : [.page, .keep]
        let span: Arguments =
            dice.chance(80) ? .literal(.int(dice.pick([1, 30_000, 300_000, 14_400_000]))) : hole("${inputs.span}")
        return Workflow.Hold(
            span: span, then: dice.pick(thens), unless: dice.chance(25) ? condition(anyCondition()) : nil)
    }

    private mutating func each() -> Workflow.Each {
        Workflow.Each(list: condition("inputs.items", .any), name: "c", max: 4, parallel: dice.number(1...3))
    }

    private mutating func wait() -> Workflow.Wait {
        if dice.chance(45) {
            return .span(dice.chance(75) ? .literal(.int(dice.pick([1, 5000, 600_000]))) : hole("${inputs.span}"))
        }
        let measured = dice.chance(70)
        return .condition(
            Workflow.Until(
                condition: condition(measured ? dice.pick(Self.measured) : anyCondition()),
                measure: measured ? measure() : nil, everyMilliseconds: dice.pick([1000, 60_000]),
                forMilliseconds: dice.pick([1, 20_000, 600_000]), goesOn: dice.chance(50)))
    }

    private mutating func measure() -> Workflow.Measure {
        contracts["measure"] = Contract(effectClass: .read, readsState: false, timeoutMilliseconds: 10_000)
        return Workflow.Measure(capability: "measure", arguments: .map(["target": .literal(.string("m\(linesLeft)"))]))
    }

    private mutating func branches(_ count: ClosedRange<Int>, _ depth: Int) -> [Workflow.Branch] {
        (0..<dice.number(count)).map { Workflow.Branch(name: "b\($0)", lines: block(1...2, depth: depth + 1)) }
    }

    private mutating func makeLadder(_ line: inout Workflow.Line, _ depth: Int) {
        let measured = dice.chance(60)
        let rungs = branches(1...3, depth)
        line.kind = .ladder(
            Workflow.Ladder(
                condition: condition(measured ? dice.pick(Self.measured) : anyCondition()),
                measure: measured ? measure() : nil, rungs: rungs))
    }

    private mutating func makeCall(_ line: inout Workflow.Line) {
        let name = dice.pick(called.keys.sorted())
        if dice.chance(30) { line.each = each() }
        line.kind = .call(
            workflow: name,
            with: .map([
                "key": line.each == nil ? .literal(.string(line.id)) : hole("${c}"), "flag": hole("${inputs.flag}"),
                "items": .literal(["x", "y"]), "owner": .literal("ann"), "span": .literal("2h"),
            ]))
    }

    private mutating func makeUndo(_ line: inout Workflow.Line) {
        let names = acts.filter { $0.act?.undo == .byConnector }.map(\.id)
        guard !names.isEmpty else { return }
        line.kind = .undo(dice.chance(60) ? [dice.pick(names)] : names)
    }

    // MARK: Modifiers

    private mutating func modify(_ line: inout Workflow.Line) {
        if dice.chance(12) { line.condition = condition(anyCondition()) }
        if dice.chance(30) { line.onError = dice.pick(Workflow.OnError.allCases) }
        if dice.chance(50) {
            line.retry = Workflow.Retry(attempts: dice.number(1...4), firstMilliseconds: dice.pick([200, 2000]))
        }
        switch line.kind {
        case .act: line.withinMilliseconds = dice.pick([20_000, 300_000, 900_000])
        case .parallel, .ladder, .call, .undo:
            let spans: [Int64] = [5000, 300_000, 3_600_000]
            line.withinMilliseconds = dice.chance(30) ? dice.pick(spans) : Limits.stepWithinMillisecondsMax
        case .approve, .task, .wait: line.withinMilliseconds = Limits.stepWithinMillisecondsMax
        }
        let isQuestion =
            switch line.kind {
            case .approve, .task: true
            case .act, .wait, .parallel, .ladder, .call, .undo: false
            }
        if !isQuestion, dice.chance(12) { line.consent = consent(choices: Workflow.Consent.yesOrNo) }
    }

    private mutating func consent(choices: [String]) -> Workflow.Consent {
        let silences: [Workflow.Consent.Silence] = [
            .keep, .skip, .abort,
            .choice(choices == Workflow.Consent.yesOrNo ? Workflow.Consent.decline : dice.pick(choices)),
        ]
        return Workflow.Consent(
            by: dice.chance(80) ? .literal(["approvers", "dan"]) : hole("${inputs.owner}"),
            quorum: dice.chance(70) ? 1 : 2, excluded: dice.chance(30) ? ["bob"] : [], choices: choices,
            text: dice.chance(50) ? "is this wanted?" : nil,
            withinMilliseconds: dice.pick([60_000, 1_800_000, 7_200_000]),
            remindMilliseconds: dice.chance(40) ? 600_000 : nil,
            escalate: dice.chance(40) ? Workflow.Escalation(afterMilliseconds: 900_000, to: "leads") : nil,
            silence: dice.pick(silences))
    }

    // MARK: Expressions

    private static let measured = ["result.value >= 2", "result.value >= 4", "result.value >= 1000"]

    private mutating func anyCondition() -> String {
        var choices = ["true", "inputs.flag", "inputs.flag", "!inputs.flag"]
        if let id = seen.last { choices.append("steps.\(id).done == true") }
        return dice.pick(choices)
    }

    private func hole(_ source: String) -> Arguments { Texts.template(source) }

    private func condition(_ source: String, _ type: Schema = .bool) -> Expression { Texts.expression(source, type) }
}

extension Subject {
    static let simulated = Subject(
        kind: .credential, id: "token", provider: "world", owner: "ann", tags: [], attributes: ["login": "bot"])
}
