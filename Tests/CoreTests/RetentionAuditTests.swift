// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Nothing goes before its time: told from the lines alone.
@Suite struct RetentionAuditTests {
    private static let run = AlertID(stem: "A").signal(1).decision.run(1)
    private static let image = Evidence(
        digest: "sha256:" + String(repeating: "0a", count: 32), mediaType: "application/json", bytes: 15, about: "x")
    private static let subject = Subject(kind: .credential, id: "deploy-token", provider: "auth")
    private static let day: Int64 = 86_400_000
    private static let start = GoldenHistory.at(1)

    private struct Story {
        var numbers: [String: Int] = [:]
        var lines: [[UInt8]] = []

        mutating func tell(_ stream: String, _ kind: String, _ body: Value, day: Int64) {
            numbers[stream, default: 0] += 1
            let line: Value = [
                "v": 1, "stream": .string(stream), "n": .int(Int64(numbers[stream] ?? 0)),
                "at": .string(moment(day).description), "type": .string(kind), "body": body,
            ]
            lines.append(line.jsonBytes)
        }

        mutating func keep(days: Int64?) {
            let kept: Value = days.map { .int($0 * RetentionAuditTests.day) } ?? .null
            tell(
                "retention", "retentionPolicySet", ["by": "start", "evidence_ms": kept, "alert_bodies_ms": kept], day: 0
            )
        }

        /// One that reads something on the first day and ends on the second.
        mutating func live(_ id: RunID = RetentionAuditTests.run, ends: Bool = true) {
            let alert = AlertID(stem: "A")
            func event(_ event: Event, _ day: Int64) { tell(id.text, event.kind, event.value, day: day) }
            event(
                .runOpened(
                    Opening(
                        id: id, decision: alert.signal(1).decision, signal: alert.signal(1), alert: alert,
                        playbook: Run.Pin(name: "leak", digest: "sha256:1"),
                        workflow: Run.Pin(name: "calm", digest: "sha256:2"), subject: RetentionAuditTests.subject,
                        severity: .high, inputs: [:], steps: ["look"])), 1)
            event(
                .callReturned(
                    step: "look", number: 1, Outcome(.done, status: 200, evidence: [RetentionAuditTests.image])), 1)
            if ends { event(.runEnded(.completed, reason: "done"), 2) }
        }

        mutating func expire(before: Int64, day: Int64, runs: [RunID] = [RetentionAuditTests.run]) {
            tell(
                "retention", "evidenceExpired",
                [
                    "ended_before": .string(moment(before).description),
                    "runs": .array(runs.map { .string($0.text) }),
                    "blobs": [.string(RetentionAuditTests.image.digest)],
                ], day: day)
        }
    }

    private static func moment(_ day: Int64) -> Instant { start.adding(milliseconds: day * Self.day) }

    private static func findings(_ tell: (inout Story) -> Void) -> [AuditFinding] {
        var story = Story()
        tell(&story)
        var audit = HistoryAudit(.range)
        for (index, line) in story.lines.enumerated() { audit.take(line, place: "entry \(index)") }
        let told: Set<AuditFinding.Code> = [.expiredTooEarly, .expiredWhileHeld, .retentionUnknown]
        return audit.finish().filter { told.contains($0.code) }
    }

    @Test func `what had its time by the policy in force goes without a word`() {
        let found = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.expire(before: 10, day: 40)
        }
        #expect(found == [])
    }

    @Test func `what goes before the policy lets it go is broken and named`() throws {
        let found = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.expire(before: 11, day: 40)
        }
        #expect(found.map(\.code) == [.expiredTooEarly])
        #expect(found.first?.place == "retention@2" && found.first?.says.contains("retention@1") == true)
        let forEver = Self.findings { story in
            story.keep(days: nil)
            story.live()
            story.expire(before: 10, day: 40)
        }
        #expect(forEver.map(\.code) == [.expiredTooEarly])
    }

    @Test func `the policy of that moment counts, not one that came later`() {
        let found = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.expire(before: 35, day: 40)
            story.keep(days: 5)
        }
        #expect(found.map(\.code) == [.expiredTooEarly])
        let unknown = Self.findings { story in
            story.live()
            story.expire(before: 10, day: 40)
            story.keep(days: 5)
        }
        #expect(unknown.map(\.code) == [.retentionUnknown] && unknown.first?.grade == .open)
    }

    @Test func `a run that has not ended, or ended later than is said, keeps its evidence`() {
        let live = Self.findings { story in
            story.keep(days: 30)
            story.live(ends: false)
            story.expire(before: 10, day: 40)
        }
        #expect(live.map(\.code) == [.expiredTooEarly])
        let late = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.expire(before: 2, day: 40)
        }
        #expect(late.map(\.code) == [.expiredTooEarly])
    }

    @Test func `evidence that another run names too is not that run's alone to lose`() throws {
        let other = AlertID(stem: "B").signal(1).decision.run(1)
        let found = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.live(other, ends: false)
            story.expire(before: 10, day: 40)
        }
        #expect(found.map(\.code) == [.expiredTooEarly])
        #expect(found.first?.says.contains(other.text) == true)
        let both = Self.findings { story in
            story.keep(days: 30)
            story.live()
            story.live(other)
            story.expire(before: 10, day: 40)
        }
        #expect(both == [])
    }

    @Test(arguments: ["run \(run.text)", "subject credential:deploy-token"])
    func `what a legal hold keeps may not go while it stands`(_ scope: String) {
        func held(released: Bool) -> [AuditFinding.Code] {
            Self.findings { story in
                story.keep(days: 30)
                story.live()
                story.tell("retention", "legalHoldSet", ["scope": .string(scope), "by": "x", "reason": "y"], day: 3)
                if released { story.tell("retention", "legalHoldReleased", ["scope": .string(scope)], day: 4) }
                story.expire(before: 10, day: 40)
                story.tell("retention", "subjectErased", ["subject": "credential:another", "runs": []], day: 41)
            }.map(\.code)
        }
        #expect(held(released: false) == [.expiredWhileHeld])
        #expect(held(released: true) == [])
    }

    @Test func `bodies of alerts keep to their own period`() {
        func bodies(came: Int64, before: Int64) -> [AuditFinding.Code] {
            Self.findings { story in
                story.keep(days: 30)
                story.tell("alr_A", "alertReceived", ["body": "sha256:3"], day: came)
                story.tell(
                    "retention", "bodiesExpired",
                    ["received_before": .string(Self.moment(before).description), "alerts": ["alr_A"]], day: 40)
            }.map(\.code)
        }
        #expect(bodies(came: 3, before: 10) == [])
        #expect(bodies(came: 10, before: 10) == [.expiredTooEarly])
        #expect(bodies(came: 3, before: 11) == [.expiredTooEarly])
    }
}
