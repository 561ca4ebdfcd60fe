// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

extension Connections {
    /// Where a transmitter of security event tokens is asked for them (RFC 8936), by receivers that nobody can push to.
    package struct Poll: Sendable, Hashable {
        package var url: String
        /// Presented as a bearer.
        package var token: SecretReference?
        package var everyMilliseconds: Int64
        package var egress: EgressPolicy

        package init(
            url: String, token: SecretReference? = nil, everyMilliseconds: Int64 = Limits.pollMillisecondsDefault,
            egress: EgressPolicy = EgressPolicy()
        ) {
            self.url = url
            self.token = token
            self.everyMilliseconds = everyMilliseconds
            self.egress = egress
        }
    }
}

/// What is said to a transmitter and heard from it, poll by poll (RFC 8936 §2).
///
/// A token is acknowledged only once it is stored, and with the next poll; until that is answered it is acknowledged
/// again. So there is no cursor to lose: after a crash the transmitter gives anew what it was not told of, and a repeat
/// is known by its name.
package struct EventPoll: Sendable, Hashable {
    /// One token as it came, by the name that the transmitter gives it.
    package struct Item: Sendable, Hashable {
        package var name: String
        package var token: [UInt8]
    }

    /// What an answer held.
    package enum Heard: Sendable, Hashable {
        case items([Item], hasMore: Bool)
        case failed(reason: String, retryAfterMilliseconds: Int64?)
    }

    private var acknowledged: Set<String> = []
    private var errors: [String: Value] = [:]

    package init() {}

    /// It is stored, or was before.
    package mutating func acknowledge(_ name: String) { acknowledged.insert(name) }

    /// It will never be taken: whoever sent it is told why, and need not send it again.
    package mutating func refuse(_ name: String, _ rejection: Rejection) {
        errors[name] = [
            "err": .string(rejection.rawValue), "description": .string(rejection.eventDescription ?? "it was refused"),
        ]
    }

    package func request(_ poll: Connections.Poll, token: Secret?) -> OutboundRequest {
        var body: [String: Value] = [
            "maxEvents": .int(Int64(Limits.pollEventsMax)), "returnImmediately": true,
        ]
        if !acknowledged.isEmpty { body["ack"] = .array(acknowledged.sorted().map(Value.string)) }
        if !errors.isEmpty { body["setErrs"] = .object(errors) }
        var headers = [(name: "content-type", value: "application/json"), (name: "accept", value: "application/json")]
        if let token {
            headers.append(("authorization", "Bearer " + String(decoding: token.reveal(), as: UTF8.self)))
        }
        return OutboundRequest(
            method: "POST", url: poll.url, headers: headers, body: Value.object(body).jsonBytes,
            timeoutMilliseconds: Limits.callTimeoutMillisecondsDefault, responseBytesMax: Limits.pollBytesMax,
            egress: poll.egress)
    }

    /// What was acknowledged in a poll that was answered is forgotten, whatever else the answer holds.
    package mutating func hear(_ delivery: Delivery) -> Heard {
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            return .failed(reason: fault.reason, retryAfterMilliseconds: nil)
        case .answered(let response) where response.status == 200:
            guard case .object(let members)? = try? JSON.parse(response.body),
                case .object(let sets)? = members["sets"]
            else { return .failed(reason: "the answer holds no 'sets'", retryAfterMilliseconds: nil) }
            acknowledged = []
            errors = [:]
            let items = sets.sorted { $0.key < $1.key }.map { name, token in
                Item(name: name, token: Array((token.stringValue ?? "").utf8))
            }
            return .items(items, hasMore: members["moreAvailable"] == true && !items.isEmpty)
        case .answered(let response):
            // Bounded before it is multiplied: the number is the transmitter's, and 0 would ask without pause.
            let wait = response.headers["retry-after"].flatMap { Int64($0) }.map {
                min(max(Limits.pollMillisecondsMin / 1000, $0), Limits.retryAfterMillisecondsMax / 1000) * 1000
            }
            return .failed(reason: "it answered \(response.status)", retryAfterMilliseconds: wait)
        }
    }
}
