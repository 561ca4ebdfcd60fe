// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Corners of the machine that only many random runs came to (`SimulationTests`).
@Suite
struct RunCornerTests {
    private let hours: Int64 = 3_600_000

    private func held(then: String) throws -> Drive {
        var drive = try Stage.open(
            """
              - id: stop
                do: account.suspend
                with: { account: "${inputs.account}" }
                verify: after.enabled == false
                hold: { for: 2h, then: \(then) }

            """)
        try drive.answer(.enabled, "stop")
        try drive.answer(.done, "stop")
        return drive
    }

    // MARK: What people are asked

    @Test func `a stopped step is still asked about when its hold has ended`() throws {
        var drive = try held(then: "keep")
        try drive.answer(.refused, "stop")
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.run.step("stop")?.hold?.state == .kept)
        #expect(drive.run.asks.map(\.kind) == [.stoppedStep])
        try drive.put(.skip(step: "stop", by: "ann", reason: "seen elsewhere"))
        #expect(drive.run.ending == .completed)
    }

    @Test func `a stopped step and the end of its hold are asked about side by side`() throws {
        var drive = try held(then: "page")
        try drive.answer(.refused, "stop")
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.run.asks.map(\.kind) == [.stoppedStep, .holdEnded])
        try drive.put(.cancel(undo: false, by: "ann", reason: "enough"))
        #expect(drive.run.asks.map(\.kind) == [.holdEnded])
        try drive.put(.endHold(step: "stop", keep: true, by: "ann", reason: "it may stand"))
        #expect(drive.run.ending == .cancelled)
    }

    @Test(arguments: [(Int64(-1), ["give act"]), (Int64(0), [String]())])
    func `a call is sent again under its key only as long as its provider remembers that`(
        _ beyond: Int64, _ open: [String]
    ) throws {
        var drive = try Stage.open(
            """
              - id: give
                within: 20d
                do: secret.deliver
                with: { to: a, secret: b }

            """)
        try drive.answer(.cut, "give")
        try drive.answer(.cut, "give")
        #expect(drive.wait("give")?.redelivers != nil)
        drive.now = .start.adding(milliseconds: Limits.keyWindowMillisecondsDefault + beyond)
        try drive.fire("give")
        #expect(drive.open == open)
        #expect(drive.run.ask?.kind == (open.isEmpty ? .unknownOutcome : nil))
    }

    // MARK: Order

    @Test(arguments: [("after: hold/cut", [String]()), ("after: cut", ["late act"])])
    func `what comes after a step that never came to be waits for nothing`(_ after: String, _ open: [String]) throws {
        let drive = try Stage.open(
            """
              - id: both
                if: inputs.account == 'other'
                parallel:
                  - name: left
                    steps:
                      - id: cut
                        do: account.suspend
                        with: { account: x }
                        hold: { for: 2h, then: keep }
              - { id: late, do: evidence.capture, with: { of: x }, \(after) }

            """)
        #expect(drive.open == open)
        #expect(drive.run.isLive != open.isEmpty)
    }

    // MARK: Halts and ends

    private func delivering() throws -> Drive {
        try Stage.open("  - { id: give, do: secret.deliver, with: { to: x, secret: handle }, within: 5m }\n")
    }

    @Test func `an act is not sent again while the run is paused, and is once it goes on`() throws {
        var drive = try delivering()
        try drive.put(.pause(by: "ann", reason: "wait"))
        #expect(try drive.answer(.cut, "give").kinds == ["callReturned", "stepHalted"])
        #expect(drive.run.step("give")?.doubt != nil)
        drive.now = drive.now.adding(milliseconds: 60_000)
        let events = try drive.put(.resume(step: nil, isForced: false, by: "ann", reason: "go on"))
        #expect(events.kinds == ["runResumed", "callRedelivered"])
        #expect(drive.call("give")?.number == 1)
    }

    @Test func `an act with a key is not sent again after its time, however long the halt was`() throws {
        var drive = try delivering()
        drive.halts = Halts([.everything])
        try drive.answer(.cut, "give")
        #expect(drive.open == [])
        drive.halts = .none
        try drive.advance(milliseconds: 2 * hours)
        #expect(drive.open == [])
        #expect(drive.run.ask?.kind == .unknownOutcome)
    }

    @Test func `a reading that nobody needs any more is not asked for again`() throws {
        var drive = try Stage.open("  - { id: look, do: evidence.capture, with: { of: x } }\n")
        try drive.put(.cancel(undo: false, by: "ann", reason: "false alarm"))
        #expect(try drive.answer(.lost, "look").kinds == ["callReturned", "stepStopped", "runEnded"])
    }

    @Test func `a paused run's waits wake nobody`() throws {
        var drive = try Stage.open("  - { id: calm, wait: 1h }\n")
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: hours)))
        try drive.put(.pause(by: "ann", reason: "wait"))
        #expect(drive.run.wake == .person)
        #expect(drive.run.dueAt == nil)
        drive.now = drive.now.adding(milliseconds: 2 * hours)
        try drive.put(.resume(step: nil, isForced: false, by: "ann", reason: "go on"))
        #expect(drive.run.ending == .completed)
    }

    // MARK: Undo

    @Test func `a step that is undone before it was proved proves nothing any more`() throws {
        var drive = try held(then: "undo")
        try drive.answer(.enabled, "stop")
        try drive.put(.undo(steps: ["stop"], by: "ann", reason: "wrong account"))
        #expect(drive.run.step("stop")?.phase == .skipped)
        #expect(drive.open == ["undo:stop before"])
    }

    @Test func `a stopped step that is undone is not tried anew`() throws {
        var drive = try held(then: "undo")
        try drive.answer(.refused, "stop")
        #expect(drive.run.asks.map(\.kind) == [.stoppedStep])
        try drive.put(.undo(steps: ["stop"], by: "ann", reason: "wrong account"))
        #expect(throws: Refusal.self) {
            try drive.put(.resume(step: "stop", isForced: false, by: "ann", reason: "again"))
        }
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.run.step("stop")?.isUndone == true)
        #expect(drive.run.ending == .completed)
    }

    @Test func `all items of a list are undone by the list's name, and an undo has none of its own`() throws {
        var drive = try Stage.open(
            """
              - id: stop
                each: { in: inputs.list, as: c, max: 5 }
                do: account.suspend
                with: { account: "${c}" }
                hold: { for: 2h, then: undo }

            """)
        try drive.change("stop.1", from: .enabled, to: .disabled)
        try drive.answer(.enabled, "stop.2")
        try drive.put(.undo(steps: ["stop"], by: "ann", reason: "wrong list"))
        try drive.answer(.refused, "stop.2")
        #expect(drive.open == ["undo:stop.1 before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop.1")
        #expect(drive.run.step("stop.1")?.isUndone == true)
        #expect(throws: Refusal.self) {
            try drive.put(.undo(steps: ["undo:stop.1"], by: "ann", reason: "back again"))
        }
    }

    @Test func `an undo waits for what is under way`() throws {
        var drive = try Stage.open(
            """
              - id: both
                parallel:
                  - name: left
                    steps:
                      - id: stop
                        do: account.suspend
                        with: { account: x }
                        hold: { for: 2h, then: undo }
                  - name: right
                    steps:
                      - { id: back, undo: [stop] }

            """)
        try drive.answer(.enabled, "stop")
        #expect(drive.open == ["stop act"])
        #expect(drive.run.step("back")?.phase == .open)
        try drive.answer(.done, "stop")
        try drive.answer(.disabled, "stop")
        #expect(drive.open == ["undo:stop before"])
    }

    @Test func `a restore that is not seen for a day is looked for often at first and seldom later`() throws {
        var drive = try held(then: "undo")
        try drive.answer(.disabled, "stop")
        try drive.advance(milliseconds: 2 * hours)
        try drive.answer(.disabled, "undo:stop")
        try drive.answer(.done, "undo:stop")
        var looks = 0
        while drive.run.ask == nil, looks < 500 {
            try drive.answer(.disabled, "undo:stop")
            looks += 1
            if drive.wait("undo:stop") != nil { try drive.fire("undo:stop") }
        }
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect((20..<150).contains(looks), "\(looks)")
    }
}
