// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation

/// Runs whose histories are kept as they were first stored, in `Golden/`: every version ever must read them.
///
/// A new event goes into a history of its own at the end of `all`; then `CORDON_GOLDEN=append swift test --filter
/// GoldenHistory` writes its lines. Nothing that stands in `Golden/` is ever changed.
struct GoldenHistory: Sendable {
    var stem: String
    /// Numbered from 1, each a second after the one before it.
    var events: [Event]

    static let all = [proposed, doubted, asked, moved, exposed, proved, reissued, takenBack, bounded]

    var run: RunID { AlertID(stem: stem).signal(1).decision.run(1) }
    var history: [(at: Instant, event: Event)] {
        events.enumerated().map { (GoldenHistory.at($0.offset + 1), $0.element) }
    }

    /// The lines as the history stores them.
    var lines: [String] {
        history.enumerated().map { offset, line in
            let whole: Value = [
                "v": 1, "stream": .string(run.text), "n": .int(Int64(offset + 1)), "at": .string(line.at.description),
                "type": .string(line.event.kind), "body": line.event.value,
            ]
            return whole.json
        }
    }

    static func at(_ number: Int) -> Instant { Instant(milliseconds: 1_795_000_000_000 + Int64(number) * 1000) }

    // MARK: The histories

    /// A proposal, approved; a change that was tried, lost, sent again, seen.
    private static let proposed = GoldenHistory(
        stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y",
        events: [
            .runOpened(
                opening(
                    "01KATB9Z2M8D4W6X1V3C5R7T9Y", subject: subject,
                    gate: Run.Ask(kind: .proposal, reason: "the playbook's mode is propose"))),
            .runAsked(Run.Ask(kind: .proposal, reason: "the playbook's mode is propose")),
            .runResumed(step: nil, isForced: false, by: "ann", reason: "the owner confirmed it"),
            .stepSkipped(step: "notify", reason: "its condition doesn't hold"),
            .stepStarted(step: "revoke", deadline: at(900)),
            .callIntended(step: "revoke", call(1, .before)),
            .callReturned(
                step: "revoke", number: 1, Outcome(.done, status: 200, result: ["active": true], evidence: [image])),
            .callIntended(step: "revoke", call(2, .act)),
            .callReturned(
                step: "revoke", number: 2,
                Outcome(
                    .later, status: 503, reason: "the provider is unavailable", retryAfterMilliseconds: 2000,
                    durationMilliseconds: 40)),
            .retryScheduled(
                step: "revoke", Step.BackOff(until: at(11), purpose: .act, attempt: 2),
                reason: "the provider is unavailable"),
            .callIntended(step: "revoke", call(3, .act, attempt: 2)),
            .callReturned(step: "revoke", number: 3, .lost),
            .retryScheduled(
                step: "revoke",
                Step.BackOff(until: at(14), purpose: .act, attempt: 2, redelivers: call(3, .act, attempt: 2)),
                reason: "nobody knows whether it happened"),
            .callRedelivered(step: "revoke", number: 3, delivery: 2, deadline: at(30)),
            .callReturned(step: "revoke", number: 3, Outcome(.already, status: 200, wasSentTwice: true)),
            .callIntended(step: "revoke", call(4, .readBack)),
            .callReturned(step: "revoke", number: 4, Outcome(.done, status: 200, result: ["active": false])),
            .stepFinished(step: "revoke", isVerified: true, note: "it was so before"),
            .runEnded(.completed, reason: "every step is done"),
        ])

    /// An alert whose subject nobody knows; an act of which nobody knows whether it happened; a step that can't go on.
    private static let doubted = GoldenHistory(
        stem: "01KATBA7W0000000000000000Z",
        events: [
            .runOpened(opening("01KATBA7W0000000000000000Z", subject: nil, gate: nil)),
            .stepStarted(step: "notify", deadline: at(900)),
            .callIntended(step: "notify", call(1, .act, .once)),
            .callReturned(
                step: "notify", number: 1, Outcome(.unknown, reason: "the connection broke after bytes had left")),
            .runAsked(
                Run.Ask(kind: .unknownOutcome, step: "notify", reason: "nobody knows whether notify took effect")),
            .callResolved(
                step: "notify", number: 1, tookEffect: false, by: "bob", reason: "seen in the provider's log"),
            .runResumed(step: "notify", isForced: true, by: "bob", reason: "it may be tried again"),
            .callIntended(step: "notify", call(2, .act, .once, attempt: 2)),
            .callReturned(
                step: "notify", number: 2, Outcome(.refused, status: 403, reason: "the provider refused it")),
            .stepStopped(step: "notify", reason: "the provider refused it"),
            .runAsked(Run.Ask(kind: .stoppedStep, step: "notify", reason: "the provider refused it")),
            .runConcluded(Run.Conclusion(ending: .cancelled, by: "bob", reason: "done by hand")),
            .stepFinished(step: "revoke", isVerified: false, note: nil),
            .runEnded(.cancelled, reason: "bob ended it"),
        ])

