// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit

extension Simulation {
    /// Something happens: most often what is due, sometimes what nobody wished for.
    mutating func turn() async {
        switch dice.number(0...99) {
        case 0..<4: if plant == nil { await crash() }
        case 4..<6: leapInTime()
        case 6..<9: await toggleHalt()
        case 9..<11: record.world.foreignChange(&dice)
        case 11..<14: await repeatOutcome()
        case 14..<16: await put(.timerFired)
        case 16..<17: await sweep()
        case 17: await put(.begin)
        case 18..<33: await speakWildly()
        default: await goOn()
        }
    }

    private mutating func leapInTime() {
        now = now.adding(milliseconds: dice.chance(50) ? 3_600_000 : -3_600_000)
        note("the clock leaps")
    }

    private mutating func toggleHalt() async {
        if halts == .none {
            halts = Halts([dice.pick([.everything, .playbook("simulated"), .provider("world"), .provider("other")])])
            let words = halts.scopes.map(\.text)
            note("halt \(words)")
        } else {
            await liftHalts()
        }
    }

    mutating func liftHalts() async {
        halts = .none
        note("halts are lifted")
        await put(.timerFired)
    }

    /// An outcome comes a second time, late: its call is not open any more, or was sent again and is in hand.
    private mutating func repeatOutcome() async {
        guard !delivered.isEmpty else { return }
        let old = dice.pick(delivered)
        let isInHand = errands.contains { $0.step == old.step && $0.call.number == old.call.number }
        if !isInHand {
            await put(.callReturned(step: old.step, number: old.call.number, delivery: old.call.delivery, old.outcome))
        }
    }

    /// What is due next happens, not always in the order of time.
    mutating func goOn() async {
        if errands.isEmpty, timer == nil {
            await sweep()
            if errands.isEmpty, timer == nil {
                now = now.adding(milliseconds: 60_000)
                if isFaulty { await speakSensibly() }
                return
            }
        }
        let earliest = errands.indices.min { errands[$0].dueAt < errands[$1].dueAt }
        let isReordered = isFaulty && errands.count > 1 && dice.chance(30)
        guard let index = isReordered ? dice.pick(Array(errands.indices)) : earliest,
            timer.map({ errands[index].dueAt <= $0 }) ?? true || isReordered
        else { return await fire() }
        now = max(now, errands[index].dueAt)
        if errands[index].outcome == nil { send(index) } else { await deliver(index) }
    }

    private mutating func fire() async {
        // People often answer before time does.
        if isFaulty, run?.asks.isEmpty == false, dice.chance(60) { return await speakSensibly() }
        if plant == .finishes, !isFaulty { return }
        now = max(now, timer ?? now)
        timer = nil
        await put(.timerFired)
    }

    // MARK: The end

    /// The faults stop, people are patient: the run must end.
    mutating func calmDown() async {
        isFaulty = false
        note("the faults stop")
        await liftHalts()
        var tries: [String: Int] = [:]
        // A condition that is looked at each second, under a clock that leapt back, takes thousands of turns.
        for _ in 0..<12_000 where !isOver {
            guard let run = folded, run.isLive else { return }
            if run.isQueued {
                await put(.begin)
                continue
            }
            let isMoving = !errands.isEmpty || run.commands.contains(where: \.isPerform)
            // What people say may be lost with a process: they say it again.
            if !isMoving, let ask = run.asks.first(where: { tries["\($0)", default: 0] < 12 }) {
                tries["\(ask)", default: 0] += 1
                await speakPatiently(ask, try: tries["\(ask)", default: 0])
            } else {
                await goOn()
            }
        }
        guard !isOver, let run = folded else { return }
        let steps = run.steps.filter { !$0.hasEnded }.map { "\($0.id): \($0.phase)" }.joined(separator: "; ")
        violate(.finishes, "nothing ends it: wake \(run.wake?.word ?? "none"), asks \(run.asks), open \(steps)")
    }
}

extension Command {
    var isPerform: Bool { if case .perform = self { true } else { false } }
}
