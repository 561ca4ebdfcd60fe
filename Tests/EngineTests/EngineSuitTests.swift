// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// What a provider offers for some of those whom it knows alone.
@Suite(.timeLimit(.minutes(20)))
struct EngineSuitTests {
    private static func connector(for rule: String) throws -> Connector {
        let text = """
            connector: own
            title: One that tells its subjects apart
            vendor: https://own.example/docs
            provider:
              settings: { api: { type: url } }
              secrets: []
              subject_secrets: []
              authentication: { scheme: none }
              capabilities:
                evidence.capture:
                  class: read
                  for: \(rule)
                  request: { method: GET, to: api }
                  answers: { done: [200], refused: [404], later: [429] }
                  keep: [active]

            """
        return try Connector.load(Array(text.utf8), file: "own.yaml", digest: "sha256:own").get()
    }

    /// What the one run waits for, and how often the provider was asked, when an alert about `deploy-token` came.
    private func opened(for rule: String) async throws -> (gate: Run.Ask?, asked: Int) {
        let known = Inventory(identities: [], digest: "sha256:none")
        let library = try Library.sketch(
            known, workflow: "look",
            steps: "  - { id: proof, do: evidence.capture, with: { of: \"${inputs.credential}\" } }\n")
        let installation = try Installation(
            playbooks: library.playbooks, workflows: Array(library.workflows.values), sources: library.sources,
            try Self.connector(for: rule))
        let transport = ScriptedTransport(installation) { _, _ in .answered(200, #"{"active":true}"#) }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait {
                let stored = try await installation.runs.first
                return stored?.wake == "person" || stored?.phase == "ended"
            }
        }
        return (try await installation.run.gate, transport.requests.count)
    }

    @Test func `a run about one whom a step is not for opens waiting for a person, and nothing is asked`() async throws
    {
        let (gate, asked) = try await opened(for: #"subject.id != "deploy-token""#)
        #expect(gate?.kind == .undecided)
        #expect(
            gate?.reason
                == #"provider 'auth' offers evidence.capture, and not for deploy-token (for: subject.id != "deploy-token")"#
        )
        #expect(asked == 0)
    }

    @Test(arguments: [#"subject.id == "deploy-token""#, #"subject.class == "user""#])
    func `one whom it is for, or of whom nobody can tell, is asked about`(_ rule: String) async throws {
        let (gate, asked) = try await opened(for: rule)
        #expect(gate == nil && asked == 1)
    }
}
