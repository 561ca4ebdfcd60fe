// SPDX-License-Identifier: Apache-2.0

package import CordonEngine
package import Logging
import ServiceLifecycle

/// The HTTP server: takes alerts, answers questions, lets people decide. The only part that knows the HTTP library.
///
/// A graceful shutdown stops listening, lets requests that have come finish, closes connections that wait, and returns.
package final class Server: Sendable, Service {
    package struct Options: Sendable {
        package var address: String
        /// 0 takes any free port; `boundPort` tells which.
        package var port: Int
        package var connectionsMax: Int
        package var idleMilliseconds: Int64
        package var bodyMilliseconds: Int64
        package var lingerMilliseconds: Int64
        package var bodiesBytesMax: Int
        /// Told by `/health`, so that a command knows whose server it found.
        package var proofKey: ProofKey?
        /// With it the port takes TLS alone, and the commands of this machine have another, on loopback.
        package var tls: TLSDesk?

        package init(
            address: String = "127.0.0.1", port: Int = 8787, connectionsMax: Int = ServerLimits.connectionsMax,
            idleMilliseconds: Int64 = ServerLimits.idleMilliseconds,
            bodyMilliseconds: Int64 = ServerLimits.bodyMilliseconds,
            lingerMilliseconds: Int64 = ServerLimits.lingerMilliseconds,
            bodiesBytesMax: Int = ServerLimits.bodiesBytesMax, proofKey: ProofKey? = nil, tls: TLSDesk? = nil
        ) {
            self.address = address
            self.port = port
            self.connectionsMax = connectionsMax
            self.idleMilliseconds = idleMilliseconds
            self.bodyMilliseconds = bodyMilliseconds
            self.lingerMilliseconds = lingerMilliseconds
            self.bodiesBytesMax = bodiesBytesMax
            self.proofKey = proofKey
            self.tls = tls
        }
    }

    private let api: API
    private let listener: Listener
    private let bound = PortPromise()
    private let commands: Listener?
    private let commandsBound: PortPromise

    package init(
        engine: Engine, access: Access, version: String, options: Options = Options(), logger: Logger
    ) throws(ServerError) {
        guard (0...65_535).contains(options.port) else {
            throw ServerError(.notListening, "\(options.port) is no port; choose one from 0 to 65535 with --port")
        }
        let api = API(
            engine: engine, access: access, version: version, proofKey: options.proofKey,
            bodies: BodyReader(heldBytesMax: options.bodiesBytesMax),
            custody: StreamWriter(StreamWriter.custody, store: engine.store, clock: engine.clock), tls: options.tls,
            logger: logger)
        self.api = api
        let spans = ConnectionClock.Spans(
            idleMilliseconds: options.idleMilliseconds, bodyMilliseconds: options.bodyMilliseconds,
            lingerMilliseconds: options.lingerMilliseconds)
        listener = Listener(
            address: options.address, port: options.port, connectionsMax: options.connectionsMax, spans: spans,
            tls: options.tls, logger: logger, shortcut: { api.verdictAtOnce($0) })
        commands = options.tls.map { _ in
            Listener(
                address: "127.0.0.1", port: 0, connectionsMax: ServerLimits.commandConnectionsMax, spans: spans,
                logger: logger)
        }
        commandsBound = commands == nil ? bound : PortPromise()
    }

    package func run() async throws {
        let feed = api.engine.sessionFeed
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await self.listener.run(self.api.responder(), port: self.bound) }
                if let commands {
                    tasks.addTask { try await commands.run(self.api.responder(), port: self.commandsBound) }
                }
                defer { tasks.cancelAll() }
                while try await tasks.next() != nil {}
            }
        } onGracefulShutdown: {
            // Their answers would not end by themselves.
            feed.close()
        }
    }

    /// The port it listens on, once it does; throws what kept it from listening.
    package func boundPort() async throws(ServerError) -> Int { try await bound.port() }

    /// The port of the commands of this machine: without TLS the same, with TLS one on loopback alone.
    package func commandPort() async throws(ServerError) -> Int { try await commandsBound.port() }
}
