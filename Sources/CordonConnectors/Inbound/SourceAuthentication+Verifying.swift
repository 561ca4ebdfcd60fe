// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import Crypto
import Foundation

extension SourceShape.Authentication {
    /// The header that names a delivery by the scheme itself.
    var deliveryHeader: String? { if case .standardWebhooks = self { "webhook-id" } else { nil } }

    /// Checks the raw bytes, and says how strongly they show their author.
    ///
    /// - Parameter secrets: every one that may have signed; all are tried, so the time taken doesn't tell which.
    func verify(
        _ delivery: InboundDelivery, deliveryHeader: String?, secrets: [Secret], settings: [String: String],
        at now: Instant
    ) throws(Rejection) -> Shown {
        switch self {
        case .none:
            // A page in a browser on this machine could post here too; what it sends says where it comes from.
            guard delivery.headers["origin"] == nil, delivery.headers["sec-fetch-site"] == nil else {
                throw .signatureMissing
            }
            return Shown(.none)
        case .hmac(let signature):
            try signature.verify(delivery, deliveryHeader, secrets, now)
            return Shown(.sharedSecret)
        case .standardWebhooks(let tolerance):
            return try StandardWebhook.verify(delivery, tolerance, secrets, now)
        case .ecdsaP256(let name):
            let header = try delivery.header(name)
            guard let code = Data(base64Encoded: header) else { throw .signatureWrong }
            let key = try require(secrets) { isSigned(delivery.body, code, $0) }
            return Shown(.asymmetric, key: key.reveal())
        case .token(let name, let prefix):
            let header = Array(try delivery.header(name).utf8)
            // An empty secret would be known to everybody.
            try require(secrets) { !$0.reveal().isEmpty && isSameSecret(header, Array(prefix.utf8) + $0.reveal()) }
            return Shown(.channel)
        case .basic:
            let header = Array(try delivery.header("authorization").utf8)
            try require(secrets) { isSameSecret(header, Array(basicValue($0).utf8)) }
            return Shown(.channel)
        case .bodyToken(let path):
            let tokens = tokens(in: delivery.body, at: path)
            guard !tokens.isEmpty else { throw .signatureMissing }
            try require(secrets) { secret in
                !secret.reveal().isEmpty && tokens.allSatisfy { isSameSecret(Array($0.utf8), secret.reveal()) }
            }
            return Shown(.channel)
        case .sns: return try TopicMessage.verify(delivery, secrets, topic: settings["topic"], at: now)
        case .identityToken(let issuers):
            return try IdentityToken.verify(delivery, secrets, issuers: issuers, settings, at: now)
        case .securityEvent: return try SecurityEventToken.verify(delivery, secrets, settings)
        case .clientCertificate(let names):
            guard let client = delivery.client else { throw .signatureMissing }
            guard client.holds(at: now), names.contains(where: client.names.contains) else { throw .signatureWrong }
            return Shown(.channel)
        }
    }

    /// Every text that the path leads to; none where it leads to anything else besides.
    private func tokens(in body: [UInt8], at path: [String]) -> [String] {
        guard let body = try? JSON.parse(body) else { return [] }
        var reached: [Value] = [body]
        for word in path {
            reached = reached.flatMap { value in
                word == "*" ? value.arrayValue ?? [.null] : [value[word] ?? .null]
            }
        }
        let tokens = reached.compactMap(\.stringValue)
        return tokens.count == reached.count ? tokens : []
    }

    /// RFC 7617 §2.
    private func basicValue(_ secret: Secret) -> String { "Basic " + Data(secret.reveal()).base64EncodedString() }

    private func isSigned(_ body: [UInt8], _ code: Data, _ key: Secret) -> Bool {
        guard let pem = String(bytes: key.reveal(), encoding: .utf8),
            let key = try? P256.Signing.PublicKey(pemRepresentation: pem),
            let code = try? P256.Signing.ECDSASignature(derRepresentation: code)
        else { return false }
        return key.isValidSignature(code, for: body)
    }

