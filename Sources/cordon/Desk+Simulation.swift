// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonServer
import CordonStore

extension Desk {
    private static let pageRows = 100

    /// The signals that were decided about since then, with what was made of them by the playbook of that name, and whom
    /// providers named then of those whom the library doesn't know.
    func given(since: Instant, playbook: String, _ library: Library) async throws -> [Hindcast.Given] {
        var signals: [AlertID: [Value]] = [:]
        var sought: [AlertID: [Sought]] = [:]
        var all: [Hindcast.Given] = []
        var beyond: DecisionID?
        while true {
            let page = try await decisions(beyond: beyond)
            for decision in page {
                guard let at = decision["at"]?.stringValue.flatMap(Instant.init(rfc3339:)), at >= since else {
                    return all
                }
                guard let alert = decision["alert"]?.stringValue.flatMap(AlertID.init(_:)) else { continue }
                if signals[alert] == nil { signals[alert] = try await self.signals(of: alert) }
                let body = signals[alert]?.first { $0["id"] == decision["signal"] }
                guard let signal = body.flatMap(Signal.init(_:)) else { continue }
                let match = decision["matches"]?.arrayValue?.first { $0.at("playbook", "name") == .string(playbook) }
                let live = match?["verdict"]?.stringValue.flatMap(Decision.Verdict.init(rawValue:))
                let wanted = library.wanted(by: signal)
                if !wanted.isEmpty, sought[alert] == nil { sought[alert] = try await self.sought(of: alert) }
                all.append(
                    Hindcast.Given(
                        signal: signal, decidedAt: at, live: live ?? .ignore,
                        sought: (sought[alert] ?? []).filter { wanted.contains($0.wanted) }))
            }
            guard page.count == Desk.pageRows,
                let last = page.last?["id"]?.stringValue.flatMap(DecisionID.init(_:))
            else { return all }
            beyond = last
        }
    }

    /// One page of decisions, the newest first.
    private func decisions(beyond: DecisionID?) async throws -> [Value] {
        switch self {
        case .server(let client):
            let from = beyond.map { "&beyond=\(escaped($0.text))" } ?? ""
            return try await client.get("/decisions?limit=\(Desk.pageRows)\(from)")["decisions"]?.arrayValue ?? []
        case .store(let store):
            var query = DecisionQuery()
            query.beyond = beyond
            query.limit = Desk.pageRows
            return try await store.decisions(query).map { try JSON.parse($0.body) }
        }
    }

    /// What the alert's history says of those who were looked up.
    private func sought(of alert: AlertID) async throws -> [Sought] {
        let entries: [Value]
        switch self {
        case .server(let client):
            entries = (try await client.get("/alerts/\(escaped(alert.text))")["entries"]?.arrayValue ?? [])
                .compactMap { $0["entry"] }
        case .store(let store):
            entries = try await store.history(alert.text, from: 1, limit: StoreLimits.rowsPerPageMax)
                .map { try JSON.parse($0.entry.bytes) }
        }
        return entries.filter { $0["type"] == "subjectResolved" || $0["type"] == "subjectUnresolved" }
            .compactMap { $0["body"].flatMap(Sought.init(line:)) }
    }

    func signals(of alert: AlertID) async throws -> [Value] {
        switch self {
        case .server(let client):
            return try await client.get("/signals?alert=\(escaped(alert.text))")["signals"]?.arrayValue ?? []
        case .store(let store): return try await store.signals(of: alert).map { try JSON.parse($0.body) }
        }
    }
}
