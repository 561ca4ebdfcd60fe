// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
import Hummingbird
package import Logging
import ServiceLifecycle

/// A practice OAuth 2.0 server, for demos and tests alone: it listens on loopback and nowhere else, forgets everything
/// when it ends, and says `x-practice-provider: yes` in every answer. Never a stand-in for an identity provider.
///
/// What it answers follows RFC 6749 (client credentials), RFC 7662 (introspection), RFC 7009 (revocation) and RFC 6750
/// (the resource). It remembers what it was asked, and when.
package final class PracticeProvider: Sendable, Service {
    package struct Client: Sendable, Hashable {
        package var id: String
        package var secret: String
        /// May revoke tokens of other clients; RFC 7009 2.1 leaves to the server who may.
        package var revokesForOthers: Bool

        package init(id: String, secret: String, revokesForOthers: Bool = false) {
            self.id = id
            self.secret = secret
            self.revokesForOthers = revokesForOthers
        }
    }

    /// One request, as the demo tells of it. Never a token or a secret.
    package struct Asked: Sendable, Hashable {
        package var at: Instant
        package var route: String
        /// The client that authenticated, or the subject of the token that was presented.
        package var by: String?
        package var status: Int
    }

    private let desk: PracticeDesk
    private let listener: Listener
    private let bound = PortPromise()

    package init(
        clients: [Client], port: Int = 0, tokenSeconds: Int64 = 3600, clock: any WallClock = SystemClock(),
        logger: Logger
    ) {
        desk = PracticeDesk(clients: clients, tokenSeconds: tokenSeconds, clock: clock)
        listener = Listener(
            address: "127.0.0.1", port: port, connectionsMax: ServerLimits.connectionsMax,
            spans: ConnectionClock.Spans(
                idleMilliseconds: ServerLimits.idleMilliseconds, bodyMilliseconds: ServerLimits.bodyMilliseconds,
                lingerMilliseconds: ServerLimits.lingerMilliseconds),
            logger: logger)
    }

    package func run() async throws { try await listener.run(desk.responder(listener.logger), port: bound) }

    package func boundPort() async throws(ServerError) -> Int { try await bound.port() }

    /// A new token of that client, as if it had asked for one.
    package func issue(to client: String, scope: String? = nil) -> String { desk.issue(to: client, scope: scope).text }

    package func isActive(_ token: String) -> Bool { desk.live(token) != nil }

    /// Everything it was asked, in order; at most the last `askedMax`.
    package var asked: [Asked] { desk.asked }

    package static let askedMax = 10_000
    package static let tokensMax = 10_000
}
