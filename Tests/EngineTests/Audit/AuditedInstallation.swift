// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import TestKit
import Testing

@testable import CordonEngine

/// An installation whose history is signed as a server signs it.
final class AuditedInstallation: Sendable {
    let installation: Installation
    let scratch: ScratchFolder
    let keys: SigningKeys

    init(_ installation: Installation? = nil) throws {
        self.installation = try installation ?? Installation()
        scratch = try ScratchFolder("cordon-audit")
        try scratch.write("", to: "keys/.keep")
        keys = SigningKeys(folder: scratch.path("keys"))
    }

    var folder: LogFolder { LogFolder(scratch.path("log")) }
    var store: MemoryStore { installation.base }

    func checkpointer(over store: (any Store)? = nil) -> Checkpointer {
        Checkpointer(
            Checkpointer.Parts(
                store: store ?? installation.base, clock: installation.clock, logPath: scratch.path("log"), keys: keys,
                origin: "cordon.example/log", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Lets one alert become a run that ends.
    func contain(_ delivery: String = "d-1") async throws {
        try await publishPlaybook()
        // So that runs are told apart by their time.
        installation.clock.advance(to: installation.clock.now.adding(milliseconds: 1000))
        let engine = installation.engine(ScriptedTransport(installation))
        let ended = try await installation.runs.filter { $0.phase == "ended" }.count
        try await installation.whileRunning(engine) { [installation] in
            try await installation.waitUntilStarted()
            _ = await installation.post(engine, delivery: delivery)
            try await installation.waitUntilEnded(ended + 1)
        }
    }

    /// The installation's own library holds the workflow's source alone.
    private func publishPlaybook() async throws {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: root + "/playbooks/secret-leaked.yaml")))
        try await store.publish(
            Definition(
                digest: Digest.of(bytes).text, kind: .playbook, name: "secret-leaked", source: bytes,
                publishedAt: installation.clock.now))
        guard try await store.history(LibraryBook.stream, from: 1, limit: 1).isEmpty else { return }
        let workflows = installation.library.workflows.values.sorted { $0.name < $1.name }
        let sources = workflows.map { ("workflow", $0.name, $0.digest) }
        let changes = (sources + [("playbook", "secret-leaked", Digest.of(bytes).text)]).map { kind, name, digest in
            ["kind": .string(kind), "name": .string(name), "digest": .string(digest), "shipped": true] as Value
        }
        try await StreamWriter(LibraryBook.stream, store: store, clock: installation.clock).append(
            LibraryBook.published, ["by": "start", "changes": .array(changes)])
    }

    /// Signs all that there is, as a server does at its end.
    @discardableResult
    func sign() async throws -> Checkpointer.Standing {
        let checkpointer = checkpointer()
        if let keeper = try await checkpointer.open() { try await checkpointer.turn(keeper, isLast: true) }
        return checkpointer.standing
    }

    var signed: Checkpoint {
        get throws { try Checkpoint(parsing: Note(parsing: #require(try folder.published())).text) }
    }

    func audit(_ trust: AuditTrust = AuditTrust()) async throws -> AuditReport {
        try await StateAudit.run(store: store, folder: folder, blobs: installation.blobs, trust: trust)
    }

    var bundler: Bundler {
        get throws { Bundler(store: store, folder: folder, blobs: installation.blobs, signers: try keys.load()) }
    }

    func runBundle() async throws -> [UInt8] {
        try await bundler.run(try #require(try await installation.runs.last).id)
    }

    func periodBundle() async throws -> [UInt8] {
        try await bundler.period(
            from: Instant(milliseconds: 0), to: installation.clock.now.adding(milliseconds: 1))
    }
}

extension Bundler {
    /// The whole bundle in memory: those of tests are small.
    func run(_ id: RunID) async throws -> [UInt8] {
        let scratch = try ScratchFolder("cordon-spool")
        var bytes: [UInt8] = []
        try await run(id, spool: scratch.path) { piece throws(EvidenceError) in bytes += piece }
        return bytes
    }

    func period(from: Instant, to: Instant) async throws -> [UInt8] {
        let scratch = try ScratchFolder("cordon-spool")
        var bytes: [UInt8] = []
        try await period(from: from, to: to, spool: scratch.path) { piece throws(EvidenceError) in bytes += piece }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [], "nothing stays behind")
        return bytes
    }
}

extension AuditReport {
    var broken: [AuditFinding.Code] { findings.filter { $0.grade == .broken }.map(\.code) }
    func codes(_ grade: AuditFinding.Grade) -> [AuditFinding.Code] { findings.filter { $0.grade == grade }.map(\.code) }
}
