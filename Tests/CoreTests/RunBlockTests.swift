// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Steps that hold other steps: lists, branches, ladders, called workflows; and steps that wait.
@Suite
struct RunBlockTests {
    private func list(_ more: String = "", max: Int = 5) -> String {
        """
          - id: deliver
            each: { in: inputs.list, as: c, max: \(max), parallel: 2 }
            do: secret.deliver
            with: { to: "${c}", secret: handle }
            \(more)
          - { id: look, do: evidence.capture, with: { of: x } }

        """
    }

    @Test func `a list's items run side by side, no more than its bound at a time`() throws {
        var drive = try Stage.open(list())
        #expect(drive.open == ["deliver.1 act", "deliver.2 act"])
        #expect(drive.call("deliver.2")?.arguments["to"] == "b")
        try drive.answer(.done, "deliver.2")
        #expect(drive.open == ["deliver.1 act", "deliver.3 act"])
        try drive.answer(.done, "deliver.1")
        try drive.answer(.done, "deliver.3")
        #expect(drive.open == ["look act"])
    }

    @Test func `a list longer than its max is not begun, an empty one means nothing to do`() throws {
        let long = try Stage.open(list(max: 2))
        #expect(long.run.ask?.reason == "its list has 3 items, its 'max' is 2; nothing was done")
        let empty = try Stage.open(list(), inputs: ["account": "x", "list": []])
        #expect(empty.open == ["look act"])
        let none = try Stage.open(list(), inputs: ["account": "x", "list": "a"])
        #expect(none.run.ask?.kind == .stoppedStep)
    }

