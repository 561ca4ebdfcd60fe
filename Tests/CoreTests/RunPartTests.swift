// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// The time of steps that hold other steps.
@Suite
struct RunPartTests {
    private static let hour: Int64 = 3_600_000
    private static let overdue = "out of time: what stands in it had not ended"

    private func both(_ more: String = "within: 1h") throws -> Drive {
        try Stage.open(
            """
              - id: both
                \(more)
                parallel:
                  - name: left
                    steps:
                      - { id: one, do: evidence.capture, with: { of: x } }
                      - { id: judge, approve: { by: ann, within: 4h, on_timeout: keep } }
                  - name: right
                    steps:
                      - { id: rest, wait: 3h }
              - { id: look, do: evidence.capture, with: { of: x } }

            """)
    }

    @Test func `a part whose time is up asks a person, and what waited in it is left`() throws {
        var drive = try both()
        try drive.answer(.done, "one")
        #expect(drive.run.dueAt == .start.adding(milliseconds: Self.hour))
        try drive.advance(milliseconds: Self.hour)
        #expect(drive.run.asks.map(\.step) == ["both"])
        #expect(drive.run.ask?.reason == Self.overdue)
        #expect(drive.run.step("judge")?.phase == .stopped)
        #expect(drive.run.step("rest")?.phase == .stopped)
        #expect(drive.run.wake == .person)
        #expect(Run.fold(drive.history) == drive.run)
    }

    @Test func `a part that is tried anew takes what was left in it along, with a new span of time`() throws {
        var drive = try both()
        try drive.answer(.done, "one")
        try drive.advance(milliseconds: Self.hour)
        try drive.put(.resume(step: "both", isForced: false, by: "ann", reason: "a little longer"))
        #expect(drive.question("judge") != nil)
        #expect(drive.run.step("rest")?.phase == .waiting(until: drive.now.adding(milliseconds: 3 * Self.hour)))
        #expect(drive.run.step("one")?.phase == .finished, "what was done stays done")
        try drive.advance(milliseconds: Self.hour)
        #expect(drive.run.asks.map(\.step) == ["both"])
        try drive.put(.skip(step: "both", by: "ann", reason: "enough"))
        #expect(drive.open == ["look act"])
    }

    @Test func `a part that nobody bounded has all the time there is`() throws {
        var drive = try both("if: inputs.account == 'deploy-bot'")
        try drive.answer(.done, "one")
        #expect(drive.run.dueAt == .start.adding(milliseconds: 3 * Self.hour))
        try drive.advance(milliseconds: 3 * Self.hour)
        #expect(drive.run.asks.map(\.step) == ["judge"])
    }

    @Test func `one that was opened before bounds were looked at stays open`() throws {
        let drive = try both()
        let early = drive.history.map { at, event -> (at: Instant, event: Event) in
            guard case .stepOpened(let step, let items, let inputs, _) = event else { return (at, event) }
            return (at, .stepOpened(step: step, items: items, inputs: inputs))
        }
        let run = try #require(Run.fold(early))
        #expect(run.dueAt == .start.adding(milliseconds: 3 * Self.hour))
        let later = try run.handle(
            .timerFired, drive.definition, at: .start.adding(milliseconds: 2 * Self.hour)
        ).get()
        #expect(later.events.isEmpty)
    }

    @Test func `on_error says what becomes of it, and what it did is undone where that says so`() throws {
        var drive = try Stage.open(
            """
              - id: both
                within: 1h
                on_error: undo
                parallel:
                  - name: left
                    steps:
                      - id: stop
                        do: account.suspend
                        with: { account: "${inputs.account}" }
                        hold: { for: 9h, then: undo }
                  - name: right
                    steps: [{ id: rest, wait: 3h }]

            """)
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: Self.hour)
        #expect(drive.open == ["undo:stop before"])
        #expect(drive.run.conclusion?.ending == .undone)
    }

    private func calling(_ within: String, _ steps: String, each: String = "") throws -> Drive {
        try Stage.open(
            """
              - id: sub
                \(each)
                within: \(within)
                call: inner
                with: { account: "${inputs.account}" }
              - { id: last, do: evidence.capture, with: { of: x } }

            """, called: [try Stage.workflow("inner", steps)])
    }

    private static let suspends = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            hold: { for: 9h, then: undo }

        """

    @Test func `what is under way in a part gets its outcome, and nothing is done after it`() throws {
        var drive = try calling("1m", Self.suspends)
        #expect(drive.open == ["sub.stop before"])
        #expect(drive.run.step("sub.stop")?.deadline == .start.adding(milliseconds: 60_000))
        try drive.advance(milliseconds: 60_000)
        #expect(drive.run.asks.map(\.step) == ["sub"])
        #expect(drive.open == ["sub.stop before"])
        try drive.answer(.enabled, "sub.stop")
        #expect(drive.open == [])
        #expect(drive.run.step("sub.stop")?.hasActed == false)
    }

    @Test func `what comes back while the run is paused is left as well, and holds up nobody`() throws {
        var drive = try calling("1m", Self.suspends)
        try drive.advance(milliseconds: 60_000)
        try drive.put(.pause(by: "kim", reason: "not now"))
        try drive.answer(.enabled, "sub.stop")
        #expect(drive.run.step("sub.stop")?.phase == .stopped)
        #expect(drive.run.step("sub.stop")?.ask == nil, "people are asked about the part")
        try drive.put(.skip(step: "sub", by: "ann", reason: "leave it"))
        try drive.put(.resume(step: nil, isForced: false, by: "kim", reason: "now"))
        #expect(drive.open == ["last act"])
        try drive.answer(.done, "last")
        #expect(drive.run.ending == .completed)
    }

    @Test func `a part inside whose measure comes back late is not opened again`() throws {
        var drive = try Stage.open(
            """
              - id: both
                within: 1m
                parallel:
                  - name: left
                    steps:
                      - id: slow
                        ladder:
                          until: result.rate < 10
                          measure: { do: evidence.capture, with: { of: rate } }
                          rungs:
                            - { name: soft, steps: [{ id: one, do: secret.deliver, with: { to: a, secret: b } }] }
                  - name: right
                    steps: [{ id: rest, wait: 3h }]

            """)
        #expect(drive.open == ["slow measure"])
        try drive.advance(milliseconds: 60_000)
        try drive.answer(.done(["rate": 90]), "slow")
        #expect(drive.run.step("slow")?.phase == .stopped)
        #expect(drive.run.asks.map(\.step) == ["both"])
        #expect(drive.run.wake == .person)
        try drive.put(.resume(step: "both", isForced: false, by: "ann", reason: "a little longer"))
        #expect(drive.open == ["slow measure"])
    }

    @Test func `an act in doubt is looked into when its part's time is up`() throws {
        var drive = try calling("1m", Self.suspends)
        try drive.answer(.enabled, "sub.stop")
        try drive.answer(.cut, "sub.stop")
        try drive.answer(.cut, "sub.stop")
        #expect(drive.wait("sub.stop")?.redelivers != nil)
        drive.now = .start.adding(milliseconds: 60_000)
        try drive.put(.join(SignalID(stem: "02"), AlertID(stem: "02")))
        #expect(drive.open == ["sub.stop probe"])
        #expect(drive.run.asks.map(\.step) == ["sub"])
    }

    @Test func `under each it is each item's time`() throws {
        var drive = try calling(
            "1h", "  - { id: rest, wait: \"50m\" }\n", each: "each: { in: inputs.list, as: c, max: 5 }")
        for _ in 1...3 { try drive.advance(milliseconds: 50 * 60_000) }
        #expect(drive.open == ["last act"])
    }
}
