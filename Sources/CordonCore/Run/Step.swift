// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One step of a run: what has become of one line of the workflow, or of one item of a line under `each`.
///
/// Its id is the line's; an item's is `line.3`, a called workflow's `line.inner`, and an undo is a step of its own named
/// `undo:line`, so that it is stored, retried, doubted and shown like every other.
package struct Step: Sendable, Hashable {
    package enum Phase: Sendable, Hashable {
        /// Not begun, or to be begun anew.
        case pending
        /// A call is open.
        case calling(Call)
        /// Waits for its timer, then calls (again).
        case backingOff(BackOff)
        /// Would call, but a halt or a pause forbids it. Goes on when that is lifted.
        case halted(BackOff)
        /// Nobody knows whether the call took effect; a person says.
        case uncertain(Call)
        /// People are asked; silence has an end.
        case asking(Question)
        /// Waits for a time, or for its next look at a condition.
        case waiting(until: Instant)
        /// Its own lines, items or rungs are under way.
        case open
        case finished
        case skipped
        /// It did not do what it is for, and the run goes on or ends without it.
        case failed
        /// Can't go on by itself; a person retries, skips or cancels.
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

    /// How long an effect stands.
    package struct Hold: Sendable, Hashable {
        package enum State: String, Sendable, Hashable, CaseIterable {
            case standing
            /// Its time is up and a person says what follows.
            case asking
            /// The effect is being undone.
            case lifting
            case kept
            case undone
        }

        package var until: Instant
        package var state: State

        package init(until: Instant, state: State = .standing) {
            self.until = until
            self.state = state
        }

        package var hasEnded: Bool { state == .kept || state == .undone }
        /// Who ended it when nobody did.
        package static let byTime = "time"
    }

    /// What an effect leaves open: what was issued before it, and can't be called back, until it expires.
    package struct Exposure: Sendable, Hashable {
        package var until: Instant
        /// For people: what may still be used.
        package var of: String
        /// The capabilities that end it sooner.
        package var endedBy: [String]

        package init(until: Instant, of: String, endedBy: [String] = []) {
            self.until = until
            self.of = of
            self.endedBy = endedBy
        }
    }

    /// What the step is, in one piece that copies share: a run is looked at far more often than it changes, and then a
    /// copy counts one reference instead of thirty. `Step+Fields.swift` shows its members.
    package init(id: String) { box = Box(State(id: id)) }

    var box: Box

    package var hasEnded: Bool {
        switch phase {
        case .finished, .skipped, .failed: true
        case .pending, .calling, .backingOff, .halted, .uncertain, .asking, .waiting, .open, .stopped: false
        }
    }

    /// A call is open or to be sent again: the step moves by itself.
    package var isInFlight: Bool {
        switch phase {
        case .calling, .backingOff, .halted: true
        case .pending, .uncertain, .asking, .waiting, .open, .finished, .skipped, .failed, .stopped: false
        }
    }

    /// When the step's own timer is due, its hold's left out.
    package var timer: Instant? {
        switch phase {
        case .backingOff(let backOff): backOff.until
        case .waiting(let until): until
        case .asking(let question): question.timer
        case .open: openUntil
        case .pending, .calling, .halted, .uncertain, .finished, .skipped, .failed, .stopped: nil
        }
    }

    /// `steps.ID` as expressions see it.
    package var expressionValue: Value {
        [
            "result": result ?? .null, "before": before ?? .null, "after": after ?? .null,
            "done": .bool(phase == .finished), "choice": result?.objectValue?["choice"] ?? .null,
        ]
    }

    /// Why a step is skipped whose `if` is false.
    package static let falseCondition = "its condition is false"

    // MARK: Undo

    package static let undoPrefix = "undo:"

    package var isUndo: Bool { id.hasPrefix(Step.undoPrefix) }
    package static func undoID(of id: String) -> String { undoPrefix + id }
    /// The step that an undo undoes.
    package static func forwardID(of id: String) -> String {
        id.hasPrefix(undoPrefix) ? String(id.dropFirst(undoPrefix.count)) : id
    }
}

/// That people agreed to a step, and to what exactly.
package struct Permit: Sendable, Hashable {
    package var by: [String]
    package var shown: String

    package init(by: [String], shown: String) {
        self.by = by
        self.shown = shown
    }
}
