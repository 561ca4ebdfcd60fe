// SPDX-License-Identifier: Apache-2.0
import Crypto
import FoundationEssentials

/// What a key signs: the text of a note itself, or a witness's statement about a checkpoint.
package enum KeyKind: UInt8, Sendable {
    case ed25519 = 0x01
    /// A timestamped Ed25519 statement (cosignature/v1) that a checkpoint extends what the witness saw before.
    case cosignature = 0x04
}

/// A public key with the name of its owner, as `NAME+HASH+KEY` text: what an auditor puts his trust in.
package struct VerifierKey: Hashable, Sendable, CustomStringConvertible {
    package static let publicKeyByteCount = 32

    package let name: String
    package let kind: KeyKind
    package let publicKey: [UInt8]
    /// The first four bytes of SHA-256 over name, newline, kind and key: a hint, no proof.
    package let id: UInt32

    package init(name: String, kind: KeyKind, publicKey: [UInt8]) throws(EvidenceError) {
        guard KeyName.isValid(name) else {
            throw EvidenceError(.keyMalformed, "could not use a key: its name must have no space and no plus sign")
        }
        guard publicKey.count == VerifierKey.publicKeyByteCount,
            (try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)) != nil
        else { throw EvidenceError(.keyMalformed, "could not use the key of \(name): it is no Ed25519 public key") }
        self.name = name
        self.kind = kind
        self.publicKey = publicKey
        self.id = KeyName.id(name: name, kind: kind, publicKey: publicKey)
    }

    /// Reads the text form and checks that its hash belongs to name and key.
    package init(parsing text: some StringProtocol) throws(EvidenceError) {
        // Base64 may hold a plus sign, a name and a hash may not.
        let parts = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = Hex.bytes(parts[1]), id.count == 4, let bytes = Base64.bytes(parts[2]),
            let number = bytes.first
        else { throw EvidenceError(.keyMalformed, "could not read a key: expected NAME+8 hexadecimal digits+base64") }
        let name = String(decoding: parts[0], as: UTF8.self)
        guard let kind = KeyKind(rawValue: number) else {
            throw EvidenceError(.keyMalformed, "could not read the key of \(name): its kind \(number) is not known")
        }
        try self.init(name: name, kind: kind, publicKey: Array(bytes.dropFirst()))
        guard BigEndian.bytes(self.id) == id else {
            throw EvidenceError(
                .keyMalformed, "could not read the key of \(name): the hash in its text is not that of name and key")
        }
    }

    package var text: String {
        "\(name)+\(Hex.text(BigEndian.bytes(id)))+\(Base64.text([kind.rawValue] + publicKey))"
    }

    package var description: String { text }

    // Swift's == on strings takes two spellings of one letter as equal; a name is its bytes.
    package static func == (left: VerifierKey, right: VerifierKey) -> Bool {
        left.publicKey == right.publicKey && left.kind == right.kind && left.name.isSpelled(like: right.name)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(publicKey) }

    func isValid(signature: some Collection<UInt8>, of message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(Array(signature), for: message)
    }
}

/// A private key with the name of its owner. It never prints.
package struct SigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let seedByteCount = 32

    package let verifier: VerifierKey
    private let secret: Curve25519.Signing.PrivateKey

    /// A new key from the system's random source.
    package init(name: String, kind: KeyKind = .ed25519) throws(EvidenceError) {
        try self.init(name: name, kind: kind, secret: Curve25519.Signing.PrivateKey())
    }

    package init(name: String, kind: KeyKind = .ed25519, seed: [UInt8]) throws(EvidenceError) {
        guard let secret = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw EvidenceError(.keyMalformed, "could not use the private key of \(name): a seed has 32 bytes")
        }
        try self.init(name: name, kind: kind, secret: secret)
    }

    private init(name: String, kind: KeyKind, secret: Curve25519.Signing.PrivateKey) throws(EvidenceError) {
        self.secret = secret
        verifier = try VerifierKey(name: name, kind: kind, publicKey: Array(secret.publicKey.rawRepresentation))
    }

    package var name: String { verifier.name }
    package var description: String { "‹secret›" }
    package var debugDescription: String { "‹secret›" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    func signature(of message: [UInt8]) throws(EvidenceError) -> [UInt8] {
        do { return Array(try secret.signature(for: message)) } catch {
            throw EvidenceError(.keyMalformed, "could not sign with the key of \(name): \(error)")
        }
    }
}

extension SigningKey {
    static let textPrefix = "PRIVATE+KEY+"

    /// The form that other tools for signed notes write and read; it is the secret itself.
    var secretText: String {
        let key = Base64.text([verifier.kind.rawValue] + Array(secret.rawRepresentation))
        return "\(SigningKey.textPrefix)\(name)+\(Hex.text(BigEndian.bytes(verifier.id)))+\(key)"
    }

    init(parsingSecret text: some StringProtocol) throws(EvidenceError) {
        let malformed = EvidenceError(
            .keyMalformed, "could not read a private key: expected PRIVATE+KEY+NAME+8 hexadecimal digits+base64")
        guard text.hasPrefix(SigningKey.textPrefix) else { throw malformed }
        let parts = text.dropFirst(SigningKey.textPrefix.count).utf8
            .split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = Hex.bytes(parts[1]), let bytes = Base64.bytes(parts[2]),
            let kind = bytes.first.flatMap(KeyKind.init)
        else { throw malformed }
        try self.init(
            name: String(decoding: parts[0], as: UTF8.self), kind: kind, seed: Array(bytes.dropFirst()))
        guard BigEndian.bytes(verifier.id) == id else {
            throw EvidenceError(
                .keyMalformed, "could not read the private key of \(name): its hash is not that of name and key")
        }
    }
}

enum KeyName {
    /// A name stands between spaces in a note and between plus signs in a key.
    static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
    }

    static func id(name: String, kind: KeyKind, publicKey: [UInt8]) -> UInt32 {
        let digest = Digest.of(Array(name.utf8) + [UInt8(ascii: "\n"), kind.rawValue] + publicKey)
        return digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

extension StringProtocol {
    /// Equal byte by byte.
    func isSpelled(like other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}
