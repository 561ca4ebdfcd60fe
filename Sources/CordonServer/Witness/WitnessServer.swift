// SPDX-License-Identifier: Apache-2.0

package import CordonEngine
package import CordonEvidence
import HTTPTypes
import Hummingbird
package import Logging
import ServiceLifecycle

/// The HTTP side of a witness (C2SP tlog-witness): one route, no accounts, because each request is signed by a log that
/// the witness knows. It stands on a host of its own and shares nothing with the installations that ask it.
package final class WitnessServer: Sendable, Service {
    private let desk: WitnessDesk
    private let listener: Listener
    private let bound = PortPromise()
    private let bodies = BodyReader(heldBytesMax: ServerLimits.witnessBodiesBytesMax)

    package init(
        _ witness: Witness, address: String, port: Int, clock: any WallClock, logger: Logger
    ) throws(ServerError) {
        guard (0...65_535).contains(port) else {
            throw ServerError(.notListening, "\(port) is no port; choose one from 0 to 65535 with --port")
        }
        desk = WitnessDesk(witness, clock: clock)
        listener = Listener(
            address: address, port: port, connectionsMax: ServerLimits.connectionsMax,
            spans: ConnectionClock.Spans(
                idleMilliseconds: ServerLimits.idleMilliseconds, bodyMilliseconds: ServerLimits.bodyMilliseconds,
                lingerMilliseconds: ServerLimits.lingerMilliseconds),
            logger: logger)
    }

    /// Ends after a shutdown, and by a failure when the disk did not confirm what the witness remembers: what is stored
    /// is unknown then, and only a new start may look.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.listener.run(self.responder, port: self.bound) }
            tasks.addTask { try await self.desk.waitForFailure() }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    /// The port it listens on, once it does; throws what kept it from listening.
    package func boundPort() async throws(ServerError) -> Int { try await bound.port() }

    private var responder: RouterResponder<ConnectionContext> {
        let router = Router(context: ConnectionContext.self)
        var frame = Frame(logger: listener.logger)
        frame.routes = "this is a witness: POST \(WitnessRequest.path) is all that it answers"
        router.add(middleware: frame)
        router.post(RouterPath(WitnessRequest.path)) { request, _ in try await self.add(request) }
        return router.buildResponder()
    }

    private func add(_ request: Request) async throws -> Response {
        try await bodies.read(request, upTo: WitnessRequest.bytesMax) { body in
            Self.response(to: try await self.desk.add(body))
        }
    }

    private static func response(to answer: Witness.Answer) -> Response {
        switch answer {
        case .cosigned(let line): text(.ok, line)
        case .malformed(let reason): text(.badRequest, reason + "\n")
        case .unknownLog(let reason): text(.notFound, reason + "\n")
        case .unsigned(let reason): text(.forbidden, reason + "\n")
        case .conflict(let size): text(.conflict, "\(size)\n", type: "text/x.tlog.size")
        case .inconsistent(let reason): text(.unprocessableContent, reason + "\n")
        }
    }

    private static func text(
        _ status: HTTPResponse.Status, _ body: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}
