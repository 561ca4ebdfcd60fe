// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What the review of a workflow lets pass, and how far it looks. What it refuses stands in `DefinitionMistake.review`.
@Suite struct ReviewTests {
    private static let head = """
        workflow: example
        title: An example
        inputs:
          credential: { type: credential }
          keep: { type: string, default: none }
          hold: { type: duration, default: 72h, max: 168h }
        steps:

        """

    private func codes(_ steps: String) -> [String] {
        switch Workflow.admit(Array((Self.head + steps).utf8), file: "example.yaml", digest: "") {
        case .success: []
        case .failure(let found): found.all.map(\.code)
        }
    }

    private let proof = "  - { id: proof, do: evidence.capture, with: { of: \"${subject}\" } }\n"
    private let purge =
        "  - { id: purge, do: credential.delete, with: { credential: \"${subject}\" }, undo: none, because: agreed }\n"
    private let stop =
        "  - { id: stop, do: credential.disable, with: { credential: \"${subject}\" }, hold: { for: 4h, then: keep } }\n"

    @Test func `evidence counts once it is kept for sure, in whatever branch`() {
        #expect(codes(proof + purge) == [])
        #expect(codes(purge + proof) == ["P081"])
        let both = """
              - id: both
                parallel:
                - name: one
                  steps: [{ id: proof, do: evidence.capture, with: { of: "${subject}" } }]
                - name: two
                  steps: [{ id: calm, wait: 1m }]

            """
        #expect(codes(both + purge) == [])
        let perhaps = both.replacing("- id: both\n", with: "- id: both\n    if: inputs.keep == \"a\"\n")
        #expect(codes(perhaps + purge) == ["P081"])
        let ladder = """
              - id: up
                ladder:
                  until: inputs.keep == "a"
                  rungs:
                  - name: one
                    steps: [{ id: proof, do: evidence.capture, with: { of: "${subject}" } }]
                  - name: two
                    steps: [{ id: gone, do: credential.delete, with: { credential: "${subject}" }, undo: none, because: z }]

            """
        #expect(codes(ladder) == [])
        #expect(codes(ladder + purge) == ["P081"])
    }

    @Test func `a step that comes after another stands on what came before that one`() {
        let held = stop + proof
        let late = purge.replacing("id: purge,", with: "id: purge, after: hold/stop,")
        #expect(codes(held + late) == ["P081"])
        #expect(codes(proof + stop + late) == [])
        // Nobody waits for a capture that comes after a hold.
        let captured = proof.replacing("id: proof,", with: "id: proof, after: hold/stop,")
        #expect(codes(stop + captured + purge) == ["P081"])
    }

    @Test func `what was stored before the rule goes on: a pinned definition is read and not reviewed`() throws {
        let text = Array((Self.head + purge).utf8)
        #expect(try Workflow.load(text, file: "example@sha256:0", digest: "").get().lines.count == 1)
        #expect(codes(purge) == ["P081"])
    }

