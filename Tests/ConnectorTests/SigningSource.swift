// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Crypto
import CryptoExtras
import Foundation

/// A source as it stands at the other end: it wraps and signs what a shipped connector reads.
struct SigningSource {
    let connector: String
    let shape: SourceShape
    private static let rsa = try? _RSA.Signing.PrivateKey(keySize: .bits2048)
    private static let curve = P256.Signing.PrivateKey()
    static let topic = "arn:aws:sns:eu-west-1:111122223333:findings"
    static let issuer = "https://signals.example"
    static let secret = "whsec_" + Data("a secret of the tests' own, 32 B.".utf8).base64EncodedString()
    static let now = Instant(milliseconds: 1_767_323_045_000)

    init(_ connector: String) throws {
        self.connector = connector
        shape = try requireSource(connector)
    }

    var settings: [String: String] {
        switch shape.authentication {
        case .sns: ["topic": Self.topic]
        case .identityToken: ["audience": "cordon", "email": "pusher@example.iam.gserviceaccount.com"]
        case .securityEvent: ["issuer": Self.issuer, "audience": "https://cordon.example"]
        default: [:]
        }
    }

    /// Takes in what the source would send with this body.
    func receive(
        _ body: Value, headers: [String: String] = [:], delivery: String = "d-1", now: Instant = now
    ) throws -> Alert {
        let sent = try sent(body, headers, delivery)
        return try shape.receive(
            sent.delivery, source: "s", secrets: [sent.secret], settings: sent.settings, id: AlertID(stem: "01"),
            at: now)
    }

    /// The same for a body of lines.
    func receive(text: String, headers: [String: String]) throws -> Alert {
        if let value = try? JSON.parse(text) { return try receive(value, headers: headers) }
        guard case .token(let name, let prefix) = shape.authentication else { throw CocoaError(.featureUnsupported) }
        return try shape.receive(
            InboundDelivery(
                headers: headers.merging([name: prefix + Self.secret]) { $1 }, body: Array(text.utf8)), source: "s",
            secrets: [Secret(Self.secret)], id: AlertID(stem: "01"), at: Self.now)
    }

    func sent(
        _ body: Value, _ headers: [String: String] = [:], _ delivery: String = "d-1"
    ) throws -> (delivery: InboundDelivery, secret: Secret, settings: [String: String]) {
        var settings = settings
        var headers = headers
        var secret = Secret(Self.secret)
        var bytes = body.jsonBytes
        switch shape.authentication {
        case .sns: (bytes, secret) = try topicMessage(body, delivery)
        case .securityEvent:
            settings["issuer"] = body["iss"]?.stringValue
            settings["audience"] = body["aud"]?.stringValue ?? body["aud"]?.arrayValue?.first?.stringValue
            (bytes, secret) = try jws(body, type: "secevent+jwt")
            headers["content-type"] = "application/secevent+jwt"
        case .identityToken:
            let claims: Value = [
                "iss": "https://accounts.google.com", "aud": "cordon", "email": .string(settings["email"] ?? ""),
                "email_verified": true, "iat": 1_767_323_000, "exp": 1_767_326_600,
            ]
            let (token, keys) = try jws(claims, type: "JWT")
            headers["authorization"] = "Bearer " + String(decoding: token, as: UTF8.self)
            secret = keys
            let data = Data(body.jsonBytes).base64EncodedString()
            bytes =
                ([
                    "message": ["data": .string(data), "messageId": .string(delivery)], "subscription": "projects/p/s",
                ] as Value).jsonBytes
        case .bodyToken:
            secret = Secret(body["value"]?.arrayValue?.first?["clientState"]?.stringValue ?? "none")
        default:
            for (name, value) in shape.authentication.headers(bytes, delivery: delivery, with: secret, at: Self.now)
                ?? []
            { headers[name] = value }
        }
        if let name = shape.deliveryHeader { headers[name] = delivery }
        return (InboundDelivery(headers: headers, body: bytes), secret, settings)
    }

    /// Under SignatureVersion 2, as https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html says.
    private func topicMessage(_ body: Value, _ id: String) throws -> (body: [UInt8], secret: Secret) {
        guard let key = Self.rsa else { throw CocoaError(.featureUnsupported) }
        var fields = [
            "Message": body.json, "MessageId": id, "Timestamp": "2026-01-02T03:04:05.000Z", "TopicArn": Self.topic,
            "Type": "Notification",
        ]
        let text = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"].map { "\($0)\n\(fields[$0] ?? "")\n" }
        let code = try key.signature(
            for: SHA256.hash(data: Data(text.joined().utf8)), padding: .insecurePKCS1v1_5)
        fields["Signature"] = code.rawRepresentation.base64EncodedString()
        fields["SignatureVersion"] = "2"
        fields["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com/cert.pem"
        return (Value.object(fields.mapValues(Value.string)).jsonBytes, Secret(key.publicKey.pemRepresentation))
    }

    /// ES256 under a key that the set beside it holds.
    func jws(_ claims: Value, type: String) throws -> (token: [UInt8], keys: Secret) {
        let header: Value = ["alg": "ES256", "kid": "k", "typ": .string(type)]
        let signed = base64URL(Data(header.jsonBytes)) + "." + base64URL(Data(claims.jsonBytes))
        let code = try Self.curve.signature(for: Data(signed.utf8)).rawRepresentation
        let point = Self.curve.publicKey.rawRepresentation
        let keys: Value = [
            "keys": [
                [
                    "kty": "EC", "crv": "P-256", "kid": "k", "x": .string(base64URL(point.prefix(32))),
                    "y": .string(base64URL(point.suffix(32))),
                ]
            ]
        ]
        return (Array((signed + "." + base64URL(code)).utf8), Secret(keys.jsonBytes))
    }
}

func requireSource(_ connector: String) throws -> SourceShape {
    guard let shape = try shippedConnector(connector).source else { throw CocoaError(.featureUnsupported) }
    return shape
}

/// RFC 4648 §5, without padding.
func base64URL(_ bytes: Data) -> String {
    bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
