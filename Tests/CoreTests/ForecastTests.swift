// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What a run would do is told by the machine itself, with nothing sent.
@Suite
struct ForecastTests {
    private let steps = """
          - id: stop
            do: account.suspend
            with: { account: "${inputs.account}" }
            verify: after.enabled == false
            hold: { for: 4h, then: undo }
          - id: judge
            task: { by: ann, ask: Was it you, choices: [own, foreign], within: 1h, on_timeout: foreign }
          - id: reduce
            if: steps.judge.choice == "foreign"
            do: scopes.reduce
            with: { subject: "${inputs.account}", keep: [] }
            hold: { for: 1h, then: keep }
          - id: calm
            wait: { until: "steps.stop.after.uses == 0", every: 1m, for: 30m }

        """

    private func words(_ forecast: Forecast) -> [String] {
        forecast.lines.map { line in
            switch line.doing {
            case .call(let step, let call): "\(step) \(call.purpose.rawValue)"
            case .ask(let step, _, let answer): "\(step) asks: \(answer ?? "silence")"
            case .stop(let ask): "stops: \(ask.reason)"
            case .hold(let step, _): "\(step) holds"
            case .holdEnd(let step, let state, _): "\(step) hold \(state.rawValue)"
            case .wait(let step, _): "\(step) waits"
            case .skip(let step, _): "\(step) skipped"
            case .fail(let step, _): "\(step) failed"
            case .end(let ending, _): "ends \(ending.rawValue)"
            }
        }
    }

    @Test func `a run's whole way is played, its holds too, on time that passes at once`() throws {
        let drive = try Stage.open(steps)
        let forecast = Forecast.of(
            drive.run, drive.definition, assuming: .init(choices: ["judge": "foreign"]), at: drive.now)
        #expect(
            words(forecast)
                == [
                    "stop act", "stop holds", "stop read_back", "judge asks: foreign", "reduce before", "reduce act",
                    "reduce holds", "reduce read_back", "reduce hold kept", "stop hold lifting", "undo:stop before",
                    "undo:stop undo", "undo:stop read_back", "ends completed",
                ])
        #expect(forecast.lines.last?.at == drive.now.adding(milliseconds: 4 * 3_600_000))
        #expect(forecast.isWhole)
        #expect(drive.run.isLive)
    }

    @Test func `another answer, silence and a refusal lead elsewhere`() throws {
        let drive = try Stage.open(steps)
        let own = Forecast.of(drive.run, drive.definition, at: drive.now)
        #expect(words(own).contains("reduce skipped"))
        let silent = Forecast.of(drive.run, drive.definition, assuming: .init(silent: ["judge"]), at: drive.now)
        #expect(words(silent).contains("judge asks: silence"))
        #expect(words(silent).contains("reduce act"))
        let refused = Forecast.of(
            drive.run, drive.definition, assuming: .init(refused: ["account.suspend"]), at: drive.now)
        #expect(words(refused).last?.hasPrefix("stops: ") == true)
        #expect(!words(refused).contains("reduce act"))
    }

    @Test func `a forecast goes on from where the run stands`() throws {
        var drive = try Stage.open(steps)
        try drive.change("stop", from: .enabled, to: .disabled)
        let forecast = Forecast.of(drive.run, drive.definition, at: drive.now)
        #expect(words(forecast).first == "reduce skipped")
        #expect(words(forecast).contains("undo:stop undo"))
    }

    @Test func `a ladder is climbed to its last rung`() throws {
        let drive = try Stage.open(
            """
              - id: steps_up
                ladder:
                  until: 'false'
                  rungs:
                    - name: low
                      steps:
                        - id: reduce
                          do: scopes.reduce
                          with: { subject: "${inputs.account}", keep: [] }
                          hold: { for: 1h, then: keep }
                    - name: high
                      steps:
                        - id: stop
                          do: account.suspend
                          with: { account: "${inputs.account}" }
                          hold: { for: 1h, then: keep }

            """)
        let told = words(Forecast.of(drive.run, drive.definition, at: drive.now))
        #expect(told.contains("reduce act") && told.contains("stop act"))
        #expect(told.last == "ends completed")
    }
}
