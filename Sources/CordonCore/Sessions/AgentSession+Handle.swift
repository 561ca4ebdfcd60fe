// SPDX-License-Identifier: Apache-2.0

/// What is told to a session, or asked of it.
package enum SessionInput: Sendable, Hashable {
    /// Its own totals, and when its runtime says that it is.
    case use(AgentSession.Usage, claimedAt: Instant?)
    /// An alert about a crossing is stored.
    case raise(AgentSession.Crossing, used: Int64, alert: AlertID)
    /// `revision`: only if it still stands there.
    case change(SessionChange, AgentSession.Act, revision: Int?)
    case close(AgentSession.Usage?, AgentSession.Act)
}

/// What a run or a person does to a session.
package enum SessionChange: Sendable, Hashable {
    case isolation(Bool)
    case limit(AgentSession.Limit)
    case extend(AgentSession.Extension)
    case approve(AgentSession.Approval)
    case release
}

/// Why something was not done to a session. A value: it is answered, never guessed around.
package struct SessionRefusal: Sendable, Hashable, Error {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case unknown
        case closed
        /// Opened before with other content.
        case differs
        /// It no longer stands at the revision that was compared.
        case stale
        /// More than its parent has, or a parent that may not delegate.
        case notDelegable
        /// Of another runtime.
        case notOwn
        case overLimit
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension AgentSession {
    package func handle(_ input: SessionInput, at now: Instant) -> Result<[SessionEvent], SessionRefusal> {
        switch input {
        case .use(let usage, let claimedAt): return use(usage, claimedAt, now)
        case .raise(let crossing, let used, let alert):
            return .success(raised.contains(crossing) ? [] : [.boundaryExceeded(crossing, used: used, alert: alert)])
        case .change(let change, let act, let revision):
            let result = self.change(change, act)
            // What holds already is no conflict (RFC 9110 §13.1.1): a call whose answer was lost comes again as it was.
            if case .success(let events) = result, events.isEmpty { return result }
            if let revision, revision != self.revision {
                return .failure(
                    SessionRefusal(.stale, "\(id) stands at revision \(self.revision), not \(revision); read it again"))
            }
            return result
        case .close(let usage, let act):
            return .success(isClosed ? [] : [.sessionClosed(used.joined(usage ?? used), act)])
        }
    }

    private func use(
        _ usage: Usage, _ claimedAt: Instant?, _ now: Instant
    ) -> Result<[SessionEvent], SessionRefusal> {
        if let closing {
            return .failure(SessionRefusal(.closed, "\(id) was closed at \(closing.at) by \(closing.by)"))
        }
        var events: [SessionEvent] = []
        let total = used.joined(usage)
        if approved.marks(total) != approved.marks(used) { events.append(.sessionUsed(total)) }
        if let skew = claimedAt.map({ $0.since(now) }), skew.magnitude > Limits.sessionSkewMillisecondsMax, !sawSkew {
            events.append(.sessionSkewed(milliseconds: skew))
        }
        return .success(events)
    }

    /// To take something away never fails because it is moot: a closed session takes a mark, and stays closed.
    private func change(_ change: SessionChange, _ act: Act) -> Result<[SessionEvent], SessionRefusal> {
        switch change {
        case .isolation(true): return .success(isolation == nil ? [.sessionIsolated(act)] : [])
        case .isolation(false): return .success(isolation == nil ? [] : [.sessionIsolationEnded(act)])
        case .limit(let limit): return .success(limit == self.limit ? [] : [.sessionLimited(limit, act)])
        case .release:
            return .success(isolation == nil && limit == .none ? [] : [.sessionReleased(act)])
        case .approve(let approval):
            return .success(approval == approved ? [] : [.sessionApproved(approval, act)])
        case .extend(let more): return extend(more, act)
        }
    }

    private func extend(_ more: Extension, _ act: Act) -> Result<[SessionEvent], SessionRefusal> {
        if let closing { return .failure(SessionRefusal(.closed, "\(id) was closed at \(closing.at)")) }
        if let key = act.key, extensions.contains(key) { return .success([]) }
        guard extensions.count < Limits.sessionExtensionsMax else {
            return .failure(
                SessionRefusal(
                    .overLimit,
                    "\(id) was extended \(extensions.count) times, the limit is \(Limits.sessionExtensionsMax) (sessionExtensionsMax)"
                ))
        }
        let extended = approved.adding(more)
        guard extended.durationSeconds <= Limits.sessionSecondsMax else {
            return .failure(
                SessionRefusal(
                    .overLimit,
                    "\(id) would last \(extended.durationSeconds) s, the limit is \(Limits.sessionSecondsMax) s (sessionSecondsMax)"
                ))
        }
        return .success(extended == approved ? [] : [.sessionExtended(extended, act)])
    }

    // MARK: Boundaries

    /// The crossings that no alert tells of yet: of each boundary the highest. `total` is what it and those that it
    /// delegated to used together.
    package func crossings(_ total: Usage, at now: Instant) -> [(crossing: Crossing, used: Int64)] {
        guard !isClosed else { return [] }
        return Boundary.allCases.compactMap { boundary in
            guard let approved = approved[boundary] else { return nil }
            let used = used(of: boundary, total, at: now)
            let level = Crossing.level(boundary, used, of: approved)
            let crossing = Crossing(boundary: boundary, approved: approved, level: level)
            return level == 0 || raised.contains(crossing) ? nil : (crossing, used)
        }
    }

    package func isExceeded(_ total: Usage, at now: Instant) -> Boundary? {
        Boundary.allCases.first { boundary in
            guard let approved = approved[boundary] else { return false }
            // What the history tells stays so: totals since its last entry are lost with the process.
            return raised.contains(Crossing(boundary: boundary, approved: approved, level: 1))
                || Crossing.level(boundary, used(of: boundary, total, at: now), of: approved) > 0
        }
    }

    package func used(of boundary: Boundary, _ total: Usage, at now: Instant) -> Int64 {
        switch boundary {
        case .duration: max(0, (closing?.at ?? now).since(openedAt)) / 1000
        case .bytes: total.bytes
        case .calls: total.calls
        }
    }

    /// When time alone makes its next crossing.
    package var dueAt: Instant? {
        guard !isClosed else { return nil }
        let reached =
            raised.filter { $0.boundary == .duration && $0.approved == approved.durationSeconds }
            .map(\.level).max() ?? 0
        guard reached < Limits.boundaryLevelsMax else { return nil }
        let (seconds, isTooLong) = approved.durationSeconds.multipliedReportingOverflow(by: 1 << Int64(reached))
        return isTooLong ? nil : openedAt.adding(milliseconds: clampedMilliseconds(seconds))
    }

    /// When what was approved has passed.
    package var endsAt: Instant { openedAt.adding(milliseconds: clampedMilliseconds(approved.durationSeconds)) }
}

private func clampedMilliseconds(_ seconds: Int64) -> Int64 {
    let (milliseconds, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
    return isTooLong ? .max : milliseconds
}

extension AgentSession.Crossing {
    /// 0 within what was approved, 1 beyond it, and one more for each doubling.
    package static func level(_ boundary: AgentSession.Boundary, _ used: Int64, of approved: Int64) -> Int {
        func isOver(_ bound: Int64) -> Bool { boundary == .duration ? used >= bound : used > bound }
        guard isOver(approved) else { return 0 }
        var level = 1
        var bound = approved
        while level < Limits.boundaryLevelsMax {
            let (twice, isTooMuch) = bound.multipliedReportingOverflow(by: 2)
            guard !isTooMuch, twice > bound, isOver(twice) else { break }
            bound = twice
            level += 1
        }
        return level
    }
}

extension AgentSession.Approval {
    func adding(_ more: AgentSession.Extension) -> AgentSession.Approval {
        AgentSession.Approval(
            durationSeconds: sum(durationSeconds, more.durationSeconds), bytes: bytes.map { sum($0, more.bytes) },
            calls: calls.map { sum($0, more.calls) })
    }

    private func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isTooMuch) = left.addingReportingOverflow(right)
        return isTooMuch ? .max : sum
    }

    /// How far totals have come, in steps coarse enough that a session has few of them however often it reports.
    func marks(_ usage: AgentSession.Usage) -> [Int] { [mark(usage.bytes, bytes), mark(usage.calls, calls)] }

    private func mark(_ used: Int64, _ approved: Int64?) -> Int {
        guard used > 0 else { return 0 }
        guard let approved, approved > 0 else { return Int64.bitWidth - used.leadingZeroBitCount }
        // Only within what was approved: beyond it the quotient may be larger than an Int holds.
        if used <= approved { return min(Int(Double(used) / Double(approved) * 10), 10) }
        return 11 + (Int64.bitWidth - (used / approved).leadingZeroBitCount)
    }
}
