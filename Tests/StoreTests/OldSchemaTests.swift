// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonCore
import CordonLanguage
import CordonStore
import Foundation
import StoreKit
import Testing

/// What an earlier version of the program stored is read by this one, and goes on.
@Suite struct OldSchemaTests {
    @Test func `a store of schema version 2 opens with all that it held`() async throws {
        let folder = TestFolder()
        var real = RealRun(1)
        var stored = [real.change]
        while stored.count < 3, try real.goOn() { stored.append(real.change) }
        try Version2(folder).write(stored)

        let store = try SQLiteStore(.readWrite(folder.path))
        let history = try await StoredHistory(store)
        #expect(history.faults == [])
        let run = try #require(history.runs.first)
        #expect(run.snapshotNumber == run.number && run.tail.isEmpty)
        #expect(try Run(snapshot: run.snapshot, tail: run.tail) == real.run)
        let entries = [Sample.entry(Sample.alertID(1).text, 1)] + stored.flatMap(\.entries)
        #expect(history.log.map(\.entry) == entries)
        #expect(try await store.decisions(DecisionQuery()) == [Sample.decision(1)])
        #expect(try await store.signals(of: Sample.alertID(1)) == [Sample.signal(1)])

        // It goes on as this version does: the old snapshot, and what came since.
        #expect(try real.goOn())
        var change = real.change
        change.run.snapshot = []
        try await store.commit(change)
        let later = try await StoredHistory(store)
        #expect(later.faults == [])
        #expect(later.runs.first?.tail == change.entries)
        await store.close()
    }
}

/// Writes a database as version 2 did.
private struct Version2 {
    let folder: TestFolder

    init(_ folder: TestFolder) { self.folder = folder }

    func write(_ changes: [RunChange]) throws {
        let schema = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/version-2.sql")
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        var handle: OpaquePointer?
        try #require(sqlite3_open(folder.database, &handle) == SQLITE_OK)
        defer { sqlite3_close(handle) }
        func execute(_ sql: String) throws {
            let code = sqlite3_exec(handle, sql, nil, nil, nil)
            try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(handle))): \(sql)")
        }
        try execute(String(decoding: try Data(contentsOf: schema), as: UTF8.self))
        try execute(alert)
        let entries = [Sample.entry(Sample.alertID(1).text, 1)] + changes.flatMap(\.entries)
        for (place, entry) in entries.enumerated() {
            try execute(
                """
                INSERT INTO entry VALUES (\(place), '\(entry.stream)', \(entry.number), \(entry.at.milliseconds),
                    '\(entry.kind)', \(blob(entry.leaf)), \(blob(entry.bytes)))
                """)
        }
        if let run = changes.last?.run { try execute(row(run)) }
    }

    private var alert: String {
        let (alert, signal, decision) = (Sample.alert(1), Sample.signal(1), Sample.decision(1))
        return """
            INSERT INTO alert VALUES (1, '\(alert.id)', 'github', 'delivery-1', \(alert.receivedAt.milliseconds), '{}',
                'sha256:1', '\(alert.originProof.rawValue)', 'read');
            INSERT INTO alert_body VALUES (1, \(blob(alert.body)));
            INSERT INTO signal VALUES (1, '\(signal.id)', '\(signal.alert)', '\(signal.kind)',
                \(signal.receivedAt.milliseconds), \(blob(signal.body)));
            INSERT INTO decision VALUES (1, '\(decision.id)', '\(decision.signal)', '\(decision.alert)', 'enforce',
                \(decision.at.milliseconds), \(blob(decision.body)));
            """
    }

    private func row(_ run: RunRecord) -> String {
        """
        INSERT INTO run VALUES (1, '\(run.id)', \(run.number), '\(run.phase)', \(run.wake.map { "'\($0)'" } ?? "NULL"),
            \(run.dueAt.map { "\($0.milliseconds)" } ?? "NULL"), \(run.updatedAt.milliseconds), NULL, '\(run.subject)',
            '\(run.severity.rawValue)', '\(run.decision)', '\(run.alert)', '\(run.playbook)', '\(run.playbookDigest)',
            '\(run.workflow)', '\(run.workflowDigest)', \(run.openedAt.milliseconds), \(blob(run.snapshot)))
        """
    }

    private func blob(_ bytes: [UInt8]) -> String {
        "X'" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "'"
    }
}
