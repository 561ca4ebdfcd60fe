// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// A change is proved by what the subject holds: used before it, and used again after it.
@Suite struct RunProofTests {
    private static let revoke = """
          - id: stop
            do: tokens.revoke
            with: { credential: "${inputs.account}" }
            within: 1m
            undo: none
            because: a person looks at it

        """
    private static let works: Outcome = .done(["works": true])
    private static let refused: Outcome = .done(["works": false])

    private func open(
        asksItself: Bool = true, works: String = "seen.works == true", expects: ProofRule.Expectation = .refused,
        readsState: Bool = true, probe: String? = "after.enabled == false", lag: Int64? = nil
    ) throws -> Drive {
        let rule = ProofRule(
            asksItself: asksItself,
            works: try Expression.compile(works, variables: ["seen": .any, "with": .any], expecting: .bool),
            expects: expects)
        let shown = try probe.map {
            try Expression.compile($0, variables: ["before": .any, "after": .any, "with": .any], expecting: .bool)
        }
        var contracts = Stage.contracts
        contracts["tokens.revoke"] = Contract(
            effectClass: .convergent, readsState: readsState, probe: shown, proof: rule, lagMilliseconds: lag)
        return try Stage.open(Self.revoke, contracts: contracts)
    }

    private func reason(_ drive: Drive) -> String? {
        guard case .runEnded(.completed, let reason)? = drive.events.last else { return nil }
        return reason
    }

    @Test func `what worked before and is refused after proves the change, and the control comes first`() throws {
        var drive = try open()
        var purposes: [String] = []
        for outcome in [Self.works, .enabled, .done, .disabled, Self.refused] {
            purposes += drive.open
            try drive.answer(outcome, "stop")
        }
        #expect(purposes == ["control", "before", "act", "read_back", "verify"].map { "stop \($0)" })
        let step = try #require(drive.run.step("stop"))
        #expect(step.proof == Step.Proof(.inEffect, "worked before, is refused now"))
        #expect(step.control == ["works": true] && step.seen == ["works": false])
        #expect(step.phase == .finished && step.isVerified)
        #expect(reason(drive) == "every step is done")
        #expect(try Run(drive.run.value) == drive.run)
        #expect(Run.fold(drive.history) == drive.run)
    }

    @Test func `what did not work before proves nothing, and the run's end says so`() throws {
        var drive = try open()
        for outcome in [Self.refused, .enabled, .done, .disabled] { try drive.answer(outcome, "stop") }
        let step = try #require(drive.run.step("stop"))
        #expect(step.proof == Step.Proof(.nothing, "did not work before"))
        #expect(step.proof?.text == "proved nothing: did not work before")
        #expect(step.isVerified, "the provider shows it all the same")
        #expect(reason(drive) == "every step is done; proved nothing: stop did not work before")
    }

    @Test func `containment waits for no control that can't be taken`() throws {
        let lacking: [Outcome] = [
            Outcome(.refused, reason: "not sent: the inventory has no secret 'token'"),
            Outcome(.later, reason: "too many requests", retryAfterMilliseconds: 60_000),
            Outcome(.unknown, reason: "no answer"), .lost,
        ]
        for outcome in lacking {
            var drive = try open()
            // What a crash took is asked for anew, a few times.
            while drive.open == ["stop control"] { try drive.answer(outcome, "stop") }
            #expect(drive.open == ["stop before"], "\(outcome)")
            for outcome in [Outcome.enabled, .done, .disabled] { try drive.answer(outcome, "stop") }
            #expect(drive.run.step("stop")?.proof?.verdict == .noControl)
            #expect(drive.run.step("stop")?.phase == .finished)
            #expect(reason(drive) == "every step is done")
            #expect(try #require(drive.run.step("stop")).calls <= 4 + 2)
        }
    }

    @Test func `what still works is tried again until the provider's time is up, and then a person is asked`() throws {
        var drive = try open(lag: 120_000)
        for outcome in [Self.works, .enabled, .done, .disabled] { try drive.answer(outcome, "stop") }
        let until = drive.now.adding(milliseconds: 120_000)
        #expect(drive.run.step("stop")?.proofUntil == until)
        var looks = 0
        while drive.open == ["stop verify"] {
            looks += 1
            try drive.answer(Self.works, "stop")
            guard let due = drive.run.dueAt else { break }
            #expect(due <= until, "no look is after the end")
            try drive.advance(milliseconds: due.since(drive.now))
        }
        #expect(drive.now == until, "the last look is at the end, beyond the step's own minute")
        #expect((5..<30).contains(looks))
        let step = try #require(drive.run.step("stop"))
        #expect(step.phase == .stopped)
        #expect(step.proof?.verdict == .notInEffect)
        #expect(step.proof?.reason.hasPrefix("not in effect after 120 s") == true)
        #expect(step.ask?.reason == step.proof?.reason)

        // A person has it looked at again: from now on the provider has its time anew.
        try drive.put(.resume(step: "stop", isForced: false, by: "ann", reason: "the provider is back"))
        #expect(drive.open == ["stop read_back"])
        try drive.answer(.disabled, "stop")
        try drive.answer(Self.refused, "stop")
        #expect(drive.run.step("stop")?.proof?.verdict == .inEffect)
        #expect(Run.fold(drive.history) == drive.run)
    }

