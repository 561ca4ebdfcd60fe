// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// How a capability behaves when it is asked for twice: what may be done when nobody knows whether it happened.
package enum EffectClass: String, Sendable, Hashable, CaseIterable {
    /// Changes nothing: send again.
    case read
    /// Sets a state, so a repeat changes nothing more: send again, journaled as redelivered.
    case convergent
    /// The provider honors the idempotency key: send again with the same key.
    case keyed
    /// The provider can be asked whether it happened: ask, then decide.
    case probeable
    /// A second time would be a second effect: stop, a person says what happened.
    case once

    package var isWrite: Bool { self != .read }
    /// Sending the same intent again is safe.
    package var mayBeRedelivered: Bool {
        switch self {
        case .read, .convergent, .keyed: true
        case .probeable, .once: false
        }
    }
    /// A new intent, under a new key, sets the same state again rather than doing a second thing.
    package var mayBeIntendedAnew: Bool {
        switch self {
        case .read, .convergent: true
        case .keyed, .probeable, .once: false
        }
    }
}

/// What the world answered to a call, read by the connector. Never an error: it enters the history.
package struct Outcome: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case done
        /// The provider says that it was so before.
        case already
        /// It did not happen, and may be asked for again: not sent, too many requests, unavailable.
        case later
        /// It did not happen, and asking again won't help.
        case refused
        /// Bytes left, and nobody knows what they did.
        case unknown
    }

    package var kind: Kind
    /// HTTP status, when there was an answer.
    package var status: Int?
    /// Why, in closed words for a person; never text of the alert, never a secret.
    package var reason: String?
    /// When the provider asked to be left alone until, in milliseconds from the answer.
    package var retryAfterMilliseconds: Int64?
    /// What the connector read from the answer, for later expressions.
    package var result: Value
    package var evidence: [Evidence]
    package var wasSentTwice: Bool
    /// Cordon itself gave the call back unsent, so that it counts as no try.
    package var wasWithheld: Bool
    /// It was not sent, because the secret that it would have carried is in memory no more.
    package var lacksSecret = false
    package var durationMilliseconds: Int64

    package init(
        _ kind: Kind, status: Int? = nil, reason: String? = nil, retryAfterMilliseconds: Int64? = nil,
        result: Value = .null, evidence: [Evidence] = [], wasSentTwice: Bool = false,
        wasWithheld: Bool = false, durationMilliseconds: Int64 = 0
    ) {
        self.kind = kind
        self.status = status
        self.reason = reason
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.result = result
        self.evidence = evidence
        self.wasSentTwice = wasSentTwice
        self.wasWithheld = wasWithheld
        self.durationMilliseconds = durationMilliseconds
    }

    /// What a call is found to be whose process ended before its outcome was stored.
    package static let lost = Outcome(
        .unknown, reason: "the process that made the call ended before its answer was stored")
}

/// A blob that proves something, named by the digest of its bytes and kept outside the history.
package struct Evidence: Sendable, Hashable {
    /// `sha256:` and hex.
    package var digest: String
    package var mediaType: String
    package var bytes: Int
    /// What it shows, in the connector's words.
    package var about: String

    package init(digest: String, mediaType: String, bytes: Int, about: String) {
        self.digest = digest
        self.mediaType = mediaType
        self.bytes = bytes
        self.about = about
    }
}
