// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Foundation
import TestKit

/// The playbook, workflow, connector and inventory that the crash tests run: a step of each effect class, with and
/// without a state that can be read.
enum CrashDefinitions {
    /// Those of which the provider honors the key.
    static let keyed: Set<String> = ["secret.deliver", "credential.delete"]

    struct Offer {
        var capability: String
        var effectClass: EffectClass
        var readsState = false
        var subject: String
        var more = ""
    }

    static let offers = [
        Offer(capability: "evidence.capture", effectClass: .read, subject: "of"),
        Offer(capability: "tokens.revoke", effectClass: .convergent, readsState: true, subject: "credential"),
        Offer(capability: "sessions.revoke", effectClass: .convergent, subject: "issued_by"),
        Offer(capability: "secret.deliver", effectClass: .keyed, subject: "to", more: ", secret: renewed"),
        Offer(capability: "credential.delete", effectClass: .keyed, readsState: true, subject: "credential"),
        Offer(capability: "credential.issue", effectClass: .probeable, readsState: true, subject: "subject"),
        Offer(capability: "challenge.send", effectClass: .once, readsState: true, subject: "subject"),
        Offer(capability: "http.call", effectClass: .once, subject: "subject", more: ", body: { text: contained }"),
    ]

    static func effectClass(_ capability: String) -> EffectClass? {
        offers.first { $0.capability == capability }?.effectClass
    }

    /// An installation whose alerts may name `identities` credentials, each by a repository of its own.
    static func installation(provider url: String, identities: Int) throws -> Installation {
        let installation = try Installation.alone()
        let scratch = installation.scratch
        try scratch.write("listen: { port: 0 }\nlog: { level: notice }\nstate: state\n", to: "cordon.yaml")
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized.path
        let github = try Data(contentsOf: URL(filePath: root + "/workflows/connectors/github.yaml"))
        try scratch.write(String(decoding: github, as: UTF8.self), to: "workflows/connectors/github.yaml")
        try scratch.write(connector, to: "workflows/connectors/counted.yaml")
        try scratch.write(workflow, to: "workflows/everything.yaml")
        try scratch.write(playbook, to: "playbooks/everything.yaml")
        try scratch.write(connections(url), to: "connections.yaml")
        try scratch.write(inventory(identities), to: "identities.yaml")
        // What is tried is a flood, which the standard guards would hold.
        try scratch.write(Installation.openGuards, to: "guards.yaml")
        return installation
    }

    /// The alert about the identity of this number; a stale one opens no run.
    static func alert(_ number: Int, isStale: Bool) -> String {
        Installation.alert(number: number, validity: isStale ? "inactive" : "active")
            .replacingOccurrences(of: "octo-org/billing", with: "octo-org/r\(number)")
    }

    static func subject(_ number: Int) -> String { "token-\(number)" }

    private static func inventory(_ count: Int) -> String {
        "identities:\n"
            + (1...count).map { number in
                "  - { id: \(subject(number)), kind: credential, provider: counted, matches: { repository: octo-org/r\(number) } }\n"
            }.joined()
    }

    private static func connections(_ url: String) -> String {
        """
        sources:
          - { id: github, connector: github, secrets: [{ file: hook-secret }] }
        providers:
          - id: counted
            connector: counted
            settings: { url: "\(url)" }
            secrets: {}
            egress: { plain_http: true, loopback: true }

        """
    }

    private static var connector: String {
        """
        connector: counted
        title: A provider that counts
        vendor: https://www.rfc-editor.org/rfc/rfc9110
        provider:
          settings:
            url: { type: url }
          secrets: []
          subject_secrets: []
          authentication: { scheme: none }
          capabilities:

        """ + offers.map(\.shape).joined()
    }

    private static var workflow: String {
        """
        workflow: everything
        title: A step of each class, two at a time once evidence is kept
        inputs:
          credential: { type: credential }
        steps:
        \(offers[0].step.replacingOccurrences(of: "          ", with: "  "))\
          - id: both
            parallel:
              - name: left
                steps:
        \(offers.dropFirst().enumerated().filter { $0.offset % 2 == 0 }.map(\.element.step).joined())\
              - name: right
                steps:
        \(offers.dropFirst().enumerated().filter { $0.offset % 2 == 1 }.map(\.element.step).joined())
        """
    }

    private static let playbook = """
        playbook: everything
        title: A step of each class
        owner: team/tests
        mode: enforce
        trigger:
          signal: secret.exposed
          when: signal.validity == "active"
          on_undecided: ask
          subject: { kind: credential, from: signal.credential }
        run:
          workflow: everything
          with: { credential: "${subject}" }
        maps: { owasp_nhi: [NHI2] }

        """
}

extension CrashDefinitions.Offer {
    /// The step that asks for it: its name with an underscore for the dot.
    var step: String {
        """
                  - id: \(CrashDefinitions.stepID(capability))
                    do: \(capability)
                    with: { \(subject): "${inputs.credential.id}"\(more) }
                    retry: { attempts: 6, first: 20ms }
        \(readsState ? "            verify: after.active == false\n" : "")\
        \(effectClass.isWrite ? "            undo: none\n            because: it only counts\n" : "")
        """
    }

    fileprivate var shape: String {
        """
            \(capability):
              class: \(effectClass.rawValue)
              timeout: 1s
              request: { method: POST, to: url, path: "/act/\(capability)/${with.\(subject)}", json: "${with}" }
              \(answers)
              keep: [\(effectClass == .read ? "active, line" : "")]
        \(readsState ? state : "")
        """
    }

    private var answers: String { "answers: { done: [200], later: [429, 503], refused: [400, 401, 403, 404] }" }

    private var state: String {
        """
              state:
                request: { method: GET, to: url, path: "/state/\(capability)/${with.\(subject)}" }
                \(answers)
                keep: [active]

        """
    }
}

extension CrashDefinitions {
    static func stepID(_ capability: String) -> String { capability.replacingOccurrences(of: ".", with: "_") }
}
