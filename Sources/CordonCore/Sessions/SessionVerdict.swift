// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What an enforcement point does with the next request of a session, and for how long it may go by that when Cordon
/// can't be asked.
package struct SessionVerdict: Sendable, Hashable {
    package enum Answer: String, Sendable, Hashable, CaseIterable {
        case allow
        case slow
        case readOnly = "read_only"
        case stepUp = "step_up"
        case deny
    }

    package var session: String
    package var answer: Answer
    package var reason: String
    /// The session's own; 0 for one that is not known.
    package var revision: Int
    package var expiresAt: Instant

    /// Whether a request of this method goes on (RFC 9110 §9.2.1: safe methods only read).
    package func lets(method: String) -> Bool {
        switch answer {
        case .allow, .slow: true
        case .readOnly: ["GET", "HEAD", "OPTIONS"].contains(method)
        case .stepUp, .deny: false
        }
    }

    package func value(at now: Instant) -> Value {
        [
            "session": .string(session), "verdict": .string(answer.rawValue), "reason": .string(reason),
            "revision": Value(revision), "expires_at": .string(expiresAt.description),
            "max_age_ms": .int(max(0, expiresAt.since(now))),
        ]
    }
}

extension SessionBook {
    /// Never `allow` for a session that is unknown, closed or isolated, or stands below one that is.
    package func verdict(on id: String, at now: Instant) -> SessionVerdict {
        let line = lineage(of: id)
        var verdict = SessionVerdict(
            session: id, answer: .deny, reason: "no session of this id is open", revision: line.first?.revision ?? 0,
            expiresAt: now.adding(milliseconds: Limits.verdictMilliseconds))
        // A parent that is missing would be no parent that allows.
        guard let last = line.last, last.opening.parent == nil else { return verdict }
        verdict.answer = .allow
        verdict.reason = "as approved"
        for session in line {
            for (answer, reason) in [session.standing, exceeding(session, at: now)].compactMap({ $0 })
            where answer.rank > verdict.answer.rank {
                verdict.answer = answer
                verdict.reason = session.id == id ? reason : "\(session.id), which delegated to it: \(reason)"
            }
            // What will change by time alone is not gone by beyond that time.
            if session.opening.whenExceeded != .allow, session.endsAt > now {
                verdict.expiresAt = min(verdict.expiresAt, session.endsAt)
            }
        }
        return verdict
    }

    private func exceeding(_ session: AgentSession, at now: Instant) -> (SessionVerdict.Answer, String)? {
        guard session.opening.whenExceeded != .allow,
            let boundary = session.isExceeded(total(of: session.id), at: now)
        else { return nil }
        return (session.opening.whenExceeded.answer, "the approved \(boundary.rawValue) is exceeded")
    }
}

extension AgentSession {
    /// What was done to this one, as an answer; `nil` when nothing was.
    fileprivate var standing: (SessionVerdict.Answer, String)? {
        switch ownState {
        case .open: nil
        case .slow: (.slow, "slowed by \(limitation?.by ?? "")")
        case .readOnly: (.readOnly, "limited to reading by \(limitation?.by ?? "")")
        case .isolated: (.deny, "isolated by \(isolation?.by ?? "")")
        case .closed: (.deny, "closed by \(closing?.by ?? "")")
        }
    }
}

extension AgentSession.WhenExceeded {
    /// What holds from the moment that a boundary is passed.
    var answer: SessionVerdict.Answer {
        switch self {
        case .allow: .allow
        case .readOnly: .readOnly
        case .stepUp: .stepUp
        case .deny: .deny
        }
    }
}

extension SessionVerdict.Answer {
    /// The stricter is the larger.
    var rank: Int { SessionVerdict.Answer.allCases.firstIndex(of: self) ?? 0 }
}
