// SPDX-License-Identifier: Apache-2.0

package import CordonCore

// The reading verbs: each is one statement, and so sees one state of the store; but for the tails of runs, which are
// entries and never change, and for events, which are only ever added.

extension SQLiteStore {
    package func definition(_ digest: String) async throws(StoreError) -> Definition? {
        try await read { (connection) throws(SQLiteFailure) in
            var query = SQLiteQuery("SELECT digest, kind, name, source, published_at FROM definition")
            query.require("digest", digest)
            query.order = "digest"
            return try query.rows(connection, limit: 1) { (row) throws(SQLiteFailure) in try row.definition() }.first
        }
    }

    package func tokens() async throws(StoreError) -> [TokenRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            var query = SQLiteQuery("SELECT id, name, role, hash, created_at, expires_at, revoked_at FROM token")
            query.order = "created_at, id"
            return try query.rows(connection, limit: .max) { $0.token() }
        }
    }

    package func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert] {
        try await read { (connection) throws(SQLiteFailure) in
            try query.sql.rows(connection, limit: query.limit) { (row) throws(SQLiteFailure) in try row.alert() }
        }
    }

    package func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            var query = SQLiteQuery(SQLiteStatement.selectSignals)
            query.require("alert", alert.text)
            query.order = "place"
            return try query.rows(connection, limit: .max) { (row) throws(SQLiteFailure) in try row.signal() }
        }
    }

    package func signals(telling events: [EventKey]) async throws(StoreError) -> [EventKey: SignalID] {
        guard !events.isEmpty else { return [:] }
        return try await read { (connection) throws(SQLiteFailure) in
            var known: [EventKey: SignalID] = [:]
            for event in events {
                var query = SQLiteQuery("SELECT signal FROM event")
                query.require("source", event.source)
                query.require("name", event.name)
                query.order = "name"
                let signals = try query.rows(connection, limit: 1) { (row) throws(SQLiteFailure) -> SignalID in
                    try row.id(0)
                }
                known[event] = signals.first
            }
            return known
        }
    }

    package func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            try query.sql.rows(connection, limit: query.limit) { (row) throws(SQLiteFailure) in try row.decision() }
        }
    }

    package func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord] {
        try await read { (connection) throws(SQLiteFailure) in
            var runs = try query.sql.rows(connection, limit: query.limit) { (row) throws(SQLiteFailure) in
                try row.run()
            }
            guard query.readsTails else { return runs }
            for index in runs.indices { runs[index].tail = try Self.tail(of: runs[index], connection) }
            return runs
        }
    }

    /// Entries never change, so those up to the row's number belong to it whatever was committed since it was read.
    private static func tail(
        of run: RunRecord, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> [Entry] {
        guard run.snapshotNumber < run.number else { return [] }
        let rows = try connection.statement(selectTail)
        defer { rows.reset() }
        rows.bind(run.id.text)
        rows.bind(run.snapshotNumber)
        rows.bind(run.number)
        var tail: [Entry] = []
        tail.reserveCapacity(run.number - run.snapshotNumber)
        // A history with a gap: whoever folds it sees it.
        while try rows.step() { tail.append(rows.entry(of: run.id.text).entry) }
        return tail
    }

    private static let selectTail =
        "\(SQLiteStatement.selectEntries) WHERE stream.name = ? AND number > ? AND number <= ? ORDER BY number"

    package func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await read { (connection) throws(SQLiteFailure) in
            var query = SQLiteQuery(SQLiteStatement.selectEntries)
            query.require("stream.name", stream)
            query.require("number", ">=", Int64(number))
            query.order = "number"
            return try query.rows(connection, limit: limit) { $0.entry() }
        }
    }

    package func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry] {
        try await read { (connection) throws(SQLiteFailure) in
            var query = SQLiteQuery(SQLiteStatement.selectEntries)
            query.require("place", ">=", Int64(index))
            query.order = "place"
            return try query.rows(connection, limit: limit) { $0.entry() }
        }
    }

    package func places(
        from: Instant, to: Instant, before end: Int
    ) async throws(StoreError) -> ClosedRange<Int>? {
        try await read { (connection) throws(SQLiteFailure) in
            // The index holds places too: no row is read.
            let row = try connection.statement(
                """
                SELECT min(place), max(place) FROM entry INDEXED BY entry_at
                    WHERE at >= ? AND at < ? AND place < ?
                """)
            defer { row.reset() }
            row.bind(from.milliseconds)
            row.bind(to.milliseconds)
            row.bind(Int64(end))
            guard try row.step(), let first = row.optionalInt64(0), let last = row.optionalInt64(1) else { return nil }
            return Int(first)...Int(last)
        }
    }

    /// Walks the bodies in the order in which they came, and stops at the first that is too young.
    package func expirable(before instant: Instant, limit: Int) async throws(StoreError) -> [AlertID] {
        try await read { (connection) throws(SQLiteFailure) in
            let rows = try connection.statement(
                """
                SELECT alert.id, alert.received_at, alert.state <> 'received'
                    AND NOT EXISTS (SELECT 1 FROM run WHERE run.alert = alert.id AND run.ended_at IS NULL)
                    FROM alert_body CROSS JOIN alert USING (place) ORDER BY alert_body.place
                """)
            defer { rows.reset() }
            var ids: [AlertID] = []
            while ids.count < pageRows(limit), try rows.step() {
                guard rows.int64(1) < instant.milliseconds else { break }
                if rows.int(2) == 1 { ids.append(try rows.id(0)) }
            }
            return ids
        }
    }

    package func shortage() async throws(StoreError) -> String? { folder.shortage(below: freeBytesMin) }

    package func vitals() async throws(StoreError) -> Vitals {
        let counters = self.counters
        let (folder, description, least) = (self.folder, self.description, freeBytesMin)
        return try await read { (connection) throws(SQLiteFailure) in
            let row = try connection.statement(
                """
                SELECT (SELECT ifnull(max(place), 0) FROM alert), (SELECT ifnull(max(place), 0) FROM run),
                    (SELECT count(*) FROM run WHERE ended_at IS NULL),
                    (SELECT count(*) FROM run WHERE ended_at IS NULL AND wake IS NULL),
                    (SELECT ifnull(max(place) + 1, 0) FROM entry),
                    (SELECT count(*) FROM notice WHERE state = 'waiting'
                        AND endpoint NOT LIKE '\(NoticeRecord.programPrefix)%')
                """)
            defer { row.reset() }
            _ = try row.step()
            return Vitals(
                description: description, alerts: row.int(0), runs: row.int(1), liveRuns: row.int(2),
                runsWithoutWake: row.int(3), entries: row.int(4), bytesOnDisk: folder.bytesOnDisk,
                commits: counters.commits, operations: counters.operations, noticesWaiting: row.int(5),
                shortage: folder.shortage(below: least))
        }
    }

    func read<Answer: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(SQLiteFailure) -> Answer
    ) async throws(StoreError) -> Answer {
        let (health, folder) = (self.health, self.folder)
        return try await readers.read { connection in
            if let fault = health.fault { return .failure(fault) }
            do throws(SQLiteFailure) { return .success(try work(connection)) } catch {
                let failure = StoreError(error, in: folder.path)
                if error.endsTheStore { health.note(failure) }
                return .failure(failure)
            }
        }
    }
}

