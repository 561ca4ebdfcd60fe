// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Nobody agrees to what they put in force themselves, where the workflow says so: told from the lines alone.
@Suite struct AuthorAuditTests {
    private static let source = """
        workflow: purge
        title: It
        inputs:
          credential: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.credential}" } }
          - id: gate
            approve: { by: approver, exclude_author: true, within: 4h, on_timeout: skip }

        """
    private static let workflow = Run.Pin(name: "purge", digest: "sha256:" + String(repeating: "2c", count: 32))
    private static let playbook = Run.Pin(name: "leak", digest: "sha256:" + String(repeating: "1b", count: 32))
    private static let run = AlertID(stem: "A").signal(1).decision.run(1)

    /// A history that is built line by line.
    private struct Story {
        var numbers: [String: Int] = [:]
        var lines: [[UInt8]] = []

        mutating func tell(_ stream: String, _ kind: String, _ body: Value) {
            numbers[stream, default: 0] += 1
            let line: Value = [
                "v": 1, "stream": .string(stream), "n": .int(Int64(numbers[stream] ?? 0)),
                "at": .string(GoldenHistory.at(lines.count + 1).description), "type": .string(kind), "body": body,
            ]
            lines.append(line.jsonBytes)
        }

        mutating func publish(_ pins: [Run.Pin], by author: String?, shipped: Bool = false) {
            var body: [String: Value] = ["by": "start"]
            body["author"] = author.map(Value.string)
            body["changes"] = .array(
                pins.map {
                    [
                        "kind": "workflow", "name": .string($0.name), "digest": .string($0.digest),
                        "shipped": .bool(shipped),
                    ]
                })
            tell("library", "definitionsPublished", .object(body))
        }

        mutating func attribute(_ pins: [Run.Pin], to author: String) {
            tell(
                "library", "definitionsAttributed",
                [
                    "by": "x", "author": .string(author),
                    "definitions": .array(pins.map { ["digest": .string($0.digest)] }),
                ])
        }

        mutating func event(_ event: Event) { tell(AuthorAuditTests.run.text, event.kind, event.value) }

        mutating func open(_ question: Question = AuthorAuditTests.question()) {
            event(
                .runOpened(
                    Opening(
                        id: AuthorAuditTests.run, decision: AlertID(stem: "A").signal(1).decision,
                        signal: AlertID(stem: "A").signal(1), alert: AlertID(stem: "A"),
                        playbook: AuthorAuditTests.playbook, workflow: AuthorAuditTests.workflow, subject: nil,
                        severity: .high, inputs: [:], steps: ["proof", "gate"])))
            event(.questionAsked(step: "gate", question))
        }

        mutating func answer(_ by: String) {
            event(
                .answerGiven(
                    step: "gate", Question.Answer(by: by, choice: "approve", at: GoldenHistory.at(3), reason: "ok")))
        }
    }

    private static func question(quorum: Int = 1, excludesAuthor: Bool = true) -> Question {
        Question(
            kind: .approve, text: "Purge?", by: ["approver"], excluded: [], excludesAuthor: excludesAuthor,
            quorum: quorum, choices: ["approve", "decline"], shown: "sha256:" + String(repeating: "6a", count: 32),
            askedAt: GoldenHistory.at(1), deadline: GoldenHistory.at(900))
    }

    private static let told: Set<AuditFinding.Code> = [
        .answerByAuthor, .authorUnknown, .answersUnjudged, .consentDiffers,
    ]

    private static func audit(_ coverage: HistoryAudit.Coverage, _ tell: (inout Story) -> Void) -> HistoryAudit {
        var story = Story()
        tell(&story)
        var audit = HistoryAudit(coverage)
        for (index, line) in story.lines.enumerated() { audit.take(line, place: "entry \(index)") }
        return audit
    }

    private static func findings(_ tell: (inout Story) -> Void) -> [AuditFinding] {
        var audit = audit(.whole, tell)
        return audit.finish().filter { told.contains($0.code) }
    }

    @Test func `an answer of the author is broken, and names run, step and person; another's is sound`() throws {
        let mine = Self.findings { story in
            story.publish([Self.playbook, Self.workflow], by: "alice")
            story.open()
            story.answer("alice")
        }
        #expect(mine.map(\.code) == [.answerByAuthor, .answerByAuthor])
        let first = try #require(mine.first)
        #expect(first.grade == .broken && first.place == "\(Self.run)@3")
        for word in ["alice", "'gate'", Self.run.text, "leak"] { #expect(first.says.contains(word), "\(first.says)") }
        let others = Self.findings { story in
            story.publish([Self.playbook, Self.workflow], by: "alice")
            story.open()
            story.answer("bob")
        }
        #expect(others == [])
    }

    @Test func `where the workflow does not exclude its author nothing is said of an answer of theirs`() {
        let found = Self.findings { story in
            story.publish([Self.playbook, Self.workflow], by: "alice")
            story.open(Self.question(excludesAuthor: false))
            story.answer("alice")
        }
        #expect(found == [])
    }

    @Test func `an author that nobody knows is an open item, and what came with the program has none`() throws {
        let unknown = Self.findings { story in
            story.publish([Self.playbook], by: "carol")
            story.publish([Self.workflow], by: nil)
            story.open()
            story.answer("bob")
        }
        #expect(unknown.map(\.code) == [.authorUnknown])
        #expect(unknown.first?.grade == .open && unknown.first?.says.contains("purge") == true)
        #expect(unknown.first?.says.contains("leak") == false)
        let shipped = Self.findings { story in
            story.publish([Self.playbook], by: "carol")
            story.publish([Self.workflow], by: nil, shipped: true)
            story.open()
            story.answer("bob")
        }
        #expect(shipped == [])
    }

    @Test func `who says afterwards that it was theirs settles it, and who publishes it anew later accuses nobody`() {
        func answered(_ later: (inout Story) -> Void) -> [AuditFinding.Code] {
            Self.findings { story in
                story.publish([Self.playbook, Self.workflow], by: nil)
                story.open()
                story.answer("bob")
                later(&story)
            }.map(\.code)
        }
        #expect(answered { $0.attribute([Self.playbook, Self.workflow], to: "alice") } == [])
        #expect(answered { $0.attribute([Self.playbook], to: "alice") } == [.authorUnknown])
        let both = answered { story in
            story.attribute([Self.playbook, Self.workflow], to: "alice")
            story.publish([Self.playbook, Self.workflow], by: "bob")
        }
        #expect(both == [])
        #expect(
            answered { $0.attribute([Self.playbook, Self.workflow], to: "bob") } == [.answerByAuthor, .answerByAuthor])
    }

    @Test func `of a run that began before what is here, it is said that nothing can be said`() {
        var audit = Self.audit(.range) { story in
            story.numbers[Self.run.text] = 4
            story.answer("alice")
        }
        #expect(audit.finish().map(\.code).contains(.answersUnjudged))
    }

    @Test(arguments: [
        (question(), []), (question(quorum: 2), [AuditFinding.Code.consentDiffers]),
        (question(excludesAuthor: false), [.consentDiffers]),
    ])
    func `a question that is not the pinned workflow's is broken`(_ asked: Question, _ codes: [AuditFinding.Code]) async
    {
        let audit = Self.audit(.whole) { $0.open(asked) }
        let found = await audit.consents.findings { $0 == Self.workflow.digest ? Array(Self.source.utf8) : nil }
        #expect(found.map(\.code) == codes, "\(found)")
        #expect(await audit.consents.findings { _ in nil } == [], "what is missing is told elsewhere")
    }
}
