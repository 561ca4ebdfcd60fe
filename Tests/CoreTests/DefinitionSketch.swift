// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation

/// One author's file in memory: a good one to start from, and the same with one mistake in it.
struct DefinitionSketch {
    enum Kind: String, Sendable { case playbook, workflow, inventory }

    var kind: Kind
    var file: String
    var text: String

    static let workflow = DefinitionSketch(
        kind: .workflow, file: "workflows/revoke.yaml",
        text: """
            workflow: revoke
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
                if: inputs.days > 1
                within: 10m
                retry: { attempts: 4, first: 2s }
                verify: after.active == false
                undo: none
                because: a revoked token can't be given back

            """)

    /// A workflow with an input that becomes a parameter, and calls one that has such an input too.
    static let reduce = DefinitionSketch(
        kind: .workflow, file: "workflows/reduce.yaml",
        text: """
            workflow: reduce
            title: Leave a credential some scopes
            inputs:
              credential: { type: credential }
              keep: { type: string }
              note: { type: string, default: none }
              hold: { type: duration, default: 4h, max: 24h }
            steps:
              - id: proof
                do: evidence.capture
                with: { of: "${inputs.credential.id}" }
              - id: cut
                do: scopes.reduce
                with: { subject: "${inputs.credential.id}", keep: ["${inputs.keep}"] }
                hold: { for: "${inputs.hold}", then: undo }
              - id: tell
                do: http.call
                with: { subject: "${inputs.credential.id}", body: { note: "${inputs.note}" } }
                undo: none
                because: what is told is told

            """)

    /// A workflow whose inputs say whom it asks, how long it holds and how long it waits.
    static let ask = DefinitionSketch(
        kind: .workflow, file: "workflows/ask.yaml",
        text: """
            workflow: ask
            title: Ask before a credential is refused
            inputs:
              credential: { type: credential }
              who: { type: string, default: team-appsec }
              lifts: { type: string, default: team-appsec }
              checks: { type: string, default: team-appsec }
              hold: { type: duration, default: 4h, max: 24h }
              calm: { type: duration, default: 5m }
            steps:
              - id: stop
                do: credential.disable
                with: { credential: "${inputs.credential}" }
                hold: { for: "${inputs.hold}", then: undo }
                approve: { by: ["team/${inputs.who}"], within: 4h, on_timeout: skip }
              - id: calm
                wait: "${inputs.calm}"
              - id: check
                task: { by: "${inputs.checks}", ask: Was it you?, choices: [own, foreign], within: 4h, on_timeout: keep }
              - id: lift
                undo: [stop]
                approve: { by: "${inputs.lifts}", within: 4h, on_timeout: skip }

            """)

    static let playbook = DefinitionSketch(
        kind: .playbook, file: "playbooks/leak.yaml",
        text: """
            playbook: leak
            title: Secret found
            owner: team/appsec
            mode: enforce
            trigger:
              signal: secret.exposed
              when: signal.validity == "active"
              on_undecided: skip
              subject: { kind: credential, from: signal.credential }
            run:
              workflow: revoke
              with: { credential: "${subject}" }
            objective: { contained_by: revoke, within: 15m }
            maps: { attack: [T1552.001], owasp_nhi: [NHI2, NHI7] }

            """)

    static let inventory = DefinitionSketch(
        kind: .inventory, file: "identities.yaml",
        text: """
            identities:
              - id: deploy-token
                kind: credential
                provider: auth
                owner: team/platform
                tags: [ci, web]
                attributes: { client: web }
                matches: { issuer: github, alert: 7 }
                secrets: { token: { file: deploy.token }, pin: { env: DEPLOY_PIN } }
              - id: backup-token
                kind: credential
                provider: auth
                matches: { issuer: github, alert: 8 }

            """)

    static func good(_ kind: Kind) -> DefinitionSketch {
        switch kind {
        case .workflow: workflow
        case .playbook: playbook
        case .inventory: inventory
        }
    }

    /// The same file with its one occurrence of `old` replaced.
    func changed(_ old: String, to new: String) -> DefinitionSketch {
        precondition(text.components(separatedBy: old).count == 2, "'\(old)' must stand once in the good \(kind)")
        var copy = self
        copy.text = text.replacingOccurrences(of: old, with: new)
        return copy
    }

    var bytes: [UInt8] { Array(text.utf8) }

    func loadWorkflow() -> Result<Workflow, Diagnostics> {
        Workflow.admit(bytes, file: file, digest: "sha256:\(kind.rawValue)")
    }

    func loadPlaybook(_ workflows: [Workflow]) -> Result<Playbook, Diagnostics> {
        Playbook.load(bytes, file: file, digest: "sha256:\(kind.rawValue)", workflows: workflows)
    }

    func loadInventory() -> Result<Inventory, Diagnostics> {
        Inventory.load(bytes, file: file, digest: "sha256:\(kind.rawValue)")
    }

    /// What its author is told; `nil` when the file loads.
    var refusal: Diagnostics? {
        get throws {
            switch kind {
            case .workflow: return loadWorkflow().failure
            case .inventory: return loadInventory().failure
            case .playbook:
                let workflows = try [DefinitionSketch.workflow, .reduce, .ask].map { try $0.loadWorkflow().get() }
                return loadPlaybook(workflows).failure
            }
        }
    }
}

extension Result {
    var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
