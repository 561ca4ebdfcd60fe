// SPDX-License-Identifier: Apache-2.0

/// What people are asked before or instead of a step. It is bound to the digest of what was shown, so that nobody agrees
/// to something else than they saw.
package struct Question: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A step of its own: people decide.
        case approve
        /// A step of its own: people answer.
        case task
        /// Before a step that does something.
        case gate
    }

    package struct Answer: Sendable, Hashable {
        package var by: String
        package var choice: String
        package var at: Instant
        package var reason: String
        /// The digest of what they were shown; answers that were given before it was told have none.
        package var shown: String?

        package init(by: String, choice: String, at: Instant, reason: String, shown: String? = nil) {
            self.shown = shown
            self.by = by
            self.choice = choice
            self.at = at
            self.reason = reason
        }
    }

    package var kind: Kind
    package var text: String
    /// The groups or names that may answer; an escalation adds one.
    package var by: [String]
    package var excluded: [String]
    /// Whoever put the run's playbook or one of its workflows in force may not answer either.
    package var excludesAuthor: Bool
    package var quorum: Int
    package var choices: [String]
    /// `sha256:` of what was shown.
    package var shown: String
    package var askedAt: Instant
    package var deadline: Instant
    package var nextReminder: Instant?
    package var remindMilliseconds: Int64?
    package var escalatesAt: Instant?
    package var answers: [Answer]

    package init(
        kind: Kind, text: String, by: [String], excluded: [String], excludesAuthor: Bool = false, quorum: Int,
        choices: [String], shown: String, askedAt: Instant, deadline: Instant, remindMilliseconds: Int64? = nil,
        escalatesAt: Instant? = nil
    ) {
        self.excludesAuthor = excludesAuthor
        self.kind = kind
        self.text = text
        self.by = by
        self.excluded = excluded
        self.quorum = quorum
        self.choices = choices
        self.shown = shown
        self.askedAt = askedAt
        self.deadline = deadline
        self.remindMilliseconds = remindMilliseconds
        nextReminder = remindMilliseconds.map(askedAt.adding(milliseconds:))
        self.escalatesAt = escalatesAt
        answers = []
    }

    /// Nobody agrees to what they put in force themselves, where the workflow says so.
    package func refusal(ofAuthor person: Person, at step: String) -> Refusal? {
        guard excludesAuthor, !person.wrote.isEmpty else { return nil }
        return Refusal(
            .notAllowed,
            "\(person.name) put \(person.wrote.joined(separator: " and ")) in force, and '\(step)' excludes its author; "
                + "somebody else has to answer")
    }

    package var timer: Instant { [nextReminder, escalatesAt].compactMap { $0 }.reduce(deadline, min) }

    /// The choice that has its quorum. One who declines decides alone: a veto needs no company.
    package var decided: String? {
        if answers.contains(where: { $0.choice == Workflow.Consent.decline }) { return Workflow.Consent.decline }
        return choices.first { choice in answers.count { $0.choice == choice } >= quorum }
    }
}

/// Who answers. The groups come from the installation, never from the answer.
package struct Person: Sendable, Hashable {
    package var name: String
    package var groups: Set<String>
    /// The definitions of the run that they put in force, such as `workflow purge`; the history tells of them.
    package var wrote: [String]

    package init(name: String, groups: Set<String> = [], wrote: [String] = []) {
        self.name = name
        self.groups = groups
        self.wrote = wrote
    }

    package func isAmong(_ names: [String]) -> Bool { names.contains { $0 == name || groups.contains($0) } }
}
