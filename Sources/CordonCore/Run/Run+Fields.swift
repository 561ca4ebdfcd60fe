// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Run {
    /// What does not change while a run lives, in one piece that copies share: each of its steps hands the run on a
    /// dozen times, and then a copy counts one reference instead of twenty. Only a migration makes another.
    final class Fixed: Sendable, Hashable {
        /// Without its steps and its gate, which change.
        let opening: Opening
        let openedAt: Instant

        init(_ opening: Opening, at openedAt: Instant) {
            var opening = opening
            opening.steps = []
            opening.gate = nil
            self.opening = opening
            self.openedAt = openedAt
        }

        static func == (left: Fixed, right: Fixed) -> Bool {
            left === right || left.openedAt == right.openedAt && left.opening == right.opening
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(opening)
            hasher.combine(openedAt)
        }
    }

    package var id: RunID { fixed.opening.id }
    package var decision: DecisionID { fixed.opening.decision }
    package var signal: SignalID { fixed.opening.signal }
    package var alert: AlertID { fixed.opening.alert }
    package var playbook: Pin { fixed.opening.playbook }
    package var workflow: Pin { fixed.opening.workflow }
    /// The workflows that it calls, those called by called ones too.
    package var called: [Pin] { fixed.opening.called }
    package var subject: Subject? { fixed.opening.subject }
    package var severity: Signal.Severity { fixed.opening.severity }
    package var inputs: Value { fixed.opening.inputs }
    package var openedAt: Instant { fixed.openedAt }
    /// It neither waits for other runs of its subject nor keeps them waiting.
    package var isShared: Bool { fixed.opening.isShared }
    /// How many objects it may change unasked: its subject, and the items of its lists.
    package var objectsMax: Int? { fixed.opening.objectsMax }
    /// What could be set back when it was opened, by capability, or `connection: capability` elsewhere. Whoever starts
    /// with a connector that can't any more would take a hold's end away.
    package var undoable: [String] { fixed.opening.undoable }

    /// From here on it goes by other definitions.
    mutating func goOn(by workflow: Pin, calling called: [Pin], with inputs: Value) {
        var opening = fixed.opening
        opening.workflow = workflow
        opening.called = called
        opening.inputs = inputs
        fixed = Fixed(opening, at: openedAt)
    }
}
