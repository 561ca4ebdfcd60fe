// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
package import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore
import Logging
import Synchronization

// The registry of agent sessions: input, machine, commit, then memory. What memory holds beyond the store (the totals
// of the last heartbeats) its runtime tells again with the next.

extension Engine {
    package typealias SessionResult = Result<SessionStanding, SessionRefusal>

    /// Answered from memory.
    package func verdict(on id: String) async throws -> SessionVerdict {
        if let known = verdictAtOnce(on: id) { return known }
        try await readSessions()
        let now = clock.now
        return counted(sessionDesk.state.withLock { $0.book.verdict(on: id, at: now) })
    }

    /// The same on the caller's own thread; nothing until the store was read.
    package func verdictAtOnce(on id: String) -> SessionVerdict? {
        let now = clock.now
        return sessionDesk.state.withLock { $0.isLoaded ? $0.book.verdict(on: id, at: now) : nil }.map(counted)
    }

    private func counted(_ verdict: SessionVerdict) -> SessionVerdict {
        count { $0.verdicts[verdict.answer, default: 0] += 1 }
        return verdict
    }

    /// How many live sessions there are in each state.
    package func sessionStates() async throws -> [AgentSession.State: Int] {
        try await readSessions()
        let book = sessionDesk.state.withLock { $0.book }
        return book.sessions.keys.reduce(into: [:]) { $0[book.state(of: $1), default: 0] += 1 }
    }

    /// The verdicts on all live sessions. Worked out on a copy: whoever asks for one meanwhile doesn't wait.
    package func verdicts() async throws -> [SessionVerdict] {
        try await readSessions()
        let now = clock.now
        let book = sessionDesk.state.withLock { $0.book }
        return book.sessions.keys.sorted().map { book.verdict(on: $0, at: now) }
    }

    package var sessionFeed: SessionFeed { sessionDesk.feed }

    /// Reads the live sessions, once.
    func readSessions() async throws {
        guard !sessionDesk.state.withLock({ $0.isLoaded }) else { return }
        try await sessionDesk.locks.whileLocked([""]) {
            guard !self.sessionDesk.state.withLock({ $0.isLoaded }) else { return }
            let sessions = try await SessionStanding.liveSessions(self.store)
            self.sessionDesk.state.withLock { $0.load(sessions) }
        }
    }

    /// Opens a session, or says that it is open already: the same content twice is one opening.
    package func openSession(_ opening: AgentSession.Opening, runtime: String) async throws -> SessionResult {
        try await readSessions()
        let above = sessionDesk.state.withLock { state in opening.parent.flatMap { state.book[$0]?.root } }
        return try await sessionDesk.locks.whileLocked([above ?? opening.id, opening.id]) {
            if let known = try await self.session(opening.id) { return self.again(opening, known, runtime) }
            let (refusal, parent) = self.sessionDesk.state.withLock { state in
                (state.refusal(of: opening), opening.parent.flatMap { state.book[$0] })
            }
            if let refusal { return .failure(refusal) }
            if let parent, parent.runtime != runtime {
                return .failure(SessionRefusal(.notOwn, "'\(parent.id)' was opened by another runtime"))
            }
            let event = SessionEvent.sessionOpened(
                opening, root: parent?.root ?? opening.id, depth: parent.map { $0.depth + 1 } ?? 0, runtime: runtime)
            let session = try await self.commit([event], to: nil, at: self.clock.now)
            var standing = self.standing(session)
            standing.isNew = true
            return .success(standing)
        }
    }

    private func again(_ opening: AgentSession.Opening, _ known: AgentSession, _ runtime: String) -> SessionResult {
        let standing = standing(known)
        if standing.state == .closed {
            return .failure(SessionRefusal(.closed, "session '\(known.id)' was closed, and no id is used twice"))
        }
        guard known.opening == opening, known.runtime == runtime else {
            return .failure(
                SessionRefusal(.differs, "session '\(known.id)' is open already, with other content"))
        }
        return .success(standing)
    }