extension AlertQuery {
    var sql: SQLiteQuery {
        var query = SQLiteQuery(SQLiteStatement.selectAlerts)
        query.require("id", id?.text)
        // Spelt out, so that the index of the few unread alerts serves.
        if let state { query.require("state = '\(state.rawValue)'") }
        query.require("source", source)
        query.require("delivery", delivery)
        query.page(by: "id", beyond: beyond?.text, oldestFirst: oldestFirst)
        return query
    }
}

extension DecisionQuery {
    var sql: SQLiteQuery {
        var query = SQLiteQuery(SQLiteStatement.selectDecisions)
        query.require("id", id?.text)
        query.require("alert", alert?.text)
        query.require("verdict", verdict)
        query.page(by: "id", beyond: beyond?.text, oldestFirst: false)
        return query
    }
}

extension RunQuery {
    var sql: SQLiteQuery {
        var query = SQLiteQuery(SQLiteStatement.selectRuns)
        query.require("id", id?.text)
        query.require("alert", alert?.text)
        query.require("phase", phase)
        query.require("playbook", playbook)
        query.require("subject", subject)
        query.require("wake", wake)
        if onlyLive || dueBy != nil { query.require("ended_at IS NULL") }
        query.require("due_at", "<=", dueBy?.milliseconds)
        query.page(by: "id", beyond: beyond?.text, oldestFirst: oldestFirst)
        if dueBy != nil { query.order = "due_at, id" }
        return query
    }
}