    /// What a sender writes beside a body, or `nil` where that takes a private key that is not here.
    package func headers(
        _ body: [UInt8], delivery: String, with secret: Secret?, at now: Instant
    ) -> [(name: String, value: String)]? {
        guard let secret else { return self == .none ? [] : nil }
        switch self {
        case .none: return []
        case .hmac(let signature): return signature.headers(body, delivery, secret, now)
        case .standardWebhooks: return StandardWebhook.headers(body, delivery, secret, now)
        case .ecdsaP256: return nil
        case .token(let header, let prefix):
            return [(header, prefix + String(decoding: secret.reveal(), as: UTF8.self))]
        case .basic: return [("authorization", basicValue(secret))]
        case .bodyToken: return []
        case .sns, .identityToken, .securityEvent, .clientCertificate: return nil
        }
    }
}

extension InboundDelivery {
    func header(_ name: String) throws(Rejection) -> String {
        guard let value = headers[name] else { throw .signatureMissing }
        return value
    }

    /// A header with seconds since 1970, near enough to now.
    func requireRecent(_ text: String, _ toleranceMilliseconds: Int64, _ now: Instant) throws(Rejection) {
        guard let seconds = Int64(text), seconds > 0, seconds < 1 << 40 else { throw .signatureWrong }
        let distance = now.since(Instant(milliseconds: seconds * 1000))
        guard distance.magnitude < toleranceMilliseconds.magnitude else { throw .timestampStale }
    }
}

/// Tries every secret, the fitting one too.
@discardableResult
private func require(_ secrets: [Secret], _ fits: (Secret) -> Bool) throws(Rejection) -> Secret {
    var fitting: Secret?
    for secret in secrets where fits(secret) { fitting = secret }
    guard let fitting else { throw .signatureWrong }
    return fitting
}

extension SourceShape.Signature {
    fileprivate func verify(
        _ delivery: InboundDelivery, _ deliveryHeader: String?, _ secrets: [Secret], _ now: Instant
    ) throws(Rejection) {
        let codes = codes(in: try delivery.header(header))
        let time = try timestamp.map { (timestamp) throws(Rejection) in try delivery.header(timestamp.header) } ?? ""
        let name = deliveryHeader.flatMap { delivery.headers[$0] } ?? ""
        // A full stop in what is joined by full stops would let the same text be read as another delivery.
        guard !signed.contains(.delivery) || !name.contains(".") else { throw .signatureWrong }
        let text = text(delivery.body, time: time, delivery: name)
        try require(secrets) { secret in
            let key = key(secret, time)
            var holds = false
            for code in codes where isValid(code, text, key) { holds = true }
            return holds
        }
        // Only now: what nobody signed says nothing about time.
        if let timestamp { try delivery.requireRecent(time, timestamp.toleranceMilliseconds, now) }
    }

    /// The signatures of this version; those of versions that are not known are passed over.
    private func codes(in header: String) -> [[UInt8]] {
        let parts =
            separator.map { header.components(separatedBy: $0).map { $0.trimmingCharacters(in: .whitespaces) } } ?? [
                header
            ]
        return parts.filter { $0.hasPrefix(prefix) }
            .compactMap { decode(String($0.dropFirst(prefix.count))) }
    }

    private func text(_ body: [UInt8], time: String, delivery: String) -> [UInt8] {
        Array(
            signed.map { part -> [UInt8] in
                switch part {
                case .body: body
                case .timestamp: Array(time.utf8)
                case .delivery: Array(delivery.utf8)
                case .secret: []
                }
            }.joined(separator: [UInt8(ascii: ".")]))
    }

    private func key(_ secret: Secret, _ time: String) -> SymmetricKey {
        SymmetricKey(data: key.flatMap { $0 == .timestamp ? Array(time.utf8) : secret.reveal() })
    }

