// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonLanguage
import Foundation
import TestKit
import Testing

/// Whatever class of bytes of a state folder is changed by hand, the verifier finds it and names it.
@Suite(.serialized)
struct TamperedStateTests {
    /// What an intruder with a database shell does, and what he is found by.
    private static let deeds: [(sql: String, code: String)] = [
        (
            "UPDATE entry SET bytes = CAST(replace(bytes, 'active', 'passiv') AS BLOB) WHERE kind = 'callReturned'",
            "entryChanged"
        ),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE place = 5", "entryChanged"),
        ("DELETE FROM entry WHERE place = 7", "entryMissing"),
        ("DELETE FROM entry WHERE place >= 12", "entryMissing"),
        (
            "UPDATE entry SET place = -1 WHERE place = 8; UPDATE entry SET place = 8 WHERE place = 9; UPDATE entry SET place = 9 WHERE place = -1",
            "entryChanged"
        ),
        ("UPDATE entry SET kind = 'stepSkipped' WHERE place = 9", "entryChanged"),
        ("UPDATE entry SET at = at + 1000 WHERE place = 9", "entryChanged"),
        ("UPDATE entry SET form = 1 - form WHERE place = 9", "entryChanged"),
        ("UPDATE stream SET name = name || 'x' WHERE name LIKE 'run_%'", "entryChanged"),
        (
            "INSERT INTO entry SELECT max(place) + 1, (SELECT id FROM stream WHERE name = 'node'), 99, at, kind, form, leaf, bytes FROM entry",
            "streamGap"
        ),
        ("INSERT INTO run_snapshot SELECT place, number, CAST('{}' AS BLOB) FROM run", "snapshotDiffers"),
        ("UPDATE run SET phase = 'running', ended_at = NULL", "snapshotDiffers"),
        ("UPDATE run SET number = number - 1", "snapshotDiffers"),
        ("UPDATE run SET number = 99, phase = 'failed', subject = 'credential:another'", "snapshotDiffers"),
        ("UPDATE run SET workflow_digest = playbook_digest", "rowDiffers"),
        ("UPDATE run SET due_at = 1, ended_at = NULL", "snapshotDiffers"),
        ("UPDATE decision SET verdict = 'ignore'", "rowDiffers"),
        ("UPDATE signal SET kind = 'x'", "rowDiffers"),
        ("UPDATE alert SET state = 'ignored'", "rowDiffers"),
        ("UPDATE run SET subject = 'credential:somebody-elses'", "rowDiffers"),
        ("UPDATE run SET playbook_digest = workflow_digest", "rowDiffers"),
        ("UPDATE run SET opened_at = opened_at - 1000", "rowDiffers"),
        ("DELETE FROM run", "rowDiffers"),
        ("UPDATE alert SET source = 'another'", "rowDiffers"),
        ("UPDATE alert SET delivery = 'another'", "rowDiffers"),
        ("UPDATE alert SET received_at = received_at - 1000", "rowDiffers"),
        ("UPDATE alert SET body_digest = 'sha256:' || body_digest", "rowDiffers"),
        ("UPDATE alert_body SET bytes = CAST(bytes || ' ' AS BLOB)", "blobChanged"),
        ("DELETE FROM alert_body", "blobMissing"),
        ("DELETE FROM decision", "rowDiffers"), ("DELETE FROM signal", "rowDiffers"),
        ("DELETE FROM alert", "rowDiffers"),
        ("UPDATE decision SET told_at = 1", "rowDiffers"), ("UPDATE signal SET told_at = 1", "rowDiffers"),
        ("UPDATE definition SET source = CAST(source || '#' AS BLOB)", "blobChanged"),
        ("DELETE FROM definition", "blobMissing"),
        ("UPDATE definition SET name = 'another'", "rowDiffers"),
        ("UPDATE signal SET received_at = 1", "rowDiffers"), ("UPDATE decision SET at = 1", "rowDiffers"),
        ("UPDATE decision SET signal = 'sig_' || substr(alert, 5) || '-9'", "rowDiffers"),
        (
            "INSERT INTO signal SELECT max(place) + 1, 'sig_ORPHAN-1', 'alr_ORPHAN', kind, received_at, body, told_at FROM signal",
            "rowDiffers"
        ),
        (
            "INSERT INTO decision SELECT max(place) + 1, 'dec_ORPHAN-1', signal, 'alr_ORPHAN', verdict, at, body, told_at FROM decision",
            "rowDiffers"
        ),
        ("INSERT INTO event (source, name, signal) SELECT 'push', 'next', id FROM signal", "rowDiffers"),
        ("DELETE FROM tally", "rowDiffers"), ("UPDATE tally SET matched = matched + 100", "rowDiffers"),
        ("UPDATE tally SET minute = minute - 1", "rowDiffers"),
        ("INSERT INTO tally SELECT 'x' || playbook, minute, matched FROM tally", "rowDiffers"),
        ("UPDATE token SET role = 'approver'", "rowDiffers"), ("UPDATE token SET name = 'mallory'", "rowDiffers"),
        ("UPDATE token SET hash = 'a' || hash", "rowDiffers"), ("UPDATE token SET created_at = 1", "rowDiffers"),
        ("UPDATE token SET expires_at = 1", "rowDiffers"), ("UPDATE token SET revoked_at = 1", "rowDiffers"),
        ("DELETE FROM token", "rowDiffers"),
        ("INSERT INTO token SELECT 'x' || id, name, role, hash, 1, NULL, NULL FROM token", "rowDiffers"),
        ("UPDATE touch SET at = at - 1", "rowDiffers"), ("UPDATE touch SET provider = 'x'", "rowDiffers"),
        ("UPDATE touch SET owner = 'x'", "rowDiffers"), ("UPDATE touch SET playbook = 'x'", "rowDiffers"),
        ("UPDATE touch SET kind = 'workload'", "rowDiffers"), ("DELETE FROM touch", "rowDiffers"),
        (
            "INSERT INTO mark (what, subject, playbook, at, cause, weight, half_life) SELECT 'risk', subject, playbook, at, 'sig_X', 1.0, 60000 FROM touch",
            "rowDiffers"
        ),
        (
            "INSERT INTO mark (what, subject, playbook, at, cause, capability) SELECT 'put_back', run.subject, run.playbook, run.opened_at, run.id, 'tokens.revoke' FROM run",
            "rowDiffers"
        ),
    ]

