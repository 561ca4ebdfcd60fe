// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Testing

@testable import CordonServer

/// What people are shown of a run: where its call stands, whom its question is for, and one whose record is broken.
@Suite struct RunViewTests {
    private static let start = Instant(milliseconds: 1_700_000_000_000)
    private static let later = start.adding(milliseconds: 8000)

    private func run(_ events: Event...) throws -> Run {
        let opening = Opening(
            id: RunID(stem: "01"), decision: DecisionID(stem: "01"), signal: SignalID(stem: "01"),
            alert: AlertID(stem: "01"), playbook: Run.Pin(name: "exposed", digest: "sha256:playbook"),
            workflow: Run.Pin(name: "contain", digest: "sha256:workflow"),
            subject: Subject(kind: .credential, id: "token", provider: "login"), severity: .high,
            inputs: .object([:]), steps: ["cut"])
        let history: [(at: Instant, event: Event)] = ([.runOpened(opening)] + events).map { (Self.start, $0) }
        return try #require(Run.fold(history))
    }

    private func calling() throws -> Run {
        let call = Call(
            number: 1, purpose: .act, attempt: 1, capability: "account.suspend", provider: "login",
            effectClass: .convergent, arguments: .object([:]),
            seal: Seal(idempotencyKey: "key", requestDigest: "sha256:request"), intendedAt: Self.start,
            deadline: Self.start.adding(milliseconds: 10_000))
        return try run(.callIntended(step: "cut", call))
    }

    private func record(_ run: Run, _ snapshot: [UInt8]) -> RunRecord {
        RunRecord(
            id: run.id, decision: run.decision, alert: run.alert, playbook: run.playbook.name,
            playbookDigest: run.playbook.digest, workflow: run.workflow.name, workflowDigest: run.workflow.digest,
            subject: "credential:token", severity: run.severity, phase: run.phaseWord, wake: run.wake?.word,
            dueAt: run.dueAt, number: run.number, openedAt: run.openedAt, updatedAt: run.updatedAt, endedAt: nil,
            snapshot: snapshot)
    }

    // MARK: Calls

    private static let which = "account.suspend (the change, step 'cut', call #1)"

    @Test func `a call in line says behind how many it stands, and at which pace they go`() throws {
        var lane = Lane(name: "login", bounds: Lane.Bounds(concurrentMax: 4, perSecondMax: 3))
        for ticket in 1...5 { _ = lane.ask(ticket, rank: 0, at: Self.start) }
        let run = try calling()
        let place = lane.place(of: 5, at: Self.later)
        #expect(
            whyLine(run, now: Self.later, places: ["cut": place])
                == "waits in line for login, 1 before it, 3 a second: \(Self.which); intended 8 s ago")
        lane.settle(.limited(20_000), at: Self.start)
        let alone = whyLine(run, now: Self.later, places: ["cut": lane.place(of: 5, at: Self.later)])
        #expect(alone.contains("1 before it, 3 a second; login asked to be left alone, for 12 s more"), "\(alone)")
    }

    @Test func `one under way is waited for, and without a server nobody knows whether it left`() throws {
        let run = try calling()
        let line = "waits for login to answer \(Self.which); intended 8 s ago"
        #expect(whyLine(run, now: Self.later, places: [:]) == line)
        #expect(
            whyLine(run, now: Self.later) == line + "; no server runs, so nobody knows whether it left")
    }

    // MARK: People

    @Test func `a question says whom it is for, how many have answered, and until when`() throws {
        let until = Self.start.adding(milliseconds: 3_600_000)
        let question = Question(
            kind: .approve, text: "Cut it?", by: ["operator", "lead"], excluded: [], quorum: 2,
            choices: ["approve", "decline"], shown: "sha256:shown", askedAt: Self.start, deadline: until,
            remindMilliseconds: nil, escalatesAt: nil)
        let answer = Question.Answer(by: "ann", choice: "approve", at: Self.start, reason: "yes")
        let asked = try run(.questionAsked(step: "cut", question), .answerGiven(step: "cut", answer))
        let line = whyLine(asked, now: Self.later)
        #expect(line.contains("Cut it? (for operator, lead: 1 of 2 answered, until \(until))"), "\(line)")
    }

    // MARK: Broken records

    @Test func `a run that can't be read is shown by its row, as unreadable, and nobody can decide about it`() throws {
        let run = try calling()
        let sound = record(run, run.value.jsonBytes)
        #expect(RunView.row(sound, now: Self.later)["unreadable"] == nil)
        #expect(try sound.decidable() == run)

        let broken = record(run, Array("{".utf8))
        let row = RunView.row(broken, now: Self.later)
        #expect(row["id"]?.stringValue == run.id.text)
        #expect(row["subject"] == "credential:token")
        #expect(row["waits_for"]?.stringValue?.hasPrefix("unreadable: run: its snapshot is no JSON") == true)
        for shown in [try RunView.make(broken, [], now: Self.later), try RunView.why(broken, now: Self.later)] {
            #expect(shown["why"]?.stringValue?.contains("nobody moves it, and the other runs go on") == true)
        }
        #expect(throws: Problem(.wrongPhase, "")) { try broken.decidable() }
    }
}
