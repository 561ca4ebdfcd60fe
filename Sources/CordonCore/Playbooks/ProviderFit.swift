// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Which providers can do what a playbook's workflow asks for. A run asks the provider of its subject, so what decides is
/// who the subjects may be: where the inventory knows some of the kind, their providers; where it knows none, whichever
/// connector there is.
package struct ProviderFit: Sendable {
    /// What each provider of the installation offers, by its id.
    let offered: [String: [String: Contract]]
    /// What each connector offers, by its name.
    private let connectors: [String: [String: Contract]]
    /// The providers that the inventory's identities are of.
    private let providersOfKind: [Subject.Kind: Set<String>]
    /// Those of a provider that offers something for some of them alone.
    private let subjects: [Subject.Kind: [String: [Subject]]]

    /// - Parameters:
    ///   - offered: what each provider of the installation offers, by its id.
    ///   - connectors: what each connector offers, by its name, put to use or not.
    package init(
        offered: [String: [String: Contract]], connectors: [String: [String: Contract]], inventory: Inventory
    ) {
        self.offered = offered
        self.connectors = connectors
        providersOfKind = inventory.identities.reduce(into: [:]) { kinds, identity in
            guard offered[identity.subject.provider] != nil else { return }
            kinds[identity.subject.kind, default: []].insert(identity.subject.provider)
        }
        let apart = Set(offered.filter { $0.value.values.contains { $0.suits != nil } }.keys)
        subjects = inventory.identities.reduce(into: [:]) { kinds, identity in
            guard apart.contains(identity.subject.provider) else { return }
            kinds[identity.subject.kind, default: [:]][identity.subject.provider, default: []].append(identity.subject)
        }
    }

    /// What a provider lacks of what a workflow asks for.
    private struct Lack: Hashable {
        var capability: String
        var step: String
        /// It is offered, and can't be set back there.
        var isUndo: Bool

        var text: String { (isUndo ? "an undo of " : "") + "\(capability) (step '\(step)')" }
    }

    private struct Finding {
        var lacks: [String: [Lack]]
        /// No provider that could be meant fits.
        var isHopeless: Bool
        /// The inventory knows whom the playbook could be about.
        var isKnown: Bool

        /// Everybody who does not fit misses an undo alone.
        var isOfUndos: Bool { lacks.values.allSatisfy { $0.allSatisfy(\.isUndo) } }
    }

    /// A mistake where no provider fits, a warning where some do not, told where the playbook names its workflow.
    ///
    /// - Parameters:
    ///   - bytes: the playbook's file.
    ///   - isOwn: the file is the installation's own; of what came with the binary people are only warned.
    package func mistakes(
        of playbook: Playbook, among workflows: [Workflow], bytes: [UInt8], file: String, isOwn: Bool = true
    ) -> [Diagnostic] {
        guard playbook.mode != .off, let workflow = workflows.first(where: { $0.name == playbook.workflow }),
            let document = try? YAMLDocument.parse(bytes, file: file, limits: .definition)
        else { return [] }
        let place = document.root["run"]?["workflow"]?.place ?? document.root.place
        let elsewhere = lacksElsewhere(playbook, workflow, among: workflows).map { lack in
            document.diagnostic(
                lack.code.rawValue, at: place, width: workflow.name.count,
                // Whoever checks a file by itself need not have connections.
                severity: isOwn && !offered.isEmpty ? .error : .warning, message: lack.message, suggestion: lack.way)
        }
        guard let finding = finding(playbook, WorkflowMap(workflow, among: workflows)) else { return elsewhere }
        return elsewhere + [
            document.diagnostic(
                (finding.isOfUndos ? DefinitionCode.lackedUndo : .lackedCapability).rawValue,
                at: place, width: workflow.name.count,
                severity: finding.isHopeless && isOwn ? .error : .warning,
                message: message(finding, workflow.name, playbook.trigger.subjectKind),
                suggestion: finding.isOfUndos
                    ? "write 'undo: none' with its reason there, or let such subjects have a playbook of their own"
                    : "run a workflow that they can, narrow 'when' to subjects of the others, or set mode: \"off\"")
        ]
    }

    private func finding(_ playbook: Playbook, _ map: WorkflowMap) -> Finding? {
        let kind = playbook.trigger.subjectKind
        let names = providersOfKind[kind]
        let possible =
            names.map { names in
                offered.filter { names.contains($0.key) }.reduce(into: [:]) { all, provider in
                    all.merge(offers(provider.key, provider.value, kind, map)) { first, _ in first }
                }
            } ?? connectors
        let lacks = possible.mapValues { self.lacks(of: map, $0) }.filter { !$0.value.isEmpty }
        let isHopeless = lacks.count == possible.count
        // While nobody is known whom it could be about, one connector that could do it is enough.
        guard !lacks.isEmpty, isHopeless || names != nil else { return nil }
        return Finding(lacks: lacks, isHopeless: isHopeless, isKnown: names != nil)
    }

    /// What a provider offers, by itself or, where some of it is for some subjects alone, for each group of them.
    private func offers(
        _ name: String, _ contracts: [String: Contract], _ kind: Subject.Kind, _ map: WorkflowMap
    ) -> [String: [String: Contract]] {
        let choosy = map.ownCapabilities.filter { contracts[$0]?.suits != nil }
        guard !choosy.isEmpty, let subjects = subjects[kind]?[name] else { return [name: contracts] }
        let groups = Dictionary(grouping: subjects) { subject in
            choosy.filter { contracts[$0]?.suits(subject) == false }
        }
        return groups.reduce(into: [:]) { all, group in
            let others = group.value.count - 1
            let whom = (group.value.map(\.id).min() ?? "") + (others > 0 ? " and \(others) more" : "")
            all[group.key.isEmpty ? name : "\(name) for \(whom)"] = contracts.filter { !group.key.contains($0.key) }
        }
    }

    private func lacks(of map: WorkflowMap, _ contracts: [String: Contract]) -> [Lack] {
        var found: [Lack] = []
        for spot in map.spots {
            for name in spot.line.ownCapabilities where contracts[name] == nil {
                found.append(Lack(capability: name, step: spot.step, isUndo: false))
            }
            guard let act = spot.line.act, act.at == nil, act.undo == .byConnector,
                contracts[act.capability]?.canUndo == false
            else { continue }
            found.append(Lack(capability: act.capability, step: spot.step, isUndo: true))
        }
        return found
    }

    private static let toldMax = 5

    private func message(_ finding: Finding, _ workflow: String, _ kind: Subject.Kind) -> String {
        // The nearest first: who lacks least is who is most likely meant.
        let nearest = finding.lacks.sorted { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        let told = nearest.prefix(finding.isKnown ? Self.toldMax : 1).map { name, lacks in
            "\(name) lacks " + lacks.prefix(Self.toldMax).map(\.text).joined(separator: ", ")
                + (lacks.count > Self.toldMax ? " and \(lacks.count - Self.toldMax) more" : "")
        }
        let rest =
            finding.isKnown && nearest.count > Self.toldMax ? "; \(nearest.count - Self.toldMax) more lack some" : ""
        let list = told.joined(separator: "; ") + rest
        return switch (finding.isKnown, finding.isHopeless) {
        case (true, true):
            "no provider of a \(kind.rawValue) in the inventory can do what \(workflow) asks for: \(list)"
        case (true, false):
            "a \(kind.rawValue) of some providers would only wait for a person, they can't do what \(workflow) asks for: "
                + list
        case (false, _): "no connector can do what \(workflow) asks for; the nearest: \(list)"
        }
    }
}
