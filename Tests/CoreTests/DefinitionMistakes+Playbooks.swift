// SPDX-License-Identifier: Apache-2.0

extension DefinitionMistake {
    static let playbooks = [
        DefinitionMistake(
            "P030", .playbook, "playbook: leak", "playbook: leaks",
            """
            playbooks/leak.yaml:1:11: error[P030]: the file is named 'leak' (name both alike)
             1 | playbook: leaks
               |           ^^^^^
            """),
        DefinitionMistake(
            "P031", .playbook, "signal: secret.exposed", "signal: secret.exposd",
            """
            playbooks/leak.yaml:6:11: error[P031]: no signal is of kind 'secret.exposd' (did you mean 'secret.exposed'?)
             6 |   signal: secret.exposd
               |           ^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P031", .playbook, "signal: secret.exposed", "signal: login.failed",
            """
            playbooks/leak.yaml:6:11: error[P031]: no signal is of kind 'login.failed' (known: secret.exposed, scope.widened, context.left, destination.unusual, boundary.exceeded, identity.suspected, identity.changed, session.changed, resource.suspected, notice.given)
             6 |   signal: login.failed
               |           ^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "X026", .playbook, "signal.validity == \"active\"", "signal.validity",
            """
            playbooks/leak.yaml:7:9: error[X026]: the expression is string, bool is wanted (compare it: … == "text")
             7 |   when: signal.validity
               |         ^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "X021", .playbook, "signal.validity ==", "signal.validty ==",
            """
            playbooks/leak.yaml:7:16: error[X021]: no field 'validty' in signal (did you mean 'validity'?)
             7 |   when: signal.validty == "active"
               |                ^^^^^^^
            """),
        DefinitionMistake(
            "P040", .playbook, "from: signal.credential", "from: signal.credentials",
            """
            playbooks/leak.yaml:9:38: error[P040]: secret.exposed has no field 'credentials' (did you mean 'signal.credential'?)
             9 |   subject: { kind: credential, from: signal.credentials }
               |                                      ^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P040", .playbook, "from: signal.credential", "from: subject.credential",
            """
            playbooks/leak.yaml:9:38: error[P040]: 'subject.credential' is no path into the signal (write signal.FIELD)
             9 |   subject: { kind: credential, from: subject.credential }
               |                                      ^^^^^^^^^^^^^^^^^^
            """),
    ]

    static let playbookParts = [
        DefinitionMistake(
            "P038", .playbook, "workflow: revoke", "workflow: revok",
            """
            playbooks/leak.yaml:11:13: error[P038]: no workflow 'revok' is loaded (did you mean 'revoke'?)
             11 |   workflow: revok
                |             ^^^^^
            """),
        DefinitionMistake(
            "P034", .playbook, "with: { credential: \"${subject}\" }", "with: { credential: \"${subject}\", day: 1 }",
            """
            playbooks/leak.yaml:12:9: error[P034]: revoke has no input 'day' (it takes: credential, days)
             12 |   with: { credential: "${subject}", day: 1 }
                |         ^
            """),
        DefinitionMistake(
            "P035", .playbook, "with: { credential: \"${subject}\" }", "with: { days: 1 }",
            """
            playbooks/leak.yaml:12:9: error[P035]: revoke needs the input 'credential'
             12 |   with: { days: 1 }
                |         ^
            """),
        DefinitionMistake(
            "P041", .playbook, "\"${subject}\"", "\"${signal.credential}\"",
            """
            playbooks/leak.yaml:12:9: error[P041]: 'credential' is a target (write credential: "${subject}")
             12 |   with: { credential: "${signal.credential}" }
                |         ^
            """),
        DefinitionMistake(
            "P042", .playbook, "contained_by: revoke", "contained_by: revoked",
            """
            playbooks/leak.yaml:13:28: error[P042]: revoke has no step 'revoked' (did you mean 'revoke'?)
             13 | objective: { contained_by: revoked, within: 15m }
                |                            ^^^^^^^
            """),
        DefinitionMistake(
            "P046", .playbook, "{ attack: [T1552.001], owasp_nhi: [NHI2, NHI7] }", "{}",
            """
            playbooks/leak.yaml:14:7: error[P046]: the playbook answers no entry of any framework
             14 | maps: {}
                |       ^
            """),
        DefinitionMistake(
            "P021", .playbook, "  on_undecided: skip", "  on_undecidd: skip",
            """
            playbooks/leak.yaml:8:3: error[P021]: the field 'on_undecidd' is unknown (did you mean 'on_undecided'?)
             8 |   on_undecidd: skip
               |   ^^^^^^^^^^^
            """),
    ]

    static let inventories = [
        DefinitionMistake(
            "P039", .inventory, "id: deploy-token", "id: Deploy_Token",
            """
            identities.yaml:2:9: error[P039]: 'Deploy_Token' is no name (lower-case letters, digits and single hyphens)
             2 |   - id: Deploy_Token
               |         ^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P036", .inventory, "id: backup-token", "id: deploy-token",
            """
            identities.yaml:10:9: error[P036]: the id 'deploy-token' stands twice
             10 |   - id: deploy-token
                |         ^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P035", .inventory, "matches: { issuer: github, alert: 8 }", "matches: {}",
            """
            identities.yaml:13:14: error[P035]: 'matches' names no field by which an alert could mean it
             13 |     matches: {}
                |              ^
            """),
        DefinitionMistake(
            "P045", .inventory, "{ env: DEPLOY_PIN }", "{ env: DEPLOY_PIN, file: pin }",
            """
            identities.yaml:9:52: error[P045]: this is no reference to a secret (write { file: PATH }, { env: NAME }, { credential: NAME } or { vault: MOUNT/data/PATH#FIELD })
             9 |     secrets: { token: { file: deploy.token }, pin: { env: DEPLOY_PIN, file: pin } }
               |                                                    ^
            """),
        DefinitionMistake(
            "P020", .inventory, "    matches: { issuer: github, alert: 8 }\n", "",
            """
            identities.yaml:10:5: error[P020]: the field 'matches' is missing
             10 |   - id: backup-token
                |     ^^
            """),
    ]

    private static let last = "maps: { attack: [T1552.001], owasp_nhi: [NHI2, NHI7] }\n"

    static let guards = [
        DefinitionMistake(
            "P090", .playbook, last, last + "guards: { protected: { ask: [tier0] } }\n",
            """
            playbooks/leak.yaml:15:30: error[P090]: 'tier0' names nobody who could be protected (write id/NAME, tag/NAME, owner/NAME or tier/NUMBER)
             15 | guards: { protected: { ask: [tier0] } }
                |                              ^^^^^
            """),
        DefinitionMistake(
            "P091", .playbook, last, last + "guards: { protected: { deny: [{ of: tag/ci, until: january }] } }\n",
            """
            playbooks/leak.yaml:15:52: error[P091]: 'january' is neither a day nor a moment (write 2027-01-31 or 2027-01-31T18:00:00Z)
             15 | guards: { protected: { deny: [{ of: tag/ci, until: january }] } }
                |                                                    ^^^^^^^
            """),
        DefinitionMistake(
            "P022", .playbook, last, last + "guards: { confidence: { min: much } }\n",
            """
            playbooks/leak.yaml:15:30: error[P022]: 'min' must be a number, found text
             15 | guards: { confidence: { min: much } }
                |                              ^^^^
            """),
    ]
}
