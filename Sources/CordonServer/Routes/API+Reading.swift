// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird

extension API {
    @Sendable func alerts(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("state", "source", "limit", "beyond")
        var query = AlertQuery()
        query.state = try asked.oneOf("state", Alert.State.allCases.map(\.rawValue)).flatMap(
            Alert.State.init(rawValue:))
        query.source = try asked.text("source")
        query.beyond = try asked.id("beyond")
        query.limit = try asked.limit()
        let page = try await store.alerts(query)
        return self.page("alerts", page.map(AlertView.make), last: page.last?.id.text, of: query.limit)
    }

    /// One alert with its lines of the history.
    @Sendable func alert(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let id: AlertID = try inquiry.id(of: "alert")
        var query = AlertQuery()
        query.id = id
        query.limit = 1
        guard let alert = try await store.alerts(query).first else { throw Problem.notFound("alert", id.text) }
        try await noteRead(inquiry, "alert \(id)")
        var all = AlertView.make(alert).objectValue ?? [:]
        all["entries"] = .array(try await entries(id.text).map(HistoryView.value))
        return .json(.object(all))
    }

    /// How each source stands: its last alert, and what comparing it with its sender showed.
    @Sendable func sources(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return .json(["sources": .array(try await engine.sourceStandings())])
    }

    @Sendable func signals(_ inquiry: Inquiry) async throws -> Response {
        guard let alert: AlertID = try inquiry.query("alert").id("alert") else {
            throw Problem(.badParameter, "the parameter 'alert' is missing; signals are read by their alert")
        }
        let signals = try await store.signals(of: alert).map { try JSON.parse($0.body) }
        return .json(["signals": .array(signals)])
    }

    @Sendable func decisions(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("alert", "verdict", "limit", "beyond")
        var query = DecisionQuery()
        query.alert = try asked.id("alert")
        query.verdict = try asked.oneOf("verdict", Decision.Verdict.allCases.map(\.rawValue))
        query.beyond = try asked.id("beyond")
        query.limit = try asked.limit()
        let page = try await store.decisions(query)
        return self.page(
            "decisions", try page.map { try JSON.parse($0.body) }, last: page.last?.id.text, of: query.limit)
    }

    @Sendable func decision(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        var query = DecisionQuery()
        let id: DecisionID = try inquiry.id(of: "decision")
        query.id = id
        query.limit = 1
        guard let decision = try await store.decisions(query).first else { throw Problem.notFound("decision", id.text) }
        return .json(try JSON.parse(decision.body))
    }

    /// A list with where its next page begins, when there may be one.
    func page(_ name: String, _ rows: [Value], last: String?, of limit: Int) -> Response {
        let beyond = rows.count == limit ? last : nil
        return .json(.object([name: .array(rows), "beyond": beyond.map(Value.string) ?? .null]))
    }

    /// The stream's entries from its first, at most as many as a view is made of.
    func entries(_ stream: String) async throws(StoreError) -> [IndexedEntry] {
        var all: [IndexedEntry] = []
        while all.count < ServerLimits.viewEntriesMax {
            let page = try await store.history(stream, from: all.count + 1, limit: ServerLimits.pageRowsMax)
            all += page
            guard page.count == ServerLimits.pageRowsMax else { break }
        }
        return all
    }
}
