// SPDX-License-Identifier: Apache-2.0

/// A signed statement (DSSE, secure-systems-lab): the bytes, what they are, and who signed them.
///
/// The signature covers the type and the bytes as they stand, so nothing is parsed before it is believed.
package struct Envelope: Hashable, Sendable {
    package struct Signature: Hashable, Sendable {
        /// A hint which key it was, no proof.
        package var keyID: String
        package var bytes: [UInt8]

        package init(keyID: String, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    package static let signaturesMax = 100

    package let payloadType: String
    package let payload: [UInt8]
    package private(set) var signatures: [Signature]

    package init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) throws(EvidenceError) {
        guard signatures.count <= Envelope.signaturesMax else {
            throw EvidenceError(
                .envelopeMalformed, "could not use the envelope: it has more than \(Envelope.signaturesMax) signatures")
        }
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// What is signed: `DSSEv1`, then type and payload, each with its length before it.
    package var preAuthenticationEncoding: [UInt8] {
        let type = Array(payloadType.utf8)
        return Array("DSSEv1 \(type.count) ".utf8) + type + Array(" \(payload.count) ".utf8) + payload
    }

    package mutating func sign(with keys: [SigningKey]) throws(EvidenceError) {
        for key in keys {
            signatures.append(
                Signature(
                    keyID: key.verifier.envelopeID, bytes: try key.signature(of: preAuthenticationEncoding)))
        }
    }

    /// Which of these keys' owners signed. Throws when a signature names a given key and is not its, and when none is
    /// of a given key.
    package func verify(with keys: [VerifierKey]) throws(EvidenceError) -> [VerifierKey] {
        let message = preAuthenticationEncoding
        var verified: [VerifierKey] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.envelopeID == signature.keyID }) else { continue }
            guard key.isValid(signature: signature.bytes, of: message) else {
                throw EvidenceError(
                    .signatureInvalid,
                    "could not verify the envelope: the signature of \(signature.keyID) is not by its key")
            }
            if !verified.contains(key) { verified.append(key) }
        }
        guard !verified.isEmpty else {
            throw EvidenceError(
                .signatureMissing, "could not verify the envelope: none of the trusted keys signed it")
        }
        return verified
    }
}

extension VerifierKey {
    /// How an envelope names it: name and hash, as in its text.
    package var envelopeID: String { "\(name)+\(hash8)" }

    /// The hash in its text: eight hexadecimal digits.
    package var hash8: String { Hex.text(BigEndian.bytes(id)) }

    /// SubjectPublicKeyInfo (RFC 8410) as PEM, which openssl reads.
    package var pem: String {
        let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
        return "-----BEGIN PUBLIC KEY-----\n\(Base64.text(prefix + publicKey))\n-----END PUBLIC KEY-----\n"
    }
}