    /// Puts to a session what its runtime, a run or a person has to say to it.
    ///
    /// - Parameter runtime: whose session it must be.
    package func tellSession(
        _ id: String, _ input: SessionInput, runtime: String? = nil
    ) async throws -> SessionResult {
        try await readSessions()
        guard let found = try await session(id) else {
            return .failure(SessionRefusal(.unknown, "there is no session '\(id)'"))
        }
        if let runtime, runtime != found.runtime {
            return .failure(SessionRefusal(.notOwn, "session '\(id)' was opened by another runtime"))
        }
        return try await sessionDesk.locks.whileLocked([found.root]) {
            guard let session = try await self.session(id) else {
                return .failure(SessionRefusal(.unknown, "there is no session '\(id)'"))
            }
            if case .use = input, !session.isClosed, self.standing(session).state == .closed {
                return .failure(SessionRefusal(.closed, "a session that delegated to '\(id)' was closed"))
            }
            let now = self.clock.now
            var current = session
            // Its last word is looked at like any other, before it is closed: afterwards it passes no boundary.
            if case .close(let usage?, _) = input, !session.isClosed {
                self.sessionDesk.state.withLock { $0.book.report(id, usage) }
                try await self.raiseCrossings(of: id)
                current = try await self.session(id) ?? session
            }
            switch current.handle(input, at: now) {
            case .failure(let refusal): return .failure(refusal)
            case .success(let events):
                if !events.isEmpty { current = try await self.commit(events, to: current, at: now) }
            }
            if case .use(let usage, _) = input {
                self.sessionDesk.state.withLock { $0.book.report(id, usage) }
                try await self.raiseCrossings(of: id)
            }
            return .success(self.standing(current))
        }
    }

    package func sessionStanding(_ id: String) async throws -> SessionStanding? {
        try await readSessions()
        return try await session(id).map(standing)
    }

    private func standing(_ session: AgentSession) -> SessionStanding {
        sessionDesk.state.withLock { SessionStanding($0.book[session.id] ?? session, $0.book) }
    }

    /// From memory, or from the store where it is of a tree that was closed.
    private func session(_ id: String) async throws -> AgentSession? {
        if let live = sessionDesk.state.withLock({ $0.book[id] }) { return live }
        var query = SessionQuery()
        query.id = id
        return try await store.sessions(query).first?.session()
    }

    // MARK: Commit

    private func commit(
        _ events: [SessionEvent], to session: AgentSession?, at now: Instant
    ) async throws -> AgentSession {
        var change = chronicle.change(events, to: session, at: now)
        change.commit.notices = securityEvents(making: change.session, by: events, at: now)
        do throws(StoreError) {
            try await store.commit(session: change.commit)
        } catch {
            // What is stored is not known, or another wrote it: no verdict may be given from memory any more.
            if error.code == .unavailable || error.code == .conflict {
                sessionDesk.state.withLock { $0 = SessionDesk.State() }
                fail(error)
            }
            throw error
        }
        // Durable from here: a crash loses nothing of it, the next start reads it.
        count { $0.count(events) }
        noteEvents(change.commit.notices)
        keep(change.session, isNew: session == nil)
        if session == nil || events.contains(where: \.changesWhatMayBeDone) { publish(change.session) }
        return change.session
    }

    private func keep(_ session: AgentSession, isNew: Bool) {
        sessionDesk.state.withLock { state in
            if isNew { state.book.insert(session) } else { state.book.update(session) }
            if state.book[session.id] != nil { state.note(session) }
        }
    }

    /// Tells what holds now for it and for all below it.
    private func publish(_ session: AgentSession) {
        let now = clock.now
        let verdicts = sessionDesk.state.withLock { state -> [SessionVerdict] in
            let ids = [session.id] + state.book.descendants(of: session.id)
            let verdicts = ids.map { state.book.verdict(on: $0, at: now) }
            if session.isClosed, session.root == session.id { state.forget(root: session.id) }
            return verdicts
        }
        sessionDesk.feed.publish(verdicts)
    }

    // MARK: Boundaries

    /// Makes the alerts that are due of a session and of those above it. An alert is stored first: a crash between the
    /// two makes it again, and the store knows it by its delivery id.
    private func raiseCrossings(of id: String) async throws {
        let now = clock.now
        let line = sessionDesk.state.withLock { state in
            state.book.lineage(of: id).map { ($0, $0.crossings(state.book.total(of: $0.id), at: now)) }
        }
        for (session, crossings) in line {
            var session = session
            for (crossing, used) in crossings {
                let alert = try await alarm(session, crossing, used, at: now)
                guard
                    case .success(let events) = session.handle(
                        .raise(crossing, used: used, alert: alert), at: now), !events.isEmpty
                else { continue }
                session = try await commit(events, to: session, at: now)
            }
            if !crossings.isEmpty, session.opening.whenExceeded != .allow { publish(session) }
        }
    }

