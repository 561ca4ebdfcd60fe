// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension SQLiteJournal {
    func commit(_ change: SessionCommit) throws(SQLiteFailure) -> Answer {
        let isFirst = change.expectedNumber == 0 ? try open(change) : try advance(change)
        guard isFirst else { return .failure(.overtaken(change)) }
        try append(change.entries)
        try insert(change.notices)
        return .success(.stored)
    }

    private func open(_ change: SessionCommit) throws(SQLiteFailure) -> Bool {
        let insert = statements.insertSession
        insert.bind(change.session.id)
        insert.bind(change.session.root)
        insert.bind(change.session.number)
        insert.bind(change.session.openedAt.milliseconds)
        insert.bind(change.session.updatedAt.milliseconds)
        insert.bind(change.session.closedAt?.milliseconds)
        insert.bind(change.session.snapshot)
        try insert.execute()
        return connection.changes == 1
    }

    private func advance(_ change: SessionCommit) throws(SQLiteFailure) -> Bool {
        let update = statements.advanceSession
        update.bind(change.session.number)
        update.bind(change.session.updatedAt.milliseconds)
        update.bind(change.session.closedAt?.milliseconds)
        update.bind(change.session.snapshot)
        update.bind(change.session.id)
        update.bind(change.expectedNumber)
        try update.execute()
        return connection.changes == 1
    }
}

extension SQLiteStore {
    package func commit(session change: SessionCommit) async throws(StoreError) {
        change.requireShape()
        _ = try await store(.commitSession(change))
    }

    package func sessions(_ query: SessionQuery) async throws(StoreError) -> [SessionRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            try query.sql.rows(connection, limit: query.limit) { $0.session() }
        }
    }
}

extension SessionQuery {
    var sql: SQLiteQuery {
        var query = SQLiteQuery(
            "SELECT id, root, number, opened_at, updated_at, closed_at, snapshot FROM session")
        query.require("id", id)
        if onlyLive {
            query.require(
                "root IN (SELECT top.id FROM session AS top WHERE top.closed_at IS NULL)")
        }
        query.page(by: "id", beyond: beyond, oldestFirst: true)
        return query
    }
}

extension SQLiteStatement {
    func session() -> SessionRecord {
        SessionRecord(
            id: text(0), root: text(1), number: int(2), openedAt: Instant(milliseconds: int64(3)),
            updatedAt: Instant(milliseconds: int64(4)),
            closedAt: optionalInt64(5).map(Instant.init(milliseconds:)), snapshot: bytes(6))
    }
}
