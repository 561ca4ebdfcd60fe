// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a kind of file, for an editor.",
        discussion: """
            An editor with a YAML language server then completes the fields and underlines the misspelt ones. It knows \
            the form alone: 'cordon playbook check' also knows whether names, types and expressions go together.

            EXAMPLES
              cordon schema playbook > playbook.schema.json
              cordon schema workflow > workflow.schema.json
              echo '# yaml-language-server: $schema=../playbook.schema.json'    the first line of a playbook
            """)

    @Argument(help: ArgumentHelp("playbook, workflow, connector, connections or identities.", valueName: "kind"))
    var kind: DefinitionSchema

    func run() { Output.line(kind.value.prettyJSON) }
}

/// A kind of file and the schema of it, made of what the loaders themselves ask of the files that ship and of examples.
enum DefinitionSchema: String, Sendable, CaseIterable, ExpressibleByArgument {
    case playbook, workflow, connector, connections, identities

    var value: Value {
        let (schema, definitions) = schema
        guard case .object(var members) = schema.value else { return .null }
        members["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        members["title"] = .string(title)
        if !definitions.isEmpty { members["$defs"] = .object(definitions.mapValues(\.value)) }
        return .object(members)
    }

    private var title: String {
        switch self {
        case .playbook: "A playbook of Cordon: when, about whom, how far"
        case .workflow: "A workflow of Cordon: the steps"
        case .connector: "A connector of Cordon: how a foreign system is heard and asked"
        case .connections: "connections.yaml of Cordon: who may send alerts, and who is asked"
        case .identities: "identities.yaml of Cordon: whom alerts may mean"
        }
    }

    private var schema: (FileSchema, definitions: [String: FileSchema]) {
        let shapes = YAMLShapes()
        YAMLShapes.$recording.withValue(shapes, operation: read)
        switch self {
        case .playbook:
            let kinds = SignalKind.all.map(\.name)
            return (shapes.schema.choosing("signal", .words(kinds), beside: ["subject"]), [:])
        case .workflow:
            let (schema, step) = shapes.schema.choosing("do", .words(Capability.all.map(\.name)), beside: ["with"])
                .naming("step", having: ["id", "do"])
            return (schema, ["step": step])
        case .connections: return (shapes.schema.choosing("settings", .open(.text), beside: ["connector"]), [:])
        // A body is whatever its provider reads.
        case .connector: return (shapes.schema.choosing("json", .any, beside: ["method", "to"]), [:])
        case .identities: return (shapes.schema, [:])
        }
    }

    /// Has the loaders read files in which every part stands at least once. What else they think of these is no matter.
    private func read() {
        switch self {
        case .playbook:
            for file in files("playbooks", DiagnosticExample.goodPlaybook) {
                _ = Playbook.load(file.bytes, file: file.path, digest: "", workflows: [])
            }
        case .workflow:
            let all = files("workflows", DiagnosticExample.goodWorkflow)
            for file in all + [Shelf.File(path: "workflows/complete.yaml", bytes: Array(Self.everyStep.utf8))] {
                _ = Workflow.load(file.bytes, file: file.path, digest: "")
            }
        case .connector:
            let complete = Shelf.File(path: "connectors/complete.yaml", bytes: Array(Self.undoable.utf8))
            for file in Shelf.shipped("workflows/connectors") + [complete] {
                _ = Connector.load(file.bytes, file: file.path, digest: "")
            }
        case .connections:
            let connectors = YAMLShapes.$recording.withValue(nil, operation: Self.shippedConnectors)
            _ = Connections.load(Array(Self.goodConnections.utf8), file: "connections.yaml", connectors: connectors)
        case .identities:
            _ = Inventory.load(Array(DiagnosticExample.goodInventory.utf8), file: "identities.yaml", digest: "")
        }
    }

    private static func shippedConnectors() -> [String: Connector] {
        let all = Shelf.shipped("workflows/connectors").compactMap {
            try? Connector.load($0.bytes, file: $0.path, digest: "").get()
        }
        return Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }

    private func files(_ folder: String, _ example: String) -> [Shelf.File] {
        Shelf.shipped(folder) + [Shelf.File(path: "\(folder)/example.yaml", bytes: Array(example.utf8))]
    }

    /// Every kind of step and every modifier once.
    private static let everyStep = """
        workflow: complete
        title: Every kind of step
        inputs:
          credential: { type: credential }
          hold: { type: duration, default: 72h, max: 168h }
        steps:
          - id: cut
            do: credential.disable
            with: { credential: "${inputs.credential.id}" }
            each: { in: "['a']", as: c, max: 5, parallel: 2 }
            retry: { attempts: 3, first: 1s }
            verify: after.active == false
            hold: { for: 4h, then: undo, unless: "false" }
            approve: { by: ann, within: 4h, on_timeout: keep, exclude: [bob], escalate: { after: 1h, to: bob } }
            on_error: undo
            on_unknown: ask
          - id: more
            call: other
            with: { credential: "${inputs.credential}" }
          - id: judged
            task:
              by: ann
              ask: Was it you
              choices: [own, foreign]
              within: 4h
              on_timeout: keep
              escalate: { after: 1h, to: bob }
          - id: asked
            approve: { by: ann, within: 4h, on_timeout: keep }
          - id: short
            wait: 10m
          - id: calm
            wait:
              measure: { do: evidence.capture, with: { of: "${inputs.credential.id}" } }
              until: result.uses == 0
              every: 1m
              for: 30m
              on_timeout: continue
          - id: both
            parallel:
              - name: one
                steps: [{ id: inner, wait: 1m }]
          - id: up
            ladder:
              measure: { do: evidence.capture, with: { of: "${inputs.credential.id}" } }
              until: result.uses == 0
              rungs:
                - name: one
                  steps: [{ id: rung, wait: 1m }]
          - id: back
            undo: [cut]

        """

    /// A provider with every way to ask, and capabilities with each of their exchanges.
    private static let undoable = """
        connector: complete
        title: A provider that can give back what it took
        vendor: https://example.org
        source:
          authentication:
            scheme: hmac-sha256
            header: X-Signature
            encoding: hex
            separator: ","
            signed: [timestamp, body]
            key: [secret]
            timestamp: { header: X-Timestamp, within: 5m }
          signals: []
        provider:
          settings: { url: { type: url }, client: { type: string } }
          secrets: [password]
          subject_secrets: []
          format: { body: json, lists: [] }
          rates: { remaining: x-left, reset: x-reset, reset_as: epoch }
          authentication:
            scheme: token
            sign_in:
              client: { user: client, password: password }
              request: { method: POST, to: url, query: { a: b }, headers: { x-a: b }, form: { a: b } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              token: "${body.token}"
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, query: { a: b }, headers: { x-a: b } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              pick: { from: users, equal: { id: 7 } }
              keep: [id]
            account.suspend:
              class: convergent
              request: { method: POST, to: url, path: /suspend, query: { a: b }, headers: { x-a: b } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              keep: { id: "${body.id}" }
              state:
                request: { method: GET, to: url, query: { a: b }, headers: { x-a: b } }
                answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                pick: { from: users, equal: { id: 7 } }
                keep: [suspended]
              probe: after.suspended
              undo:
                request: { method: POST, to: url, path: /restore, query: { a: b }, headers: { x-a: b } }
                answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                keep: { id: "${body.id}" }

        """

    private static let goodConnections = """
        sources:
          - { id: github, connector: github, secrets: [{ file: hook-secret }, { env: HOOK_SECRET }] }
        providers:
          - id: login
            connector: oauth2
            settings: { client_id: cordon }
            secrets: { client_secret: { file: client-secret } }
            limits: { concurrent: 8, per_second: 5 }
            egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }

        """
}
