// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonEvidence
import CordonLanguage
import Foundation
import TestKit
import Testing

/// A backup is verified before it becomes a state folder: restoring must not make a forged history a sound one.
@Suite(.serialized)
struct RestoreCommandTests {
    private func backedUp() async throws -> Installation {
        let installation = try PracticeAuthority().installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        #expect(try await serving.stop() == .exited(0))
        #expect(try await installation.finish("backup", "kept").end == .exited(0))
        return installation
    }

    /// What an intruder with a database shell does: an outcome is another, and so is its hash beside it.
    private func forge(_ database: String) throws {
        var connection: OpaquePointer?
        try #require(sqlite3_open(database, &connection) == SQLITE_OK)
        defer { sqlite3_close(connection) }
        let sql = """
            SELECT sql FROM sqlite_schema WHERE name = 'entry_never_changes';
            """
        var statement: OpaquePointer?
        try #require(sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK)
        try #require(sqlite3_step(statement) == SQLITE_ROW)
        let trigger = String(cString: try #require(sqlite3_column_text(statement, 0)))
        sqlite3_finalize(statement)
        let whole = """
            DROP TRIGGER entry_never_changes;
            UPDATE entry SET bytes = CAST(replace(bytes, 'active', 'passiv') AS BLOB), leaf = zeroblob(32)
                WHERE kind = 'callReturned';
            \(trigger);
            """
        try #require(sqlite3_exec(connection, whole, nil, nil, nil) == SQLITE_OK)
        #expect(sqlite3_total_changes(connection) > 0)
    }

    @Test func `a forged backup is not restored, or the history says for ever that it was forged`() async throws {
        let installation = try await backedUp()
        try forge(installation.scratch.path("kept/cordon.db"))
        let new = installation.scratch.path("new")
        let refused = try await installation.finish("restore", "kept", "--state", new, "--reason", "disk")
        #expect(refused.end == .exited(9))
        #expect(refused.error.contains("the backup is broken: entryChanged"), "\(refused.error)")
        #expect(!FileManager.default.fileExists(atPath: new + "/cordon.db"))

        let forced = try await installation.finish(
            "restore", "kept", "--state", new, "--reason", "disk", "--despite-findings")
        #expect(forced.end == .exited(0), "\(forced.error)")
        let verified = try await installation.finish("audit", "verify", "new", "-o", "json")
        #expect(verified.end == .exited(9), "the log that was put aside still tells")
        #expect(verified.output.contains("log.forked-1/checkpoint"), "\(verified.output)")
        let line = try await installation.finish("audit", "prove", "log@2", "--line", "--state", new)
        #expect(line.output.contains("restored a backup that was broken"), "\(line.output) \(line.error)")
        #expect(line.output.contains("entryChanged"))
    }

    @Test func `a sound backup is restored, backed up and restored again, and the old logs stay comparable`()
        async throws
    {
        let installation = try await backedUp()
        let keys = try LogFolder(installation.scratch.path("state/log")).keys().map(\.text)
        let stranger = try SigningKey(name: "cordon/x").verifier.text
        let new = installation.scratch.path("new")
        #expect(
            try await installation.finish("restore", "kept", "--state", new, "--reason", "r", "--key", stranger).end
                == .exited(9))
        let restored = try await installation.finish(
            "restore", "kept", "--state", new, "--reason", "r", "--key", try #require(keys.first))
        #expect(restored.end == .exited(0), "\(restored.error)")
        #expect(try await installation.finish("audit", "verify", "new").end == .exited(0))
        let serving = try await installation.serve(wrapper: [], "--state", new)
        #expect(try await serving.stop() == .exited(0))
        #expect(try await installation.finish("audit", "verify", "new").end == .exited(0))

        #expect(try await installation.finish("backup", "kept-2", "--state", new).end == .exited(0))
        let second = try await installation.finish("audit", "verify", "kept-2")
        #expect(second.end == .exited(0), "\(second.output)")
        let third = installation.scratch.path("third")
        let again = try await installation.finish("restore", "kept-2", "--state", third, "--reason", "again")
        #expect(again.end == .exited(0), "\(again.error)")
        #expect(FileManager.default.fileExists(atPath: third + "/log.forked-2/checkpoint"))
        #expect(try await installation.finish("audit", "verify", "third").end == .exited(0))
        try FileManager.default.removeItem(atPath: third + "/log.forked-1")
        let lost = try await installation.finish("audit", "verify", "third", "-o", "json")
        #expect(lost.end == .exited(9))
        #expect(lost.output.contains("log.forked-1"))
    }
}
