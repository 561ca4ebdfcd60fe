// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// The statements of what guards remember, prepared once.
struct GuardStatements {
    let touch, mark, tally, forgetTally, forgetMarks: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        touch = try connection.statement(
            """
            INSERT INTO touch (subject, playbook, kind, provider, owner, at) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (subject, playbook) DO UPDATE SET kind = excluded.kind, provider = excluded.provider,
                owner = excluded.owner, at = excluded.at WHERE excluded.at >= touch.at
            """)
        mark = try connection.statement(
            """
            INSERT INTO mark (what, subject, playbook, at, cause, capability, weight, half_life)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """)
        tally = try connection.statement(
            """
            INSERT INTO tally (playbook, minute, matched) VALUES (?, ?, ?)
            ON CONFLICT (playbook, minute) DO UPDATE SET matched = matched + excluded.matched
            """)
        forgetMarks = try connection.statement("DELETE FROM mark WHERE at < ?")
        forgetTally = try connection.statement("DELETE FROM tally WHERE playbook = ? AND minute < ?")
    }
}

extension SQLiteJournal {
    func overspent(_ marks: GuardMarks) throws(SQLiteFailure) -> Reservation? {
        guard let first = marks.reservations.filter({ !$0.bounds.isEmpty }).map(\.touch.at).min() else { return nil }
        // A little more than an hour: the next may have been decided a moment earlier.
        return marks.overspent(try storedTouches(since: first.adding(milliseconds: -60_000)))
    }

    func keep(_ marks: GuardMarks) throws(SQLiteFailure) {
        for reservation in marks.reservations { try insert(reservation.touch) }
        for mark in marks.marks { try insert(mark) }
        if !marks.marks.isEmpty {
            let forget = statements.guards.forgetMarks
            forget.bind(marks.at.milliseconds - Standing.markMilliseconds)
            try forget.execute()
        }
        for (playbook, count) in marks.matched.sorted(by: { $0.key < $1.key }) {
            let tally = statements.guards.tally
            tally.bind(playbook)
            tally.bind(marks.at.minute)
            tally.bind(count)
            try tally.execute()
            // What no window reaches any more goes as its playbook's next signal comes.
            let forget = statements.guards.forgetTally
            forget.bind(playbook)
            forget.bind(marks.at.adding(milliseconds: -Standing.matchedMilliseconds).minute)
            try forget.execute()
        }
    }

    private func insert(_ touch: Touch) throws(SQLiteFailure) {
        let insert = statements.guards.touch
        insert.bind(touch.subject)
        insert.bind(touch.playbook)
        insert.bind(touch.kind.rawValue)
        insert.bind(touch.provider)
        insert.bind(touch.owner)
        insert.bind(touch.at.milliseconds)
        try insert.execute()
        touches?.add(touch)
    }

    /// Those that count at that instant or later.
    private func storedTouches(since then: Instant) throws(SQLiteFailure) -> Standing {
        // A clock that was set back makes some count again that were let go of.
        if touches == nil || then.minute < touchesForgotAt {
            var read = Standing()
            try SQLiteStore.readTouches(connection, then, &read)
            touches = read
        } else if then.minute != touchesForgotAt {
            touches?.forget(before: then)
        }
        touchesForgotAt = then.minute
        return touches ?? Standing()
    }

    private func insert(_ mark: Mark) throws(SQLiteFailure) {
        let insert = statements.guards.mark
        switch mark.what {
        case .risk: insert.bind("risk")
        case .putBack: insert.bind("put_back")
        }
        insert.bind(mark.subject)
        insert.bind(mark.playbook)
        insert.bind(mark.at.milliseconds)
        insert.bind(mark.cause)
        switch mark.what {
        case .risk(let add, let halfLife):
            insert.bind(String?.none)
            insert.bind(add)
            insert.bind(halfLife)
        case .putBack(let capability):
            insert.bind(capability)
            insert.bind(Double?.none)
            insert.bind(Int64?.none)
        }
        try insert.execute()
    }
}

