// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import Crypto
import Foundation

/// One webhook delivery as the HTTP server hands it in; nothing of it is believed yet.
package struct InboundDelivery: Sendable {
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    /// Whose connection it came over, where it was asked for and shown.
    package var client: ClientCertificate?

    package init(headers: [String: String], body: [UInt8], client: ClientCertificate? = nil) {
        self.headers = headers
        self.body = body
        self.client = client
    }
}

/// Why a delivery was not taken. The sender learns no more than the status.
package enum Rejection: String, Error, Sendable, Hashable, CaseIterable {
    case signatureMissing = "signature_missing"
    case signatureWrong = "signature_wrong"
    /// The signed time lies too far from now.
    case timestampStale = "timestamp_stale"
    case bodyTooLarge = "body_too_large"
    case sourceUnknown = "source_unknown"
    // The codes of RFC 8935 §2.4 and of SSF 1.0 §8.1.4.2; only the sender of a security event token is told.
    case eventInvalid = "invalid_request"
    case eventKeyUnknown = "invalid_key"
    case eventIssuerWrong = "invalid_issuer"
    case eventAudienceWrong = "invalid_audience"
    case eventNotAuthentic = "authentication_failed"
    case eventStateWrong = "invalid_state"

    /// A key that its issuer has published since would mend it.
    package var mayWantNewKey: Bool {
        self == .signatureWrong || self == .eventKeyUnknown || self == .eventNotAuthentic
    }

    /// What the sender of a security event token is told.
    package var eventDescription: String? {
        switch self {
        case .eventInvalid: "no security event token with the claims that its profile asks for"
        case .eventKeyUnknown: "no key of its issuer that is known here signs so"
        case .eventIssuerWrong: "the issuer is not the stream's"
        case .eventAudienceWrong: "the audience is not this receiver"
        case .eventNotAuthentic: "the signature does not hold"
        case .eventStateWrong: "the state is not the one that was asked for"
        case .signatureMissing, .signatureWrong, .timestampStale, .bodyTooLarge, .sourceUnknown: nil
        }
    }
}

/// What a delivery's authentication showed.
struct Shown: Sendable {
    var proof: Alert.OriginProof
    /// The delivery's name, where it is signed with the rest.
    var delivery: String?
    /// The public key that it was shown by.
    var key: [UInt8]?

    init(_ proof: Alert.OriginProof, delivery: String? = nil, key: [UInt8]? = nil) {
        self.key = key
        self.proof = proof
        self.delivery = delivery
    }
}

extension SourceShape {
    /// Verifies the signature on the raw bytes, before anything of them is parsed, and makes the alert.
    ///
    /// - Parameters:
    ///   - secrets: every secret that may have signed; all are tried, so the time taken doesn't tell which.
    ///   - settings: those of the connection, that the scheme compares with.
    package func receive(
        _ delivery: InboundDelivery, source: String, secrets: [Secret], settings: [String: String] = [:], id: AlertID,
        at now: Instant
    ) throws(Rejection) -> Alert {
        guard delivery.body.count <= bodyBytesMax else { throw .bodyTooLarge }
        let shown = try authentication.verify(
            delivery, deliveryHeader: deliveryHeader, secrets: secrets, settings: settings, at: now)
        let digest = digestText(delivery.body)
        // What is the source's own is taken in any case: without a usable name a repeat is told by its bytes.
        let deliveryID =
            [shown.delivery, name(of: delivery)].lazy.compactMap { $0 }.first(where: isDeliveryID) ?? digest
        var kept: [String: String] = [:]
        for name in keptHeaders {
            if let value = delivery.headers[name] {
                kept[name] = prefix(of: value, bytesMax: Limits.headerValueBytesMax)
            }
        }
        var alert = Alert(
            id: id, source: source, deliveryID: deliveryID, receivedAt: now, headers: kept, body: delivery.body,
            bodyDigest: digest, originProof: shown.proof)
        alert.originKey = shown.key.map { key in
            Alert.OriginKey(digest: digestText(key), text: String(decoding: key, as: UTF8.self))
        }
        return alert
    }

    private func name(of delivery: InboundDelivery) -> String? {
        if let deliveryHeader, let name = delivery.headers[deliveryHeader] { return name }
        guard let deliveryPath, let body = try? JSON.parse(delivery.body) else { return nil }
        switch deliveryPath.reduce(Value?.some(body), { $0?[$1] }) {
        case .string(let name): return name
        case .int(let number): return "\(number)"
        default: return nil
        }
    }
}

private func isDeliveryID(_ text: String) -> Bool { (1...Limits.deliveryIDBytesMax).contains(text.utf8.count) }

/// Whole scalars of the text, at most so many bytes.
private func prefix(of text: String, bytesMax: Int) -> String {
    var kept = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
        bytes += UTF8.width(scalar)
        if bytes > bytesMax { break }
        kept.append(scalar)
    }
    return String(kept)
}

/// `sha256:` and the hex digest.
package func digestText(_ bytes: [UInt8]) -> String {
    "sha256:" + SHA256.hash(data: bytes).withUnsafeBytes { hexText($0) }
}

package func hexText(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hexText($0) } }

private func hexText(_ bytes: UnsafeRawBufferPointer) -> String {
    func digit(_ half: UInt8) -> UInt8 { half < 10 ? UInt8(ascii: "0") + half : UInt8(ascii: "a") + half - 10 }
    return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
        for (index, byte) in bytes.enumerated() {
            text[2 * index] = digit(byte >> 4)
            text[2 * index + 1] = digit(byte & 15)
        }
        return bytes.count * 2
    }
}

func bytes(hex text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
        out.append(high << 4 | low)
    }
    return out
}

private func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
