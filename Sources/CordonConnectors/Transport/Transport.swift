// SPDX-License-Identifier: Apache-2.0

/// Sends one request to the outside and says truthfully what is known of its fate.
///
/// Promises of every implementation: it returns once per request, within `timeoutMilliseconds` plus scheduling; it
/// follows no redirect; it sends a request that asks for a fresh connection at most once; and when it can't exclude
/// that bytes left, it says `mayHaveBeenSent`.
package protocol Transport: Sendable {
    func send(_ request: OutboundRequest) async -> Delivery
    /// Ends the transport: what is under way fails, and so does everything after.
    func close() async
}

/// A request as it goes on the wire. It may hold secrets: it is never stored, logged or compared in a message.
package struct OutboundRequest: Sendable {
    package var method: String
    /// Absolute, `http` or `https`.
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    package var timeoutMilliseconds: Int64
    package var connectTimeoutMilliseconds: Int64
    package var responseBytesMax: Int
    /// For effects that must not be sent twice: no pooled connection, because libcurl repeats a request by itself
    /// when a reused connection dies before the first byte of the answer.
    package var needsFreshConnection: Bool
    package var egress: EgressPolicy
    /// Shown to a server that asks for it when the connection is made.
    package var identity: ClientIdentity?

    package init(
        method: String, url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeoutMilliseconds: Int64, connectTimeoutMilliseconds: Int64 = 5000, responseBytesMax: Int,
        needsFreshConnection: Bool = false, egress: EgressPolicy = EgressPolicy(), identity: ClientIdentity? = nil
    ) {
        self.identity = identity
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.responseBytesMax = responseBytesMax
        self.needsFreshConnection = needsFreshConnection
        self.egress = egress
    }
}

/// A client's certificate with its key. A pooled connection is used again only by who showed the same.
package struct ClientIdentity: Sendable {
    /// The certificate first, then those that lead to its authority.
    package var certificatePEM: [UInt8]
    package var keyPEM: Secret

    package init(certificatePEM: [UInt8], keyPEM: Secret) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }
}

/// Where a request may go. The default reaches public addresses over https and nothing else.
package struct EgressPolicy: Sendable, Hashable {
    /// `http` besides `https`.
    package var allowsPlainHTTP: Bool
    /// Loopback addresses (127.0.0.0/8, ::1).
    package var allowsLoopback: Bool
    /// Further networks in CIDR form that would be refused otherwise (private, link-local, carrier-grade …).
    package var allowedNetworks: [String]
    /// PEM of the only authorities to trust, instead of the system's.
    package var authorityPEM: [UInt8]?

    package init(
        allowsPlainHTTP: Bool = false, allowsLoopback: Bool = false, allowedNetworks: [String] = [],
        authorityPEM: [UInt8]? = nil
    ) {
        self.allowsPlainHTTP = allowsPlainHTTP
        self.allowsLoopback = allowsLoopback
        self.allowedNetworks = allowedNetworks
        self.authorityPEM = authorityPEM
    }
}

/// What became of one request.
package struct Delivery: Sendable {
    package enum Fate: Sendable {
        case answered(OutboundResponse)
        /// The request did not leave: sending it again can't double it.
        case notSent(Fault)
        /// Bytes left or may have left, and no answer was read whole.
        case mayHaveBeenSent(Fault)
    }

    package var fate: Fate
    /// libcurl sent the request more than once by itself (the request's bytes on the wire exceed one request).
    package var wasSentTwice: Bool
    package var durationMilliseconds: Int64

    package init(fate: Fate, wasSentTwice: Bool = false, durationMilliseconds: Int64) {
        self.fate = fate
        self.wasSentTwice = wasSentTwice
        self.durationMilliseconds = durationMilliseconds
    }
}

/// Why no answer came, in closed words that can be stored.
package struct Fault: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case nameNotResolved = "name_not_resolved"
        case connectionRefused = "connection_refused"
        case tlsRefused = "tls_refused"
        case timedOut = "timed_out"
        case reset
        case responseTooLarge = "response_too_large"
        case addressForbidden = "address_forbidden"
        case badRequest = "bad_request"
        /// The transport was closed, or the caller cancelled.
        case closed
        case other
    }

    package var kind: Kind
    /// libcurl's number (`CURLcode`), 0 where it has none.
    package var number: Int32
    /// For a person; never holds a header, a body or a query.
    package var reason: String

    package init(kind: Kind, number: Int32, reason: String) {
        self.kind = kind
        self.number = number
        self.reason = reason
    }
}

package struct OutboundResponse: Sendable, Hashable {
    package var status: Int
    /// Names in lower case; repeated fields joined by a comma and a blank.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