    private func alarm(
        _ session: AgentSession, _ crossing: AgentSession.Crossing, _ used: Int64, at now: Instant
    ) async throws -> AlertID {
        let body = SessionAlarm.body(session, crossing, used: used, at: now).jsonBytes
        var random = SystemRandomNumberGenerator()
        let id = AlertID(at: now, random: (random.next(), UInt16.random(in: .min ... .max, using: &random)))
        let alert = Alert(
            id: id, source: SessionAlarm.source, deliveryID: SessionAlarm.deliveryID(session, crossing),
            receivedAt: now, headers: [:], body: body, bodyDigest: digestText(body), originProof: .channel)
        switch await store(alert) {
        case .stored(let id), .duplicate(of: let id): return id
        case .unavailable(let reason, _): throw StoreError(.busy, reason)
        case .tooMany: throw StoreError(.busy, "the alert was put off")
        case .rejected(let rejection): throw StoreError(.busy, "the alert was not taken: \(rejection.rawValue)")
        }
    }

    /// Time has made a session pass a boundary.
    func raise(_ id: String) async {
        guard let root = sessionDesk.state.withLock({ $0.book[id]?.root }) else { return }
        do {
            try await sessionDesk.locks.whileLocked([root]) {
                try await self.raiseCrossings(of: id)
                self.sessionDesk.state.withLock { state in
                    if let session = state.book[id] { state.note(session) }
                }
            }
        } catch {
            // The sweep comes back to it.
            logger.error(
                "a boundary that a session passed could not be told",
                metadata: ["session": "\(id)", "error": "\(error)"])
        }
    }

    /// Finds the crossings that no alert tells of yet: what an ended process left, and what could not be stored.
    func sweepSessions() async throws(StoreError) {
        do { try await readSessions() } catch let error as StoreError { throw error } catch {
            throw StoreError(.corrupt, "\(error)")
        }
        let now = clock.now
        let book = sessionDesk.state.withLock { $0.book }
        let due = book.sessions.values.filter { !$0.crossings(book.total(of: $0.id), at: now).isEmpty }.map(\.id)
        for id in due.sorted() { hand(.boundary(id)) }
    }

    // MARK: Decisions

    /// The library as it decides about this signal: with the open sessions that the signal names.
    func library(_ library: Library, for signal: Signal) async throws -> Library {
        var library = library
        let names = signal.sessionNames
        guard !names.isEmpty else { return library }
        try await readSessions()
        let providers = connections.providers.filter { $0.connector == "agent-sessions" }.map(\.id)
        library.inventory.openSessions = sessionDesk.state.withLock { state in
            names.sorted().compactMap { name in
                guard let session = state.book[name], state.book.state(of: name) != .closed else { return nil }
                return OpenSession(session, providers: providers)
            }
        }
        return library
    }
}

extension SessionDesk.State {
    fileprivate func refusal(of opening: AgentSession.Opening) -> SessionRefusal? {
        guard book.sessions.count < Limits.sessionsMax else {
            return SessionRefusal(
                .overLimit, "\(book.sessions.count) sessions are open, the limit is \(Limits.sessionsMax) (sessionsMax)"
            )
        }
        return book.refusal(of: opening)
    }
}

extension SessionRecord {
    /// The session as it stands.
    package func session() throws(EngineError) -> AgentSession {
        do {
            return try AgentSession(JSON.parse(snapshot))
        } catch {
            throw EngineError(.store, "the snapshot of session \(id) can't be read: \(error)")
        }
    }
}

extension Chronicle {
    /// The change that stores a session's next events, and the session that they make.
    package func change(
        _ events: [SessionEvent], to session: AgentSession?, at now: Instant
    ) -> (commit: SessionCommit, session: AgentSession) {
        var rest = events[...]
        var next = session
        if next == nil {
            next = rest.popFirst().flatMap { AgentSession($0, at: now) }
        }
        guard var made = next else { preconditionFailure("the first event of a session is its opening") }
        for event in rest { made.apply(event, at: now) }
        let expected = session?.number ?? 0
        let entries = events.enumerated().map { offset, event in
            entry(made.stream, expected + offset + 1, now, event.kind, event.value)
        }
        let record = SessionRecord(
            id: made.id, root: made.root, number: made.number, openedAt: made.openedAt, updatedAt: now,
            closedAt: made.closing?.at, snapshot: made.value.jsonBytes)
        return (SessionCommit(expectedNumber: expected, session: record, entries: entries), made)
    }
}

extension Entry {
    /// The event that this line tells of, for a session's stream.
    package func sessionEvent() throws(EngineError) -> SessionEvent {
        do {
            return try SessionEvent(kind: kind, try JSON.parse(bytes)["body"] ?? .null)
        } catch {
            throw EngineError(.store, "line \(number) of \(stream) can't be read: \(error)")
        }
    }
}
