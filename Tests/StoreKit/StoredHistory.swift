// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
package import CordonStore

/// All that a store holds of alerts, runs and their history, read once through its port. What must be true of it is a
/// pure function each, that answers with what is wrong: nothing, of a store that kept its promises.
package struct StoredHistory: Sendable, Hashable {
    package var log: [IndexedEntry]
    package var alerts: [Alert]
    package var runs: [RunRecord]

    private static let pageRows = 1000

    package init(log: [IndexedEntry] = [], alerts: [Alert] = [], runs: [RunRecord] = []) {
        self.log = log
        self.alerts = alerts
        self.runs = runs
    }

    package init(_ store: any Store) async throws(StoreError) {
        self.init(
            log: try await StoredHistory.log(store), alerts: try await StoredHistory.alerts(store),
            runs: try await StoredHistory.runs(store))
    }

    private static func log(_ store: any Store) async throws(StoreError) -> [IndexedEntry] {
        var all: [IndexedEntry] = []
        while true {
            let page = try await store.log(from: (all.last?.index ?? -1) + 1, limit: pageRows)
            if page.isEmpty { return all }
            all += page
        }
    }

    private static func alerts(_ store: any Store) async throws(StoreError) -> [Alert] {
        var query = AlertQuery()
        query.oldestFirst = true
        query.limit = pageRows
        var all: [Alert] = []
        while true {
            let page = try await store.alerts(query)
            all += page
            guard page.count == query.limit else { return all }
            query.beyond = page.last?.id
        }
    }

    private static func runs(_ store: any Store) async throws(StoreError) -> [RunRecord] {
        var query = RunQuery()
        query.oldestFirst = true
        query.limit = pageRows
        var all: [RunRecord] = []
        while true {
            let page = try await store.runs(query)
            all += page
            guard page.count == query.limit else { return all }
            query.beyond = page.last?.id
        }
    }

    package var streams: [String: [Entry]] { Dictionary(grouping: log.map(\.entry), by: \.stream) }
}

/// An event of a run's history, and when it happened.
package typealias DatedEvent = (at: Instant, event: Event)

extension Entry {
    /// The event that the line tells of, by a reading of its own: what checks the product does not ask the product.
    package func told() throws -> DatedEvent {
        let line = try JSON.parse(bytes)
        return (at, try Event(kind: kind, line["body"] ?? .null))
    }
}
