// SPDX-License-Identifier: Apache-2.0

extension DefinitionMistake {
    private init(_ code: String, further steps: String, _ text: String) {
        let last = "because: a revoked token can't be given back\n"
        self.init(code, .workflow, last, last + steps, text)
    }

    private static let purge = """
          - id: purge
            do: credential.delete
            with: { credential: "${inputs.credential.id}" }
            undo: none
            because: it was agreed

        """

    private static let stop = """
          - id: stop
            do: credential.disable
            with: { credential: "${inputs.credential.id}" }
            hold: { for: 4h, then: undo }

        """

    /// Ways through the steps that a reviewer would not want taken.
    static let review = evidence + ways + people + values + types + places

    private static let evidence = [
        DefinitionMistake(
            "P081", .workflow, "do: evidence.capture", "do: evidence.capture\n    if: inputs.days > 2",
            """
            workflows/revoke.yaml:12:9: error[P081]: 'revoke' can't be undone, and nothing is kept for sure of what was before it (let an evidence.capture without 'if', 'each', 'approve' or 'on_error: continue' come first)
             12 |     do: tokens.revoke
                |         ^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P081", .workflow, "do: evidence.capture", "do: evidence.capture\n    on_error: continue",
            """
            workflows/revoke.yaml:12:9: error[P081]: 'revoke' can't be undone, and nothing is kept for sure of what was before it (let an evidence.capture without 'if', 'each', 'approve' or 'on_error: continue' come first)
             12 |     do: tokens.revoke
                |         ^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P081", .workflow, "- id: proof\n",
            """
            - id: early
                parallel:
                - name: one
                  steps:
                  - id: gone
                    do: sessions.revoke
                    with: { issued_by: "${inputs.credential.id}" }
                    undo: none
                    because: they sign in again
                - name: two
                  steps: [{ id: proof0, do: evidence.capture, with: { of: "${subject}" } }]
              - id: proof

            """,
            """
            workflows/revoke.yaml:12:13: error[P081]: 'gone' can't be undone, and nothing is kept for sure of what was before it (let an evidence.capture without 'if', 'each', 'approve' or 'on_error: continue' come first)
             12 |         do: sessions.revoke
                |             ^^^^^^^^^^^^^^^
            """),
    ]

