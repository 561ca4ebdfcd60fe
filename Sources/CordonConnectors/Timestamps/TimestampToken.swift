// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import Crypto
import SwiftASN1

/// Why a timestamp is not to be believed. Equal by code.
package struct TimestampError: Error, Sendable {
    package enum Code: String, Sendable {
        case malformed
        /// The authority said no.
        case refused
        /// It is of something else, or the answer to another question.
        case differs
        case signatureInvalid
        /// No chain leads to an authority that is trusted.
        case untrusted
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) { (self.code, self.reason) = (code, reason) }
}

extension TimestampError: Equatable {
    package static func == (left: TimestampError, right: TimestampError) -> Bool { left.code == right.code }
}

/// A timestamping authority's signed word that a digest existed at a time (RFC 3161 §2.4.2), as read; `verify` says whether
/// it is to be believed.
package struct TimestampToken: Sendable {
    static let bytesMax = 1 << 16

    package let time: Instant
    /// SHA-256 of what was stamped.
    package let digest: [UInt8]
    /// The number that the authority gave it, in hexadecimal.
    package let serial: String
    let nonce: [UInt8]?
    /// The bytes that `attributes` are about.
    let content: [UInt8]
    let signer: Signer
    /// In DER.
    let certificates: [[UInt8]]

    /// Who signed, and what.
    struct Signer: Sendable {
        var digestAlgorithm: ASN1ObjectIdentifier
        var signatureAlgorithm: ASN1ObjectIdentifier
        var signature: [UInt8]
        /// The signed attributes, as they are hashed (RFC 5652 §5.4).
        var attributes: [UInt8]
        var contentType: ASN1ObjectIdentifier?
        var messageDigest: [UInt8]?
        /// Which certificate is meant, by its digest (RFC 5035, RFC 2634).
        var certificate: (algorithm: ASN1ObjectIdentifier, digest: [UInt8])?
    }

    enum Name {
        static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 7, 2]
        static let timestampInfo: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 16, 1, 4]
        static let contentType: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 3]
        static let messageDigest: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 4]
        static let signingCertificate: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 16, 2, 12]
        static let signingCertificateV2: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 9, 16, 2, 47]
        static let sha1: ASN1ObjectIdentifier = [1, 3, 14, 3, 2, 26]
        static let sha256: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 1]
        static let sha384: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 2]
        static let sha512: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 3]
    }

    /// Reads a whole answer of an authority, as it is kept in a file.
    package init(answer bytes: [UInt8]) throws(TimestampError) {
        guard bytes.count <= Self.bytesMax else {
            throw TimestampError(.malformed, "it has \(bytes.count) bytes, the limit is \(Self.bytesMax)")
        }
        do {
            let answer = try DERPart(DER.parse(bytes)).parts()
            guard let status = try answer.first?.parts().first?.integer() else { throw DERPart.Mismatch() }
            guard status == [0] || status == [1] else {
                throw TimestampError(.refused, "the authority gave no timestamp (status \(status.last ?? 0))")
            }
            guard answer.count == 2 else { throw DERPart.Mismatch() }
            self = try TimestampToken(token: answer[1])
        } catch let error as TimestampError {
            throw error
        } catch {
            throw TimestampError(.malformed, "it is no answer of a timestamping authority")
        }
    }

    private init(token: DERPart) throws {
        let outer = try token.parts()
        guard outer.count == 2, try outer[0].name() == Name.signedData else { throw DERPart.Mismatch() }
        let data = try outer[1].explicit(0).parts()
        guard data.count >= 4 else { throw DERPart.Mismatch() }
        let encapsulated = try data[2].parts()
        guard encapsulated.count == 2, try encapsulated[0].name() == Name.timestampInfo else {
            throw DERPart.Mismatch()
        }
        content = try encapsulated[1].explicit(0).octets()
        certificates = try data.dropFirst(3).first { $0.isTagged(0) }?.parts().filter(\.isSequence).map(\.bytes) ?? []
        guard let signers = try data.last?.parts(), signers.count == 1 else { throw DERPart.Mismatch() }
        signer = try Signer(signers[0])

        let info = try DERPart(DER.parse(content)).parts()
        guard info.count >= 5 else { throw DERPart.Mismatch() }
        let imprint = try info[2].parts()
        guard imprint.count == 2, try imprint[0].parts().first?.name() == Name.sha256 else {
            throw TimestampError(.differs, "it is of no SHA-256 digest")
        }
        digest = try imprint[1].octets()
        serial = hexText(try info[3].integer())
        time = try info[4].time()
        nonce = try info.dropFirst(5).first(where: \.isInteger)?.integer()
    }
}

extension TimestampToken.Signer {
    init(_ part: DERPart) throws {
        let parts = try part.parts()
        guard parts.count >= 6, parts[3].isTagged(0) else { throw DERPart.Mismatch() }
        guard let digest = try parts[2].parts().first?.name(), let algorithm = try parts[4].parts().first?.name() else {
            throw DERPart.Mismatch()
        }
        digestAlgorithm = digest
        signatureAlgorithm = algorithm
        signature = try parts[5].octets()
        // Signed as a set, whatever tag they stand under.
        attributes = [0x31] + parts[3].bytes.dropFirst()
        for attribute in try parts[3].parts() {
            let pair = try attribute.parts()
            guard pair.count == 2, let value = try pair[1].parts().first else { throw DERPart.Mismatch() }
            switch try pair[0].name() {
            case TimestampToken.Name.contentType: contentType = try value.name()
            case TimestampToken.Name.messageDigest: messageDigest = try value.octets()
            case TimestampToken.Name.signingCertificate:
                guard let hash = try Self.first(value).first?.octets() else { throw DERPart.Mismatch() }
                if certificate == nil { certificate = (TimestampToken.Name.sha1, hash) }
            case TimestampToken.Name.signingCertificateV2:
                let id = try Self.first(value)
                let algorithm = id.first.flatMap { try? $0.parts().first?.name() } ?? TimestampToken.Name.sha256
                guard let hash = try id.first(where: \.isOctets)?.octets() else { throw DERPart.Mismatch() }
                certificate = (algorithm, hash)
            default: break
            }
        }
    }

    /// The members of the first certificate's id.
    private static func first(_ value: DERPart) throws -> [DERPart] {
        guard let id = try value.parts().first?.parts().first else { throw DERPart.Mismatch() }
        return try id.parts()
    }
}
