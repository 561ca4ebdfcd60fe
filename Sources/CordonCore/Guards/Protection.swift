// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// One entry of a list of protected identities: `tag/break-glass`, `id/payroll`, `owner/team/finance`, `tier/0`.
package struct ProtectedEntry: Sendable, Hashable {
    package enum By: String, Sendable, Hashable, CaseIterable { case id, tag, owner, tier }

    package var by: By
    package var name: String
    /// Protected until then; `nil`: for good.
    package var until: Instant?
    package var because: String?

    package init(_ by: By, _ name: String, until: Instant? = nil, because: String? = nil) {
        self.by = by
        self.name = name
        self.until = until
        self.because = because
    }

    package init?(text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let by = By(rawValue: parts[0]), !parts[1].isEmpty else { return nil }
        self.init(by, parts[1])
    }

    package var text: String { "\(by.rawValue)/\(name)" }

    package func means(_ subject: Subject) -> Bool {
        switch by {
        case .id: subject.id == name
        case .tag: subject.tags.contains(name)
        case .owner: subject.owner == name
        case .tier:
            switch subject.attributes["tier"] {
            case .int(let tier)?: "\(tier)" == name
            case .string(let tier)?: tier == name
            case .null?, .bool?, .double?, .array?, .object?, nil: false
            }
        }
    }

    package func isInForce(at now: Instant) -> Bool { until.map { now < $0 } ?? true }
}

/// Whom no playbook touches, and whom none touches before a person agreed.
package struct Protection: Sendable, Hashable {
    package var deny: [ProtectedEntry]
    package var ask: [ProtectedEntry]

    package init(deny: [ProtectedEntry] = [], ask: [ProtectedEntry] = []) {
        self.deny = deny
        self.ask = ask
    }

    package var isEmpty: Bool { deny.isEmpty && ask.isEmpty }

    /// What protects the subject now; who is denied comes before who is asked for.
    package func speaks(of subject: Subject, at now: Instant) -> (answer: GuardAnswer, entry: ProtectedEntry)? {
        if let entry = deny.first(where: { $0.isInForce(at: now) && $0.means(subject) }) { return (.deny, entry) }
        if let entry = ask.first(where: { $0.isInForce(at: now) && $0.means(subject) }) { return (.propose, entry) }
        return nil
    }
}
