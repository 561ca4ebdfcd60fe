// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Foundation

/// A connector or an installation's connections in memory: a good file to start from, and the same with one mistake.
struct DefinitionSketch: Sendable {
    enum Kind: String, Sendable { case connector, connections }

    var kind: Kind
    var text: String

    var file: String { kind == .connector ? "workflows/connectors/desk.yaml" : "connections.yaml" }

    static let connector = DefinitionSketch(
        kind: .connector,
        text: """
            connector: desk
            title: A desk
            vendor: https://desk.example/api
            source:
              authentication: { scheme: hmac-sha256, header: X-Desk-Signature, prefix: "v1=", encoding: base64 }
              delivery: X-Desk-Delivery
              headers: [X-Desk-Event]
              body_bytes_max: 4096
              signals:
                - when: body.kind == "hello"
                  ignore: a handshake
                - when: headers["x-desk-event"] == "leak"
                  kind: secret.exposed
                  severity: high
                  with:
                    validity: active
                    exposure: internal
                    secret_type: "${body.type}"
                    location: { kind: desk, repository: "${body.at}" }
                    credential: { issuer: desk, number: "${body.number}" }
            provider:
              settings:
                base: { type: url }
                tenant: { type: string, optional: true }
                client: { type: string }
              secrets: [key]
              subject_secrets: [token]
              authentication: { scheme: basic, user: client, password: key }
              capabilities:
                evidence.capture:
                  class: read
                  request: { method: POST, to: base, path: "/tokens/${with.of}", json: { t: "${secret.token}" } }
                  answers: { done: [200], refused: [404] }
                  keep: [active]
                tokens.revoke:
                  class: convergent
                  timeout: 20s
                  request: { method: DELETE, to: base, form: { token: "${secret.token}" } }
                  answers: { done: [200, 204], already: [410], later: [503] }
                  state:
                    request: { method: GET, to: base }
                    answers: { done: [200] }
                    keep: [active]

            """)

    static let connections = DefinitionSketch(
        kind: .connections,
        text: """
            sources:
              - { id: desk-main, connector: desk, secrets: [{ file: state/hook }] }
              - { id: desk-two, connector: desk, secrets: [{ env: NEW }, { env: OLD }] }
            providers:
              - id: login
                connector: desk
                settings: { base: "https://desk.example", client: cordon }
                secrets: { key: { env: DESK_KEY } }
                egress: { plain_http: false, networks: [10.0.0.0/8] }
              - id: login-two
                connector: desk
                settings:
                  base: https://desk.internal
                  client: cordon
                  tenant: two
                secrets: { key: { file: state/two } }

            """)

    static func good(_ kind: Kind) -> DefinitionSketch { kind == .connector ? connector : connections }

    /// The same file with its one occurrence of `old` replaced.
    func changed(_ old: String, to new: String) -> DefinitionSketch {
        precondition(text.components(separatedBy: old).count == 2, "'\(old)' must stand once in the good \(kind)")
        var copy = self
        copy.text = text.replacingOccurrences(of: old, with: new)
        return copy
    }

    func loadConnector() -> Result<Connector, Diagnostics> {
        Connector.load(Array(text.utf8), file: file, digest: "sha256:desk")
    }

    /// Against the good connector, and two that describe one side only.
    func loadConnections() throws -> Result<Connections, Diagnostics> {
        let desk = try DefinitionSketch.connector.loadConnector().get()
        var ear = desk
        ear.name = "ear"
        ear.provider = nil
        var hand = desk
        hand.name = "hand"
        hand.source = nil
        return Connections.load(
            Array(text.utf8), file: file, connectors: ["desk": desk, "ear": ear, "hand": hand])
    }

    /// What its author is told; `nil` when the file loads.
    var refusal: Diagnostics? {
        get throws {
            switch kind {
            case .connector: if case .failure(let refusal) = loadConnector() { refusal } else { nil }
            case .connections: if case .failure(let refusal) = try loadConnections() { refusal } else { nil }
            }
        }
    }
}
