// SPDX-License-Identifier: Apache-2.0

import CordonCore

// The writing verbs, one function each. What can be lost to someone else is compared first, before anything is
// written; uniqueness that only a faulty caller can break is left to the tables.

extension SQLiteJournal {
    func accept(_ alert: Alert, _ headers: String, _ entry: Entry) throws(SQLiteFailure) -> Answer {
        for name in alert.formerDeliveryIDs {
            if let first = try alertOfDelivery(alert.source, name) { return .success(.duplicate(of: first)) }
        }
        let insert = statements.insertAlert
        insert.bind(alert.id.text)
        insert.bind(alert.source)
        insert.bind(alert.deliveryID)
        insert.bind(alert.receivedAt.milliseconds)
        insert.bind(headers)
        insert.bind(alert.bodyDigest)
        insert.bind(alert.originProof.rawValue)
        insert.bind(alert.state.rawValue)
        insert.bind(alert.mark)
        insert.bind(alert.cutsText)
        try insert.execute()
        guard connection.changes == 1 else { return try duplicate(of: alert) }
        let body = statements.insertAlertBody
        body.bind(connection.lastInsertedRow)
        body.bind(alert.body)
        body.bind(alert.salt)
        try body.execute()
        try append(entry)
        return .success(.stored)
    }

    private func duplicate(of alert: Alert) throws(SQLiteFailure) -> Answer {
        guard let first = try alertOfDelivery(alert.source, alert.deliveryID) else {
            return .failure(.idTaken(alert.id.text))
        }
        return .success(.duplicate(of: first))
    }

    private func alertOfDelivery(_ source: String, _ name: String) throws(SQLiteFailure) -> AlertID? {
        let select = statements.alertOfDelivery
        defer { select.reset() }
        select.bind(source)
        select.bind(name)
        return try select.step() ? try select.id(0) : nil
    }

    func record(_ reading: Reading) throws(SQLiteFailure) -> Answer {
        if let first = reading.entries.first, try first.number != lastNumber(of: first.stream) + 1 {
            return .failure(.entryTaken(first))
        }
        if let taken = try takenEvent(of: reading) { return .failure(.eventTaken(taken)) }
        if let marks = reading.guards, let reservation = try overspent(marks) {
            return .failure(.overspent(reservation))
        }
        let update = statements.updateAlertState
        update.bind(reading.state.rawValue)
        update.bind(reading.alert.text)
        try update.execute()
        guard connection.changes == 1 else { return .failure(.alreadyRead(reading.alert)) }
        // Where in the log each body stands that is stored with its entry.
        var told: [(body: ArraySlice<UInt8>, place: Int64)] = []
        for entry in reading.entries {
            let place = nextPlace
            if let body = try append(entry) { told.append((body, place)) }
        }
        func place(of body: [UInt8]) -> Int64? { told.first { $0.body == body[...] }?.place }
        for signal in reading.signals { try insert(signal, toldAt: place(of: signal.body)) }
        for decision in reading.decisions { try insert(decision, toldAt: place(of: decision.body)) }
        for change in reading.opened {
            try insert(change.run)
            try append(change.entries)
            try insert(change.notices)
        }
        if let marks = reading.guards { try keep(marks) }
        try insert(reading.notices)
        try keep(reading.closings, reading.concerns)
        return .success(.stored)
    }

    private func insert(_ signal: SignalRecord, toldAt place: Int64?) throws(SQLiteFailure) {
        let insert = statements.insertSignal
        insert.bind(signal.id.text)
        insert.bind(signal.alert.text)
        insert.bind(signal.kind)
        insert.bind(signal.receivedAt.milliseconds)
        insert.bind(place == nil ? signal.body : [])
        insert.bind(place)
        try insert.execute()
        guard let event = signal.event else { return }
        let name = statements.insertEvent
        name.bind(event.source)
        name.bind(event.name)
        name.bind(signal.id.text)
        try name.execute()
    }

    /// An event that a stored signal tells of, or another of the same reading.
    private func takenEvent(of reading: Reading) throws(SQLiteFailure) -> EventKey? {
        var seen: Set<EventKey> = []
        for event in reading.signals.compactMap(\.event) {
            guard seen.insert(event).inserted else { return event }
            let select = statements.signalOfEvent
            defer { select.reset() }
            select.bind(event.source)
            select.bind(event.name)
            if try select.step() { return event }
        }
        return nil
    }

    private func insert(_ decision: DecisionRecord, toldAt place: Int64?) throws(SQLiteFailure) {
        let insert = statements.insertDecision
        insert.bind(decision.id.text)
        insert.bind(decision.signal.text)
        insert.bind(decision.alert.text)
        insert.bind(decision.verdict)
        insert.bind(decision.at.milliseconds)
        insert.bind(place == nil ? decision.body : [])
        insert.bind(place)
        try insert.execute()
    }

    private func insert(_ run: RunRecord) throws(SQLiteFailure) {
        let insert = statements.insertRun
        insert.bind(run.id.text)
        insert.bindMoving(run)
        insert.bind(run.endedAt?.milliseconds)
        insert.bind(run.decision.text)
        insert.bind(run.alert.text)
        insert.bind(run.playbook)
        insert.bind(run.playbookDigest)
        insert.bind(run.workflow)
        insert.bind(run.workflowDigest)
        insert.bind(run.openedAt.milliseconds)
        try insert.execute()
        try keepSnapshot(of: run)
    }

