// SPDX-License-Identifier: Apache-2.0

import CordonCore
import TestKit
import Testing

@Suite struct IdentifierTests {
    @Test func `everything that comes from one alert carries its stem`() {
        let alert = AlertID(at: .start, random: (1, 2))
        #expect(alert.signal(1).text == "sig_\(alert.stem)")
        #expect(alert.signal(3).text == "sig_\(alert.stem)-3")
        #expect(alert.signal(3).decision.text == "dec_\(alert.stem)-3")
        #expect(alert.signal(3).decision.run(1).text == "run_\(alert.stem)-3")
        #expect(alert.signal(3).decision.run(2).text == "run_\(alert.stem)-3.2")
    }

    @Test func `an alert's id is 26 characters of base 32, and every id made is read back`() {
        var random = Seeded(3)
        for _ in 0..<1000 {
            let id = AlertID(
                at: Instant(milliseconds: .random(in: 0...281_474_976_710_655, using: &random)),
                random: (random.next(), UInt16.random(in: 0...UInt16.max, using: &random)))
            #expect(id.stem.count == 26)
            #expect(id.stem.allSatisfy("0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains))
            #expect(AlertID(id.text) == id)
            let run = id.signal(Limits.runsPerAlertMax).decision.run(Limits.runsPerAlertMax)
            #expect(RunID(run.text) == run)
        }
    }

    @Test func `known bits have a known text`() {
        #expect(
            AlertID(at: Instant(milliseconds: 0), random: (0, 0)).text == "alr_" + String(repeating: "0", count: 26))
        #expect(
            AlertID(at: Instant(milliseconds: 281_474_976_710_655), random: (.max, .max)).text
                == "alr_7" + String(repeating: "Z", count: 25))
        #expect(AlertID(at: Instant(milliseconds: 1), random: (0, 1)).text == "alr_00000000010000000000000001")
    }

    @Test func `alert ids sort by time`() {
        var random = Seeded(4)
        var at = Instant(milliseconds: 0)
        var last = AlertID(at: at, random: (.max, .max))
        for _ in 0..<1000 {
            at = at.adding(milliseconds: .random(in: 1...10_000_000_000, using: &random))
            let next = AlertID(at: at, random: (random.next(), 0))
            #expect(last.text < next.text)
            last = next
        }
    }

    @Test(arguments: [
        "", "run", "run_", "RUN_01", "alr_01", "01", " run_01", "run_01 ", "run_0/1", "run_0\\1", "run_0\u{0}1",
        "run_\u{301}01", "run_é", "run_01\n", "run_０１", "run_0_1", "run_0%2f1", "run_'--", "run_<b>", "run_run_01",
        "run_" + String(repeating: "0", count: 65),
    ])
    func `hostile text is no id`(text: String) {
        #expect(RunID(text) == nil)
    }

    @Test func `a stem is 1 to 64 letters, digits, dashes and dots`() {
        #expect(RunID("run_" + String(repeating: "0", count: Limits.stemBytesMax)) != nil)
        #expect(RunID("run_aZ9-.2")?.stem == "aZ9-.2")
    }
}
