// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension SourceShape.Authentication {
    private enum Scheme: String, CaseIterable {
        case hmacSHA256 = "hmac-sha256"
        case hmacSHA512 = "hmac-sha512"
        case standardWebhooks = "standard-webhooks"
        case ecdsaP256 = "ecdsa-p256"
        case token
        case basic
        case bodyToken = "body-token"
        case sns
        case oidc
        case set
        case mtls
        case none
    }

    static func read(_ map: YAMLFields) -> SourceShape.Authentication? {
        defer { map.refuseUnknown() }
        switch map.oneOf("scheme", Scheme.self, required: true) {
        case .hmacSHA256: return signature(map, .sha256).map(SourceShape.Authentication.hmac)
        case .hmacSHA512: return signature(map, .sha512).map(SourceShape.Authentication.hmac)
        case .standardWebhooks: return .standardWebhooks(toleranceMilliseconds: tolerance(map))
        case .ecdsaP256: return map.string("header", required: true).map { .ecdsaP256(header: $0.lowercased()) }
        case .token:
            return map.string("header", required: true).map {
                .token(header: $0.lowercased(), prefix: map.string("prefix") ?? "")
            }
        case .basic: return .basic
        case .bodyToken:
            guard let path = map.strings("path", required: true) else { return nil }
            guard path.isEmpty else { return .bodyToken(path: path) }
            map.report(
                DefinitionCode.badSetting.rawValue, "path", "the path leads to no field of the body",
                "write the fields one by one, as in [value, \"*\", clientState]")
            return nil
        case .sns: return .sns
        case .oidc:
            guard let issuers = map.strings("issuers", required: true) else { return nil }
            guard issuers.isEmpty else { return .identityToken(issuers: issuers) }
            map.report(
                DefinitionCode.badSetting.rawValue, "issuers", "without an issuer no token is anybody's",
                "name the issuer as its tokens do, in 'iss'")
            return nil
        case .set: return .securityEvent
        case .mtls: return clients(map).map(SourceShape.Authentication.clientCertificate)
        case .some(.none): return SourceShape.Authentication.none
        case nil:
            // What the other fields mean depends on the scheme.
            for key in map.keys { _ = map.node(key) }
            return nil
        }
    }

    /// Several, so that one can take another's place without a pause.
    private static func clients(_ map: YAMLFields) -> [ClientCertificate.Name]? {
        guard let texts = map.strings("clients", required: true) else { return nil }
        if texts.isEmpty {
            map.report(
                DefinitionCode.badSetting.rawValue, "clients", "without a name no client is the source's",
                "name whom its certificate is given to, as in uri:spiffe://example.org/alerts or dns:hooks.example.org")
        }
        let names = texts.compactMap { text in
            let name = ClientCertificate.Name(text)
            if name == nil {
                map.report(
                    DefinitionCode.badSetting.rawValue, "clients", "'\(text)' names no client certificate",
                    "write uri:URI or dns:NAME as its subject's alternative names have it, or sha256: and 64 hex digits"
                )
            }
            return name
        }
        return names.count == texts.count && !names.isEmpty ? names : nil
    }

    private static func signature(_ map: YAMLFields, _ hash: SourceShape.Signature.Hash) -> SourceShape.Signature? {
        let header = map.string("header", required: true)
        let prefix = map.string("prefix") ?? ""
        let encoding = map.oneOf("encoding", SourceShape.Signature.Encoding.self, required: true)
        let timestamp = map.mapping("timestamp").flatMap(readTimestamp)
        let signed = parts(map, "signed", [.body, .timestamp, .delivery]) ?? [.body]
        let key = parts(map, "key", [.secret, .timestamp]) ?? [.secret]
        if timestamp == nil, (signed + key).contains(.timestamp) {
            map.report(
                DefinitionCode.missingInput.rawValue, "header", "the timestamp is signed, and no header holds it",
                "add timestamp: { header: NAME, within: 5m }")
        }
        if timestamp != nil, !(signed + key).contains(.timestamp) {
            map.report(
                DefinitionCode.badSetting.rawValue, "timestamp", "the time is not signed, so anybody could set it",
                "name it in 'signed' or 'key', as the vendor does, or leave it out")
        }
        if !signed.contains(.body) || !key.contains(.secret) {
            map.report(
                DefinitionCode.badSetting.rawValue, "header",
                "what is signed leaves out the body, or the key the secret",
                "anybody could sign then")
        }
        guard let header, let encoding else { return nil }
        return SourceShape.Signature(
            header: header.lowercased(), prefix: prefix, encoding: encoding, hash: hash,
            separator: map.string("separator"), signed: signed, key: key, timestamp: timestamp)
    }

    private static func readTimestamp(_ map: YAMLFields) -> SourceShape.Signature.Timestamp? {
        defer { map.refuseUnknown() }
        let tolerance = tolerance(map)
        return map.string("header", required: true).map {
            SourceShape.Signature.Timestamp(header: $0.lowercased(), toleranceMilliseconds: tolerance)
        }
    }

    /// Five minutes, as Standard Webhooks asks, unless the file says otherwise.
    private static func tolerance(_ map: YAMLFields) -> Int64 {
        map.milliseconds("within", in: 1000...Limits.signedTimeToleranceMillisecondsMax) ?? 300_000
    }

    private static func parts(
        _ map: YAMLFields, _ key: String, _ allowed: [SourceShape.Signature.Part]
    ) -> [SourceShape.Signature.Part]? {
        guard let words = map.strings(key) else { return nil }
        return words.compactMap { word in
            if let part = SourceShape.Signature.Part(rawValue: word), allowed.contains(part) { return part }
            map.report(
                DefinitionCode.badSetting.rawValue, key, "'\(word)' can't stand there",
                "it takes: \(allowed.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
    }
}
