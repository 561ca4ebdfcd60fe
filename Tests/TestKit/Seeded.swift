// SPDX-License-Identifier: Apache-2.0

/// The same numbers for the same seed, on every machine: SplitMix64 (Steele, Lea and Flood 2014). One number replays a
/// failing test.
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// An independent stream, for a part of the test that must not shift the others.
    package mutating func split() -> Seeded { Seeded(next()) }

    package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    package mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }
    package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
