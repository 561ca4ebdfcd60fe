// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonStore
import Crypto
import Foundation
import Glibc
import Logging
import TestKit

/// GitHub's alerts as they come in, signed; each with a delivery id of its own.
enum Webhook {
    static let secret = "a webhook's secret for the benchmark"

    private static func body(_ number: Int) -> [UInt8] {
        Array(
            """
            {"action":"created","alert":{"number":\(number),"created_at":"2026-11-23T18:04:05Z",\
            "html_url":"https://github.com/example/r/security/secret-scanning/\(number)","state":"open",\
            "secret_type":"example_api_token","secret_type_display_name":"Example API Token","validity":"active",\
            "publicly_leaked":false,"multi_repo":false,"push_protection_bypassed":false,"resolution":null},\
            "repository":{"id":\(number),"name":"r\(number)","full_name":"example/r\(number)","private":true,\
            "owner":{"login":"example","id":6811672,"type":"Organization"}},\
            "sender":{"login":"octocat","id":583231,"type":"User"}}
            """.utf8)
    }

    private static func headers(_ number: Int, _ body: [UInt8]) -> [String: String] {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
        return [
            "content-type": "application/json", "x-github-event": "secret_scanning_alert",
            "x-github-delivery": "bench-\(number)",
            "x-hub-signature-256": "sha256=" + code.map { String(format: "%02x", $0) }.joined(),
        ]
    }

    static func delivery(_ number: Int) -> InboundDelivery {
        let body = body(number)
        return InboundDelivery(headers: headers(number, body), body: body)
    }

    /// The whole requests in a file, each behind its length.
    static func requests(_ count: Int, to path: String) throws -> String {
        var all = Data()
        for number in 0..<count {
            let body = body(number)
            var head = "POST /hooks/github HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: \(body.count)\r\n"
            for (name, value) in headers(number, body) { head += "\(name): \(value)\r\n" }
            let request = Array((head + "\r\n").utf8) + body
            withUnsafeBytes(of: UInt32(request.count)) { all.append(contentsOf: $0) }
            all.append(contentsOf: request)
        }
        try all.write(to: URL(filePath: path))
        return path
    }
}

/// The engine over its store on disk with GitHub's connector and no playbook: each alert is verified, stored and read.
struct Intake {
    private let engine: Engine
    private let store: SQLiteStore

    init(folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try SQLiteStore(.readWrite(folder + "/state"))
        let file = URL(filePath: #filePath).appending(path: "../../../../workflows/connectors/github.yaml").standardized
        let bytes = Array(try Data(contentsOf: file))
        let connector = try Connector.load(bytes, file: "github.yaml", digest: digestText(bytes)).get()
        let secret = folder + "/hook-secret"
        try Data(Webhook.secret.utf8).write(to: URL(filePath: secret))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
        engine = Engine(
            Engine.Parts(
                store: store, clock: SystemClock(),
                connections: Connections(
                    sources: [Connections.Source(id: "github", connector: "github", secrets: [.file("hook-secret")])],
                    providers: []),
                connectors: ["github": connector], secrets: SecretReader(folder: folder),
                sealKey: Secret(Array("the benchmark's key".utf8)), transport: try CurlTransport(),
                evidence: EvidenceKeeper(blobs: try Blobs(at: folder + "/evidence")),
                library: Library(
                    playbooks: [], workflows: [], inventory: Inventory(identities: [], digest: "sha256:bench"),
                    sources: []),
                logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// So many at a time; alerts a second until the last is stored.
    func receive(_ alerts: [InboundDelivery], senders: Int) async throws -> Double {
        let engine = self.engine
        let rate = try await withThrowingTaskGroup(of: Double?.self) { group in
            group.addTask {
                try await engine.run()
                return nil
            }
            group.addTask { try await Intake.send(alerts, senders, to: engine) }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw BenchFailure(description: "the engine ended before it was measured")
        }
        await store.close()
        return rate
    }

    private static func send(_ alerts: [InboundDelivery], _ senders: Int, to engine: Engine) async throws -> Double {
        let began = Monotonic.nanoseconds
        let refused = await withTaskGroup(of: Int.self) { group in
            for sender in 0..<senders {
                group.addTask {
                    var refused = 0
                    for number in stride(from: sender, to: alerts.count, by: senders) {
                        let receipt = await engine.receive(source: "github", alerts[number])
                        if case .stored = receipt { continue }
                        refused += 1
                    }
                    return refused
                }
            }
            return await group.reduce(0, +)
        }
        guard refused == 0 else { throw BenchFailure(description: "\(refused) alerts were not taken") }
        return Double(alerts.count) / (Double(Monotonic.nanoseconds - began) / 1e9)
    }
}

/// The built program as it serves one source, in a folder of its own.
struct HookServer {
    let port: UInt16
    private let process: ProgramUnderTest

    init(_ cordon: String, in scratch: ScratchFolder) async throws {
        try scratch.write("listen: { port: 0 }\nstate: state\n", to: "cordon.yaml")
        try scratch.write(
            "sources:\n  - { id: github, connector: github, secrets: [{ file: hook-secret }] }\nproviders: []\n",
            to: "connections.yaml")
        try scratch.write("identities: []\n", to: "identities.yaml")
        let secret = try scratch.write(Webhook.secret, to: "hook-secret")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
        process = try ProgramUnderTest(
            cordon, ["serve", "--config", scratch.path("cordon.yaml")], environment: ["CORDON_BENCH": nil],
            capturedIn: scratch, as: "serve")
        port = try await process.waitForPort(after: "listening on", on: .error, timeoutMilliseconds: 60_000)
    }

    func stop() async throws {
        kill(process.processID, SIGTERM)
        guard try await process.waitForExit(timeoutMilliseconds: 60_000) == .exited(0) else {
            throw BenchFailure(description: "the server ended badly: \(process.error.suffix(500))")
        }
    }
}
