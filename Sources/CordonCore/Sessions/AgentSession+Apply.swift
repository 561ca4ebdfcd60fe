// SPDX-License-Identifier: Apache-2.0

extension AgentSession {
    /// The session that its first event makes; `nil` for any other event.
    package init?(_ first: SessionEvent, at now: Instant) {
        guard case .sessionOpened(let opening, let root, let depth, let runtime) = first else { return nil }
        self.init(opening, root: root, depth: depth, runtime: runtime, at: now)
    }

    /// Changes, and decides nothing.
    package mutating func apply(_ event: SessionEvent, at now: Instant) {
        number += 1
        switch event {
        case .sessionOpened: break  // Only the first entry of a stream, which makes the session.
        case .sessionUsed(let usage): used = used.joined(usage)
        case .sessionSkewed: sawSkew = true
        case .boundaryExceeded(let crossing, _, _):
            for level in 1...max(1, crossing.level) {
                raised.insert(Crossing(boundary: crossing.boundary, approved: crossing.approved, level: level))
            }
        case .sessionIsolated(let act): isolation = act.mark(at: now)
        case .sessionIsolationEnded: isolation = nil
        case .sessionLimited(let limit, let act):
            self.limit = limit
            limitation = limit == .none ? nil : act.mark(at: now)
        case .sessionExtended(let approved, let act):
            self.approved = approved
            extensions.insert(act.key ?? "#\(number)")
        case .sessionApproved(let approved, _): self.approved = approved
        case .sessionReleased:
            isolation = nil
            limit = .none
            limitation = nil
        case .sessionClosed(let usage, let act):
            used = used.joined(usage)
            closing = act.mark(at: now)
        }
        if event.changesWhatMayBeDone { revision += 1 }
    }
}

extension SessionEvent {
    /// Told to enforcement points, and counted by the revision.
    package var changesWhatMayBeDone: Bool {
        switch self {
        case .sessionOpened, .sessionUsed, .sessionSkewed, .boundaryExceeded: false
        case .sessionIsolated, .sessionIsolationEnded, .sessionLimited, .sessionExtended, .sessionApproved,
            .sessionReleased, .sessionClosed:
            true
        }
    }
}
