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
    package var subjects: Set<Subject.Kind>
    /// Parameters beside the subject, by name.
    package var parameters: [String]

    private init(
        _ name: String, _ title: String, writes reversibility: Reversibility? = nil, contains: Bool = false,
        _ subjects: Set<Subject.Kind>, _ parameters: [String]
    ) {
        self.name = name
        self.title = title
        isWrite = reversibility != nil
        self.reversibility = reversibility ?? .none
        isContainment = contains
        self.subjects = subjects
        self.parameters = parameters
    }

    private static let everything = Set(Subject.Kind.allCases)

    package static let all: [Capability] = [
        Capability("evidence.capture", "Keep what the provider says about the subject", everything, ["of"]),
        Capability(
            "tokens.revoke", "End a token so that its next use is refused", writes: Reversibility.none, [.credential],
            ["credential"]),
        Capability(
            "account.suspend", "Refuse every sign-in of an account", writes: .full, contains: true,
            [.serviceAccount, .credential], ["account"]),
        Capability(
            "scopes.reduce", "Take scopes away, down to a list", writes: .full, contains: true,
            [.serviceAccount, .credential], ["subject", "keep"]),
        Capability(
            "sessions.revoke", "End every session that was issued by the subject", writes: Reversibility.none,
            everything, ["issued_by"]),
        Capability(
            "session.freeze", "Refuse every further step of a session", writes: .full, contains: true,
            [.agentSession], ["session"]),
        Capability(
            "credential.issue", "Make a second credential beside the first", writes: .full,
            [.credential, .serviceAccount], ["subject"]),
        Capability(
            "secret.deliver", "Put a secret where a consumer reads it", writes: .full, everything, ["to", "secret"]),
        Capability(
            "credential.disable", "Refuse a credential without deleting it", writes: .full, contains: true,
            [.credential], ["credential"]),
        Capability(
            "credential.delete", "Delete a credential for good", writes: Reversibility.none, [.credential],
            ["credential"]),
        Capability(
            "workload.pause", "Stop a workload from running", writes: .full, contains: true, [.workload],
            ["workload"]),
        Capability(
            "challenge.send", "Ask the subject's owner to prove themselves anew", writes: Reversibility.none,
            everything, ["subject"]),
        Capability(
            "http.call", "Post to an address that the connector names", writes: Reversibility.none, everything,
            ["subject", "body"]),
    ]

    package static func named(_ name: String) -> Capability? { all.first { $0.name == name } }
}
