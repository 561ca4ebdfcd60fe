// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The one clock of all figures: sending, being called and being answered are read off it in this process.
package enum Monotonic {
    package static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// What this thread has computed so far; what else the machine did meanwhile is not in it.
    package static var threadNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Blocks this thread until then; at once when then is past.
    package static func wait(until then: Int64) {
        var time = timespec(tv_sec: Int(then / 1_000_000_000), tv_nsec: Int(then % 1_000_000_000))
        // Pacing an open loop is the one thing that has no event to wait for.
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    package static func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1_000_000 }
}

/// Runs blocking work on a thread of its own: the shared pool has no thread to spare, and lanes must not share one.
package func onThread<Answer: Sendable>(_ work: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try work() }) }.start()
    }
}

package func pause(milliseconds: Int64) async throws {
    let then = Monotonic.nanoseconds + milliseconds * 1_000_000
    try await onThread { Monotonic.wait(until: then) }
}

/// Why the benchmark could not measure, in a sentence for the person who ran it.
package struct BenchFailure: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}
