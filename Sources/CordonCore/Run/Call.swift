// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One intended request to a provider. Its intent is stored before a byte of it leaves.
package struct Call: Sendable, Hashable {
    package enum Purpose: String, Sendable, Hashable, CaseIterable {
        /// Reads the subject's state before the first change: the before-image.
        case before
        /// Does what the step is for.
        case act
        /// Asks the provider whether an act of unknown outcome took effect.
        case probe
        /// Reads the state again: an effect counts only after it was seen.
        case readBack = "read_back"
        /// Asks for what a condition is weighed by.
        case measure
        /// Sets the state back to the before-image.
        case undo
        /// Uses what the subject holds before the act: what did not work then proves nothing afterwards.
        case control
        /// Uses it again after the act.
        case verify

        package var isRead: Bool { !isChange }
        package var isChange: Bool { self == .act || self == .undo }
    }

    /// The intent's number within its step, from 1; never used twice.
    package var number: Int
    package var purpose: Purpose
    /// Which try of this purpose, from 1.
    package var attempt: Int
    /// How many times this same intent was given to the transport.
    package var delivery: Int
    package var capability: String
    package var provider: String
    package var effectClass: EffectClass
    package var arguments: Value
    package var seal: Seal
    package var intendedAt: Instant
    /// When the attempt ends at the latest.
    package var deadline: Instant

    package init(
        number: Int, purpose: Purpose, attempt: Int, delivery: Int = 1, capability: String, provider: String,
        effectClass: EffectClass, arguments: Value, seal: Seal, intendedAt: Instant, deadline: Instant
    ) {
        self.number = number
        self.purpose = purpose
        self.attempt = attempt
        self.delivery = delivery
        self.capability = capability
        self.provider = provider
        self.effectClass = effectClass
        self.arguments = arguments
        self.seal = seal
        self.intendedAt = intendedAt
        self.deadline = deadline
    }

    /// The class that decides about sending this very call again: a reading purpose only reads.
    package var redeliveryClass: EffectClass { purpose.isRead ? .read : effectClass }
}

/// What binds an intent to the request that will be sent.
package struct Seal: Sendable, Hashable {
    /// HMAC of (run, step, intent number) under the installation's key: the same for whoever sends it.
    package var idempotencyKey: String
    /// `sha256:` of the request with handles where its secrets will stand.
    package var requestDigest: String

    package init(idempotencyKey: String, requestDigest: String) {
        self.idempotencyKey = idempotencyKey
        self.requestDigest = requestDigest
    }
}

/// A call before it is sealed.
package struct CallDraft: Sendable, Hashable {
    package var run: RunID
    package var step: String
    package var number: Int
    package var purpose: Call.Purpose
    package var capability: String
    package var provider: String
    package var arguments: Value

    package init(
        run: RunID, step: String, number: Int, purpose: Call.Purpose, capability: String, provider: String,
        arguments: Value
    ) {
        self.run = run
        self.step = step
        self.number = number
        self.purpose = purpose
        self.capability = capability
        self.provider = provider
        self.arguments = arguments
    }

    /// `run_…/step#n`.
    package var id: String { "\(run)/\(step)#\(number)" }
}

/// Why something asked of a run or a call was not done. A value: it is answered or stored, never thrown.
package struct Refusal: Sendable, Hashable, Error {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The run is not in a phase in which this can be done.
        case wrongPhase = "wrong_phase"
        /// The named step or call does not exist or is not open.
        case noSuchCall = "no_such_call"
        /// The request can't be built: a parameter is missing, empty or holds what it must not.
        case unbuildable
        /// Over a limit by name.
        case overLimit = "over_limit"
        /// An expression gave no answer.
        case undecided
        /// This person may not answer.
        case notAllowed = "not_allowed"
        /// Somebody answered before; the first answer counts.
        case alreadyDecided = "already_decided"
        /// What was shown is no longer what would be done.
        case stale
        /// A run does not fit the version that it would be moved to.
        case misfit
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// Seals drafts: pure (the same draft gives the same seal), so that a machine may use it while it decides.
package protocol Sealer: Sendable {
    func seal(_ draft: CallDraft) -> Result<Seal, Refusal>
    /// `sha256:` of bytes that people are shown.
    func digest(_ bytes: [UInt8]) -> String
}
