// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import Synchronization
import TestKit

/// What the engine stands on in the benchmark: a store on disk, the benchmark's five calls, and a provider that
/// answers at once or never.
struct Floor {
    let folder: String
    let store: SQLiteStore
    let engine: Engine
    let transport: InstantTransport

    init(folder: String, answers: Bool = true, playbook: String = "bench5") throws {
        self.folder = folder
        store = try SQLiteStore(.readWrite(folder + "/state"))
        transport = InstantTransport(answers: answers)
        let shelf = try Shelf(playbook)
        let connections = Connections(
            sources: [Connections.Source(id: "bench", connector: "bench", secrets: [])],
            providers: [
                Connections.Provider(
                    id: "sink", connector: "bench",
                    settings: ["url": "http://127.0.0.1:9/", "about": "http://127.0.0.1:9/"], secrets: [:],
                    egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true),
                    bounds: Lane.Bounds(concurrentMax: 256))
            ])
        engine = Engine(
            Engine.Parts(
                store: store, clock: SystemClock(), connections: connections, connectors: ["bench": shelf.connector],
                secrets: SecretReader(folder: folder), sealKey: Secret(Array("the benchmark's key".utf8)),
                transport: transport, evidence: EvidenceKeeper(blobs: try Blobs(at: folder + "/evidence")),
                library: shelf.library, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs the engine while `body` does, then ends it as a shutdown without grace would.
    func whileRunning<Answer: Sendable>(
        _ body: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        let engine = self.engine
        return try await withThrowingTaskGroup(of: Answer?.self) { group in
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
            throw BenchFailure(description: "the engine ended before it was measured")
        }
    }

    static func alert(_ number: Int) -> InboundDelivery {
        let body = #"{"id":"\#(number)","alert":"credential-leak","subject":"svc-ci-deploy","severity":9}"#
        return InboundDelivery(headers: [:], body: Array(body.utf8))
    }
}

/// The benchmark's definitions, from the files that the comparison from outside uses as well.
private struct Shelf {
    let library: Library
    let connector: Connector

    /// The playbook and the workflow of this name.
    init(_ name: String) throws {
        let connectorBytes = try Shelf.read("workflows/connectors/bench.yaml")
        connector = try Connector.load(
            connectorBytes, file: "bench.yaml", digest: digestText(connectorBytes)
        ).get()
        let workflowBytes = try Shelf.read("workflows/\(name).yaml")
        let workflow = try Workflow.load(workflowBytes, file: "\(name).yaml", digest: digestText(workflowBytes)).get()
        let playbookBytes = try Shelf.read("playbooks/\(name).yaml")
        var playbook = try Playbook.load(
            playbookBytes, file: "\(name).yaml", digest: digestText(playbookBytes), workflows: [workflow]
        ).get()
        playbook.mode = .enforce
        let subject = Subject(kind: .credential, id: "svc-ci-deploy", provider: "sink")
        let identity = Inventory.Identity(subject: subject, matches: ["subject": "svc-ci-deploy"], secrets: [:])
        library = Library(
            playbooks: [playbook], workflows: [workflow],
            inventory: Inventory(identities: [identity], digest: "sha256:bench"),
            sources: [
                Library.Source(kind: .workflow, name: name, digest: workflow.digest, bytes: workflowBytes)
            ])
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "Quick/library/" + path)))
    }
}

/// Answers at once, or never: then every call stays open until its task is cancelled.
final class InstantTransport: Transport {
    private let answers: Bool
    /// A word for each run whose last call was made.
    let lastCalls: AsyncStream<Void>
    private let inlet: AsyncStream<Void>.Continuation

    init(answers: Bool) {
        self.answers = answers
        (lastCalls, inlet) = AsyncStream.makeStream()
    }

    func send(_ request: OutboundRequest) async -> Delivery {
        if answers, String(decoding: request.body ?? [], as: UTF8.self).contains(#""step":5"#) { inlet.yield() }
        if !answers {
            let (never, inlet) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            inlet.finish()
        }
        return Delivery(fate: .answered(OutboundResponse(status: 204, headers: [:], body: [])), durationMilliseconds: 0)
    }

    func close() async {}
}
