// SPDX-License-Identifier: Apache-2.0

import CordonEngine
import Foundation

/// The scratch installation of the wave: one feed that is wrong, 300 accounts, a directory that can give back what it
/// took, and a chat.
struct DemoWaveFiles {
    static let accounts = 300
    static let alerts = 400

    /// What holds the wave back: lines of the playbook's `guards`, two blanks deep, as its author would write them.
    /// The one place for them: what stands here is what the demonstration shows.
    static let guards: [String] = []

    let folder: String
    /// Of the practice directory and chat.
    let url: String
    let hookSecret: String

    func lay() throws {
        let state = StateFolder(folder + "/state")
        let files = FileManager.default
        for part in ["", "/playbooks", "/workflows/connectors"] {
            try files.createDirectory(atPath: folder + part, withIntermediateDirectories: true)
        }
        try state.make()
        var texts = [
            "cordon.yaml": "listen: { port: 0 }\nstate: state\n", "connections.yaml": connections,
            "identities.yaml": identities, "playbooks/account-misused.yaml": playbook,
            "workflows/connectors/practice-directory.yaml": DemoWaveFiles.connector,
        ]
        for (shelf, name) in [("workflows/connectors", "native.yaml"), ("workflows", "suspend-account.yaml")] {
            guard let file = Shelf.shipped(shelf).first(where: { $0.path == "\(shelf)/\(name)" }) else {
                throw CommandFailure(.failed, "this program was built without \(shelf)/\(name)")
            }
            texts[file.path] = String(decoding: file.bytes, as: UTF8.self)
        }
        for (name, text) in texts { try state.writePrivate(Array(text.utf8), to: folder + "/" + name) }
        for (name, text) in ["hook": hookSecret, "directory": "a practice token", "chat": url + "/chat"] {
            try state.writePrivate(Array(text.utf8), to: state.path + "/" + name)
        }
    }

    static func account(_ number: Int) -> String { "account-\(number)" }

    private var connections: String {
        """
        sources:
          - { id: feed, connector: native, secrets: [{ file: state/hook }] }
        providers:
          - id: directory
            connector: practice-directory
            settings: { url: "\(url)" }
            secrets: { token: { file: state/directory } }
            egress: { plain_http: true, loopback: true }
        notifications:
          channels:
            - id: chat
              webhook: { url: { file: state/chat } }
              gather: 2s
              egress: { plain_http: true, loopback: true }
          routes:
            - kinds: [proposal, conflict, surge, breaker]
              to: [chat]

        """
    }

    private var identities: String {
        "identities:\n"
            + (1...DemoWaveFiles.accounts).map { number in
                let id = DemoWaveFiles.account(number)
                return "  - { id: \(id), kind: service_account, provider: directory, owner: team/identity, "
                    + "matches: { account: \(id) } }\n"
            }.joined()
    }

    private var playbook: String {
        let guards =
            DemoWaveFiles.guards.isEmpty ? "" : "guards:\n" + DemoWaveFiles.guards.map { "  \($0)\n" }.joined()
        return """
            playbook: account-misused
            title: A feed says that an account is misused
            owner: team/identity
            mode: enforce
            trigger:
              signal: identity.suspected
              when: signal.severity in ["high", "critical"]
              on_undecided: ask
              subject: { kind: service_account, from: signal.identity }
              group: { by: [subject.id], window: 1h }
            \(guards)run:
              workflow: suspend-account
              with: { account: "${subject}" }
            objective: { contained_by: suspend, within: 15m }
            maps: { owasp_nhi: [NHI1], attack: [T1078.004] }

            """
    }

    private static let connector = """
        connector: practice-directory
        title: The practice directory of the demonstration
        vendor: https://www.rfc-editor.org/rfc/rfc9110
        provider:
          settings: { url: { type: url } }
          secrets: [token]
          subject_secrets: []
          authentication: { scheme: header, prefix: Bearer, secret: token }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, path: "/accounts/${with.of.id}" }
              answers: { done: [200], refused: [400, 404], later: [429, 503] }
              keep: [id, state]
            account.suspend:
              class: convergent
              request: { method: PUT, to: url, path: "/accounts/${with.account.id}/state", json: { state: suspended } }
              answers: { done: [200], refused: [400, 404], later: [429, 503] }
              state:
                request: { method: GET, to: url, path: "/accounts/${with.account.id}" }
                answers: { done: [200], refused: [400, 404], later: [429, 503] }
                keep: { active: "${body.state == 'active'}", state: "${body.state}" }
                compare: [state]
              probe: after.state == "suspended"
              undo:
                request:
                  method: PUT
                  to: url
                  path: "/accounts/${with.account.id}/state"
                  json: { state: "${with.before.state}" }
                answers: { done: [200], refused: [400, 404], later: [429, 503] }
              reversibility: full

        """
}
