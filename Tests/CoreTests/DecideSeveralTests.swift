// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Deciding when several playbooks speak, and what the record of a decision holds.
@Suite struct DecideSeveralTests {
    private let workflow = Bench(LineSketch(id: "a", effectClass: .read)).workflow

    private func decide(_ playbooks: [Playbook]) -> Decision {
        CordonCore.decide(
            .exposure, Library(playbooks: playbooks, workflows: [workflow], inventory: .ofToken), at: .start)
    }

    @Test func `every playbook that is triggered opens its own run, by name`() {
        let decision = decide([.sketch("b", mode: .propose), .sketch("c", mode: .shadow), .sketch("a")])
        #expect(decision.matches.map(\.playbook.name) == ["a", "b", "c"])
        #expect(decision.matches.map(\.verdict) == [.enforce, .propose, .shadow])
        #expect(decision.matches.map(\.run?.text) == ["run_01", "run_01.2", nil])
        #expect(decision.verdict == .enforce)
        #expect(decision.playbooksAsked == 3)
    }

    @Test(arguments: [
        ([Playbook.Mode.shadow, .propose], Decision.Verdict.propose), ([.off, .shadow], .shadow),
        ([.off, .off], .ignore), ([.enforce, .propose, .shadow, .off], .enforce),
        ([.propose, .shadow, .off], .propose),
    ])
    func `the playbook that does most names the decision`(_ modes: [Playbook.Mode], _ verdict: Decision.Verdict) {
        let playbooks = modes.enumerated().map { Playbook.sketch("p\($0.offset)", mode: $0.element) }
        #expect(decide(playbooks).verdict == verdict)
        #expect(decide(playbooks.reversed()).verdict == verdict)
    }

    @Test func `what one playbook can't decide hides nothing of another`() {
        let decision = decide([.sketch("a", when: "signal.score > 5"), .sketch("b"), .sketch("c", path: ["nobody"])])
        #expect(decision.matches.map(\.verdict) == [.undecided, .enforce, .undecided])
        #expect(decision.matches.map { $0.gate?.kind } == [.undecided, nil, .undecided])
        #expect(Set(decision.matches.compactMap(\.run)).count == 3)
    }

    @Test func `a playbook whose workflow is not loaded is left out`() {
        var orphan = Playbook.sketch("a")
        orphan.workflow = "gone"
        let decision = decide([orphan, .sketch("b")])
        #expect(decision.matches.map(\.playbook.name) == ["b"])
        #expect(decision.playbooksAsked == 2)
    }

    @Test func `more runs than the limit are not opened, and each that is left out says so`() throws {
        let count = Limits.runsPerAlertMax + 2
        let playbooks = (0..<count).map { Playbook.sketch("p\($0 / 10)\($0 % 10)") }
        let decision = decide(playbooks)
        #expect(decision.matches.count == count)
        let runs = decision.matches.compactMap(\.run)
        #expect(Set(runs).count == Limits.runsPerAlertMax)
        for match in decision.matches.suffix(2) {
            #expect(match.run == nil)
            #expect(match.verdict == .ignore)
            let reason = try #require(match.reasons.last)
            #expect(reason.guardName == "limit")
            #expect(reason.because == "the signal opens 20 runs already, the limit is 20 (runsPerAlertMax)")
        }
        #expect(decision.verdict == .enforce)
    }

    @Test func `shadow playbooks use up no run of the limit`() {
        let shadows = (0..<Limits.runsPerAlertMax).map { Playbook.sketch("a\($0)", mode: .shadow) }
        let decision = decide(shadows + [.sketch("z")])
        #expect(decision.matches.last?.run != nil)
        #expect(decision.matches.last?.verdict == .enforce)
    }

    @Test func `the same signal, library and instant give the same decision`() {
        let playbooks = [Playbook.sketch("a"), .sketch("b", when: "signal.score > 5"), .sketch("c", mode: .propose)]
        #expect(decide(playbooks) == decide(playbooks.reversed()))
    }

    @Test func `the record names the playbook, the workflow and the inventory that it was made by`() throws {
        let record = decide([.sketch("a", when: #"signal.validity == "active""#)]).value
        #expect(record["id"] == "dec_01")
        #expect(record["signal"] == "sig_01")
        #expect(record["alert"] == "alr_01")
        #expect(record["at"] == .string(Instant.start.description))
        #expect(record["verdict"] == "enforce")
        #expect(record["inventory"] == "sha256:inventory")
        #expect(record["playbooks_asked"] == 1)
        let match = try #require(record["matches"]?.arrayValue?.first)
        #expect(match["playbook"] == ["name": "a", "digest": "sha256:a"])
        #expect(match["workflow"] == ["name": "contain", "digest": "sha256:workflow"])
        #expect(match["run"] == "run_01")
        #expect(match.at("subject", "is") == "resolved")
        #expect(match.at("subject", "subject", "id") == "deploy-token")
        let reasons = try #require(match["reasons"]?.arrayValue)
        #expect(reasons.map { $0["guard"] } == ["trigger", "subject", "mode"])
        #expect(reasons[0]["inputs"]?.arrayValue?.last == ["text": "signal.validity", "value": "active"])
    }
}

extension Playbook {
    static func sketch(
        _ name: String = "exposed", mode: Mode = .enforce, when: String? = nil, onUndecided: OnUndecided = .ask,
        signalKind: String = "secret.exposed", path: [String] = ["credential"]
    ) -> Playbook {
        Playbook(
            name: name, title: "A test's own", owner: "team/test", mode: mode,
            trigger: Trigger(
                signalKind: signalKind, condition: when.map(expression), onUndecided: onUndecided,
                subjectKind: .credential, subjectPath: path),
            workflow: "contain", arguments: [:], digest: "sha256:\(name)")
    }
}

extension Inventory {
    /// The token, known by its number.
    static let ofToken = Inventory.of(.token, matching: ["number": 7])

    /// Identities that alerts name by the same fields.
    static func of(_ subjects: Subject..., matching matches: [String: Value]) -> Inventory {
        Inventory(
            identities: subjects.map { Identity(subject: $0, matches: matches) }, digest: "sha256:inventory")
    }
}
