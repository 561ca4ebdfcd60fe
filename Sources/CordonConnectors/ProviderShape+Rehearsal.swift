// SPDX-License-Identifier: Apache-2.0

extension ProviderShape {
    /// The same for a rehearsal: requests are built as ever, and what a case says of an answer is taken as it stands.
    /// Nobody signs in, and nothing is computed or picked of a body that no vendor wrote.
    package var rehearsed: ProviderShape {
        var copy = self
        copy.authentication = .none
        copy.actions = actions.mapValues { action in
            var action = action
            action.act = action.act.rehearsed
            action.state = action.state?.rehearsed
            action.undo = action.undo?.rehearsed
            return action
        }
        return copy
    }
}

extension ProviderShape.Exchange {
    fileprivate var rehearsed: ProviderShape.Exchange {
        var copy = self
        copy.pick = nil
        copy.format = .json
        copy.kept = .members(keep)
        copy.answers.rules = []
        return copy
    }
}
