// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import SwiftASN1
import TestKit
import X509

/// An authority of a test's own, and what it certifies.
struct TestAuthority {
    /// A certificate with its key, in PEM.
    struct Pair {
        var certificate: Certificate
        var key: P256.Signing.PrivateKey
        var pem: String
        var keyPEM: String { key.pemRepresentation }

        /// The SHA-256 of its public key info, in hex.
        var keyDigest: String {
            SHA256.hash(data: key.publicKey.derRepresentation)
                .map { String(format: "%02x", $0) }.joined()
        }
    }

    let pair: Pair

    init(_ name: String = "test authority") throws {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName(name) }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            Critical(KeyUsage(keyCertSign: true))
        }
        pair = try TestAuthority.make(key, subject, issuer: subject, signedBy: key, 0...3600, extensions)
    }

    private init(_ pair: Pair) { self.pair = pair }

    /// - Parameter seconds: from when and until when it holds, from now on.
    func certify(
        _ names: [GeneralName], seconds: ClosedRange<TimeInterval> = 0...3600,
        for usages: [ExtendedKeyUsage.Usage]? = [.clientAuth]
    ) throws -> Pair {
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            if !names.isEmpty { SubjectAlternativeNames(names) }
            if let usages { try ExtendedKeyUsage(usages) }
        }
        return try TestAuthority.make(
            P256.Signing.PrivateKey(), try DistinguishedName { CommonName("somebody") },
            issuer: pair.certificate.subject, signedBy: pair.key, seconds, extensions)
    }

    /// An authority that this one stands for.
    func authority() throws -> TestAuthority {
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true))
        }
        return TestAuthority(
            try TestAuthority.make(
                P256.Signing.PrivateKey(), try DistinguishedName { CommonName("intermediate") },
                issuer: pair.certificate.subject, signedBy: pair.key, 0...3600, extensions))
    }

    private static func make(
        _ key: P256.Signing.PrivateKey, _ subject: DistinguishedName, issuer: DistinguishedName,
        signedBy issuerKey: P256.Signing.PrivateKey, _ seconds: ClosedRange<TimeInterval>,
        _ extensions: Certificate.Extensions
    ) throws -> Pair {
        // Clocks of a machine may be set by a moment while a test runs.
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: seconds.lowerBound - 120),
            notValidAfter: Date(timeIntervalSinceNow: seconds.upperBound), issuer: issuer, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
        return Pair(certificate: certificate, key: key, pem: try certificate.serializeAsPEM().pemString + "\n")
    }
}

extension ScratchFolder {
    /// A file that only its owner may read.
    @discardableResult
    func writePrivate(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let path = try write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }
}
