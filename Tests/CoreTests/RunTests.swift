// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// The run's machine, arm by arm: an input, and the events that follow from it.
@Suite
struct RunTests {
    private let revoke = LineSketch(
        id: "a", effectClass: .convergent, readsState: true, verify: "after.active == false")

    @Test func `a run is opened with its first call intended`() {
        let drive = Bench(LineSketch(id: "a", effectClass: .read)).open()
        #expect(drive.events.kinds == ["runOpened", "stepStarted", "callIntended"])
        #expect(drive.run.wake == .call)
    }

    @Test func `what a step hands in is computed from all that it names`() throws {
        let arguments: Arguments = .map([
            "of": .list([.template(template("${steps.a.result.owner} of ${inputs.credential}"))]),
            "by": .map([
                "run": .template(template("${run.id}")), "whom": .template(template("${subject.id}")),
                "always": .literal("cordon"),
            ]),
        ])
        #expect(arguments.variableNames == ["steps", "inputs", "run", "subject"])
        var drive = Bench(
            LineSketch(id: "a", effectClass: .read), LineSketch(id: "b", effectClass: .read, arguments: arguments)
        ).open()
        try drive.answer(.done(["owner": "platform"]))
        #expect(
            drive.call("b")?.arguments == [
                "of": ["platform of deploy-token"],
                "by": ["run": .string(drive.run.id.text), "whom": "deploy-token", "always": "cordon"],
            ])
    }

    @Test func `a change is read before, made, read back, and counts only when it is seen`() throws {
        var drive = Bench(revoke).open()
        #expect(drive.call()?.purpose == .before)
        try drive.answer(.active)
        #expect(drive.call()?.purpose == .act)
        try drive.answer(.done)
        #expect(drive.call()?.purpose == .readBack)
        try drive.answer(.gone)
        #expect(drive.run.step("a")?.isVerified == true)
        #expect(drive.run.ending == .completed)
        #expect(drive.run.wake == nil)
    }

    @Test func `an effect that is not seen is asked for again and then a person is asked`() throws {
        var drive = Bench(revoke).open()
        try drive.answerAll(.active, .done)
        var polls = 0
        while drive.run.ask == nil {
            try drive.answer(.active)
            polls += 1
            if drive.wait() != nil { try drive.fire() }
            try #require(polls < 1000)
        }
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.run.step("a")?.isVerified == false)
    }

    @Test(arguments: [EffectClass.read, .convergent, .keyed])
    func `an unknown outcome sends the same intent again where the class allows it`(_ kind: EffectClass) throws {
        var drive = Bench(LineSketch(id: "a", effectClass: kind)).open()
        let before = try #require(drive.call())
        #expect(try drive.answer(.cut).kinds == ["callReturned", "callRedelivered"])
        let after = try #require(drive.call())
        #expect(after.number == before.number)
        #expect(after.seal == before.seal)
        #expect(after.delivery == 2)
    }

    @Test func `an unknown outcome of an effect that must not double asks a person`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .once)).open()
        #expect(try drive.answer(.lost).kinds == ["callReturned", "runAsked"])
        #expect(drive.run.ask?.kind == .unknownOutcome)
        #expect(throws: Refusal.self) { try drive.put(.resume(step: nil, isForced: false, by: "ann", reason: "go")) }
        #expect(
            try drive.put(.resolve(step: nil, tookEffect: true, by: "ann", reason: "seen in its log")).kinds
                == ["callResolved", "stepStarted", "stepFinished", "runEnded"])
    }

    private func doubtful(_ onUnknown: String) throws -> Drive {
        var drive = try Stage.open(
            """
              - id: a
                do: challenge.send
                with: { subject: "${inputs.account}" }
                undo: none
                on_unknown: \(onUnknown)
                because: its owner only sees one more message

            """)
        try drive.answer(.lost)
        return drive
    }

    @Test func `a workflow that settles a doubt beforehand asks nobody, and says so in the history`() throws {
        let accepted = try doubtful("accept")
        #expect(accepted.last.kinds == ["callReturned", "callResolved", "stepFinished", "runEnded"])
        #expect(
            accepted.last.contains { event in
                guard case .callResolved(_, 1, true, "the workflow", let reason) = event else { return false }
                return reason.hasPrefix("its owner only sees one more message (")
            })
    }

    @Test func `a doubt that is settled by doing it anew waits, takes a new number, and has an end`() throws {
        var drive = try doubtful("repeat")
        #expect(drive.last.kinds == ["callReturned", "callResolved", "retryScheduled"])
        for number in 2...Limits.attemptsDefault {
            try drive.fire()
            #expect(drive.call()?.number == number)
            try drive.answer(.cut)
        }
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.call() == nil)
        // Any of them may have happened.
        #expect(drive.run.step("a")?.mayHaveActed == true)
    }

    @Test func `a doubt is not settled by a new act once the run is to end`() throws {
        var drive = try Stage.open(
            """
              - id: a
                do: challenge.send
                with: { subject: "${inputs.account}" }
                undo: none
                on_unknown: repeat
                because: its owner only sees one more message

            """)
        try drive.put(.cancel(undo: false, by: "ann", reason: "false alarm"))
        try drive.answer(.lost)
        #expect(drive.run.ask?.kind == .unknownOutcome)
    }

    @Test(arguments: [Outcome.gone, .active])
    func `a refusal after a delivery that nobody heard of is looked into, and not taken for the whole truth`(
        _ state: Outcome
    ) throws {
        var drive = Bench(revoke).open()
        try drive.answerAll(.active, .cut, .refused)
        #expect(drive.call()?.purpose == .probe)
        try drive.answer(state)
        guard state == .gone else {
            try drive.fire()
            try drive.answer(.refused)
            #expect(drive.run.ask?.kind == .stoppedStep)
            return #expect(drive.run.step("a")?.doubt == nil)
        }
        #expect(drive.run.step("a")?.hasActed == true)
    }

    @Test func `the outcome of an earlier delivery counts no more`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .convergent)).open()
        try drive.answer(.cut)
        #expect(drive.call()?.delivery == 2)
        #expect(throws: Refusal(.noSuchCall, "\(drive.run.id)/a#1 was sent again since: delivery 2 is open")) {
            try drive.put(.callReturned(step: "a", number: 1, delivery: 1, .done))
        }
        #expect(drive.run.isLive)
    }

    @Test func `a run that is cancelled while a call is in doubt ends only when a person has said what it was`() throws
    {
        var drive = Bench(LineSketch(id: "a", effectClass: .once), LineSketch(id: "b", effectClass: .read)).open()
        try drive.answer(.lost)
        #expect(try drive.put(.cancel(undo: false, by: "ann", reason: "false alarm")).kinds == ["runConcluded"])
        #expect(drive.run.ask?.kind == .unknownOutcome)
        try drive.put(.resolve(step: nil, tookEffect: true, by: "ann", reason: "seen in its log"))
        #expect(drive.run.ending == .cancelled)
        #expect(drive.run.step("b")?.phase == .pending)
    }

    @Test func `what did not take effect is intended anew under a new number`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .once)).open()
        try drive.answer(.lost)
        try drive.put(.resolve(step: nil, tookEffect: false, by: "ann", reason: "not in its log"))
        #expect(drive.call()?.number == 2)
    }

    @Test(arguments: [(Outcome.gone, "read_back"), (Outcome.active, "act")])
    func `a probe decides what an unknown outcome was`(_ answer: Outcome, _ next: String) throws {
        var drive = Bench(
            LineSketch(id: "a", effectClass: .probeable, readsState: true, verify: "after.active == false")
        ).open()
        try drive.answerAll(.active, .cut)
        #expect(drive.call()?.purpose == .probe)
        try drive.answer(answer)
        // What did not happen is tried anew after a wait, not at once.
        if next == "act" { try drive.fire() }
        #expect(drive.call()?.purpose.rawValue == next)
    }

    @Test(arguments: [Outcome.gone, .active])
    func `a probe resolves the act in doubt, not itself`(_ answer: Outcome) throws {
        var drive = Bench(
            LineSketch(id: "a", effectClass: .probeable, readsState: true, verify: "after.active == false")
        ).open()
        try drive.answer(.active)
        let act = try #require(drive.call())
        try drive.answer(.cut)
        #expect(drive.call()?.number == act.number + 1)
        let resolved = try drive.answer(answer).compactMap { event in
            if case .callResolved(_, let number, _, _, _) = event { number } else { nil }
        }
        #expect(resolved == [act.number])
    }

    @Test func `a provider that asks to wait is left alone that long, and no longer than its tries`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .convergent)).open()
        try drive.answer(Outcome(.later, status: 429, retryAfterMilliseconds: 7000))
        #expect(drive.wait()?.until == Instant.start.adding(milliseconds: 7000))
        #expect(drive.run.dueAt == drive.wait()?.until)
        try drive.fire()
        try drive.answer(.busy)
        try drive.fire()
        try drive.answer(.busy)
        #expect(drive.run.ask?.kind == .stoppedStep)
    }

    @Test func `a late or repeated outcome is refused`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .read), LineSketch(id: "b", effectClass: .read)).open()
        try drive.answer(.done)
        #expect(throws: Refusal.self) { try drive.put(.callReturned(step: "a", number: 1, .done)) }
    }

    @Test func `a cancelled run waits for its open call and ends then`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .convergent), LineSketch(id: "b", effectClass: .read)).open()
        #expect(try drive.put(.cancel(undo: false, by: "ann", reason: "false alarm")).kinds == ["runConcluded"])
        try drive.answer(.done)
        #expect(drive.run.ending == .cancelled)
    }

    @Test func `a request that can't be built stops the step before anything is sent`() {
        let drive = Bench(
            LineSketch(id: "a", effectClass: .convergent), sealer: FixedSealer(unbuildableSteps: ["a"])
        ).open()
        #expect(drive.events.kinds == ["runOpened", "stepStarted", "stepStopped", "runAsked"])
    }

    @Test func `a proposal does nothing until a person lets it go on`() throws {
        var drive = Bench(LineSketch(id: "a", effectClass: .read)).open(gate: Run.Ask(kind: .proposal, reason: "mode"))
        #expect(drive.run.commands.isEmpty)
        #expect(drive.run.wake == .person)
        try drive.put(.resume(step: nil, isForced: false, by: "ann", reason: "go"))
        #expect(drive.call() != nil)
    }

    /// Random workflows, outcomes, people and crashes: after every commit the promises hold.
    @Test(arguments: 0..<400)
    func `folding the events gives the run, and no live run waits for nothing`(_ seed: Int) throws {
        var dice = Dice(UInt64(seed))
        let lines = (0..<Int.random(in: 1...4, using: &dice)).map { index in
            LineSketch(
                id: "s\(index)", effectClass: EffectClass.allCases.randomElement(using: &dice) ?? .read,
                readsState: Bool.random(using: &dice),
                condition: ["true", "steps.s0.done == true", nil].randomElement(using: &dice) ?? nil,
                verify: ["after.active == false", nil].randomElement(using: &dice) ?? nil)
        }
        var drive = Bench(lines: lines).open()
        for _ in 0..<200 where drive.run.isLive {
            try drive.turn(&dice)
            try expectSound(drive)
        }
    }

    private func expectSound(_ drive: Drive) throws {
        let folded = try #require(Run.fold(drive.history))
        #expect(folded == drive.run)
        #expect(try Run(drive.run.value) == drive.run)
        #expect(drive.run.number == drive.history.count)
        #expect(drive.run.isLive == (drive.run.wake != nil))
        for (_, event) in drive.history { #expect(try Event(kind: event.kind, event.value) == event) }
        var intended: Set<String> = []
        for case .callIntended(let step, let call) in drive.events {
            #expect(intended.insert("\(step)#\(call.number)").inserted, "an intent's number was used twice")
        }
        for case .callRedelivered(let step, let number, _, _) in drive.events {
            for case .callIntended(step, let call) in drive.events where call.number == number {
                #expect(call.redeliveryClass.mayBeRedelivered, "an effect that must not double was sent again")
            }
        }
    }
}

