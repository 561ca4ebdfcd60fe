// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// The statements of what sources close, prepared once.
struct MatterStatements {
    let closed, close, forgetOld, forgetMany, concern, forgetConcerns: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        closed = try connection.statement("SELECT as_of FROM closing WHERE source = ? AND key = ?")
        close = try connection.statement(
            "INSERT OR REPLACE INTO closing (source, key, as_of, alert, received_at) VALUES (?, ?, ?, ?, ?)")
        forgetOld = try connection.statement(
            """
            DELETE FROM closing WHERE received_at < ?
                AND place IN (SELECT place FROM closing ORDER BY place LIMIT \(StoreLimits.closingsForgottenAtOnce))
            """)
        // Places tell at most how many there are: they are counted only where these say too many.
        forgetMany = try connection.statement(
            """
            DELETE FROM closing WHERE (SELECT max(place) - min(place) FROM closing) >= ?1
                AND place IN (SELECT place FROM closing ORDER BY place DESC LIMIT -1 OFFSET ?1)
            """)
        concern = try connection.statement(
            """
            INSERT INTO concern (run, signal, source, key, as_of)
                SELECT id, ?, ?, ?, ? FROM run WHERE id = ? AND ended_at IS NULL
            ON CONFLICT DO NOTHING
            """)
        forgetConcerns = try connection.statement("DELETE FROM concern WHERE run = ?")
    }
}

extension SQLiteJournal {
    func keep(_ closings: [Closing], _ concerns: [Concern]) throws(SQLiteFailure) {
        for closing in closings { try keep(closing) }
        for concern in concerns {
            let insert = statements.matters.concern
            insert.bind(concern.signal.text)
            insert.bind(concern.matter.source)
            insert.bind(concern.matter.name)
            insert.bind(concern.asOf?.milliseconds)
            insert.bind(concern.run.text)
            try insert.execute()
        }
    }

    private func keep(_ closing: Closing) throws(SQLiteFailure) {
        let select = statements.matters.closed
        select.bind(closing.source)
        select.bind(closing.key)
        let known = try select.step() ? select.int64(0) : nil
        select.reset()
        if let known, known >= closing.asOf.milliseconds { return }
        let insert = statements.matters.close
        insert.bind(closing.source)
        insert.bind(closing.key)
        insert.bind(closing.asOf.milliseconds)
        insert.bind(closing.alert.text)
        insert.bind(closing.receivedAt.milliseconds)
        try insert.execute()
        let old = statements.matters.forgetOld
        old.bind(closing.receivedAt.milliseconds - Limits.closingMillisecondsKept)
        try old.execute()
        let many = statements.matters.forgetMany
        many.bind(Limits.closingsMax)
        try many.execute()
    }

    func forgetConcerns(of run: RunID) throws(SQLiteFailure) {
        let forget = statements.matters.forgetConcerns
        forget.bind(run.text)
        try forget.execute()
    }
}

extension SQLiteStore {
    package func matters(_ keys: [EventKey]) async throws(StoreError) -> [EventKey: KnownMatter] {
        guard !keys.isEmpty else { return [:] }
        return try await read { (connection) throws(SQLiteFailure) in
            var known: [EventKey: KnownMatter] = [:]
            for key in keys {
                let matter = KnownMatter(
                    closing: try Self.closing(of: key, connection), concerns: try Self.concerns(of: key, connection))
                if matter != KnownMatter() { known[key] = matter }
            }
            return known
        }
    }

    private static func closing(of key: EventKey, _ connection: SQLiteConnection) throws(SQLiteFailure) -> Closing? {
        var query = SQLiteQuery("SELECT as_of, alert, received_at FROM closing")
        query.require("source", key.source)
        query.require("key", key.name)
        query.order = "place"
        return try query.rows(connection, limit: 1) { (row) throws(SQLiteFailure) in
            Closing(
                source: key.source, key: key.name, asOf: Instant(milliseconds: row.int64(0)), alert: try row.id(1),
                receivedAt: Instant(milliseconds: row.int64(2)))
        }.first
    }

    private static func concerns(of key: EventKey, _ connection: SQLiteConnection) throws(SQLiteFailure) -> [Concern] {
        var query = SQLiteQuery("SELECT run, signal, as_of FROM concern")
        query.require("source", key.source)
        query.require("key", key.name)
        query.order = "run, signal"
        return try query.rows(connection, limit: Limits.runsPerMatterMax) { (row) throws(SQLiteFailure) in
            Concern(
                matter: key, run: try row.id(0), signal: try row.id(1),
                asOf: row.optionalInt64(2).map(Instant.init(milliseconds:)))
        }
    }
}
