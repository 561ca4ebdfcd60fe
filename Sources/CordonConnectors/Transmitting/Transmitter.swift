// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// Who is told of agent sessions by security events (RFC 8417), as the operator wrote it under `transmitter` in
/// connections.yaml: Cordon as a transmitter of OpenID's Shared Signals Framework 1.0.
package struct Transmitter: Sendable, Hashable {
    /// The `iss` of every token, and what the transmitter's metadata is found under.
    package var issuer: String
    /// What a key is made for, where there is none yet.
    package var algorithm: ProviderShape.WebToken.Algorithm
    package var streams: [EventStream]

    package init(
        issuer: String, algorithm: ProviderShape.WebToken.Algorithm = .rs256, streams: [EventStream] = []
    ) {
        self.issuer = issuer
        self.algorithm = algorithm
        self.streams = streams
    }

    package subscript(_ id: String) -> EventStream? { streams.first { $0.id == id } }
}

/// One receiver: how it gets its events, and which.
package struct EventStream: Sendable, Hashable {
    package enum Means: Sendable, Hashable {
        /// RFC 8935: Cordon posts each to the receiver.
        case push(url: String)
        /// RFC 8936: the receiver asks.
        case poll
    }

    package var id: String
    package var audience: String
    package var kinds: Set<SecurityEvent.Kind>
    package var means: Means
    /// Pushed events carry it as a bearer; where the receiver asks, it shows it.
    package var token: SecretReference?
    package var egress: EgressPolicy

    package init(
        id: String, audience: String, kinds: Set<SecurityEvent.Kind> = Set(SecurityEvent.Kind.allCases), means: Means,
        token: SecretReference? = nil, egress: EgressPolicy = EgressPolicy()
    ) {
        self.id = id
        self.audience = audience
        self.kinds = kinds
        self.means = means
        self.token = token
        self.egress = egress
    }

    package var isPolled: Bool { means == .poll }
}