/// SplitMix64: one number replays a run.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Drive {
    /// Some input that could come now: an answer, a timer, a person, or the loss of the process.
    mutating func turn(_ dice: inout Dice) throws {
        let outcomes: [Outcome] = [.done, .active, .gone, .gone, .cut, .busy, .refused, .lost]
        let outcome = outcomes.randomElement(using: &dice) ?? .done
        now = now.adding(milliseconds: Int64.random(in: 0...3000, using: &dice))
        for command in run.commands {
            switch command {
            case .perform(let step, let call):
                if Int.random(in: 0..<12, using: &dice) == 0 {
                    try putUnlessRefused(.cancel(undo: false, by: "ann", reason: "stop"))
                }
                return try putUnlessRefused(
                    .callReturned(step: step, number: call.number, delivery: call.delivery, outcome))
            case .wake(let at):
                now = max(now, at)
                return try putUnlessRefused(.timerFired)
            }
        }
        try putUnlessRefused(.resolve(step: nil, tookEffect: Bool.random(using: &dice), by: "ann", reason: "looked"))
        try putUnlessRefused(.resume(step: nil, isForced: false, by: "ann", reason: "go"))
    }

    /// A refusal must change nothing.
    private mutating func putUnlessRefused(_ input: RunInput) throws {
        let before = run
        do { try put(input) } catch {
            guard run == before else { throw Refusal(.wrongPhase, "a refused input changed the run") }
        }
    }
}
