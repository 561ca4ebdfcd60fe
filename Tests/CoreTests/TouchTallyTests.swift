// SPDX-License-Identifier: Apache-2.0

import CordonCore
import TestKit
import Testing

/// Counting touched identities without looking at each of them.
struct TouchTallyTests {
    private static func touch(_ dice: inout Seeded, around now: Int64) -> Touch {
        Touch(
            subject: "s\(dice.below(12))", playbook: dice.pick(["p", "q"]),
            kind: dice.pick([.credential, .serviceAccount]), provider: dice.pick(["x", "y"]),
            owner: dice.pick(["red", "blue", nil]), at: Instant(milliseconds: now - Int64(dice.below(7_200_000))))
    }

    private static let scopes: [Touch.Scope] = [
        .all, .playbook("p"), .playbook("none"), .provider("x"), .owner("red"), .kind(.credential),
    ]

    /// Looks at each of them.
    private static func counted(
        _ standing: Standing, _ scope: Touch.Scope, _ beside: Set<String>, _ now: Instant
    ) -> Int {
        Set(standing.touched(at: now).filter { $0.isIn(scope) }.map(\.subject)).subtracting(beside).count
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `the count is that of all that are there, whatever came and went`(_ seed: UInt64) {
        var dice = Seeded(seed)
        var standing = Standing()
        var now: Int64 = 1_795_000_000_000
        for _ in 0..<300 {
            now += Int64(dice.below(60_000))
            let at = Instant(milliseconds: now)
            let touch = Self.touch(&dice, around: now)
            switch dice.below(10) {
            case 0:
                var marks = GuardMarks(at: at)
                marks.reservations = standing.touched(at: at).prefix(2).map { Reservation(touch: $0, bounds: []) }
                standing.remove(marks)
            case 1: standing.forget(before: at)
            default: standing.add(touch)
            }
            for scope in Self.scopes {
                for beside in [[], [touch.subject], ["s0", "s1", "nobody"]] as [Set<String>] {
                    #expect(
                        standing.count(in: scope, beside: beside, at: at)
                            == Self.counted(standing, scope, beside, at))
                }
            }
        }
    }

    @Test func `the same touches in another order stand the same`() {
        var dice = Seeded(7)
        let touches = (0..<200).map { number in
            var touch = Self.touch(&dice, around: 1_795_000_000_000)
            touch.subject += "-\(number)"
            return touch
        }
        var (first, second) = (Standing(), Standing())
        for touch in touches { first.add(touch) }
        for touch in touches.reversed() { second.add(touch) }
        #expect(first == second)
    }
}
