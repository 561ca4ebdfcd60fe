// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What receivers of shared signals are told of a session when what may be done in it changes, in the words of the
/// Continuous Access Evaluation Profile 1.0: https://openid.net/specs/openid-caep-1_0-final.html
///
/// It is told by what holds, and not by who did what: a child of a session that is isolated is told of too, and what
/// changes nothing for a receiver is not told.
package struct SecurityEvent: Sendable, Hashable {
    /// The event types, by the last part of their URI.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case sessionRevoked = "session-revoked"
        /// A session was opened, or may go on after it was revoked.
        case sessionEstablished = "session-established"
        /// More or less of it is allowed than was.
        case tokenClaimsChange = "token-claims-change"
        /// It must show anew who it is before it goes on, or need no longer.
        case assuranceLevelChange = "assurance-level-change"

        package var uri: String { "https://schemas.openid.net/secevent/caep/event-type/\(rawValue)" }
    }

    /// Who brought it about, as CAEP §2 has it.
    package enum Initiator: String, Sendable, Hashable { case admin, policy, system }

    /// The levels of `assurance-level-change`: no published scale says what a verdict does.
    package static let namespace = "cordon-verdict"

    package var kind: Kind
    package var session: String
    package var agent: String
    package var issuer: String?
    package var claims: Value

    package init(kind: Kind, session: String, agent: String, issuer: String?, claims: Value) {
        self.kind = kind
        self.session = session
        self.agent = agent
        self.issuer = issuer
        self.claims = claims
    }

    /// RFC 9493 §3.2.5: the session, and whose it is.
    package func subject(issuer own: String) -> Value {
        [
            "format": "complex", "session": ["format": "opaque", "id": .string(session)],
            "user": ["format": "iss_sub", "iss": .string(issuer ?? own), "sub": .string(agent)],
        ]
    }
}

extension SecurityEvent {
    /// What one session's receivers are told; `nil` when nothing changed for them.
    ///
    /// - Parameter before: what held; `nil` for a session that is opened now.
    static func of(
        _ session: AgentSession, from before: SessionVerdict.Answer?, to after: SessionVerdict.Answer,
        by cause: SessionEvent, at now: Instant
    ) -> SecurityEvent? {
        guard before != after, let (kind, more) = change(session, from: before, to: after) else { return nil }
        var claims: [String: Value] = [
            "event_timestamp": .int(now.milliseconds / 1000),
            "initiating_entity": .string(cause.initiator.rawValue),
        ]
        // Of what was opened there is no reason to be told.
        if before != nil { claims["reason_admin"] = ["en": .string(cause.reasonForReceivers)] }
        for (name, value) in more { claims[name] = value }
        return SecurityEvent(
            kind: kind, session: session.id, agent: session.opening.agent, issuer: session.opening.issuer,
            claims: .object(claims))
    }

    private static func change(
        _ session: AgentSession, from before: SessionVerdict.Answer?, to after: SessionVerdict.Answer
    ) -> (Kind, [String: Value])? {
        switch (before, after) {
        // What was never open is nobody's to end.
        case (nil, .deny): nil
        case (_, .deny): (.sessionRevoked, [:])
        case (nil, _), (.deny?, _): (.sessionEstablished, ["ext_id": .string(session.root)])
        case (let before?, .stepUp): (.assuranceLevelChange, level(from: before, to: after, "decrease"))
        case (.stepUp?, .allow): (.assuranceLevelChange, level(from: .stepUp, to: after, "increase"))
        case (_, .allow), (_, .slow), (_, .readOnly):
            (
                .tokenClaimsChange,
                [
                    "claims": [
                        "scope": .string(session.opening.scope.joined(separator: " ")),
                        "cordon_verdict": .string(after.rawValue),
                    ]
                ]
            )
        }
    }

