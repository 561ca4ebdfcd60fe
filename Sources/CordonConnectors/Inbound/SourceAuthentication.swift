// SPDX-License-Identifier: Apache-2.0

extension SourceShape {
    /// How a delivery shows whose it is.
    package enum Authentication: Sendable, Hashable {
        case hmac(Signature)
        /// https://github.com/standard-webhooks/standard-webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`
        /// with `v1` (HMAC-SHA256 under a `whsec_` secret) and `v1a` (Ed25519 under a `whpk_` public key).
        case standardWebhooks(toleranceMilliseconds: Int64)
        /// ECDSA P-256 over the raw body, ASN.1 DER in base64, under a public key in PEM.
        case ecdsaP256(header: String)
        /// A header that is the prefix and the secret: a bearer token (RFC 6750), or a value agreed on.
        case token(header: String, prefix: String)
        /// HTTP Basic (RFC 7617); the secret is `user:password`.
        case basic
        /// A secret that stands in the body itself, wherever this path leads; `*` is every item of a list.
        case bodyToken(path: [String])
        /// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: messages of one topic, under
        /// certificates or public keys in PEM.
        case sns
        /// A JSON Web Token as bearer (RFC 7519, OpenID Connect Core 1.0 §3.1.3.7) of one of these issuers, under a JSON
        /// Web Key Set. It speaks for the channel: the body is not signed.
        case identityToken(issuers: [String])
        /// A security event token (RFC 8417) that is pushed (RFC 8935), under a JSON Web Key Set.
        case securityEvent
        /// The client certificate of the connection (RFC 8446 §4.4.2), of any of these names. It speaks for the channel: the
        /// body is not signed.
        case clientCertificate([ClientCertificate.Name])
        /// It shows nothing. Only a server that listens on loopback alone takes such deliveries.
        case none
    }

    /// How far apart the clocks of a token's issuer and ours may be.
    static let clockSkewMilliseconds: Int64 = 60_000

    /// An HMAC (RFC 2104) over the raw body, or over it and what stands in headers.
    package struct Signature: Sendable, Hashable {
        package enum Encoding: String, Sendable, Hashable, CaseIterable { case hex, base64 }
        package enum Hash: String, Sendable, Hashable, CaseIterable { case sha256, sha512 }
        /// What the signed text, or the key, is made of.
        package enum Part: String, Sendable, Hashable, CaseIterable { case body, timestamp, delivery, secret }

        package struct Timestamp: Sendable, Hashable {
            /// Lower case. Seconds since 1970.
            package var header: String
            /// How far it may lie from now, either way; what lies exactly so far is refused.
            package var toleranceMilliseconds: Int64

            package init(header: String, toleranceMilliseconds: Int64) {
                self.header = header
                self.toleranceMilliseconds = toleranceMilliseconds
            }
        }

        /// Lower case.
        package var header: String
        package var prefix: String
        package var encoding: Encoding
        package var hash: Hash
        /// What stands between several signatures in the header; `nil`: there is one.
        package var separator: String?
        /// Joined by full stops.
        package var signed: [Part]
        /// Joined by nothing.
        package var key: [Part]
        package var timestamp: Timestamp?

        package init(
            header: String, prefix: String, encoding: Encoding, hash: Hash = .sha256, separator: String? = nil,
            signed: [Part] = [.body], key: [Part] = [.secret], timestamp: Timestamp? = nil
        ) {
            self.header = header
            self.prefix = prefix
            self.encoding = encoding
            self.hash = hash
            self.separator = separator
            self.signed = signed
            self.key = key
            self.timestamp = timestamp
        }
    }
}

extension SourceShape.Authentication {
    /// What a connection sets for the scheme to compare with, and whether it must.
    var settings: [String: Bool] {
        switch self {
        case .sns: ["topic": true]
        case .identityToken: ["audience": true, "email": true]
        case .securityEvent: ["issuer": true, "audience": true, "state": false]
        case .hmac, .standardWebhooks, .ecdsaP256, .token, .basic, .bodyToken, .clientCertificate, .none: [:]
        }
    }

    /// What it verifies with are JSON Web Key Sets.
    var checksKeySets: Bool {
        switch self {
        case .identityToken, .securityEvent: true
        case .hmac, .standardWebhooks, .ecdsaP256, .token, .basic, .bodyToken, .sns, .clientCertificate, .none: false
        }
    }

    /// Whether this is a JSON Web Key Set with a key that could be used.
    package static func isKeySet(_ bytes: [UInt8]) -> Bool { !WebKey.all(in: Secret(bytes)).isEmpty }

    /// A secret, or a key to verify with, has to be given to it.
    var takesSecrets: Bool {
        switch self {
        case .clientCertificate, .none: false
        case .hmac, .standardWebhooks, .ecdsaP256, .token, .basic, .bodyToken, .sns, .identityToken, .securityEvent:
            true
        }
    }

    /// It is shown by the connection, before anything is sent over it.
    package var needsClientCertificates: Bool { if case .clientCertificate = self { true } else { false } }

    /// What rules read stands inside something of the scheme's own.
    var wrapsBodies: Bool {
        switch self {
        case .sns, .securityEvent: true
        case .standardWebhooks, .hmac, .ecdsaP256, .token, .basic, .bodyToken, .identityToken, .clientCertificate,
            .none:
            false
        }
    }

    /// The scheme itself names a delivery.
    var namesDeliveries: Bool {
        switch self {
        case .standardWebhooks, .sns, .securityEvent: true
        case .hmac, .ecdsaP256, .token, .basic, .bodyToken, .identityToken, .clientCertificate, .none: false
        }
    }

    /// The name of a delivery is part of what is signed: nobody else can give it to another body.
    package var signsNames: Bool {
        if case .hmac(let signature) = self { signature.signed.contains(.delivery) } else { namesDeliveries }
    }

    /// The answer says which check failed, as RFC 8935 §2.3 asks; nobody else's does.
    package var answersAsSecurityEvents: Bool { self == .securityEvent }
}
