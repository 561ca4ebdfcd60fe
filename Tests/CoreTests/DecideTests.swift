// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Deciding about one signal: the verdict, the reasons with the values used, and the runs that it opens.
@Suite struct DecideTests {
    private static let holds = #"signal.validity == "active""#
    private static let fails = #"signal.validity == "inactive""#
    /// Names a field that the signal does not have, so that it gives no answer.
    private static let givesNoAnswer = "signal.score > 5"

    private func library(_ playbooks: Playbook..., inventory: Inventory = .ofToken) -> Library {
        let workflow = Bench(LineSketch(id: "a", effectClass: .read)).workflow
        return Library(playbooks: playbooks, workflows: [workflow], inventory: inventory)
    }

    private func decision(_ playbook: Playbook, _ inventory: Inventory = .ofToken) -> Decision {
        decide(.exposure, library(playbook, inventory: inventory), at: .start)
    }

    // MARK: Mode

    @Test(arguments: [(Playbook.Mode.shadow, Decision.Verdict.shadow), (.propose, .propose), (.enforce, .enforce)])
    func `the mode is the verdict where nothing else speaks`(
        _ mode: Playbook.Mode, _ verdict: Decision.Verdict
    ) throws {
        let decision = decision(.sketch(mode: mode))
        #expect(decision.verdict == verdict)
        let match = try #require(decision.matches.first)
        #expect(match.verdict == verdict)
        #expect(match.reasons.map(\.guardName) == ["trigger", "subject", "mode"])
        #expect(match.reasons.last?.because == "the playbook's mode is \(mode.rawValue)")
        #expect((match.run != nil) == (mode != .shadow))
        #expect((match.gate != nil) == (mode == .propose))
        #expect(decision.playbooksAsked == 1)
    }

    @Test func `a playbook that is off is not weighed`() {
        let decision = decision(.sketch(mode: .off))
        #expect(decision.verdict == .ignore)
        #expect(decision.matches == [])
        #expect(decision.playbooksAsked == 1)
    }

    // MARK: Trigger

    @Test func `a condition that is false makes no match`() {
        let decision = decision(.sketch(when: Self.fails))
        #expect(decision.matches == [])
        #expect(decision.verdict == .ignore)
    }

