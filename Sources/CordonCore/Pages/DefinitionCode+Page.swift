// SPDX-License-Identifier: Apache-2.0

extension DefinitionCode {
    /// Why the rule stands, and what to write instead.
    var explanation: String {
        switch self {
        case .nameDiffersFromFile, .repeatedName, .badName, .badPath, .tooMany, .unreadable: explanationOfFiles
        case .unknownSignal, .unknownCapability, .unknownWorkflow, .unknownStep, .notOffered: explanationOfNames
        case .badAnswer, .badReversal, .unpromised, .badProof, .badVersion, .badCut, .badLag, .foreignAnswer:
            explanationOfContracts
        case .unknownInput, .missingInput, .wrongSubject, .writeWithoutUndo, .missingMapping, .badSetting, .badSecret:
            explanationOfContent
        case .noOneKind, .noHold, .noBound, .silenceActs, .nobodyAsked, .badReference, .callsItself, .tooDeep,
            .misplaced, .unexplained:
            explanationOfSteps
        case .taintedParameter, .noEvidence, .neverReached, .ownerAlone, .silenceDestroys, .inlineSecret, .wrongInput,
            .abovePolicy, .lackedCapability, .lackedUndo, .unknownSelf, .unknownConnection, .looseConnection,
            .guessedSubject, .bareName, .unknownWord, .emptyProof:
            explanationOfReview
        case .looserGuard, .badProtection, .badWindow: explanationOfGuards
        case .unknownPlaybook, .noArrival, .badFixture, .badOverride, .unknownFake, .contradiction, .badSignal,
            .neverHappens, .unknownChoice, .noExpectation, .uncovered, .noProvider, .noTest, .unknownCase:
            explanationOfTests
        }
    }

    private var explanationOfGuards: String {
        switch self {
        case .looserGuard:
            """
            What an installation guards against in guards.yaml stands above every playbook: a playbook can only be \
            stricter. A looser value would have no effect, and whoever reads the playbook would believe that it has. \
            Tighten it, or change the installation's.
            """
        case .badProtection:
            """
            Who is protected is named by what the inventory knows for certain: id/NAME, tag/NAME, owner/NAME or \
            tier/NUMBER. An entry of another form would protect nobody, and nobody would notice until the day it matters.
            """
        case .badWindow:
            """
            A freeze or planned work has a beginning and an end: two days or moments, the later one second, or days of \
            the week with two times, all in UTC. Planned work also says which signals it explains, or about whom: a \
            window that explains everything would switch Cordon off.
            """
        default: ""
        }
    }