extension SQLiteStore {
    package func remembered() async throws(StoreError) -> RememberedRows {
        try await read { (connection) throws(SQLiteFailure) in
            var rows = RememberedRows()
            let all = Instant(milliseconds: .min)
            rows.touches = try Self.touches(connection, after: all.milliseconds)
            rows.marks = try Self.marks(connection, after: all.milliseconds)
            let tallies = try connection.statement("SELECT playbook, minute, matched FROM tally")
            defer { tallies.reset() }
            while try tallies.step() {
                rows.tallies[TallyKey(playbook: tallies.text(0), minute: tallies.int64(1))] = tallies.int(2)
            }
            let events = try connection.statement("SELECT source, name, signal FROM event")
            defer { events.reset() }
            while try events.step() {
                rows.events[EventKey(source: events.text(0), name: events.text(1))] = events.text(2)
            }
            rows.orphans = try Self.orphans(connection)
            return rows
        }
    }

    private static func orphans(_ connection: SQLiteConnection) throws(SQLiteFailure) -> [String] {
        let rows = try connection.statement(
            """
            SELECT id FROM signal WHERE alert NOT IN (SELECT id FROM alert)
            UNION ALL SELECT id FROM decision WHERE alert NOT IN (SELECT id FROM alert) LIMIT ?
            """)
        defer { rows.reset() }
        rows.bind(RememberedRows.orphansMax)
        var ids: [String] = []
        while try rows.step() { ids.append(rows.text(0)) }
        return ids
    }

    package func standing(at now: Instant) async throws(StoreError) -> Standing {
        try await read { (connection) throws(SQLiteFailure) in
            var standing = Standing()
            try Self.readTouches(connection, now, &standing)
            for mark in try Self.marks(connection, after: now.milliseconds - Standing.markMilliseconds) {
                standing.add(mark)
            }
            let tallies = try connection.statement("SELECT playbook, minute, matched FROM tally WHERE minute >= ?")
            defer { tallies.reset() }
            tallies.bind(now.adding(milliseconds: -Standing.matchedMilliseconds).minute)
            while try tallies.step() {
                standing.addMatched(tallies.int(2), of: tallies.text(0), minute: tallies.int64(1))
            }
            standing.forget(before: now)
            return standing
        }
    }

    static func readTouches(
        _ connection: SQLiteConnection, _ now: Instant, _ standing: inout Standing
    ) throws(SQLiteFailure) {
        for touch in try touches(connection, after: now.milliseconds - Standing.touchMilliseconds) {
            standing.add(touch)
        }
    }

    private static func touches(
        _ connection: SQLiteConnection, after milliseconds: Int64
    ) throws(SQLiteFailure) -> [Touch] {
        let rows = try connection.statement(
            "SELECT subject, playbook, kind, provider, owner, at FROM touch WHERE at > ?")
        defer { rows.reset() }
        rows.bind(milliseconds)
        var touches: [Touch] = []
        while try rows.step() {
            guard let kind = Subject.Kind(rawValue: rows.text(2)) else { continue }
            touches.append(
                Touch(
                    subject: rows.text(0), playbook: rows.text(1), kind: kind, provider: rows.text(3),
                    owner: rows.optionalText(4), at: Instant(milliseconds: rows.int64(5))))
        }
        return touches
    }

    private static func marks(
        _ connection: SQLiteConnection, after milliseconds: Int64
    ) throws(SQLiteFailure) -> [Mark] {
        let rows = try connection.statement(
            """
            SELECT what, subject, playbook, at, cause, capability, weight, half_life FROM mark
            WHERE at > ? ORDER BY place
            """)
        defer { rows.reset() }
        rows.bind(milliseconds)
        var marks: [Mark] = []
        while try rows.step() {
            let what: Mark.What =
                rows.text(0) == "risk"
                ? .risk(add: rows.double(6), halfLifeMilliseconds: rows.int64(7)) : .putBack(capability: rows.text(5))
            marks.append(
                Mark(
                    what: what, subject: rows.text(1), playbook: rows.text(2),
                    at: Instant(milliseconds: rows.int64(3)), cause: rows.text(4)))
        }
        return marks
    }
}