    @Test func `each change of the database is found and named`() async throws {
        let origin = try await settled()
        for (sql, code) in Self.deeds {
            let (report, end) = try await verify(origin) { folder in try Self.change(folder + "/cordon.db", sql) }
            #expect(end == .exited(9), "\(sql)\n\(report)")
            #expect(codes(report).contains(code), "\(sql)\n\(codes(report))")
        }
    }

    @Test func `each change of a session's row is found and named`() async throws {
        let installed = try await SessionInstallation()
        let serving = try await installed.installation.serve()
        #expect(try await installed.open("a") == 201)
        #expect(try await installed.open("b", below: "a") == 201)
        #expect(try await serving.stop() == .exited(0))
        let origin = installed.installation.scratch
        let deeds = [
            ("UPDATE session SET closed_at = 1", "snapshotDiffers"),
            ("UPDATE session SET number = number - 1 WHERE id = 'a'", "snapshotDiffers"),
            ("UPDATE session SET snapshot = CAST(replace(snapshot, 'a', 'z') AS BLOB)", "snapshotDiffers"),
            ("UPDATE session SET id = 'c' WHERE id = 'b'", "rowDiffers"), ("DELETE FROM session", "rowDiffers"),
        ]
        let (sound, whole) = try await verify(origin) { _ in }
        #expect(whole == .exited(0), "\(sound)")
        for (sql, code) in deeds {
            let (report, end) = try await verify(origin) { folder in try Self.change(folder + "/cordon.db", sql) }
            #expect(end == .exited(9), "\(sql)\n\(report)")
            #expect(codes(report).contains(code), "\(sql)\n\(codes(report))")
        }
    }

