// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage

/// A playbook and its workflows with every kind of step, a connector with every kind of effect, and tests of them.
struct RehearsalSketch {
    var playbook = RehearsalSketch.playbook
    var workflow: String
    /// What all cases take over from the first.
    var fakes = RehearsalSketch.fakes
    var cases: String

    struct Outcome {
        var item: PlaybookTest.Case
        var performance: Performance
        var differences: [String]
    }

    /// The workflow `narrow` and one case after the other, as its test's file has them.
    init(_ cases: String) {
        workflow = RehearsalSketch.workflow(RehearsalSketch.narrow)
        self.cases = cases
    }

    /// The same with these steps, none of which is the playbook's objective.
    init(steps: String, _ cases: String) {
        workflow = RehearsalSketch.workflow(steps)
        fakes = ""
        playbook = playbook.replacing("objective: { contained_by: reduce, within: 15m }\n", with: "")
        self.cases = cases
    }

    private static func workflow(_ steps: String) -> String {
        head + steps.split(separator: "\n").map { "  \($0)\n" }.joined()
    }

    // MARK: Reading

    var connectors: [String: Connector] {
        get throws {
            let plain = try Connector.load(
                Array(RehearsalSketch.plain.utf8), file: "connectors/plain.yaml", digest: "sha256:plain"
            ).get()
            return ["plain": plain]
        }
    }

    func definitions() throws -> (playbook: Playbook, workflows: [Workflow], sources: [Library.Source]) {
        var workflows: [Workflow] = []
        var sources: [Library.Source] = []
        for (name, text) in [("narrow", workflow), ("ring", RehearsalSketch.ring)] {
            let bytes = Array(text.utf8)
            workflows.append(
                try Workflow.load(bytes, file: "workflows/\(name).yaml", digest: digestText(bytes)).get())
            sources.append(Library.Source(kind: .workflow, name: name, digest: digestText(bytes), bytes: bytes))
        }
        let playbook = try Playbook.load(
            Array(playbook.utf8), file: "playbooks/widened.yaml", digest: "sha256:widened", workflows: workflows
        ).get()
        return (playbook, workflows, sources)
    }

    func rehearsal() throws -> Rehearsal {
        let (playbook, workflows, sources) = try definitions()
        guard
            let rehearsal = Rehearsal(
                playbook, workflows: workflows, connectors: try connectors, sources: sources, guards: .none)
        else { throw Missing() }
        return rehearsal
    }

    struct Missing: Error {}

    func test() throws -> PlaybookTest {
        let (playbook, workflows, _) = try definitions()
        let setting = PlaybookTest.Setting(
            playbooks: [playbook], workflows: workflows, connectors: try connectors, fixture: { _ in nil })
        let lines = (RehearsalSketch.base + fakes + cases).split(separator: "\n", omittingEmptySubsequences: false)
        let text = "test: widened\ncases:\n" + lines.map { "  \($0)" }.joined(separator: "\n") + "\n"
        return try PlaybookTest.load(Array(text.utf8), file: "playbooks/widened.test.yaml", against: setting).get()
    }

    /// Plays all but the first case, from which the others take their signal.
    func play() async throws -> [Outcome] {
        let rehearsal = try rehearsal()
        var outcomes: [Outcome] = []
        for item in try test().cases.dropFirst() {
            let performance = try await rehearsal.play(item)
            outcomes.append(
                Outcome(
                    item: item, performance: performance,
                    differences: performance.differences(from: item.expect, rehearsal.playbook, rehearsal.map)))
        }
        return outcomes
    }

    /// What the cases leave open.
    func coverage() async throws -> Coverage {
        let rehearsal = try rehearsal()
        var coverage = Coverage()
        coverage.add(Branch.all(of: rehearsal.playbook))
        for workflow in rehearsal.workflows where rehearsal.map.workflows.contains(workflow.name) {
            coverage.add(Branch.all(of: workflow))
        }
        for outcome in try await play() {
            for judgment in outcome.performance.judgments { coverage.note(judgment.verdict, of: "widened") }
            for played in outcome.performance.runs { coverage.note(played.history, rehearsal.map) }
        }
        return coverage
    }

