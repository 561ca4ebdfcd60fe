// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// What a history leaves out is found as what it says wrongly is: a change that nobody agreed to, an effect that nobody
/// saw, a run that was decided and never opened.
@Suite struct ChangeAuditTests {
    private static let source = """
        workflow: cut
        title: It
        inputs:
          credential: { type: credential }
        steps:
          - id: revoke
            do: tokens.revoke
            with: { credential: "${inputs.credential.id}" }
            approve: { by: approver, quorum: 2, within: 4h, on_timeout: skip }
            within: 10m
            verify: after.active == false
            undo: none
            because: it can't be given back

        """
    private static let workflow = Run.Pin(name: "cut", digest: "sha256:" + String(repeating: "2c", count: 32))
    private static let playbook = Run.Pin(name: "leak", digest: "sha256:" + String(repeating: "1b", count: 32))
    private static let run = AlertID(stem: "A").signal(1).decision.run(1)
    private static let arguments: Value = ["credential": "ci-token"]

    private static func digest(_ bytes: [UInt8]) -> String { "digest of " + String(decoding: bytes, as: UTF8.self) }

    private static var shown: String {
        let all: Value = [
            "run": .string(run.text), "playbook": playbook.value, "workflow": workflow.value, "step": "revoke",
            "subject": "", "text": "", "does": ["do": "tokens.revoke", "with": arguments],
        ]
        return digest(all.jsonBytes)
    }

    private static func at(_ number: Int) -> Instant { GoldenHistory.at(number) }

    private static let opening = Event.runOpened(
        Opening(
            id: run, decision: AlertID(stem: "A").signal(1).decision, signal: AlertID(stem: "A").signal(1),
            alert: AlertID(stem: "A"), playbook: playbook, workflow: workflow, subject: nil, severity: .high,
            inputs: [:], steps: ["revoke"]))

    private static func asks(by: [String] = ["approver"]) -> Event {
        .questionAsked(
            step: "revoke",
            Question(
                kind: .gate, text: "agree?", by: by, excluded: [], quorum: 2, choices: ["approve", "decline"],
                shown: shown, askedAt: at(2), deadline: at(40)))
    }

    private static func answers(_ by: String, _ choice: String = "approve", at number: Int = 5) -> Event {
        .answerGiven(step: "revoke", Question.Answer(by: by, choice: choice, at: at(number), reason: "so"))
    }

    private static let closes = Event.questionClosed(step: "revoke", choice: "approve", reason: "answered")
    private static let agreed = [opening, asks(), answers("ann"), answers("bob"), closes]

    private static func call(
        _ number: Int, _ purpose: Call.Purpose, _ capability: String = "tokens.revoke", _ arguments: Value = arguments,
        step: String = "revoke"
    ) -> Event {
        .callIntended(
            step: step,
            Call(
                number: number, purpose: purpose, attempt: 1, capability: capability, provider: "login",
                effectClass: .convergent, arguments: arguments,
                seal: Seal(idempotencyKey: "key", requestDigest: "sha256:" + String(repeating: "4e", count: 32)),
                intendedAt: at(10), deadline: at(30)))
    }

    private static func returns(_ number: Int, _ kind: Outcome.Kind = .done) -> Event {
        .callReturned(step: "revoke", number: number, Outcome(kind, status: 200))
    }

    private static func audit(_ events: [Event]) -> HistoryAudit {
        var audit = HistoryAudit(.streams([:]))
        for (offset, event) in events.enumerated() {
            let line: Value = [
                "v": 1, "stream": .string(run.text), "n": .int(Int64(offset + 1)),
                "at": .string(at(offset + 1).description), "type": .string(event.kind), "body": event.value,
            ]
            audit.take(line.jsonBytes, place: "entry \(offset)")
        }
        return audit
    }

    private static func broken(_ events: [Event]) -> [AuditFinding.Code] {
        var audit = audit(events)
        return audit.finish().filter { $0.grade == .broken }.map(\.code)
    }

    private static func consents(_ events: [Event]) async -> [AuditFinding] {
        await audit(events).consents.findings(
            { $0 == workflow.digest ? Array(source.utf8) : nil }, digest: digest)
    }

    // MARK: Consent

    @Test func `a change to which as many agreed as its workflow wants, and to nothing else, is sound`() async {
        let sound = Self.agreed + [Self.call(1, .act)]
        #expect(await Self.consents(sound) == [])
        #expect(Self.broken(sound) == [])
    }

