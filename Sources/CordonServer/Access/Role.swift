// SPDX-License-Identifier: Apache-2.0

/// Who a token speaks for. What each role may do stands in one table, `Role.table`; what is not in it is denied.
package enum Role: String, Sendable, Hashable, CaseIterable {
    case alertSource = "alert_source"
    case `operator`
    case author
    case approver
    case auditor
    /// Opens and tells of its own agents' sessions.
    case agentRuntime = "agent_runtime"
    /// Cordon's own runs, as the provider of agent sessions knows them.
    case sessionKeeper = "session_keeper"
    case enforcementPoint = "enforcement_point"
    case administrator
}

/// What a route needs of its caller.
package enum Permission: String, Sendable, Hashable, CaseIterable {
    /// Ask who one is, and which version answers.
    case identify
    /// Read alerts, signals, decisions, runs and their histories.
    case read
    /// Read the node's counters.
    case measure
    /// Let a stopped run go on, cancel one, say what became of a call.
    case operate
    /// Let a proposed run begin, or end it instead.
    case approve
    /// Have changed definitions put in force at once.
    case publish
    /// Open agent sessions, and tell of those that one opened.
    case register
    /// Isolate, limit, extend, release and close agent sessions.
    case contain
    /// Ask what may be done in an agent session.
    case enforce
    /// List, grant and revoke tokens.
    case administer
}

extension Role {
    /// Permission by role. An administrator can hand out rights, which is recorded, but doesn't hold `approve`: whoever
    /// approves does so under a name that was granted for it.
    package static let table: [Permission: Set<Role>] = [
        .identify: Set(Role.allCases),
        .read: [.operator, .author, .approver, .auditor, .administrator],
        .measure: [.operator, .auditor, .administrator],
        .operate: [.operator, .administrator],
        .approve: [.approver],
        .publish: [.author, .administrator],
        .register: [.agentRuntime],
        .contain: [.sessionKeeper, .operator, .administrator],
        .enforce: [.enforcementPoint],
        .administer: [.administrator],
    ]

    package func may(_ permission: Permission) -> Bool { Role.table[permission]?.contains(self) ?? false }
}
