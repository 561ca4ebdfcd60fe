// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// A run tells what its changes leave in use, and until when.
@Suite struct RunResidualTests {
    private static let suspend = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            hold: { for: 2h, then: keep }

        """
    private static let revoke = """
          - id: end
            do: tokens.revoke
            with: { credential: "${inputs.account}" }
            undo: none
            because: its holder gets another

        """

    private func open(_ steps: String, until: String? = nil, endedBy: [String] = []) throws -> Drive {
        let expression = try until.map {
            try Expression.compile($0, variables: ["before": .any, "after": .any, "with": .any])
        }
        var contracts = Stage.contracts
        contracts["account.suspend"] = Contract(
            effectClass: .convergent, readsState: true, canUndo: true,
            residual: Residual(of: "access tokens", milliseconds: 3_600_000, until: expression, endedBy: endedBy))
        contracts["tokens.revoke"] = Contract(effectClass: .convergent, readsState: false)
        return try Stage.open(steps, contracts: contracts)
    }

    @Test func `what was issued before lives on for its lifetime from when the change was seen`() throws {
        var drive = try open(Self.suspend)
        #expect(drive.run.residual == nil)
        try drive.change("stop", from: .enabled, to: .disabled)
        let until = drive.now.adding(milliseconds: 3_600_000)
        #expect(drive.run.residual == Step.Exposure(until: until, of: "access tokens"))
        try drive.advance(milliseconds: 2 * 3_600_000)
        // The hold outlived the tokens, so that nothing is left by the end.
        guard case .runEnded(.completed, let reason)? = drive.events.last else {
            Issue.record("\(drive.events.suffix(2))")
            return
        }
        #expect(!reason.contains("residual"))
    }

    @Test func `a run that ends before them ends as contained but for them`() throws {
        let brief = Self.suspend.replacing("for: 2h", with: "for: 10m")
        var drive = try open(brief)
        try drive.change("stop", from: .enabled, to: .disabled)
        let until = try #require(drive.run.residual).until
        try drive.advance(milliseconds: 600_000)
        guard case .runEnded(.completed, let reason)? = drive.events.last else {
            Issue.record("\(drive.events.suffix(2))")
            return
        }
        #expect(reason == "every step is done; contained, residual exposure until \(until): access tokens")
    }

    @Test func `the provider's word on when they expire comes before the connector's`() throws {
        let start = try open(Self.suspend).now.milliseconds / 1000
        for told in ["\(start + 60)", "'\(Instant(milliseconds: (start + 60) * 1000))'"] {
            var drive = try open(Self.suspend, until: told)
            try drive.change("stop", from: .enabled, to: .disabled)
            #expect(drive.run.residual?.until == Instant(milliseconds: (start + 60) * 1000), "\(told)")
        }
        for useless in ["before.exp", "-1", "0", "'soon'", "true"] {
            var drive = try open(Self.suspend, until: useless)
            try drive.change("stop", from: .enabled, to: .disabled)
            #expect(drive.run.residual?.until == drive.now.adding(milliseconds: 3_600_000), "\(useless)")
        }
        var over = try open(Self.suspend, until: "\(start - 60)")
        try over.change("stop", from: .enabled, to: .disabled)
        #expect(over.run.residual == nil)
    }

    @Test func `a later step that ends them leaves nothing, one that doesn't leaves them`() throws {
        for (endedBy, isOver) in [(["tokens.revoke"], true), (["sessions.revoke"], false), ([], false)] {
            var drive = try open(Self.suspend + Self.revoke, endedBy: endedBy)
            try drive.change("stop", from: .enabled, to: .disabled)
            #expect(drive.run.residual != nil)
            try drive.answer(.done, "end")
            #expect((drive.run.residual == nil) == isOver, "\(endedBy)")
        }
    }

    @Test func `what was undone leaves nothing, and what is stored says the same`() throws {
        var drive = try open(Self.suspend)
        try drive.change("stop", from: .enabled, to: .disabled)
        #expect(try Run(drive.run.value) == drive.run)
        try drive.put(.cancel(undo: true, by: "ann", reason: "false alarm"))
        try drive.change("undo:stop", from: .disabled, to: .enabled)
        #expect(drive.run.residual == nil)
        guard case .runEnded(.undone, let reason)? = drive.events.last else {
            Issue.record("\(drive.events.suffix(2))")
            return
        }
        #expect(!reason.contains("residual"))
    }

    @Test func `a step that acted before it ends nothing of it, though its proof comes later`() throws {
        let steps = """
              - id: both
                parallel:
                  - name: left
                    steps:
                      - id: end
                        do: tokens.revoke
                        with: { credential: "${inputs.account}" }
                        verify: after.active == false
                        undo: none
                        because: its holder gets another
                  - name: right
                    steps:
                      - id: stop
                        do: account.suspend
                        with: { account: "${inputs.account}" }
                        hold: { for: 2h, then: keep }

            """
        var contracts = Stage.contracts
        contracts["account.suspend"] = Contract(
            effectClass: .convergent, readsState: true, canUndo: true,
            residual: Residual(of: "access tokens", milliseconds: 3_600_000, endedBy: ["tokens.revoke"]))
        contracts["tokens.revoke"] = Contract(effectClass: .convergent, readsState: true)
        var drive = try Stage.open(steps, contracts: contracts)
        try drive.answerAll(.active, .done, on: "end")
        try drive.answerAll(.enabled, .done, .disabled, on: "stop")
        #expect(drive.run.residual != nil)
        try drive.answer(.gone, "end")
        #expect(drive.run.residual != nil)
    }

    @Test func `what took effect and is not proved leaves something in use, too`() throws {
        var drive = try open(Self.suspend)
        try drive.answer(.enabled, "stop")
        try drive.answer(.done, "stop")
        try drive.answer(.refused, "stop")
        #expect(drive.run.ask?.kind == .stoppedStep)
        #expect(drive.run.residual?.of == "access tokens")
    }
}
