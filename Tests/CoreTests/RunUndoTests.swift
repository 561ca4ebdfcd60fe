// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Effects that end: holds, undo from the before-image, rollback.
@Suite
struct RunUndoTests {
    private let held = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            verify: after.enabled == false
            hold: { for: 2h, then: undo }

        """
    private let hours: Int64 = 3_600_000

    private func standing(_ more: String = "") throws -> Drive {
        var drive = try Stage.open(held + more)
        try drive.change("stop", from: .enabled, to: .disabled)
        return drive
    }

    @Test func `a held effect is set back to its before-image when its time is up, and then the run ends`() throws {
        var drive = try standing()
        #expect(drive.run.isLive)
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: 2 * hours)))
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.open == ["undo:stop before"])
        try drive.answer(.disabled, "undo:stop")
        #expect(drive.open == ["undo:stop undo"])
        #expect(drive.call("undo:stop")?.arguments["before"] == ["enabled": true])
        #expect(drive.call("undo:stop")?.arguments["account"] == "deploy-bot")
        try drive.answerAll(.done, .enabled, on: "undo:stop")
        #expect(drive.run.step("stop")?.isUndone == true)
        #expect(drive.run.step("stop")?.hold?.state == .undone)
        #expect(drive.run.ending == .completed)
    }

    @Test func `a hold begins when the effect took place, proved or not`() throws {
        var drive = try Stage.open(held)
        try drive.answerAll(.enabled, .done, on: "stop")
        #expect(drive.run.step("stop")?.hold?.state == .standing)
    }

    @Test func `a later signal makes what is held be held from now on for its whole span`() throws {
        var drive = try standing()
        drive.now = .start.adding(milliseconds: hours)
        let alert = AlertID(stem: "02")
        try drive.put(.join(alert.signal(1), alert))
        #expect(drive.last.kinds == ["signalJoined", "holdChanged"])
        #expect(drive.run.step("stop")?.hold?.until == .start.adding(milliseconds: 3 * hours))
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: 3 * hours)))
    }

    @Test func `a step that waits for a person still does when its hold has ended, and nothing after it begins`() throws
    {
        var drive = try Stage.open(
            held + "  - { id: gone, do: challenge.send, with: { subject: x }, undo: none, because: it is told }\n")
        try drive.answerAll(.enabled, .done, on: "stop")
        while drive.run.ask == nil {
            try drive.answer(.enabled, "stop")
            if drive.wait("stop") != nil { try drive.fire("stop") }
        }
        drive.now = .start.adding(milliseconds: 2 * hours)
        try drive.put(.timerFired)
        // It never took effect, so there is nothing to set back.
        try drive.answer(.enabled, "undo:stop")
        #expect(drive.run.step("stop")?.isUndone == true)
        #expect(drive.run.step("stop")?.phase == .stopped)
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.run.step("gone")?.startedAt == nil)
        try drive.put(.skip(step: "stop", by: "ann", reason: "it is over"))
        #expect(drive.run.step("gone")?.startedAt != nil)
    }

    @Test func `what is as before already is not set back a second time`() throws {
        var drive = try standing()
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.enabled, "undo:stop")
        #expect(drive.run.step("undo:stop")?.note == "it was as before already")
        // Somebody else did it: that is what guards remember.
        let finished = Event.stepFinished(step: "undo:stop", isVerified: true, note: "it was as before already")
        let marks = drive.run.putBacks([finished], drive.definition, at: drive.now)
        #expect(marks.map(\.what) == [.putBack(capability: "account.suspend")])
        #expect(marks.map(\.subject) == [drive.run.subject?.key])
        let undone = Event.stepFinished(step: "undo:stop", isVerified: true, note: nil)
        #expect(drive.run.putBacks([undone], drive.definition, at: drive.now) == [])
        #expect(drive.run.ending == .completed)
    }

    @Test func `what somebody changed since is asked about, and undone only when a person insists`() throws {
        var drive = try standing()
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.done(["enabled": "locked"]), "undo:stop")
        #expect(drive.run.ask?.kind == .undoConflict)
        #expect(drive.run.commands.isEmpty)
        var forced = drive
        try forced.put(.resume(step: "undo:stop", isForced: true, by: "ann", reason: "ours is right"))
        #expect(forced.open == ["undo:stop undo"])
        try drive.put(.skip(step: "undo:stop", by: "ann", reason: "theirs is right"))
        #expect(drive.run.step("stop")?.hold?.state == .kept)
        #expect(drive.run.step("stop")?.isUndone == false)
        #expect(drive.run.ending == .completed)
    }

    @Test func `a cancelled run stays until its hold has ended by undo`() throws {
        var drive = try standing("  - { id: calm, wait: 1h }\n")
        try drive.put(.cancel(undo: false, by: "ann", reason: "enough"))
        #expect(drive.run.isLive)
        try drive.advance(milliseconds: 2 * hours)
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .cancelled)
    }

    @Test func `a rollback undoes what acted last first`() throws {
        var drive = try standing(
            """
              - id: trim
                do: scopes.reduce
                with: { subject: "${inputs.account}", keep: [] }
                hold: { for: 2h, then: undo }
              - { id: calm, wait: 1h }