    // MARK: Texts

    private static let base = """
        - name: base
          signal:
            validity: active
            exposure: internal
            location: { kind: ci_log, repository: a/b }
            credential: { issuer: forge, name: deploy }
            secret_type: key
          state: { subject: { id: deploy, owner: ann, tags: [] } }
          expect: { verdict: enforce }

        """

    private static let fakes = """
          fake:
            scopes.reduce: { before: { scopes: ["repo:read", "admin"] }, after: { scopes: ["repo:read"] } }
            account.suspend: { before: { suspended: false }, after: { suspended: true } }

        """

    private static let playbook = """
        playbook: widened
        title: More scope than its profile
        owner: team/appsec
        mode: shadow
        trigger:
          signal: secret.exposed
          when: signal.validity == "active"
          subject: { kind: credential, from: signal.credential }
          group: { by: [subject.id], window: 1h }
        run:
          workflow: narrow
          with: { credential: "${subject}" }
        objective: { contained_by: reduce, within: 15m }
        maps: { owasp_nhi: [NHI5] }

        """

    private static let head = """
        workflow: narrow
        title: Take scopes away, ask, give back or suspend
        inputs:
          credential: { type: credential }
        steps:

        """

    private static let narrow = """
        - id: proof
          do: evidence.capture
          with: { of: "${inputs.credential.id}" }
          on_error: stop
        - id: reduce
          do: scopes.reduce
          with: { subject: "${inputs.credential.id}", keep: ["repo:read"] }
          within: 10m
          verify: after.scopes == ["repo:read"]
          hold: { for: 4h, then: undo, unless: "'compromised' in subject.tags" }
        - id: check
          task:
            by: team/appsec
            ask: Was it meant?
            choices: [intended, not_intended]
            within: 2h
            escalate: { after: 1h, to: team/security }
            on_timeout: not_intended
        - id: restore
          if: steps.check.choice == "intended"
          undo: [reduce]
        - id: suspend
          if: steps.check.choice == "not_intended"
          do: account.suspend
          with: { account: "${inputs.credential.id}" }
          approve: { by: team/security, quorum: 2, within: 1h, on_timeout: skip }
          hold: { for: 24h, then: page }
          on_error: undo
        """

    private static let ring = """
        workflow: ring
        title: Ask the owner to prove themselves
        inputs:
          credential: { type: credential }
        steps:
          - id: bell
            do: challenge.send
            with: { subject: "${inputs.credential.id}" }
            undo: none
            because: a message can't be called back

        """

    private static let plain = """
        connector: plain
        title: A provider with every kind of effect
        vendor: https://provider.example/api
        provider:
          settings:
            api: { type: url }
          secrets: [key]
          subject_secrets: []
          authentication: { scheme: header, prefix: Bearer, secret: key }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: api, path: "/subjects/${with.of}" }
              answers: { done: [200], later: [429], refused: [403] }
              keep: [scopes, uses]
            scopes.reduce:
              class: convergent
              request: { method: PUT, to: api, path: "/scopes/${with.subject}", json: { scopes: "${with.keep}" } }
              answers: { done: [204], later: [429], refused: [403] }
              state:
                request: { method: GET, to: api, path: "/scopes/${with.subject}" }
                answers: { done: [200] }
                keep: [scopes]
              undo:
                request: { method: PUT, to: api, path: "/scopes/${with.subject}", json: "${with.before}" }
                answers: { done: [204] }
            account.suspend:
              class: convergent
              request: { method: POST, to: api, path: "/suspend/${with.account}" }
              answers: { done: [200], later: [429], refused: [403] }
              state:
                request: { method: GET, to: api, path: "/accounts/${with.account}" }
                answers: { done: [200] }
                keep: [suspended]
              undo:
                request: { method: POST, to: api, path: "/restore/${with.account}" }
                answers: { done: [200] }
            challenge.send:
              class: once
              request: { method: POST, to: api, path: "/challenges/${with.subject}" }
              answers: { done: [202], later: [429], refused: [403] }

        """
}
