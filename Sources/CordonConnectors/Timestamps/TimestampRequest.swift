// SPDX-License-Identifier: Apache-2.0

import Crypto
import SwiftASN1

/// What a timestamping authority is asked (RFC 3161 §2.4.1): that it saw this SHA-256 digest, with its certificate in the
/// answer.
package struct TimestampRequest: Sendable, Hashable {
    package static let mediaType = "application/timestamp-query"
    package static let answerType = "application/timestamp-reply"

    package let digest: [UInt8]
    /// Drawn anew for each request: an answer with it was made after the question.
    package let nonce: UInt64

    package init(over bytes: [UInt8], nonce: UInt64) {
        digest = Array(SHA256.hash(data: bytes))
        // The highest bit is that of the sign.
        self.nonce = nonce >> 1
    }

    package var bytes: [UInt8] {
        var serializer = DER.Serializer()
        serializer.appendConstructedNode(identifier: .sequence) { request in
            // None of these can fail: all are numbers, names and bytes of fixed size.
            try? request.serialize(1)
            request.appendConstructedNode(identifier: .sequence) { imprint in
                imprint.appendConstructedNode(identifier: .sequence) { algorithm in
                    try? algorithm.serialize(TimestampToken.Name.sha256)
                    try? algorithm.serialize(ASN1Null())
                }
                try? imprint.serialize(ASN1OctetString(contentBytes: digest[...]))
            }
            try? request.serialize(nonce)
            try? request.serialize(true)
        }
        return serializer.serializedBytes
    }
}
