// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
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
}
