// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a source posted: the body, the few headers that normalizing needs, and how it was authenticated. Nothing in it is
/// believed beyond that. The signature was checked on the bytes as they came; what is stored has secrets and personal
/// fields cut out.
package struct Alert: Sendable, Hashable, Named {
    package static var prefix: String { "alr_" }

    /// The public key by which it was found to be its source's.
    package struct OriginKey: Sendable, Hashable {
        /// `sha256:` of the text.
        package var digest: String
        /// A JSON Web Key, or PEM.
        package var text: String

        package init(digest: String, text: String) {
            self.digest = digest
            self.text = text
        }
    }

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

    /// Values that were cut out of the body before it was stored. What stands in their place says the class and a keyed
    /// fingerprint; this says where.
    package struct Cut: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case secret
            case personal
        }

        /// The place of what has the form of a credential, wherever in the body it stood.
        package static let anywhere = "**"

        /// As the connector names it: a JSON pointer with `*` and `**`; empty for the body as a whole.
        package var place: String
        package var kind: Kind
        package var count: Int

        package init(place: String, kind: Kind, count: Int) {
            (self.place, self.kind, self.count) = (place, kind, count)
        }
    }

    package var id: AlertID
    package var source: String
    /// The source's own id of this delivery; a second delivery of the same id is a repeat.
    package var deliveryID: String
    package var receivedAt: Instant
    /// Lower-case names; only those that the connector asks for.
    package var headers: [String: String]
    package var body: [UInt8]
    /// `sha256:` and the hex digest of the body, with its salt before it where it has one.
    package var bodyDigest: String
    /// Kept beside the body and gone with it, so that nobody guesses the body by its digest; empty for those of earlier
    /// versions.
    package var salt: [UInt8]
    /// A keyed fingerprint of the body as it came: what tells a repeat. Empty for those of earlier versions.
    package var mark: String
    package var cuts: [Cut]
    /// Under which names the same delivery may be known already; not stored.
    package var formerDeliveryIDs: [String] = []
    /// Where it was signed by a key of its source's own. Its receipt names it, the row doesn't.
    package var originKey: OriginKey?
    package var originProof: OriginProof
    package var state: State

    package init(
        id: AlertID, source: String, deliveryID: String, receivedAt: Instant, headers: [String: String],
        body: [UInt8], bodyDigest: String, originProof: OriginProof, state: State = .received, salt: [UInt8] = [],
        mark: String = "", cuts: [Cut] = []
    ) {
        self.salt = salt
        self.mark = mark
        self.cuts = cuts
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
    /// The history's line on the receipt. The body stays out of the history: only the digest of what is stored is in it,
    /// and which places were cut.
    package var receipt: Value {
        var members: [String: Value] = [
            "source": .string(source), "delivery": .string(deliveryID), "body": .string(bodyDigest),
            "bytes": .int(Int64(body.count)), "origin_proof": .string(originProof.rawValue),
        ]
        if let originKey { members["key"] = .string(originKey.digest) }
        if !salt.isEmpty { members["salted"] = true }
        if !cuts.isEmpty { members["cut"] = cutsValue }
        return .object(members)
    }

    package var cutsValue: Value {
        .array(
            cuts.map { cut in
                [
                    "place": .string(cut.place), "class": .string(cut.kind.rawValue), "count": .int(Int64(cut.count)),
                ]
            })
    }

    /// The cuts as a database keeps them; empty for none.
    package var cutsText: String { cuts.isEmpty ? "" : String(decoding: cutsValue.jsonBytes, as: UTF8.self) }

    /// Nothing for a text that `cutsText` did not write.
    package static func cuts(_ text: String) -> [Cut]? {
        if text.isEmpty { return [] }
        guard let items = (try? JSON.parse(text))?.arrayValue else { return nil }
        let cuts = items.compactMap { item -> Cut? in
            guard let place = item["place"]?.stringValue, let count = item["count"]?.intValue,
                let kind = item["class"]?.stringValue.flatMap(Cut.Kind.init)
            else { return nil }
            return Cut(place: place, kind: kind, count: Int(count))
        }
        return cuts.count == items.count ? cuts : nil
    }

    /// As a store keeps it.
    package var asStored: Alert {
        var copy = self
        copy.formerDeliveryIDs = []
        copy.originKey = nil
        return copy
    }
}
