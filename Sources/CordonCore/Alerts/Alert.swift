// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a source posted, as it came: the raw body, the few headers that normalizing needs, and how it was
/// authenticated. Nothing in it is believed beyond that.
package struct Alert: Sendable, Hashable, Named {
    package static var prefix: String { "alr_" }

    /// How strongly the source's authorship can be shown to a third party.
    package enum OriginProof: String, Sendable, Hashable, CaseIterable {
        /// A signature that only the source could have made.
        case asymmetric
        /// An HMAC: proves the source to us, not to an auditor, because we hold the key too.
        case sharedSecret = "shared_secret"
        /// The channel was authenticated (bearer token, mTLS), the body was not signed.
        case channel
        case none
    }

    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Stored and answered, not yet read.
        case received
        /// Read: its signals and decisions are recorded.
        case read
        /// Validly signed, but of no shape that its connector knows; kept for a person.
        case quarantined
    }

    package var id: AlertID
    package var source: String
    /// The source's own id of this delivery; a second delivery of the same id is a repeat.
    package var deliveryID: String
    package var receivedAt: Instant
    /// Lower-case names; only those that the connector asks for.
    package var headers: [String: String]
    package var body: [UInt8]
    /// `sha256:` and the hex digest of `body`.
    package var bodyDigest: String
    package var originProof: OriginProof
    package var state: State

    package init(
        id: AlertID, source: String, deliveryID: String, receivedAt: Instant, headers: [String: String],
        body: [UInt8], bodyDigest: String, originProof: OriginProof, state: State = .received
    ) {
        self.id = id
        self.source = source
        self.deliveryID = deliveryID
        self.receivedAt = receivedAt
        self.headers = headers
        self.body = body
        self.bodyDigest = bodyDigest
        self.originProof = originProof
        self.state = state
    }
}

extension Alert {
    /// The history's line on the receipt. The body stays out of the history: only its digest is in it.
    package var receipt: Value {
        [
            "source": .string(source), "delivery": .string(deliveryID), "body": .string(bodyDigest),
            "bytes": .int(Int64(body.count)), "origin_proof": .string(originProof.rawValue),
        ]
    }
}
