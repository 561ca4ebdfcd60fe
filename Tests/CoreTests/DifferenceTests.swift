// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What a reviewer is told of a changed definition, sentence by sentence.
@Suite struct DifferenceTests {
    private static let playbook = DefinitionSketch.playbook.changed(
        "when: signal.validity == \"active\"",
        to: "when: signal.validity == \"active\" && signal.exposure == \"public\"")

    private func told(_ changes: (String, String)...) throws -> [String] {
        let workflows = try [DefinitionSketch.workflow, .reduce].map { try $0.loadWorkflow().get() }
        let new = changes.reduce(Self.playbook) { $0.changed($1.0, to: $1.1) }
        let old = try Self.playbook.loadPlaybook(workflows).get()
        return try lines(old.differences(to: new.loadPlaybook(workflows).get()))
    }

    private func lines(_ found: [Difference]) -> [String] { found.map { ($0.isRiskier ? "! " : "  ") + $0.text } }

    @Test func `the same says nothing`() throws {
        #expect(try told() == [])
    }

    @Test func `a condition that asks for less acts on more`() throws {
        let condition = "signal.validity == \"active\" && signal.exposure == \"public\""
        #expect(
            try told((condition, "signal.validity == \"active\""))
                == ["! acts on more: the condition no longer asks for signal.exposure == \"public\""])
        #expect(
            try told((condition, condition + " && signal.confidence > 0.5"))
                == ["  acts on less: the condition asks for signal.confidence > 0.5 too"])
        #expect(
            try told((condition, "signal.validity == \"active\" && signal.exposure != \"x\""))
                == [
                    "! acts on otherwise: the condition asks for signal.exposure != \"x\", "
                        + "was signal.exposure == \"public\""
                ])
        #expect(try told(("  when: \(condition)\n", "")) == ["! acts on always, was only if \(condition)"])
    }

    @Test func `mode, silence of the condition, target, parameters and objective are told`() throws {
        #expect(try told(("mode: enforce", "mode: shadow")) == ["  does less by itself: mode shadow, was enforce"])
        #expect(
            try told(("on_undecided: skip", "on_undecided: fire"))
                == ["! when its condition gives no answer it does 'fire', was 'skip'"])
        #expect(
            try told(("credential: \"${subject}\"", "credential: \"${subject}\", days: 9"))
                == ["! hands in days: 9, was the workflow's own"])
        #expect(
            try told(("within: 15m", "within: 1h"), ("owner: team/appsec", "owner: team/b"))
                == ["  belongs to team/b, was team/appsec", "! the objective of containment is 1h, was 15m"])
    }

    private static let steps = """
          - id: proof
            do: evidence.capture
            with: { of: x }
          - id: stop
            do: account.suspend
            with: { account: x }
            hold: { for: 4h, then: undo }
            approve: { by: team-a, quorum: 2, within: 4h, on_timeout: keep }
          - id: calm
            wait: 10m

        """

    private func changed(_ old: String, _ new: String) throws -> [String] {
        precondition(Self.steps.contains(old) || old.isEmpty, "'\(old)' stands there")
        let texts = [Self.steps, old.isEmpty ? Self.steps + new : Self.steps.replacing(old, with: new)]
        let workflows = try texts.map { steps in
            try Workflow.load(Array("workflow: w\ntitle: T\nsteps:\n\(steps)".utf8), file: "w.yaml", digest: "").get()
        }
        return lines(workflows[0].differences(to: workflows[1]))
    }

    @Test func `steps that come, go and move are told, with what they do`() throws {
        #expect(try changed("", "") == [])
        #expect(
            try changed("", "  - { id: gone, do: sessions.revoke, with: { issued_by: x }, undo: none, because: z }\n")
                == [
                    "! step 'gone' is new and can't be undone: sessions.revoke (z)", "! at worst changes: 2, was 1",
                    "! at worst changes that can't be undone: 1, was 0", "! at worst steps: 4, was 3",
                ])
        #expect(
            try changed("  - id: proof\n    do: evidence.capture\n    with: { of: x }\n", "")
                == ["! step 'proof' is gone: evidence.capture", "  at worst steps: 2, was 3"])
        let calm = "  - id: calm\n    wait: 10m\n"
        let moved = calm + Self.steps.replacing(calm, with: "")
        #expect(try changed(Self.steps, moved) == ["  step 'calm' is moved: it comes first"])
    }

    @Test func `safeguards that weaken are told as such`() throws {
        #expect(
            try changed("for: 4h", "for: 1h")
                == ["! step 'stop' holds shorter: 1h, was 4h", "  at worst a hold stands: 1h, was 4h"])
        #expect(
            try changed("for: 4h", "for: 8h")
                == ["  step 'stop' holds longer: 8h, was 4h", "  at worst a hold stands: 8h, was 4h"])
        #expect(try changed("then: undo", "then: keep") == ["! step 'stop': when its hold ends, 'keep', was 'undo'"])
        #expect(
            try changed("    approve: { by: team-a, quorum: 2, within: 4h, on_timeout: keep }\n", "")
                == [
                    "! step 'stop' no longer needs the approval of team-a",
                    "! at worst questions to people: 0, was 1",
                ])
        #expect(
            try changed("quorum: 2", "quorum: 1")
                == ["! step 'stop': 1 answer is enough, was: 2 answers are enough"])
        #expect(
            try changed(
                "    hold: { for: 4h, then: undo }\n",
                "    hold: { for: 4h, then: keep }\n    undo: none\n    because: z\n"
            )
            .contains("! step 'stop' can no longer be undone: z"))
        #expect(
            try changed("wait: 10m", "wait: 10m\n    on_error: continue")
                == ["! step 'calm': on error it does 'continue', was 'page'"])
    }

    // MARK: Every part

    private static let guarded = playbook.changed(
        "run:\n",
        to: """
            guards:
              confidence: { min: 0.95, below: shadow }
              risk: { add: 20, half_life: 24h, act_at: 80 }
              protected: { deny: [tag/break-glass], ask: [{ of: id/payroll, until: 2027-01-31, because: year end }] }
              limits: { per_run: 2, per_hour: 20, share: 3%, over: deny }
              surge: { factor: 8, window: 30m, cap: 20, then: shadow }
              require: [{ that: subject.owner.known, else: shadow }]
            run:

            """)

    @Test(arguments: [
        (
            "min: 0.95", "min: 0.9",
            "! acts unasked from a confidence of 0.9 on, was: acts unasked from a confidence of 0.95 on"
        ),
        (
            "min: 0.95", "min: 0.99",
            "  acts unasked from a confidence of 0.99 on, was: acts unasked from a confidence of 0.95 on"
        ),
        ("below: shadow", "below: propose", "! below that confidence: 'propose', was: below that confidence: 'shadow'"),
        ("add: 20", "add: 30", "! a signal adds 30 to the risk score, was: a signal adds 20 to the risk score"),
        (
            "half_life: 24h", "half_life: 12h",
            "  half of a risk score is left after 12h, was: half of a risk score is left after 1d"
        ),
        ("act_at: 80", "act_at: 60", "! acts from a risk score of 60 on, was: acts from a risk score of 80 on"),
        ("  risk: { add: 20, half_life: 24h, act_at: 80 }\n", "", "! acts at any risk score, was from 80 on"),
        ("deny: [tag/break-glass]", "deny: []", "! no longer denies everything about tag/break-glass"),
        ("deny: [tag/break-glass]", "deny: [tag/break-glass, id/x]", "  denies everything about id/x"),
        (
            "until: 2027-01-31", "until: 2027-01-30",
            "! asks before it touches id/payroll until 2027-01-30T00:00:00.000Z (year end), was id/payroll until 2027-01-31T00:00:00.000Z (year end)"
        ),
        ("per_run: 2", "per_run: 3", "! one run changes 3 at most unasked, was: one run changes 2 at most unasked"),
        ("per_hour: 20", "per_hour: 10", "  touches 10 at most an hour, was: touches 20 at most an hour"),
        ("share: 3%, ", "", "! touches whatever share of the identities, was: touches 3 % at most of the identities"),
        ("over: deny", "over: propose", "! over a limit: 'propose', was: over a limit: 'deny'"),
        ("factor: 8", "factor: 9", "! a surge is 9 times what is usual, was: a surge is 8 times what is usual"),
        ("window: 30m", "window: 20m", "! a surge is counted within 20m, was: a surge is counted within 30m"),
        ("cap: 20", "cap: 10", "  no surge is what has up to 10 signals, was: no surge is what has up to 20 signals"),
        ("then: shadow", "then: deny", "  in a surge: 'deny', was: in a surge: 'shadow'"),
        ("else: shadow", "else: propose", "! where subject.owner.known does not hold: 'propose', was 'shadow'"),
        ("[{ that: subject.owner.known, else: shadow }]", "[]", "! no longer requires subject.owner.known"),
        (
            "contained_by: revoke", "contained_by: proof",
            "! counts as contained by 'proof', was: counts as contained by 'revoke'"
        ),
    ])
    func `each part of a playbook's guards that differs is told, the looser as riskier`(
        _ old: String, _ new: String, _ sentence: String
    ) throws {
        let workflows = try [DefinitionSketch.workflow, .reduce].map { try $0.loadWorkflow().get() }
        func load(_ sketch: DefinitionSketch) throws -> Playbook {
            try Playbook.load(sketch.bytes, file: sketch.file, digest: "", workflows: workflows, bearsYoung: true).get()
        }
        let changed = Self.guarded.changed(old, to: new)
        #expect(try lines(load(Self.guarded).differences(to: load(changed))) == [sentence])
    }

    @Test func `several runs for a subject are told`() throws {
        let many = try Self.playbook.loadPlaybook([DefinitionSketch.workflow.loadWorkflow().get()]).get()
        var other = many
        other.trigger.perSubject = .many
        #expect(
            lines(many.differences(to: other))
                == ["! shares its subject with other runs, was: has its subject to itself"])
    }

    private static let parts = """
          - id: stop
            do: account.suspend
            with: { account: x }
            hold: { for: 4h, then: undo }
            on_error: undo
          - id: ask
            approve: { by: ann, within: 4h, on_timeout: keep, escalate: { after: 1h, to: bob } }
          - id: more
            call: other
            with: { note: a }
          - id: calm
            wait:
              measure: { do: evidence.capture, with: { of: x } }
              until: result.uses == 0
              every: 1m
              for: 30m
              on_timeout: continue
          - id: both
            parallel:
              - name: one
                steps: [{ id: a, wait: 1m }, { id: b, wait: 1m }]
              - name: two
                steps: [{ id: c, wait: 1m }]
          - id: up
            ladder:
              measure: { do: evidence.capture, with: { of: w } }
              until: result.left == 0
              rungs:
                - name: low
                  steps: [{ id: d, wait: 1m }]

        """

    @Test(arguments: [
        ("on_error: undo", "on_error: page", "! step 'stop': on error it does 'page', was 'undo'"),
        (
            "on_error: undo", "on_error: undo\n    on_unknown: accept\n    because: fine",
            "! step 'stop' when nobody knows whether it took effect does 'accept' (fine), was 'ask'"
        ),
        ("to: bob", "to: eve", "! step 'ask': turns to eve after 1h, was: turns to bob after 1h"),
        ("after: 1h", "after: 30m", "  step 'ask': turns to bob after 30m, was: turns to bob after 1h"),
        ("note: a", "note: b", "! step 'more' hands other { note: b }, was { note: a }"),
        (
            "of: x", "of: z",
            "! step 'calm' is weighed by evidence.capture with { of: z }, was evidence.capture with { of: x }"
        ),
        ("result.uses == 0", "result.uses == 1", "! step 'calm' waits until result.uses == 1, was result.uses == 0"),
        ("every: 1m", "every: 2m", "  step 'calm' looks every 2m, was 1m"),
        ("for: 30m", "for: 20m", "! step 'calm' waits for 20m, was 30m"),
        ("on_timeout: continue", "on_timeout: fail", "  step 'calm' when its time is up does 'fail', was 'continue'"),
        (
            "{ id: a, wait: 1m }, { id: b, wait: 1m }]\n      - name: two\n        steps: [",
            "{ id: a, wait: 1m }]\n      - name: two\n        steps: [{ id: b, wait: 1m }, ",
            "! step 'both' has the branches 'one' (a), 'two' (b, c), was 'one' (a, b), 'two' (c)"
        ),
        (
            "of: w", "of: z",
            "! step 'up' is weighed by evidence.capture with { of: z }, was evidence.capture with { of: w }"
        ),
        ("result.left == 0", "result.left == 1", "! step 'up' climbs until result.left == 1, was result.left == 0"),
        ("name: low", "name: high", "! step 'up' has the branches 'high' (d), was 'low' (d)"),
    ])
    func `each part of a step that differs is told`(_ old: String, _ new: String, _ sentence: String) throws {
        precondition(Self.parts.components(separatedBy: old).count == 2, "'\(old)' stands there once")
        let workflows = try [Self.parts, Self.parts.replacing(old, with: new)].map { steps in
            try Workflow.load(Array("workflow: w\ntitle: T\nsteps:\n\(steps)".utf8), file: "w.yaml", digest: "").get()
        }
        #expect(lines(workflows[0].differences(to: workflows[1])) == [sentence])
    }
}
