// SPDX-License-Identifier: Apache-2.0

extension Run {
    /// What stands that could be set back when the run was opened and can't be under this definition, each in a sentence.
    /// Of runs that were opened before this was recorded nothing is known, and nothing is said.
    package func lostUndos(_ definition: RunDefinition) -> [String] {
        guard !undoable.isEmpty, isLive else { return [] }
        let turn = Turn(self, definition, .none, updatedAt)
        return steps.compactMap { step in
            guard step.hasActed || step.doubt != nil || step.mayHaveActed, !step.isUndone, !step.isUndo,
                step.hold?.state != .kept, let place = turn.place(step.id), let act = place.line.act,
                act.undo == .byConnector, let provider = turn.provider(place),
                undoable.contains(act.at == nil ? act.capability : "\(provider): \(act.capability)"),
                turn.contract(place)?.canUndo != true
            else { return nil }
            return "'\(provider)' can no longer undo \(act.capability), which step '\(step.id)' did"
        }
    }
}
