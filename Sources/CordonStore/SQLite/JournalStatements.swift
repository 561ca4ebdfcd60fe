// SPDX-License-Identifier: Apache-2.0

/// The writer's statements, prepared once.
struct JournalStatements {
    let begin, commit, rollback, savepoint, release, rollbackToSavepoint: SQLiteStatement
    let insertEntry, lastNumber, streamOfName, insertStream: SQLiteStatement
    let insertAlert, insertAlertBody, alertOfDelivery, updateAlertState, insertEvent: SQLiteStatement
    let signalOfEvent: SQLiteStatement
    let placeOfExpirable, deleteAlertBody: SQLiteStatement
    let insertSignal, insertDecision: SQLiteStatement
    let insertRun, runExists, advanceLiveRun, advanceRun, keepSnapshot: SQLiteStatement
    let insertSession, advanceSession: SQLiteStatement
    let guards: GuardStatements
    let matters: MatterStatements
    let insertNotice, settleNotice, forgetNotices: SQLiteStatement
    let insertDefinition, insertToken, tokenRevokedAt, revokeToken: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        begin = try connection.statement("BEGIN IMMEDIATE")
        commit = try connection.statement("COMMIT")
        rollback = try connection.statement("ROLLBACK")
        savepoint = try connection.statement("SAVEPOINT operation")
        release = try connection.statement("RELEASE operation")
        rollbackToSavepoint = try connection.statement("ROLLBACK TO operation")

        insertEntry = try connection.statement(
            "INSERT INTO entry (place, stream, number, at, kind, form, leaf, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        lastNumber = try connection.statement(
            """
            SELECT number FROM entry WHERE stream = (SELECT id FROM stream WHERE name = ?)
            ORDER BY number DESC LIMIT 1
            """)
        streamOfName = try connection.statement("SELECT id FROM stream WHERE name = ?")
        insertStream = try connection.statement("INSERT INTO stream (name) VALUES (?)")

        insertAlert = try connection.statement(
            """
            INSERT INTO alert (id, source, delivery, received_at, headers, body_digest, origin_proof, state, mark, cuts)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """)
        insertAlertBody = try connection.statement("INSERT INTO alert_body (place, bytes, salt) VALUES (?, ?, ?)")
        alertOfDelivery = try connection.statement("SELECT id FROM alert WHERE source = ? AND delivery = ?")
        updateAlertState = try connection.statement(
            "UPDATE alert SET state = ? WHERE id = ? AND state = 'received'")
        placeOfExpirable = try connection.statement(
            """
            SELECT place FROM alert WHERE id = ? AND state <> 'received'
                AND EXISTS (SELECT 1 FROM alert_body WHERE alert_body.place = alert.place)
                AND NOT EXISTS (SELECT 1 FROM run WHERE run.alert = alert.id AND run.ended_at IS NULL)
            """)
        deleteAlertBody = try connection.statement("DELETE FROM alert_body WHERE place = ?")
        insertSignal = try connection.statement(
            "INSERT INTO signal (id, alert, kind, received_at, body, told_at) VALUES (?, ?, ?, ?, ?, ?)")
        insertEvent = try connection.statement("INSERT INTO event (source, name, signal) VALUES (?, ?, ?)")
        signalOfEvent = try connection.statement("SELECT signal FROM event WHERE source = ? AND name = ?")
        insertDecision = try connection.statement(
            "INSERT INTO decision (id, signal, alert, verdict, at, body, told_at) VALUES (?, ?, ?, ?, ?, ?, ?)")

        insertRun = try connection.statement(
            """
            INSERT INTO run (id, number, phase, wake, due_at, updated_at, subject, severity, ended_at, decision, alert,
                playbook, playbook_digest, workflow, workflow_digest, opened_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        runExists = try connection.statement("SELECT 1 FROM run WHERE id = ?")
        let moving = "number = ?, phase = ?, wake = ?, due_at = ?, updated_at = ?, subject = ?, severity = ?"
        advanceLiveRun = try connection.statement(
            "UPDATE run SET \(moving) WHERE id = ? AND number = ? AND ended_at IS NULL")
        advanceRun = try connection.statement(
            "UPDATE run SET \(moving), ended_at = ? WHERE id = ? AND number = ?")
        keepSnapshot = try connection.statement(
            """
            INSERT INTO run_snapshot (place, number, bytes) SELECT place, number, ? FROM run WHERE id = ?
            ON CONFLICT (place) DO UPDATE SET number = excluded.number, bytes = excluded.bytes
            """)

        guards = try GuardStatements(connection)
        matters = try MatterStatements(connection)
        insertSession = try connection.statement(
            """
            INSERT INTO session (id, root, number, opened_at, updated_at, closed_at, snapshot)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
            """)
        advanceSession = try connection.statement(
            """
            UPDATE session SET number = ?, updated_at = ?, closed_at = ?, snapshot = ? WHERE id = ? AND number = ?
            """)

        insertNotice = try connection.statement(
            """
            INSERT INTO notice (key, endpoint, run, topic, made_at, due_at, state, settled_at, attempts, message,
                problem, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, endpoint) DO NOTHING
            """)
        settleNotice = try connection.statement(
            """
            UPDATE notice SET due_at = ?, state = ?, settled_at = ?, attempts = ?, message = ?, problem = ?
            WHERE key = ? AND endpoint = ?
            """)
        forgetNotices = try connection.statement(
            "DELETE FROM notice WHERE state <> 'waiting' AND settled_at < ?")

        insertDefinition = try connection.statement(
            """
            INSERT INTO definition (digest, kind, name, source, published_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (digest) DO NOTHING
            """)
        insertToken = try connection.statement(
            """
            INSERT INTO token (id, name, role, hash, created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO NOTHING
            """)
        tokenRevokedAt = try connection.statement("SELECT revoked_at FROM token WHERE id = ?")
        revokeToken = try connection.statement("UPDATE token SET revoked_at = ? WHERE id = ?")
    }
}
