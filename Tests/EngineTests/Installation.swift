// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// An installation of the shipped definitions over a store in memory, which outlives the engines that run on it.
final class Installation: Sendable {
    static let start = Instant(milliseconds: 1_700_000_000_000)
    private static let secrets = ["HOOK": "the source's own", "CLIENT": "client-secret", "TOKEN": "leaked-token"]

    let base = MemoryStore()
    let clock = VirtualClock(start)
    let server = TokenServer()
    let blobs: Blobs
    let library: Library
    private let folder: ScratchFolder
    private let connectors: [String: Connector]
    private let provider: Connections.Provider
    private let disk = FailingDisk()
    private let told = Mutex(Notifications())
    private let transmits = Mutex<Transmitter?>(nil)
    private let eventKeys = try? EventKeys.make(.es256)

    /// Who is told of sessions by security events, for engines made from now on.
    var transmitter: Transmitter? {
        get { transmits.withLock { $0 } }
        set { transmits.withLock { $0 = newValue } }
    }

    /// Who is told what, for engines made from now on.
    var notifications: Notifications {
        get { told.withLock { $0 } }
        set { told.withLock { $0 = newValue } }
    }

    /// - Parameters:
    ///   - playbooks: how many of the shipped playbook there are, under a name each.
    ///   - publishes: whether an engine stores the workflow's source, as it must.
    ///   - bounds: how the provider is to be treated.
    ///   - group: within which span later signals join the live run.
    init(
        mode: Playbook.Mode = .enforce, playbooks count: Int = 1, publishes: Bool = true, group: Int64? = nil,
        perSubject: Playbook.PerSubject = .one, bounds: Lane.Bounds = Lane.Bounds()
    ) throws {
        let workflow = try Self.read("workflows/token-revocation.yaml")
        let loaded = try Workflow.load(workflow.bytes, file: workflow.file, digest: workflow.digest).get()
        let text = try Self.read("playbooks/secret-leaked.yaml")
        var playbook = try Playbook.load(text.bytes, file: text.file, digest: text.digest, workflows: [loaded]).get()
        playbook.mode = mode
        playbook.trigger.groupMilliseconds = group
        playbook.trigger.perSubject = perSubject
        let playbooks = (1...count).map { number in
            var copy = playbook
            if number > 1 { copy.name += "-\(number)" }
            return copy
        }
        let source = Library.Source(kind: .workflow, name: loaded.name, digest: workflow.digest, bytes: workflow.bytes)
        library = Library(
            playbooks: playbooks, workflows: [loaded], inventory: Self.inventory, sources: publishes ? [source] : [])
        var connectors: [String: Connector] = [:]
        for name in ["github", "oauth2"] {
            let file = try Self.read("workflows/connectors/\(name).yaml")
            connectors[name] = try Connector.load(file.bytes, file: file.file, digest: file.digest).get()
        }
        self.connectors = connectors
        provider = Connections.Provider(
            id: "auth", connector: "oauth2",
            settings: [
                "introspection_endpoint": "https://auth.example/introspect",
                "revocation_endpoint": "https://auth.example/revoke", "client_id": "cordon",
            ],
            secrets: ["client_secret": .environment("CLIENT")], egress: EgressPolicy(), bounds: bounds)
        folder = try ScratchFolder()
        blobs = try Blobs(at: folder.path("evidence"), disk: disk.disk)
    }

    /// Definitions of a test's own, and a provider of its own connector; alerts come from the shipped source.
    init(playbooks: [Playbook], workflows: [Workflow], sources: [Library.Source], _ connector: Connector) throws {
        library = Library(
            playbooks: playbooks, workflows: workflows, inventory: Self.inventory, sources: sources)
        let file = try Self.read("workflows/connectors/github.yaml")
        let github = try Connector.load(file.bytes, file: file.file, digest: file.digest).get()
        connectors = ["github": github, "own": connector]
        provider = Connections.Provider(
            id: "auth", connector: "own", settings: ["api": "https://auth.example"], secrets: [:],
            egress: EgressPolicy())
        folder = try ScratchFolder()
        blobs = try Blobs(at: folder.path("evidence"), disk: disk.disk)
    }

