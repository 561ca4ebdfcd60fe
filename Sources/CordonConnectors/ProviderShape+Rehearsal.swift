// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Connector {
    /// The same for a rehearsal: a case holds what its source says, without what a channel puts around it.
    package var heardPlainly: Connector {
        var copy = self
        guard let source else { return self }
        if source.authentication.wrapsBodies { copy.source?.authentication = SourceShape.Authentication.none }
        if source.content == .pubsub { copy.source?.content = .json }
        return copy
    }
}

extension ProviderShape {
    /// The same for a rehearsal: requests are built as ever, and what a case says of an answer is taken as it stands.
    /// Nobody signs in, and nothing is computed or picked of a body that no vendor wrote.
    package var rehearsed: ProviderShape {
        var copy = self
        copy.authentication = .none
        copy.certificate = nil
        // A case says itself whom its alert means.
        copy.lookups = []
        copy.reconcile = nil
        copy.actions = actions.mapValues { action in
            var action = action
            action.act = action.act.rehearsed
            action.state = action.state?.rehearsed
            action.undo = action.undo?.rehearsed
            // A case has no credential that could be used.
            action.verify = nil
            action.proof = nil
            action.lagMilliseconds = nil
            return action
        }
        return copy
    }
}

extension ProviderShape.Exchange {
    fileprivate var rehearsed: ProviderShape.Exchange {
        var copy = self
        copy.pages = nil
        copy.pick = nil
        copy.format = .json
        copy.kept = .members(keep)
        copy.answers.rules = []
        if let mail = request.mail {
            // Nobody is written to: a case is told what would be said.
            copy.request.mail = nil
            copy.request.method = "POST"
            copy.request.json = .map(["title": .template(mail.title), "text": .template(mail.text)])
        }
        copy.issues = issues.map { issue in
            ProviderShape.Issue(known: [:], secret: issue.secret.mapValues { _ in .literal("a rehearsal's secret") })
        }
        return copy
    }
}