    @Test func `each change of the signed log and of the evidence is found and named`() async throws {
        let origin = try await settled()
        let files = FileManager.default
        let names = (files.subpaths(atPath: origin.path("state")) ?? []).filter { name in
            var isFolder: ObjCBool = false
            let path = origin.path("state/" + name)
            return files.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
                && (name.hasPrefix("log/") || name.hasPrefix("evidence/"))
        }
        #expect(names.count > 8)
        for name in names.sorted() {
            let isSpare = isSpareTile(name, origin)
            for deed in ["flip the first byte of", "flip the last byte of", "truncate", "drop"] {
                let (report, end) = try await verify(origin) { try Self.change($0 + "/" + name, by: deed) }
                // What an older checkpoint's tile says is not asked for any more.
                if isSpare || (deed == "drop" && name.hasPrefix("log/checkpoints/")) { continue }
                #expect(end == .exited(9), "\(deed) \(name)\n\(report)")
                let word = name.hasPrefix("evidence/") ? String(name.dropFirst(9).prefix(2)) : "log"
                #expect(
                    places(report).contains { $0.contains(word) || $0.hasPrefix("entry") }, "\(deed) \(name): \(report)"
                )
            }
        }
    }

    /// A partial tile that a larger one has taken the place of.
    private func isSpareTile(_ name: String, _ origin: ScratchFolder) -> Bool {
        guard let size = (try? origin.read("state/log/checkpoint"))?.split(separator: "\n").dropFirst().first else {
            return false
        }
        return name.contains(".p/") && !name.hasSuffix("/" + size)
    }

    @Test func `two blobs that change places, and a rolled back log, are found`() async throws {
        let origin = try await settled()
        let (swapped, end) = try await verify(origin) { folder in
            let names = (FileManager.default.subpaths(atPath: folder + "/evidence") ?? []).filter { $0.count > 10 }
            let paths = names.sorted().prefix(2).map { URL(filePath: folder + "/evidence/" + $0) }
            let (first, second) = (try Data(contentsOf: paths[0]), try Data(contentsOf: paths[1]))
            try second.write(to: paths[0])
            try first.write(to: paths[1])
        }
        #expect(end == .exited(9))
        #expect(codes(swapped).filter { $0 == "blobChanged" }.count == 2)
        // An older checkpoint in the newer's place signs for less. A start after it told how much was signed by then.
        let (rolled, rolledEnd) = try await verify(origin) { folder in
            let kept = (try FileManager.default.contentsOfDirectory(atPath: folder + "/log/checkpoints")).sorted()
            let first = try Data(contentsOf: URL(filePath: folder + "/log/checkpoints/" + kept[0]))
            try first.write(to: URL(filePath: folder + "/log/checkpoint"))
            for name in kept.dropFirst() {
                try FileManager.default.removeItem(atPath: folder + "/log/checkpoints/" + name)
            }
        }
        #expect(rolledEnd == .exited(9), "\(rolled)")
        #expect(codes(rolled).contains("entriesUnsigned"))
    }

    @Test func `each change of what keeps the rows is found, by doctor too, and no server starts on it`() async throws {
        let origin = try await settled()
        for sql in [
            "CREATE TRIGGER t AFTER INSERT ON alert BEGIN UPDATE alert SET state = 'read' WHERE place = new.place; END",
            "DROP INDEX entry_at", "DROP TRIGGER entry_never_changes",
        ] {
            let copy = try ScratchFolder("cordon-tampered")
            for name in ["state", "cordon.yaml", "connections.yaml", "identities.yaml"] {
                try FileManager.default.copyItem(atPath: origin.path(name), toPath: copy.path(name))
            }
            var connection: OpaquePointer?
            try #require(sqlite3_open(copy.path("state/cordon.db"), &connection) == SQLITE_OK)
            try #require(sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK)
            sqlite3_close(connection)
            let found = try await Installation.finish(["audit", "verify", "state", "-o", "json"], in: copy)
            #expect(found.end == .exited(9), "\(sql)")
            #expect(codes((try? JSON.parse(found.output)) ?? .null).contains("schemaDiffers"))
            let doctor = try await Installation.finish(["doctor"], in: copy)
            #expect(doctor.end == .exited(1))
            #expect(doctor.output.contains("another program changed the database"), "\(doctor.output)")
            let serving = try await Installation.finish(["serve"], in: copy)
            #expect(serving.end != .exited(0))
            #expect(serving.error.contains("was changed by another program"), "\(serving.error)")
        }
    }

    // MARK: The stage

    /// One contained alert, all of it signed, the write-ahead log empty.
    private func settled() async throws -> ScratchFolder {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        #expect(try await serving.stop() == .exited(0))
        // A second start tells how much was signed by then.
        try await installation.finishSettled()
        let sound = try await installation.finish("audit", "verify")
        #expect(sound.end == .exited(0), "\(sound.output)")
        return installation.scratch
    }

    private func verify(
        _ origin: ScratchFolder, _ deed: (String) throws -> Void
    ) async throws -> (report: Value, end: ProgramUnderTest.End) {
        let copy = try ScratchFolder("cordon-tampered")
        try FileManager.default.copyItem(atPath: origin.path("state"), toPath: copy.path("state"))
        try deed(copy.path("state"))
        let ended = try await Installation.finish(["audit", "verify", "state", "-o", "json"], in: copy)
        return ((try? JSON.parse(ended.output)) ?? .string(ended.error), ended.end)
    }

    private func codes(_ report: Value) -> [String] { column("code", report) }
    private func places(_ report: Value) -> [String] { column("place", report) }

    private func column(_ name: String, _ report: Value) -> [String] {
        (report["findings"]?.arrayValue ?? []).compactMap { $0[name]?.stringValue }
    }

    private static func change(_ path: String, by deed: String) throws {
        guard deed != "drop" else { return try FileManager.default.removeItem(atPath: path) }
        var bytes = try Data(contentsOf: URL(filePath: path))
        switch deed {
        case "truncate": bytes.removeLast(max(1, bytes.count / 3))
        case "flip the first byte of": bytes[0] ^= 2
        default: bytes[bytes.count - 1] ^= 2
        }
        try bytes.write(to: URL(filePath: path))
    }

    private static func change(_ database: String, _ sql: String) throws {
        var connection: OpaquePointer?
        try #require(sqlite3_open(database, &connection) == SQLITE_OK)
        defer { sqlite3_close(connection) }
        // Put back as they were, or they themselves would be what is found.
        var guards: [String] = []
        var statement: OpaquePointer?
        let asked = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'"
        try #require(sqlite3_prepare_v2(connection, asked, -1, &statement, nil) == SQLITE_OK)
        while sqlite3_step(statement) == SQLITE_ROW {
            guards.append(String(cString: try #require(sqlite3_column_text(statement, 0))))
        }
        sqlite3_finalize(statement)
        let whole =
            "DROP TRIGGER entry_never_changes; DROP TRIGGER entry_never_leaves; \(sql);"
            + guards.map { $0 + ";" }.joined()
        let status = sqlite3_exec(connection, whole, nil, nil, nil)
        try #require(status == SQLITE_OK, "\(sql): \(String(cString: sqlite3_errmsg(connection)))")
        #expect(sqlite3_total_changes(connection) > 0, "\(sql) changes nothing")
    }
}
