// SPDX-License-Identifier: Apache-2.0

extension DefinitionMistake {
    /// Whom a step is about, whom it asks, and for how long: what no text of an alert and no slip of the pen decides.
    static let targets = choices + owners + spans + subjects + words + names

    /// The good playbook, running `ask` with these arguments beside the subject.
    private init(_ code: String, asking arguments: String, _ text: String) {
        self.init(
            code, .playbook,
            "workflow: revoke\n  with: { credential: \"${subject}\" }\nobjective: { contained_by: revoke,",
            "workflow: ask\n  with: { credential: \"${subject}\", \(arguments) }\nobjective: { contained_by: stop,",
            text)
    }

    private static let choices = [
        DefinitionMistake(
            "P080", asking: "who: \"${signal.secret_type}\"",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'by' of approve at 'stop' of ask (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", who: "${signal.secret_type}" }
                |         ^
            """),
        DefinitionMistake(
            "P080", asking: "lifts: \"${signal.secret_type}\"",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'by' of approve at 'lift' of ask (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", lifts: "${signal.secret_type}" }
                |         ^
            """),
        DefinitionMistake(
            "P080", asking: "checks: \"${signal.secret_type}\"",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'by' of task at 'check' of ask (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", checks: "${signal.secret_type}" }
                |         ^
            """),
        DefinitionMistake(
            "P080", asking: "hold: \"${signal.secret_type}\"",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'for' of hold at 'stop' of ask (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", hold: "${signal.secret_type}" }
                |         ^
            """),
        DefinitionMistake(
            "P080", asking: "calm: \"${signal.secret_type}\"",
            """
            playbooks/leak.yaml:12:9: error[P080]: text of the alert would become 'for' of wait at 'calm' of ask (hand in what the inventory says of ${subject}, or compare: ${signal.… == "…"})
             12 |   with: { credential: "${subject}", calm: "${signal.secret_type}" }
                |         ^
            """),
    ]

    private static let owners = [
        DefinitionMistake(
            "P083", asking: "lifts: \"${subject.owner.name}\"",
            """
            playbooks/leak.yaml:12:9: error[P083]: the owner alone would lift what contains their own identity, at 'lift' of ask (hand in a group that is not the owner's)
             12 |   with: { credential: "${subject}", lifts: "${subject.owner.name}" }
                |         ^
            """),
        DefinitionMistake(
            "P086", .workflow, "because: a revoked token can't be given back\n",
            """
            because: a revoked token can't be given back
              - id: ask
                approve: { by: ["${inputs.credential.owner}"], within: 4h, on_timeout: skip }

            """,
            """
            workflows/revoke.yaml:20:20: error[P086]: 'by' takes a name or a list of names, found subject.owner (of an owner the name is 'owner.name')
             20 |     approve: { by: ["${inputs.credential.owner}"], within: 4h, on_timeout: skip }
                |                    ^
            """),
    ]

    private static let spans = [
        DefinitionMistake(
            "P086", .workflow, "{ type: int, default: 3 }", "{ type: int, default: three }",
            """
            workflows/revoke.yaml:5:31: error[P086]: 'days' takes a whole number, found string
             5 |   days: { type: int, default: three }
               |                               ^^^^^
            """),
        DefinitionMistake(
            "P086", .workflow, "{ type: int, default: 3 }",
            "{ type: int, default: 3 }\n  hold: { type: duration, default: 9d, max: 4h }",
            """
            workflows/revoke.yaml:6:36: error[P086]: 'hold' takes a duration up to 4h, found 9d
             6 |   hold: { type: duration, default: 9d, max: 4h }
               |                                    ^^
            """),
        DefinitionMistake(
            "P086", .workflow, "because: a revoked token can't be given back\n",
            "because: a revoked token can't be given back\n  - id: calm\n    wait: \"${inputs.days}\"\n",
            """
            workflows/revoke.yaml:20:11: error[P086]: 'wait' takes a duration, found 'days' of type int (write one such as 4h, or "${inputs.NAME}" of an input of type duration)
             20 |     wait: "${inputs.days}"
                |           ^^^^^^^^^^^^^^^^
            """),
    ]

    private static let subjects = [
        DefinitionMistake(
            "P041", .playbook, "{ kind: credential, from: signal.credential }",
            "{ kind: agent_session, from: signal.credential }",
            """
            playbooks/leak.yaml:12:9: error[P041]: 'credential' takes the type credential, the playbook's subject is of the kind agent_session (run a workflow for that kind, or write subject: { kind: credential, … })
             12 |   with: { credential: "${subject}" }
                |         ^
            """),
        DefinitionMistake(
            "P041", .workflow, "with: { credential: \"${inputs.credential.id}\" }", "with: { credential: token-7 }",
            """
            workflows/revoke.yaml:12:11: error[P041]: 'credential' of tokens.revoke is a target, and stands there written out (hand on who was resolved, such as credential: "${inputs.credential}")
             12 |     with: { credential: token-7 }
                |           ^
            """),
        DefinitionMistake(
            "P041", .workflow, "credential: { type: credential }", "credential: { type: agent_session }",
            """
            workflows/revoke.yaml:12:11: error[P041]: tokens.revoke is done to: service_account, credential; 'credential' is of type agent_session
             12 |     with: { credential: "${inputs.credential.id}" }
                |           ^
            """),
        DefinitionMistake(
            "P040", .playbook, "from: signal.credential", "from: signal.exposure",
            """
            playbooks/leak.yaml:9:38: error[P040]: 'signal.exposure' is string: no map that a source names somebody by (secret.exposed has: signal.credential, signal.location)
             9 |   subject: { kind: credential, from: signal.exposure }
               |                                      ^^^^^^^^^^^^^^^
            """),
    ]

    /// What says less than its author believes.
    private static let words = [
        DefinitionMistake(
            "P141", .playbook, "when: signal.validity == \"active\"", "when: signal.validity == \"actve\"",
            """
            playbooks/leak.yaml:7:28: error[P141]: signal.validity is never 'actve' (did you mean 'active'?)
             7 |   when: signal.validity == "actve"
               |                            ^^^^^^^
            """),
        DefinitionMistake(
            "P142", .workflow, "verify: after.active == false", "verify: \"true\"",
            """
            workflows/revoke.yaml:16:13: error[P142]: 'verify' looks at nothing: it tells the same whatever happened (look at after, such as after.active == false)
             16 |     verify: "true"
                |             ^^^^^^
            """),
        DefinitionMistake(
            "P021", .workflow, "because: a revoked token can't be given back\n",
            "because: a revoked token can't be given back\n  - id: calm\n    wiat: 5m\n    hold: { for: 4h, then: keep }\n",
            """
            workflows/revoke.yaml:20:5: error[P021]: the field 'wiat' is unknown (did you mean 'wait'?)
             20 |     wiat: 5m
                |     ^^^^
            """),
        DefinitionMistake(
            "P021", .workflow, "because: a revoked token can't be given back\n",
            """
            because: a revoked token can't be given back
              - id: stop
                doo: credential.disable
                with: { credential: "${inputs.credential}" }
                hold: { for: 4h, then: undo }
                approve: { by: ann, within: 4h, on_timeout: skip }

            """,
            """
            workflows/revoke.yaml:20:5: error[P021]: the field 'doo' is unknown (did you mean 'do'?)
             20 |     doo: credential.disable
                |     ^^^
            """),
        DefinitionMistake(
            "X021", .playbook, "when: signal.validity == \"active\"",
            "when: >-\n    signal.validity == \"active\"\n    && signal.exposre == \"public\"",
            """
            playbooks/leak.yaml:9:15: error[X021]: no field 'exposre' in signal (did you mean 'exposure'?)
             9 |     && signal.exposre == "public"
               |               ^^^^^^^
            """),
        DefinitionMistake(
            "X001", .playbook, "when: signal.validity == \"active\"", "when: \"${signal.validity == 'active'}\"",
            """
            playbooks/leak.yaml:7:10: error[X001]: '$' has no meaning here (an expression stands here as such: leave out ${ and })
             7 |   when: "${signal.validity == 'active'}"
               |          ^
            """),
    ]

    private static let names = [
        DefinitionMistake(
            "P140", .workflow, "with: { credential: \"${inputs.credential.id}\" }",
            "with: { credential: inputs.credential.id }",
            """
            workflows/revoke.yaml:12:25: error[P140]: 'inputs.credential.id' is handed over as text, not as what the variable holds (write "${inputs.credential.id}"; where the text itself is meant, "${'inputs.credential.id'}")
             12 |     with: { credential: inputs.credential.id }
                |                         ^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P140", .workflow, "with: { credential: \"${inputs.credential.id}\" }",
            "with: { credential: \"{{ inputs.credential }}\" }",
            """
            workflows/revoke.yaml:12:25: error[P140]: '{{ inputs.credential }}' is handed over as text, not as what the variable holds (write "${inputs.credential}"; where the text itself is meant, "${'inputs.credential'}")
             12 |     with: { credential: "{{ inputs.credential }}" }
                |                         ^^^^^^^^^^^^^^^^^^^^^^^^^
            """),
    ]
}
