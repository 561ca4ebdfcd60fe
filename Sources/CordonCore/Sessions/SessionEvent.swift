// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What happened to a session. The names are stored for ever.
package enum SessionEvent: Sendable, Hashable {
    case sessionOpened(AgentSession.Opening, root: String, depth: Int, runtime: String)
    /// Totals, told when they pass a tenth of what is approved, or double beyond it: never at each heartbeat.
    case sessionUsed(AgentSession.Usage)
    case sessionSkewed(milliseconds: Int64)
    /// An alert was made of it.
    case boundaryExceeded(AgentSession.Crossing, used: Int64, alert: AlertID)
    case sessionIsolated(AgentSession.Act)
    case sessionIsolationEnded(AgentSession.Act)
    case sessionLimited(AgentSession.Limit, AgentSession.Act)
    case sessionExtended(AgentSession.Approval, AgentSession.Act)
    case sessionApproved(AgentSession.Approval, AgentSession.Act)
    case sessionReleased(AgentSession.Act)
    case sessionClosed(AgentSession.Usage, AgentSession.Act)

    package var kind: String {
        switch self {
        case .sessionOpened: "sessionOpened"
        case .sessionUsed: "sessionUsed"
        case .sessionSkewed: "sessionSkewed"
        case .boundaryExceeded: "boundaryExceeded"
        case .sessionIsolated: "sessionIsolated"
        case .sessionIsolationEnded: "sessionIsolationEnded"
        case .sessionLimited: "sessionLimited"
        case .sessionExtended: "sessionExtended"
        case .sessionApproved: "sessionApproved"
        case .sessionReleased: "sessionReleased"
        case .sessionClosed: "sessionClosed"
        }
    }

    package var value: Value {
        switch self {
        case .sessionOpened(let opening, let root, let depth, let runtime):
            record([
                "opening": opening.value, "root": .string(root), "depth": Value(depth), "runtime": .string(runtime),
            ])
        case .sessionUsed(let usage): usage.value
        case .sessionSkewed(let milliseconds): ["milliseconds": .int(milliseconds)]
        case .boundaryExceeded(let crossing, let used, let alert):
            record(["crossing": crossing.value, "used": .int(used), "alert": .string(alert.text)])
        case .sessionIsolated(let act), .sessionIsolationEnded(let act), .sessionReleased(let act): act.value
        case .sessionLimited(let limit, let act): record(["limit": .string(limit.rawValue), "act": act.value])
        case .sessionExtended(let approved, let act), .sessionApproved(let approved, let act):
            record(["approved": approved.value, "act": act.value])
        case .sessionClosed(let usage, let act): record(["used": usage.value, "act": act.value])
        }
    }

    package init(kind: String, _ value: Value) throws(UnreadableRecord) {
        let body = try Fields(value, kind)
        switch kind {
        case "sessionOpened":
            self = .sessionOpened(
                try AgentSession.Opening(body.fields("opening")), root: try body.string("root"),
                depth: try body.int("depth"), runtime: try body.string("runtime"))
        case "sessionUsed": self = .sessionUsed(try AgentSession.Usage(body))
        case "sessionSkewed": self = .sessionSkewed(milliseconds: Int64(try body.int("milliseconds")))
        case "boundaryExceeded":
            self = .boundaryExceeded(
                try AgentSession.Crossing(body.fields("crossing")), used: Int64(try body.int("used")),
                alert: try body.id("alert"))
        case "sessionIsolated": self = .sessionIsolated(try AgentSession.Act(body))
        case "sessionIsolationEnded": self = .sessionIsolationEnded(try AgentSession.Act(body))
        case "sessionReleased": self = .sessionReleased(try AgentSession.Act(body))
        case "sessionLimited":
            self = .sessionLimited(try body.oneOf("limit"), try AgentSession.Act(body.fields("act")))
        case "sessionExtended":
            self = .sessionExtended(
                try AgentSession.Approval(body.fields("approved")), try AgentSession.Act(body.fields("act")))
        case "sessionApproved":
            self = .sessionApproved(
                try AgentSession.Approval(body.fields("approved")), try AgentSession.Act(body.fields("act")))
        case "sessionClosed":
            self = .sessionClosed(
                try AgentSession.Usage(body.fields("used")), try AgentSession.Act(body.fields("act")))
        default: throw UnreadableRecord(place: kind, reason: "is no event of a session that this version knows")
        }
    }
}
