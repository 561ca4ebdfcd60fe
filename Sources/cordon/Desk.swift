// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

/// Where a command reads: the running server's API, or the store itself when no server runs.
enum Desk {
    case server(Client)
    case store(SQLiteStore)

    static func open(_ settings: Settings) async throws -> Desk {
        if let client = try await Client.find(settings) { return .server(client) }
        guard FileManager.default.fileExists(atPath: settings.statePath) else {
            throw CommandFailure(
                .notFound,
                "there is no state folder \(settings.statePath); make one with 'cordon init', or name it with --state")
        }
        return .store(try SQLiteStore(.readOnly(settings.statePath)))
    }

    func runs(phase: String?, playbook: String?, onlyLive: Bool, limit: Int) async throws -> [Value] {
        switch self {
        case .server(let client):
            var query = "?limit=\(limit)"
            if let phase { query += "&phase=\(escaped(phase))" }
            if let playbook { query += "&playbook=\(escaped(playbook))" }
            if onlyLive { query += "&live=true" }
            return try await client.get("/runs" + query)["runs"]?.arrayValue ?? []
        case .store(let store):
            var query = RunQuery()
            query.phase = phase
            query.playbook = playbook
            query.onlyLive = onlyLive
            query.limit = limit
            return try await store.runs(query).map { RunView.row($0, now: SystemClock().now) }
        }
    }

    func run(_ id: RunID) async throws -> Value {
        switch self {
        case .server(let client): return try await client.get("/runs/\(id)")
        case .store(let store):
            let stored = try await record(id, store)
            let now = SystemClock().now
            var objective: Objective?
            if let run = try? stored.read() { objective = try await store.objective(of: run, at: now) }
            return try RunView.make(stored, try await entries(id, store), objective: objective, now: now)
        }
    }

    /// What a proposed run would change: the server asks its provider. `nil` without a server, and for whom it is not.
    func plan(_ id: RunID) async throws -> Value? {
        guard case .server(let client) = self else { return nil }
        do { return try await client.get("/runs/\(id)/plan") } catch let failure as CommandFailure {
            // Not this token's, or no proposal any more: the run is shown all the same.
            guard [.refused, .conflict].contains(failure.exit) else { throw failure }
            return nil
        }
    }

    func why(_ id: RunID) async throws -> Value {
        switch self {
        case .server(let client): return try await client.get("/runs/\(id)/why")
        case .store(let store):
            let record = try await record(id, store)
            let recent = try await store.history(
                id.text, from: max(1, record.number - RunView.recentLines), limit: RunView.recentLines + 1)
            return try RunView.why(record, now: SystemClock().now, recent: recent)
        }
    }

    func sessions(onlyLive: Bool, limit: Int) async throws -> [Value] {
        switch self {
        case .server(let client):
            return try await client.get("/sessions?limit=\(limit)&live=\(onlyLive)")["sessions"]?.arrayValue ?? []
        case .store(let store):
            let now = SystemClock().now
            if onlyLive {
                return try await SessionStanding.live(store).prefix(limit).map { SessionView.make($0, now: now) }
            }
            var query = SessionQuery()
            query.limit = limit
            var rows: [Value] = []
            for record in try await store.sessions(query) {
                if let standing = try await SessionStanding.one(record.id, store) {
                    rows.append(SessionView.make(standing, now: now))
                }
            }
            return rows
        }
    }

    func session(_ id: String) async throws -> Value {
        switch self {
        case .server(let client): return try await client.get("/sessions/\(escaped(id))")
        case .store(let store):
            guard let standing = try await SessionStanding.one(id, store) else {
                throw CommandFailure(.notFound, "there is no session '\(id)'")
            }
            return SessionView.make(standing, now: SystemClock().now)
        }
    }

    func sessionHistory(_ id: String) async throws -> [Value] {
        switch self {
        case .server(let client):
            return try await client.get("/sessions/\(escaped(id))/history?limit=500")["entries"]?.arrayValue ?? []
        case .store(let store): return try await entries(AgentSession.stream(of: id), store).map(HistoryView.value)
        }
    }

    /// The lines of a run's history as they are stored, from number `from` on, at most a page of them.
    func history(_ id: RunID, from number: Int) async throws -> [Value] {
        switch self {
        case .server(let client):
            let page = try await client.get("/runs/\(id)/history?from=\(number)&limit=500")
            return (page["entries"]?.arrayValue ?? []).compactMap { $0["entry"] }
        case .store(let store):
            return try await store.history(id.text, from: number, limit: 500).map { try JSON.parse($0.entry.bytes) }
        }
    }

    /// Why no new work is taken on, when that is so.
    func shortage() async -> String? {
        switch self {
        case .server(let client):
            // Open to everybody, and no reason to fail: it is said beside what was asked for.
            let answer = await client.send("GET", "/ready", timeoutMilliseconds: 2000)
            guard case .answered(let response) = answer.fate, let body = try? JSON.parse(response.body),
                body["lacks"] == "disk"
            else { return nil }
            return body["reason"]?.stringValue
        case .store(let store): return try? await store.vitals().shortage
        }
    }

    /// Says on standard error what a person must know whatever they asked for.
    func warn() async {
        if let shortage = await shortage() { Output.note("warning: \(shortage)") }
    }

    /// The definitions in force; without a server those that the history last told of.
    func library() async throws -> Value {
        switch self {
        case .server(let client): return try await client.get("/library")
        case .store(let store):
            var book = LibraryBook()
            for indexed in try await entries(LibraryBook.stream, store) { try book.apply(indexed.entry) }
            return LibraryView.make(book, nil)
        }
    }

    /// The source of a stored definition.
    func definition(_ digest: String) async throws -> [UInt8]? {
        switch self {
        case .server(let client):
            // A digest stands in a path as it is; what is none names nothing.
            guard digest.hasPrefix("sha256:"), digest.dropFirst(7).allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                return nil
            }
            do {
                return try await client.get("/definitions/\(digest)")["source"]?.stringValue.map { Array($0.utf8) }
            } catch let failure as CommandFailure where failure.exit == .notFound { return nil }
        case .store(let store): return try await store.definition(digest)?.source
        }
    }

    private func record(_ id: RunID, _ store: SQLiteStore) async throws -> RunRecord {
        var query = RunQuery()
        query.id = id
        guard let record = try await store.runs(query).first else {
            throw CommandFailure(.notFound, "there is no run \(id)")
        }
        return record
    }

    private func entries(_ id: RunID, _ store: SQLiteStore) async throws -> [IndexedEntry] {
        try await entries(id.text, store)
    }

    private func entries(_ stream: String, _ store: SQLiteStore) async throws -> [IndexedEntry] {
        var all: [IndexedEntry] = []
        while true {
            let page = try await store.history(stream, from: all.count + 1, limit: 1000)
            all += page
            if page.count < 1000 { return all }
        }
    }
}

func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? ""
}

func runID(_ text: String) throws -> RunID {
    guard let id = RunID(text) else {
        throw CommandFailure(
            .usage, "'\(text)' is no run's id; they look like run_01JD0Z… and 'cordon run list' shows them")
    }
    return id
}
