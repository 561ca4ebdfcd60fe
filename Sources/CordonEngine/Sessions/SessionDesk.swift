// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonStore
import Synchronization

/// The live agent sessions as this process holds them, so that a verdict is answered from memory alone.
final class SessionDesk: Sendable {
    struct State {
        var book = SessionBook()
        /// The store was read; before, nobody is told anything.
        var isLoaded = false
        /// When time alone makes a session pass its next boundary.
        var dues: [String: Instant] = [:]
        var earliest: Instant?

        mutating func note(_ session: AgentSession) {
            dues[session.id] = session.dueAt
            earliest = dues.values.min()
        }

        mutating func load(_ sessions: [AgentSession]) {
            book = SessionBook(sessions)
            dues = [:]
            for session in sessions { dues[session.id] = session.dueAt }
            earliest = dues.values.min()
            isLoaded = true
        }

        mutating func forget(root: String) {
            for id in [root] + book.descendants(of: root) { dues[id] = nil }
            earliest = dues.values.min()
            book.forget(root: root)
        }

        mutating func takeDue(at now: Instant) -> [String] {
            guard let first = earliest, first <= now else { return [] }
            let due = dues.filter { $0.value <= now }.map(\.key).sorted()
            for id in due { dues[id] = nil }
            earliest = dues.values.min()
            return due
        }
    }

    let state = Mutex(State())
    /// One at a time changes what stands under one root.
    let locks = SubjectLocks()
    let feed = SessionFeed()

    func takeDue(at now: Instant) -> [String] { state.withLock { $0.takeDue(at: now) } }
}

/// A session with what stands around it, as it is shown.
package struct SessionStanding: Sendable {
    package var session: AgentSession
    /// The strictest of its own and of those above it.
    package var state: AgentSession.State
    package var children: [String]
    /// What it and all below it used.
    package var total: AgentSession.Usage
    /// It was opened just now.
    package var isNew = false

    /// One that the book does not hold stands in a tree that was closed.
    init(_ session: AgentSession, _ book: SessionBook) {
        let isLive = book[session.id] != nil
        self.session = session
        state = isLive ? book.state(of: session.id) : .closed
        children = book.children(of: session.id).sorted()
        total = isLive ? book.total(of: session.id) : session.used
    }
}

// As the store alone tells it.
extension SessionStanding {
    static func liveSessions(_ store: any Store) async throws -> [AgentSession] {
        var query = SessionQuery()
        query.onlyLive = true
        query.limit = 500
        var sessions: [AgentSession] = []
        while true {
            let page = try await store.sessions(query)
            sessions += try page.map { (record) throws(EngineError) in try record.session() }
            guard page.count == query.limit else { return sessions }
            query.beyond = page.last?.id
        }
    }

    package static func live(_ store: any Store) async throws -> [SessionStanding] {
        let book = SessionBook(try await liveSessions(store))
        return book.sessions.values.sorted { $0.id < $1.id }.map { SessionStanding($0, book) }
    }

    package static func one(_ id: String, _ store: any Store) async throws -> SessionStanding? {
        if let live = try await live(store).first(where: { $0.session.id == id }) { return live }
        var query = SessionQuery()
        query.id = id
        return try await store.sessions(query).first.map { SessionStanding(try $0.session(), SessionBook()) }
    }
}