    private var explanationOfReview: String {
        switch self {
        case .taintedParameter:
            """
            Whoever can raise an alert writes its text. Were it a parameter of what is done, they would choose whom it \
            strikes and how; were it whom people ask or how long a hold is, they would approve what they caused. It may \
            be compared, which gives true or false, and shown to people; what is handed in comes from the inventory: \
            ${subject} and its attributes.
            """
        case .noEvidence:
            """
            Once a token is revoked or a key deleted nobody can read any more what it was. So on every way to a step \
            with 'undo: none' an evidence.capture has ended well before: one that no 'if' leaves out, no list is empty \
            for, nobody can decline, and whose failure is not passed over. What a called workflow captures counts \
            inside of it alone.
            """
        case .neverReached:
            """
            A step that nothing leads to is a safeguard that its author believes in and nobody has. Its condition is \
            false with every answer that people can choose, or it comes after a hold that is always undone.
            """
        case .ownerAlone:
            """
            Who owns the identity that is contained may be the one who misused it. They can be asked what happened, \
            by a 'task'; that the containment is lifted is agreed to by somebody else too. The same holds where a playbook \
            hands their name in as an input.
            """
        case .silenceDestroys:
            """
            Nobody's answer may keep, skip, abort or choose what can be taken back, and never lead to a step with \
            'undo: none': on a holiday nobody is asked before the key is gone. The step may have an 'approve' of its \
            own, which silence leaves out.
            """
        case .inlineSecret:
            """
            A definition is read by its reviewers, stored for ever in Git and in the history. A credential in it is \
            lost, also after it is taken out. Revoke it; connectors name the file or variable in which the next lies. \
            The line is not shown.
            """
        case .abovePolicy:
            """
            'policy' of cordon.yaml bounds what one run of any playbook can do at worst: how many things it changes, \
            how many of them for good, how often it asks people, how long it holds. Every list is counted at its \
            'max', every branch and rung as taken. 'cordon playbook check' tells the worst of each playbook.
            """
        case .lackedCapability:
            """
            A run asks the provider of its subject. Where the inventory knows subjects of the playbook's kind, their \
            providers have to offer every capability that its workflow may come to; where it knows none, one connector \
            at least. When nobody can, no run could ever begin, and the playbook is refused. Those who can't beside \
            others who can are told in a warning: their runs would wait for a person.
            """
        case .unknownSelf:
            """
            An alert that names Cordon's own identity would have it shut itself out, with everything contained and \
            nobody to let it go. Where a provider is signed in to with a bare token or key, nothing says whose that \
            is. Name the identities in connections.yaml under the provider: signs_in_as: [ID], each an id of \
            identities.yaml, or signs_in_as: [] when it is none of them. A connector may say which setting names it.
            """
        case .unknownConnection:
            """
            'at' names a connection of connections.yaml by its id: the step is done there and not at the provider of the \
            subject. One that is not configured could never be asked, so the playbook is refused. Configure it, or name \
            one that there is: 'cordon connector list' tells what each offers.
            """
        case .looseConnection:
            """
            Where a step is done is decided by whoever writes the playbook, never by the text of an alert or the answer \
            of a provider. So 'at' takes the connection's id as it stands, or one input of type connection, and such an \
            input takes an id written out in the playbook.
            """
        case .guessedSubject:
            """
            The subject belongs to its provider; another system may not know it, or may know somebody else by the same \
            name. A step with 'at' therefore says in full whom it is about there, with what the inventory holds or an \
            earlier step found: a text, or a map of what that connector's requests ask for.
            """
        case .bareName:
            """
            Under 'with' text is text: only what stands in ${…} is worked out. A path such as inputs.credential without \
            it would be handed over letter by letter, and whoever is asked would look for somebody of that name. Where \
            the text itself is meant, let a hole give it: ${'inputs.credential'}.
            """
        case .unknownWord:
            """
            Some fields of a signal hold one word of a few: validity is active, inactive or unknown. A condition that \
            compares one with a word that is nearly one of these, or a severity that there is none of, would never \
            fire, and nobody would notice. What each field holds stands in workflows/connectors/native.yaml.
            """
        case .emptyProof:
            """
            A containment counts once 'verify' holds of what was read back. One that looks at nothing of it holds \
            before anything was done, and an incident would count as contained that is not. Look at after, or leave \
            'verify' out: the run then tells that nothing was proved.
            """
        case .lackedUndo:
            """
            The workflow relies on its provider to set back what a step changed, and the provider's connector says that \
            it can't. A hold would not end by itself. Say so in the workflow, with 'undo: none' and the reason, so that \
            whoever approves it knows, or run a workflow that does without the step.
            """
        default:
            """
            A workflow says of each input of which type it is, and how long a duration may be at most. What a hole \
            yields is looked at before anything runs where that can be known, and when the run is opened otherwise.
            """
        }
    }

    private var explanationOfFiles: String {
        switch self {
        case .nameDiffersFromFile:
            """
            Runs and histories name a playbook or workflow by the name inside its file. A reader has to find that file, \
            so it carries the same name: secret-leaked stands in secret-leaked.yaml. Rename one of the two.
            """
        case .repeatedName:
            """
            Steps and identities are referred to by their id. With two of one id nobody can say which is meant, so \
            nothing is loaded until one of them is renamed.
            """
        case .badName:
            """
            Names go into file names, addresses and ids, so they hold lower-case letters, digits and single hyphens; \
            ids of steps and inputs are used in expressions, so they hold underscores in place of hyphens.
            """
        case .badPath:
            """
            A path says where the value lies, and is never evaluated: signal.FIELD or signal.FIELD.FIELD with fields \
            that the signal's kind has. A path of a connector's request begins with a slash.
            """
        case .tooMany:
            "Every list has a bound, so that no file can grow work without end. The message names the limit."
        default:
            """
            To go on without a file that is there would be to forget a playbook silently, so nothing is loaded. Let the \
            user that Cordon runs as read it, or move what is no definition out of the folder.
            """
        }
    }