    /// People asked and answering, a list, a ladder, a wait, a halt, a hold that is extended, and everything undone.
    private static let asked = GoldenHistory(
        stem: "01KATBBF400000000000000001",
        events: [
            .runOpened(
                opening(
                    "01KATBBF400000000000000001", subject: subject, gate: nil,
                    called: [Run.Pin(name: "notify-owner", digest: "sha256:" + String(repeating: "5f", count: 32))])),
            .signalJoined(
                AlertID(stem: "01KATBBF500000000000000002").signal(1), AlertID(stem: "01KATBBF500000000000000002")),
            .stepStarted(step: "notify", deadline: at(900)),
            .stepOpened(step: "notify", items: ["one", ["id": 2]], inputs: ["subject": ["id": "billing-ci-token"]]),
            .questionAsked(step: "notify.1", question),
            .questionReminded(step: "notify.1", next: at(120)),
            .questionReminded(step: "notify.1", next: nil),
            .questionEscalated(step: "notify.1", to: "team/on-call"),
            .answerGiven(
                step: "notify.1", Question.Answer(by: "ann", choice: "approve", at: at(9), reason: "seen")),
            .questionClosed(step: "notify.1", choice: "approve", reason: "1 of 1 agreed"),
            .waitScheduled(step: "notify.2", until: at(20)),
            .rungFinished(step: "notify.2", rounds: 1),
            .stepFailed(step: "notify.2", reason: "nobody was there"),
            .runPaused(by: "bob", reason: "let me look"),
            .stepHalted(
                step: "revoke", Step.BackOff(until: at(16), purpose: .act, attempt: 1), reason: "writes are halted"),
            .runResumed(step: nil, isForced: false, by: "bob", reason: "go on"),
            .callIntended(step: "revoke", call(1, .act)),
            .callReturned(step: "revoke", number: 1, Outcome(.done, status: 200)),
            .stepFinished(step: "revoke", isVerified: true, note: nil),
            .holdStarted(step: "revoke", until: at(3600)),
            .holdChanged(
                step: "revoke", Step.Hold(until: at(7200)), by: "ann", reason: "the investigation goes on"),
            .rollbackRequested(Run.Rollback(steps: ["revoke"], by: "ann", reason: "a false alarm")),
            .stepOpened(step: "undo:revoke", items: nil, inputs: nil),
            .callIntended(step: "undo:revoke", call(1, .undo)),
            .callReturned(step: "undo:revoke", number: 1, Outcome(.done, status: 200)),
            .stepFinished(step: "undo:revoke", isVerified: true, note: nil),
            .rollbackFinished,
            .runEnded(.undone, reason: "everything that it did is undone"),
        ])

    /// A change that leaves tokens in use, which a later step ends.
    private static let exposed = GoldenHistory(
        stem: "01KATBBF700000000000000001",
        events: [
            .runOpened(opening("01KATBBF700000000000000001", subject: subject, gate: nil)),
            .stepStarted(step: "revoke", deadline: at(900)),
            .callIntended(step: "revoke", call(1, .act)),
            .callReturned(step: "revoke", number: 1, Outcome(.done, status: 200)),
            .exposureFound(
                step: "revoke",
                Step.Exposure(until: at(3600), of: "access tokens that were issued before", endedBy: ["tokens.revoke"])),
            .stepFinished(step: "revoke", isVerified: true, note: nil),
            .exposureEnded(step: "revoke", by: "notify"),
            .runEnded(.completed, reason: "every step is done"),
        ])

    /// A change that is proved by what the subject holds, within the time that its provider takes.
    private static let proved = GoldenHistory(
        stem: "01KATBBF800000000000000001",
        events: [
            .runOpened(opening("01KATBBF800000000000000001", subject: subject, gate: nil)),
            .stepStarted(step: "revoke", deadline: at(900)),
            .callIntended(step: "revoke", call(1, .control)),
            .callReturned(step: "revoke", number: 1, Outcome(.done, status: 200, result: ["works": true])),
            .callIntended(step: "revoke", call(2, .act)),
            .callReturned(step: "revoke", number: 2, Outcome(.done, status: 200)),
            .proofAwaited(step: "revoke", until: at(300)),
            .callIntended(step: "revoke", call(3, .verify)),
            .callReturned(step: "revoke", number: 3, Outcome(.done, status: 401, result: ["works": false])),
            .proofTaken(step: "revoke", Step.Proof(.inEffect, "worked before, is refused now")),
            .stepFinished(step: "revoke", isVerified: true, note: nil),
            .runEnded(.completed, reason: "every step is done"),
        ])

    /// A new credential whose secret was gone before its delivery.
    private static let reissued = GoldenHistory(
        stem: "01KATBBF900000000000000001",
        events: [
            .runOpened(opening("01KATBBF900000000000000001", subject: subject, gate: nil)),
            .stepStarted(step: "revoke", deadline: at(900)),
            .callIntended(step: "revoke", call(1, .act)),
            .callReturned(step: "revoke", number: 1, lacking),
            .secretLost(step: "notify", users: ["revoke"], reason: "the secret that it carries is in memory no more"),
            .stepReopened(step: "notify"),
        ])

