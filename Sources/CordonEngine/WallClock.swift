// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Glibc

/// Where `now` comes from. Everything that decides takes an `Instant`; only the shell asks a clock.
package protocol WallClock: Sendable {
    var now: Instant { get }
    /// Returns at `instant` or later; earlier only when the task is cancelled.
    func sleep(until instant: Instant) async
}

package struct SystemClock: WallClock {
    package init() {}

    package var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    // Suspends the task; it never blocks a thread.
    package func sleep(until instant: Instant) async {
        while !Task.isCancelled {
            let left = instant.since(now)
            guard left > 0 else { return }
            // At most a second at a time: the wall clock may be set while we sleep.
            do { try await Task.sleep(for: .milliseconds(min(left, 1000))) } catch { return }
        }
    }
}
