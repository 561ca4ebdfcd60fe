// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage
import Crypto
import CryptoExtras
import Foundation

/// The keys that sign security events: the last one signs, and all are published, so that a token that was signed
/// before a change of keys is still verified.
package struct EventKeys: Sendable {
    private struct Key: Sendable {
        var algorithm: ProviderShape.WebToken.Algorithm
        /// RFC 7638, so that the same key has the same name everywhere.
        var id: String
        var pem: Secret
        var published: Value
    }

    private let keys: [Key]

    /// - Parameter files: private keys as PEM, the oldest first: RSA of 2048 bits at least, or P-256.
    package init?(_ files: [Secret]) {
        var keys: [Key] = []
        for file in files {
            guard let key = EventKeys.read(file) else { return nil }
            keys.append(key)
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
    }

    /// A new private key as PEM.
    package static func make(_ algorithm: ProviderShape.WebToken.Algorithm) throws -> Secret {
        switch algorithm {
        case .rs256, .ps256: Secret(Array(try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation.utf8))
        case .es256: Secret(Array(P256.Signing.PrivateKey().pemRepresentation.utf8))
        }
    }

    /// A JSON Web Key Set (RFC 7517 §5).
    package var published: Value { ["keys": .array(keys.map(\.published))] }

    /// The token that says this, in its compact form. The same claims may be signed twice: `jti` tells that they are one.
    package func sign(_ claims: Value) -> [UInt8] {
        guard let key = keys.last else { preconditionFailure("there is a key, or these were not made") }
        let header: Value = [
            "alg": .string(key.algorithm.rawValue), "kid": .string(key.id), "typ": .string(SecurityEventToken.type),
        ]
        let signed = encodeBase64URL(header.jsonBytes) + "." + encodeBase64URL(claims.jsonBytes)
        guard let code = key.algorithm.sign(Array(signed.utf8), String(decoding: key.pem.reveal(), as: UTF8.self))
        else { preconditionFailure("a key that was read signs") }
        return Array((signed + "." + encodeBase64URL(code)).utf8)
    }

    private static func read(_ file: Secret) -> Key? {
        let text = String(decoding: file.reveal(), as: UTF8.self)
        if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: text) {
            guard key.keySizeInBits >= 2048, let parts = try? key.publicKey.getKeyPrimitives() else { return nil }
            return make(
                .rs256, file,
                [
                    "kty": "RSA", "n": .string(encodeBase64URL(Array(parts.modulus))),
                    "e": .string(encodeBase64URL(Array(parts.publicExponent))),
                ])
        }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: text) else { return nil }
        let point = Array(key.publicKey.rawRepresentation)
        return make(
            .es256, file,
            [
                "kty": "EC", "crv": "P-256", "x": .string(encodeBase64URL(Array(point.prefix(32)))),
                "y": .string(encodeBase64URL(Array(point.suffix(32)))),
            ])
    }

    private static func make(
        _ algorithm: ProviderShape.WebToken.Algorithm, _ file: Secret, _ members: [String: Value]
    ) -> Key {
        // Members in the order of their names, and no others: what RFC 7638 §3 hashes.
        let id = encodeBase64URL(Array(SHA256.hash(data: Value.object(members).jsonBytes)))
        let more: [String: Value] = ["kid": .string(id), "alg": .string(algorithm.rawValue), "use": "sig"]
        return Key(
            algorithm: algorithm, id: id, pem: file, published: .object(members.merging(more) { own, _ in own }))
    }
}
