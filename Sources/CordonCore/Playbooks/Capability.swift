// SPDX-License-Identifier: Apache-2.0

/// One thing that can be asked of a provider, in the house's words. A provider that lacks it can't be published for.
package struct Capability: Sendable, Hashable {
    package enum Reversibility: String, Sendable, Hashable, CaseIterable {
        /// The state before can be restored from the before-image.
        case full
        /// The effect can be ended, but something of what was is lost.
        case partial
        case none
    }

    package var name: String
    package var title: String
    /// It changes something, so it needs an undo or a reason for having none.
    package var isWrite: Bool
    package var reversibility: Reversibility
    /// It takes something away for a time, so its workflow says for how long.
    package var isContainment: Bool
    /// It ends what the subject already holds, so that letting the subject in again gives none of it back.
    package var endsCredentials: Bool
    package var subjects: Set<Subject.Kind>
    /// Parameters beside the subject, by name.
    package var parameters: [String]

    private init(
        _ name: String, _ title: String, writes reversibility: Reversibility? = nil, contains: Bool = false,
        endsCredentials: Bool = false, _ subjects: Set<Subject.Kind>, _ parameters: [String]
    ) {
        self.name = name
        self.title = title
        isWrite = reversibility != nil
        self.reversibility = reversibility ?? .none
        isContainment = contains
        self.endsCredentials = endsCredentials
        self.subjects = subjects
        self.parameters = parameters
    }

    private static let everything = Set(Subject.Kind.allCases)
    private static let accounts: Set<Subject.Kind> = [.serviceAccount, .credential]

    package static let all = reads + ofAccounts + ofCredentials + ofOthers

    private static let reads = [
        Capability("evidence.capture", "Keep what the provider says about the subject", everything, ["of"]),
        Capability("sessions.list", "Name the sessions that an account has open", everything, ["account"]),
        Capability("grants.list", "Name what an account has granted to clients", everything, ["account"]),
    ]

    private static let ofAccounts = [
        Capability(
            "account.suspend", "Refuse every sign-in of an account", writes: .full, contains: true, accounts,
            ["account"]),
        Capability(
            "account.restore", "Let an account sign in again", writes: Reversibility.none, accounts, ["account"]),
        Capability(
            "scopes.reduce", "Take scopes away, down to a list", writes: .full, contains: true, accounts,
            ["subject", "keep"]),
        Capability(
            "scopes.restore", "Give scopes back that were taken away", writes: Reversibility.none, accounts,
            ["subject", "scopes"]),
        Capability(
            "sessions.revoke", "End every session that was issued by the subject", writes: Reversibility.none,
            endsCredentials: true, everything, ["issued_by"]),
        Capability(
            "session.end", "End one session", writes: Reversibility.none, endsCredentials: true, everything,
            ["account", "session"]),
        Capability(
            "grants.revoke", "Take back what an account has granted to one client", writes: Reversibility.none,
            endsCredentials: true, everything, ["account", "grant"]),
        Capability(
            "factor.challenge", "Demand a second factor at the next sign-in", writes: .full, contains: true,
            everything, ["account"]),
        Capability(
            "policy.deny_write", "Deny an identity every change", writes: .full, contains: true, everything,
            ["subject"]),
        Capability(
            "policy.allow_write", "Take back that an identity is denied every change", writes: Reversibility.none,
            everything, ["subject"]),
    ]

    private static let ofCredentials = [
        Capability(
            "tokens.revoke", "End a token so that its next use is refused", writes: Reversibility.none,
            endsCredentials: true, accounts, ["credential"]),
        Capability(
            "credential.issue", "Make a second credential beside the first", writes: .full, accounts, ["subject"]),
        Capability(
            "secret.deliver", "Put a secret where a consumer reads it", writes: .full, everything, ["to", "secret"]),
        Capability(
            "credential.disable", "Refuse a credential without deleting it", writes: .full, contains: true,
            [.credential], ["credential"]),
        Capability(
            "credential.enable", "Let a credential be used again", writes: Reversibility.none, [.credential],
            ["credential"]),
        Capability(
            "credential.delete", "Delete a credential for good", writes: Reversibility.none, endsCredentials: true,
            [.credential], ["credential"]),
    ]

    private static let ofOthers = [
        Capability(
            "session.isolate", "Refuse every further step of a session, and of those that it opened", writes: .full,
            contains: true, [.agentSession], ["session"]),
        Capability(
            "session.limit", "Let a session go on with less: reading only, or slowed", writes: .full, contains: true,
            [.agentSession], ["session", "to"]),
        Capability(
            "session.extend", "Give a session more time or data than was approved at first", writes: .full,
            [.agentSession], ["session", "by"]),
        Capability(
            "session.release", "Let a session go on as it was approved", writes: Reversibility.none, [.agentSession],
            ["session"]),
        Capability(
            "workload.pause", "Stop a workload from running", writes: .full, contains: true, [.workload],
            ["workload"]),
        Capability(
            "workload.resume", "Let a workload run again", writes: Reversibility.none, [.workload], ["workload"]),
        Capability(
            "store.plan_restore", "Name the objects that were changed, with the version that each had before",
            everything, ["subject", "since"]),
        Capability(
            "store.restore_version", "Make an earlier version of an object the current one", writes: .full, everything,
            ["subject", "object", "version", "replaces"]),
        Capability(
            "challenge.send", "Ask the subject's owner to prove themselves anew", writes: Reversibility.none,
            everything, ["subject"]),
        Capability(
            "http.call", "Post to an address that the connector names", writes: Reversibility.none, everything,
            ["subject", "body"]),
    ]

    package static func named(_ name: String) -> Capability? { all.first { $0.name == name } }
}