    @Test func `a condition that holds is kept with the values it was weighed by`() throws {
        let reason = try #require(decision(.sketch(when: Self.holds)).matches.first?.reasons.first)
        #expect(reason.verdict == .enforce)
        #expect(reason.because == "its condition holds")
        #expect(
            reason.inputs == [
                ["text": "signal.validity == \"active\"", "value": true],
                ["text": "signal.validity", "value": "active"],
            ])
    }

    @Test func `a playbook without a condition is triggered by every signal of its kind and by no other`() throws {
        let reason = try #require(decision(.sketch()).matches.first?.reasons.first)
        #expect(reason.because == "every secret.exposed triggers it")
        #expect(decision(.sketch(signalKind: "login.failed")).matches == [])
    }

    @Test func `a condition without an answer asks a person, and says why it gave none`() throws {
        let decision = decision(.sketch(when: Self.givesNoAnswer, onUndecided: .ask))
        #expect(decision.verdict == .undecided)
        let match = try #require(decision.matches.first)
        let reason = try #require(match.reasons.first)
        #expect(reason.verdict == .undecided)
        #expect(reason.because.hasPrefix("its condition gave no answer: "))
        let parts = try #require(reason.inputs.arrayValue)
        #expect(parts.map { $0["text"] } == ["signal.score > 5", "signal.score"])
        #expect(parts.allSatisfy { $0["error"] != nil && $0["value"] == nil })
        #expect(match.run != nil)
        #expect(match.gate == Run.Ask(kind: .undecided, reason: reason.because))
    }

    @Test func `a condition without an answer is no match where the playbook skips`() {
        let decision = decision(.sketch(when: Self.givesNoAnswer, onUndecided: .skip))
        #expect(decision.matches == [])
        #expect(decision.verdict == .ignore)
    }

    @Test func `a condition without an answer counts as true where the playbook fires, and that is told`() throws {
        let match = try #require(decision(.sketch(when: Self.givesNoAnswer, onUndecided: .fire)).matches.first)
        #expect(match.verdict == .enforce)
        #expect(match.reasons[0].because.hasPrefix("its condition gave no answer ("))
        #expect(match.reasons[0].because.hasSuffix("), and the playbook then fires"))
        #expect(match.gate == nil)
    }

    // MARK: Subject

    @Test func `the subject is the one identity whose every field matches`() throws {
        let match = try #require(decision(.sketch()).matches.first)
        #expect(match.resolution == .resolved(.token))
        #expect(match.reasons[1].because == "the inventory knows it as credential:deploy-token")
        #expect(match.reasons[1].verdict == .enforce)
    }

    @Test func `a subject that nobody knows is undecided, and the reason quotes what the alert names`() throws {
        let match = try #require(decision(.sketch(), .of(Subject.token, matching: ["number": 8])).matches.first)
        #expect(match.verdict == .undecided)
        let reason = #"no credential of the inventory matches {"number":7}"#
        #expect(match.resolution == .missing(reason))
        #expect(match.gate == Run.Ask(kind: .undecided, reason: reason))
        #expect(match.run != nil)
    }

    @Test(
        arguments: [
            ["number": 7, "issuer": "gitlab"], ["number": "7"], ["number": 7.5], ["number": nil], [:],
        ] as [[String: Value]])
    func `an identity that matches in part, in another type or in nothing is none`(_ matches: [String: Value]) throws {
        let match = try #require(decision(.sketch(), .of(Subject.token, matching: matches)).matches.first)
        #expect(match.verdict == .undecided)
    }

    @Test func `an identity of another kind is none`() throws {
        var account = Subject.token
        account.kind = .serviceAccount
        let match = try #require(decision(.sketch(), .of(account, matching: ["number": 7])).matches.first)
        #expect(match.resolution == .missing(#"no credential of the inventory matches {"number":7}"#))
    }

    @Test(arguments: [["owner"], ["validity"], ["credential", "number"], ["credential", "number", "deeper"]])
    func `a path that leads to no map names nobody`(_ path: [String]) throws {
        let match = try #require(decision(.sketch(path: path)).matches.first)
        #expect(match.resolution == .missing("the alert names no credential"))
        #expect(match.verdict == .undecided)
    }

    @Test func `two identities that match are both named, and nothing is done to either`() throws {
        var twin = Subject.token
        twin.id = "another-token"
        let match = try #require(decision(.sketch(), .of(.token, twin, matching: ["number": 7])).matches.first)
        #expect(match.resolution == .ambiguous(["another-token", "deploy-token"]))
        #expect(match.verdict == .undecided)
        let because = "more than one identity of the inventory matches: another-token, deploy-token"
        #expect(match.reasons[1].because == because)
        #expect(match.gate?.kind == .undecided)
    }

    @Test func `what the alert names is quoted only so far`() throws {
        var signal = Signal.exposure
        signal.attributes = ["credential": ["number": .string(String(repeating: "x", count: 5000))]]
        let decision = decide(signal, library(.sketch()), at: .start)
        let because = try #require(decision.matches.first?.reasons[1].because)
        #expect(because.hasSuffix("…"))
        #expect(because.unicodeScalars.count < Limits.quotedScalarsMax + 60)
    }

    // MARK: The strictest wins

    @Test(arguments: [
        (Playbook.Mode.enforce, Decision.Verdict.undecided), (.propose, .undecided), (.shadow, .shadow),
    ])
    func `doubt about the subject wins over enforce and propose, and shadow over doubt`(
        _ mode: Playbook.Mode, _ verdict: Decision.Verdict
    ) throws {
        let match = try #require(decision(.sketch(mode: mode), Inventory(identities: [], digest: "")).matches.first)
        #expect(match.verdict == verdict)
        #expect((match.run == nil) == (mode == .shadow))
    }

    @Test func `a gate names every reason that holds it`() throws {
        let playbook = Playbook.sketch(when: Self.givesNoAnswer)
        let match = try #require(decision(playbook, Inventory(identities: [], digest: "")).matches.first)
        let reasons = match.reasons.filter { $0.verdict == .undecided }.map(\.because)
        #expect(reasons.count == 2)
        #expect(match.gate?.reason == reasons.joined(separator: "; "))
    }
}
