// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// Tables, indexes and triggers as they stand in a database, against those that this program makes: a trigger that somebody
/// added changes what is stored without touching a line of the history.
extension Schema {
    private static let shownMax = 200

    /// What is there and should not be, what is not there, and what is another: each in words, with the way out.
    static func differences(
        _ connection: SQLiteConnection, at version: Int
    ) throws(SQLiteFailure) -> [String] {
        let fresh = try SQLiteConnection(path: ":memory:", flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        defer { fresh.close() }
        for migration in migrations.prefix(version) { try fresh.execute(migration) }
        let (own, found) = (try parts(fresh), try parts(connection))
        var says: [String] = []
        for name in Set(own.keys).union(found.keys).sorted() {
            switch (own[name], found[name]) {
            case (nil, let extra?):
                let drop = name.split(separator: " ", maxSplits: 1).first.map { $0.uppercased() } ?? ""
                says.append(
                    "the \(name) is not of this program (\(shown(extra))): find out who added it, then take it away with "
                        + "DROP \(drop)")
            case (let missing?, nil):
                says.append("the \(name) is gone; make it again with: \(shown(missing))")
            case (let expected?, let other?) where spelled(expected) != spelled(other):
                says.append("the \(name) is another than this program makes: \(shown(other))")
            default: continue
            }
        }
        return says
    }

    private static func parts(_ connection: SQLiteConnection) throws(SQLiteFailure) -> [String: String] {
        // What SQLite adds by itself: indexes of UNIQUE have no text, and ANALYZE leaves tables. A trigger of such a name
        // is somebody's, who wrote into the schema itself.
        let statement = try connection.statement(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND NOT (type = 'table' "
                + "AND name IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat3', 'sqlite_stat4'))")
        defer { statement.reset() }
        var parts: [String: String] = [:]
        while try statement.step() { parts["\(statement.text(0)) \(statement.text(1))"] = statement.text(2) }
        return parts
    }

    /// Another version of SQLite may have set other quotes and spaces when it renamed a table.
    private static func spelled(_ sql: String) -> String {
        String(sql.filter { !$0.isWhitespace && !"\"`[]".contains($0) })
    }

    private static func shown(_ sql: String) -> String {
        let line = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > shownMax ? String(line.prefix(shownMax)) + "…" : line
    }
}

extension SQLiteStore {
    package func schemaDifferences() async throws(StoreError) -> [String] {
        try await read { (connection) throws(SQLiteFailure) in
            try Schema.differences(connection, at: Schema.version)
        }
    }
}
