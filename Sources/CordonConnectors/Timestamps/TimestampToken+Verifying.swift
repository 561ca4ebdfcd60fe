// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Crypto
import Foundation
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Authorities that are trusted to tell the time: certificates in PEM.
package struct TimestampTrust: Sendable {
    let roots: [Certificate]

    /// Nothing unless there is at least one, and all are well formed.
    package init?(pem bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty else { return nil }
        let roots = documents.compactMap { try? Certificate(pemDocument: $0) }
        guard roots.count == documents.count else { return nil }
        self.roots = roots
    }
}

extension TimestampToken {
    /// Checks that it is of these bytes, that the certificate that it names signed it, and that an authority that is
    /// trusted stood behind that certificate at the time that it tells.
    ///
    /// - Parameter request: what was asked; nothing for a token that is only kept.
    package func verify(
        over bytes: [UInt8], answering request: TimestampRequest? = nil, trust: TimestampTrust
    ) async throws(TimestampError) {
        try checkDigest(bytes, request)
        let known = certificates.compactMap { try? Certificate(derEncoded: $0) } + trust.roots
        let leaf = try signerCertificate(among: known)
        try checkSignature(leaf)
        let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1000)
        var verifier = Verifier(rootCertificates: CertificateStore(trust.roots)) {
            RFC5280Policy(fixedExpiryValidationTime: date)
            TimestampingPolicy()
        }
        let result = await verifier.validate(leaf: leaf, intermediates: CertificateStore(known))
        guard case .validCertificate = result else {
            throw TimestampError(.untrusted, "no chain leads from \(leaf.subject) to an authority that is trusted")
        }
    }

    /// Checks that it is of these bytes, and believes nobody's signature.
    package func verifyDigest(over bytes: [UInt8]) throws(TimestampError) { try checkDigest(bytes, nil) }

    private func checkDigest(_ bytes: [UInt8], _ request: TimestampRequest?) throws(TimestampError) {
        guard digest == Array(SHA256.hash(data: bytes)) else {
            throw TimestampError(.differs, "it is of something else")
        }
        guard let request else { return }
        let asked = withUnsafeBytes(of: request.nonce.bigEndian) { Array($0.drop { $0 == 0 }) }
        guard nonce == (asked.isEmpty ? [0] : asked) else {
            throw TimestampError(.differs, "it answers another question")
        }
    }

    private func signerCertificate(among known: [Certificate]) throws(TimestampError) -> Certificate {
        guard let named = signer.certificate else {
            throw TimestampError(.malformed, "it does not say which certificate signed it")
        }
        for certificate in known {
            var serializer = DER.Serializer()
            guard (try? serializer.serialize(certificate)) != nil else { continue }
            if hash(serializer.serializedBytes, by: named.algorithm) == named.digest { return certificate }
        }
        throw TimestampError(.untrusted, "the certificate that signed it is neither in it nor among those trusted")
    }

    private func checkSignature(_ certificate: Certificate) throws(TimestampError) {
        guard signer.contentType == Name.timestampInfo, let digest = signer.messageDigest,
            signer.digestAlgorithm != Name.sha1, hash(content, by: signer.digestAlgorithm) == digest
        else { throw TimestampError(.signatureInvalid, "what it says is not what was signed") }
        guard let algorithm = signer.algorithm else {
            throw TimestampError(.signatureInvalid, "it is signed by an algorithm that is not taken")
        }
        guard
            certificate.publicKey.isValidSignature(
                signer.signature, for: signer.attributes, signatureAlgorithm: algorithm)
        else { throw TimestampError(.signatureInvalid, "its signature does not hold") }
    }

    private func hash(_ bytes: [UInt8], by algorithm: ASN1ObjectIdentifier) -> [UInt8]? {
        switch algorithm {
        // Names a certificate alone (RFC 2634), in tokens of older authorities; nothing is signed by it.
        case Name.sha1: Array(Insecure.SHA1.hash(data: bytes))
        case Name.sha256: Array(SHA256.hash(data: bytes))
        case Name.sha384: Array(SHA384.hash(data: bytes))
        case Name.sha512: Array(SHA512.hash(data: bytes))
        default: nil
        }
    }
}

extension TimestampToken.Signer {
    fileprivate var algorithm: Certificate.SignatureAlgorithm? {
        switch signatureAlgorithm {
        case [1, 2, 840, 113_549, 1, 1, 1]:
            switch digestAlgorithm {
            case TimestampToken.Name.sha256: .sha256WithRSAEncryption
            case TimestampToken.Name.sha384: .sha384WithRSAEncryption
            case TimestampToken.Name.sha512: .sha512WithRSAEncryption
            default: nil
            }
        case [1, 2, 840, 113_549, 1, 1, 11]: .sha256WithRSAEncryption
        case [1, 2, 840, 113_549, 1, 1, 12]: .sha384WithRSAEncryption
        case [1, 2, 840, 113_549, 1, 1, 13]: .sha512WithRSAEncryption
        case [1, 2, 840, 10045, 4, 3, 2]: .ecdsaWithSHA256
        case [1, 2, 840, 10045, 4, 3, 3]: .ecdsaWithSHA384
        case [1, 2, 840, 10045, 4, 3, 4]: .ecdsaWithSHA512
        case [1, 3, 101, 112]: .ed25519
        default: nil
        }
    }
}

/// The certificate is for timestamps and for nothing else (RFC 3161 §2.3).
private struct TimestampingPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        guard let usages = try? chain.leaf.extensions.extendedKeyUsage, Array(usages) == [.timeStamping] else {
            return .failsToMeetPolicy(reason: "the certificate is not for timestamps alone")
        }
        return .meetsPolicy
    }
}