            """)
        try drive.change("trim", from: .done(["scopes": ["a"]]), to: .done(["scopes": []]))
        try drive.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        #expect(drive.open == ["undo:trim before"])
        // What is not compared may have changed.
        try drive.answerAll(
            .done(["scopes": [], "seen": 7]), .done, .done(["scopes": ["a"], "seen": 8]), on: "undo:trim")
        #expect(drive.open == ["undo:stop before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .undone)
        #expect(drive.run.step("calm")?.phase == .stopped)
    }

    @Test func `a run that has ended can be undone, and nothing that has no undo`() throws {
        var drive = try Stage.open(
            held.replacing("hold: { for: 2h, then: undo }", with: "hold: { for: 2h, then: keep }"))
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.run.ending == .completed)
        try drive.put(.undo(steps: nil, by: "ann", reason: "false alarm"))
        #expect(drive.run.isLive)
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .undone)
        #expect(throws: Refusal.self) { try drive.put(.undo(steps: nil, by: "ann", reason: "again")) }
    }

    @Test func `a run that has done nothing is cancelled and not undone`() throws {
        var drive = try Stage.open("  - { id: calm, wait: 1h }\n")
        #expect(throws: Refusal.self) { try drive.put(.undo(steps: nil, by: "ann", reason: "false alarm")) }
        try drive.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        #expect(drive.run.ending == .cancelled)
    }

    @Test func `a failed step with on_error undo takes back what the run did`() throws {
        var drive = try standing(
            """
              - id: tell
                do: secret.deliver
                with: { to: vault, secret: handle }
                on_error: undo

