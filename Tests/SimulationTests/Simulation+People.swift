// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit

extension Simulation {
    private static let people = [
        Person(name: "ann", groups: ["approvers"]), Person(name: "bob", groups: ["approvers"]),
        Person(name: "cid", groups: ["approvers", "leads"]), Person(name: "dan"),
        Person(name: "eve", groups: ["leads"]),
    ]

    // MARK: As people should

    mutating func speakSensibly() async {
        guard let run, !run.asks.isEmpty else { return }
        await speakPatiently(dice.pick(run.asks), try: dice.number(1...3))
    }

    /// Answers what is asked. What failed is tried anew a few times, then left.
    mutating func speakPatiently(_ ask: Run.Ask, try number: Int) async {
        let step = ask.step ?? ""
        switch ask.kind {
        case .proposal, .paused: await put(.resume(step: nil, isForced: false, by: "ann", reason: "go on"))
        case .undecided: await put(.cancel(undo: false, by: "ann", reason: "nothing certain"))
        case .unknownOutcome: await resolve(step)
        case .stoppedStep where number < 3, .undoConflict where number < 2:
            await put(.resume(step: step, isForced: false, by: "ann", reason: "again"))
        case .undoConflict where dice.chance(50):
            record.wasUndoOverruled = true
            await put(.resume(step: step, isForced: true, by: "ann", reason: "all the same"))
        case .stoppedStep, .undoConflict: await skip(step)
        case .holdEnded:
            await put(.endHold(step: step, keep: number > 1 || dice.chance(50), by: "ann", reason: "looked"))
        case .question: await answer(step)
        case .queued: await put(.begin)
        }
    }

    private mutating func skip(_ id: String) async {
        if id.hasPrefix(Step.undoPrefix) { record.wasUndoOverruled = true }
        await put(.skip(step: id, by: "ann", reason: "leave it"))
    }

    /// By the provider's books, unless this is a world in which people err.
    private mutating func resolve(_ id: String?) async {
        let doubtful = run?.steps.compactMap { step -> (String, Int)? in
            if case .uncertain(let call) = step.phase { (step.id, call.number) } else { nil }
        }
        guard let (step, number) = doubtful?.first(where: { id == nil || $0.0 == id }) else { return }
        var tookEffect = record.world.tookEffect(step, number)
        if !record.isTruthful { tookEffect = dice.chance(50) }
        if plant == .notDoubled { tookEffect = false }
        await put(.resolve(step: step, tookEffect: tookEffect, by: "ann", reason: "looked"))
    }

    private mutating func answer(_ id: String) async {
        guard case .asking(let question)? = run?.step(id)?.phase else { return }
        for person in Self.people where !question.answers.contains(where: { $0.by == person.name }) {
            let choice = question.choices[dice.chance(80) ? 0 : dice.number(0...question.choices.count - 1)]
            let refusal = await put(
                .answer(step: id, person, choice: choice, shown: question.shown, reason: "because"))
            if refusal == nil { return }
        }
    }

    // MARK: As people do

    mutating func speakWildly() async {
        guard let run, let id = run.steps.isEmpty ? nil : dice.pick(run.steps).id else { return }
        switch dice.number(0...26) {
        case 0..<6: await speakSensibly()
        case 6: await put(.resume(step: nil, isForced: false, by: "bob", reason: "go"))
        case 7, 8: await resume(run)
        case 9, 10: await skipSome(run)
        case 11: await put(.pause(by: "bob", reason: "wait"))
        case 12: if dice.chance(15) { await put(.cancel(undo: false, by: "bob", reason: "enough")) }
        case 13: if dice.chance(30) { await put(.cancel(undo: true, by: "bob", reason: "wrong")) }
        case 14: await resolve(nil)
        case 15: if dice.chance(25) { await put(.undo(steps: nil, by: "bob", reason: "wrong")) }
        case 16, 17: await undoSome(run, id)
        case 18...20: await changeHold(run, id)
        case 21...24: await answerWrongly(run, id)
        case 25: await put(.migrate)
        default:
            let alert = AlertID(stem: "0\(dice.number(2...4))")
            await put(.join(alert.signal(1), alert))
        }
    }

    private mutating func resume(_ run: Run) async {
        let stopped = run.steps.filter { $0.phase == .stopped }.map(\.id)
        guard !stopped.isEmpty else { return }
        let isForced = dice.chance(20)
        if isForced { record.wasUndoOverruled = true }
        await put(.resume(step: dice.pick(stopped), isForced: isForced, by: "bob", reason: "again"))
    }

    private mutating func skipSome(_ run: Run) async {
        let stopped = run.steps.filter { $0.phase == .stopped }.map(\.id)
        if !stopped.isEmpty, dice.chance(60) { await skip(dice.pick(stopped)) }
    }

    private mutating func undoSome(_ run: Run, _ id: String) async {
        let acted = run.steps.filter(\.hasActed).map(\.id)
        await put(.undo(steps: [acted.isEmpty ? id : dice.pick(acted)], by: "bob", reason: "this one"))
    }

    private mutating func changeHold(_ run: Run, _ id: String) async {
        let held = run.steps.filter { $0.hold != nil }.map(\.id)
        let step = held.isEmpty ? id : dice.pick(held)
        if dice.chance(50) {
            await put(.endHold(step: step, keep: dice.chance(40), by: "bob", reason: "early"))
        } else {
            let span = dice.pick([-1000, 60_000, 7_200_000, Limits.holdMillisecondsMax + 1])
            await put(
                .extendHold(step: step, until: now.adding(milliseconds: span), by: "bob", reason: "longer"))
        }
    }

    /// With a stale digest, a choice that there is not, by one who may not, or of a step that asks nothing.
    private mutating func answerWrongly(_ run: Run, _ id: String) async {
        let asking = run.steps.compactMap { step -> (String, Question)? in
            if case .asking(let question) = step.phase { (step.id, question) } else { nil }
        }
        guard !asking.isEmpty else {
            await put(.answer(step: id, dice.pick(Self.people), choice: "approve", shown: "", reason: "guess"))
            return
        }
        let (step, question) = dice.pick(asking)
        await put(
            .answer(
                step: step, dice.pick(Self.people),
                choice: dice.chance(85) ? dice.pick(question.choices) : "perhaps",
                shown: dice.chance(85) ? question.shown : "sha256:stale", reason: "wild"))
    }
}
