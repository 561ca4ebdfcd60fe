// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// Fifty times a second writes 4 KiB and syncs them while something else is measured there: what one sync cost just then
/// stands beside the figure, so that a reader can tell the disk's share of it.
package final class DiskProbe: Sendable {
    private struct State {
        var taken: [Double] = []
        var waiter: CheckedContinuation<Void, Never>?
        var isOver = false
    }

    private static let everyNanoseconds: Int64 = 20_000_000
    private let ends = Atomic(false)
    private let state = Mutex(State())

    package init(in folder: String) throws {
        let file = open(folder + "/disk-probe", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure(description: "no file can be made in \(folder)") }
        Thread { [self] in
            measure(file)
            close(file)
            let waiter = state.withLock { state in
                state.isOver = true
                return state.waiter
            }
            waiter?.resume()
        }.start()
    }

    private func measure(_ file: Int32) {
        let page = [UInt8](repeating: 1, count: 4096)
        while !ends.load(ordering: .relaxed) {
            let beginning = Monotonic.nanoseconds
            guard pwrite(file, page, page.count, 0) == page.count, fdatasync(file) == 0 else { return }
            let end = Monotonic.nanoseconds
            state.withLock { $0.taken.append(Monotonic.milliseconds(end - beginning)) }
            Monotonic.wait(until: end + DiskProbe.everyNanoseconds)
        }
    }

    /// Milliseconds of each sync so far; none follow.
    package func finish() async -> Distribution {
        ends.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiter = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
        return Distribution(state.withLock { $0.taken })
    }
}
