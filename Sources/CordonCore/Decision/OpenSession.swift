// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// An open agent session as a decision sees it: what a signal may name it by, and the subject that it is.
package struct OpenSession: Sendable, Hashable {
    package var id: String
    private var agent: String
    private var owner: String
    private var issuer: String?
    /// `nil` where nobody, or more than one, could act on it.
    package var subject: Subject?

    /// - Parameter providers: the connections to the registry itself.
    package init(_ session: AgentSession, providers: [String]) {
        id = session.id
        agent = session.opening.agent
        owner = session.opening.owner
        issuer = session.opening.issuer
        guard providers.count == 1 else { return }
        let opening = session.opening
        subject = Subject(
            kind: .agentSession, id: session.id, provider: providers[0], owner: opening.owner,
            attributes: record([
                "agent": .string(opening.agent), "scope": .array(opening.scope.map(Value.string)),
                "resources": .array(opening.resources.map(Value.string)), "approved": session.approved.value,
                "parent": opening.parent.map(Value.string), "issuer": opening.issuer.map(Value.string),
                "approver": opening.approver.map(Value.string),
            ]))
    }

    /// Its id, and whatever else the reference says that the registry can tell: all of it must be so.
    func isMeant(by reference: [String: Value]) -> Bool {
        guard reference["id"] == .string(id) else { return false }
        let known: [(name: String, value: Value)] = [
            ("agent", .string(agent)), ("owner", .string(owner)), ("issuer", issuer.map(Value.string) ?? .null),
        ]
        return known.allSatisfy { reference[$0.name] ?? .null == .null || reference[$0.name] == $0.value }
    }

    var resolution: Resolution {
        subject.map(Resolution.resolved)
            ?? .missing(
                "session '\(id)' is open, and connections.yaml does not name exactly one provider of the connector agent-sessions"
            )
    }
}

extension Signal {
    /// The ids of sessions that it may name.
    package var sessionNames: Set<String> {
        Set((attributes.objectValue ?? [:]).values.compactMap { $0["id"]?.stringValue })
    }
}
