// SPDX-License-Identifier: Apache-2.0

extension DefinitionMistake {
    /// One more step below good ones.
    private init(_ code: String, step: String, _ text: String) {
        let last = "because: a revoked token can't be given back\n"
        self.init(code, .workflow, last, last + step, text)
    }

    static let constructs = [
        DefinitionMistake(
            "P048",
            step: """
                  - id: idle
                    within: 1m

                """,
            """
            workflows/revoke.yaml:19:9: error[P048]: the step does nothing (write exactly one of 'do', 'call', 'wait', 'parallel', 'ladder', 'task', 'undo', 'approve')
             19 |   - id: idle
                |         ^^^^
            """),
        DefinitionMistake(
            "P048",
            step: """
                  - id: both
                    do: evidence.capture
                    with: { of: "${subject}" }
                    wait: 5m

                """,
            """
            workflows/revoke.yaml:22:11: error[P048]: a step is one thing, not 'do' and 'wait' (write exactly one of 'do', 'call', 'wait', 'parallel', 'ladder', 'task', 'undo', 'approve')
             22 |     wait: 5m
                |           ^^
            """),
        DefinitionMistake(
            "P049",
            step: """
                  - id: stop
                    do: account.suspend
                    with: { account: "${subject}" }

                """,
            """
            workflows/revoke.yaml:20:9: error[P049]: account.suspend takes something away and doesn't say for how long (add 'hold', such as hold: { for: 4h, then: undo })
             20 |     do: account.suspend
                |         ^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P050",
            step: """
                  - id: calm
                    wait: { until: inputs.days == 0, every: 1m }

                """,
            """
            workflows/revoke.yaml:20:20: error[P050]: the wait has no end (add 'for', such as for: 30m)
             20 |     wait: { until: inputs.days == 0, every: 1m }
                |                    ^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P050",
            step: """
                  - id: all
                    each: { in: "['a']", as: c }
                    do: evidence.capture
                    with: { of: "${c}" }

                """,
            """
            workflows/revoke.yaml:20:17: error[P050]: the list has no bound (add 'max', such as max: 50)
             20 |     each: { in: "['a']", as: c }
                |                 ^^^^^^^
            """),
        DefinitionMistake(
            "P050",
            step: """
                  - id: ask
                    approve: { by: approver, on_timeout: skip }

                """,
            """
            workflows/revoke.yaml:20:20: error[P050]: the question has no deadline (add 'within', such as within: 4h)
             20 |     approve: { by: approver, on_timeout: skip }
                |                    ^^^^^^^^
            """),
        DefinitionMistake(
            "P051",
            step: """
                  - id: ask
                    approve: { by: approver, within: 4h, on_timeout: approve }

                """,
            """
            workflows/revoke.yaml:20:54: error[P051]: silence would approve what people were asked (choose keep, skip, abort or decline)
             20 |     approve: { by: approver, within: 4h, on_timeout: approve }
                |                                                      ^^^^^^^
            """),
        DefinitionMistake(
            "P052",
            step: """
                  - id: ask
                    approve: { by: ann, exclude: [ann], within: 4h, on_timeout: skip }

                """,
            """
            workflows/revoke.yaml:20:20: error[P052]: nobody is named who could answer
             20 |     approve: { by: ann, exclude: [ann], within: 4h, on_timeout: skip }
                |                    ^^^
            """),
        DefinitionMistake(
            "P053",
            step: """
                  - id: back
                    undo: [revoke]

                """,
            """
            workflows/revoke.yaml:20:11: error[P053]: step 'revoke' has no undo
             20 |     undo: [revoke]
                |           ^
            """),
        DefinitionMistake(
            "P053",
            step: """
                  - id: purge
                    after: hold/revoke
                    do: evidence.capture
                    with: { of: "${subject}" }

                """,
            """
            workflows/revoke.yaml:20:12: error[P053]: step 'revoke' holds nothing
             20 |     after: hold/revoke
                |            ^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P055",
            step: """
                  - id: p0
                    parallel:
                    - name: b
                      steps:
                      - id: p1
                        parallel:
                        - name: b
                          steps:
                          - id: p2
                            parallel:
                            - name: b
                              steps:
                              - id: p3
                                parallel:
                                - name: b
                                  steps:
                                  - { id: deep, wait: 1m }

                """,
            """
            workflows/revoke.yaml:35:19: error[P055]: steps stand 5 deep, the limit is 4 (blockDepthMax)
             35 |                   - { id: deep, wait: 1m }
                |                   ^
            """),
        DefinitionMistake(
            "P056",
            step: """
                  - id: calm
                    wait: 5m
                    hold: { for: 1h, then: keep }

                """,
            """
            workflows/revoke.yaml:21:11: error[P056]: only what is done is held: 'hold' stands beside 'do'
             21 |     hold: { for: 1h, then: keep }
                |           ^
            """),
        DefinitionMistake(
            "P056",
            step: """
                  - id: calm
                    each: { in: "['a']", as: c, max: 5 }
                    wait: 5m

                """,
            """
            workflows/revoke.yaml:20:11: error[P056]: 'each' repeats 'do' or 'call', not 'wait'
             20 |     each: { in: "['a']", as: c, max: 5 }
                |           ^
            """),
        DefinitionMistake(
            "P057",
            step: """
                  - id: ask
                    do: credential.issue
                    with: { subject: "${subject}" }
                    on_unknown: accept

                """,
            """
            workflows/revoke.yaml:22:17: error[P057]: 'accept' settles beforehand what nobody knows, and says no reason (write under 'because' why it is bearable that it is missing, or happens twice)
             22 |     on_unknown: accept
                |                 ^^^^^^
            """),
        DefinitionMistake(
            "P056",
            step: """
                  - id: look
                    do: evidence.capture
                    with: { of: "${subject}" }
                    on_unknown: accept
                    because: it reads

                """,
            """
            workflows/revoke.yaml:22:17: error[P056]: evidence.capture only reads: it is asked again (leave it out)
             22 |     on_unknown: accept
                |                 ^^^^^^
            """),
        DefinitionMistake(
            "P053",
            step: """
                  - id: all
                    each: { in: "['a']", as: c, max: 5 }
                    do: account.suspend
                    with: { account: "${c}" }
                    hold: { for: 1h, then: keep }
                  - id: later
                    after: hold/all
                    wait: 1m

                """,
            """
            workflows/revoke.yaml:25:12: error[P053]: step 'all' is a list, and each of its items holds for itself
             25 |     after: hold/all
                |            ^^^^^^^^
            """),
        DefinitionMistake(
            "P037",
            step: """
                  - id: calm
                    wait: { until: result.x == 0, measure: { do: evidence.capture, with: { of: "${subject}" } }, every: 1s, for: 30m }

                """,
            """
            workflows/revoke.yaml:20:105: error[P037]: it would look 1800 times, the limit is 1000 (callsPerStepMax) (look less often)
             20 |     wait: { until: result.x == 0, measure: { do: evidence.capture, with: { of: "${subject}" } }, every: 1s, for: 30m }
                |                                                                                                         ^^
            """),
    ]
}
