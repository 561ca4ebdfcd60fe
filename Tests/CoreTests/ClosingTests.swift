// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What a source closes, for decisions and for runs.
@Suite struct ClosingTests {
    private static let alert = AlertID(stem: "09")
    private static func at(_ minutes: Int64) -> Instant { Instant(milliseconds: 1_700_000_000_000 + minutes * 60_000) }
    private static let closing = Closing(
        source: "s", key: "k", asOf: at(10), alert: alert, receivedAt: at(11))

    private func decision(_ verdict: Decision.Verdict = .enforce) -> Decision {
        let pin = Run.Pin(name: "p", digest: "sha256:p")
        let match = Decision.Match(
            playbook: pin, workflow: pin, verdict: verdict,
            reasons: [Decision.Reason(guardName: "mode", verdict: verdict, because: "so")],
            resolution: .missing("nobody"), run: RunID(stem: "01"))
        return Decision(
            id: DecisionID(stem: "01"), signal: SignalID(stem: "01"), alert: AlertID(stem: "01"), at: Self.at(20),
            verdict: verdict, matches: [match], playbooksAsked: 1, inventoryDigest: "sha256:i")
    }

    private func signal(_ about: Matter?) -> Signal {
        Signal(
            id: SignalID(stem: "01"), alert: AlertID(stem: "01"), source: "s", kind: "notice.given",
            receivedAt: Self.at(12), occurredAt: nil, severity: .low, confidence: nil, attributes: [:], about: about)
    }

    @Test func `what is told as of the closing or before is ignored, and what is told as of later is not`() {
        for minutes in [0, 10] as [Int64] {
            let about = Matter(key: "k", asOf: Self.at(minutes))
            let weighed = decision().weighed(against: Self.closing, signal(about))
            #expect(weighed.verdict == .ignore)
            #expect(weighed.matches[0].run == nil)
            #expect(weighed.matches[0].reasons.map(\.guardName) == ["mode", "closed"])
        }
        let later = signal(Matter(key: "k", asOf: Self.at(10).adding(milliseconds: 1)))
        #expect(decision().weighed(against: Self.closing, later) == decision())
        #expect(decision().weighed(against: nil, later) == decision())
        #expect(decision().weighed(against: Self.closing, signal(nil)) == decision())
    }

    @Test(
        arguments: zip(
            [Decision.Verdict.enforce, .propose, .shadow, .deny], [Decision.Verdict.propose, .propose, .shadow, .deny]))
    func `a signal that doesn't say as of when is at most proposed`(
        _ verdict: Decision.Verdict, _ expected: Decision.Verdict
    ) {
        let unsure = signal(Matter(key: "k", asOf: nil))
        #expect(decision(verdict).weighed(against: Self.closing, unsure).verdict == expected)
    }

    @Test func `a signal keeps what it is about`() throws {
        let told = signal(Matter(key: "k", asOf: Self.at(3)))
        #expect(Signal(try JSON.parse(told.value.jsonBytes)) == told)
        #expect(signal(nil).value["about"] == nil)
    }

    @Test func `a run takes a closing of its own signals once for each time, and does nothing by itself`() throws {
        var drive = try Stage.open(
            """
              - id: stop
                do: account.suspend
                with: { account: "${inputs.account}" }
                hold: { for: 4h, then: keep }
            """)
        let own = drive.run.signal
        let before = drive.run
        #expect(throws: Refusal.self) {
            try drive.put(.close(SignalID(stem: "77"), by: Self.alert, asOf: Self.at(1)))
        }
        try drive.put(.close(own, by: Self.alert, asOf: Self.at(1)))
        #expect(drive.last.kinds == ["signalClosed"])
        #expect(drive.run.commands == before.commands)
        #expect(throws: Refusal.self) { try drive.put(.close(own, by: Self.alert, asOf: Self.at(1))) }
        try drive.put(.close(own, by: AlertID(stem: "10"), asOf: Self.at(2)))
        #expect(drive.run.closed == [Run.Closed(signal: own, alert: AlertID(stem: "10"), asOf: Self.at(2))])
        #expect(try Run(drive.run.value) == drive.run)
    }
}
