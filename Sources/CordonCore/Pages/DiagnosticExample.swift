// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// A text with one mistake in it, and the same text mended. It is loaded as an author's own would be: its number is not
/// claimed but found.
package struct DiagnosticExample: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case playbook, workflow, connector, inventory, test
        /// The `when` of a playbook on a secret that was found.
        case condition
        /// An expression on `sample`, for its value.
        case evaluation
        /// The same, where true or false is wanted.
        case decision
    }

    package var kind: Kind
    /// What is wrong. Bytes, because a file can be wrong as such.
    package var wrong: [UInt8]
    /// What stands there instead.
    package var right: String
    /// The part of the good file that `wrong` and `right` stand for.
    private var place: String

    init(_ kind: Kind, wrong: String, right: String, at place: String? = nil) {
        self.init(kind, wrong: Array(wrong.utf8), right: right, at: place)
    }

    init(_ kind: Kind, wrong: [UInt8], right: String, at place: String? = nil) {
        self.kind = kind
        self.wrong = wrong
        self.right = right
        self.place = place ?? right
    }

    /// A further step of the good workflow.
    init(step wrong: String, right: String) {
        self.init(.workflow, wrong: wrong, right: right, at: "# further steps\n")
    }

    /// Where the file would lie; `nil` for an expression.
    package var file: String? {
        switch kind {
        case .playbook: "playbooks/example.yaml"
        case .workflow: "workflows/example.yaml"
        case .connector: "workflows/connectors/example.yaml"
        case .inventory: "identities.yaml"
        case .test: "playbooks/example.test.yaml"
        case .condition, .evaluation, .decision: nil
        }
    }

    /// The whole text with the mistake, and without.
    package var wrongText: [UInt8] { filled(wrong) }
    package var rightText: [UInt8] { filled(Array(right.utf8)) }

    private func filled(_ part: [UInt8]) -> [UInt8] {
        guard let good else { return part }
        let parts = good.split(separator: place, maxSplits: 1, omittingEmptySubsequences: false)
        precondition(parts.count == 2, "'\(place)' stands in the good \(kind)")
        return Array(parts[0].utf8) + part + Array(parts[1].utf8)
    }

    /// What an author of this text is told, each with its number. Connectors are read by a room further out.
    package func told(_ text: [UInt8], connector: (_ bytes: [UInt8], _ file: String) -> [Diagnostic]) -> [Diagnostic] {
        let file = file ?? "expression"
        let source = String(decoding: text, as: UTF8.self)
        return switch kind {
        case .playbook: mistakes(Playbook.load(text, file: file, digest: "", workflows: Self.workflows))
        case .workflow: Self.workflowMistakes(text, file)
        case .inventory: mistakes(Inventory.load(text, file: file, digest: ""))
        case .test: mistakes(PlaybookTest.load(text, file: file, against: Self.setting))
        case .connector: connector(text, file)
        case .condition: Self.compile(source, ["signal": Self.signalKind?.schema ?? .any], .bool).1
        case .evaluation: Self.evaluated(source, expecting: nil)
        case .decision: Self.evaluated(source, expecting: .bool)
        }
    }

    private static func workflowMistakes(_ text: [UInt8], _ file: String) -> [Diagnostic] {
        switch Workflow.admit(text, file: file, digest: "") {
        case .success(let workflow): workflow.checkCalls(among: [workflow])
        case .failure(let found): found.all
        }
    }

    private func mistakes<Item>(_ loaded: Result<Item, Diagnostics>) -> [Diagnostic] {
        if case .failure(let found) = loaded { found.all } else { [] }
    }

    private static func compile(
        _ source: String, _ variables: [String: Schema], _ expecting: Schema?
    ) -> (Expression?, [Diagnostic]) {
        do throws(ExpressionErrors) {
            return (try Expression.compile(source, variables: variables, expecting: expecting), [])
        } catch {
            return (nil, error.diagnostics(at: start, sourceLine: source, source: source))
        }
    }

    private static func evaluated(_ source: String, expecting: Schema?) -> [Diagnostic] {
        let (expression, mistakes) = compile(source, ["alert": .any, "event": .any], expecting)
        guard let error = expression?.evaluate(["alert": sample]).error else { return mistakes }
        return [error.diagnostic(at: start, source: source)]
    }

    private static let start = Place(file: "expression", line: 1, column: 1)
}

// MARK: - What examples start from

extension DiagnosticExample {
    /// What `alert` stands for in an example that is evaluated; `event` has no value there.
    package static let sample: Value = [
        "title": "leak", "severity": "high", "score": 71, "count": 0, "tags": ["a", "b"], "pattern": "(",
    ]

