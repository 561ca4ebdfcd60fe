// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// What a store holds, and the writing verbs on it: each checks everything first and only then changes anything.
struct Model {
    /// Compared byte by byte, as a database does: two spellings of one Unicode text are two deliveries.
    struct Delivery: Hashable {
        var source: [UInt8]
        var id: [UInt8]
    }

    var alerts: [AlertID: Alert] = [:]
    var deliveries: [Delivery: AlertID] = [:]
    /// Alerts in the order of their commits; those whose bodies are there.
    var kept: [AlertID] = []
    var signals: [SignalRecord] = []
    var signalIDs: Set<SignalID> = []
    var events: [EventKey: SignalID] = [:]
    var closings = ClosingBook()
    var concerns: [Concern] = []
    var decisions: [DecisionID: DecisionRecord] = [:]
    var runs: [RunID: RunRecord] = [:]
    var sessions: [String: SessionRecord] = [:]
    var definitions: [String: Definition] = [:]
    var tokens: [String: TokenRecord] = [:]
    /// In the order of their commits.
    var notices: [NoticeRecord] = []
    var noticePlaces: [NoticeName: Int] = [:]
    var log: [Entry] = []
    /// Each stream's entries, as places in the log.
    var streams: [String: [Int]] = [:]
    /// What guards remember, from the first.
    var guards = Standing()
    var operations = 0
    var isClosed = false

    func read() throws(StoreError) -> Model {
        if isClosed { throw .closed }
        return self
    }

    mutating func accept(_ alert: Alert, _ entry: Entry) throws(StoreError) -> Acceptance {
        try begin()
        func delivery(_ name: String) -> Delivery { Delivery(source: Array(alert.source.utf8), id: Array(name.utf8)) }
        for name in alert.formerDeliveryIDs + [alert.deliveryID] {
            if let first = deliveries[delivery(name)] { return .duplicate(of: first) }
        }
        guard alerts[alert.id] == nil, last(entry.stream) == 0 else { throw .idTaken(alert.id.text) }
        alerts[alert.id] = alert.asStored
        deliveries[delivery(alert.deliveryID)] = alert.id
        kept.append(alert.id)
        append([entry])
        return .stored
    }

    mutating func record(_ reading: Reading) throws(StoreError) {
        try begin()
        guard alerts[reading.alert]?.state == .received else { throw .alreadyRead(reading.alert) }
        if let first = reading.entries.first, first.number != last(first.stream) + 1 { throw .entryTaken(first) }
        var newEvents = events
        for signal in reading.signals {
            guard let event = signal.event else { continue }
            guard newEvents.updateValue(signal.id, forKey: event) == nil else { throw .eventTaken(event) }
        }
        if let marks = reading.guards, let reservation = overspent(marks) { throw .overspent(reservation) }
        var newSignals = signalIDs
        for signal in reading.signals where !newSignals.insert(signal.id).inserted { throw .idTaken(signal.id.text) }
        var newDecisions = Set(decisions.keys)
        for decision in reading.decisions where !newDecisions.insert(decision.id).inserted {
            throw .idTaken(decision.id.text)
        }
        var newRuns = Set(runs.keys)
        for change in reading.opened {
            guard newRuns.insert(change.run.id).inserted, last(change.run.id.text) == 0 else {
                throw .idTaken(change.run.id.text)
            }
        }
        alerts[reading.alert]?.state = reading.state
        signals += reading.signals
        signalIDs = newSignals
        events = newEvents
        for decision in reading.decisions { decisions[decision.id] = decision }
        append(reading.entries)
        if let marks = reading.guards { guards.add(marks) }
        for change in reading.opened {
            runs[change.run.id] = change.run.asStored
            append(change.entries)
            insert(change.notices)
        }
        insert(reading.notices)
        keep(reading.closings, reading.concerns)
    }

    mutating func commit(_ change: RunChange) throws(StoreError) {
        try begin()
        let stored = runs[change.run.id]
        guard stored?.number ?? 0 == change.expectedNumber, last(change.run.id.text) == change.expectedNumber else {
            throw .overtaken(change)
        }
        runs[change.run.id] = stored?.advanced(to: change.run) ?? change.run.asStored
        append(change.entries)
        if let marks = change.guards { guards.add(marks) }
        if change.run.endedAt != nil { concerns.removeAll { $0.run == change.run.id } }
        insert(change.notices)
    }

    mutating func publish(_ definition: Definition) throws(StoreError) {
        try begin()
        if definitions[definition.digest] == nil { definitions[definition.digest] = definition }
    }

    mutating func grant(_ token: TokenRecord, _ entry: Entry) throws(StoreError) {
        try begin()
        guard tokens[token.id] == nil else { throw .idTaken(token.id) }
        guard entry.number == last(entry.stream) + 1 else { throw .entryTaken(entry) }
        tokens[token.id] = token
        append([entry])
    }

    mutating func note(_ entry: Entry, _ notices: [NoticeRecord]) throws(StoreError) {
        try begin()
        guard entry.number == last(entry.stream) + 1 else { throw .entryTaken(entry) }
        append([entry])
        insert(notices)
    }

    func expirable(before instant: Instant, _ limit: Int) -> [AlertID] {
        // What came before the first that is too young is looked at, as a database walks its rows.
        let old = kept.prefix { alerts[$0].map { $0.receivedAt < instant } ?? false }
        return Array(old.filter(mayExpire).prefix(pageRows(limit)))
    }

    private func mayExpire(_ id: AlertID) -> Bool {
        alerts[id]?.state != .received && !runs.values.contains { $0.alert == id && $0.endedAt == nil }
    }

    mutating func expire(_ ids: [AlertID], _ entry: Entry) throws(StoreError) {
        try begin()
        guard entry.number == last(entry.stream) + 1 else { throw .entryTaken(entry) }
        for id in ids where !kept.contains(id) || !mayExpire(id) { throw .notExpirable(id) }
        for id in ids {
            alerts[id]?.body = []
            alerts[id]?.salt = []
        }
        kept.removeAll { ids.contains($0) }
        append([entry])
    }

    mutating func revoke(_ id: String, _ at: Instant, _ entry: Entry) throws(StoreError) {
        try begin()
        guard let token = tokens[id] else { throw .noToken(id) }
        if token.revokedAt != nil { return }
        guard entry.number == last(entry.stream) + 1 else { throw .entryTaken(entry) }
        tokens[id]?.revokedAt = at
        append([entry])
    }

    mutating func begin() throws(StoreError) {
        if isClosed { throw .closed }
        operations += 1
    }

    func last(_ stream: String) -> Int { streams[stream]?.count ?? 0 }

    mutating func append(_ entries: [Entry]) {
        for entry in entries {
            streams[entry.stream, default: []].append(log.count)
            log.append(entry)
        }
    }
}
