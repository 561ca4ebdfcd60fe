// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
package import CordonLanguage

/// An agent session as the API and the commands show it.
package enum SessionView {
    package static func make(_ standing: SessionStanding, now: Instant) -> Value {
        let session = standing.session
        let opening = session.opening
        return [
            "id": .string(session.id), "agent": .string(opening.agent), "owner": .string(opening.owner),
            "approver": opening.approver.map(Value.string) ?? .null,
            "issuer": opening.issuer.map(Value.string) ?? .null,
            "parent": opening.parent.map(Value.string) ?? .null,
            "children": .array(standing.children.map(Value.string)),
            "scope": .array(opening.scope.map(Value.string)),
            "resources": .array(opening.resources.map(Value.string)),
            "runtime": .string(session.runtime), "state": .string(standing.state.rawValue),
            "isolated": .bool(session.isolation != nil), "limit": .string(session.limit.rawValue),
            "isolation": mark(session.isolation), "limitation": mark(session.limitation),
            "closing": mark(session.closing),
            "used": [
                "duration_s": .int(session.used(of: .duration, standing.total, at: now)),
                "bytes": .int(standing.total.bytes), "calls": .int(standing.total.calls),
            ],
            "approved": approved(session.approved), "when_exceeded": .string(opening.whenExceeded.rawValue),
            "exceeded": .array(session.raised.map { .string("\($0.boundary.rawValue) level \($0.level)") }.sorted()),
            "opened_at": .string(session.openedAt.description), "due_at": .string(session.endsAt.description),
            "closed_at": session.closing.map { .string($0.at.description) } ?? .null,
            "revision": .int(Int64(session.revision)),
        ]
    }

    /// A boundary that nobody set is `null`: a copy of it sets none either.
    private static func approved(_ approval: AgentSession.Approval) -> Value {
        [
            "duration_s": .int(approval.durationSeconds), "bytes": approval.bytes.map(Value.int) ?? .null,
            "calls": approval.calls.map(Value.int) ?? .null,
        ]
    }

    private static func mark(_ mark: AgentSession.Mark?) -> Value {
        guard let mark else { return .null }
        return ["by": .string(mark.by), "reason": .string(mark.reason), "at": .string(mark.at.description)]
    }
}

extension [Value] {
    fileprivate func sorted() -> [Value] { sorted { ($0.stringValue ?? "") < ($1.stringValue ?? "") } }
}