    package static let signalKind = SignalKind.named("secret.exposed")

    private static let workflows: [Workflow] = [("example", goodWorkflow), ("reduce", reducing)].compactMap {
        try? Workflow.admit(Array($0.1.utf8), file: "workflows/\($0.0).yaml", digest: "").get()
    }

    /// A second workflow beside the good one, with an input that becomes a parameter.
    private static let reducing = """
        workflow: reduce
        title: Leave a credential one scope
        inputs:
          credential: { type: credential }
          keep: { type: string }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: cut
            do: scopes.reduce
            with: { subject: "${inputs.credential.id}", keep: ["${inputs.keep}"] }
            hold: { for: 4h, then: undo }

        """

    private static func loaded(_ text: String) -> [Workflow] {
        switch Workflow.load(Array(text.utf8), file: "workflows/example.yaml", digest: "") {
        case .success(let workflow): [workflow]
        case .failure: []
        }
    }

    /// Reads the text of a test of the good playbook.
    package static func readTest(_ text: String) -> Result<PlaybookTest, Diagnostics> {
        // What it is read against is of another kind, so whoever writes down the fields of tests doesn't see it.
        let setting = YAMLShapes.$recording.withValue(nil) { Self.setting }
        return PlaybookTest.load(Array(text.utf8), file: "playbooks/example.test.yaml", against: setting)
    }

    /// What an example of a test is read against: the good playbook, and the good workflow with a question at its end.
    private static var setting: PlaybookTest.Setting {
        let workflows = loaded(goodWorkflow + goodQuestion)
        let playbook = Playbook.load(
            Array(goodPlaybook.utf8), file: "playbooks/example.yaml", digest: "", workflows: workflows)
        return PlaybookTest.Setting(
            playbooks: (try? [playbook.get()]) ?? [], workflows: workflows,
            sources: ["example": ["secret.exposed"]], providers: ["example": ["evidence.capture", "tokens.revoke"]],
            fixture: { $0 == "fixtures/leak.json" ? Array(#"{"repository":"octo-org/billing"}"#.utf8) : nil })
    }

    private var good: String? {
        switch kind {
        case .playbook: Self.goodPlaybook
        case .workflow: Self.goodWorkflow
        case .connector: Self.goodConnector
        case .inventory: Self.goodInventory
        case .test: Self.goodTest
        case .condition, .evaluation, .decision: nil
        }
    }

    package static let goodPlaybook = """
        playbook: example
        title: Secret found
        owner: team/appsec
        mode: enforce
        trigger:
          signal: secret.exposed
          when: signal.validity == "active"
          on_undecided: skip
          subject: { kind: credential, from: signal.credential }
          group: { by: [subject.id], window: 24h }
        run:
          workflow: example
          with: { credential: "${subject}" }
        objective: { contained_by: revoke, within: 15m }
        maps: { owasp_nhi: [NHI2] }

        """

    package static let goodWorkflow = """
        workflow: example
        title: Revoke a token
        inputs:
          credential: { type: credential }
          days: { type: int, default: 3 }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: revoke
            do: tokens.revoke
            with: { credential: "${inputs.credential.id}" }
            within: 10m
            retry: { attempts: 4, first: 2s }
            verify: after.active == false
            if: inputs.days > 1
            undo: none
            because: a revoked token can't be given back
        # further steps

        """

    static let goodConnector = """
        connector: example
        title: An address that takes a JSON body
        vendor: https://www.rfc-editor.org/rfc/rfc9110
        provider:
          settings:
            url: { type: url }
          secrets: []
          subject_secrets: []
          authentication: { scheme: none }
          capabilities:
            http.call:
              class: once
              request: { method: POST, to: url, json: "${with.body}" }
              answers: { done: [200, 201, 204], later: [429], refused: [400, 403] }

        """

    package static let goodInventory = """
        identities:
          - id: deploy-token
            kind: credential
            provider: login
            owner: team/platform
            matches: { issuer: github, repository: octo-org/billing }
            secrets: { token: { file: deploy.token } }

        """

    private static let goodQuestion = """
          - id: check
            task:
              { ask: Was it meant?, by: ann, choices: [intended, not_intended], within: 2h, on_timeout: not_intended }

        """

    package static let goodTest = """
        test: example
        from: { connector: example }
        cases:
          - name: a live secret
            alert: fixtures/leak.json
            fake:
              tokens.revoke: { before: { active: true }, after: { active: false } }
              task.check: { answer: intended, at: +20m }
            expect: { verdict: enforce, calls: [evidence.capture, tokens.revoke] }
          - name: of a first-tier account
            with: { state.subject.tags: [tier0] }
            expect: { verdict: propose }
          # further cases

        """
}
