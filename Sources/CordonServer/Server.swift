// SPDX-License-Identifier: Apache-2.0

package import CordonEngine
package import Logging
import ServiceLifecycle

/// The HTTP server: takes alerts, answers questions, lets people decide. The only part that knows the HTTP library.
///
/// A graceful shutdown stops listening, lets requests that have come finish, closes connections that wait, and returns.
package final class Server: Sendable, Service {
    package struct Options: Sendable, Hashable {
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

        package init(
            address: String = "127.0.0.1", port: Int = 8787, connectionsMax: Int = ServerLimits.connectionsMax,
            idleMilliseconds: Int64 = ServerLimits.idleMilliseconds,
            bodyMilliseconds: Int64 = ServerLimits.bodyMilliseconds,
            lingerMilliseconds: Int64 = ServerLimits.lingerMilliseconds,
            bodiesBytesMax: Int = ServerLimits.bodiesBytesMax, proofKey: ProofKey? = nil
        ) {
            self.address = address
            self.port = port
            self.connectionsMax = connectionsMax
            self.idleMilliseconds = idleMilliseconds
            self.bodyMilliseconds = bodyMilliseconds
            self.lingerMilliseconds = lingerMilliseconds
            self.bodiesBytesMax = bodiesBytesMax
            self.proofKey = proofKey
        }
    }

    private let api: API
    private let listener: Listener
    private let bound = PortPromise()

    package init(
        engine: Engine, access: Access, version: String, options: Options = Options(), logger: Logger
    ) throws(ServerError) {
        guard (0...65_535).contains(options.port) else {
            throw ServerError(.notListening, "\(options.port) is no port; choose one from 0 to 65535 with --port")
        }
        api = API(
            engine: engine, access: access, version: version, proofKey: options.proofKey,
            bodies: BodyReader(heldBytesMax: options.bodiesBytesMax),
            custody: StreamWriter(StreamWriter.custody, store: engine.store, clock: engine.clock), logger: logger)
        listener = Listener(
            address: options.address, port: options.port, connectionsMax: options.connectionsMax,
            spans: ConnectionClock.Spans(
                idleMilliseconds: options.idleMilliseconds, bodyMilliseconds: options.bodyMilliseconds,
                lingerMilliseconds: options.lingerMilliseconds),
            logger: logger)
    }

    package func run() async throws {
        let feed = api.engine.sessionFeed
        try await withGracefulShutdownHandler {
            try await listener.run(api.responder(), port: bound)
        } onGracefulShutdown: {
            // Their answers would not end by themselves.
            feed.close()
        }
    }

    /// The port it listens on, once it does; throws what kept it from listening.
    package func boundPort() async throws(ServerError) -> Int { try await bound.port() }
}
