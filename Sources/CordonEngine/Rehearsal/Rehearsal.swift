// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Logging

/// Plays the cases of a test: the engine that runs in production, over a store in memory, on virtual time, with a
/// provider that answers as the case says in the network's place.
package struct Rehearsal: Sendable {
    package let playbook: Playbook
    package let workflows: [Workflow]
    package let map: WorkflowMap
    let connectors: [String: Connector]
    let sources: [Library.Source]
    let guards: GuardPolicy

    /// - Parameter sources: what the workflows were read from; a run finds its own again by their digests.
    /// - Returns: `nil` when the playbook's workflow is not among them.
    package init?(
        _ playbook: Playbook, workflows: [Workflow], connectors: [String: Connector], sources: [Library.Source],
        guards: GuardPolicy = .standard
    ) {
        self.guards = guards
        guard let workflow = workflows.first(where: { $0.name == playbook.workflow }) else { return nil }
        self.playbook = playbook
        self.workflows = workflows
        self.connectors = connectors
        self.sources = sources.filter { $0.kind == .workflow }
        map = WorkflowMap(workflow, among: workflows)
    }

    /// Goes through the case from its first alert until nothing more would happen.
    package func play(_ item: PlaybookTest.Case) async throws -> Performance {
        let stage = Stage()
        return try await withTaskExecutorPreference(stage) { try await Scene(self, item, stage).play() }
    }
}

/// What a test's file is read against, as connectors tell of themselves.
extension PlaybookTest.Setting {
    package init(
        playbooks: [Playbook], workflows: [Workflow], connectors: [String: Connector],
        fixture: @escaping (String) -> [UInt8]?
    ) {
        self.init(
            playbooks: playbooks, workflows: workflows,
            sources: connectors.compactMapValues { $0.source.map { Set($0.rules.compactMap(\.kind)) } },
            providers: connectors.compactMapValues { $0.provider.map { Set($0.actions.keys) } }, fixture: fixture)
    }
}

extension Scene {
    /// An engine on what the scene holds; a crash ends one, and the next takes over from the store.
    func makeEngine() -> Engine {
        Engine(
            Engine.Parts(
                store: store, clock: clock,
                connections: Connections(
                    sources: [
                        Connections.Source(id: Scene.source, connector: inbound.name, secrets: [.environment("SOURCE")])
                    ],
                    providers: [connection(outbound.name, outbound)]
                        + elsewhere.sorted { $0.key < $1.key }.map { connection($0.key, $0.value) }),
                // One connector may be both, and then the rehearsed one serves.
                connectors: Dictionary(
                    [(outbound.name, outbound)] + elsewhere.values.map { ($0.name, $0) } + [(inbound.name, inbound)]
                ) { rehearsed, _ in rehearsed },
                secrets: SecretReader(folder: "/", environment: { "rehearsed-\($0.lowercased())" }),
                sealKey: Secret(Array("a rehearsal's own key".utf8)), transport: provider,
                evidence: EvidenceKeeper(inMemory: blobs), library: library,
                logger: Logger(label: "rehearsal") { _ in SwiftLogNoOpLogHandler() },
                // A case tells what is done; in shadow that is nothing.
                looksInShadow: false))
    }

    private func connection(_ id: String, _ outbound: Connector) -> Connections.Provider {
        let settings = outbound.provider?.settings.map { name, setting in
            (
                name,
                [.url, .mailServer].contains(setting.kind) ? "https://provider.invalid/\(name)" : "rehearsed-\(name)"
            )
        }
        return Connections.Provider(
            id: id, connector: outbound.name,
            settings: Dictionary(uniqueKeysWithValues: settings ?? []),
            secrets: Dictionary(
                uniqueKeysWithValues: Set(outbound.provider?.secrets ?? []).map { ($0, .environment($0.uppercased())) }),
            egress: EgressPolicy(), bounds: Lane.Bounds(concurrentMax: Limits.callsInFlightMax, perSecondMax: nil))
    }

