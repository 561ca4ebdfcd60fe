// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What a history means is checked from its lines alone.
@Suite struct HistoryAuditTests {
    /// A run as it goes when all is well: read, acted, seen.
    private static func lines(_ events: [Event], run: String) -> [[UInt8]] {
        events.enumerated().map { offset, event in line(run, offset + 1, event.kind, event.value) }
    }

    private static func line(_ stream: String, _ number: Int, _ kind: String, _ body: Value) -> [UInt8] {
        let whole: Value = [
            "v": 1, "stream": .string(stream), "n": .int(Int64(number)),
            "at": .string(GoldenHistory.at(number).description), "type": .string(kind), "body": body,
        ]
        return whole.jsonBytes
    }

    private static let image = Evidence(
        digest: "sha256:" + String(repeating: "0a", count: 32), mediaType: "application/json", bytes: 15,
        about: "the state before the change")

    private static func call(_ number: Int, _ purpose: Call.Purpose) -> Call {
        Call(
            number: number, purpose: purpose, attempt: 1, capability: "tokens.revoke", provider: "login",
            effectClass: .convergent, arguments: [:],
            seal: Seal(idempotencyKey: "key", requestDigest: "sha256:" + String(repeating: "4e", count: 32)),
            intendedAt: GoldenHistory.at(number), deadline: GoldenHistory.at(number + 10))
    }

    private static let opening = Opening(
        id: AlertID(stem: "A").signal(1).decision.run(1), decision: AlertID(stem: "A").signal(1).decision,
        signal: AlertID(stem: "A").signal(1), alert: AlertID(stem: "A"),
        playbook: Run.Pin(name: "secret-leaked", digest: "sha256:" + String(repeating: "1b", count: 32)),
        workflow: Run.Pin(name: "token-revocation", digest: "sha256:" + String(repeating: "2c", count: 32)),
        subject: nil, severity: .high, inputs: [:], steps: ["revoke"])

    private static let sound: [Event] = [
        .runOpened(opening), .stepStarted(step: "revoke", deadline: GoldenHistory.at(900)),
        .callIntended(step: "revoke", call(1, .before)),
        .callReturned(step: "revoke", number: 1, Outcome(.done, status: 200, evidence: [image])),
        .callIntended(step: "revoke", call(2, .act)),
        .callReturned(step: "revoke", number: 2, Outcome(.done, status: 200)),
        .callIntended(step: "revoke", call(3, .readBack)),
        .callReturned(step: "revoke", number: 3, Outcome(.done, status: 200)),
        .stepFinished(step: "revoke", isVerified: true, note: nil),
        .runEnded(.completed, reason: "every step is done"),
    ]

    /// What an audit of a run's lines alone finds, as `grade code`.
    private static func findings(_ events: [Event]) -> [String] {
        var audit = HistoryAudit(.streams([:]))
        for (index, bytes) in lines(events, run: "run_A").enumerated() { audit.take(bytes, place: "entry \(index)") }
        return audit.finish().map { "\($0.grade.rawValue) \($0.code.rawValue)" }
    }

