// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// The store as a model in memory: as simple as can be, so that it is right by reading it. The simulator runs on it,
/// and every other store must answer as it does. It promises all that `Store` says but durability.
package final class MemoryStore: Store {
    private let model = Mutex(Model())

    package init() {}

    /// - Parameter guards: what guards remember from before.
    package init(guards: Standing) { model.withLock { $0.guards = guards } }

    package func accept(_ alert: Alert, entry: Entry) async throws(StoreError) -> Acceptance {
        alert.requireReceived(entry)
        return try model.withLock { (model) throws(StoreError) in try model.accept(alert, entry) }
    }

    package func record(_ reading: Reading) async throws(StoreError) {
        reading.requireShape()
        try model.withLock { (model) throws(StoreError) in try model.record(reading) }
    }

    package func commit(_ change: RunChange) async throws(StoreError) {
        change.requireShape()
        try model.withLock { (model) throws(StoreError) in try model.commit(change) }
    }

    package func commit(session change: SessionCommit) async throws(StoreError) {
        change.requireShape()
        try model.withLock { (model) throws(StoreError) in try model.commit(session: change) }
    }

    package func sessions(_ query: SessionQuery) async throws(StoreError) -> [SessionRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().sessions(query) }
    }

    package func publish(_ definition: Definition) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.publish(definition) }
    }

    package func definition(_ digest: String) async throws(StoreError) -> Definition? {
        try model.withLock { (model) throws(StoreError) in try model.read().definitions[digest] }
    }

    package func note(_ entry: Entry, notices: [NoticeRecord]) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.note(entry, notices) }
    }

    package func notices(_ query: NoticeQuery) async throws(StoreError) -> [NoticeRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().notices(query) }
    }

    package func settle(
        _ notices: [NoticeRecord], forgettingBefore forgotten: Instant?
    ) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.settle(notices, forgotten) }
    }

    package func remembered() async throws(StoreError) -> RememberedRows {
        try model.withLock { (model) throws(StoreError) in
            let (guards, events) = (try model.read().guards, try model.read().events)
            var rows = RememberedRows(touches: guards.allTouches, marks: guards.allMarks)
            for (playbook, minutes) in guards.allMatched {
                for (minute, count) in minutes { rows.tallies[TallyKey(playbook: playbook, minute: minute)] = count }
            }
            rows.events = events.mapValues(\.text)
            return rows
        }
    }

    package func standing(at now: Instant) async throws(StoreError) -> Standing {
        try model.withLock { (model) throws(StoreError) in try model.read().standing(at: now) }
    }

    package func expirable(before instant: Instant, limit: Int) async throws(StoreError) -> [AlertID] {
        try model.withLock { (model) throws(StoreError) in try model.read().expirable(before: instant, limit) }
    }

    package func expire(_ alerts: [AlertID], entry: Entry) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.expire(alerts, entry) }
    }

    package func grant(_ token: TokenRecord, entry: Entry) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.grant(token, entry) }
    }

    package func revoke(token id: String, at: Instant, entry: Entry) async throws(StoreError) {
        try model.withLock { (model) throws(StoreError) in try model.revoke(id, at, entry) }
    }

    package func tokens() async throws(StoreError) -> [TokenRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().allTokens }
    }

    package func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert] {
        try model.withLock { (model) throws(StoreError) in try model.read().alerts(query) }
    }

    package func signals(telling events: [EventKey]) async throws(StoreError) -> [EventKey: SignalID] {
        try model.withLock { (model) throws(StoreError) in try model.read().signals(telling: events) }
    }

    package func matters(_ keys: [EventKey]) async throws(StoreError) -> [EventKey: KnownMatter] {
        try model.withLock { (model) throws(StoreError) in try model.read().matters(keys) }
    }

    package func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().signals(of: alert) }
    }

    package func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().decisions(query) }
    }

    package func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord] {
        try model.withLock { (model) throws(StoreError) in try model.read().runs(query) }
    }

    package func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try model.withLock { (model) throws(StoreError) in try model.read().history(stream, number, limit) }
    }

    package func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try model.withLock { (model) throws(StoreError) in try model.read().log(index, limit) }
    }

    package func places(
        from: Instant, to: Instant, before end: Int
    ) async throws(StoreError) -> ClosedRange<Int>? {
        try model.withLock { (model) throws(StoreError) in try model.read().places(from, to, end) }
    }

    package func vitals() async throws(StoreError) -> Vitals {
        try model.withLock { (model) throws(StoreError) in try model.read().vitals }
    }

    package func close() async { model.withLock { $0.isClosed = true } }
}