    /// What decides: the one playbook, in the mode of the case, and the identities that the case's alerts name.
    static func library(_ rehearsal: Rehearsal, _ item: PlaybookTest.Case, naming references: [Value]) -> Library {
        var playbook = rehearsal.playbook
        playbook.mode = item.mode
        return Library(
            playbooks: [playbook], workflows: rehearsal.workflows,
            inventory: inventory(item.world, rehearsal.connectors[item.world.connector]?.provider, references),
            sources: rehearsal.sources, guards: guards(rehearsal, item.world.before))
    }

    private static func guards(_ rehearsal: Rehearsal, _ before: PlaybookTest.Before) -> GuardPolicy {
        var guards = rehearsal.guards
        // A case tells the same whatever the day is: of the calendar stands what it says itself.
        guards.maintenance = []
        // How far the file's digest was let is no property of the file.
        guards.ladder = nil
        guards.freezes =
            before.isFrozen
            ? [
                CalendarWindow(
                    name: "the case's own", span: .once(from: start, until: start.adding(milliseconds: 86_400_000)))
            ] : []
        return guards
    }

    /// What guards remember when the case begins.
    static func standing(_ rehearsal: Rehearsal, _ world: PlaybookTest.World) -> Standing {
        var standing = Standing()
        let before = world.before
        let name = rehearsal.playbook.name
        for number in 0..<before.touched {
            let bystander = Subject(
                kind: rehearsal.playbook.trigger.subjectKind, id: "touched-\(number)", provider: world.connector)
            standing.add(Touch(bystander, playbook: name, at: start))
        }
        if before.matched > 0 { standing.addMatched(before.matched, of: name, minute: start.minute) }
        guard case .known(let subject) = world.identity else { return standing }
        if before.risk > 0 {
            let halfLife = rehearsal.playbook.guards.risk?.halfLifeMilliseconds ?? Limits.riskHalfLifeMillisecondsMax
            standing.add(
                Mark(
                    what: .risk(add: before.risk, halfLifeMilliseconds: halfLife), subject: subject.key,
                    playbook: name, at: start, cause: "before the case"))
        }
        for capability in rehearsal.map.capabilities.sorted() {
            for number in 0..<before.putBack {
                standing.add(
                    Mark(
                        what: .putBack(capability: capability), subject: subject.key, playbook: name, at: start,
                        cause: "before the case \(number + 1)"))
            }
        }
        return standing
    }

    private static func inventory(
        _ world: PlaybookTest.World, _ shape: ProviderShape?, _ references: [Value]
    ) -> Inventory {
        let secrets = Dictionary(
            uniqueKeysWithValues: Set(shape?.subjectSecrets ?? []).map {
                ($0, SecretReference.environment($0.uppercased()))
            })
        var identities: [Inventory.Identity] = []
        func add(_ subject: Subject, _ matches: [String: Value]) {
            var subject = subject
            if identities.contains(where: { $0.subject.id == subject.id }) { subject.id += "-\(identities.count + 1)" }
            identities.append(Inventory.Identity(subject: subject, matches: matches, secrets: secrets))
        }
        for case .object(let reference) in references {
            switch world.identity {
            case .known(let subject): add(subject, reference)
            case .ambiguous(let subject): for _ in 1...2 { add(subject, reference) }
            case .unknown: break
            }
        }
        for (kind, count) in world.inventory.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let there = identities.count { $0.subject.kind == kind }
            for number in 0..<max(0, count - there) {
                identities.append(
                    Inventory.Identity(
                        subject: Subject(
                            kind: kind, id: "bystander-\(kind.rawValue)-\(number)", provider: world.connector),
                        matches: ["bystander": .int(Int64(number))]))
            }
        }
        return Inventory(identities: identities, digest: "sha256:rehearsed")
    }
}