    private var explanationOfNames: String {
        switch self {
        case .unknownSignal:
            """
            The kind of a signal gives it its fields and their types; without it no condition could be checked. The \
            nearest kind is suggested, or all are listed.
            """
        case .unknownCapability:
            """
            A step asks for one of the house's own capabilities, whatever the provider calls it. The nearest is \
            suggested.
            """
        case .unknownWorkflow:
            """
            A playbook runs a workflow that is loaded beside it. A workflow that has a mistake of its own is not \
            loaded, so look for one first.
            """
        case .unknownStep: "The workflow has no step of that id. The nearest is suggested."
        default:
            """
            The connector does not say how that is done, or says it in a way that does not go together: a capability \
            that changes something can't be of class read, and one of class probeable needs a state to ask.
            """
        }
    }

    private var explanationOfContracts: String {
        switch self {
        case .badAnswer:
            """
            The same repeat is 200, 204, 400, 404 or 412 depending on the vendor, so a connector says of each status \
            once what it means, and by a rule with 'that' where only the body tells. From a list exactly one entry is \
            picked, by a member that must be equal: the first of a list may be anybody.
            """
        case .unpromised:
            """
            A workflow runs at whatever provider knows the subject, so some members of what a capability reads have the \
            same name everywhere: 'active' of a token, 'paused' of a workload. A connector keeps them under these \
            names, as they come or worked out of what comes.
            """
        case .badProof:
            """
            'verify' shows from outside that a change took effect: what the subject holds is used before it, when it \
            must work, and after it, when it must be refused ('expects: works' for the way back). So its request names \
            one of 'subject_secrets'; without a request of its own, the one under 'state' does. 'works' says of \
            'seen', the kept members of the answer, whether it worked.
            """
        case .badVersion:
            """
            'etag' names the member of the state that changes with every change: an ETag, a resourceVersion. It is \
            worth reading only where a request sends it back, so that who came in between gets the last word, and \
            'conflict' under 'answers' names the status that says so: the run then asks a person.
            """
        case .badCut:
            """
            'secret' names kept members of the state that nobody may read later, such as the hash of a password. In \
            their place a keyed mark is stored, by which a change is still seen; what they were is gone, so no request \
            can send them back.
            """
        case .badLag:
            """
            'lag' says how long the provider is known to take until a change shows. So long it is looked for, again and \
            again, and then a person is asked. It belongs to what changes something and is looked at under 'state' or \
            'verify'.
            """
        case .foreignAnswer:
            """
            A gateway without a route, a proxy's page and a wrong base address all answer 404, and so does a provider \
            where what was to be ended is gone. Only the last means done. So a 404 under 'done' or 'already' has a rule \
            beside it that looks at 'body' or 'headers' for what the provider alone says, and means 'refused' where it \
            is not there.
            """
        default:
            """
            A capability with an 'undo' says with 'reversibility' whether it gives back all (full), less than was \
            there (partial), or also what a thief holds (revives-credentials); one without can only say none. An undo needs a \
            'state' that keeps what is compared, because it is done only where the state is still what was written.
            """
        }
    }

    private var explanationOfSteps: String {
        switch self {
        case .noOneKind:
            """
            A step is one thing: it does, calls, waits, asks, or holds other steps. What it is stands in one field; the \
            message lists them. 'approve' and 'undo' may stand beside 'do' and then say how it is gated and undone.
            """
        case .noHold:
            """
            What takes something away from an identity ends by itself or is looked at again: 'hold' says for how long \
            it stands and what follows then, so that nobody stays locked out because a run was forgotten.
            """
        case .noBound:
            """
            A wait has a 'for', a list a 'max', a question a 'within'. Without one a run could stand for ever, or an \
            alert could choose how much is done.
            """
        case .silenceActs:
            """
            Nobody's answer is no consent. When the time is over the run may keep what it has, skip the step, abort or \
            decline, and never approve.
            """
        case .nobodyAsked:
            "The question could not be answered: nobody is named, or everybody who is named is excluded."
        case .badReference:
            """
            The step that is named stands there and can't serve: it holds nothing that could end, or has no undo. Name \
            another, or give it a 'hold' or an undo.
            """
        case .callsItself:
            "A workflow that leads back to itself never ends. Take one of the calls out."
        case .tooDeep:
            """
            Steps within steps are bounded, so that a reviewer can see what happens. Make the inner part a workflow and \
            'call' it.
            """
        case .unexplained:
            """
            When nobody knows whether a call took effect, a person says so. A workflow may settle it beforehand with \
            'on_unknown: accept' or 'repeat' where either is bearable, and its reviewer has to be able to read why.
            """
        default:
            """
            The field means nothing for a step of this kind, and its author expects something of it. The message says \
            where it may stand.
            """
        }
    }

