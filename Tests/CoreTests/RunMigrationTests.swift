// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

/// A waiting run is moved to another version of its workflow by a person, or every reason against it is told.
@Suite
struct RunMigrationTests {
    private let first = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            verify: after.enabled == false
            hold: { for: 4h, then: undo }
          - id: judge
            approve: { by: ann, within: 4h, on_timeout: keep }
          - id: reduce
            do: scopes.reduce
            with: { subject: "${inputs.account}", keep: [] }
            hold: { for: 1h, then: keep }

        """

    /// The run suspended the account, holds it, and asks.
    private func waiting() throws -> Drive {
        var drive = try Stage.open(first)
        try drive.change("stop", from: .enabled, to: .disabled)
        #expect(drive.question("judge") != nil)
        return drive
    }

    private func migrate(
        _ drive: Drive, to steps: String, _ order: MigrationOrder = MigrationOrder(by: "ann", reason: "a new owner"),
        contracts: [String: Contract] = Stage.contracts
    ) throws -> Result<Transition, MigrationRefusal> {
        var workflow = try Stage.workflow("contain", steps)
        workflow.digest = "sha256:next"
        let new = RunDefinition(workflow: workflow, contracts: contracts, sealer: FixedSealer())
        return drive.run.migrate(from: drive.definition, to: new, called: [], order, at: drive.now)
    }

    private func reasons(_ result: Result<Transition, MigrationRefusal>) -> [String] {
        if case .failure(let refusal) = result { refusal.reasons } else { [] }
    }

    @Test func `a waiting run goes on under the new text, with what it holds and a question asked anew`() throws {
        let drive = try waiting()
        let next = first.replacingOccurrences(of: "id: judge", with: "id: decide")
            .replacingOccurrences(of: "by: ann", with: "by: ben")
        let order = MigrationOrder(renamed: ["judge": "decide"], by: "ann", reason: "ann has left")
        let moved = try migrate(drive, to: next, order).get()
        #expect(moved.events.kinds == ["runMigrated", "stepStarted", "questionAsked"])
        #expect(moved.run.workflow.digest == "sha256:next")
        #expect(moved.run.step("judge") == nil)
        #expect(moved.run.step("stop")?.hold?.state == .standing)
        guard case .asking(let question)? = moved.run.step("decide")?.phase else {
            Issue.record("the new question is not asked")
            return
        }
        #expect(question.by == ["ben"])
        #expect(moved.run.wake != nil)
    }

    /// The run has read the account's state, and a halt keeps its change waiting.
    private func halted() throws -> Drive {
        var drive = try Stage.open(first)
        drive.halts = Halts([.everything])
        try drive.answer(.enabled, "stop")
        #expect(drive.run.wake == .halt)
        return drive
    }

    @Test func `what a halt keeps waiting is moved, and begins anew under the new text`() throws {
        let drive = try halted()
        var workflow = try Stage.workflow("contain", first.replacingOccurrences(of: "for: 4h", with: "for: 2h"))
        workflow.digest = "sha256:next"
        let new = RunDefinition(workflow: workflow, contracts: Stage.contracts, sealer: FixedSealer())
        let moved = try drive.run.migrate(
            from: drive.definition, to: new, called: [], MigrationOrder(by: "ann", reason: "mended"),
            halts: drive.halts, at: drive.now
        ).get()
        #expect(moved.events.kinds == ["runMigrated", "stepStarted", "callIntended"])
        guard case .calling(let call)? = moved.run.step("stop")?.phase else {
            Issue.record("it must read the state again")
            return
        }
        #expect(call.purpose == .before)
        #expect(call.number == 2)
        #expect(Run.fold(drive.history + moved.events.map { (drive.now, $0) }) == moved.run)
    }

    @Test func `a halted call that may have taken effect before is not moved`() throws {
        var drive = try Stage.open(first)
        try drive.answer(.enabled, "stop")
        drive.halts = Halts([.everything])
        try drive.answer(.cut, "stop")
        #expect(
            reasons(try migrate(drive, to: first + "  - id: late\n    wait: 1h\n"))
                == ["step 'stop' waits for the end of a halt or a pause with a call"])
    }

    @Test func `folding a migrated run's journal gives the run`() throws {
        let drive = try waiting()
        let moved = try migrate(drive, to: first + "  - id: late\n    wait: 1h\n").get()
        let history = drive.history + moved.events.map { (drive.now, $0) }
        #expect(Run.fold(history) == moved.run)
        for event in moved.events { #expect(try Event(kind: event.kind, event.value) == event) }
    }

    @Test func `what a moved run did is still undone from its before-image`() throws {
        let drive = try waiting()
        let next = first.replacingOccurrences(of: "id: stop", with: "id: cut")
        let order = MigrationOrder(renamed: ["stop": "cut"], by: "ann", reason: "a better name")
        let moved = try migrate(drive, to: next, order).get()
        var workflow = try Stage.workflow("contain", next)
        workflow.digest = "sha256:next"
        let definition = RunDefinition(workflow: workflow, contracts: Stage.contracts, sealer: FixedSealer())
        let undone = try moved.run.handle(
            .undo(steps: nil, by: "ann", reason: "a false alarm"), definition, at: drive.now
        ).get()
        #expect(undone.run.steps.contains { $0.id == "undo:cut" && $0.isInFlight })
    }

    @Test(arguments: [
        ("id: judge", "id: decide", "the new version has no step 'judge'; say which it is with OLD=NEW, or drop it"),
        (
            "do: account.suspend", "do: credential.disable",
            "step 'stop' does account.suspend, and 'stop' of the new version does credential.disable"
        ),
        (
            "approve: { by: ann, within: 4h, on_timeout: keep }", "wait: 4h",
            "step 'judge' is a 'approve', and 'judge' of the new version is a 'wait'"
        ),
        (
            "with: { account: \"${inputs.account}\" }\n",
            "with: { account: \"${inputs.account}\" }\n    undo: none\n    because: a test\n",
            "what step 'stop' did could no longer be undone"
        ),
    ])
    func `what does not fit is told`(_ old: String, _ new: String, _ reason: String) throws {
        var next = first.replacingOccurrences(of: old, with: new)
        if new.contains("undo: none") {
            next = next.replacingOccurrences(of: "hold: { for: 4h, then: undo }", with: "hold: { for: 4h, then: keep }")
        }
        var contracts = Stage.contracts
        contracts["credential.disable"] = contracts["account.suspend"]
        next = next.replacingOccurrences(
            of: "do: credential.disable\n    with: { account:", with: "do: credential.disable\n    with: { credential:")
        #expect(reasons(try migrate(try waiting(), to: next, contracts: contracts)) == [reason])
    }

    @Test func `a step whose name is unknown, or stands for two, is told`() throws {
        let drive = try waiting()
        let order = MigrationOrder(
            renamed: ["jugde": "judge", "judge": "reduce"], dropped: [], by: "ann", reason: "a slip")
        #expect(
            reasons(try migrate(drive, to: first, order)) == [
                "the old version has no step 'jugde'; did you mean 'judge'?",
                "two steps would both be 'reduce'; rename or drop one",
                "step 'judge' is a 'approve', and 'reduce' of the new version is a 'do'",
            ])
    }

    @Test func `consent that was given to the old text is asked for anew before anything more is done`() throws {
        var drive = try waiting()
        let question = try #require(drive.question("judge"))
        try drive.put(.pause(by: "ann", reason: "wait"))
        try drive.put(
            .answer(step: "judge", Person(name: "ann"), choice: "approve", shown: question.shown, reason: "looked"))
        let moved = try migrate(drive, to: first + "  - id: late\n    wait: 1h\n").get()
        #expect(moved.run.step("judge")?.phase == .pending)
        #expect(moved.run.step("judge")?.result == nil)
        #expect(moved.run.step("reduce")?.startedAt == nil)
    }

    @Test func `a ladder that was climbed is not moved to other rungs`() throws {
        func ladder(_ names: [String]) -> String {
            let rungs = names.map {
                "        - name: \($0)\n          steps:\n            - { id: \($0)_wait, wait: 1h }\n"
            }
            return "  - id: up\n    ladder:\n      until: 'false'\n      rungs:\n" + rungs.joined()
        }
        var drive = try Stage.open(ladder(["low", "mid", "high"]))
        try drive.advance(milliseconds: 3_600_000)
        #expect(drive.run.step("up")?.rounds == 2)
        #expect(
            reasons(try migrate(drive, to: ladder(["low", "high", "mid"]))) == [
                "step 'up' has climbed 2 rungs, and those of 'up' are others"
            ])
        _ = try migrate(drive, to: ladder(["low", "mid", "higher"])).get()
    }

    @Test func `what did something that stands is not dropped, nor what asks for consent`() throws {
        let drive = try waiting()
        let order = MigrationOrder(dropped: ["stop", "judge"], by: "ann", reason: "no more questions")
        #expect(
            reasons(try migrate(drive, to: first, order)) == [
                "step 'stop' did something that stands; it can't be dropped",
                "step 'judge' asks for consent; it can be answered or the run cancelled, not dropped",
            ])
        let told = first.replacingOccurrences(
            of: "approve: { by: ann, within: 4h, on_timeout: keep }",
            with: "task: { by: ann, ask: Was it you, choices: [mine, foreign], within: 4h, on_timeout: keep }")
        var asked = try Stage.open(told)
        try asked.change("stop", from: .enabled, to: .disabled)
        let cut = first.replacingOccurrences(
            of: "  - id: judge\n    approve: { by: ann, within: 4h, on_timeout: keep }\n", with: "")
        let moved = try migrate(asked, to: cut, MigrationOrder(dropped: ["judge"], by: "ann", reason: "no more")).get()
        #expect(moved.run.step("judge") == nil)
        #expect(moved.run.step("reduce")?.isInFlight == true)
    }

    @Test func `an input that the run was not handed, or of another type, is told`() throws {
        let text = """
            workflow: contain
            title: What a test does
            inputs:
              account: { type: int }
              days: { type: int }
              more: { type: int, default: 7 }
            steps:

            """
        let drive = try waiting()
        var workflow = try Workflow.load(
            Array((text + first.replacingOccurrences(of: "\"${inputs.account}\"", with: "x")).utf8),
            file: "contain.yaml",
            digest: "sha256:next"
        ).get()
        workflow.digest = "sha256:next"
        let new = RunDefinition(workflow: workflow, contracts: Stage.contracts, sealer: FixedSealer())
        let result = drive.run.migrate(
            from: drive.definition, to: new, called: [], MigrationOrder(by: "ann", reason: "x"), at: drive.now)
        #expect(
            reasons(result) == [
                "the new version takes the input 'account' as a whole number, the run has string",
                "the new version needs the input 'days', and the run was not handed it",
            ])
    }

    @Test func `a run with a call under way, in doubt or ended is not moved`() throws {
        var drive = try Stage.open(first)
        #expect(
            reasons(try migrate(drive, to: first)) == [
                "step 'stop' has a call under way; pause the run and wait for it"
            ])
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.put(.cancel(undo: false, by: "ann", reason: "enough"))
        try drive.put(.endHold(step: "stop", keep: true, by: "ann", reason: "enough"))
        #expect(reasons(try migrate(drive, to: first)) == ["the run has ended"])
    }
}
