// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

extension StoredHistory {
    /// Everything that must hold of any store at any time, however its last process ended.
    package var faults: [String] { gaps + foldFaults + wakeFaults + intakeFaults }

    /// Places in the log are numbered from 0, entries of a stream from 1, both without gaps.
    package var gaps: [String] {
        var found: [String] = []
        var last: [String: Int] = [:]
        for (place, indexed) in log.enumerated() {
            let entry = indexed.entry
            if indexed.index != place { found.append("place \(place) of the log holds number \(indexed.index)") }
            let expected = last[entry.stream, default: 0] + 1
            if entry.number != expected {
                found.append("\(entry.stream) has number \(entry.number) where \(expected) is next")
            }
            last[entry.stream] = entry.number
        }
        return found
    }

    /// A run's row is what its entries tell, and no run's entries stand without a row.
    package var foldFaults: [String] {
        let streams = streams
        let named = Set(runs.map(\.id.text))
        let strangers = streams.keys.filter { $0.hasPrefix(Run.prefix) && !named.contains($0) }.sorted()
        return strangers.map { "\($0) has entries and no row" }
            + runs.flatMap { foldFaults(of: $0, streams[$0.id.text] ?? []) }
    }

    private func foldFaults(of row: RunRecord, _ entries: [Entry]) -> [String] {
        do {
            guard let told = Run.fold(try entries.map { try $0.told() }) else {
                return ["\(row.id) has a history that doesn't begin with its opening"]
            }
            if row.tail != Array(entries.dropFirst(row.snapshotNumber)) {
                return ["\(row.id) at \(row.number): what was read with it is not what follows its snapshot"]
            }
            if !row.snapshot.isEmpty {
                let before = Run.fold(try entries.prefix(row.snapshotNumber).map { try $0.told() })
                if try Run(JSON.parse(row.snapshot)) != before {
                    return ["\(row.id) at \(row.snapshotNumber): folding its entries gives another"]
                }
            }
            return columnFaults(of: row, told)
        } catch { return ["\(row.id) can't be read back: \(error)"] }
    }

    /// What queries go by is what the history says.
    private func columnFaults(of row: RunRecord, _ run: Run) -> [String] {
        let pairs: [(name: String, isSame: Bool)] = [
            ("number", row.number == run.number), ("wake", row.wake == run.wake?.word),
            ("due_at", row.dueAt == run.dueAt), ("ended_at", row.endedAt == run.endedAt),
        ]
        return pairs.filter { !$0.isSame }.map { "\(row.id): the column \($0.name) is not what its history says" }
    }

    /// A live run has something that will move it; an ended one has nothing.
    package var wakeFaults: [String] {
        runs.compactMap { row in
            switch (row.endedAt, row.wake) {
            case (nil, nil): "\(row.id) is live and nothing will wake it"
            case (.some, let wake?): "\(row.id) has ended and waits for a \(wake)"
            case (nil, .some), (.some, nil): nil
            }
        }
    }

    /// An alert is stored with its first entry, a delivery once, and a run with the alert that it came from.
    package var intakeFaults: [String] {
        let streams = streams
        var found = alerts.filter { streams[$0.id.text] == nil }.map { "\($0.id) is stored without an entry" }
        let deliveries = Dictionary(grouping: alerts) { "\($0.source) \($0.deliveryID)" }
        for (delivery, same) in deliveries where same.count > 1 {
            found.append("the delivery \(delivery) is stored \(same.count) times")
        }
        let known = Set(alerts.map(\.id))
        found += runs.filter { !known.contains($0.alert) }.map { "\($0.id) came from \($0.alert), which is not stored" }
        return found.sorted()
    }

    /// What of this is not in `later`, of the same store: what was stored once stays.
    package func lost(in later: StoredHistory) -> [String] {
        var found: [String] = []
        if !later.log.starts(with: log) { found.append("the log of \(log.count) entries is no beginning of the later") }
        let rows = Dictionary(later.runs.map { ($0.id, $0.number) }) { first, _ in first }
        for row in runs where rows[row.id, default: -1] < row.number {
            found.append("\(row.id) stood at \(row.number), and later at \(rows[row.id].map(String.init) ?? "nothing")")
        }
        let ids = Set(later.alerts.map(\.id))
        return found + alerts.filter { !ids.contains($0.id) }.map { "\($0.id) is gone" }
    }
}