    @Test func `silence may keep, abort, and choose what can be undone`() {
        let ask = { (silence: String) in
            "  - { id: ask, approve: { by: a, within: 4h, on_timeout: \(silence) } }\n"
        }
        for silence in ["keep", "abort", "decline"] { #expect(codes(proof + ask(silence) + purge) == []) }
        #expect(codes(proof + ask("skip") + purge) == ["P084"])
        #expect(codes(proof + ask("skip") + stop) == [])
        let declined = ask("decline").replacing("} }", with: "}, on_error: continue }")
        #expect(codes(proof + declined + purge) == ["P084"])
        let gated = purge.replacing("agreed }", with: "agreed, approve: { by: a, within: 4h, on_timeout: skip } }")
        #expect(codes(proof + ask("skip") + gated) == [])
        let weighed = purge.replacing("id: purge,", with: "id: purge, if: steps.ask.choice == 'approve',")
        #expect(codes(proof + ask("skip") + weighed) == [])
    }

    @Test func `an approval in a branch holds up its own branch alone`() {
        let steps = """
              - id: both
                parallel:
                - name: one
                  steps: [{ id: ask, approve: { by: a, within: 4h, on_timeout: skip } }]
                - name: two
                  steps: [{ id: gone, do: credential.delete, with: { credential: "${subject}" }, undo: none, because: z }]

            """
        #expect(codes(proof + steps) == [])
        let inside = steps.replacing("on_timeout: skip } }]", with: "on_timeout: skip } }, { id: tell, wait: 1m }]")
        #expect(codes(proof + inside) == [])
        let behind = steps.replacing(
            "on_timeout: skip } }]", with: "on_timeout: skip } }, \(purge.dropFirst(4).dropLast())]")
        #expect(codes(proof + behind) == ["P084"])
    }

    @Test func `the owner may be asked, may agree to what is taken from them, and may lift with others`() {
        let owner = "\"${inputs.credential.owner.name}\""
        let task =
            "  - { id: ask, task: { by: \(owner), ask: Q, choices: [own, foreign], within: 4h, on_timeout: keep } }\n"
        let lift = "  - { id: lift, if: steps.ask.choice == 'own', undo: [stop] }\n"
        #expect(codes(stop + task + lift) == [])
        let consent = purge.replacing(
            "agreed }", with: "agreed, approve: { by: \(owner), within: 5d, on_timeout: skip } }")
        #expect(codes(proof + consent) == [])
        let both = "  - { id: lift, undo: [stop], approve: { by: [\(owner), team-a], within: 4h, on_timeout: skip } }\n"
        #expect(codes(stop + both) == [])
    }

    @Test func `a condition on what can be answered is reached`() {
        let task = "  - { id: ask, task: { by: a, ask: Q, choices: [own, foreign], within: 4h, on_timeout: keep } }\n"
        for condition in ["steps.ask.choice == 'own'", "steps.ask.choice != 'x'", "!steps.ask.done", "subject.x == 1"] {
            #expect(codes(task + "  - { id: calm, if: \"\(condition)\", wait: 1m }\n") == [], "\(condition)")
        }
        for condition in ["steps.ask.choice == 'x'", "'x' == steps.ask.choice && subject.x == 1", "false"] {
            #expect(codes(task + "  - { id: calm, if: \"\(condition)\", wait: 1m }\n") == ["P082"], "\(condition)")
        }
    }

    // MARK: Taint

    private func playbook(_ workflow: String, _ with: String, _ more: [Workflow] = []) throws -> [String] {
        let own = try [DefinitionSketch.workflow, .reduce].map { try $0.loadWorkflow().get() } + more
        let sketch = DefinitionSketch.playbook
            .changed("workflow: revoke", to: "workflow: \(workflow)")
            .changed("{ credential: \"${subject}\" }", to: "{ credential: \"${subject}\", \(with) }")
            .changed("objective: { contained_by: revoke, within: 15m }\n", to: "")
        return sketch.loadPlaybook(own).failure?.all.map(\.code) ?? []
    }

    @Test func `text of an alert may be compared and shown, and be no parameter`() throws {
        #expect(try playbook("reduce", "keep: \"${signal.secret_type}\"") == ["P080"])
        #expect(try playbook("reduce", "keep: \"${signal.exposure == 'public' ? 'a' : 'b'}\"") == [])
        #expect(try playbook("reduce", "keep: \"${true ? signal.exposure : 'b'}\"") == ["P080"])
        #expect(try playbook("reduce", "keep: \"${subject.owner.name}\"") == [])
        #expect(try playbook("reduce", "keep: a, note: \"${signal.secret_type}\"") == [])
    }

    @Test func `taint is followed through lists, called workflows and what steps give back`() throws {
        let text = """
            workflow: outer
            title: One that calls
            inputs:
              credential: { type: credential }
              words: { type: string }
            steps:
              - id: all
                each: { in: "[inputs.words]", as: word, max: 3 }
                call: reduce
                with: { credential: "${inputs.credential}", keep: "${word}" }

            """
        let outer = try Workflow.admit(Array(text.utf8), file: "outer.yaml", digest: "").get()
        #expect(try playbook("outer", "words: \"${signal.secret_type}\"", [outer]) == ["P080"])
        #expect(try playbook("outer", "words: fixed", [outer]) == [])
    }

    @Test func `whom people ask and how long a hold is may be compared with the alert, and be no text of it`() throws {
        for input in ["who", "lifts", "checks", "hold", "calm"] {
            let name = try DefinitionSketch.ask.loadWorkflow().get()
            #expect(try playbook("ask", "\(input): \"${signal.secret_type}\"", [name]) == ["P080"], "\(input)")
            let compared = "\(input): \"${signal.exposure == 'public' ? '2h' : '4h'}\""
            #expect(try playbook("ask", compared, [name]) == [], "\(input)")
        }
    }

    @Test func `the owner alone lifts nothing, whichever way their name comes there`() throws {
        let ask = try DefinitionSketch.ask.loadWorkflow().get()
        #expect(try playbook("ask", "lifts: \"${subject.owner.name}\"", [ask]) == ["P083"])
        #expect(try playbook("ask", "who: \"${subject.owner.name}\", checks: \"${subject.owner.name}\"", [ask]) == [])
        let text = """
            workflow: outer
            title: One that calls
            inputs:
              credential: { type: credential }
              friend: { type: string }
            steps:
              - id: inner
                call: ask
                with: { credential: "${inputs.credential}", lifts: "${inputs.friend}" }

            """
        let outer = try Workflow.admit(Array(text.utf8), file: "outer.yaml", digest: "").get()
        #expect(try playbook("outer", "friend: \"${subject.owner.name}\"", [ask, outer]) == ["P083"])
        #expect(try playbook("outer", "friend: team-appsec", [ask, outer]) == [])
        let owner = "\"${inputs.credential.owner.name}\""
        let lift = { (by: String) in
            "  - { id: lift, undo: [stop], approve: { by: \(by), within: 4h, on_timeout: skip } }\n"
        }
        #expect(codes(stop + lift(owner)) == ["P083"])
        #expect(codes(stop + lift("[\(owner), \(owner)]")) == ["P083"])
        #expect(codes(stop + lift("[\(owner), team-appsec]")) == [])
        #expect(codes(stop + lift("{ name: \(owner) }")) == ["P086"])
    }

    @Test func `what a young rule refuses is read where it is in force already`() throws {
        let text = Array((Self.head + stop.replacing("\"${subject}\"", with: "token-7")).utf8)
        let refused = try #require(Workflow.admit(text, file: "example.yaml", digest: "").failure)
        #expect(refused.all.map(\.code) == ["P041"] && refused.all.allSatisfy(\.isYoung))
        let read = try Workflow.admit(text, file: "example.yaml", digest: "", bearsYoung: true).get()
        #expect(try read == Workflow.load(text, file: "example.yaml", digest: "").get())
        // What was refused before stays so, beside it too.
        let both = Array((Self.head + stop.replacing("\"${subject}\"", with: "token-7") + purge).utf8)
        let old = try #require(Workflow.admit(both, file: "example.yaml", digest: "", bearsYoung: true).failure)
        #expect(old.all.contains { $0.code == "P081" && !$0.isYoung })
        let playbook = DefinitionSketch.playbook.changed("from: signal.credential", to: "from: signal.exposure")
        let workflows = [try DefinitionSketch.workflow.loadWorkflow().get()]
        #expect(playbook.loadPlaybook(workflows).failure?.all.map(\.code) == ["P040"])
        let loaded = try Playbook.load(
            playbook.bytes, file: playbook.file, digest: "", workflows: workflows, bearsYoung: true
        ).get()
        #expect(loaded.trigger.subjectPath == ["exposure"])
    }

    // MARK: What called workflows take

    private func called(_ with: String) throws -> [String] {
        let text = """
            workflow: outer
            title: One that calls
            inputs:
              credential: { type: credential }
              account: { type: service_account }
              span: { type: duration, default: 1h }
              note: { type: string, default: x }
            steps:
              - id: inner
                call: reduce
                with: \(with)

            """
        let outer = try Workflow.admit(Array(text.utf8), file: "outer.yaml", digest: "").get()
        return outer.checkCalls(among: [try DefinitionSketch.reduce.loadWorkflow().get(), outer]).map(\.code)
    }

    @Test func `a called workflow is handed what its inputs take`() throws {
        let good = "credential: \"${inputs.credential}\", keep: a"
        #expect(try called("{ \(good) }") == [])
        #expect(try called("{ \(good), hold: 4h }") == [])
        #expect(try called("{ \(good), hold: \"${inputs.span}\" }") == [])
        for wrong in ["hold: 40d", "hold: abc", "hold: 5", "hold: \"${inputs.note}\"", "note: true"] {
            #expect(try called("{ \(good), \(wrong) }") == ["P086"], "\(wrong)")
        }
        for target in ["root", "\"${inputs.account}\"", "\"${inputs.credential.id}\"", "[\"${inputs.credential}\"]"] {
            #expect(try called("{ credential: \(target), keep: a }") == ["P041"], "\(target)")
        }
        #expect(try called("{ credential: \"${subject}\", keep: a }") == [])
    }

    @Test func `the worst case of a called workflow keeps to its own bounds`() throws {
        let text = """
            workflow: outer
            title: One that calls
            inputs:
              credential: { type: credential }
            steps:
              - id: inner
                call: reduce
                with: { credential: "${inputs.credential}", keep: a }

            """
        let outer = try Workflow.admit(Array(text.utf8), file: "outer.yaml", digest: "").get()
        let inner = try DefinitionSketch.reduce.loadWorkflow().get()
        #expect(WorstCase(of: outer, among: ["reduce": inner]).longestHoldMilliseconds == 24 * 3_600_000)
    }

    @Test func `a duration beyond its bound is refused, in the file and when the run is opened`() throws {
        #expect(try playbook("reduce", "keep: a, hold: 25h") == ["P086"])
        #expect(try playbook("reduce", "keep: a, hold: soon") == ["P086"])
        #expect(try playbook("reduce", "keep: a, hold: 24h") == [])
        let workflow = try DefinitionSketch.reduce.loadWorkflow().get()
        let playbook = try DefinitionSketch.playbook.changed("workflow: revoke", to: "workflow: reduce")
            .changed(
                "{ credential: \"${subject}\" }",
                to: "{ credential: \"${subject}\", keep: a, hold: \"${subject.login}\" }"
            )
            .changed("objective: { contained_by: revoke, within: 15m }\n", to: "").loadPlaybook([workflow]).get()
        let refusal = playbook.inputs(subject: .token, signal: .exposure, for: workflow).failure
        #expect(refusal?.reason == "the input 'hold' takes a duration up to 1d, found 'deploy-bot'")
    }

    // MARK: The worst case

    @Test func `the worst case takes every branch, every rung, every item and every call`() throws {
        let inner = try Workflow.admit(
            Array((Self.head.replacing("example", with: "inner") + proof + stop).utf8), file: "inner.yaml", digest: ""
        ).get()
        let steps = """
              - id: all
                each: { in: "['a']", as: c, max: 50 }
                call: inner
                with: { credential: "${inputs.credential}" }
              - id: up
                ladder:
                  until: inputs.keep == "a"
                  rungs:
                  - name: one
                    steps: [{ id: a, do: account.suspend, with: { account: "${subject}" }, hold: { for: "${inputs.hold}", then: page } }]
                  - name: two
                    steps: [{ id: b, do: account.suspend, with: { account: "${subject}" }, hold: { for: 2h, then: undo } }]
              - { id: ask, approve: { by: a, within: 4h, on_timeout: keep } }

            """
        let outer = try Workflow.admit(
            Array((Self.head + proof + steps + purge).utf8), file: "example.yaml", digest: ""
        ).get()
        let worst = WorstCase(of: outer, among: ["inner": inner, "example": outer])
        #expect(worst.steps == 1 + 50 * 3 + 3 + 1 + 1)
        #expect(worst.writes == ["credential.disable": 50, "account.suspend": 2, "credential.delete": 1])
        #expect(worst.irreversible == 1)
        #expect(worst.questions == 1)
        #expect(worst.longestHoldMilliseconds == 168 * 3_600_000)
    }
}
