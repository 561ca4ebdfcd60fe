// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Crypto
import CryptoExtras
import Foundation
import SwiftASN1
import X509

/// A message of Amazon SNS over HTTPS, and the confirmation that a subscription asks for.
///
/// Certificates are pinned: they are files of the operator, and nothing that a message names is fetched, unless the
/// operator says so. Then it is fetched from Amazon's own host alone. The host of the certificate is looked at in any case,
/// before anything else: a message that points elsewhere is not Amazon's.
package struct TopicMessage: Sendable {
    package enum Kind: String, Sendable {
        case notification = "Notification"
        case subscription = "SubscriptionConfirmation"
        case unsubscription = "UnsubscribeConfirmation"

        /// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
        fileprivate var signedFields: [String] {
            switch self {
            case .notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            case .subscription, .unsubscription:
                ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
            }
        }
    }

    package let kind: Kind
    private let fields: [String: String]

    /// `nil` for what is no such message.
    package init?(_ body: [UInt8]) {
        guard case .object(let members)? = try? JSON.parse(body),
            let kind = members["Type"]?.stringValue.flatMap(Kind.init)
        else { return nil }
        self.kind = kind
        fields = members.compactMapValues(\.stringValue)
        for name in kind.signedFields where name != "Subject" && fields[name] == nil { return nil }
    }

    package var message: String { fields["Message"] ?? "" }

    static func verify(
        _ delivery: InboundDelivery, _ secrets: [Secret], topic: String?, at now: Instant
    ) throws(Rejection) -> Shown {
        guard let message = TopicMessage(delivery.body), let url = message.fields["SigningCertURL"],
            let signature = message.fields["Signature"]
        else { throw .signatureMissing }
        guard isAmazons(url), let topic, message.fields["TopicArn"] == topic, let code = Data(base64Encoded: signature)
        else { throw .signatureWrong }
        let keys = secrets.filter { key(in: $0, at: now).map { message.isSigned(code, $0) } ?? false }
        guard let key = keys.first else { throw .signatureWrong }
        return Shown(.asymmetric, delivery: message.fields["MessageId"], key: key.reveal())
    }

    /// Whether this certificate's key, or this public key, signed it.
    func isSigned(by key: Secret, at: Instant) -> Bool {
        guard let code = fields["Signature"].flatMap({ Data(base64Encoded: $0) }),
            let key = TopicMessage.key(in: key, at: at)
        else { return false }
        return isSigned(code, key)
    }

    /// Where the certificate of this topic's message lies, at Amazon's own host and under the name that Amazon gives it;
    /// `nil` for a message that says otherwise.
    package static func certificateURL(_ body: [UInt8], topic: String) -> String? {
        // A topic's messages are signed in its own region.
        let region = topic.split(separator: ":", omittingEmptySubsequences: false).dropFirst(3).first ?? ""
        guard let message = TopicMessage(body), message.fields["TopicArn"] == topic,
            let url = message.fields["SigningCertURL"], isAmazons(url),
            url.hasPrefix("https://sns.\(region).amazonaws.com/"),
            url.wholeMatch(of: #/https://[^/]+/SimpleNotificationService-[0-9a-f]{8,64}\.pem/#) != nil
        else { return nil }
        return url
    }

    /// Whether it is a certificate, in PEM.
    package static func isCertificate(_ bytes: [UInt8]) -> Bool {
        (try? Certificate(pemEncoded: String(decoding: bytes, as: UTF8.self))) != nil
    }

    /// `https://sns.REGION.amazonaws.com/…`: no port, no user, no other host that begins or ends so.
    static func isAmazons(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url), parts.scheme == "https", parts.port == nil, parts.user == nil,
            parts.password == nil, let host = parts.host
        else { return false }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count == 4 && labels[0] == "sns" && isRegion(labels[1]) && labels[2] == "amazonaws"
            && labels[3] == "com"
    }

    /// A certificate that is in force, or a public key.
    private static func key(in secret: Secret, at now: Instant) -> _RSA.Signing.PublicKey? {
        let pem = String(decoding: secret.reveal(), as: UTF8.self)
        guard let certificate = try? Certificate(pemEncoded: pem) else {
            return try? _RSA.Signing.PublicKey(pemRepresentation: pem)
        }
        let date = Date(timeIntervalSince1970: Double(now.milliseconds) / 1000)
        guard certificate.notValidBefore <= date, date <= certificate.notValidAfter else { return nil }
        return _RSA.Signing.PublicKey(certificate.publicKey)
    }

    private func isSigned(_ code: Data, _ key: _RSA.Signing.PublicKey) -> Bool {
        let signature = _RSA.Signing.RSASignature(rawRepresentation: code)
        switch fields["SignatureVersion"] {
        // Amazon's standard still, unless the topic's SignatureVersion is set to 2.
        case "1":
            return key.isValidSignature(
                signature, for: Insecure.SHA1.hash(data: canonical), padding: .insecurePKCS1v1_5)
        case "2": return key.isValidSignature(signature, for: SHA256.hash(data: canonical), padding: .insecurePKCS1v1_5)
        default: return false
        }
    }

    /// Name and value of each signed field, each on a line of its own; a subject only where there is one.
    private var canonical: [UInt8] {
        kind.signedFields.reduce(into: []) { text, name in
            guard let value = fields[name] else { return }
            text += Array("\(name)\n\(value)\n".utf8)
        }
    }

    /// Where the subscription is confirmed: built here from the topic that is configured and the token, both signed.
    /// The URL in the message is not asked.
    package func confirmation(of topic: String) -> String? {
        let region = topic.split(separator: ":", omittingEmptySubsequences: false).dropFirst(3).first ?? ""
        guard kind == .subscription, fields["TopicArn"] == topic, isRegion(region), let token = fields["Token"],
            let topic = topic.addingPercentEncoding(withAllowedCharacters: unreserved),
            let token = token.addingPercentEncoding(withAllowedCharacters: unreserved)
        else { return nil }
        return "https://sns.\(region).amazonaws.com/?Action=ConfirmSubscription&TopicArn=\(topic)&Token=\(token)"
    }
}

/// RFC 3986 §2.3.
private let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

/// As in `eu-west-1`.
private func isRegion(_ text: Substring) -> Bool {
    (1...32).contains(text.utf8.count)
        && text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
}
