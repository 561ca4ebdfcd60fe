// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonCore

// The present row as one of the port's records; the columns are in the order of the SELECTs here and in the queries.

extension SQLiteStatement {
    static let selectAlerts = """
        SELECT id, source, delivery, received_at, headers, body_digest, origin_proof, state,
            (SELECT bytes FROM alert_body WHERE alert_body.place = alert.place),
            (SELECT salt FROM alert_body WHERE alert_body.place = alert.place), mark, cuts FROM alert
        """
    static let selectRuns = """
        SELECT id, decision, alert, playbook, playbook_digest, workflow, workflow_digest, subject, severity, phase,
            wake, due_at, run.number, opened_at, updated_at, ended_at, run_snapshot.number, run_snapshot.bytes
            FROM run LEFT JOIN run_snapshot USING (place)
        """
    static let selectEntries = """
        SELECT place, stream.name, number, at, kind, form, bytes, leaf FROM entry JOIN stream ON stream.id = entry.stream
        """
    static let selectSignals = """
        SELECT id, alert, kind, received_at, \(body(of: "signal")) FROM signal
        """
    static let selectDecisions = """
        SELECT id, signal, alert, verdict, at, \(body(of: "decision")) FROM decision
        """

    private static func body(of table: String) -> String {
        "CASE WHEN told_at IS NULL THEN body ELSE (SELECT bytes FROM entry WHERE place = \(table).told_at) END"
    }

    func alert() throws(SQLiteFailure) -> Alert {
        guard let headers = HeaderText.decode(text(4)) else { throw unreadable(text(4)) }
        guard let cuts = Alert.cuts(text(11)) else { throw unreadable(text(11)) }
        return Alert(
            id: try id(0), source: text(1), deliveryID: text(2), receivedAt: instant(3), headers: headers,
            body: bytes(8), bodyDigest: text(5), originProof: try word(6), state: try word(7),
            salt: bytes(9), mark: text(10), cuts: cuts)
    }

    func signal() throws(SQLiteFailure) -> SignalRecord {
        SignalRecord(id: try id(0), alert: try id(1), kind: text(2), receivedAt: instant(3), body: bytes(4))
    }

    func decision() throws(SQLiteFailure) -> DecisionRecord {
        DecisionRecord(
            id: try id(0), signal: try id(1), alert: try id(2), verdict: text(3), at: instant(4), body: bytes(5))
    }

    func run() throws(SQLiteFailure) -> RunRecord {
        RunRecord(
            id: try id(0), decision: try id(1), alert: try id(2), playbook: text(3), playbookDigest: text(4),
            workflow: text(5), workflowDigest: text(6), subject: text(7), severity: try word(8), phase: text(9),
            wake: optionalText(10), dueAt: optionalInstant(11), number: int(12), openedAt: instant(13),
            updatedAt: instant(14), endedAt: optionalInstant(15), snapshot: bytes(17), snapshotNumber: int(16))
    }

    /// - Parameter stream: its stream's name, where that is known: one text for all of its entries.
    func entry(of stream: String? = nil) -> IndexedEntry {
        var entry = Entry(
            stream: stream ?? text(1), number: int(2), at: instant(3), kind: text(4), bytes: [], leaf: bytes(7))
        let isFramed = int(5) == LineFrame.form
        entry.bytes = isFramed ? withBytes(6) { LineFrame.line(of: entry, body: $0) } : bytes(6)
        return IndexedEntry(index: int(0), entry: entry)
    }

    func definition() throws(SQLiteFailure) -> Definition {
        Definition(digest: text(0), kind: try word(1), name: text(2), source: bytes(3), publishedAt: instant(4))
    }

    func token() -> TokenRecord {
        TokenRecord(
            id: text(0), name: text(1), role: text(2), hash: text(3), createdAt: instant(4),
            expiresAt: optionalInstant(5), revokedAt: optionalInstant(6))
    }

    func id<Noun: Named>(_ column: Int32) throws(SQLiteFailure) -> ID<Noun> {
        guard let id = ID<Noun>(text(column)) else { throw unreadable(text(column)) }
        return id
    }

    private func instant(_ column: Int32) -> Instant { Instant(milliseconds: int64(column)) }

    private func optionalInstant(_ column: Int32) -> Instant? { optionalInt64(column).map(Instant.init(milliseconds:)) }

    func word<Word: RawRepresentable<String>>(_ column: Int32) throws(SQLiteFailure) -> Word {
        guard let word = Word(rawValue: text(column)) else { throw unreadable(text(column)) }
        return word
    }

    /// One row that can't be read: the rest of the store may be sound.
    private func unreadable(_ text: String) -> SQLiteFailure {
        SQLiteFailure(
            code: SQLITE_MISMATCH, message: "the stored value \(text.debugDescription) has no meaning", deed: sql)
    }
}
