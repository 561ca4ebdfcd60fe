// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Crypto
import Foundation
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Whose connection it is, as a client certificate shows it that leads to an authority of ours and whose key the other
/// side has. What does not hold is none of these.
package struct ClientCertificate: Sendable, Hashable {
    /// Who may be meant by one: a name that an authority stands for, or a key.
    package enum Name: Sendable, Hashable {
        /// `uri:spiffe://example.org/alerts`: a URI of the subject's alternative names (RFC 5280 §4.2.1.6), byte by byte.
        case uri(String)
        /// `dns:hooks.example.org`: a DNS name there, whole and in lower case; no pattern is one.
        case dns(String)
        /// `sha256:HEX`: the SHA-256 of the subject's public key info (RFC 7469 §2.4), in 64 hex digits.
        case key([UInt8])

        package init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].utf8.count <= 1024, parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else { return nil }
            switch parts[0] {
            case "uri" where parts[1].contains(":"): self = .uri(parts[1])
            case "dns" where !parts[1].contains("*") && !parts[1].contains(":"): self = .dns(parts[1].lowercased())
            case "sha256":
                guard let digest = bytes(hex: parts[1].lowercased()), digest.count == 32 else { return nil }
                self = .key(digest)
            default: return nil
            }
        }
    }

    package var names: Set<Name>
    /// When every certificate that leads to the authority holds, that one's own included.
    package var holdsFrom: Instant
    package var holdsUntil: Instant

    package init(names: Set<Name>, holdsFrom: Instant, holdsUntil: Instant) {
        self.names = names
        self.holdsFrom = holdsFrom
        self.holdsUntil = holdsUntil
    }

    /// A connection may outlive the certificate that opened it.
    func holds(at now: Instant) -> Bool { holdsFrom <= now && now <= holdsUntil }
}

/// The authorities whose word is taken for whose a client certificate is.
package struct ClientAuthorities: Sendable {
    private let authorities: [Certificate]

    /// Nothing unless there is at least one certificate in this PEM, and all are well formed.
    package init?(pem bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty else { return nil }
        let authorities = documents.compactMap { try? Certificate(pemDocument: $0) }
        guard authorities.count == documents.count else { return nil }
        self.authorities = authorities
    }

    /// What the certificates show that a peer presented with proof of the first one's key, in DER; `nil`: nothing.
    package func verify(_ presented: [[UInt8]], at now: Instant) async -> ClientCertificate? {
        let certificates = presented.prefix(Limits.clientCertificatesMax).compactMap {
            try? Certificate(derEncoded: $0)
        }
        guard let leaf = certificates.first, certificates.count == presented.count else { return nil }
        var verifier = Verifier(rootCertificates: CertificateStore(authorities)) {
            RFC5280Policy(
                fixedExpiryValidationTime: Date(timeIntervalSince1970: Double(now.milliseconds) / 1000))
            ClientPolicy()
        }
        let result = await verifier.validate(
            leaf: leaf, intermediates: CertificateStore(Array(certificates.dropFirst())))
        guard case .validCertificate(let chain) = result else { return nil }
        return ClientCertificate(
            names: names(of: leaf), holdsFrom: chain.map { instant($0.notValidBefore) }.max() ?? now,
            holdsUntil: chain.map { instant($0.notValidAfter) }.min() ?? now)
    }

    private func names(of leaf: Certificate) -> Set<ClientCertificate.Name> {
        var names: Set<ClientCertificate.Name> = []
        // The whole of it: the library's own property of that name leaves the algorithm out.
        var serializer = DER.Serializer()
        if (try? serializer.serialize(leaf.publicKey)) != nil {
            names.insert(.key(Array(SHA256.hash(data: serializer.serializedBytes))))
        }
        for name in (try? leaf.extensions.subjectAlternativeNames).flatMap({ $0 }) ?? SubjectAlternativeNames([]) {
            switch name {
            case .uniformResourceIdentifier(let text): names.insert(.uri(text))
            case .dnsName(let text): names.insert(.dns(text.lowercased()))
            default: break
            }
        }
        return names
    }

    private func instant(_ date: Date) -> Instant {
        // X.509 tells years up to 9999, far inside what milliseconds hold.
        Instant(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
    }
}

/// The certificate may be used by a client (RFC 5280 §4.2.1.12), where it says what it may be used for.
private struct ClientPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        // Absent, it may be used for anything.
        guard chain.leaf.extensions[oid: .X509ExtensionID.extendedKeyUsage] != nil else { return .meetsPolicy }
        let usages = (try? chain.leaf.extensions.extendedKeyUsage).flatMap { $0 }.map(Array.init) ?? []
        return usages.contains { $0 == .clientAuth || $0 == .any }
            ? .meetsPolicy : .failsToMeetPolicy(reason: "the certificate is not for clients")
    }
}