    private static func level(
        from before: SessionVerdict.Answer, to after: SessionVerdict.Answer, _ direction: String
    ) -> [String: Value] {
        [
            "namespace": .string(namespace), "previous_level": .string(before.rawValue),
            "current_level": .string(after.rawValue), "change_direction": .string(direction),
        ]
    }
}

extension SessionEvent {
    /// A run's calls carry an idempotency key, a person's don't.
    fileprivate var initiator: SecurityEvent.Initiator {
        switch self {
        case .sessionOpened, .sessionUsed, .sessionSkewed, .sessionClosed: .system
        case .boundaryExceeded: .policy
        case .sessionIsolated(let act), .sessionIsolationEnded(let act), .sessionReleased(let act),
            .sessionLimited(_, let act), .sessionExtended(_, let act), .sessionApproved(_, let act):
            act.key == nil ? .admin : .policy
        }
    }

    /// Who did what. A person's own words stay here: they are written for colleagues, and a receiver is another house.
    fileprivate var reasonForReceivers: String {
        switch self {
        case .sessionOpened, .sessionUsed, .sessionSkewed: "the session changed"
        case .boundaryExceeded(let crossing, _, _): "the approved \(crossing.boundary.rawValue) is exceeded"
        case .sessionIsolated: "isolated"
        case .sessionIsolationEnded: "its isolation ended"
        case .sessionLimited(let limit, _): limit == .none ? "its limit was lifted" : "limited to \(limit.rawValue)"
        case .sessionExtended: "more was approved"
        case .sessionApproved: "what is approved was set"
        case .sessionReleased: "released"
        case .sessionClosed: "closed"
        }
    }
}

extension SessionBook {
    /// What receivers are told when these events have made `session` of what the book holds of it: of itself, and of
    /// each below it for which something changes.
    ///
    /// Only what the history tells counts, and neither the last heartbeat nor the time: so each change is told by the
    /// commit that made it, and by no other.
    package func securityEvents(
        making session: AgentSession, by events: [SessionEvent], at now: Instant
    ) -> [SecurityEvent] {
        guard let cause = events.last(where: \.mayChangeVerdict) else { return [] }
        return ([session.id] + descendants(of: session.id).sorted()).compactMap { id in
            guard let told = id == session.id ? session : self[id] else { return nil }
            return SecurityEvent.of(
                told, from: self[id] == nil ? nil : settledAnswer(on: id), to: settledAnswer(on: id, with: session),
                by: cause, at: now)
        }
    }

    /// The strictest of what the history tells of a session and of those above it.
    func settledAnswer(on id: String, with changed: AgentSession? = nil) -> SessionVerdict.Answer {
        var strictest = SessionVerdict.Answer.allow
        var next: String? = id
        var steps = 0
        while let name = next, steps <= Limits.sessionDepthMax {
            guard let session = name == changed?.id ? changed : self[name] else { return .deny }
            if session.settledAnswer.rank > strictest.rank { strictest = session.settledAnswer }
            next = session.opening.parent
            steps += 1
        }
        return strictest
    }
}

extension AgentSession {
    /// What its own history says of it, those above it apart.
    fileprivate var settledAnswer: SessionVerdict.Answer {
        let done: SessionVerdict.Answer =
            switch ownState {
            case .open: .allow
            case .slow: .slow
            case .readOnly: .readOnly
            case .isolated, .closed: .deny
            }
        let isTold = Boundary.allCases.contains { boundary in
            approved[boundary].map { raised.contains(Crossing(boundary: boundary, approved: $0, level: 1)) } ?? false
        }
        let passed = isTold ? opening.whenExceeded.answer : .allow
        return done.rank > passed.rank ? done : passed
    }
}

extension SessionEvent {
    fileprivate var mayChangeVerdict: Bool {
        switch self {
        case .sessionUsed, .sessionSkewed: false
        case .sessionOpened, .boundaryExceeded, .sessionIsolated, .sessionIsolationEnded, .sessionLimited,
            .sessionExtended, .sessionApproved, .sessionReleased, .sessionClosed:
            true
        }
    }
}