    private static func read(_ name: String) throws -> (file: String, bytes: [UInt8], digest: String) {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: name)))
        return (name, bytes, digestText(bytes))
    }

    private static let inventory = Inventory(
        identities: [
            Inventory.Identity(
                subject: Subject(kind: .credential, id: "deploy-token", provider: "auth"),
                matches: ["issuer": "github", "repository": "octo-org/octo-repo"],
                secrets: ["token": .environment("TOKEN")])
        ], digest: "sha256:inventory")

    /// What the disk of the evidence refuses from now on.
    enum DiskFault: Sendable { case create, sync }

    func letEvidence(fail fault: DiskFault?) { disk.fault.withLock { $0 = fault } }

    // MARK: Engines

    func engine(
        _ transport: any Transport, over store: (any Store)? = nil, providers: Bool = true,
        alertBodiesMilliseconds: Int64? = nil, evidenceMilliseconds: Int64? = nil,
        loading loadLibrary: (@Sendable () -> Result<Library, Diagnostics>)? = nil, looksInShadow: Bool = false,
        own: Connector? = nil
    ) -> Engine {
        var connectors = self.connectors
        if let own { connectors["own"] = own }
        var connections = Connections(
            sources: [Connections.Source(id: "github-main", connector: "github", secrets: [.environment("HOOK")])],
            providers: providers ? [provider] : [], notifications: notifications)
        connections.transmitter = transmitter
        return Engine(
            Engine.Parts(
                store: store ?? base, clock: clock, connections: connections,
                connectors: connectors, secrets: SecretReader(folder: "/nowhere", environment: { Self.secrets[$0] }),
                sealKey: Secret(Array("the installation's own key".utf8)), transport: transport,
                evidence: EvidenceKeeper(blobs: blobs),
                library: (try? loadLibrary?().get()) ?? library, loadLibrary: loadLibrary,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                alertBodiesMilliseconds: alertBodiesMilliseconds, evidenceMilliseconds: evidenceMilliseconds,
                // What only looks has no intent stored before, which the scripted transport asks of every call.
                looksInShadow: looksInShadow, eventKeys: eventKeys.flatMap { EventKeys([$0]) }))
    }

    /// Runs an engine while `body` does, then ends it as a shutdown without grace would, and checks what it left.
    func whileRunning<Answer: Sendable>(
        _ engine: Engine, _ body: @Sendable @escaping () async throws -> Answer
    ) async throws -> Answer {
        let answer = try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask {
                try await engine.run()
                return nil
            }
            group.addTask { try await body() }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw CancellationError()
        }
        try await check()
        return answer
    }

    // MARK: Alerts

    /// Hands in a signed alert of the documented shape.
    @discardableResult
    func post(_ engine: Engine, delivery: String = "d-1", repository: String = "octo-org/octo-repo") async -> Receipt {
        let body: Value = [
            "action": "created",
            "alert": [
                "number": 42, "secret_type": "adafruit_io_key", "validity": "active", "publicly_leaked": true,
                "created_at": "2023-11-14T22:00:00Z",
            ],
            "repository": ["full_name": .string(repository)],
        ]
        return await engine.receive(source: "github-main", self.delivery(body.jsonBytes, delivery))
    }

    func delivery(_ body: [UInt8], _ id: String, event: String = "secret_scanning_alert") -> InboundDelivery {
        let authentication = connectors["github"]?.source?.authentication
        let key = Secret(Array("the source's own".utf8))
        let signature = authentication?.headers(body, delivery: id, with: key, at: clock.now)?.first?.value ?? ""
        return InboundDelivery(
            headers: ["x-hub-signature-256": signature, "x-github-delivery": id, "x-github-event": event], body: body)
    }
}

/// A disk that can start and stop to fail: to refuse new files, or not to confirm what was written.
private final class FailingDisk: Sendable {
    let fault = Mutex<Installation.DiskFault?>(nil)

    var disk: Disk {
        let real = Disk.real
        var disk = real
        disk.create = { path throws(EvidenceError) in
            if self.fault.withLock({ $0 }) == .create { throw EvidenceError(.writeFailed, "no room left") }
            return try real.create(path)
        }
        disk.sync = { descriptor, path throws(EvidenceError) in
            if self.fault.withLock({ $0 }) == .sync { throw EvidenceError(.syncFailed, "the disk is gone") }
            try real.sync(descriptor, path)
        }
        return disk
    }
}