    private var explanationOfContent: String {
        switch self {
        case .unknownInput:
            """
            What nobody reads would be silently without effect, so it refuses the file. The message lists what is taken.
            """
        case .missingInput:
            "What has no standard value has to be given: a guess would act on something that nobody named."
        case .wrongSubject:
            """
            What is acted on is the subject that the inventory knows, and nothing else: text of an alert never names a \
            target, and a target has no standard value. Write "${subject}".
            """
        case .writeWithoutUndo:
            """
            What Cordon changes at three in the morning somebody has to be able to take back. A step that changes \
            something has an undo, or says 'undo: none' and, under 'because', why that is acceptable to its reviewer.
            """
        case .missingMapping:
            """
            Auditors ask which entries of OWASP NHI, ATT&CK and their like are answered by what. Name at least one.
            """
        case .badSetting:
            "The message says what the value has to be: the name of a setting, an absolute URL, an HTTP status."
        default:
            """
            Secrets never stand in these files, only where they lie: { file: PATH } for a file that its owner alone may \
            read, or { env: NAME }. One of the two, and every one that the connector or source needs.
            """
        }
    }
}

extension DefinitionCode {
    /// A file that yields this number and no other.
    var example: DiagnosticExample? {
        switch self {
        case .nameDiffersFromFile: .init(.playbook, wrong: "playbook: exmple", right: "playbook: example")
        case .unknownSignal: .init(.playbook, wrong: "signal: secret.exposd", right: "signal: secret.exposed")
        case .unknownCapability: .init(.workflow, wrong: "do: token.revoke", right: "do: tokens.revoke")
        case .writeWithoutUndo:
            .init(
                .workflow, wrong: "    if: inputs.days > 1\n",
                right: "    if: inputs.days > 1\n    undo: none\n    because: a revoked token can't be given back\n")
        case .unknownInput:
            .init(
                .playbook, wrong: "with: { credential: \"${subject}\", dyas: 7 }",
                right: "with: { credential: \"${subject}\", days: 7 }", at: "with: { credential: \"${subject}\" }")
        case .missingInput: .init(.playbook, wrong: "with: { days: 7 }", right: "with: { credential: \"${subject}\" }")
        case .repeatedName: .init(.workflow, wrong: "- id: proof", right: "- id: revoke")
        case .tooMany: .init(.workflow, wrong: "steps: []\n", right: Self.steps)
        case .unknownWorkflow: .init(.playbook, wrong: "workflow: exmple", right: "workflow: example")
        case .badName: .init(.workflow, wrong: "- id: Proof", right: "- id: proof")
        case .badPath: .init(.playbook, wrong: "from: subject.credential", right: "from: signal.credential")
        case .wrongSubject:
            .init(
                .playbook, wrong: "with: { credential: \"${signal.credential}\" }",
                right: "with: { credential: \"${subject}\" }")
        case .unknownStep: .init(.playbook, wrong: "contained_by: revoked", right: "contained_by: revoke")
        case .notOffered: .init(.connector, wrong: "class: read", right: "class: once")
        case .badSetting: .init(.connector, wrong: "to: address", right: "to: url")
        case .badAnswer: .init(.connector, wrong: "done: [200, 201, 204, 429]", right: "done: [200, 201, 204]")
        case .badReversal:
            .init(
                .connector, wrong: "class: once\n      reversibility: full\n", right: "class: once\n")
        case .unpromised:
            .init(
                .connector, wrong: Self.listing(keep: "[names]"), right: Self.listing(keep: "[sessions]"),
                at: "  capabilities:\n")
        case .badProof:
            .init(
                .connector, wrong: Self.suspension("      verify: { works: seen.active == true }\n"),
                right: Self.suspension(""),
                at: "  capabilities:\n")
        case .badVersion:
            .init(
                .connector, wrong: Self.suspension("        etag: version\n"), right: Self.suspension(""),
                at: "  capabilities:\n")
        case .badCut:
            .init(
                .connector, wrong: Self.suspension("        secret: [pin]\n"), right: Self.suspension(""),
                at: "  capabilities:\n")
        case .badLag:
            .init(.connector, wrong: "class: once\n      lag: 1m\n", right: "class: once\n", at: "class: once\n")
        case .foreignAnswer:
            .init(.connector, wrong: "done: [200, 201, 204, 404]", right: "done: [200, 201, 204]")
        case .badSecret:
            .init(
                .inventory, wrong: "token: { file: deploy.token, env: TOKEN }", right: "token: { file: deploy.token }")
        case .missingMapping: .init(.playbook, wrong: "maps: {}", right: "maps: { owasp_nhi: [NHI2] }")
        case .noOneKind, .noHold, .noBound, .silenceActs, .nobodyAsked, .badReference, .callsItself, .tooDeep,
            .misplaced, .unexplained:
            exampleOfSteps
        case .taintedParameter, .noEvidence, .neverReached, .ownerAlone, .silenceDestroys, .inlineSecret, .wrongInput,
            .looseConnection, .guessedSubject, .bareName, .unknownWord, .emptyProof:
            exampleOfReview
        case .unknownPlaybook, .noArrival, .badFixture, .badOverride, .unknownFake, .contradiction, .badSignal,
            .neverHappens, .unknownChoice, .noExpectation, .uncovered, .noProvider, .noTest, .unknownCase:
            exampleOfTests
        // A matter of the folder, or of the settings, and not of a text: tests of their own make them.
        case .unreadable, .abovePolicy, .looserGuard, .lackedCapability, .lackedUndo, .unknownSelf, .unknownConnection:
            nil
        case .badProtection:
            .init(
                .playbook, wrong: "guards: { protected: { ask: [tier0] } }\nmaps: { owasp_nhi: [NHI2] }",
                right: "guards: { protected: { ask: [tag/tier0] } }\nmaps: { owasp_nhi: [NHI2] }",
                at: "maps: { owasp_nhi: [NHI2] }")
        case .badWindow:
            .init(
                .playbook,
                wrong: "guards: { protected: { ask: [{ of: tag/ci, until: january }] } }\nmaps: { owasp_nhi: [NHI2] }",
                right:
                    "guards: { protected: { ask: [{ of: tag/ci, until: 2027-01-31 }] } }\nmaps: { owasp_nhi: [NHI2] }",
                at: "maps: { owasp_nhi: [NHI2] }")
        }
    }

