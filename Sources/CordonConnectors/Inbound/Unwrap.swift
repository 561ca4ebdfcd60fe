// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation

extension SourceShape {
    /// What rules read of an alert.
    enum Unwrapped: Sendable, Hashable {
        /// `envelope` is what the channel put around the body, or `null`.
        case body(Value, envelope: Value)
        /// Part of the channel's own talk.
        case nothing(String)
        case unreadable(String)
    }

    /// Takes the body out of what its channel put around it. Its authenticity was shown when it was received.
    func unwrap(_ alert: Alert) -> Unwrapped {
        switch authentication {
        case .sns: return topicMessage(alert.body)
        case .securityEvent:
            guard let claims = (try? WebSignature(alert.body))?.claims else {
                return .unreadable("the body is no security event token")
            }
            return .body(.object(claims), envelope: .null)
        case .hmac, .standardWebhooks, .ecdsaP256, .token, .basic, .bodyToken, .identityToken, .clientCertificate,
            .none:
            return read(alert.body)
        }
    }

    private func topicMessage(_ bytes: [UInt8]) -> Unwrapped {
        guard let message = TopicMessage(bytes) else { return .unreadable("the body is no message of SNS") }
        switch message.kind {
        case .subscription: return .nothing("a subscription that asks to be confirmed")
        case .unsubscription: return .nothing("a subscription that was ended")
        case .notification:
            let envelope = (try? JSON.parse(bytes)) ?? .null
            return .body((try? JSON.parse(message.message)) ?? .string(message.message), envelope: envelope)
        }
    }

    private func read(_ bytes: [UInt8]) -> Unwrapped {
        do {
            switch content {
            case .json: return .body(try JSON.parse(bytes), envelope: .null)
            case .text:
                let text = String(bytes: bytes, encoding: .utf8).map(Value.string)
                return .body((try? JSON.parse(bytes)) ?? text ?? .null, envelope: .null)
            case .lines: return try lines(bytes)
            case .pubsub:
                let envelope = try JSON.parse(bytes)
                guard let data = envelope.at("message", "data")?.stringValue.flatMap({ Data(base64Encoded: $0) }) else {
                    return .unreadable("the body is nothing that Pub/Sub pushes: it has no message.data in base64")
                }
                return .body(try JSON.parse(Array(data)), envelope: envelope)
            }
        } catch {
            return .unreadable("the body is no JSON: \(error)")
        }
    }

    /// One value, or one on each line.
    private func lines(_ bytes: [UInt8]) throws(JSONError) -> Unwrapped {
        if let whole = try? JSON.parse(bytes) { return .body(.array(whole.arrayValue ?? [whole]), envelope: .null) }
        let lines = bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
            .filter { !$0.allSatisfy { $0 == UInt8(ascii: " ") } }
        guard lines.count <= Limits.signalsPerAlertMax else {
            return .unreadable(
                "\(lines.count) lines, the limit is \(Limits.signalsPerAlertMax) (signalsPerAlertMax)")
        }
        var values: [Value] = []
        for line in lines { values.append(try JSON.parse(line)) }
        return .body(.array(values), envelope: .null)
    }
}
