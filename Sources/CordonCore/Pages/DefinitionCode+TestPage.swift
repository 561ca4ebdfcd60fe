// SPDX-License-Identifier: Apache-2.0

/// The numbers that files of tests can yield.
extension DefinitionCode {
    var explanationOfTests: String {
        switch self {
        case .unknownPlaybook:
            """
            A test stands beside its playbook and names it, so that it can be read against the steps and questions that \
            the playbook has. A playbook that has a mistake of its own is not loaded, so look for one first.
            """
        case .noArrival:
            """
            Something has to come in: an alert as its source sends it (alert: fixtures/NAME.json), or what it would be \
            read as (signal: { … }). A case that has neither takes that of the first case, or of the one it is 'like'.
            """
        case .badFixture:
            """
            The alert's file lies beside the test and holds the body as the source sends it, in JSON. Its path starts at \
            the test's own folder.
            """
        case .badOverride:
            """
            'with' changes single values of what the case took over: state.subject.FIELD, state.inventory.KIND, \
            alert.FIELD.FIELD or signal.FIELD. A path that leads nowhere would leave the case as it was, and it would \
            pass without testing anything.
            """
        case .unknownFake:
            """
            Under 'fake' stands what providers and people answer: a capability that the workflow asks for, step.ID for \
            one of its steps, task.ID or approve.ID for a question. Anything else would never be asked.
            """
        case .contradiction: "The two fields say different things, or one means nothing without the other."
        case .badSignal:
            """
            A signal in a test has the fields of its kind, with their types, as one that a connector makes. Write null \
            where the source says nothing.
            """
        case .neverHappens:
            """
            An expectation about a call or a question that the playbook never makes would hold always. Calls are named \
            by their capability, and undos as undo:STEP.
            """
        default: explanationOfTestsToo
        }
    }

    private var explanationOfTestsToo: String {
        switch self {
        case .unknownChoice:
            "A question has the choices that its step names; for an approval these are approve and decline."
        case .noExpectation:
            "A case that expects nothing can't fail, so it would say that something is tested that is not."
        case .uncovered:
            """
            What no case takes was never seen to work: an 'if' that was never false, a hold that never ended, an error \
            that never happened. Write a case that takes this way; 'cordon playbook test' tells which are left.
            """
        case .noProvider:
            """
            Cases run through a connector that ships or lies in the library: one that gives the signals of the playbook's \
            kind, and one that offers everything that the workflow asks for.
            """
        case .noTest:
            """
            A playbook acts at three in the morning; its test is where its reviewers see what it does then. Write \
            NAME.test.yaml beside NAME.yaml.
            """
        default: "What a case is 'like' stands above it, under its name."
        }
    }

    /// A test that yields this number and no other.
    var exampleOfTests: DiagnosticExample? {
        switch self {
        case .unknownPlaybook: .init(.test, wrong: "test: exampel", right: "test: example")
        case .noArrival: .init(.test, wrong: "", right: "    alert: fixtures/leak.json\n")
        case .badFixture: .init(.test, wrong: "alert: fixtures/laek.json", right: "alert: fixtures/leak.json")
        case .badOverride: .init(.test, wrong: "state.subjcet.tags: [tier0]", right: "state.subject.tags: [tier0]")
        case .unknownFake: .init(.test, wrong: "token.revoke: {", right: "tokens.revoke: {")
        case .contradiction:
            .init(
                .test, wrong: "{ ok: false, fails: [later], before:", right: "{ fails: [later], before:",
                at: "{ before:")
        case .badSignal: Self.exampleOfSignal
        case .neverHappens:
            .init(
                .test, wrong: "calls: [evidence.capture, token.revoke]",
                right: "calls: [evidence.capture, tokens.revoke]")
        case .unknownChoice: .init(.test, wrong: "answer: intendet", right: "answer: intended")
        case .noExpectation: .init(.test, wrong: "expect: {}", right: "expect: { verdict: propose }")
        case .noProvider: .init(.test, wrong: "connector: exampel", right: "connector: example")
        case .unknownCase:
            .init(
                .test, wrong: "  - { name: again, like: a life secret, expect: { end: stopped } }\n",
                right: "  - { name: again, like: a live secret, expect: { end: stopped } }\n", at: "  # further cases\n"
            )
        // Matters of the run and of the folder, and not of a text: their own tests make them.
        default: nil
        }
    }

    private static var exampleOfSignal: DiagnosticExample {
        let fields = "exposure: internal, location: { kind: ci_log, repository: a/b }, credential: {}, secret_type: key"
        func file(_ field: String) -> String {
            """
            test: example
            cases:
              - name: from a log
                signal: { \(field): active, \(fields) }
                expect: { verdict: enforce }

            """
        }
        return .init(.test, wrong: file("validty"), right: file("validity"), at: DiagnosticExample.goodTest)
    }
}