    @Test func `a list beyond what one run may change waits for a person, who lets it go on or leaves it`() throws {
        let within = try Stage.open(list(), objectsMax: 4)
        #expect(within.open == ["deliver.1 act", "deliver.2 act"])
        var over = try Stage.open(list(), objectsMax: 3)
        #expect(over.open == [])
        #expect(
            over.run.ask?.reason
                == "its list has 3 items and the run changed 1 object before, its limit is 3 (per_run); nothing of the "
                + "list was done: let it go on with 'cordon run resume --step deliver --force', or leave it with "
                + "'cordon run skip'")
        let folded = try #require(Run.fold(over.history.map { ($0.at, $0.event) }))
        #expect(folded.objectsMax == 3)
        let opened = try #require(over.events.first)
        var writer = JSONWriter()
        opened.write(to: &writer)
        #expect(writer.bytes == opened.value.jsonBytes)
        #expect(try Event(kind: opened.kind, opened.value) == opened)
        try over.put(.resume(step: "deliver", isForced: false, by: "ann", reason: "once more"))
        #expect(over.open == [], "without force it asks again")
        var forced = over
        try forced.put(.resume(step: "deliver", isForced: true, by: "ann", reason: "all three are ours"))
        #expect(forced.open == ["deliver.1 act", "deliver.2 act"])
        try over.put(.skip(step: "deliver", by: "ann", reason: "none of them"))
        #expect(over.open == ["look act"])
    }

    @Test func `what is only read counts for nothing, and what lists before held counts`() throws {
        let steps = """
              - id: first
                each: { in: inputs.list, as: c, max: 5, parallel: 5 }
                do: evidence.capture
                with: { of: "${c}" }
              - id: second
                each: { in: inputs.list, as: c, max: 5, parallel: 5 }
                do: secret.deliver
                with: { to: "${c}", secret: handle }
              - id: third
                each: { in: inputs.list, as: c, max: 5, parallel: 5 }
                do: secret.deliver
                with: { to: "${c}", secret: handle }

            """
        var drive = try Stage.open(steps, objectsMax: 6)
        for step in ["first.1", "first.2", "first.3", "second.1", "second.2", "second.3"] {
            try drive.answer(.done, step)
        }
        #expect(drive.run.asks.map(\.step) == ["third"])
        #expect(drive.run.ask?.reason.contains("the run changed 4 objects before, its limit is 6") == true)
    }

    @Test func `an item that fails is passed over where its author says so`() throws {
        var drive = try Stage.open(list("on_error: continue"))
        try drive.answer(.refused, "deliver.1")
        try drive.answer(.done, "deliver.2")
        try drive.answer(.done, "deliver.3")
        #expect(drive.run.step("deliver")?.note == "1 of 3 items failed")
        #expect(drive.open == ["look act"])
    }

    @Test func `an item that can't go on asks, and holds up only what comes after the list`() throws {
        var drive = try Stage.open(list())
        try drive.answer(.refused, "deliver.1")
        #expect(drive.run.asks.map(\.step) == ["deliver.1"])
        try drive.answer(.done, "deliver.2")
        try drive.answer(.done, "deliver.3")
        #expect(drive.open == [])
        try drive.put(.skip(step: "deliver.1", by: "ann", reason: "that one is gone"))
        #expect(drive.open == ["look act"])
    }

    @Test func `branches run side by side and are joined by all`() throws {
        var drive = try Stage.open(
            """
              - id: both
                parallel:
                  - name: left
                    steps:
                      - { id: one, do: evidence.capture, with: { of: x } }
                      - { id: two, do: evidence.capture, with: { of: x } }
                  - name: right
                    steps:
                      - { id: three, do: evidence.capture, with: { of: x } }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
        #expect(drive.open == ["one act", "three act"])
        try drive.answer(.done, "one")
        #expect(drive.open == ["three act", "two act"])
        try drive.answer(.done, "two")
        #expect(drive.open == ["three act"])
        try drive.answer(.done, "three")
        #expect(drive.open == ["look act"])
    }

    private let ladder = """
          - id: slow
            ladder:
              until: result.rate < 10
              measure: { do: evidence.capture, with: { of: rate } }
              rungs:
                - { name: soft, steps: [{ id: one, do: secret.deliver, with: { to: a, secret: b } }] }
                - { name: hard, steps: [{ id: two, do: secret.deliver, with: { to: a, secret: b } }] }

        """

    @Test func `a ladder is climbed rung by rung until its condition holds`() throws {
        var drive = try Stage.open(ladder)
        #expect(drive.open == ["slow measure"])
        try drive.answer(.done(["rate": 90]), "slow")
        #expect(drive.open == ["one act"])
        try drive.answer(.done, "one")
        #expect(drive.open == ["slow measure"])
        try drive.answer(.done(["rate": 5]), "slow")
        #expect(drive.run.step("slow")?.note == "it holds after 'soft'")
        #expect(drive.run.step("two") == nil)
        #expect(drive.run.ending == .completed)
    }

    @Test func `a ladder that was climbed in vain asks a person`() throws {
        var drive = try Stage.open(ladder)
        for step in ["slow", "one", "slow", "two", "slow"] { try drive.answer(.done(["rate": 90]), step) }
        #expect(drive.run.ask?.reason == "every rung was climbed, and its condition is false")
    }

    @Test func `a wait looks again at its pace until its condition holds or its time is up`() throws {
        let wait = """
              - id: calm
                wait:
                  until: result.uses == 0
                  measure: { do: evidence.capture, with: { of: uses } }
                  every: 1m
                  for: 2m
                  on_timeout: continue

            """
        var drive = try Stage.open(wait)
        try drive.answer(.done(["uses": 4]), "calm")
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: 60_000)))
        try drive.advance(milliseconds: 60_000)
        var quiet = drive
        try quiet.answer(.done(["uses": 0]), "calm")
        #expect(quiet.run.step("calm")?.isVerified == true)
        #expect(quiet.run.ending == .completed)
        try drive.answer(.done(["uses": 4]), "calm")
        try drive.advance(milliseconds: 60_000)
        #expect(drive.run.step("calm")?.note == "its time was up before its condition held")
        #expect(drive.run.ending == .completed)
    }

    @Test func `a wait of a span ends when it is over`() throws {
        var drive = try Stage.open("  - { id: calm, wait: 90s }\n")
        #expect(drive.run.wake == .timer(.start.adding(milliseconds: 90_000)))
        try drive.advance(milliseconds: 89_999)
        #expect(drive.run.isLive)
        try drive.advance(milliseconds: 1)
        #expect(drive.run.ending == .completed)
    }

    @Test func `a called workflow runs on what it is handed, its steps under the caller's name`() throws {
        let inner = try Stage.workflow(
            "inner", "  - { id: look, do: evidence.capture, with: { of: \"${inputs.account}\" } }\n")
        var drive = try Stage.open(
            """
              - { id: sub, call: inner, with: { account: "${inputs.account}/x" } }
              - { id: last, do: evidence.capture, with: { of: x } }

            """, called: [inner])
        #expect(drive.open == ["sub.look act"])
        #expect(drive.call("sub.look")?.arguments["of"] == "deploy-bot/x")
        try drive.answer(.done, "sub.look")
        #expect(drive.open == ["last act"])
    }

    @Test func `named steps are undone where the workflow says so, and the run goes on`() throws {
        var drive = try Stage.open(
            """
              - id: stop
                do: account.suspend
                with: { account: "${inputs.account}" }
                hold: { for: 2h, then: undo }
              - { id: back, undo: [stop] }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
        try drive.change("stop", from: .enabled, to: .disabled)
        #expect(drive.open == ["undo:stop before"])
        try drive.answerAll(.disabled, .done, .enabled, on: "undo:stop")
        #expect(drive.open == ["look act"])
        #expect(drive.run.step("stop")?.hold?.state == .undone)
    }

    @Test func `a step that failed with on_error stop ends the run where it stands`() throws {
        var drive = try Stage.open(
            """
              - { id: tell, do: secret.deliver, with: { to: a, secret: b }, on_error: stop }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
        try drive.answer(.refused, "tell")
        #expect(drive.run.ending == .stopped)
    }

    @Test func `a signal of the same group joins once`() throws {
        var drive = try Stage.open("  - { id: calm, wait: 90s }\n")
        let other = SignalID(stem: "02")
        try drive.put(.join(other, AlertID(stem: "02")))
        #expect(drive.run.joined == [other])
        #expect(throws: Refusal.self) { try drive.put(.join(other, AlertID(stem: "02"))) }
    }

    private static let kept = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            hold: { for: 2h, then: undo, unless: steps.judge.choice == "guilty" }
          - id: judge
            task: { by: ann, ask: Was it you, choices: [guilty, innocent], within: 1h, on_timeout: skip }

        """

    @Test func `the end of a hold looks at what was answered after it began`() throws {
        var drive = try Stage.open(Self.kept)
        try drive.change("stop", from: .enabled, to: .disabled)
        var guilty = drive
        let shown = try #require(drive.question("judge")?.shown)
        try guilty.put(.answer(step: "judge", Person(name: "ann"), choice: "guilty", shown: shown, reason: "…"))
        try guilty.advance(milliseconds: 2 * 3_600_000)
        #expect(guilty.run.step("stop")?.hold?.state == .kept)
        #expect(guilty.run.ending == .completed)
        try drive.advance(milliseconds: 3_600_000)
        try drive.advance(milliseconds: 3_600_000)
        #expect(drive.open == ["undo:stop before"])
    }

    @Test func `what has not begun when a hold ends counts as not chosen`() throws {
        var drive = try Stage.open(
            Self.kept.replacing("  - id: judge", with: "  - { id: calm, wait: 5h }\n  - id: judge"))
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: 2 * 3_600_000)
        #expect(drive.open == ["undo:stop before"])
    }

    @Test func `a ladder looks at what its own rungs did`() throws {
        var drive = try Stage.open(
            """
              - id: up
                ladder:
                  until: steps.second.done || steps.first.done && steps.first.result.enabled == false
                  rungs:
                    - name: one
                      steps: [{ id: first, do: evidence.capture, with: { of: x } }]
                    - name: two
                      steps: [{ id: second, do: evidence.capture, with: { of: x } }]

            """)
        #expect(drive.open == ["first act"])
        var short = drive
        try short.answer(.disabled, "first")
        #expect(short.run.ending == .completed)
        try drive.answer(.enabled, "first")
        #expect(drive.open == ["second act"])
        try drive.answer(.enabled, "second")
        #expect(drive.run.ending == .completed)
    }
}