    @Test func `a sound run gives no finding, and its lines give the run`() throws {
        #expect(Self.findings(Self.sound) == [])
        var audit = HistoryAudit(.streams(["run_A": 10]))
        for bytes in Self.lines(Self.sound, run: "run_A") { audit.take(bytes, place: "") }
        #expect(audit.finish() == [])
        #expect(
            audit.run("run_A")
                == Run.fold(Self.sound.enumerated().map { (GoldenHistory.at($0.offset + 1), $0.element) }))
        #expect(audit.blobs.keys.sorted() == [Self.image.digest])
        #expect(audit.pins.count == 2)
    }

    @Test(arguments: [
        (4, "broken outcomeWithoutIntent"), (2, "broken outcomeWithoutIntent"), (5, "open callOpen"),
        (3, "broken changeBeforeEvidence"),
    ])
    func `a line that is taken out shows in what the others mean`(place: Int, found: String) {
        var events = Self.sound
        events.remove(at: place)
        #expect(Self.findings(events).contains(found), "\(Self.findings(events))")
    }

    @Test func `what was said twice, or what ended too early, is broken`() {
        var twice = Self.sound
        twice.insert(Self.sound[4], at: 5)
        #expect(Self.findings(twice).contains("broken intentTwice"))
        var again = Self.sound
        again.insert(Self.sound[5], at: 6)
        #expect(Self.findings(again).contains("broken outcomeWithoutIntent"))
        var early = Self.sound
        early.remove(at: 7)
        #expect(Self.findings(early).contains("broken endedWithOpenCall"))
    }

    @Test func `an act before anything was kept is an open item, and so is an outcome that nobody knows`() {
        let bare: [Event] = [
            .runOpened(Self.opening), .callIntended(step: "revoke", Self.call(1, .act)),
            .callReturned(step: "revoke", number: 1, .lost),
        ]
        #expect(Self.findings(bare) == ["open changeWithoutEvidence", "open callUnknown", "open runLive"])
        let resolved =
            bare + [
                .callResolved(step: "revoke", number: 1, tookEffect: true, by: "bob", reason: "seen in the log"),
                .stepFinished(step: "revoke", isVerified: false, note: nil), .runEnded(.completed, reason: "done"),
            ]
        #expect(Self.findings(resolved) == ["open changeWithoutEvidence", "note callSettledByHand"])
    }

    private static func question(quorum: Int) -> Question {
        Question(
            kind: .gate, text: "Revoke?", by: ["approver"], excluded: ["bob"], quorum: quorum,
            choices: ["approve", "decline"], shown: "sha256:" + String(repeating: "6a", count: 32),
            askedAt: GoldenHistory.at(1), deadline: GoldenHistory.at(900))
    }

    private static func gated(_ by: [String], quorum: Int = 1, closes: Bool = true) -> [Event] {
        var events: [Event] = [.questionAsked(step: "revoke", question(quorum: quorum))]
        events += by.map {
            .answerGiven(
                step: "revoke",
                Question.Answer(by: $0, choice: "approve", at: GoldenHistory.at(3), reason: "seen"))
        }
        if closes { events.append(.questionClosed(step: "revoke", choice: "approve", reason: "answered")) }
        var all = sound
        all.insert(contentsOf: events, at: 2)
        return all
    }

    @Test func `consent is by whom the workflow allows, by as many as it asks for, and before the change`() {
        #expect(Self.findings(Self.gated(["ann"])) == [])
        #expect(Self.findings(Self.gated(["bob"])) == ["broken answerNotAllowed"])
        #expect(Self.findings(Self.gated(["ann", "ann"], quorum: 2)).contains("broken answerNotAllowed"))
        #expect(Self.findings(Self.gated(["ann"], quorum: 2)) == ["broken consentWithoutQuorum"])
        #expect(Self.findings(Self.gated(["ann"], closes: false)) == ["broken changeWithoutConsent"])
    }

    @Test func `a gap, a swap and a cut in a stream are named`() {
        let lines = Self.lines(Self.sound, run: "run_A")
        func codes(_ lines: [[UInt8]], _ coverage: HistoryAudit.Coverage) -> [AuditFinding.Code] {
            var audit = HistoryAudit(coverage)
            for bytes in lines { audit.take(bytes, place: "") }
            return audit.finish().map(\.code)
        }
        var gap = lines
        gap.remove(at: 1)
        #expect(codes(gap, .streams(["run_A": 10])).contains(.streamGap))
        #expect(!codes(gap, .streams([:])).contains(.streamGap))
        var swap = lines
        swap.swapAt(8, 9)
        #expect(codes(swap, .streams(["run_A": 10])).contains(.streamGap))
        #expect(codes(Array(lines.dropLast()), .streams(["run_A": 10])).contains(.streamCut))
        #expect(codes(Array(lines.dropFirst(3)), .range) == [])
        #expect(codes(Array(lines.dropFirst(3)), .whole).contains(.streamGap))
        #expect(codes([Array("{}".utf8)], .whole) == [.entryUnreadable])
        #expect(codes([Self.line("run_A", 1, "stepDanced", [:])], .whole) == [.entryUnreadable])
    }

    @Test func `a run needs its decision and definitions that were in force, where all lines are there`() {
        func codes(_ before: [[UInt8]]) -> [AuditFinding.Code] {
            var audit = HistoryAudit(.whole)
            for bytes in before + Self.lines(Self.sound, run: "run_A") { audit.take(bytes, place: "") }
            return audit.finish().map(\.code)
        }
        #expect(codes([]) == [.runWithoutDecision])
        let decision = Self.line("alr_A", 1, "decisionMade", ["id": "dec_A", "matches": [["run": "run_A"]]])
        #expect(codes([decision]) == [])
        let other = Self.line(
            "library", 1, "definitionsPublished", ["changes": [["digest": "sha256:00"]], "by": "ann"])
        #expect(codes([decision, other]) == [.definitionUnpublished, .definitionUnpublished])
        let both = Self.line(
            "library", 1, "definitionsPublished",
            [
                "changes": [
                    ["digest": .string(Self.opening.playbook.digest)],
                    ["digest": .string(Self.opening.workflow.digest)],
                ]
            ])
        #expect(codes([decision, both]) == [])
    }

    @Test func `a forked log is broken until a person begins a new one`() {
        var audit = HistoryAudit(.whole)
        audit.take(Self.line("log", 1, "logForked", ["says": "entries 3 to 9 are lost"]), place: "")
        var reopened = audit
        #expect(audit.finish().map(\.grade) == [.broken])
        reopened.take(Self.line("log", 2, "logReopened", ["by": "ann"]), place: "")
        // What the old log held beyond that line nobody sees here.
        #expect(reopened.finish().map(\.grade) == [.open, .note])
    }

    @Test func `histories that were stored once give no contradiction today`() throws {
        for history in GoldenHistory.all {
            var audit = HistoryAudit(.streams([history.run.text: history.events.count]))
            for text in history.lines { audit.take(Array(text.utf8), place: "") }
            // The samples are made by hand: some intents in them have no reading before them, or none behind.
            let byHand: [AuditFinding.Code] = [.changeBeforeEvidence, .verifiedUnseen]
            let broken = audit.finish().filter { $0.grade == .broken && !byHand.contains($0.code) }
            #expect(broken == [], "\(history.stem)")
        }
    }

    @Test func `a number that no line can have is no line of a history`() {
        var audit = HistoryAudit(.whole)
        for number in ["9223372036854775807", "0", "-1", "9223372036854775808"] {
            let text = #"{"at":"2026-01-01T00:00:00.000Z","body":{},"n":\#(number),"stream":"node","type":"x","v":1}"#
            for _ in 1...2 { #expect(audit.take(Array(text.utf8), place: number) == nil) }
        }
    }
}
