// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Steps at other connections than that of the subject's provider, which here is `github`.
@Suite
struct RunElsewhereTests {
    private static let gateway: [String: Contract] = [
        "account.suspend": Contract(effectClass: .convergent, readsState: true, canUndo: true),
        "evidence.capture": Contract(effectClass: .read, readsState: false),
    ]
    private let held = """
          - id: stop
            do: account.suspend
            at: gateway
            with: { account: { login: "${inputs.account}" } }
            verify: after.enabled == false
            hold: { for: 2h, then: undo }

        """

    private func open(
        _ steps: String, inputs: Value = ["account": "deploy-bot"],
        elsewhere: [String: [String: Contract]] = ["gateway": gateway], called: [Workflow] = []
    ) throws -> Drive {
        var plain = try Stage.open(steps, inputs: inputs, called: called, contracts: [:]).definition
        plain.elsewhere = elsewhere
        let opening = Opening(
            id: RunID(stem: "01"), decision: DecisionID(stem: "01"), signal: SignalID(stem: "01"),
            alert: AlertID(stem: "01"), playbook: Run.Pin(name: "exposed", digest: "sha256:playbook"),
            workflow: plain.workflow.pin, called: called.map(\.pin), subject: .token, severity: .high, inputs: inputs,
            steps: plain.workflow.lines.map(\.id))
        return Drive(plain, opening)
    }

    @Test func `each call of a step elsewhere goes to its connection, and so does each of its undo`() throws {
        var drive = try open(held)
        var providers: [String] = []
        for outcome in [Outcome.enabled, .done, .disabled] {
            providers.append(drive.call("stop")?.provider ?? "none")
            try drive.answer(outcome, "stop")
        }
        #expect(providers == ["gateway", "gateway", "gateway"])
        try drive.advance(milliseconds: 2 * 3_600_000)
        #expect(drive.call("undo:stop")?.provider == "gateway")
        try drive.answer(.disabled, "undo:stop")
        #expect(drive.call("undo:stop")?.purpose == .undo)
        #expect(drive.call("undo:stop")?.provider == "gateway")
        #expect(drive.call("undo:stop")?.arguments["account"] == ["login": "deploy-bot"])
    }

    @Test func `a halt of the connection holds the step up, and one of the subject's provider does not`() throws {
        var drive = try open(held)
        drive.halts = Halts([.provider("github")])
        try drive.answer(.enabled, "stop")
        #expect(drive.call("stop")?.purpose == .act)
        var other = try open(held)
        other.halts = Halts([.provider("gateway")])
        try other.answer(.enabled, "stop")
        guard case .halted? = other.run.step("stop")?.phase else {
            Issue.record("it is not halted")
            return
        }
        other.halts = .none
        try other.put(.timerFired)
        #expect(other.call("stop")?.purpose == .act)
    }

    @Test func `a connection that is gone, or lacks the capability, stops the step before anything is sent`() throws {
        for elsewhere in [[:], ["gateway": [:]]] as [[String: [String: Contract]]] {
            let drive = try open(held, elsewhere: elsewhere)
            #expect(drive.run.ask?.reason == "no provider offers 'account.suspend' for gateway")
            #expect(drive.run.step("stop")?.calls == 0)
        }
    }

    @Test func `an input names the connection, and a called workflow is handed it on`() throws {
        let inner = try Workflow.load(
            Array(
                """
                workflow: inner
                title: Looks where it is told to
                inputs: { where: { type: connection } }
                steps:
                  - { id: look, do: evidence.capture, at: "${inputs.where}", with: { of: deploy-bot } }

                """.utf8), file: "inner.yaml", digest: "sha256:inner"
        ).get()
        let drive = try open(
            "  - { id: deep, call: inner, with: { where: gateway } }\n", called: [inner])
        #expect(drive.call("deep.look")?.provider == "gateway")
        #expect(drive.definition.askedElsewhere([:]) == [["gateway", "evidence.capture"]])
        #expect(drive.definition.capabilities == [])
        #expect(drive.definition.lacksElsewhere([:]) == [])
        var none = drive.definition
        none.elsewhere = [:]
        #expect(none.lacksElsewhere([:]) == ["there is no connection 'gateway'"])
        none.elsewhere = ["gateway": [:]]
        #expect(none.lacksElsewhere([:]) == ["connection 'gateway' does not offer evidence.capture"])
    }

    @Test func `what was done at one place can't be moved to a version that would undo it at another`() throws {
        var drive = try open(held)
        for outcome in [Outcome.enabled, .done, .disabled] { try drive.answer(outcome, "stop") }
        var new = drive.definition
        new.workflow = try Stage.workflow("contain", held.replacing("at: gateway", with: "at: other"))
        new.workflow.digest = "sha256:next"
        new.elsewhere["other"] = Self.gateway
        let order = MigrationOrder(by: "ann", reason: "another place")
        let result = drive.run.migrate(from: drive.definition, to: new, called: [], order, at: drive.now)
        guard case .failure(let refusal) = result else {
            Issue.record("it was moved")
            return
        }
        #expect(refusal.reasons == ["step 'stop' is done at gateway, and 'stop' of the new version at other"])
    }

    @Test func `the difference of two versions tells that a step moved`() throws {
        let one = try Stage.workflow("contain", held)
        let other = try Stage.workflow("contain", held.replacing("at: gateway", with: "at: other"))
        #expect(one.differences(to: other).map(\.text) == ["step 'stop' is done at other, was at gateway"])
    }
}