    @Test func `a state that shows it later is waited for as long as the provider takes, not as the step has`() throws {
        for (lag, isIn) in [(Int64(300_000), true), (20_000, false)] {
            var drive = try open(lag: lag)
            for outcome in [Self.works, .enabled, .done] { try drive.answer(outcome, "stop") }
            let began = drive.now
            while drive.open == ["stop read_back"], drive.now.since(began) < 200_000 {
                try drive.answer(.enabled, "stop")
                guard let due = drive.run.dueAt else { break }
                try drive.advance(milliseconds: due.since(drive.now))
            }
            #expect((drive.run.step("stop")?.phase == .stopped) == !isIn, "\(lag)")
            if !isIn { #expect(drive.run.step("stop")?.ask?.reason.hasPrefix("not in effect after 20 s") == true) }
        }
    }

    @Test func `where the state's own request presents what the subject holds, nothing more is asked`() throws {
        var drive = try open(asksItself: false, works: "seen.enabled == true")
        try drive.change("stop", from: .enabled, to: .disabled)
        #expect(drive.run.step("stop")?.proof?.verdict == .inEffect)
        #expect(drive.run.step("stop")?.calls == 3)

        var dead = try open(asksItself: false, works: "seen.enabled == true")
        try dead.change("stop", from: .disabled, to: .disabled)
        #expect(dead.run.step("stop")?.proof == Step.Proof(.nothing, "did not work before"))
        #expect(reason(dead) == "every step is done; proved nothing: stop did not work before")
    }

    @Test func `what is given back was refused before and works after`() throws {
        var drive = try open(expects: .works, probe: "after.enabled == true")
        for outcome in [Self.refused, .disabled, .done, .enabled, Self.works] { try drive.answer(outcome, "stop") }
        #expect(drive.run.step("stop")?.proof == Step.Proof(.inEffect, "was refused before, works now"))
        var idle = try open(expects: .works, probe: "after.enabled == true")
        for outcome in [Self.works, .disabled, .done, .enabled] { try idle.answer(outcome, "stop") }
        #expect(idle.run.step("stop")?.proof == Step.Proof(.nothing, "worked before already"))
    }

    @Test func `a use that gives no answer proves nothing before, and asks a person after`() throws {
        var before = try open(works: "seen.status > 3")
        for outcome in [Outcome.done(["status": "x"]), .enabled, .done, .disabled] {
            try before.answer(outcome, "stop")
        }
        #expect(before.run.step("stop")?.proof?.verdict == .nothing)
        var after = try open(works: "seen.status > 3")
        for outcome in [.done(["status": 4]), .enabled, .done, .disabled, Outcome.done(["status": "x"])] {
            try after.answer(outcome, "stop")
        }
        #expect(after.run.step("stop")?.ask?.reason.hasPrefix("the proof gave no answer") == true)
    }

    @Test func `a capability without a state is proved all the same`() throws {
        var drive = try open(readsState: false, probe: nil)
        for outcome in [Self.works, .done, Self.refused] { try drive.answer(outcome, "stop") }
        #expect(drive.run.step("stop")?.isVerified == true)
        #expect(drive.run.step("stop")?.proof?.verdict == .inEffect)
    }

    @Test func `a control from before a halt is taken anew: what merely expired proves nothing`() throws {
        var drive = try open()
        try drive.answer(Self.works, "stop")
        drive.halts = Halts([.everything])
        try drive.answer(.enabled, "stop")
        #expect(drive.run.wake == .halt)
        drive.now = drive.now.adding(milliseconds: 172_800_000)
        drive.halts = .none
        try drive.put(.timerFired)
        #expect(drive.open == ["stop control"])
        for outcome in [Self.refused, .enabled, .done, .disabled] { try drive.answer(outcome, "stop") }
        #expect(drive.run.step("stop")?.proof?.verdict == .nothing)
    }

    @Test func `what a provider took and does not show yet is undone all the same`() throws {
        let shown = try Expression.compile(
            "after.enabled == false", variables: ["before": .any, "after": .any, "with": .any], expecting: .bool)
        var contracts = Stage.contracts
        contracts["account.suspend"] = Contract(
            effectClass: .convergent, readsState: true, canUndo: true, probe: shown, lagMilliseconds: 300_000)
        let steps = """
              - id: stop
                do: account.suspend
                with: { account: "${inputs.account}" }
                hold: { for: 2h, then: undo }

            """
        var drive = try Stage.open(steps, contracts: contracts)
        try drive.answerAll(.enabled, .done, .enabled, on: "stop")
        try drive.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        var late = drive
        try drive.answer(.enabled, "undo:stop")
        #expect(drive.open == ["undo:stop undo"])
        // It shows while nobody looks: that is the run's own doing, and nobody else's.
        try late.answer(.disabled, "undo:stop")
        #expect(late.open == ["undo:stop undo"])
        // In doubt it is asked about until the provider must have shown it.
        var doubted = try Stage.open(steps, contracts: contracts)
        try doubted.answer(.enabled, "stop")
        try doubted.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        try doubted.answer(.cut, "stop")
        #expect(doubted.open == ["stop probe"])
        try doubted.answer(.enabled, "stop")
        #expect(doubted.wait("stop")?.purpose == .probe || doubted.open == ["undo:stop before"])
        #expect(doubted.run.ending == nil)
    }

}
