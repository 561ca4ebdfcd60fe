// SPDX-License-Identifier: Apache-2.0

/// The live sessions with those that they delegated to: what holds for one holds for all below it, without a word to
/// each. So to isolate a session isolates its children at the same instant, and to release it gives back exactly that.
package struct SessionBook: Sendable {
    package private(set) var sessions: [String: AgentSession] = [:]
    private var children: [String: [String]] = [:]
    /// Each session's own totals as last reported: ahead of what the history tells, and lost with the process.
    private var reported: [String: AgentSession.Usage] = [:]
    /// What each and all below it used.
    private var totals: [String: AgentSession.Usage] = [:]
    private var counts: [String: Int] = [:]

    package init(_ sessions: [AgentSession] = []) {
        for session in sessions.sorted(by: { ($0.depth, $0.id) < ($1.depth, $1.id) }) { insert(session) }
        for session in sessions { report(session.id, session.used) }
    }

    package subscript(_ id: String) -> AgentSession? { sessions[id] }

    package func children(of id: String) -> [String] { children[id] ?? [] }

    /// How many sessions stand below one root, with it, the closed ones too.
    package func count(root: String) -> Int { counts[root] ?? 0 }

    package mutating func insert(_ session: AgentSession) {
        guard sessions.updateValue(session, forKey: session.id) == nil else { return }
        counts[session.root, default: 0] += 1
        totals[session.id] = AgentSession.Usage()
        if let parent = session.opening.parent { children[parent, default: []].append(session.id) }
    }

    package mutating func update(_ session: AgentSession) {
        guard sessions[session.id] != nil else { return }
        sessions[session.id] = session
        report(session.id, session.used)
    }

    /// Keeps totals that only grow, and adds what is new to all above.
    package mutating func report(_ id: String, _ usage: AgentSession.Usage) {
        guard sessions[id] != nil else { return }
        let before = reported[id] ?? AgentSession.Usage()
        let after = before.joined(usage)
        guard after != before else { return }
        reported[id] = after
        let more = AgentSession.Usage(bytes: after.bytes - before.bytes, calls: after.calls - before.calls)
        for session in lineage(of: id) { totals[session.id] = total(of: session.id).adding(more) }
    }

    /// A root that closed, with all below it.
    package mutating func forget(root: String) {
        for id in [root] + descendants(of: root) {
            sessions[id] = nil
            children[id] = nil
            reported[id] = nil
            totals[id] = nil
        }
        counts[root] = nil
    }

    package func total(of id: String) -> AgentSession.Usage { totals[id] ?? AgentSession.Usage() }

    /// The session and those above it, itself first.
    package func lineage(of id: String) -> [AgentSession] {
        var line: [AgentSession] = []
        var next: String? = id
        while let id = next, let session = sessions[id], line.count <= Limits.sessionDepthMax {
            line.append(session)
            next = session.opening.parent
        }
        return line
    }

    package func descendants(of id: String) -> [String] {
        var found: [String] = []
        var open = children(of: id)
        while let next = open.popLast() {
            found.append(next)
            open += children(of: next)
        }
        return found
    }

    /// The strictest of its own and of those above it; closed for one that is not known.
    package func state(of id: String) -> AgentSession.State { lineage(of: id).map(\.ownState).max() ?? .closed }

    /// Whoever opens a session below another gets no more than that one has.
    package func refusal(of opening: AgentSession.Opening) -> SessionRefusal? {
        guard let name = opening.parent else { return nil }
        guard let parent = sessions[name] else {
            return SessionRefusal(.notDelegable, "there is no open session '\(name)' that could delegate")
        }
        let state = state(of: name)
        guard state < .isolated else {
            return SessionRefusal(.notDelegable, "'\(name)' is \(state.rawValue); it delegates nothing")
        }
        guard parent.depth + 1 < Limits.sessionDepthMax else {
            return SessionRefusal(
                .overLimit,
                "'\(name)' stands at depth \(parent.depth), the limit is \(Limits.sessionDepthMax) (sessionDepthMax)")
        }
        guard count(root: parent.root) < Limits.sessionsPerRootMax else {
            return SessionRefusal(
                .overLimit,
                "'\(parent.root)' has \(count(root: parent.root)) sessions below it, the limit is \(Limits.sessionsPerRootMax) (sessionsPerRootMax)"
            )
        }
        return parent.excess(of: opening).map { SessionRefusal(.notDelegable, "'\(name)' can't delegate it: \($0)") }
    }
}

extension AgentSession {
    /// What a child would have beyond its parent.
    fileprivate func excess(of child: Opening) -> String? {
        if let more = Set(child.scope).subtracting(opening.scope).min() {
            return "its own scope does not hold '\(more)'"
        }
        if let more = Set(child.resources).subtracting(opening.resources).min() {
            return "its own resources do not hold '\(more)'"
        }
        for boundary in Boundary.allCases {
            guard let own = approved[boundary] else { continue }
            guard let asked = child.approved[boundary] else {
                return "its own \(boundary.rawValue) are bounded by \(own); say how many of them"
            }
            if asked > own { return "its own \(boundary.rawValue) is \(own), not \(asked)" }
        }
        return nil
    }
}
