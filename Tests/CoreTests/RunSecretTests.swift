// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// A secret that a step issued is in memory alone: what the run does when it is there no more.
@Suite
struct RunSecretTests {
    private static let contracts: [String: Contract] = [
        "credential.issue": Contract(
            effectClass: .probeable, readsState: true, canUndo: true,
            probe: try? Expression.compile(
                "after.keys.exists(k, !(k in before.keys))", variables: ["after": .any, "before": .any, "with": .any],
                expecting: .bool),
            issuesSecret: true, undoTakesResult: true),
        "credential.prove": Contract(effectClass: .read, readsState: false),
        "secret.deliver": Contract(effectClass: .convergent, readsState: false),
    ]
    private let steps = """
          - { id: renew, do: credential.issue, with: { subject: "${inputs.account}" } }
          - { id: works, do: credential.prove, with: { credential: a, secret: "${steps.renew.result.secret}" } }
          - id: deliver
            do: secret.deliver
            with: { to: store, secret: "${steps.renew.result.secret}" }
            undo: none
            because: a test

        """

    private static func keys(_ names: String...) -> Outcome { .done(["keys": .array(names.map(Value.string))]) }
    private static let gone: Outcome = {
        var outcome = Outcome(.refused, reason: "not sent: the secret is in memory no more")
        outcome.lacksSecret = true
        return outcome
    }()

    private func issued(_ drive: Drive) throws -> Outcome {
        let number = try #require(drive.call("renew")).number
        return .done([
            "secret": .string(Value.handle(ofCall: "\(drive.run.id)/renew#\(number)")), "credential": ["id": "new"],
        ])
    }

    /// The key is issued and proved, and its delivery is on its way.
    private func delivering() throws -> Drive {
        var drive = try Stage.open(steps, contracts: Self.contracts)
        try drive.answer(Self.keys("old"), "renew")
        try drive.answer(try issued(drive), "renew")
        try drive.answer(Self.keys("old", "new"), "renew")
        try drive.answer(.done, "works")
        #expect(drive.open == ["deliver act"])
        return drive
    }

    @Test func `a secret that is gone before its delivery is taken back, issued anew, proved anew and delivered`()
        throws
    {
        var drive = try delivering()
        let first = try #require(drive.call("deliver")?.arguments.secretHandle)
        #expect(try drive.answer(Self.gone, "deliver").kinds.contains("secretLost"))
        #expect(drive.open == ["undo:renew before"])
        #expect(drive.run.wake == .call)
        try drive.answer(Self.keys("old", "new"), "undo:renew")
        #expect(drive.call("undo:renew")?.arguments["result"]?["credential"] == ["id": "new"])
        try drive.answer(.done, "undo:renew")
        #expect(try drive.answer(Self.keys("old"), "undo:renew").kinds.contains("stepReopened"))
        #expect(drive.open == ["renew before"])
        try drive.answer(Self.keys("old"), "renew")
        try drive.answer(try issued(drive), "renew")
        try drive.answer(Self.keys("old", "newer"), "renew")
        try drive.answer(.done, "works")
        let second = try #require(drive.call("deliver")?.arguments.secretHandle)
        #expect(first != second)
        try drive.answer(.done, "deliver")
        #expect(drive.run.ending == .completed)
        #expect(Run.fold(drive.history) == drive.run)
    }

    @Test func `an issue whose answer was lost is found by a probe, taken back and done anew`() throws {
        var drive = try Stage.open(steps, contracts: Self.contracts)
        try drive.answer(Self.keys("old"), "renew")
        try drive.answer(.cut, "renew")
        #expect(drive.open == ["renew probe"])
        try drive.answer(Self.keys("old", "new"), "renew")
        #expect(drive.events.kinds.contains("secretLost"))
        try drive.answer(Self.keys("old", "new"), "undo:renew")
        #expect(drive.call("undo:renew")?.arguments["live"] == ["keys": ["old", "new"]])
        try drive.answer(.done, "undo:renew")
        try drive.answer(Self.keys("old"), "undo:renew")
        #expect(drive.open == ["renew before"])
        #expect(drive.run.step("renew")?.isLost == false)
    }

    @Test func `one that did not happen is done anew, and nothing is taken back`() throws {
        var drive = try Stage.open(steps, contracts: Self.contracts)
        try drive.answer(Self.keys("old"), "renew")
        try drive.answer(.cut, "renew")
        try drive.answer(Self.keys("old"), "renew")
        try drive.fire("renew")
        #expect(drive.open == ["renew act"])
        #expect(!drive.events.kinds.contains("secretLost"))
    }

    @Test func `what another step has handed on is not taken back by itself: a person is asked`() throws {
        let twice =
            steps + """
                  - id: also
                    do: secret.deliver
                    with: { to: other, secret: "${steps.renew.result.secret}" }
                    undo: none
                    because: a test

                """
        var drive = try Stage.open(twice, contracts: Self.contracts)
        try drive.answer(Self.keys("old"), "renew")
        try drive.answer(try issued(drive), "renew")
        try drive.answer(Self.keys("old", "new"), "renew")
        try drive.answer(.done, "works")
        try drive.answer(.done, "deliver")
        try drive.answer(Self.gone, "also")
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.run.ask?.reason.contains("step 'deliver' had handed it on") == true)
        #expect(drive.run.step("renew")?.isLost == false)
    }

    @Test func `a run that is cancelled meanwhile still takes back what nobody has, and issues nothing`() throws {
        var drive = try delivering()
        try drive.answer(Self.gone, "deliver")
        try drive.put(.cancel(undo: false, by: "ann", reason: "a false alarm"))
        #expect(drive.run.isLive)
        try drive.answer(Self.keys("old", "new"), "undo:renew")
        try drive.answer(.done, "undo:renew")
        try drive.answer(Self.keys("old"), "undo:renew")
        #expect(drive.run.ending == .cancelled)
        #expect(!drive.events.kinds.contains("stepReopened"))
    }

    @Test func `a crash loop is bounded by the calls of a step`() throws {
        var drive = try delivering()
        var rounds = 0
        while drive.run.ask == nil, rounds < Limits.callsPerStepMax {
            rounds += 1
            try drive.answer(Self.gone, "deliver")
            for outcome in [Self.keys("old", "new"), .done, Self.keys("old")] where drive.call("undo:renew") != nil {
                try drive.answer(outcome, "undo:renew")
            }
            guard drive.call("renew") != nil else { continue }
            try drive.answer(Self.keys("old"), "renew")
            guard drive.call("renew") != nil else { continue }
            try drive.answer(try issued(drive), "renew")
            guard drive.call("renew") != nil else { continue }
            try drive.answer(Self.keys("old", "new"), "renew")
            guard drive.call("works") != nil else { continue }
            try drive.answer(.done, "works")
        }
        #expect(drive.run.ask?.reason.contains("callsPerStepMax") == true, "\(drive.run.ask?.reason ?? "none")")
    }

    @Test func `a step that is lost is stored, and read back the same`() throws {
        var drive = try delivering()
        try drive.answer(Self.gone, "deliver")
        let step = try #require(drive.run.step("renew"))
        #expect(step.isLost)
        let run = try Run(drive.run.value)
        #expect(run == drive.run)
    }
}