    private func isValid(_ code: [UInt8], _ text: [UInt8], _ key: SymmetricKey) -> Bool {
        switch hash {
        case .sha256: HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: text, using: key)
        case .sha512: HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: text, using: key)
        }
    }

    private func decode(_ text: String) -> [UInt8]? {
        switch encoding {
        case .hex: bytes(hex: text)
        case .base64: Data(base64Encoded: text).map(Array.init)
        }
    }

    fileprivate func headers(
        _ body: [UInt8], _ delivery: String, _ secret: Secret, _ now: Instant
    ) -> [(name: String, value: String)] {
        let time = timestamp == nil ? "" : String(now.milliseconds / 1000)
        let key = key(secret, time)
        let text = text(body, time: time, delivery: delivery)
        let code: [UInt8] =
            switch hash {
            case .sha256: Array(HMAC<SHA256>.authenticationCode(for: text, using: key))
            case .sha512: Array(HMAC<SHA512>.authenticationCode(for: text, using: key))
            }
        let shown = encoding == .hex ? hexText(code) : Data(code).base64EncodedString()
        return [(header, prefix + shown)] + (timestamp.map { [($0.header, time)] } ?? [])
    }
}

/// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
private enum StandardWebhook {
    static func verify(
        _ delivery: InboundDelivery, _ toleranceMilliseconds: Int64, _ secrets: [Secret], _ now: Instant
    ) throws(Rejection) -> Shown {
        let id = try delivery.header("webhook-id")
        let time = try delivery.header("webhook-timestamp")
        let header = try delivery.header("webhook-signature")
        // A full stop in the id would make the signed text ambiguous.
        guard !id.contains(".") else { throw .signatureWrong }
        let text = text(id, time, delivery.body)
        var shown: Shown?
        for secret in secrets {
            for signature in header.split(separator: " ") {
                guard let proof = proves(signature, text, secret) else { continue }
                shown = Shown(proof, key: proof == .asymmetric ? secret.reveal() : nil)
            }
        }
        guard let shown else { throw .signatureWrong }
        try delivery.requireRecent(time, toleranceMilliseconds, now)
        return shown
    }

    private static func text(_ id: String, _ time: String, _ body: [UInt8]) -> [UInt8] {
        Array("\(id).\(time).".utf8) + body
    }

    private static func proves(_ signature: Substring, _ text: [UInt8], _ secret: Secret) -> Alert.OriginProof? {
        let parts = signature.split(separator: ",", maxSplits: 1)
        guard parts.count == 2, let code = Data(base64Encoded: String(parts[1])) else { return nil }
        switch parts[0] {
        case "v1":
            guard let key = material(secret, "whsec_") else { return nil }
            let isValid = HMAC<SHA256>.isValidAuthenticationCode(
                code, authenticating: text, using: SymmetricKey(data: key))
            return isValid ? .sharedSecret : nil
        case "v1a":
            guard let bytes = material(secret, "whpk_"),
                let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
            else { return nil }
            return key.isValidSignature(code, for: text) ? .asymmetric : nil
        default: return nil
        }
    }

    /// The bytes behind a serialized secret of this kind.
    private static func material(_ secret: Secret, _ prefix: String) -> Data? {
        let text = String(decoding: secret.reveal(), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix(prefix), let bytes = Data(base64Encoded: String(text.dropFirst(prefix.count))),
            bytes.count >= 16
        else { return nil }  // Anybody could guess a shorter one.
        return bytes
    }

    static func headers(
        _ body: [UInt8], _ delivery: String, _ secret: Secret, _ now: Instant
    ) -> [(name: String, value: String)]? {
        guard let key = material(secret, "whsec_") else { return nil }
        let time = String(now.milliseconds / 1000)
        let code = HMAC<SHA256>.authenticationCode(
            for: text(delivery, time, body), using: SymmetricKey(data: key))
        return [
            ("webhook-id", delivery), ("webhook-timestamp", time),
            ("webhook-signature", "v1," + Data(code).base64EncodedString()),
        ]
    }
}
