// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// The statements of what guards remember, prepared once.
struct GuardStatements {
    let touch, mark, tally, forgetTally, forgetMarks: SQLiteStatement
    private let touched: [String: SQLiteStatement]

    private static let columns = ["playbook", "provider", "owner", "kind"]

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
        let all = "SELECT DISTINCT subject FROM touch WHERE at > ?"
        var touched = ["": try connection.statement("\(all) LIMIT ?")]
        for column in Self.columns {
            touched[column] = try connection.statement("\(all) AND \(column) = ? LIMIT ?")
        }
        self.touched = touched
    }

    /// The distinct identities touched in the scope after the instant, at most so many.
    func identities(in scope: Touch.Scope, after: Instant, atMost: Int) throws(SQLiteFailure) -> Set<String> {
        let (column, value): (String, String?) =
            switch scope {
            case .all: ("", nil)
            case .playbook(let name): ("playbook", name)
            case .provider(let name): ("provider", name)
            case .owner(let name): ("owner", name)
            case .kind(let kind): ("kind", kind.rawValue)
            }
        guard let select = touched[column] else { preconditionFailure("every scope has its statement") }
        defer { select.reset() }
        select.bind(after.milliseconds)
        if let value { select.bind(value) }
        select.bind(atMost)
        var found: Set<String> = []
        while try select.step() { found.insert(select.text(0)) }
        return found
    }
}

extension SQLiteJournal {
    func overspent(_ marks: GuardMarks) throws(SQLiteFailure) -> Reservation? {
        try marks.overspent { (scope, after, most) throws(SQLiteFailure) in
            try statements.guards.identities(in: scope, after: after, atMost: most)
        }
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
            return rows
        }
    }

    package func standing(at now: Instant) async throws(StoreError) -> Standing {
        try await read { (connection) throws(SQLiteFailure) in
            var standing = Standing()
            for touch in try Self.touches(connection, after: now.milliseconds - Standing.touchMilliseconds) {
                standing.add(touch)
            }
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