    /// A proposal whose source says, before anybody answers, that it is over.
    private static let takenBack = GoldenHistory(
        stem: "01KATBBFA00000000000000001",
        events: [
            .runOpened(
                opening(
                    "01KATBBFA00000000000000001", subject: subject,
                    gate: Run.Ask(kind: .proposal, reason: "the playbook's mode is propose"))),
            .runAsked(Run.Ask(kind: .proposal, reason: "the playbook's mode is propose")),
            .signalClosed(
                AlertID(stem: "01KATBBFA00000000000000001").signal(1),
                by: AlertID(stem: "01KATBBFB00000000000000002"), asOf: at(30)),
        ])

    /// A part whose author bounded it, and whose time was up.
    private static let bounded = GoldenHistory(
        stem: "01KATBBFC00000000000000001",
        events: [
            .runOpened(
                opening("01KATBBFC00000000000000001", subject: subject, gate: nil, undoable: ["account.suspend"])),
            .stepStarted(step: "notify", deadline: at(60)),
            .stepOpened(step: "notify", items: nil, inputs: ["days": 7], until: at(60)),
            .stepStarted(step: "notify.rest", deadline: at(60)),
            .waitScheduled(step: "notify.rest", until: at(900)),
            .stepStopped(step: "notify.rest", reason: "out of time: what stands in it had not ended"),
            .stepStopped(step: "notify", reason: "out of time: what stands in it had not ended"),
        ])

    private static var lacking: Outcome {
        var outcome = Outcome(.refused, reason: "not sent: the secret that it carries is in memory no more")
        outcome.lacksSecret = true
        return outcome
    }

    /// A run that waits and is moved to another version of its workflow.
    private static let moved = GoldenHistory(
        stem: "01KATBBF600000000000000001",
        events: [
            .runOpened(opening("01KATBBF600000000000000001", subject: subject, gate: nil)),
            .stepStarted(step: "notify", deadline: at(900)),
            .questionAsked(step: "notify", question),
            .runMigrated(
                Migration(
                    from: Run.Pin(name: "token-revocation", digest: "sha256:" + String(repeating: "2c", count: 32)),
                    to: Run.Pin(name: "token-revocation", digest: "sha256:" + String(repeating: "7d", count: 32)),
                    called: [Run.Pin(name: "notify-owner", digest: "sha256:" + String(repeating: "5f", count: 32))],
                    inputs: ["credential": ["id": "billing-ci-token"], "days": 7],
                    lines: ["ask", "cut", "proof"], renamed: ["notify": "ask"], anew: ["ask"], dropped: ["revoke"],
                    by: "ann", reason: "the owner has moved to another team")),
            .stepStarted(step: "ask", deadline: at(1900)),
            .questionAsked(step: "ask", question),
        ])

    private static var question: Question {
        Question(
            kind: .approve, text: "Revoke the token?", by: ["team/billing"], excluded: ["bob"], quorum: 1,
            choices: ["approve", "decline"], shown: "sha256:" + String(repeating: "6a", count: 32), askedAt: at(5),
            deadline: at(900), remindMilliseconds: 60_000, escalatesAt: at(300))
    }

    private static let subject = Subject(
        kind: .credential, id: "billing-ci-token", provider: "login", owner: "team/billing", tags: ["ci"],
        attributes: ["client": "billing"])

    private static let image = Evidence(
        digest: "sha256:" + String(repeating: "0a", count: 32), mediaType: "application/json", bytes: 15,
        about: "the token's state before the change")

    private static func opening(
        _ stem: String, subject: Subject?, gate: Run.Ask?, called: [Run.Pin] = [], undoable: [String] = []
    ) -> Opening {
        let alert = AlertID(stem: stem)
        let decision = alert.signal(1).decision
        return Opening(
            id: decision.run(1), decision: decision, signal: alert.signal(1), alert: alert,
            playbook: Run.Pin(name: "secret-leaked", digest: "sha256:" + String(repeating: "1b", count: 32)),
            workflow: Run.Pin(name: "token-revocation", digest: "sha256:" + String(repeating: "2c", count: 32)),
            called: called, subject: subject, severity: .high, inputs: ["credential": ["id": "billing-ci-token"]],
            steps: ["notify", "revoke"], gate: gate, undoable: undoable)
    }

    private static func call(
        _ number: Int, _ purpose: Call.Purpose, _ effectClass: EffectClass = .convergent, attempt: Int = 1
    ) -> Call {
        Call(
            number: number, purpose: purpose, attempt: attempt, capability: "tokens.revoke", provider: "login",
            effectClass: effectClass, arguments: ["credential": "billing-ci-token"],
            seal: Seal(
                idempotencyKey: String(repeating: "3d", count: 32),
                requestDigest: "sha256:" + String(repeating: "4e", count: 32)),
            intendedAt: at(number), deadline: at(number + 10))
    }
}
