// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Reports of how long things took follow from the lines alone.
@Suite struct RunTimesTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(milliseconds: 1_795_000_000_000 + seconds * 1000) }

    private static func call(_ purpose: Call.Purpose, _ effect: EffectClass) -> Call {
        Call(
            number: 1, purpose: purpose, attempt: 1, capability: "tokens.revoke", provider: "login",
            effectClass: effect, arguments: [:],
            seal: Seal(idempotencyKey: "key", requestDigest: "sha256:" + String(repeating: "4e", count: 32)),
            intendedAt: at(0), deadline: at(900))
    }

    private static let lines: [(at: Instant, event: Event)] = [
        (at(12), .callIntended(step: "look", call(.act, .read))),
        (at(14), .stepFinished(step: "look", isVerified: false, note: nil)),
        (at(15), .callIntended(step: "revoke", call(.act, .convergent))),
        (at(20), .stepFinished(step: "revoke", isVerified: true, note: nil)),
        (at(30), .stepFinished(step: "tell", isVerified: false, note: nil)),
        (at(300), .stepFinished(step: "undo:revoke", isVerified: true, note: nil)),
    ]

    private func times(step: String?, within: Int64? = nil, lines: [(at: Instant, event: Event)] = lines) -> RunTimes {
        RunTimes(
            run: "run_A", playbook: "p", subject: "credential:x", occurredAt: Self.at(0), receivedAt: Self.at(10),
            decidedAt: Self.at(11), lines: lines, objective: (step: step, within: within))
    }

    @Test func `each time is counted from where it begins, and what did not happen has none`() {
        let whole = times(step: nil)
        #expect(whole.detect == 10_000)
        #expect(whole.decide == 1000)
        #expect(whole.contain == 10_000, "the first step that changes anything")
        #expect(whole.restore == 280_000)
        #expect(times(step: "tell").contain == 20_000, "the step that the objective names")
        #expect(times(step: "never").contain == nil)
        #expect(times(step: nil, lines: Array(Self.lines.prefix(2))).contain == nil, "reading contains nothing")
        #expect(times(step: nil, lines: Array(Self.lines.prefix(4))).restore == nil)
    }

    @Test func `a run is late when it contained after its objective, and only then`() {
        #expect(!times(step: nil, within: 10_000).isLate)
        #expect(times(step: nil, within: 9_999).isLate)
        #expect(!times(step: "never", within: 1).isLate)
        #expect(!times(step: nil).isLate)
    }

    @Test func `figures are times that were measured`() {
        #expect(TimeSpread([]) == nil)
        #expect(TimeSpread([7])?.value == ["count": 1, "median_ms": 7, "p95_ms": 7, "max_ms": 7])
        let hundred = TimeSpread((1...100).reversed().map { Int64($0) })
        #expect(hundred?.value == ["count": 100, "median_ms": 50, "p95_ms": 95, "max_ms": 100])
        #expect(TimeSpread([1, 2, 3])?.median == 2)
    }

    @Test func `runs are told by their playbook or by whom they are about`() {
        var other = times(step: "tell", within: 1)
        other.playbook = "q"
        let all = [times(step: nil), times(step: "never"), other]
        let rows = TimesReport.rows(all, by: .playbook)
        #expect(rows.map { $0["playbook"] } == ["p", "q"])
        #expect(rows[0]["runs"] == 2)
        #expect(rows[0].at("contain", "count") == 1)
        #expect(rows[0]["not_contained"] == 1)
        #expect(rows[1]["late"] == ["run_A"])
        #expect(TimesReport.rows(all, by: .identity).map { $0["runs"] } == [3])
    }
}
