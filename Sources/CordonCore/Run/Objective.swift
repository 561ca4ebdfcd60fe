// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// How a run stands against its playbook's objective: contained by the end of one step, within a span from the alert's
/// arrival on.
package struct Objective: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        case met, missed
        /// Not contained yet, and its time is not over; or over, while the run still lives.
        case open, overdue
        /// The run ended without containing anything.
        case none
    }

    package var step: String
    package var withinMilliseconds: Int64
    /// From the alert's arrival to the end of the step; `nil`: it has not ended well.
    package var containedAfterMilliseconds: Int64?
    package var state: State

    /// - Parameter receivedAt: when the alert arrived.
    package init(_ step: String, withinMilliseconds: Int64, _ run: Run, receivedAt: Instant, at now: Instant) {
        self.step = step
        self.withinMilliseconds = withinMilliseconds
        let contained = run.step(step)
        let finishedAt: Instant? = if case .finished? = contained?.phase { contained?.endedAt } else { nil }
        containedAfterMilliseconds = finishedAt.map { $0.since(receivedAt) }
        state =
            if let after = containedAfterMilliseconds {
                after <= withinMilliseconds ? .met : .missed
            } else if !run.isLive {
                .none
            } else {
                now.since(receivedAt) <= withinMilliseconds ? .open : .overdue
            }
    }

    package var value: Value {
        [
            "step": .string(step), "within_ms": .int(withinMilliseconds),
            "contained_after_ms": containedAfterMilliseconds.map(Value.int) ?? .null, "state": .string(state.rawValue),
        ]
    }
}

extension ID where Noun == Alert {
    /// When the alert arrived, which its id begins with; `nil` for an id that was made up.
    package var arrivedAt: Instant? {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var time: Int64 = 0
        for byte in stem.utf8.prefix(10) {
            guard let digit = alphabet.firstIndex(of: byte) else { return nil }
            time = time << 5 | Int64(digit)
        }
        return stem.utf8.count == 26 ? Instant(milliseconds: time) : nil
    }
}