    private func keepSnapshot(of run: RunRecord) throws(SQLiteFailure) {
        guard !run.snapshot.isEmpty else { return }
        let keep = statements.keepSnapshot
        keep.bind(run.snapshot)
        keep.bind(run.id.text)
        try keep.execute()
    }

    func commit(_ change: RunChange) throws(SQLiteFailure) -> Answer {
        let isFirst =
            if change.expectedNumber == 0 { try open(change) } else { try advance(change) }
        guard isFirst else { return .failure(.overtaken(change)) }
        if change.expectedNumber > 0 { try keepSnapshot(of: change.run) }
        try append(change.entries)
        if let marks = change.guards { try keep(marks) }
        if change.run.endedAt != nil { try forgetConcerns(of: change.run.id) }
        try insert(change.notices)
        return .success(.stored)
    }

    private func open(_ change: RunChange) throws(SQLiteFailure) -> Bool {
        let select = statements.runExists
        select.bind(change.run.id.text)
        let exists = try select.step()
        select.reset()
        if !exists { try insert(change.run) }
        return !exists
    }

    /// Compare and set. The short update does not name the columns that the partial indexes of live runs look at,
    /// which spares each commit their upkeep; a run that ends, or ended and goes on, takes the long one.
    private func advance(_ change: RunChange) throws(SQLiteFailure) -> Bool {
        if change.run.endedAt == nil {
            try bindAdvance(statements.advanceLiveRun, change)
            if connection.changes == 1 { return true }
        }
        try bindAdvance(statements.advanceRun, change, endedAt: true)
        return connection.changes == 1
    }

    private func bindAdvance(
        _ update: SQLiteStatement, _ change: RunChange, endedAt: Bool = false
    ) throws(SQLiteFailure) {
        update.bindMoving(change.run)
        if endedAt { update.bind(change.run.endedAt?.milliseconds) }
        update.bind(change.run.id.text)
        update.bind(change.expectedNumber)
        try update.execute()
    }

    func publish(_ definition: Definition) throws(SQLiteFailure) -> Answer {
        let insert = statements.insertDefinition
        insert.bind(definition.digest)
        insert.bind(definition.kind.rawValue)
        insert.bind(definition.name)
        insert.bind(definition.source)
        insert.bind(definition.publishedAt.milliseconds)
        try insert.execute()
        return .success(.stored)
    }

    func grant(_ token: TokenRecord, _ entry: Entry) throws(SQLiteFailure) -> Answer {
        guard try entry.number == lastNumber(of: entry.stream) + 1 else { return .failure(.entryTaken(entry)) }
        let insert = statements.insertToken
        insert.bind(token.id)
        insert.bind(token.name)
        insert.bind(token.role)
        insert.bind(token.hash)
        insert.bind(token.createdAt.milliseconds)
        insert.bind(token.expiresAt?.milliseconds)
        insert.bind(token.revokedAt?.milliseconds)
        try insert.execute()
        guard connection.changes == 1 else { return .failure(.idTaken(token.id)) }
        try append(entry)
        return .success(.stored)
    }

    func note(_ entry: Entry, _ notices: [NoticeRecord]) throws(SQLiteFailure) -> Answer {
        guard try entry.number == lastNumber(of: entry.stream) + 1 else { return .failure(.entryTaken(entry)) }
        try append(entry)
        try insert(notices)
        return .success(.stored)
    }

    func expire(_ alerts: [AlertID], _ entry: Entry) throws(SQLiteFailure) -> Answer {
        guard try entry.number == lastNumber(of: entry.stream) + 1 else { return .failure(.entryTaken(entry)) }
        var places: [Int64] = []
        for alert in alerts {
            guard let place = try placeOfExpirable(alert) else { return .failure(.notExpirable(alert)) }
            places.append(place)
        }
        // What goes is overwritten on every page, not only let go of; rows that merely change need not pay for that.
        try connection.execute("PRAGMA secure_delete = ON")
        for place in places {
            let delete = statements.deleteAlertBody
            delete.bind(place)
            try delete.execute()
        }
        try connection.execute("PRAGMA secure_delete = FAST")
        try append(entry)
        return .success(.stored)
    }

    private func placeOfExpirable(_ alert: AlertID) throws(SQLiteFailure) -> Int64? {
        let select = statements.placeOfExpirable
        defer { select.reset() }
        select.bind(alert.text)
        return try select.step() ? select.int64(0) : nil
    }

    func revoke(_ token: String, _ at: Instant, _ entry: Entry) throws(SQLiteFailure) -> Answer {
        guard let isRevoked = try isRevoked(token) else { return .failure(.noToken(token)) }
        if isRevoked { return .success(.stored) }
        guard try entry.number == lastNumber(of: entry.stream) + 1 else { return .failure(.entryTaken(entry)) }
        let update = statements.revokeToken
        update.bind(at.milliseconds)
        update.bind(token)
        try update.execute()
        try append(entry)
        return .success(.stored)
    }

    private func isRevoked(_ token: String) throws(SQLiteFailure) -> Bool? {
        let select = statements.tokenRevokedAt
        defer { select.reset() }
        select.bind(token)
        return try select.step() ? select.optionalInt64(0) != nil : nil
    }
}

extension SQLiteStatement {
    /// The columns that move with a run, in the order in which `insertRun` and both updates name them.
    fileprivate func bindMoving(_ run: RunRecord) {
        bind(run.number)
        bind(run.phase)
        bind(run.wake)
        bind(run.dueAt?.milliseconds)
        bind(run.updatedAt.milliseconds)
        bind(run.subject)
        bind(run.severity.rawValue)
    }
}