            """)
        try drive.answer(.refused, "tell")
        #expect(drive.run.step("tell")?.phase == .failed)
        #expect(drive.open == ["undo:stop before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .undone)
    }

    @Test func `an effect in doubt is looked into before anything is undone`() throws {
        var drive = try standing("  - { id: tell, do: challenge.send, with: { subject: x }, undo: none, because: z }\n")
        try drive.answer(.cut, "tell")
        try drive.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        #expect(drive.open == [])
        #expect(drive.run.asks.map(\.kind) == [.unknownOutcome])
        try drive.put(.resolve(step: nil, tookEffect: true, by: "ann", reason: "seen"))
        #expect(drive.open == ["undo:stop before"])
    }

    @Test func `a person ends a hold at once, keeps what it holds, or lets it stand longer`() throws {
        let drive = try standing()
        var lifted = drive
        try lifted.put(.endHold(step: "stop", keep: false, by: "ann", reason: "false alarm"))
        #expect(lifted.open == ["undo:stop before"])
        var kept = drive
        try kept.put(.endHold(step: "stop", keep: true, by: "ann", reason: "it was right"))
        #expect(kept.run.ending == .completed)
        var longer = drive
        try longer.put(.extendHold(step: "stop", until: .start.adding(milliseconds: 9 * hours), by: "ann", reason: "…"))
        try longer.advance(milliseconds: 2 * hours)
        #expect(longer.open == [])
        #expect(longer.run.wake == .timer(.start.adding(milliseconds: 9 * hours)))
    }

    @Test func `a hold that leaves it to people asks them`() throws {
        var drive = try Stage.open(held.replacing("then: undo", with: "then: page"))
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.run.ask?.kind == .holdEnded)
        try drive.put(.endHold(step: "stop", keep: true, by: "ann", reason: "right"))
        #expect(drive.run.ending == .completed)
    }

    @Test func `a halt holds back writes, and no restore`() throws {
        var drive = try standing("  - { id: calm, wait: 1h }\n" + held.replacing("stop", with: "again"))
        drive.halts = Halts([.playbook("exposed")])
        try drive.advance(milliseconds: hours)
        // Reading is no write.
        #expect(drive.open == ["again before"])
        try drive.answer(.enabled, "again")
        #expect(drive.open == [])
        #expect(drive.run.step("again")?.note == "halted: playbook exposed")
        try drive.advance(milliseconds: hours)
        #expect(drive.open == ["undo:stop before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.wake == .halt)
        drive.halts = .none
        try drive.put(.timerFired)
        #expect(drive.open == ["again act"])
    }

    @Test func `a paused run begins nothing, and its hold ends all the same`() throws {
        var drive = try standing(
            "  - { id: calm, wait: 1h }\n  - { id: look, do: evidence.capture, with: { of: x } }\n")
        try drive.put(.pause(by: "ann", reason: "wait"))
        try drive.advance(milliseconds: hours)
        #expect(drive.open == [])
        try drive.advance(milliseconds: hours)
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ask?.kind == .paused)
        try drive.put(.resume(step: nil, isForced: false, by: "ann", reason: "go"))
        #expect(drive.open == ["look act"])
    }

    @Test func `what comes after a hold happens only when its effect was kept`() throws {
        let later =
            "  - { id: purge, after: hold/stop, do: challenge.send, with: { subject: x }, undo: none, because: gone }\n"
        var drive = try standing(later)
        #expect(drive.open == [])
        var kept = drive
        try kept.put(.endHold(step: "stop", keep: true, by: "ann", reason: "right"))
        #expect(kept.open == ["purge act"])
        try drive.advance(milliseconds: 2 * hours)
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.step("purge")?.phase == .skipped)
        #expect(drive.run.ending == .completed)
    }

    @Test func `an undo whose outcome nobody knew is compared with what is so when it is taken up again`() throws {
        var drive = try standing()
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.disabled, "undo:stop")
        while drive.run.ask == nil {
            let isUndo = drive.call("undo:stop")?.purpose == .undo
            try drive.answer(isUndo ? .cut : .refused, "undo:stop")
            if drive.wait("undo:stop") != nil { try drive.fire("undo:stop") }
        }
        #expect(drive.run.step("undo:stop")?.doubt != nil)
        drive.now = drive.now.adding(milliseconds: 24 * hours)
        try drive.put(.resume(step: "undo:stop", isForced: false, by: "ann", reason: "it is up again"))
        var elsewhere = drive
        // What it did took effect.
        try drive.answer(.enabled, "undo:stop")
        #expect(drive.events.kinds.suffix(4) == ["callReturned", "callResolved", "stepFinished", "runEnded"])
        #expect(drive.run.step("stop")?.isUndone == true)
        // Somebody changed it since.
        try elsewhere.answer(.done(["enabled": "locked"]), "undo:stop")
        #expect(elsewhere.run.ask?.kind == .undoConflict)
    }

    @Test func `an undo that was put off looks once more before it overwrites anything`() throws {
        var drive = try standing()
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.disabled, "undo:stop")
        try drive.answer(.busy, "undo:stop")
        try drive.fire("undo:stop")
        #expect(drive.open == ["undo:stop before"])
        var same = drive
        try same.answer(.disabled, "undo:stop")
        #expect(same.open == ["undo:stop undo"])
        #expect(same.call("undo:stop")?.attempt == 2)
        try drive.answer(.done(["enabled": "locked"]), "undo:stop")
        #expect(drive.run.ask?.kind == .undoConflict)
    }

    @Test func `an undo that a person left out happens when it is asked for anew`() throws {
        var drive = try standing()
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.done(["enabled": "locked"]), "undo:stop")
        try drive.put(.skip(step: "undo:stop", by: "ann", reason: "theirs is right"))
        #expect(drive.run.ending == .completed)
        try drive.put(.undo(steps: nil, by: "ben", reason: "false alarm"))
        #expect(drive.open == ["undo:stop before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .undone)
        #expect(drive.run.step("stop")?.isUndone == true)
    }

    @Test func `a failure that takes everything back does so while a part is being undone`() throws {
        var drive = try standing(
            "  - { id: tell, do: secret.deliver, with: { to: vault, secret: handle }, on_error: undo }\n"
                + "  - { id: calm, wait: 1h }\n")
        try drive.put(.undo(steps: ["stop"], by: "ann", reason: "that one was wrong"))
        try drive.answer(.refused, "tell")
        #expect(drive.run.conclusion?.ending == .undone)
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.ending == .undone)
        #expect(drive.run.step("calm")?.startedAt == nil)
    }

    @Test func `a run that is paused in its line leaves the line and stands paused`() throws {
        let drive = try standing("  - { id: calm, wait: 1h }\n")
        let lined = drive.run.lineUp(
            Run.Ask(kind: .queued, reason: "another"), by: "ann", reason: "go", drive.definition, at: drive.now)
        var run = lined.run
        for input in [RunInput.pause(by: "ann", reason: "not yet"), .begin] {
            run = try run.handle(input, drive.definition, at: drive.now).get().run
        }
        #expect(!run.isQueued)
        #expect(run.pause?.reason.contains("not yet") == true)
        #expect(run.phase == .asked(try #require(run.pause)))
    }
}

extension Drive {
    mutating func answerAll(_ outcomes: Outcome..., on step: String) throws(Refusal) {
        for outcome in outcomes { try answer(outcome, step) }
    }
}