    @Test(arguments: [
        ("nobody was asked", [opening, call(1, .act)]),
        ("one of two agreed", [opening, asks(), answers("ann"), closes, call(1, .act)]),
        ("it is another change", agreed + [call(1, .act, "account.suspend")]),
        ("it is of another identity", agreed + [call(1, .act, "tokens.revoke", ["credential": "another"])]),
        ("its workflow has no such step", agreed + [call(1, .act, step: "revoke-more")]),
    ])
    func `a change that is not what people agreed to by its workflow is broken`(
        _ what: String, _ events: [Event]
    ) async {
        #expect(await Self.consents(events).map(\.code) == [.changeWithoutConsent], "\(what)")
    }

    @Test func `a question to others than the workflow names is broken`() async {
        #expect(await Self.consents([Self.opening, Self.asks(by: ["mallory"])]).map(\.code) == [.consentDiffers])
    }

    @Test func `silence agrees to nothing, and an answer counts in its time and among its choices`() {
        let silent = Event.questionClosed(step: "revoke", choice: "approve", reason: "nobody answered in time")
        #expect(Self.broken([Self.opening, Self.asks(), silent]) == [.consentWithoutQuorum])
        for answer in [Self.answers("ann", at: 41), Self.answers("ann", "maybe")] {
            #expect(Self.broken([Self.opening, Self.asks(), answer]) == [.answerNotAllowed])
        }
        #expect(Self.broken(Self.agreed + [Self.answers("eve")]) == [.answerNotAllowed])
    }

    // MARK: The run

    @Test func `an effect counts as seen only when something was read behind the change`() {
        let finished = Event.stepFinished(step: "revoke", isVerified: true, note: nil)
        let acted = Self.agreed + [Self.call(1, .act), Self.returns(1)]
        #expect(Self.broken(acted + [finished]) == [.verifiedUnseen])
        let read = [Self.call(2, .readBack), Self.returns(2)]
        #expect(Self.broken(acted + read + [finished]) == [])
        let refused = [Self.call(2, .readBack), Self.returns(2, .refused)]
        #expect(Self.broken(acted + refused + [finished]) == [.verifiedUnseen])
        let unseen = Event.stepFinished(step: "revoke", isVerified: false, note: nil)
        #expect(Self.broken(acted + [unseen]) == [])
    }

    @Test func `nothing is changed while the run waits for a person, nor after its end`() {
        let paused = Event.runPaused(by: "ann", reason: "wait")
        #expect(Self.broken(Self.agreed + [paused, Self.call(1, .act)]) == [.changeWhileStopped])
        let ended = Event.runEnded(.completed, reason: "every step is done")
        #expect(Self.broken(Self.agreed + [ended, Self.call(1, .readBack)]).contains(.lineAfterEnd))
        #expect(Self.broken(Self.agreed + [ended, ended]) == [.lineAfterEnd])
    }

    // MARK: What is missing as a whole

    private static func findings(
        _ lines: [(stream: String, kind: String, body: Value)], endsEarly: Bool = false
    ) -> [AuditFinding.Code] {
        var audit = HistoryAudit(.whole, endsEarly: endsEarly)
        var numbers: [String: Int] = [:]
        for (offset, line) in lines.enumerated() {
            numbers[line.stream, default: 0] += 1
            let whole: Value = [
                "v": 1, "stream": .string(line.stream), "n": .int(Int64(numbers[line.stream] ?? 0)),
                "at": .string(at(offset + 1).description), "type": .string(line.kind), "body": line.body,
            ]
            audit.take(whole.jsonBytes, place: "entry \(offset)")
        }
        return audit.finish().map(\.code)
    }

    @Test func `a run that a decision opens and of which no line is there is broken`() {
        let decision = ("alr_A", "decisionMade", ["matches": [["run": "run_A"]]] as Value)
        let read = ("alr_A", "alertRead", ["signals": []] as Value)
        #expect(Self.findings([decision, read]) == [.runUnopened])
        #expect(Self.findings([decision], endsEarly: true) == [.runUnopened], "open: its lines may lie behind")
    }

    @Test func `an alert that nobody decided, and a look-up without an answer, are open items`() {
        let came = ("alr_A", "alertReceived", ["body": "sha256:00"] as Value)
        #expect(Self.findings([came]) == [.alertUndecided])
        #expect(Self.findings([came], endsEarly: true) == [], "what became of it lies behind")
        #expect(Self.findings([came, ("alr_A", "alertQuarantined", ["reason": "of no shape"])]) == [.alertUndecided])
        #expect(Self.findings([came, ("alr_A", "alertRead", ["signals": []])]) == [])
        let asks = ("alr_A", "lookupIntended", ["asks": "login/x"] as Value)
        let told = ("alr_A", "lookupReturned", ["asks": "login/x"] as Value)
        let read = ("alr_A", "alertRead", ["signals": []] as Value)
        #expect(Self.findings([came, asks, read]) == [.callOpen])
        #expect(Self.findings([came, asks, told, read]) == [])
    }
}
