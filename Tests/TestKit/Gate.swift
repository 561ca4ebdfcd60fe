// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Holds threads and tasks until it is opened, once and for ever.
package final class Gate: Sendable {
    private let isOpen = Mutex(false)
    private let waiters = Mutex<[CheckedContinuation<Void, Never>]>([])
    /// Becomes readable for ever when the gate opens.
    private let reading: Int32
    private let writing: Int32

    package init() {
        var ends: [Int32] = [-1, -1]
        // A pair of sockets, because it can be made so that no child inherits it.
        let code = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        precondition(code == 0, "no sockets for a gate: \(String(cString: strerror(errno)))")
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    package func open() {
        let isFirst = isOpen.withLock { isOpen in
            defer { isOpen = true }
            return !isOpen
        }
        guard isFirst else { return }
        var byte: UInt8 = 1
        _ = Glibc.write(writing, &byte, 1)
        let released = waiters.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in released { waiter.resume() }
    }

    /// Blocks this thread; not for tasks.
    package func wait() { _ = wait(milliseconds: -1) }

    /// Blocks this thread at most so long, negative: without end. Returns whether the gate is open.
    @discardableResult
    package func wait(milliseconds: Int) -> Bool {
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        while true {
            let count = poll(&entry, 1, Int32(clamping: milliseconds))
            if count < 0 && errno == EINTR { continue }
            return count > 0
        }
    }

    package func passed() async {
        await withCheckedContinuation { continuation in
            let mustWait = isOpen.withLock { isOpen in
                if isOpen { return false }
                waiters.withLock { $0.append(continuation) }
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }
}
