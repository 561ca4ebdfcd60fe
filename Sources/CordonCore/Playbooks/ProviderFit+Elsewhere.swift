// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Workflow {
    /// What is asked of other connections when this playbook runs it, by the connection's id.
    package func askedElsewhere(_ playbook: Playbook, among workflows: [Workflow]) -> [String: Set<String>] {
        let called = Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first }
        let handed = venues(playbook.arguments, within: .object([:]))
        return RunDefinition.asked(self, handed, called, above: [name]).reduce(into: [:]) { all, pair in
            all[pair[0], default: []].insert(pair[1])
        }
    }
}

/// Steps at other connections: which these are is fixed, so what they offer decides alone.
extension ProviderFit {
    struct ElsewhereLack: Hashable {
        var code: DefinitionCode
        var message: String
        var way: String
    }

    func lacksElsewhere(_ playbook: Playbook, _ workflow: Workflow, among workflows: [Workflow]) -> [ElsewhereLack] {
        let handed = workflow.venues(playbook.arguments, within: .object([:]))
        var found: [ElsewhereLack] = []
        walk(workflow, handed, "", workflows, [workflow.name], &found)
        return found
    }

    private func walk(
        _ workflow: Workflow, _ inputs: Value, _ prefix: String, _ all: [Workflow], _ above: [String],
        _ found: inout [ElsewhereLack]
    ) {
        for line in workflow.allLines {
            for (venue, capability) in line.elsewhere {
                let isUndone = line.act?.capability == capability && line.act?.undo == .byConnector
                if let lack = lack(venue.connection(inputs) ?? "", capability, isUndone, prefix + line.id),
                    !found.contains(lack)
                {
                    found.append(lack)
                }
            }
            guard case .call(let name, .map(let given)) = line.kind, !above.contains(name),
                let inner = all.first(where: { $0.name == name })
            else { continue }
            walk(
                inner, inner.venues(given, within: inputs), prefix + line.id + ".", all, above + [name], &found)
        }
    }

    private func lack(_ connection: String, _ capability: String, _ isUndone: Bool, _ step: String) -> ElsewhereLack? {
        guard let contracts = offered[connection] else {
            let near = nearest(to: connection, among: offered.keys.sorted()).map { "did you mean '\($0)'?" }
            return ElsewhereLack(
                code: .unknownConnection, message: "there is no connection '\(connection)' for step '\(step)'",
                way: near ?? "configure it under 'providers' of connections.yaml, or set mode: \"off\"")
        }
        guard let contract = contracts[capability] else {
            return ElsewhereLack(
                code: .lackedCapability, message: "\(connection) lacks \(capability) (step '\(step)')",
                way: "name a connection that offers it")
        }
        guard isUndone, !contract.canUndo else { return nil }
        return ElsewhereLack(
            code: .lackedUndo, message: "\(connection) lacks an undo of \(capability) (step '\(step)')",
            way: "write 'undo: none' with its reason there, or name a connection that has one")
    }
}
