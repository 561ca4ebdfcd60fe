// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// Takes whatever people are told.
private final class Receivers: Transport {
    func send(_ request: OutboundRequest) async -> Delivery { .answered(202) }
    func close() async {}
}

/// What guards count by and what people are told is what the history accounts for, row by row.
@Suite(.timeLimit(.minutes(20)))
struct LedgerAuditTests {
    private let place: AuditedInstallation

    init() throws {
        place = try AuditedInstallation()
        place.installation.notifications = Notifications(
            channels: [Channel(id: "chat", means: .webhook(url: .environment("HOOK")), gatherMilliseconds: 0)],
            routes: [NoticeRoute(to: ["chat"])])
    }

    private func library(mode: String = "enforce") throws -> Library {
        try .sketch(
            place.installation.library.inventory, workflow: "agreed",
            steps: "  - { id: gate, approve: { by: approver, within: 4h, on_timeout: skip } }\n"
                + "  - { id: calm, wait: 1m }\n",
            mode: mode, guards: "guards: { risk: { add: 2, half_life: 1h, act_at: 1 } }")
    }

    private func asking(mode: String = "enforce") async throws -> Engine {
        let library = try library(mode: mode)
        let engine = place.installation.engine(Receivers(), loading: { .success(library) })
        try await place.installation.whileRunning(engine) {
            try await place.installation.waitUntilStarted()
            await place.installation.post(engine)
            try await place.installation.wait { try await place.installation.runs.first?.phase == "asked" }
            guard mode == "propose" else { return }
            let run = try await place.installation.run.id
            _ = await engine.control(run, .resume(step: nil, isForced: false, by: "ann", reason: "it is real"))
        }
        return engine
    }

    @Test(arguments: ["enforce", "propose"])
    func `rows that were written as they should be are sound, a proposal's from when it was agreed to`(
        _ mode: String
    ) async throws {
        _ = try await asking(mode: mode)
        try await place.sign()
        let rows = try await place.store.remembered()
        #expect(rows.touches.count == 1 && rows.marks.count == 1)
        #expect(try await !place.store.notices(NoticeQuery()).isEmpty)
        let report = try await place.audit()
        #expect(report.broken == [], "\(report.findings)")
    }

    /// What somebody with the database adds beside an honest line.
    private func forge(_ engine: Engine, _ change: (Run, inout RunChange) throws -> Void) async throws -> AuditReport {
        let run = try await place.installation.run
        guard case .asking(let question)? = run.step("gate")?.phase else { throw CancellationError() }
        let now = place.installation.clock.now
        let transition = try run.handle(
            .answer(
                step: "gate", Person(name: "bob", groups: ["approver"]), choice: "approve", shown: question.shown,
                reason: "looked"),
            try await engine.definition(of: run), halts: .none, at: now
        ).get()
        var stored = Chronicle().change(transition, from: run.number, at: now)
        try change(run, &stored)
        try await place.store.commit(stored)
        try await place.sign()
        return try await place.audit()
    }

    @Test(arguments: [1.0, 2.0])
    func `a mark that weighs otherwise than its playbook, or has no signal, is named`(_ add: Double) async throws {
        let engine = try await asking()
        let known = try #require(try await place.store.remembered().marks.first)
        let report = try await forge(engine) { run, change in
            var marks = GuardMarks(at: place.installation.clock.now)
            marks.marks = [
                Mark(
                    what: .risk(add: add, halfLifeMilliseconds: 3_600_000), subject: known.subject,
                    playbook: known.playbook, at: known.at, cause: add == 1 ? known.cause : "sig_NOBODY")
            ]
            change.guards = marks
        }
        #expect(report.broken == [.rowDiffers], "\(report.findings)")
        #expect(report.findings.contains { $0.place.contains(known.subject) })
    }

    @Test func `an identity that nothing touched, and one that was touched at another time, are named`() async throws {
        let engine = try await asking()
        let report = try await forge(engine) { run, change in
            let subject = try #require(run.subject)
            var marks = GuardMarks(at: place.installation.clock.now)
            marks.reservations = [
                Reservation(
                    touch: Touch(subject, playbook: "leak", at: place.installation.clock.now.adding(milliseconds: 5)),
                    bounds: []),
                Reservation(touch: Touch(subject, playbook: "other", at: run.openedAt), bounds: []),
            ]
            change.guards = marks
        }
        #expect(report.broken == [.rowDiffers, .rowDiffers], "\(report.findings)")
    }

    @Test(arguments: ["text", "shown", "subject"])
    func `a notice that asks something else than its line is named`(_ part: String) async throws {
        let engine = try await asking()
        let honest = try await place.store.notices(NoticeQuery()).first {
            (try? JSON.parse($0.body))?["kind"] == "approval"
        }
        let row = try #require(honest)
        let report = try await forge(engine) { _, change in
            var body = try #require(try JSON.parse(row.body).objectValue)
            body[part] = "another"
            change.notices = [
                NoticeRecord(
                    key: row.key, endpoint: "mallory", run: row.run, topic: row.topic, madeAt: row.madeAt,
                    dueAt: row.dueAt, body: Value.object(body).jsonBytes)
            ]
        }
        #expect(report.broken == [.rowDiffers], "\(report.findings)")
        #expect(report.findings.contains { $0.place == "notice \(row.key) to mallory" })
    }
}
