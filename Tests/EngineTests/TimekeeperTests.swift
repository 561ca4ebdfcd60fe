// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Testing

@testable import CordonEngine

@Suite struct TimekeeperTests {
    private func run(_ number: Int) -> RunID { AlertID(stem: "01").signal(1).decision.run(number) }

    @Test func `of very many that are due the gravest go first, and no more than a tick can bear`() {
        let timers = Timekeeper()
        let now = Installation.start
        for number in 1...400 { timers.note(run(number), due: now.adding(milliseconds: Int64(number - 400)), .low) }
        timers.note(run(500), due: now, .critical)
        timers.note(run(501), due: now.adding(milliseconds: -1), .high)
        timers.note(run(502), due: now.adding(milliseconds: 1), .critical)
        let first = timers.takeDue(at: now, most: 256)
        #expect(first.count == 256)
        #expect(first.prefix(4) == [run(500), run(501), run(1), run(2)])
        let rest = timers.takeDue(at: now, most: 256)
        #expect(rest.count == 146)
        #expect(Set(first).isDisjoint(with: rest))
        #expect(timers.takeDue(at: now, most: 256) == [])
        #expect(timers.earliest == now.adding(milliseconds: 1))
        #expect(timers.takeDue(at: now.adding(milliseconds: 1)) == [run(502)])
    }
}
