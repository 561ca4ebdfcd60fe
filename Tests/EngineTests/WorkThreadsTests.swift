// SPDX-License-Identifier: Apache-2.0

import CordonEngine
import Dispatch
import Glibc
import Testing

/// The threads on which the engine works when a server runs it.
struct WorkThreadsTests {
    private static func niceness() -> Int32 { getpriority(Int32(PRIO_PROCESS.rawValue), 0) }

    /// Not of an actor, so that it runs where the task prefers to.
    private static func nicenessThere() async -> Int32 { niceness() }

    @Test func `what works there yields to what answers`() async {
        let threads = WorkThreads()
        let own = Self.niceness()
        let there = await withTaskExecutorPreference(threads) { await Self.nicenessThere() }
        #expect(there == min(own + WorkThreads.niceness, 19))
        #expect(Self.niceness() == own, "only those threads")
    }

    @Test func `every job comes to its turn, whoever wakes it`() async {
        let sum = await withTaskExecutorPreference(WorkThreads()) {
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<2000 {
                    group.addTask {
                        await Task.yield()
                        // Woken from a thread of another kind.
                        await withCheckedContinuation { continuation in
                            DispatchQueue.global().async { continuation.resume() }
                        }
                        return Self.niceness() > 0 ? number : 0
                    }
                }
                return await group.reduce(0, +)
            }
        }
        #expect(sum == 1_999_000)
    }
}
