// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore

extension Library {
    /// The playbook `leak`, and the workflow that it runs, with the sources of both.
    ///
    /// - Parameters:
    ///   - steps: as they stand below `steps:`.
    ///   - guards: a line of the playbook.
    static func sketch(
        _ inventory: Inventory, workflow name: String, steps: String, mode: String = "enforce", guards: String = ""
    ) throws -> Library {
        let text = "workflow: \(name)\ntitle: It\ninputs:\n  credential: { type: credential }\nsteps:\n" + steps
        let workflow = try Workflow.admit(
            Array(text.utf8), file: "\(name).yaml", digest: digestText(Array(text.utf8))
        ).get()
        let book = """
            playbook: leak
            title: Secret found
            owner: team/appsec
            mode: \(mode)
            trigger: { signal: secret.exposed, subject: { kind: credential, from: signal.credential } }
            \(guards)
            run: { workflow: \(name), with: { credential: "${subject}" } }
            maps: { owasp_nhi: [NHI2] }

            """
        let playbook = try Playbook.load(
            Array(book.utf8), file: "leak.yaml", digest: digestText(Array(book.utf8)), workflows: [workflow]
        ).get()
        return Library(
            playbooks: [playbook], workflows: [workflow], inventory: inventory,
            sources: [(Library.Source.Kind.playbook, "leak", book), (.workflow, name, text)].map {
                Library.Source(kind: $0.0, name: $0.1, digest: digestText(Array($0.2.utf8)), bytes: Array($0.2.utf8))
            })
    }
}
