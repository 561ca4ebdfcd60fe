// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What a sender asks before it sends.
package struct HandshakeQuestion: Sendable {
    package var method: String
    package var query: [String: String]
    /// Names in lower case.
    package var headers: [String: String]

    package init(method: String, query: [String: String] = [:], headers: [String: String] = [:]) {
        self.method = method
        self.query = query
        self.headers = headers
    }
}

package struct HandshakeAnswer: Sendable, Hashable {
    package var headers: [String: String]
    package var body: [UInt8]
}

/// How a sender finds out whether its deliveries are wanted. Each gives back a value of the sender's own and nothing of
/// ours, so it needs no signature, and none has one.
package enum Handshake: String, Sendable, Hashable, CaseIterable {
    /// https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request
    case okta
    /// https://learn.microsoft.com/graph/change-notifications-delivery-webhooks#notificationurl-validation
    case microsoftGraph = "microsoft-graph"
    /// https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
    case cloudEvents = "cloudevents"

    /// What a connection may set for it.
    var settings: [String: Bool] { self == .cloudEvents ? ["origin": false] : [:] }

    /// `nil`: this is no such question.
    package func answer(_ question: HandshakeQuestion, settings: [String: String]) -> HandshakeAnswer? {
        switch self {
        case .okta:
            guard question.method == "GET", let challenge = question.headers["x-okta-verification-challenge"],
                isVisible(challenge, bytesMax: 512)
            else { return nil }
            let body: Value = ["verification": .string(challenge)]
            return HandshakeAnswer(headers: ["content-type": "application/json"], body: body.jsonBytes)
        case .microsoftGraph:
            guard question.method == "POST", let token = question.query["validationToken"],
                isVisible(token, bytesMax: 2048)
            else { return nil }
            return HandshakeAnswer(
                headers: ["content-type": "text/plain", "x-content-type-options": "nosniff"], body: Array(token.utf8))
        case .cloudEvents:
            guard question.method == "OPTIONS", let origin = settings["origin"],
                question.headers["webhook-request-origin"] == origin
            else { return nil }
            var headers = ["webhook-allowed-origin": origin, "allow": "POST"]
            // Any rate: what is too much is put off by 429.
            if question.headers["webhook-request-rate"] != nil { headers["webhook-allowed-rate"] = "*" }
            return HandshakeAnswer(headers: headers, body: [])
        }
    }
}

/// ASCII that shows, blanks among it.
private func isVisible(_ text: String, bytesMax: Int) -> Bool {
    (1...bytesMax).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
}
