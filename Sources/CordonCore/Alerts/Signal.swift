// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What an alert says in the house's own words: who did what to what, when, how sure.
package struct Signal: Sendable, Hashable, Named {
    package static var prefix: String { "sig_" }

    package enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        case low, medium, high, critical

        package static func < (left: Severity, right: Severity) -> Bool {
            left.rank < right.rank
        }

        /// From 0; the graver is the larger.
        package var rank: Int {
            switch self {
            case .low: 0
            case .medium: 1
            case .high: 2
            case .critical: 3
            }
        }
    }

    package var id: SignalID
    package var alert: AlertID
    package var source: String
    /// `secret.exposed` and so on; the kind gives `attributes` its schema.
    package var kind: String
    package var receivedAt: Instant
    /// When the source says that it happened; `nil` when it does not say.
    package var occurredAt: Instant?
    package var severity: Severity
    /// How sure the source says that it is, 0 to 1; `nil` when it does not say.
    package var confidence: Double?
    /// The kind's own fields.
    package var attributes: Value
    /// The source's own name of the event: what comes under it again, in another delivery, is the same event.
    package var eventKey: String?
    /// What of its source it is about, where the source closes what it alerts of; `nil` where it names nothing.
    package var about: Matter?

    package init(
        id: SignalID, alert: AlertID, source: String, kind: String, receivedAt: Instant, occurredAt: Instant?,
        severity: Severity, confidence: Double?, attributes: Value, eventKey: String? = nil, about: Matter? = nil
    ) {
        self.about = about
        self.id = id
        self.alert = alert
        self.source = source
        self.kind = kind
        self.receivedAt = receivedAt
        self.occurredAt = occurredAt
        self.severity = severity
        self.confidence = confidence
        self.attributes = attributes
        self.eventKey = eventKey
    }

    /// `signal` as expressions see it: the common fields and the kind's own.
    package var expressionValue: Value {
        var members = attributes.objectValue ?? [:]
        members["id"] = .string(id.text)
        members["kind"] = .string(kind)
        members["source"] = .string(source)
        members["severity"] = .string(severity.rawValue)
        // A condition reads it as it always did: what is said without a doubt is a fact.
        members["confidence"] = .double(confidence ?? 1)
        members["received_at"] = .string(receivedAt.description)
        if let occurredAt { members["occurred_at"] = .string(occurredAt.description) }
        return .object(members)
    }
}
