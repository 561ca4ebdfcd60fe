// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import Testing

/// Cases of tests, played through the engine: what authors fake, what people do, what crashes, and what time brings.
@Suite(.timeLimit(.minutes(20))) struct RehearsalTests {
    /// Plays cases that hold, and tells where one doesn't.
    private func expectAllHold(_ sketch: RehearsalSketch, _ count: Int) async throws {
        let outcomes = try await sketch.play()
        #expect(outcomes.count == count)
        for outcome in outcomes {
            #expect(
                outcome.differences.isEmpty, "\(outcome.item.name):\n\(outcome.differences.joined(separator: "\n"))")
        }
    }

    // MARK: People and time

    @Test func `an intended change is given back as soon as somebody says so`() async throws {
        try await expectAllHold(
            RehearsalSketch(
                """
                - name: intended
                  fake: { task.check: { answer: intended, at: +20m } }
                  expect:
                    verdict: enforce
                    calls: [evidence.capture, scopes.reduce, "undo:reduce"]
                    contained_within: 1s
                    asked: [question/check]
                    steps: { reduce: undone, restore: finished, suspend: skipped }
                    end: restored
                """), 1)
    }

    @Test
    func `silence counts as the choice that the author named, two people agree, and a day later a person is asked`()
        async throws
    {
        let sketch = RehearsalSketch(
            """
            - name: not intended
              fake: { approve.suspend: [{ answer: approve, at: +5m }, { answer: approve, at: +10m, by: bob }] }
              people: [{ do: keep, step: suspend, at: +2d, by: ann }]
              expect:
                calls: [evidence.capture, scopes.reduce, account.suspend, "undo:reduce"]
                asked: [question/check, question/suspend, hold_ended/suspend]
                steps: { reduce: undone, suspend: finished, restore: skipped }
                end: completed
            """)
        try await expectAllHold(sketch, 1)
        let performance = try #require(try await sketch.play().first).performance
        let calls = Dictionary(performance.calls.map { ($0.name, $0.atMilliseconds) }) { first, _ in first }
        // Two hours of silence and ten minutes to agree; the hold of four hours counts from its act.
        let agreed: Int64 = (2 * 60 + 10) * 60_000
        #expect((agreed...agreed + 1000).contains(calls["account.suspend"] ?? 0))
        let lifted: Int64 = 4 * 3_600_000
        #expect((lifted...lifted + 1000).contains(calls["undo:reduce"] ?? 0))
        #expect(performance.spanMilliseconds == 2 * 86_400_000 + performance.spanMilliseconds % 1000)
    }

    @Test func `a case in which nobody agrees skips the step, and one in which somebody declines too`() async throws {
        try await expectAllHold(
            RehearsalSketch(
                """
                - name: nobody
                  fake: { task.check: { answer: not_intended, at: +1m } }
                  expect: { not_called: [account.suspend], steps: { suspend: skipped }, end: restored }
                - name: declined
                  like: nobody
                  fake: { approve.suspend: { answer: decline, at: +1m } }
                  expect: { not_called: [account.suspend], steps: { suspend: skipped }, end: restored }
                - name: kept for good
                  like: nobody
                  with: { state.subject.tags: [compromised] }
                  expect: { not_called: ["undo:reduce"], steps: { reduce: finished }, end: completed }
                """), 3)
    }

    @Test func `what a person may not do is told, and the case fails`() async throws {
        let outcomes = try await RehearsalSketch(
            """
            - name: impatient
              fake: { task.check: { answer: intended, at: +20m } }
              people: [{ do: resume, at: +1m }, { do: skip, step: proof, at: +2m }]
              expect: { verdict: enforce }
            """
        ).play()
        #expect(
            outcomes[0].differences == [
                "'resume' at +1m was refused: the run waits for an answer: cordon run answer "
                    + "\(outcomes[0].performance.runs[0].run.id) STEP CHOICE --shown DIGEST",
                "'skip' at +2m was refused: step 'proof' is not stopped",
            ])
    }

    // MARK: Providers

    @Test func `every fate of a request comes out as the connector reads it`() async throws {
        try await expectAllHold(
            RehearsalSketch(
                steps: """
                    - id: bell
                      do: challenge.send
                      with: { subject: "${inputs.credential.id}" }
                      undo: none
                      because: a message can't be called back
                    """,
                """
                - name: fine
                  expect: { calls: [challenge.send], requests: { challenge.send: 1 }, end: completed }
                - name: refused
                  fake: { challenge.send: { fails: refused } }
                  expect: { asked: [stopped_step/bell], requests: { challenge.send: 1 }, end: asked }
                - name: later
                  fake: { challenge.send: { fails: [later, unsent] } }
                  expect: { requests: { challenge.send: 3 }, end: completed }
                - name: lost answer
                  fake: { challenge.send: { fails: [unknown] } }
                  expect: { asked: [unknown_outcome/bell], requests: { challenge.send: 1 }, end: asked }
                - name: cut line, and a person says that nothing happened
                  fake: { challenge.send: { fails: [cut] } }
                  people: [{ do: resolve, took_effect: false, at: +1h }]
                  expect: { asked: [unknown_outcome/bell], requests: { challenge.send: 2 }, end: completed }
                - name: no answer in time
                  fake: { challenge.send: { fails: [timeout] } }
                  people: [{ do: resolve, took_effect: true, at: +1h }]
                  expect: { asked: [unknown_outcome/bell], requests: { challenge.send: 1 }, end: completed }
                - name: the process ends meanwhile
                  fake: { challenge.send: { fails: [crash] } }
                  expect: { asked: [unknown_outcome/bell], requests: { challenge.send: 1 }, end: asked }
                - name: cancelled
                  fake: { challenge.send: { fails: refused } }
                  people: [{ do: cancel, at: +1h }]
                  expect: { end: cancelled }
                """), 8)
    }

    @Test func `what the provider says and doesn't do is found out, and what others change is not overwritten`()
        async throws
    {
        try await expectAllHold(
            RehearsalSketch(
                """
                - name: says done
                  fake: { scopes.reduce: { ok: false, before: { scopes: [admin] }, after: { scopes: ["repo:read"] } } }
                  expect:
                    asked: [stopped_step/reduce]
                    steps: { reduce: undone }
                    end: asked
                - name: the same again while it is held
                  repeat: 2
                  over: 10m
                  fake: { scopes.reduce: { before: { scopes: [admin] }, after: { scopes: ["repo:read"] } } }
                  expect: { runs: 1, requests: { scopes.reduce: 1 } }
                - name: somebody else was there
                  fake:
                    scopes.reduce:
                      before: { scopes: [admin] }
                      after: { scopes: ["repo:read"] }
                      drift: { at: +10m, to: { scopes: [everything] } }
                    task.check: { answer: intended, at: +20m }
                  expect: { asked: [question/check, "undo_conflict/undo:reduce"], not_called: ["undo:reduce"], end: asked }
                - name: nothing without proof
                  fake: { evidence.capture: { fails: refused } }
                  expect: { calls: [evidence.capture], end: stopped }
                - name: what can't be suspended is given back at once
                  fake:
                    account.suspend: { fails: refused, before: { suspended: false } }
                    task.check: { answer: not_intended, at: +1m }
                    approve.suspend: [{ answer: approve }, { answer: approve }]
                  expect: { calls: [evidence.capture, scopes.reduce, account.suspend, "undo:reduce"], end: undone }
                - name: the undo is tried again
                  fake: { scopes.reduce: { undo_fails: [unsent, unsent], reads_fail: [unsent], before: { scopes: [admin] }, after: { scopes: ["repo:read"] } }, task.check: { answer: intended } }
                  expect: { requests: { "undo:reduce": 3, scopes.reduce: 1 }, end: restored }
                """), 6)
    }

    // MARK: Crashes

    @Test(arguments: ["proof", "reduce", "suspend"], ["before", "after"])
    func `a crash at any step changes nothing of what is called and how it ends`(_ step: String, _ moment: String)
        async throws
    {
        let outcomes = try await RehearsalSketch(
            """
            - name: crash
              fake: { approve.suspend: [{ answer: approve, at: +5m }, { answer: approve, at: +10m }] }
              people: [{ do: lift, step: suspend, at: +2d, by: ann }]
              crash: { step: \(step), when: \(moment) }
              expect:
                calls: [evidence.capture, scopes.reduce, account.suspend, "undo:reduce", "undo:suspend"]
                asked: [question/check, question/suspend, hold_ended/suspend]
                end: restored
            """
        ).play()
        let outcome = try #require(outcomes.first)
        #expect(outcome.differences.isEmpty, "\(outcome.differences)")
        #expect(outcome.performance.crashes == 1)
        let redelivered = outcome.performance.runs[0].history.filter { $0.event.kind == "callRedelivered" }
        #expect(redelivered.count == 1)
    }

    @Test func `the same case goes the same way each time, to the millisecond`() async throws {
        let sketch = RehearsalSketch(
            """
            - name: a wave with a crash in it
              repeat: 30
              over: 5m
              varied: signal.credential.name
              crash: { step: reduce }
              fake: { scopes.reduce: { fails: [later, unknown], before: { scopes: [admin] }, after: { scopes: ["repo:read"] } } }
              expect: { runs: 30 }
            """)
        let first = try #require(try await sketch.play().first)
        let second = try #require(try await sketch.play().first)
        #expect(first.differences.isEmpty, "\(first.differences)")
        func lines(_ outcome: RehearsalSketch.Outcome) -> [String] {
            outcome.performance.runs.flatMap { played in
                played.history.map { "\($0.at) \(played.run.id) \($0.event.kind) \($0.event.value.json)" }
            }
        }
        #expect(lines(first).count > 1000)
        #expect(lines(first) == lines(second))
    }

    // MARK: Blocks

    @Test func `lists, branches, rungs, waits and called workflows are played`() async throws {
        try await expectAllHold(
            RehearsalSketch(
                steps: """
                    - id: all
                      each: { in: "['a', 'b', 'c']", as: item, max: 5, parallel: 3 }
                      do: account.suspend
                      with: { account: "${item}" }
                      hold: { for: 1h, then: undo }
                    - id: both
                      parallel:
                        - { name: one, steps: [{ id: nap, wait: 3d }] }
                        - { name: two, steps: [{ id: ring, call: ring, with: { credential: "${inputs.credential}" } }] }
                    - id: calm
                      wait:
                        measure: { do: evidence.capture, with: { of: "${inputs.credential.id}" } }
                        until: result.uses == 0
                        every: 1m
                        for: 30m
                    - id: climb
                      ladder:
                        measure: { do: evidence.capture, with: { of: "${inputs.credential.id}" } }
                        until: result.uses == 0
                        rungs:
                          - { name: first, steps: [{ id: soft, wait: 1m }] }
                          - { name: second, steps: [{ id: hard, wait: 1m }] }
                    """,
                """
                - name: all of it
                  fake:
                    step.calm: { answers: [{ uses: 2 }, { uses: 1 }, { uses: 0 }] }
                    step.climb: { answers: [{ uses: 1 }, { uses: 0 }] }
                    step.all.2: { fails: [later], before: { suspended: false }, after: { suspended: true } }
                  expect:
                    calls:
                      - account.suspend
                      - account.suspend
                      - account.suspend
                      - challenge.send
                      - "undo:all.1"
                      - "undo:all.3"
                      - "undo:all.2"
                    requests: { account.suspend: 4, "undo:all.2": 1 }
                    steps: { all.2: undone, both: finished, ring.bell: finished, calm: finished, soft: finished, hard: pending }
                    end: restored
                - name: it never calms down
                  like: all of it
                  fake: { step.calm: { answer: { uses: 9 } } }
                  expect: { asked: [stopped_step/calm], steps: { calm: stopped, climb: pending }, end: asked }
                """), 2)
    }

    // MARK: Decisions

    @Test func `verdicts and reasons are those of the decision, in the mode of the case`() async throws {
        try await expectAllHold(
            RehearsalSketch(
                """
                - name: silent
                  with: { signal.validity: inactive }
                  expect: { verdict: ignore, calls: [], end: none }
                - name: no answer
                  with: { signal.validity: null }
                  expect: { verdict: undecided, because: trigger, asked: [undecided], end: asked }
                - name: shadow
                  mode: shadow
                  expect: { verdict: shadow, because: [mode, the playbook's mode is shadow], runs: 0 }
                - name: "off"
                  mode: "off"
                  expect: { verdict: ignore, runs: 0 }
                - name: unknown
                  with: { state.subject: unknown }
                  expect: { verdict: undecided, because: subject, end: asked }
                - name: joined
                  repeat: 3
                  over: 2m
                  expect: { verdict: enforce, because: group, runs: 1, requests: { scopes.reduce: 1 } }
                """), 6)
    }

    @Test func `what differs is told with its times and with what stands in the way`() async throws {
        let outcomes = try await RehearsalSketch(
            """
            - name: wrong in everything
              fake: { account.suspend: { fails: refused }, task.check: { answer: intended, at: +1m } }
              expect:
                verdict: propose
                because: surge
                calls: [evidence.capture, account.suspend]
                not_called: [scopes.reduce]
                requests: { scopes.reduce: 2 }
                contained_within: 100ms
                end: stopped
                asked: []
                runs: 2
                steps: { suspend: finished }
            - name: nothing comes of it
              with: { signal.validity: inactive }
              expect: { verdict: enforce, calls: [evidence.capture], contained_within: 1s, end: completed }
            """
        ).play()
        #expect(
            outcomes[0].differences == [
                """
                verdict: expected propose, got enforce
                    trigger: its condition holds
                    subject: the inventory knows it as credential:deploy
                    mode: the playbook's mode is enforce
                """,
                """
                because: no guard speaks of 'surge'
                    trigger: its condition holds
                    subject: the inventory knows it as credential:deploy
                    mode: the playbook's mode is enforce
                """,
                """
                calls: expected evidence.capture, account.suspend
                      +0ms  evidence.capture  ('proof')
                    ≠ +200ms  scopes.reduce  ('reduce')
                    ≠ +1m  undo:reduce  ('undo:reduce')
                """,
                "not_called: scopes.reduce was called at +200ms ('reduce')",
                "requests: expected 2 of scopes.reduce, 1 left",
                "contained_within: expected 100ms, it took 400ms",
                "end: expected stopped, got completed",
                "asked: expected none, got question/check",
                "runs: expected 2, got 1",
                "step 'suspend': expected finished, got skipped (its condition is false)",
            ])
        #expect(
            outcomes[1].differences == [
                "verdict: expected enforce, got ignore\n    its trigger does not hold",
                "calls: expected evidence.capture\n    got none: no run was opened",
                "contained_within: no run was opened", "end: expected completed, no run was opened",
            ])
    }
}
