// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What people are asked, who may answer, and what silence means.
@Suite
struct RunQuestionTests {
    private let ann = Person(name: "ann", groups: ["approver"])
    private let ben = Person(name: "ben", groups: ["approver"])

    private func asking(_ more: String = "", on_timeout: String = "skip") throws -> Drive {
        try Stage.open(
            """
              - id: gate
                approve: { by: approver, within: 4h, on_timeout: \(on_timeout), exclude: [eve]\(more) }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
    }

    private func refusal(_ drive: Drive, _ person: Person, _ choice: String, shown: String? = nil) -> Refusal? {
        var drive = drive
        let digest = shown ?? drive.question("gate")?.shown ?? ""
        do {
            try drive.put(.answer(step: "gate", person, choice: choice, shown: digest, reason: "…"))
            return nil
        } catch { return error }
    }

    private func answered(_ drive: Drive, _ person: Person, _ choice: String) throws -> Drive {
        var drive = drive
        let shown = try #require(drive.question("gate")?.shown)
        try drive.put(.answer(step: "gate", person, choice: choice, shown: shown, reason: "…"))
        return drive
    }

    @Test func `a run waits for its approval and goes on when it is given`() throws {
        let drive = try asking()
        #expect(drive.run.ask?.kind == .question)
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: 4 * 3_600_000)))
        let after = try answered(drive, ann, "approve")
        #expect(after.open == ["look act"])
        #expect(after.run.step("gate")?.result == ["choice": "approve", "by": ["ann"]])
    }

    @Test func `one who declines ends the run, and what was done stands`() throws {
        let drive = try answered(try asking(", quorum: 2"), ann, "decline")
        #expect(drive.run.ending == .stopped)
        #expect(drive.run.step("look")?.phase == .pending)
    }

    @Test func `only whom it is for may answer, once, to what they were shown`() throws {
        let drive = try asking(", quorum: 2")
        #expect(refusal(drive, Person(name: "zoe"), "approve")?.code == .notAllowed)
        #expect(refusal(drive, Person(name: "eve", groups: ["approver"]), "approve")?.code == .notAllowed)
        #expect(refusal(drive, ann, "approve", shown: "something else")?.code == .stale)
        #expect(refusal(drive, ann, "maybe")?.code == .wrongPhase)
        let once = try answered(drive, ann, "approve")
        #expect(once.open == [])
        #expect(refusal(once, ann, "approve")?.code == .alreadyDecided)
        let twice = try answered(once, ben, "approve")
        #expect(twice.open == ["look act"])
        #expect(refusal(twice, ben, "decline", shown: drive.question("gate")?.shown)?.code == .alreadyDecided)
    }

    @Test(arguments: [("skip", "running"), ("keep", "stopped"), ("abort", "cancelled"), ("decline", "stopped")])
    func `silence never agrees`(_ silence: String, _ end: String) throws {
        var drive = try asking(on_timeout: silence)
        try drive.advance(milliseconds: 4 * 3_600_000)
        #expect(drive.run.ending?.rawValue ?? "running" == end)
        #expect(drive.open == (end == "running" ? ["look act"] : []))
    }

    @Test func `an answer counts until the time for it is up, also while the run stands still`() throws {
        var drive = try asking()
        try drive.put(.pause(by: "kim", reason: "not now"))
        drive.now = drive.now.adding(milliseconds: 4 * 3_600_000 - 1)
        #expect(refusal(drive, ann, "approve") == nil)
        drive.now = drive.now.adding(milliseconds: 1)
        let late = refusal(drive, ann, "approve")
        #expect(late?.code == .wrongPhase)
        #expect(late?.reason == "the time to answer step 'gate' was up at \(drive.now)")
        try drive.put(.resume(step: nil, isForced: false, by: "kim", reason: "now"))
        #expect(drive.run.step("gate")?.phase == .skipped, "silence is told when the run goes on")
        #expect(drive.open == ["look act"])
    }

    @Test func `people are reminded, and others are asked when they stay silent`() throws {
        var drive = try asking(", remind: 1h, escalate: { after: 2h, to: operator }")
        try drive.advance(milliseconds: 3_600_000)
        #expect(drive.last.kinds == ["questionReminded"])
        try drive.advance(milliseconds: 3_600_000)
        #expect(drive.last.kinds == ["questionEscalated", "questionReminded"])
        #expect(refusal(drive, Person(name: "kim", groups: ["operator"]), "approve") == nil)
    }

    @Test func `a gate lets its step begin, or has it skipped`() throws {
        let drive = try Stage.open(
            """
              - id: gate
                do: account.suspend
                with: { account: "${inputs.account}" }
                hold: { for: 2h, then: keep }
                approve: { by: approver, within: 4h, on_timeout: skip }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
        #expect(drive.open == [])
        #expect(drive.question("gate")?.text == "agree to account.suspend for credential:deploy-token")
        #expect(try answered(drive, ann, "approve").open == ["gate before"])
        let declined = try answered(drive, ann, "decline")
        #expect(declined.run.step("gate")?.phase == .skipped)
        #expect(declined.open == ["look act"])
    }

    @Test func `a task's answer is known to later steps`() throws {
        let drive = try Stage.open(
            """
              - id: gate
                task: { by: approver, ask: "was this intended?", choices: [intended, wrong], within: 4h, on_timeout: wrong }
              - id: look
                if: steps.gate.choice == 'wrong'
                do: evidence.capture
                with: { of: x }

            """)
        #expect(try answered(drive, ann, "wrong").open == ["look act"])
        #expect(try answered(drive, ann, "intended").run.ending == .completed)
        var silent = drive
        try silent.advance(milliseconds: 4 * 3_600_000)
        #expect(silent.open == ["look act"])
    }

    @Test func `cancelling takes the question back`() throws {
        var drive = try asking()
        try drive.put(.cancel(undo: false, by: "ann", reason: "no need"))
        #expect(drive.run.ending == .cancelled)
    }

    private func listing(_ list: Value) throws -> Question {
        let drive = try Stage.open(
            """
              - id: cut
                each: { in: inputs.list, as: c, max: 5 }
                do: account.suspend
                with: { account: "${c}" }
                hold: { for: 4h, then: undo }
                approve: { by: approver, within: 4h, on_timeout: skip }

            """, inputs: ["account": "deploy-bot", "list": list])
        return try #require(drive.question("cut"))
    }

    @Test func `who agrees to a list agrees to what stands in it`() throws {
        let one = try listing(["a", "b"])
        #expect(one.shown == (try listing(["a", "b"])).shown)
        #expect(one.shown != (try listing(["a", "c"])).shown)
        #expect(one.shown != (try listing(["a", "b", "c"])).shown)
    }
}
