// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// The identity, credential, workload or session that a run acts on, as a provider knows it.
package struct Subject: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case serviceAccount = "service_account"
        case credential
        case workload
        case agentSession = "agent_session"
    }

    package var kind: Kind
    /// Cordon's own name of it, unique in the inventory.
    package var id: String
    /// The provider that can act on it.
    package var provider: String
    package var owner: String?
    package var tags: [String]
    /// Whatever else the inventory says, for expressions and for the provider's requests. Never a secret.
    package var attributes: Value
    /// Who lives by it, and what it does on an ordinary day: for whoever decides, and for expressions.
    package var consumers: [String] = []
    package var baseline: String?

    package init(
        kind: Kind, id: String, provider: String, owner: String? = nil, tags: [String] = [],
        attributes: Value = .object([:])
    ) {
        self.kind = kind
        self.id = id
        self.provider = provider
        self.owner = owner
        self.tags = tags
        self.attributes = attributes
    }

    /// One subject, whichever run names it: what one-run-at-a-time and the limits count by.
    package var key: String { "\(kind.rawValue):\(id)" }

    /// `subject` as expressions see it.
    package var expressionValue: Value {
        var members = attributes.objectValue ?? [:]
        if !consumers.isEmpty { members["consumers"] = .array(consumers.map(Value.string)) }
        if let baseline { members["baseline"] = .string(baseline) }
        members["kind"] = .string(kind.rawValue)
        members["id"] = .string(id)
        members["provider"] = .string(provider)
        members["owner"] = ["known": .bool(owner != nil), "name": .string(owner ?? "")]
        members["tags"] = .array(tags.map(Value.string))
        return .object(members)
    }
}
