// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Crypto
import CryptoExtras
import Foundation

/// What a request is built for.
enum BuildMoment {
    /// To be digested: what only the moment of sending gives stands there as a handle.
    case sealing
    /// To be sent, under this number.
    case sending(Instant, id: String)
}

extension Provider {
    /// The token of a request: signed when it is sent, and for the sealed form what it will say.
    func jwt(
        _ token: ProviderShape.WebToken, _ variables: [String: Value], _ moment: BuildMoment
    ) throws(Refusal) -> String {
        var header = try members(token.header, variables)
        header["alg"] = .string(token.algorithm.rawValue)
        header["typ"] = .string(token.type)
        if let name = token.keyID, let id = connection.settings[name] { header["kid"] = .string(id) }
        var claims = try members(token.claims, variables)
        switch moment {
        case .sealing: return "‹jwt:\(Value.object(["header": .object(header), "claims": .object(claims)]).json)›"
        case .sending(let now, let id):
            let seconds = now.milliseconds / 1000
            claims["jti"] = .string(id)
            claims["iat"] = .int(seconds)
            if let lifetime = token.lifetimeMilliseconds {
                claims["nbf"] = .int(seconds)
                claims["exp"] = .int(seconds + lifetime / 1000)
            }
            guard let key = variables["secret"]?[token.key]?.stringValue else {
                throw Refusal(.unbuildable, "\(connection.id) lacks '\(token.key)'")
            }
            let signed =
                encodeBase64URL(Value.object(header).jsonBytes) + "."
                + encodeBase64URL(Value.object(claims).jsonBytes)
            guard let code = token.algorithm.sign(Array(signed.utf8), key) else {
                throw Refusal(
                    .unbuildable, "the secret '\(token.key)' is no private key for \(token.algorithm.rawValue)")
            }
            return signed + "." + encodeBase64URL(code)
        }
    }

    private func members(
        _ fields: [String: Arguments], _ variables: [String: Value]
    ) throws(Refusal) -> [String: Value] {
        switch Arguments.map(fields).render(variables) {
        case .success(let value): return (value.objectValue ?? [:]).filter { $0.value != .null }
        case .failure(let error):
            throw Refusal(.unbuildable, "what a signed token says could not be computed: \(error.message)")
        }
    }
}

extension ProviderShape.WebToken.Algorithm {
    /// RFC 7518 §3.3 to §3.5. `nil`: the text is no private key of this kind.
    func sign(_ bytes: [UInt8], _ key: String) -> [UInt8]? {
        let pem = privatePEM(key)
        switch self {
        case .rs256, .ps256:
            guard let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem),
                let code = try? key.signature(
                    for: SHA256.hash(data: bytes), padding: self == .ps256 ? .PSS : .insecurePKCS1v1_5)
            else { return nil }
            return Array(code.rawRepresentation)
        case .es256:
            guard let key = try? P256.Signing.PrivateKey(pemRepresentation: pem),
                let code = try? key.signature(for: bytes)
            else { return nil }
            return Array(code.rawRepresentation)
        }
    }
}

/// https://cloud.google.com/iam/docs/keys-create-delete: a key file is JSON that has the key as one of its members.
private func privatePEM(_ text: String) -> String {
    guard text.utf8.first == UInt8(ascii: "{"), let file = try? JSON.parse(Array(text.utf8)) else { return text }
    return file["private_key"]?.stringValue ?? text
}

/// RFC 4648 §5 without padding, as RFC 7515 §2 wants it.
func encodeBase64URL(_ bytes: [UInt8]) -> String {
    let text = Data(bytes).base64EncodedString().prefix { $0 != "=" }
    return String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
}