    private static let ways = [
        DefinitionMistake(
            "P082", .workflow, "if: inputs.days > 1", "if: 1 > 2",
            """
            workflows/revoke.yaml:13:9: error[P082]: 'revoke' is never reached: its condition is false whatever happens (mend the condition, or leave the step out)
             13 |     if: 1 > 2
                |         ^^^^^
            """),
        DefinitionMistake(
            "P082",
            further: """
                  - id: ask
                    task: { by: ann, ask: Was it you, choices: [own, foreign], within: 4h, on_timeout: keep }
                  - id: calm
                    if: steps.ask.choice == "mine" && inputs.days > 1
                    wait: 5m

                """,
            """
            workflows/revoke.yaml:22:9: error[P082]: 'calm' is never reached: its condition is false whatever happens (mend the condition, or leave the step out)
             22 |     if: steps.ask.choice == "mine" && inputs.days > 1
                |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P082", further: stop + "  - id: later\n    after: hold/stop\n    wait: 5m\n",
            """
            workflows/revoke.yaml:24:12: error[P082]: 'later' is never reached: the hold of 'stop' ends by undo, and this comes after what is kept (let the hold end by 'keep', or give it an 'unless')
             24 |     after: hold/stop
                |            ^^^^^^^^^
            """),
        DefinitionMistake(
            "P082",
            further: """
                  - id: up
                    ladder:
                      until: "true"
                      rungs: [{ name: one, steps: [{ id: rung, wait: 1m }] }]

                """,
            """
            workflows/revoke.yaml:21:14: error[P082]: no rung of 'up' is ever climbed: its condition always holds (mend the condition, or leave the ladder out)
             21 |       until: "true"
                |              ^^^^^^
            """),
    ]

    private static let people = [
        DefinitionMistake(
            "P083",
            further: stop + """
                  - id: lift
                    undo: [stop]
                    approve: { by: ["${inputs.credential.owner.name}"], within: 4h, on_timeout: skip }

                """,
            """
            workflows/revoke.yaml:25:20: error[P083]: the owner alone would lift what contains their own identity (name a group that is not the owner's, or ask the owner by a 'task')
             25 |     approve: { by: ["${inputs.credential.owner.name}"], within: 4h, on_timeout: skip }
                |                    ^
            """),
        DefinitionMistake(
            "P083",
            further: stop + """
                  - id: judged
                    approve: { by: "${subject.owner.name}", within: 4h, on_timeout: skip }
                  - id: lift
                    if: steps.judged.choice == "approve"
                    undo: [stop]

                """,
            """
            workflows/revoke.yaml:24:20: error[P083]: the owner alone would lift what contains their own identity (name a group that is not the owner's, or ask the owner by a 'task')
             24 |     approve: { by: "${subject.owner.name}", within: 4h, on_timeout: skip }
                |                    ^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P052",
            further: """
                  - id: ask
                    approve: { by: [ann, bob], exclude: [bob, ann], within: 4h, on_timeout: skip }

                """,
            """
            workflows/revoke.yaml:20:20: error[P052]: nobody is named who could answer
             20 |     approve: { by: [ann, bob], exclude: [bob, ann], within: 4h, on_timeout: skip }
                |                    ^
            """),
        DefinitionMistake(
            "P084", further: "  - id: ask\n    approve: { by: approver, within: 4h, on_timeout: skip }\n" + purge,
            """
            workflows/revoke.yaml:20:54: error[P084]: nobody's answer to 'ask' would lead to 'purge', which can't be undone (let silence keep or abort, or give 'purge' an 'approve' of its own)
             20 |     approve: { by: approver, within: 4h, on_timeout: skip }
                |                                                      ^^^^
            """),
        DefinitionMistake(
            "P084",
            further: """
                  - id: ask
                    task: { by: ann, ask: Was it you, choices: [own, foreign], within: 4h, on_timeout: foreign }
                  - id: end
                    if: steps.ask.choice != "own"
                    parallel:
                    - name: one
                      steps:
                      - id: purge
                        do: credential.delete
                        with: { credential: "${inputs.credential.id}" }
                        undo: none
                        because: it was not theirs

                """,
            """
            workflows/revoke.yaml:20:88: error[P084]: nobody's answer to 'ask' would lead to 'purge', which can't be undone (let silence mean another choice, or give 'purge' an 'approve' of its own)
             20 |     task: { by: ann, ask: Was it you, choices: [own, foreign], within: 4h, on_timeout: foreign }
                |                                                                                        ^^^^^^^
            """),
    ]

    private static let values = [
        DefinitionMistake(
            "P080", .playbook,
            "workflow: revoke\n  with: { credential: \"${subject}\" }\n"
                + "objective: { contained_by: revoke,",
            "workflow: reduce\n  with: { credential: \"${subject}\", keep: \"x-${signal.secret_type}\" }\n"
                + "objective: { contained_by: cut,",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'keep' of scopes.reduce at 'cut' of reduce (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", keep: "x-${signal.secret_type}" }
                |         ^
            """),
        DefinitionMistake(
            "P085", .workflow, "with: { credential: \"${inputs.credential.id}\" }",
            "with: { credential: ghp_\(String(repeating: "Ab1", count: 12)) }",
            """
            workflows/revoke.yaml:12:25: error[P085]: this has the form of a credential; it has been read by whoever can read the file (revoke it, take it out, and name where its successor lies in the connections)
            """),
        DefinitionMistake(
            "P086", .playbook, "with: { credential: \"${subject}\" }",
            "with: { credential: \"${subject}\", days: \"${signal.exposure}\" }",
            """
            playbooks/leak.yaml:12:9: error[P086]: 'days' takes a whole number, found string
             12 |   with: { credential: "${subject}", days: "${signal.exposure}" }
                |         ^
            """),
        DefinitionMistake(
            "P086", .playbook, "with: { credential: \"${subject}\" }",
            "with: { credential: \"${subject}\", days: many }",
            """
            playbooks/leak.yaml:12:9: error[P086]: 'days' takes a whole number, found string
             12 |   with: { credential: "${subject}", days: many }
                |         ^
            """),
        DefinitionMistake(
            "P082", .playbook, "when: signal.validity == \"active\"", "when: \"false\"",
            """
            playbooks/leak.yaml:7:9: error[P082]: no signal ever triggers the playbook: its condition is false whatever happens (mend the condition; 'mode: off' puts a playbook out of work)
             7 |   when: "false"
               |         ^^^^^^^
            """),
    ]

    /// What a subject has, and what capabilities take, keep and answer.
    private static let types = [
        DefinitionMistake(
            "X021", .workflow, "if: inputs.days > 1", "if: inputs.credential.owner.knwon",
            """
            workflows/revoke.yaml:13:33: error[X021]: no field 'knwon' in subject.owner (did you mean 'known'?)
             13 |     if: inputs.credential.owner.knwon
                |                                 ^^^^^
            """),
        DefinitionMistake(
            "X021", .workflow, "if: inputs.days > 1", "if: inputs.credential.tag == ['tier0']",
            """
            workflows/revoke.yaml:13:27: error[X021]: no field 'tag' in subject (did you mean 'tags'? A field of that very name is read as inputs.credential["tag"])
             13 |     if: inputs.credential.tag == ['tier0']
                |                           ^^^
            """),
        DefinitionMistake(
            "X022", .workflow, "verify: after.active == false", "verify: after.actve == false",
            """
            workflows/revoke.yaml:16:19: error[X022]: 'actve' is none of the fields that after has for sure: active (did you mean 'active'?)
             16 |     verify: after.actve == false
                |                   ^^^^^
            """),
        DefinitionMistake(
            "X022", .workflow, "verify: after.active == false", "verify: after.expires == 0",
            """
            workflows/revoke.yaml:16:19: error[X022]: 'expires' is none of the fields that after has for sure: active (where only some have it, write after.?expires.orValue(…))
             16 |     verify: after.expires == 0
                |                   ^^^^^^^
            """),
        DefinitionMistake(
            "X024", .workflow, "verify: after.active == false", "verify: after.active == 'no'",
            """
            workflows/revoke.yaml:16:26: error[X024]: '==' does not take bool and string
             16 |     verify: after.active == 'no'
                |                          ^^
            """),
        DefinitionMistake(
            "X021", .workflow, "if: inputs.days > 1", "if: steps.proof.outcome == null",
            """
            workflows/revoke.yaml:13:21: error[X021]: no field 'outcome' in steps.proof (it has after, before, choice, done, result)
             13 |     if: steps.proof.outcome == null
                |                     ^^^^^^^
            """),
        DefinitionMistake(
            "P086", .workflow, "of: \"${inputs.credential.id}\"", "of: \"${inputs.days > 2}\"",
            """
            workflows/revoke.yaml:9:11: error[P086]: 'of' of evidence.capture takes the subject, or what names it, found bool
             9 |     with: { of: "${inputs.days > 2}" }
               |           ^
            """),
        DefinitionMistake(
            "P086", .workflow, "of: \"${inputs.credential.id}\"", "of: [a]",
            """
            workflows/revoke.yaml:9:11: error[P086]: 'of' of evidence.capture takes the subject, or what names it, found a list
             9 |     with: { of: [a] }
               |           ^
            """),
        DefinitionMistake(
            "X021", .workflow, "if: inputs.days > 1", "if: run.opend_at == ''",
            """
            workflows/revoke.yaml:13:13: error[X021]: no field 'opend_at' in run (did you mean 'opened_at'?)
             13 |     if: run.opend_at == ''
                |             ^^^^^^^^
            """),
    ]

    private static let places = [
        DefinitionMistake(
            "P124", .workflow, "do: evidence.capture", "do: evidence.capture\n    at: \"${inputs.credential.id}\"",
            """
            workflows/revoke.yaml:9:9: error[P124]: what stands here could be any connection (write its id as it stands in connections.yaml, or "${inputs.NAME}" of an input of type connection)
             9 |     at: "${inputs.credential.id}"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P125", .workflow, "with: { of: \"${inputs.credential.id}\" }",
            "at: gateway\n    with: { of: \"${inputs.credential}\" }",
            """
            workflows/revoke.yaml:10:11: error[P125]: 'of' of evidence.capture is done at another system, which doesn't know the subject (say what it is called there: of: { user_id: "${subject.attributes.…}" })
             10 |     with: { of: "${inputs.credential}" }
                |           ^
            """),
    ]
}
