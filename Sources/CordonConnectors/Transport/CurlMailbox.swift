// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc
import Synchronization

enum CurlCommand: Sendable {
    case start(CurlOrder)
    case cancel(UInt64)
    case stop(CheckedContinuation<Void, Never>?)
}

/// The only way to the loop's thread. The descriptor is written only when the loop sleeps, so that a busy loop costs
/// its callers no system call.
final class CurlMailbox: Sendable {
    private struct State {
        var commands: [CurlCommand] = []
        var isAsleep = false
        var isClosed = false
    }

    private let state = Mutex(State())
    let wakeDescriptor: Int32

    init() throws(Fault) {
        wakeDescriptor = ccurl_eventfd_create()
        if wakeDescriptor < 0 { throw .system("eventfd") }
    }

    deinit { Glibc.close(wakeDescriptor) }

    /// False when the loop has ended: the command is dropped, and its continuation stays with the caller.
    @discardableResult
    func post(_ command: CurlCommand) -> Bool {
        let (isAccepted, mustWake) = state.withLock { state in
            if state.isClosed { return (false, false) }
            state.commands.append(command)
            defer { state.isAsleep = false }
            return (true, state.isAsleep)
        }
        if mustWake { eventfd_write(wakeDescriptor, 1) }
        return isAccepted
    }

    /// Swaps the commands into `commands`, which must be empty. When there are none, the loop counts as asleep from
    /// now on, and the next command wakes it.
    func take(into commands: inout [CurlCommand]) {
        state.withLock { state in
            swap(&state.commands, &commands)
            state.isAsleep = commands.isEmpty
        }
    }

    /// Accepts nothing from now on; returns what was still there.
    func shut() -> [CurlCommand] {
        state.withLock { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
    }

    func drainWake() {
        var count: eventfd_t = 0
        eventfd_read(wakeDescriptor, &count)
    }
}

extension Fault {
    static func system(_ call: String) -> Fault {
        Fault(kind: .other, number: 0, reason: "\(call) failed: \(String(cString: strerror(errno)))")
    }
}
