// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Runs an HTTP/1.1 server with the house's bounds until the service group asks for shutdown.
struct Listener: Sendable {
    var address: String
    var port: Int
    var connectionsMax: Int
    var spans: ConnectionClock.Spans
    /// `nil`: plain HTTP.
    var tls: TLSDesk?
    var logger: Logger
    /// Answers what can be answered at once.
    var shortcut: Shortcut.Answering = { _ in nil }

    /// Listens, then tells `port` which port it became, and returns after shutdown.
    func run(
        _ responder: RouterResponder<ConnectionContext>, port bound: PortPromise
    ) async throws {
        var quiet = logger
        // The library tells of each request's inner life; our own frame tells what matters.
        quiet.logLevel = max(logger.logLevel, .warning)
        let (spans, shortcut) = (spans, shortcut)
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = ServerLimits.headBytesMax
        decoder.maxHeaderListSize = ServerLimits.headBytesMax
        decoder.maxHeaderFieldCount = ServerLimits.headerFieldsMax
        let application = Application(
            responder: responder,
            server: builder(
                HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionClock(spans), Shortcut(shortcut)],
                    httpDecoderConfiguration: decoder)),
            configuration: ApplicationConfiguration(
                address: .hostname(address, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { channel in bound.keep(channel.localAddress?.port ?? 0) },
            logger: quiet)
        do {
            try await application.run()
            bound.break(ServerError(.notListening, "the server was stopped before it listened"))
        } catch {
            let reason = listening(error)
            bound.break(reason)
            throw reason
        }
    }

    private func builder(_ configuration: HTTP1Channel.Configuration) -> HTTPServerBuilder {
        guard let tls else { return .http1(configuration: configuration) }
        return HTTPServerBuilder { responder in
            TLSChannel(inner: HTTP1Channel(responder: responder, configuration: configuration), desk: tls)
        }
    }

    private func listening(_ error: any Error) -> ServerError {
        let place = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            return ServerError(
                .addressInUse,
                "\(place) is in use by another process; stop that one, or choose another port with --port")
        case EACCES, EPERM:
            return ServerError(
                .addressForbidden, "this user may not listen on \(place); choose a port above 1023 with --port")
        case EADDRNOTAVAIL:
            return ServerError(
                .addressUnknown, "this machine has no address \(address); choose one that it has with --address")
        default:
            if error is SocketAddressError || (error as? IOError) == nil, "\(error)".contains("nknown") {
                return ServerError(
                    .addressUnknown, "'\(address)' is no address of this machine; choose one with --address")
            }
            return ServerError(.notListening, "could not listen on \(place): \(error)")
        }
    }
}
