// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import CordonStore
import Foundation
import Logging
import Synchronization
import TestKit

/// A server in this process over a store of the test's choosing, with one source that signs. Its engine takes
/// deliveries and does not run: what was stored stays as it came.
struct ServerUnderTest: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var json: Value { (try? JSON.parse(body)) ?? .null }
    }

    struct Broken: Error { var reason: String }

    private static let hookSecret = Secret(Array("a webhook's secret for tests".utf8))

    let access: Access
    let engine: Engine
    private let server: Server
    private let transport: CurlTransport
    private let shape: SourceShape

    init(_ store: any Store, in scratch: ScratchFolder, clock: any WallClock = SystemClock()) throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let github = try ServerUnderTest.github()
        guard let shape = github.source else { throw Broken(reason: "the connector github is no source") }
        self.shape = shape
        transport = try CurlTransport()
        let secret = String(decoding: ServerUnderTest.hookSecret.reveal(), as: UTF8.self)
        engine = Engine(
            Engine.Parts(
                store: store, clock: clock,
                connections: Connections(
                    sources: [Connections.Source(id: "github", connector: "github", secrets: [.environment("HOOK")])],
                    providers: []),
                connectors: ["github": github],
                secrets: SecretReader(folder: scratch.path, environment: { $0 == "HOOK" ? secret : nil }),
                sealKey: Secret(Array(String(repeating: "ab", count: 32).utf8)), transport: transport,
                evidence: EvidenceKeeper(blobs: try Blobs(at: scratch.path("evidence"))),
                library: Library(
                    playbooks: [], workflows: [], inventory: Inventory(identities: [], digest: digestText([]))),
                logger: logger))
        access = Access(store: store, clock: clock)
        server = try Server(
            engine: engine, access: access, version: "0.0.0", options: Server.Options(port: 0), logger: logger)
    }

    /// The connector as it is shipped.
    private static func github() throws -> Connector {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = Array(try Data(contentsOf: root.appending(path: "workflows/connectors/github.yaml")))
        return try Connector.load(bytes, file: "github.yaml", digest: digestText(bytes)).get()
    }

    /// Serves as long as the body runs, which is given the server's address.
    func serving(_ body: @Sendable (_ url: String) async throws -> Void) async throws {
        let server = server
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body("http://127.0.0.1:\(try await server.boundPort())")
            group.cancelAll()
        }
        await transport.close()
    }

    func ask(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) async throws -> Answer {
        let delivery = await transport.send(
            OutboundRequest(
                method: method, url: url, headers: headers, body: body, timeoutMilliseconds: 20_000,
                responseBytesMax: 1 << 20, egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true)))
        switch delivery.fate {
        case .answered(let response):
            return Answer(status: response.status, headers: response.headers, body: response.body)
        case .notSent(let fault), .mayHaveBeenSent(let fault): throw Broken(reason: fault.reason)
        }
    }

    func ask(_ method: String, _ url: String, token: String) async throws -> Answer {
        try await ask(method, url, headers: [("authorization", "Bearer \(token)")])
    }

    /// Posts a delivery as its source does.
    func deliver(_ id: String, _ text: String, to url: String) async throws -> Answer {
        let body = Array(text.utf8)
        let signed = shape.authentication.headers(
            body, delivery: id, with: ServerUnderTest.hookSecret, at: Instant(milliseconds: 0))
        guard let signed else { throw Broken(reason: "the source signs nothing") }
        return try await ask(
            "POST", url + "/hooks/github",
            headers: [
                ("content-type", "application/json"), ("x-github-event", "secret_scanning_alert"),
                ("x-github-delivery", id),
            ] + signed, body: body)
    }
}

/// A wall clock that stands still until a test sets it.
final class SetClock: WallClock {
    private let time = Mutex(Instant(milliseconds: 1_795_000_000_000))

    var now: Instant { time.withLock { $0 } }
    func advance(milliseconds: Int64) { time.withLock { $0 = $0.adding(milliseconds: milliseconds) } }
    func sleep(until instant: Instant) async {}
}
