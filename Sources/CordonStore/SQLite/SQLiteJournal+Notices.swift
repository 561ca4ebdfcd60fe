// SPDX-License-Identifier: Apache-2.0

package import CordonCore

extension SQLiteJournal {
    /// A notice that is known under its key is not told anew.
    func insert(_ notices: [NoticeRecord]) throws(SQLiteFailure) {
        for notice in notices {
            let insert = statements.insertNotice
            insert.bind(notice.key)
            insert.bind(notice.endpoint)
            insert.bind(notice.run?.text)
            insert.bind(notice.topic)
            insert.bind(notice.madeAt.milliseconds)
            insert.bind(notice.dueAt.milliseconds)
            insert.bind(notice.state.rawValue)
            insert.bind(notice.settledAt?.milliseconds)
            insert.bind(notice.attempts)
            insert.bind(notice.message)
            insert.bind(notice.problem)
            insert.bind(notice.body)
            try insert.execute()
        }
    }

    func settle(_ notices: [NoticeRecord], _ forgotten: Instant?) throws(SQLiteFailure) -> Answer {
        for notice in notices {
            let update = statements.settleNotice
            update.bind(notice.dueAt.milliseconds)
            update.bind(notice.state.rawValue)
            update.bind(notice.settledAt?.milliseconds)
            update.bind(notice.attempts)
            update.bind(notice.message)
            update.bind(notice.problem)
            update.bind(notice.key)
            update.bind(notice.endpoint)
            try update.execute()
        }
        if let forgotten {
            let delete = statements.forgetNotices
            delete.bind(forgotten.milliseconds)
            try delete.execute()
        }
        return .success(.stored)
    }
}

extension SQLiteStore {
    package func settle(
        _ notices: [NoticeRecord], forgettingBefore forgotten: Instant?
    ) async throws(StoreError) {
        guard !notices.isEmpty || forgotten != nil else { return }
        _ = try await store(.settle(notices, forgettingBefore: forgotten))
    }

    package func notices(_ query: NoticeQuery) async throws(StoreError) -> [NoticeRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            try query.sql.rows(connection, limit: query.limit) { (row) throws(SQLiteFailure) in try row.notice() }
        }
    }
}

extension NoticeQuery {
    var sql: SQLiteQuery {
        var query = SQLiteQuery(
            """
            SELECT key, endpoint, run, topic, made_at, due_at, state, settled_at, attempts, message, problem, body
            FROM notice
            """)
        query.require("endpoint", endpoint)
        if endpoint == nil { query.require("endpoint NOT LIKE '\(NoticeRecord.programPrefix)%'") }
        // Spelt out, so that the index of the few that wait serves.
        if let state = dueBy == nil ? state : .waiting { query.require("state = '\(state.rawValue)'") }
        query.require("run", run?.text)
        query.require("message", message)
        query.require("due_at", "<=", dueBy?.milliseconds)
        query.order = dueBy == nil ? "place DESC" : "due_at, place"
        return query
    }
}

extension SQLiteStatement {
    fileprivate func notice() throws(SQLiteFailure) -> NoticeRecord {
        NoticeRecord(
            key: text(0), endpoint: text(1), run: optionalText(2).flatMap(RunID.init), topic: text(3),
            madeAt: Instant(milliseconds: int64(4)), dueAt: Instant(milliseconds: int64(5)), state: try word(6),
            settledAt: optionalInt64(7).map(Instant.init(milliseconds:)), attempts: int(8),
            message: optionalText(9), problem: optionalText(10), body: bytes(11))
    }
}
