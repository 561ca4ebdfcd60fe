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

/// A timestamping authority that is openssl, asked over a wire of the test's own.
private final class PracticeAuthority: Transport {
    let scratch: ScratchFolder
    private let count = Mutex(0)
    private let isAway = Mutex(false)

    init() throws {
        scratch = try ScratchFolder("cordon-tsa")
        try scratch.write(
            """
            [tsa]
            default_tsa = one
            [one]
            serial = \(scratch.path("serial"))
            signer_digest = sha256
            default_policy = 1.2.3.4
            digests = sha256
            accuracy = secs:1
            ess_cert_id_chain = no
            ess_cert_id_alg = sha256
            crypto_device = builtin
            [leaf]
            extendedKeyUsage = critical, timeStamping
            keyUsage = critical, digitalSignature
            basicConstraints = critical, CA:false
            """, to: "tsa.conf")
        try scratch.write("01\n", to: "serial")
        try run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key",
            "-out", "root.pem", "-days", "3650", "-subj", "/CN=Practice root")
        try run(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tsa.key", "-out",
            "tsa.csr", "-subj", "/CN=Practice TSA")
        try run(
            "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days",
            "3650", "-out", "tsa.pem", "-extfile", "tsa.conf", "-extensions", "leaf")
    }

    var trust: TimestampTrust {
        get throws { try #require(TimestampTrust(pem: Array(try Data(contentsOf: url("root.pem"))))) }
    }

    func url(_ name: String) -> URL { URL(fileURLWithPath: scratch.path(name)) }
    func goAway(_ away: Bool) { isAway.withLock { $0 = away } }
    var asked: Int { count.withLock { $0 } }

    func run(_ arguments: String...) throws {
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = arguments
        openssl.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
        openssl.standardError = FileHandle.nullDevice
        openssl.standardOutput = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        #expect(openssl.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
    }

    func close() async {}

    func send(_ request: OutboundRequest) async -> Delivery {
        count.withLock { $0 += 1 }
        func answer(_ status: Int, _ body: [UInt8]) -> Delivery {
            Delivery(
                fate: .answered(OutboundResponse(status: status, headers: [:], body: body)), durationMilliseconds: 1)
        }
        guard !isAway.withLock({ $0 }) else { return answer(503, []) }
        do {
            try Data(request.body ?? []).write(to: url("q.tsq"))
            try run(
                "ts", "-reply", "-config", "tsa.conf", "-queryfile", "q.tsq", "-signer", "tsa.pem", "-inkey",
                "tsa.key", "-out", "a.tsr")
            return answer(200, Array(try Data(contentsOf: url("a.tsr"))))
        } catch {
            Issue.record("\(error)")
            return answer(500, [])
        }
    }
}

@Suite struct TimestamperTests {
    private let signed: AuditedInstallation
    private let authority: PracticeAuthority

    init() throws {
        signed = try AuditedInstallation()
        authority = try PracticeAuthority()
    }

    private func timestamper(every milliseconds: Int64 = 60_000) throws -> Timestamper {
        Timestamper(
            Timestamper.Parts(
                store: signed.store, clock: signed.installation.clock, logPath: signed.scratch.path("log"),
                urls: ["http://127.0.0.1:1/tsa"], everyMilliseconds: milliseconds, trust: try authority.trust,
                transport: authority, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func codes(_ findings: [AuditFinding]) -> [AuditFinding.Code] { findings.map(\.code) }

    @Test func `a checkpoint is stamped, kept, told of, and found sound in the folder and in a bundle`() async throws {
        try await signed.contain()
        try await signed.sign()
        let size = try signed.signed.size
        try await timestamper().turn()
        let stamps = TimestampFolder(log: signed.folder).stamps()
        #expect(stamps.map(\.size) == [size])
        let lines = try await signed.store.history(LogBook.stream, from: 1, limit: 100).map(\.entry)
        #expect(lines.last?.kind == "checkpointStamped")
        // What came since is proved to go on from what was stamped.
        try await signed.sign()
        let bundle = try await signed.runBundle()
        let found = await TimestampAudit.bundle(bundle, keys: [], trust: try authority.trust)
        #expect(codes(found) == [.timestamped], "\(found)")
        #expect(codes(await TimestampAudit.bundle(bundle, keys: [], trust: nil)) == [.timestampUnchecked])
        let folder = await TimestampAudit.folder(signed.folder, keys: [], trust: try authority.trust)
        #expect(codes(folder) == [.timestamped], "\(folder)")
        #expect(await BundleAudit.run(bundle, trust: AuditTrust()).isBroken == false)
        try check(bundle)
    }

    /// What the bundle's README says.
    private func check(_ bundle: [UInt8]) throws {
        let files = try Tar.files(bundle)
        let answer = try #require(files.first { $0.name.hasSuffix(".tsr") })
        let note = try #require(files.first { $0.name.hasPrefix("timestamps/") && $0.name.hasSuffix(".checkpoint") })
        try Data(answer.bytes).write(to: authority.url("kept.tsr"))
        let text = String(decoding: note.bytes, as: UTF8.self)
        let end = try #require(text.range(of: "\n\n"))
        try Data(text[..<end.lowerBound].utf8 + [10]).write(to: authority.url("stamped.txt"))
        try authority.run("ts", "-verify", "-data", "stamped.txt", "-in", "kept.tsr", "-CAfile", "root.pem")
    }

    @Test func `it is asked no more often than is set, and not while nothing is new`() async throws {
        try await signed.contain()
        try await signed.sign()
        let timestamper = try timestamper(every: Int64.max / 4)
        try await timestamper.turn()
        try await timestamper.turn()
        #expect(authority.asked == 1)
        try await signed.sign()
        try await timestamper.turn()
        #expect(authority.asked == 1)
    }

    @Test func `an authority that is away changes nothing, and is asked again`() async throws {
        try await signed.contain()
        try await signed.sign()
        authority.goAway(true)
        let timestamper = try timestamper()
        await #expect(throws: EngineError(.store, "")) { try await timestamper.turn() }
        #expect(TimestampFolder(log: signed.folder).stamps().isEmpty)
        #expect(try await signed.audit().isBroken == false)
        authority.goAway(false)
        try await timestamper.turn()
        #expect(TimestampFolder(log: signed.folder).stamps().count == 1)
    }

    @Test func `a stamp of something else, a changed one and one of another tree are found`() async throws {
        try await signed.contain()
        try await signed.sign()
        try await timestamper().turn()
        let folder = TimestampFolder(log: signed.folder)
        let honest = try #require(folder.stamps().first)
        var changed = honest
        changed.answer[changed.answer.count - 3] ^= 1
        try folder.keep(changed)
        let trust = try authority.trust
        #expect(codes(await TimestampAudit.folder(signed.folder, keys: [], trust: trust)) == [.timestampInvalid])
        changed = honest
        changed.note[0] ^= 1
        try folder.keep(changed)
        #expect(codes(await TimestampAudit.folder(signed.folder, keys: [], trust: trust)) == [.timestampInvalid])
        try folder.keep(honest)
        #expect(codes(await TimestampAudit.folder(signed.folder, keys: [], trust: trust)) == [.timestamped])
    }
}
