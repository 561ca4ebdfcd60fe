// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// The alert that Cordon itself makes when a session passes a boundary. It goes the way of every alert.
package enum SessionAlarm {
    /// No source of an installation can be called so: their names hold no dot.
    package static let source = "cordon.sessions"

    /// One alert for each session, boundary, amount approved and level, however often it is made.
    package static func deliveryID(_ session: AgentSession, _ crossing: AgentSession.Crossing) -> String {
        "\(session.id)/\(crossing.boundary.rawValue)/\(crossing.approved)/\(crossing.level)"
    }

    package static func body(
        _ session: AgentSession, _ crossing: AgentSession.Crossing, used: Int64, at now: Instant
    ) -> Value {
        [
            "kind": "boundary.exceeded",
            "session": [
                "id": .string(session.id), "agent": .string(session.opening.agent),
                "owner": .string(session.opening.owner),
            ],
            "boundary": .string(crossing.boundary.rawValue), "level": Value(crossing.level), "used": .int(used),
            "approved": .int(crossing.approved), "at": .string(now.description),
        ]
    }

    /// Reads it back. Pure; `nil` for a body that this version didn't write.
    package static func signal(of alert: Alert) -> Signal? {
        guard let body = try? JSON.parse(alert.body), body["kind"] == "boundary.exceeded",
            let session = body["session"], let level = body["level"]?.intValue,
            let boundary = body["boundary"]?.stringValue.flatMap(AgentSession.Boundary.init(rawValue:)),
            let used = body["used"]?.intValue, let approved = body["approved"]?.intValue
        else { return nil }
        let unit =
            switch boundary {
            case .duration: "s"
            case .bytes: "B"
            case .calls: ""
            }
        return Signal(
            id: alert.id.signal(1), alert: alert.id, source: alert.source, kind: "boundary.exceeded",
            receivedAt: alert.receivedAt, occurredAt: body["at"]?.stringValue.flatMap(Instant.init(rfc3339:)),
            severity: level == 1 ? .medium : level == 2 ? .high : .critical, confidence: 1,
            attributes: [
                "session": session, "boundary": .string(boundary.rawValue), "used": .double(Double(used)),
                "approved": .double(Double(approved)), "unit": .string(unit), "event": .string("level \(level)"),
            ])
    }
}
