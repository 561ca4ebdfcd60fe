// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One thing that can be asked of a provider, in the house's words. A provider that lacks it can't be published for.
package struct Capability: Sendable, Hashable {
    /// What a parameter takes.
    package enum Taking: Sendable, Hashable {
        /// Whom it is about: the subject, or what an expression picks of it.
        case subject
        case text
        /// A list of texts.
        case names
        case any
    }

    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var takes: Taking

        package init(_ name: String, _ takes: Taking) {
            self.name = name
            self.takes = takes
        }
    }

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
    package var parameters: [Parameter]
    /// The members that whatever provider keeps of the state, before and after. A provider may keep more; where none are
    /// declared, expressions read whatever it keeps.
    package var state: [String: Schema]
    /// The same of what it answers.
    package var result: [String: Schema]

    private init(
        _ name: String, _ title: String, writes reversibility: Reversibility? = nil, contains: Bool = false,
        endsCredentials: Bool = false, _ subjects: Set<Subject.Kind>, _ parameters: [Parameter],
        state: [String: Schema] = [:], result: [String: Schema] = [:]
    ) {
        self.name = name
        self.title = title
        isWrite = reversibility != nil
        self.reversibility = reversibility ?? .none
        isContainment = contains
        self.endsCredentials = endsCredentials
        self.subjects = subjects
        self.parameters = parameters
        self.state = state
        self.result = result
    }

    /// What expressions know of the state: `before` and `after`.
    package func stateSchema(_ name: String) -> Schema { Self.schema(name, state) }
    package func resultSchema(_ name: String) -> Schema { Self.schema(name, result) }

    private static func schema(_ name: String, _ members: [String: Schema]) -> Schema {
        guard !members.isEmpty else { return .any }
        return .object(name, members.mapValues { ObjectSchema.Field($0) }, openness: .partly)
    }

    private static let everything = Set(Subject.Kind.allCases)
    private static let accounts: Set<Subject.Kind> = [.serviceAccount, .credential]

    package static let all = reads + ofAccounts + ofCredentials + ofOthers

    private static let reads = [
        Capability(
            "evidence.capture", "Keep what the provider says about the subject", everything, [.init("of", .subject)]),
        // What the inventory doesn't hold the provider is asked for. The answer names exactly one, compared again, or none:
        // a run then waits for a person. Later steps take `result.account` as their subject, so that what they act on is
        // an answer that the history holds, and deciding what to do of it stays a pure function of that history.
        Capability(
            "account.find", "Look up what the provider calls an account", everything, [.init("account", .subject)],
            result: ["account": .any]),
        Capability(
            "sessions.list", "Name the sessions that an account has open", everything, [.init("account", .subject)],
            result: ["sessions": .list(.any)]),
        Capability(
            "grants.list", "Name what an account has granted to clients", everything, [.init("account", .subject)],
            result: ["grants": .list(.any)]),
        Capability(
            "credential.prove", "Sign in with a credential that was just issued, and do nothing", everything,
            [.init("credential", .subject), .init("secret", .any)]),
    ]

    private static let ofAccounts = [
        Capability(
            "account.suspend", "Refuse every sign-in of an account", writes: .full, contains: true, accounts,
            [.init("account", .subject)]),
        Capability(
            "account.restore", "Let an account sign in again", writes: Reversibility.none, accounts,
            [.init("account", .subject)]),
        Capability(
            "scopes.reduce", "Take scopes away, down to a list", writes: .full, contains: true, accounts,
            [.init("subject", .subject), .init("keep", .names)]),
        Capability(
            "scopes.restore", "Give scopes back that were taken away", writes: Reversibility.none, accounts,
            [.init("subject", .subject), .init("scopes", .names)]),
        Capability(
            "sessions.revoke", "End every session that was issued by the subject", writes: Reversibility.none,
            endsCredentials: true, everything, [.init("issued_by", .subject)]),
        Capability(
            "session.end", "End one session", writes: Reversibility.none, endsCredentials: true, everything,
            [.init("account", .subject), .init("session", .subject)]),
        Capability(
            "grants.revoke", "Take back what an account has granted to one client", writes: Reversibility.none,
            endsCredentials: true, everything, [.init("account", .subject), .init("grant", .text)]),
        Capability(
            "factor.challenge", "Demand a second factor at the next sign-in", writes: .full, contains: true,
            everything, [.init("account", .subject)], state: ["demanded": .bool]),
        Capability(
            "policy.deny_write", "Deny an identity every change", writes: .full, contains: true, everything,
            [.init("subject", .subject)], state: ["denied": .bool]),
        Capability(
            "policy.allow_write", "Take back that an identity is denied every change", writes: Reversibility.none,
            everything, [.init("subject", .subject)]),
    ]

    private static let ofCredentials = [
        Capability(
            "tokens.revoke", "End a token so that its next use is refused", writes: Reversibility.none,
            endsCredentials: true, accounts, [.init("credential", .subject)], state: ["active": .bool]),
        Capability(
            "credential.issue", "Make a second credential beside the first", writes: .full, accounts,
            [.init("subject", .subject)]),
        Capability(
            "secret.deliver", "Put a secret where a consumer reads it", writes: .full, everything,
            [.init("to", .any), .init("secret", .any)]),
        Capability(
            "credential.disable", "Refuse a credential without deleting it", writes: .full, contains: true,
            [.credential], [.init("credential", .subject)]),
        Capability(
            "credential.enable", "Let a credential be used again", writes: Reversibility.none, [.credential],
            [.init("credential", .subject)]),
        Capability(
            "credential.delete", "Delete a credential for good", writes: Reversibility.none, endsCredentials: true,
            [.credential], [.init("credential", .subject)]),
    ]

    private static let ofOthers = [
        Capability(
            "session.isolate", "Refuse every further step of a session, and of those that it opened", writes: .full,
            contains: true, [.agentSession], [.init("session", .subject)], state: ["state": .string]),
        Capability(
            "session.limit", "Let a session go on with less: reading only, or slowed", writes: .full, contains: true,
            [.agentSession], [.init("session", .subject), .init("to", .any)], state: ["state": .string]),
        Capability(
            "session.extend", "Give a session more time or data than was approved at first", writes: .full,
            [.agentSession], [.init("session", .subject), .init("by", .any)]),
        Capability(
            "session.release", "Let a session go on as it was approved", writes: Reversibility.none, [.agentSession],
            [.init("session", .subject)]),
        Capability(
            "workload.pause", "Stop a workload from running", writes: .full, contains: true, [.workload],
            [.init("workload", .subject)], state: ["paused": .bool]),
        Capability(
            "workload.resume", "Let a workload run again", writes: Reversibility.none, [.workload],
            [.init("workload", .subject)]),
        Capability(
            "store.plan_restore", "Name the objects that were changed, with the version that each had before",
            everything, [.init("subject", .subject), .init("since", .text)], result: ["objects": .list(.any)]),
        Capability(
            "store.restore_version", "Make an earlier version of an object the current one", writes: .full, everything,
            [.init("subject", .subject), .init("object", .text), .init("version", .text), .init("replaces", .text)],
            state: ["current": .string]),
        Capability(
            "challenge.send", "Ask the subject's owner to prove themselves anew", writes: Reversibility.none,
            everything, [.init("subject", .subject)]),
        Capability(
            "notify", "Tell people of it where they read", writes: Reversibility.none, everything,
            [.init("subject", .subject), .init("text", .text)]),
        // A ticket carries the mark of its step, so that a probe finds it, and closing it is its undo.
        Capability(
            "ticket.open", "Open a ticket where people work", writes: .full, everything,
            [.init("title", .text), .init("text", .text)], state: ["open": .bool], result: ["ticket": .any]),
        Capability(
            "ticket.comment", "Add a comment to a ticket", writes: Reversibility.none, everything,
            [.init("ticket", .text), .init("text", .text)]),
        Capability(
            "ticket.close", "Close a ticket", writes: Reversibility.none, everything, [.init("ticket", .text)],
            state: ["open": .bool]),
        Capability(
            "http.call", "Post to an address that the connector names", writes: Reversibility.none, everything,
            [.init("subject", .subject), .init("body", .any)]),
    ]

    package static func named(_ name: String) -> Capability? { all.first { $0.name == name } }
}
