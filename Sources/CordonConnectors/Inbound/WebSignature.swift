// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import CryptoExtras
import Foundation

/// A JSON Web Signature in its compact form (RFC 7515 §3.1), taken apart: nothing of it is believed until it is verified.
///
/// The algorithms are RS256, ES256 and EdDSA with Ed25519, and the key decides which of them: a token can neither ask for
/// none nor have a public key taken for a shared secret.
struct WebSignature: Sendable {
    enum Fault: Error, Sendable, Hashable {
        case malformed
        /// No key that is known here fits what the header says.
        case keyUnknown
        case signatureWrong
    }

    let header: [String: Value]
    let payload: [UInt8]
    private let signed: [UInt8]
    private let code: [UInt8]

    init(_ text: [UInt8]) throws(Fault) {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 3, let header = decodeBase64URL(parts[0]), let payload = decodeBase64URL(parts[1]),
            let code = decodeBase64URL(parts[2]), case .object(let members)? = try? JSON.parse(header)
        else { throw .malformed }
        self.header = members
        self.payload = payload
        self.code = code
        signed = parts[0] + [UInt8(ascii: ".")] + parts[1]
    }

    /// The payload as an object (RFC 7519 §7.2), or `nil`.
    var claims: [String: Value]? { (try? JSON.parse(payload))?.objectValue }

    /// - Returns: the key that signed it.
    @discardableResult
    func verify(_ keys: [WebKey]) throws(Fault) -> WebKey {
        // An extension that must be understood is not understood here (RFC 7515 §4.1.11).
        guard header["crit"] == nil, header["b64"] == nil else { throw .malformed }
        guard case .string(let algorithm)? = header["alg"], algorithm.lowercased() != "none" else {
            throw .signatureWrong
        }
        let name = header["kid"]?.stringValue
        let fitting = keys.filter { $0.signs(algorithm) && (name == nil || $0.name == name) }
        guard !fitting.isEmpty else { throw .keyUnknown }
        guard let key = fitting.first(where: { $0.isValid(code, for: signed) }) else { throw .signatureWrong }
        return key
    }
}

/// A public key that signatures are checked with, as RFC 7517 writes it.
struct WebKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    let name: String?
    /// As its issuer publishes it.
    let text: [UInt8]
    private let algorithm: String
    private let material: Material

    /// What is public of a key and verifies (RFC 7517 §4, RFC 7518 §6): a private part must not be told by mistake.
    private static let publicMembers: Set<String> = ["alg", "crv", "e", "key_ops", "kid", "kty", "n", "use", "x", "y"]

    /// The keys of a set, or the one key; none where the text is neither. A key for another use is left out.
    static func all(in secret: Secret) -> [WebKey] {
        guard let value = try? JSON.parse(secret.reveal()) else { return [] }
        return (value["keys"]?.arrayValue ?? [value]).compactMap(WebKey.init)
    }

    private init?(_ value: Value) {
        guard value["use"].map({ $0 == "sig" }) ?? true,
            value["key_ops"]?.arrayValue?.contains("verify") ?? true, let found = WebKey.material(value),
            value["alg"].map({ $0 == .string(found.algorithm) }) ?? true
        else { return nil }
        name = value["kid"]?.stringValue
        text = Value.object((value.objectValue ?? [:]).filter { WebKey.publicMembers.contains($0.key) }).jsonBytes
        (algorithm, material) = found
    }

    private static func material(_ value: Value) -> (algorithm: String, Material)? {
        func bytes(_ name: String) -> Data? {
            value[name]?.stringValue.flatMap { decodeBase64URL(Array($0.utf8)) }.map { Data($0) }
        }
        switch (value["kty"], value["crv"]) {
        case ("RSA", _):
            guard let modulus = bytes("n"), let exponent = bytes("e"),
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
            else { return nil }
            return ("RS256", .rsa(key))
        case ("EC", "P-256"):
            guard let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32,
                let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
            else { return nil }
            return ("ES256", .p256(key))
        case ("OKP", "Ed25519"):
            guard let x = bytes("x"), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x) else {
                return nil
            }
            return ("EdDSA", .ed25519(key))
        default: return nil
        }
    }

    func signs(_ asked: String) -> Bool { asked == algorithm }

    func isValid(_ code: [UInt8], for text: [UInt8]) -> Bool {
        switch material {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: Data(code)), for: SHA256.hash(data: text),
                padding: .insecurePKCS1v1_5)
        case .p256(let key):
            guard let code = try? P256.Signing.ECDSASignature(rawRepresentation: code) else { return false }
            return key.isValidSignature(code, for: text)
        case .ed25519(let key): return key.isValidSignature(code, for: text)
        }
    }
}

/// Base 64 for URLs without padding (RFC 4648 §5), in its one canonical spelling.
func decodeBase64URL(_ text: [UInt8]) -> [UInt8]? {
    var plain = text
    for index in plain.indices {
        switch plain[index] {
        case UInt8(ascii: "-"): plain[index] = UInt8(ascii: "+")
        case UInt8(ascii: "_"): plain[index] = UInt8(ascii: "/")
        case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
        default: break
        }
    }
    plain += [UInt8](repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
    guard let bytes = Data(base64Encoded: Data(plain)), bytes.base64EncodedData() == Data(plain) else { return nil }
    return Array(bytes)
}
