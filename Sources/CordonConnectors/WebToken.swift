// SPDX-License-Identifier: Apache-2.0

package import CordonCore

extension ProviderShape {
    /// A JSON Web Token (RFC 7519) that a request carries and that is signed here, when it is sent: to sign in without a
    /// shared secret (RFC 7523), or to tell a receiver of an event (RFC 8417, OpenID Connect Back-Channel Logout).
    ///
    /// It has a number of its own (`jti`) and its time (`iat`) beside its claims. For a change the number is the intent's
    /// idempotency key, so that a receiver knows what it has had.
    package struct WebToken: Sendable, Hashable {
        package enum Algorithm: String, Sendable, Hashable, CaseIterable {
            case rs256 = "RS256", ps256 = "PS256", es256 = "ES256"
        }

        package var algorithm: Algorithm
        /// The secret that is the private key: PEM, or a Google key file, which has it as `private_key`.
        package var key: String
        /// The setting that names the key to whoever verifies.
        package var keyID: String?
        /// The header `typ`.
        package var type: String
        /// Further members of the header.
        package var header: [String: Arguments]
        /// What renders to null is left out.
        package var claims: [String: Arguments]
        /// From its making to its end; `nil`: it has none.
        package var lifetimeMilliseconds: Int64?
        /// It is who asks: it stands in the request as a bearer.
        package var isBearer: Bool

        package init(
            algorithm: Algorithm, key: String, keyID: String? = nil, type: String = "JWT",
            header: [String: Arguments] = [:], claims: [String: Arguments], lifetimeMilliseconds: Int64? = nil,
            isBearer: Bool = false
        ) {
            self.algorithm = algorithm
            self.key = key
            self.keyID = keyID
            self.type = type
            self.header = header
            self.claims = claims
            self.lifetimeMilliseconds = lifetimeMilliseconds
            self.isBearer = isBearer
        }
    }

    /// How a client shows a certificate when a connection is made (RFC 8705 §2): two secrets, each PEM.
    package struct ClientCertificate: Sendable, Hashable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}
