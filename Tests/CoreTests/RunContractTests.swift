// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What a connector promises beside its effect class: what shows that it took effect, and what an undo gives back.
@Suite struct RunContractTests {
    private static let suspend = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            hold: { for: 2h, then: undo }

        """
    private static let revoke = """
          - id: end
            do: tokens.revoke
            with: { credential: "${inputs.account}" }
            undo: none
            because: its holder gets another

        """

    private func open(
        _ steps: String, _ effectClass: EffectClass = .convergent, probe: String? = nil, revives: Bool = false
    ) throws -> Drive {
        let condition = try probe.map {
            try Expression.compile($0, variables: ["before": .any, "after": .any, "with": .any], expecting: .bool)
        }
        var contracts = Stage.contracts
        contracts["account.suspend"] = Contract(
            effectClass: effectClass, readsState: true, canUndo: true, probe: condition, revivesCredentials: revives)
        contracts["tokens.revoke"] = Contract(effectClass: .convergent, readsState: false)
        return try Stage.open(steps, contracts: contracts)
    }

    // MARK: Probes

    @Test func `where the workflow says nothing the connector says what must be seen`() throws {
        var drive = try open(Self.suspend, probe: "after.enabled == false && with.account == 'deploy-bot'")
        try drive.answerAll(.enabled, .done, .enabled, on: "stop")
        #expect(drive.run.step("stop")?.isVerified == false)
        try drive.advance(milliseconds: 600)
        try drive.answer(.disabled, "stop")
        #expect(drive.run.step("stop")?.isVerified == true)
        #expect(drive.run.step("stop")?.note == nil)
    }

    @Test func `what was so before the call is told as such`() throws {
        var drive = try open(Self.suspend, probe: "after.enabled == false")
        try drive.answerAll(.disabled, .done, .disabled, on: "stop")
        #expect(drive.run.step("stop")?.note == "was so before the call")
    }

    @Test func `an act that names what was read is handed it, and no other is`() throws {
        func arguments(_ takes: Bool) throws -> Value? {
            var contracts = Stage.contracts
            contracts["account.suspend"]?.actTakesBefore = takes
            var drive = try Stage.open(Self.suspend, contracts: contracts)
            try drive.answer(.enabled, "stop")
            return drive.run.step("stop")?.arguments
        }
        #expect(try arguments(true) == ["account": "deploy-bot", "before": ["enabled": true]])
        #expect(try arguments(false) == ["account": "deploy-bot"])
    }

    @Test func `the workflow's word comes before the connector's`() throws {
        let verified = Self.suspend + "    verify: after.enabled == true\n"
        var drive = try open(verified, probe: "after.enabled == false")
        try drive.answerAll(.enabled, .done, .enabled, on: "stop")
        #expect(drive.run.step("stop")?.isVerified == true)
    }

    @Test func `a probe tells what became of a call in doubt`() throws {
        var drive = try open(Self.suspend, .probeable, probe: "after.enabled == false")
        try drive.answerAll(.enabled, Outcome(.unknown, reason: "no answer"), on: "stop")
        #expect(drive.open == ["stop probe"])
        var undone = drive
        try drive.answer(.disabled, "stop")
        #expect(drive.open == ["stop read_back"])
        try drive.answer(.disabled, "stop")
        #expect(drive.run.step("stop")?.isVerified == true)
        try undone.answer(.enabled, "stop")
        #expect(undone.run.step("stop")?.doubt == nil)
        #expect(undone.run.step("stop")?.hasActed == false)
    }

    @Test func `without a word of either a call in doubt waits for a person`() throws {
        var drive = try open(Self.suspend, .probeable)
        try drive.answerAll(.enabled, Outcome(.unknown, reason: "no answer"), .disabled, on: "stop")
        #expect(drive.run.ask?.kind == .unknownOutcome)
    }

    // MARK: Preconditions

    private func guarded(_ steps: String = suspend) throws -> Drive {
        var contracts = Stage.contracts
        contracts["account.suspend"] = Contract(
            effectClass: .convergent, readsState: true, canUndo: true,
            probe: try Expression.compile(
                "after.enabled == false", variables: ["before": .any, "after": .any, "with": .any], expecting: .bool),
            precondition: try Expression.compile(
                "before.version == 1 && with.account == 'deploy-bot'", variables: ["before": .any, "with": .any],
                expecting: .bool))
        return try Stage.open(steps, contracts: contracts)
    }

    @Test func `consent does not outlive the state that it was given for`() throws {
        let asking = Self.suspend + "    approve: { by: approver, within: 4h, on_timeout: skip }\n"
        var drive = try guarded(asking)
        let shown = try #require(drive.question("stop")?.shown)
        let ann = Person(name: "ann", groups: ["approver"])
        try drive.put(.answer(step: "stop", ann, choice: "approve", shown: shown, reason: "version 1 is meant"))
        // Read just before the write, whatever was true when people looked.
        #expect(drive.open == ["stop before"])
        var changed = drive
        try drive.answer(.done(["enabled": true, "version": 1]), "stop")
        #expect(drive.open == ["stop act"])
        try changed.answer(.done(["enabled": true, "version": 2]), "stop")
        #expect(changed.open == [])
        #expect(changed.run.ask?.reason.contains("somebody changed it since this was planned") == true)
        #expect(changed.run.step("stop")?.hasActed == false)
    }

    @Test func `what is still as it was planned for is changed`() throws {
        var drive = try guarded()
        try drive.answer(.done(["enabled": true, "version": 1]), "stop")
        #expect(drive.open == ["stop act"])
    }

    @Test func `what somebody changed since is left to a person`() throws {
        var drive = try guarded()
        try drive.answer(.done(["enabled": true, "version": 2]), "stop")
        #expect(drive.open == [])
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.run.ask?.reason.contains("somebody changed it since this was planned") == true)
        #expect(drive.run.step("stop")?.hasActed == false)
    }

    @Test func `what shows the effect already needs no precondition`() throws {
        var drive = try guarded()
        try drive.answer(.done(["enabled": false, "version": 2]), "stop")
        #expect(drive.open == ["stop act"])
    }

    @Test func `what waited to be tried again is looked at again before it is tried`() throws {
        var drive = try guarded()
        try drive.answer(.done(["enabled": true, "version": 1]), "stop")
        try drive.answer(Outcome(.later, reason: "too many"), "stop")
        try drive.advance(milliseconds: 60_000)
        #expect(drive.open == ["stop before"])
        var changed = drive
        try drive.answer(.done(["enabled": true, "version": 1]), "stop")
        #expect(drive.open == ["stop act"])
        try changed.answer(.done(["enabled": true, "version": 2]), "stop")
        #expect(changed.open == [])
        #expect(changed.run.ask?.reason.contains("somebody changed it since this was planned") == true)
    }

    @Test func `a precondition that gives no answer changes nothing`() throws {
        var drive = try guarded()
        try drive.answer(.done(["enabled": true]), "stop")
        #expect(drive.open == [])
        #expect(drive.run.ask?.reason.contains("the precondition gave no answer") == true)
    }

    // MARK: What an undo gives back

    @Test func `an undo that would give a thief's token back waits for a person`() throws {
        var drive = try open(Self.suspend, revives: true)
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: 2 * 3_600_000)
        try drive.answer(.disabled, "undo:stop")
        #expect(drive.run.ask?.kind == .undoConflict)
        #expect(drive.run.ask?.reason.contains("would give back what the subject held before") == true)
        #expect(drive.run.commands.isEmpty)
        try drive.put(.resume(step: "undo:stop", isForced: true, by: "ann", reason: "no token is out"))
        #expect(drive.open == ["undo:stop undo"])
    }

    @Test func `where the run ended what the subject held the undo needs nobody`() throws {
        var drive = try open(Self.suspend + Self.revoke, revives: true)
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.answer(.done, "end")
        try drive.advance(milliseconds: 2 * 3_600_000)
        try drive.answer(.disabled, "undo:stop")
        #expect(drive.open == ["undo:stop undo"])
    }

    @Test func `an undo is handed the before-image and the state that was just compared`() throws {
        var drive = try open(Self.suspend)
        try drive.change("stop", from: .enabled, to: .disabled)
        try drive.advance(milliseconds: 2 * 3_600_000)
        try drive.answer(.disabled, "undo:stop")
        #expect(
            drive.call("undo:stop")?.arguments
                == ["account": "deploy-bot", "before": ["enabled": true], "live": ["enabled": false]])
    }

    @Test func `two readings that an entry can't hold leave out the second`() throws {
        let large = String(repeating: "x", count: Limits.resultBytesMax / 2)
        var drive = try open(Self.suspend)
        let (before, after): (Value, Value) = (["a": .string(large)], ["b": .string(large)])
        try drive.change("stop", from: .done(before), to: .done(after))
        try drive.advance(milliseconds: 2 * 3_600_000)
        try drive.answer(.done(after), "undo:stop")
        #expect(drive.call("undo:stop")?.arguments["before"] == before)
        #expect(drive.call("undo:stop")?.arguments["live"] == .null)
    }
}
