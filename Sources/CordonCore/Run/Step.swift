// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One step of a run: what has become of one line of the workflow.
package struct Step: Sendable, Hashable {
    package enum Phase: Sendable, Hashable {
        /// Not begun. Goes to `calling`, `skipped` or `stopped`.
        case pending
        /// A call is open. Goes to `calling` (the next call), `backingOff`, `uncertain`, `finished` or `stopped`.
        case calling(Call)
        /// Waits for its timer, then calls (again). Goes to `calling` or `stopped`.
        case backingOff(BackOff)
        /// Nobody knows whether the call took effect; a person says. Goes to `calling`, `finished` or `stopped`.
        case uncertain(Call)
        case finished
        case skipped
        /// Can't go on by itself; a person retries or cancels. Goes to `pending`.
        case stopped
    }

    /// What a step that waits for its timer does next.
    package struct BackOff: Sendable, Hashable {
        package var until: Instant
        package var purpose: Call.Purpose
        package var attempt: Int
        /// Set when the same intent is sent again rather than a new one made.
        package var redelivers: Call?

        package init(until: Instant, purpose: Call.Purpose, attempt: Int, redelivers: Call? = nil) {
            self.until = until
            self.purpose = purpose
            self.attempt = attempt
            self.redelivers = redelivers
        }
    }

    package var id: String
    package var phase: Phase
    package var startedAt: Instant?
    /// When the step ends at the latest.
    package var deadline: Instant?
    package var endedAt: Instant?
    /// Intents made so far.
    package var calls: Int
    /// The subject's state before the first change, as the provider told it.
    package var before: Value?
    /// The same, read back.
    package var after: Value?
    package var result: Value?
    /// The effect was seen at the provider.
    package var isVerified: Bool
    /// The act took effect, as far as its outcome tells; what is still missing is the proof.
    package var hasActed: Bool
    /// The act of which nobody knows whether it took effect. It outlives the calls that ask about it: until it is
    /// resolved, no new act is intended that could be a second one.
    package var doubt: Call?
    package var note: String?
    package var evidence: [Evidence]

    package init(id: String) {
        self.id = id
        phase = .pending
        calls = 0
        isVerified = false
        hasActed = false
        evidence = []
    }

    /// `steps.ID` as expressions see it.
    package var expressionValue: Value {
        [
            "result": result ?? .null, "before": before ?? .null, "after": after ?? .null,
            "done": .bool(phase == .finished),
        ]
    }
}
