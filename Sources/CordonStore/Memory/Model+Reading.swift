// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension Model {
    func alerts(_ query: AlertQuery) -> [Alert] {
        let found = alerts.values.filter { alert in
            isAsked(query.id, alert.id) && isAsked(query.state, alert.state)
                && isAsked(text: query.source, alert.source) && isAsked(text: query.delivery, alert.deliveryID)
        }
        return page(found, by: \.id.text, beyond: query.beyond?.text, query.oldestFirst, query.limit)
    }

    func signals(of alert: AlertID) -> [SignalRecord] { signals.filter { $0.alert == alert } }

    func signals(telling events: [EventKey]) -> [EventKey: SignalID] {
        let asked = Set(events)
        return self.events.filter { asked.contains($0.key) }
    }

    func decisions(_ query: DecisionQuery) -> [DecisionRecord] {
        let found = decisions.values.filter { decision in
            isAsked(query.id, decision.id) && isAsked(query.alert, decision.alert)
                && isAsked(text: query.verdict, decision.verdict)
        }
        return page(found, by: \.id.text, beyond: query.beyond?.text, false, query.limit)
    }

    func runs(_ query: RunQuery) -> [RunRecord] {
        let found = runs.values.filter { run in
            isAsked(query.id, run.id) && isAsked(query.alert, run.alert) && isAsked(text: query.phase, run.phase)
                && isAsked(text: query.playbook, run.playbook) && isAsked(text: query.subject, run.subject)
                && (query.wake == nil || run.wake == query.wake)
                && (!query.onlyLive || run.endedAt == nil) && isDue(run, by: query.dueBy)
        }
        let whole = query.readsTails ? whole : { $0 }
        guard query.dueBy != nil else {
            return page(found, by: \.id.text, beyond: query.beyond?.text, query.oldestFirst, query.limit).map(whole)
        }
        let inOrder = found.filter { isBeyond($0.id.text, query.beyond?.text, query.oldestFirst) }
            .sorted { ($0.dueAt ?? $0.openedAt, $0.id.text) < ($1.dueAt ?? $1.openedAt, $1.id.text) }
        return inOrder.prefix(pageRows(query.limit)).map(whole)
    }

    /// With the entries after its snapshot.
    private func whole(_ run: RunRecord) -> RunRecord {
        var run = run
        run.tail = (streams[run.id.text] ?? []).dropFirst(run.snapshotNumber).prefix(run.number - run.snapshotNumber)
            .map { log[$0] }
        return run
    }

    func history(_ stream: String, _ number: Int, _ limit: Int) -> [IndexedEntry] {
        let places = streams[stream] ?? []
        return places.dropFirst(max(number - 1, 0)).prefix(pageRows(limit)).map {
            IndexedEntry(index: $0, entry: log[$0])
        }
    }

    func log(_ index: Int, _ limit: Int) -> [IndexedEntry] {
        let first = min(max(index, 0), log.count)
        return (first..<log.count).prefix(pageRows(limit)).map { IndexedEntry(index: $0, entry: log[$0]) }
    }

    func places(_ from: Instant, _ to: Instant, _ end: Int) -> ClosedRange<Int>? {
        let within = log.prefix(max(0, end)).indices.filter { log[$0].at >= from && log[$0].at < to }
        guard let first = within.first, let last = within.last else { return nil }
        return first...last
    }

    var allTokens: [TokenRecord] { tokens.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) } }

    var vitals: Vitals {
        let live = runs.values.filter { $0.endedAt == nil }
        return Vitals(
            description: "memory", alerts: alerts.count, runs: runs.count, liveRuns: live.count,
            runsWithoutWake: live.count { $0.wake == nil }, entries: log.count, bytesOnDisk: 0, commits: operations,
            operations: operations, noticesWaiting: notices.count { $0.state == .waiting && $0.isForPeople })
    }
}

private func isDue(_ run: RunRecord, by instant: Instant?) -> Bool {
    guard let instant else { return true }
    guard run.endedAt == nil, let dueAt = run.dueAt else { return false }
    return dueAt <= instant
}

private func isAsked<Field: Equatable>(_ asked: Field?, _ field: Field) -> Bool { asked == nil || asked == field }

/// By bytes, as a database compares: Swift's `==` holds two spellings of one Unicode text for the same.
func isAsked(text asked: String?, _ field: String) -> Bool {
    guard let asked else { return true }
    return asked.utf8.elementsEqual(field.utf8)
}

private func page<Row>(
    _ rows: [Row], by key: KeyPath<Row, String>, beyond: String?, _ oldestFirst: Bool, _ limit: Int
) -> [Row] {
    let sorted = rows.filter { isBeyond($0[keyPath: key], beyond, oldestFirst) }.sorted { left, right in
        oldestFirst ? left[keyPath: key] < right[keyPath: key] : left[keyPath: key] > right[keyPath: key]
    }
    return Array(sorted.prefix(pageRows(limit)))
}

private func isBeyond(_ id: String, _ beyond: String?, _ oldestFirst: Bool) -> Bool {
    guard let beyond else { return true }
    return oldestFirst ? id > beyond : id < beyond
}