    private var exampleOfSteps: DiagnosticExample? {
        let ask = "  - id: ask\n    approve: { by: team-appsec, within: 4h, on_timeout: keep }\n"
        let stop = "  - id: stop\n    do: credential.disable\n    with: { credential: \"${inputs.credential.id}\" }\n"
        let more = "  - id: more\n    do: evidence.capture\n    with: { of: \"${inputs.credential.id}\" }\n"
        let wait = "  - id: calm\n    wait: 10m\n"
        let change =
            "  - id: issue\n    do: credential.issue\n    with: { subject: \"${inputs.credential.id}\" }\n"
        return switch self {
        case .noOneKind: .init(step: "  - id: calm\n", right: wait)
        case .noHold: .init(step: stop, right: stop + "    hold: { for: 4h, then: undo }\n")
        case .noBound:
            .init(
                step: "  - id: calm\n    wait: { until: inputs.days > 3 }\n",
                right: "  - id: calm\n    wait: { until: inputs.days > 3, for: 30m }\n")
        case .silenceActs:
            .init(
                step: "  - id: ask\n    approve: { by: team-appsec, within: 4h, on_timeout: approve }\n", right: ask)
        case .nobodyAsked:
            .init(
                step: "  - id: ask\n    approve: { by: ann, exclude: [ann], within: 4h, on_timeout: keep }\n",
                right: ask)
        case .badReference: .init(step: more + "    after: hold/proof\n", right: more + "    after: proof\n")
        case .callsItself:
            .init(
                step: "  - id: more\n    call: example\n    with: { credential: \"${inputs.credential}\" }\n",
                right: more)
        case .tooDeep: .init(step: Self.nested(depth: 5), right: Self.nested(depth: 3))
        case .misplaced: .init(step: wait + "    hold: { for: 4h, then: keep }\n", right: wait)
        case .unexplained:
            .init(
                step: change + "    on_unknown: accept\n",
                right: change + "    on_unknown: accept\n    because: its client asks for a new one either way\n")
        default: nil
        }
    }

