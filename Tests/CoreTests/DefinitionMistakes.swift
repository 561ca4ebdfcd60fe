// SPDX-License-Identifier: Apache-2.0

import Testing

/// One mistake in a good file, its number, and the exact words that its author reads.
struct DefinitionMistake: Sendable, CustomTestStringConvertible {
    var code: String
    var kind: DefinitionSketch.Kind
    var old: String
    var new: String
    var text: String

    init(_ code: String, _ kind: DefinitionSketch.Kind, _ old: String, _ new: String, _ text: String) {
        self.code = code
        self.kind = kind
        self.old = old
        self.new = new
        self.text = text
    }

    var testDescription: String { "\(code) in a \(kind.rawValue): \(new)" }

    var sketch: DefinitionSketch { .good(kind).changed(old, to: new) }

    static let all =
        workflows + steps + constructs + playbooks + playbookParts + guards + inventories + review
        + targets

    private static let workflows = [
        DefinitionMistake(
            "P030", .workflow, "workflow: revoke", "workflow: revokes",
            """
            workflows/revoke.yaml:1:11: error[P030]: the file is named 'revoke' (name both alike)
             1 | workflow: revokes
               |           ^^^^^^^
            """),
        DefinitionMistake(
            "P039", .workflow, "steps:", "  Note: { type: string, default: x }\nsteps:",
            """
            workflows/revoke.yaml:6:9: error[P039]: 'Note' is no input's name (lower-case letters, digits and underscores)
             6 |   Note: { type: string, default: x }
               |         ^
            """),
        DefinitionMistake(
            "P041", .workflow, "{ type: credential }", "{ type: credential, default: all }",
            """
            workflows/revoke.yaml:4:44: error[P041]: a target has no standard value (leave it out)
             4 |   credential: { type: credential, default: all }
               |                                            ^^^
            """),
        DefinitionMistake(
            "P025", .workflow, "steps:", "  note: { type: text }\nsteps:",
            """
            workflows/revoke.yaml:6:17: error[P025]: 'type' must be one of service_account, credential, workload, agent_session, string, int, bool, duration, connection, found 'text'
             6 |   note: { type: text }
               |                 ^^^^
            """),
        DefinitionMistake(
            "P021", .workflow, "    verify:", "    verfy:",
            """
            workflows/revoke.yaml:16:5: error[P021]: the field 'verfy' is unknown (did you mean 'verify'?)
             16 |     verfy: after.active == false
                |     ^^^^^
            """),
    ]

    private static let steps = [
        DefinitionMistake(
            "P036", .workflow, "  - id: revoke", "  - id: proof",
            """
            workflows/revoke.yaml:10:9: error[P036]: the id 'proof' stands twice
             10 |   - id: proof
                |         ^^^^^
            """),
        DefinitionMistake(
            "P032", .workflow, "do: tokens.revoke", "do: token.revoke",
            """
            workflows/revoke.yaml:11:9: error[P032]: there is no capability 'token.revoke' (did you mean 'tokens.revoke'?)
             11 |     do: token.revoke
                |         ^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P033", .workflow, "    undo: none\n    because: a revoked token can't be given back\n", "",
            """
            workflows/revoke.yaml:11:9: error[P033]: tokens.revoke changes something and has no undo (write 'undo: none' and, under 'because', why that is acceptable)
             11 |     do: tokens.revoke
                |         ^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P033", .workflow, "a revoked token can't be given back", "\"\"",
            """
            workflows/revoke.yaml:17:11: error[P033]: tokens.revoke changes something and has no undo (write 'undo: none' and, under 'because', why that is acceptable)
             17 |     undo: none
                |           ^^^^
            """),
        DefinitionMistake(
            "P034", .workflow, "{ of:", "{ subject: x, of:",
            """
            workflows/revoke.yaml:9:11: error[P034]: evidence.capture has no parameter 'subject' (it takes: of)
             9 |     with: { subject: x, of: "${inputs.credential.id}" }
               |           ^
            """),
        DefinitionMistake(
            "P035", .workflow, "with: { credential: \"${inputs.credential.id}\" }", "with: {}",
            """
            workflows/revoke.yaml:12:11: error[P035]: tokens.revoke needs the parameter 'credential'
             12 |     with: {}
                |           ^
            """),
        DefinitionMistake(
            "X024", .workflow, "inputs.days > 1", "inputs.days > \"1\"",
            """
            workflows/revoke.yaml:13:21: error[X024]: '>' does not take int and string
             13 |     if: inputs.days > "1"
                |                     ^
            """),
        DefinitionMistake(
            "X021", .workflow, "inputs.days > 1", "inputs.day > 1",
            """
            workflows/revoke.yaml:13:16: error[X021]: no field 'day' in inputs (did you mean 'days'?)
             13 |     if: inputs.day > 1
                |                ^^^
            """),
        DefinitionMistake(
            "X021", .workflow, "with: { of: \"${inputs.credential.id}\" }", "with: { of: \"${steps.revoke.result}\" }",
            """
            workflows/revoke.yaml:9:26: error[X021]: no field 'revoke' in steps
             9 |     with: { of: "${steps.revoke.result}" }
               |                          ^^^^^^
            """),
    ]
}
