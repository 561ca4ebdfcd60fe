// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonStore
import StoreKit
import Testing

/// A database whose tables somebody changed is not written to, and says what was changed.
@Suite struct SchemaTests {
    private static let deeds = [
        (
            "CREATE TRIGGER t AFTER INSERT ON alert BEGIN UPDATE alert SET state = 'read' WHERE place = new.place; END",
            "the trigger t is not of this program"
        ),
        ("DROP INDEX entry_at", "the index entry_at is gone; make it again with: CREATE INDEX entry_at"),
        ("DROP TRIGGER entry_never_changes", "the trigger entry_never_changes is gone"),
        ("CREATE VIEW v AS SELECT 1", "the view v is not of this program"),
        ("CREATE TABLE x (a)", "the table x is not of this program"),
        ("ALTER TABLE token ADD COLUMN extra TEXT", "the table token is another than this program makes"),
        (
            "DROP TRIGGER entry_never_leaves; CREATE TRIGGER entry_never_leaves BEFORE DELETE ON entry BEGIN SELECT 1; END",
            "the trigger entry_never_leaves is another"
        ),
    ]

    @Test func `each change of what keeps the rows is told, and keeps the store from being opened for writing`()
        async throws
    {
        for (sql, says) in Self.deeds {
            let folder = TestFolder()
            let store = try SQLiteStore(.readWrite(folder.path))
            #expect(try await store.schemaDifferences() == [])
            await store.close()
            try change(folder.database, sql)
            let reader = try SQLiteStore(.readOnly(folder.path))
            let found = try await reader.schemaDifferences()
            await reader.close()
            #expect(found.count == 1, "\(sql): \(found)")
            #expect(found.first?.hasPrefix(says) == true, "\(found)")
            let refused = #expect(throws: StoreError.self) { try SQLiteStore(.readWrite(folder.path)) }
            #expect(refused?.reason.contains(says) == true, "\(refused?.reason ?? "")")
        }
    }

    @Test func `what SQLite adds for its own use says nothing`() async throws {
        let folder = TestFolder()
        await (try SQLiteStore(.readWrite(folder.path))).close()
        try change(folder.database, "ANALYZE")
        let store = try SQLiteStore(.readWrite(folder.path))
        #expect(try await store.schemaDifferences() == [])
        await store.close()
    }

    private func change(_ database: String, _ sql: String) throws {
        var connection: OpaquePointer?
        try #require(sqlite3_open(database, &connection) == SQLITE_OK)
        defer { sqlite3_close(connection) }
        try #require(sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK, "\(sql)")
    }
}