    private var exampleOfReview: DiagnosticExample? {
        let token = "ghp_" + String(repeating: "Ab1", count: 12)
        let ask = "  - id: ask\n    approve: { by: team-appsec, within: 4h, on_timeout: "
        let stop =
            "  - id: stop\n    do: credential.disable\n    with: { credential: \"${inputs.credential.id}\" }\n"
            + "    hold: { for: 4h, then: undo }\n"
        let purge =
            "  - id: purge\n    do: credential.delete\n    with: { credential: \"${inputs.credential.id}\" }\n"
            + "    undo: none\n    because: it was agreed\n"
        let lift = "  - id: lift\n    undo: [stop]\n    approve: { by: "
        return switch self {
        case .taintedParameter:
            .init(
                .playbook,
                wrong: Self.reducing("\"${signal.secret_type}\""),
                right: Self.reducing("\"${signal.exposure == 'public' ? 'none' : 'read'}\""),
                at: "  workflow: example\n  with: { credential: \"${subject}\" }\n"
                    + "objective: { contained_by: revoke, within: 15m }\n")
        case .noEvidence:
            .init(
                .workflow, wrong: "    do: evidence.capture\n    if: inputs.days > 1\n",
                right: "    do: evidence.capture\n")
        case .neverReached:
            .init(
                step: "\(ask)skip }\n  - id: more\n    if: steps.ask.choice == \"yes\"\n    wait: 10m\n",
                right: "\(ask)skip }\n  - id: more\n    if: steps.ask.choice == \"approve\"\n    wait: 10m\n")
        case .ownerAlone:
            .init(
                step: "\(stop)\(lift)\"${inputs.credential.owner.name}\", within: 4h, on_timeout: skip }\n",
                right: "\(stop)\(lift)team-appsec, within: 4h, on_timeout: skip }\n")
        case .silenceDestroys: .init(step: "\(ask)skip }\n\(purge)", right: "\(ask)keep }\n\(purge)")
        case .inlineSecret:
            .init(
                step: "  - id: more\n    do: evidence.capture\n    with: { of: \(token) }\n",
                right: "  - id: more\n    do: evidence.capture\n    with: { of: \"${inputs.credential.id}\" }\n")
        case .looseConnection:
            .init(
                step: "  - id: tell\n    at: \"${inputs.credential.owner.name}\"\n" + Self.telling,
                right: "  - id: tell\n    at: chat\n" + Self.telling)
        case .guessedSubject:
            .init(
                step:
                    "  - id: more\n    do: evidence.capture\n    at: gateway\n    with: { of: \"${inputs.credential}\" }\n",
                right:
                    "  - id: more\n    do: evidence.capture\n    at: gateway\n    with: { of: \"${inputs.credential.id}\" }\n"
            )
        case .bareName:
            .init(
                step: "  - id: more\n    do: evidence.capture\n    with: { of: inputs.credential }\n",
                right: "  - id: more\n    do: evidence.capture\n    with: { of: \"${inputs.credential}\" }\n")
        case .unknownWord:
            .init(
                .playbook, wrong: "when: signal.validity == \"actve\"", right: "when: signal.validity == \"active\"")
        case .emptyProof:
            .init(.workflow, wrong: "verify: \"true\"", right: "verify: after.active == false")
        case .wrongInput:
            .init(
                .playbook, wrong: "with: { credential: \"${subject}\", days: seven }",
                right: "with: { credential: \"${subject}\", days: 7 }", at: "with: { credential: \"${subject}\" }")
        default: nil
        }
    }

    private static func listing(keep: String) -> String {
        "  capabilities:\n    sessions.list:\n      class: read\n      request: { method: GET, to: url }\n"
            + "      answers: { done: [200] }\n      keep: \(keep)\n"
    }

    private static func suspension(_ more: String) -> String {
        "  capabilities:\n    account.suspend:\n      class: convergent\n      request: { method: POST, to: url }\n"
            + "      answers: { done: [200] }\n      state:\n        request: { method: GET, to: url }\n"
            + "        answers: { done: [200] }\n        keep: [active]\n\(more)"
    }

    private static let telling =
        "    do: notify\n    with: { subject: \"${inputs.credential.id}\", text: hello }\n"
        + "    undo: none\n    because: what is told is told\n"

    private static func reducing(_ keep: String) -> String {
        "  workflow: reduce\n  with: { credential: \"${subject}\", keep: \(keep) }\n"
            + "objective: { contained_by: cut, within: 15m }\n"
    }

    /// Branches within branches, and a wait in the innermost.
    private static func nested(depth: Int) -> String {
        var text = ""
        for level in 1..<depth {
            let margin = String(repeating: " ", count: 4 * level - 2)
            text += "\(margin)- id: level\(level)\n\(margin)  parallel:\n\(margin)  - name: one\n\(margin)    steps:\n"
        }
        return text + String(repeating: " ", count: 4 * depth - 2) + "- { id: deep, wait: 1m }\n"
    }

    private static let steps =
        "steps:" + (DiagnosticExample.goodWorkflow.split(separator: "steps:", maxSplits: 1).last.map(String.init) ?? "")
}
