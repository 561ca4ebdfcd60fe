// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore

/// Rows that the history accounts for, and that are none of its own: who is let in, what guards count by, what people are
/// told.
extension StateAudit {
    private static let noticesMax = 1_000_000

    mutating func checkLedger() async throws(StoreError) {
        // A server may be at work: what came since the lines were read is told by lines that were not read.
        let isMoving = try await !store.log(from: report.entries, limit: 1).isEmpty
        try await checkTokens(isMoving)
        let rows = try await store.remembered()
        checkTouches(rows.touches, isMoving)
        for mark in rows.marks { try await check(mark, isMoving) }
        if !isMoving {
            checkRemembered(rows)
            try await checkMarks(rows.marks)
        }
        try await checkNotices(isMoving)
    }

    // MARK: Tokens

    private mutating func checkTokens(_ isMoving: Bool) async throws(StoreError) {
        let rows = Dictionary(try await store.tokens().map { ($0.id, $0) }) { first, _ in first }
        for (id, told) in ledger.tokens.sorted(by: { $0.key < $1.key }) {
            guard let row = rows[id] else {
                report.find(.broken, .rowDiffers, "token \(id)", "\(told.place) grants it, and its row is not there")
                continue
            }
            guard let what = LedgerAudit.difference(row, told.row) else { continue }
            if isMoving, row.revokedAt != nil, told.row.revokedAt == nil { continue }
            report.find(.broken, .rowDiffers, "token \(id)", "its row says otherwise than \(told.place) \(what)")
        }
        for id in rows.keys.sorted() where ledger.tokens[id] == nil && !isMoving {
            report.find(.broken, .rowDiffers, "token \(id)", "no line of the history grants it")
        }
    }

    // MARK: What guards count by

    private mutating func checkTouches(_ rows: [Touch], _ isMoving: Bool) {
        for row in rows {
            let place = "touch of \(row.subject) by \(row.playbook)"
            guard let told = ledger.told(of: row) else {
                if ledger.isCut || isMoving { continue }
                report.find(.broken, .rowDiffers, place, "no line of the history tells of it")
                continue
            }
            if told.row != row, !(isMoving && row.at > told.row.at), !(ledger.isCut && row.at > told.row.at) {
                report.find(.broken, .rowDiffers, place, "its row says something else than \(told.place)")
            }
        }
        for told in ledger.untouched {
            report.find(
                .broken, .rowDiffers, "touch of \(told.row.subject) by \(told.row.playbook)",
                "\(told.place) tells of it, and its row is not there")
        }
    }

    private mutating func check(_ mark: Mark, _ isMoving: Bool) async throws(StoreError) {
        let says: String? =
            switch mark.what {
            case .risk(let add, let halfLife): try await difference(mark, add, halfLife)
            case .putBack(let capability): difference(mark, capability)
            }
        guard let says, !isMoving else { return }
        report.find(.broken, .rowDiffers, "mark of \(mark.subject) by \(mark.cause)", says)
    }

    /// A signal made it likelier that something is wrong: its decision, which was compared with its line, says of whom, and
    /// its playbook by how much.
    private func difference(_ mark: Mark, _ add: Double, _ halfLife: Int64) async throws(StoreError) -> String? {
        guard let signal = SignalID(mark.cause) else { return "it names no signal" }
        var query = DecisionQuery()
        query.id = signal.decision
        guard let row = try await store.decisions(query).first, let decision = try? JSON.parse(row.body) else {
            return "no decision is of its signal"
        }
        if decision["cut"] == true { return nil }
        guard decision["at"]?.stringValue == mark.at.description else { return "its time is not that of the decision" }
        let match = (decision["matches"]?.arrayValue ?? []).first { match in
            match.at("playbook", "name")?.stringValue == mark.playbook
                && match.at("subject", "subject").flatMap(Self.key) == mark.subject
        }
        guard let match else { return "the decision of its signal names no such subject and playbook" }
        guard let risk = try await risk(match) else { return nil }
        return risk.add == add && risk.halfLifeMilliseconds == halfLife
            ? nil : "it weighs otherwise than its playbook says"
    }

    private static func key(_ subject: Value) -> String? {
        guard let kind = subject["kind"]?.stringValue, let id = subject["id"]?.stringValue else { return nil }
        return "\(kind):\(id)"
    }

    /// What the pinned playbook says of risk; nothing where this version can't read it by itself.
    func risk(_ match: Value) async throws(StoreError) -> Playbook.Guards.Risk? {
        guard let playbook = match.at("playbook", "digest")?.stringValue,
            let workflow = match.at("workflow", "digest")?.stringValue
        else { return nil }
        return try await playbookRead(playbook, workflow)?.guards.risk
    }

    func playbookRead(_ playbook: String, _ workflow: String) async throws(StoreError) -> Playbook? {
        guard let source = try await store.definition(playbook), let steps = try await store.definition(workflow),
            let read = try? Workflow.load(steps.source, file: steps.name, digest: workflow).get()
        else { return nil }
        return try? Playbook.load(
            source.source, file: source.name, digest: playbook, workflows: [read], bearsYoung: true
        ).get()
    }

    private func difference(_ mark: Mark, _ capability: String) -> String? {
        guard let run = history.run(mark.cause), ledger.putBacks[mark.cause]?.contains(mark.at) ?? false else {
            return "no step of its run found at that time that another had put something back"
        }
        return run.subject?.key == mark.subject && run.playbook.name == mark.playbook
            ? nil : "its run is of another subject or playbook"
    }

    // MARK: What people are told

    private mutating func checkNotices(_ isMoving: Bool) async throws(StoreError) {
        var query = NoticeQuery()
        query.limit = Self.noticesMax
        for row in try await store.notices(query) {
            guard let says = try await difference(row, isMoving) else { continue }
            report.find(.broken, .rowDiffers, "notice \(row.key) to \(row.endpoint)", says)
        }
    }

    private func difference(_ row: NoticeRecord, _ isMoving: Bool) async throws(StoreError) -> String? {
        guard let notice = (try? JSON.parse(row.body)).flatMap({ try? Notice($0) }) else { return "it is no notice" }
        guard notice.key == row.key, notice.topic == row.topic, notice.run == row.run, notice.at == row.madeAt else {
            return "the columns beside it say something else than the notice itself"
        }
        // What guards and halts tell of is told by other lines, and in words of its own.
        guard let id = notice.run else { return nil }
        guard let run = history.run(id.text) else { return isMoving ? nil : "no line of the history opens its run" }
        guard notice.subject == Notice.line(run.subject?.key ?? "", Limits.noticeNameScalarsMax),
            notice.playbook == run.playbook.name, notice.severity == run.severity
        else { return "it says something else of its run than the run's lines" }
        guard let line = try await store.history(id.text, from: notice.ordinal, limit: 1).first?.entry,
            line.number == notice.ordinal, line.at == notice.at
        else { return "\(id)@\(notice.ordinal), which it tells of, is not of its time or not there" }
        guard case .questionAsked(let step, let question)? = try? line.event() else { return nil }
        return notice.step == step && notice.to == question.by && notice.shown == question.shown
            && notice.choices == question.choices && notice.deadline == question.deadline
            && notice.text == Notice.line(question.text, Limits.noticeTextScalarsMax)
            ? nil : "it asks something else than \(id)@\(notice.ordinal)"
    }
}
