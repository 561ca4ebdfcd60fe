// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Testing

@Suite
struct InstantTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", Int64(0)), ("2026-11-23T18:04:05.250Z", 1_795_457_045_250),
        ("2024-02-29T23:59:59.999+00:00", 1_709_251_199_999), ("1969-12-31T23:59:59.001Z", -999),
        ("2020-02-06 00:17:58.432911368Z", 1_580_948_278_432), ("2026-11-23T20:04:05+02:00", 1_795_457_045_000),
    ])
    func `an instant reads RFC 3339`(_ text: String, _ milliseconds: Int64) {
        #expect(Instant(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T18:04:05", "2026-11-23T18:04:05.Z", "x",
    ])
    func `what is no instant is refused`(_ text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test func `writing and reading gives the same instant`() {
        var dice = Dice(3)
        for _ in 0..<5000 {
            let instant = Instant(
                milliseconds: Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &dice))
            #expect(Instant(rfc3339: instant.description) == instant)
        }
    }

    @Test func `ids of alerts sort by time and walk back to their alert`() throws {
        let early = AlertID(at: Instant(milliseconds: 1_700_000_000_000), random: (.max, .max))
        let late = AlertID(at: Instant(milliseconds: 1_700_000_000_001), random: (0, 0))
        #expect(early.text < late.text)
        #expect(early.stem.count == 26)
        #expect(early.signal(1).decision.run(1).stem == early.stem)
        #expect(AlertID("run_\(early.stem)") == nil)
        #expect(AlertID("alr_../../etc") == nil)
    }
}
