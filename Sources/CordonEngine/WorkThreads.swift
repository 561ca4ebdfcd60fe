// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import ServiceLifecycle

/// The threads on which alerts are decided and runs go on. They yield the processor to those on which requests are
/// answered: what waits here is stored already, and whoever asks for a verdict or for a 202 waits at an open connection.
package final class WorkThreads: TaskExecutor {
    /// A third of the share of a thread that answers, where both have work; all of it where those have none.
    package static let niceness: Int32 = 5
    private static let ofThread = Int32(PRIO_PROCESS.rawValue)

    private let line = Line()

    package init() {
        let executor = asUnownedTaskExecutor()
        for _ in 0..<max(2, ProcessInfo.processInfo.activeProcessorCount) {
            let thread = Thread { [line] in
                // Of the calling thread alone. A machine that refuses it works as before, without an order.
                let own = getpriority(Self.ofThread, 0)
                _ = setpriority(Self.ofThread, 0, min(own + Self.niceness, 19))
                while let job = line.take() { job.runSynchronously(on: executor) }
            }
            thread.name = "cordon-work"
            thread.start()
        }
    }

    deinit { line.close() }

    package func enqueue(_ job: consuming ExecutorJob) { line.post(UnownedJob(job)) }
}

/// Jobs in the order in which they came.
///
/// `@unchecked Sendable`: all state is read and written under `condition`.
private final class Line: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    /// How many of them were taken; they are let go of when all were, or half of what is there.
    private var taken = 0
    private var waiting = 0
    private var isClosed = false

    func post(_ job: UnownedJob) {
        condition.lock()
        jobs.append(job)
        // A thread at work looks again by itself: only a sleeping one costs a system call.
        if waiting > 0 { condition.signal() }
        condition.unlock()
    }

    /// Nothing once it is closed.
    func take() -> UnownedJob? {
        condition.lock()
        defer { condition.unlock() }
        while taken == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            taken = 0
            if isClosed { return nil }
            waiting += 1
            condition.wait()
            waiting -= 1
        }
        taken += 1
        let job = jobs[taken - 1]
        // Where work never runs out, what was taken would pile up before what waits.
        if taken >= 1024, taken * 2 >= jobs.count {
            jobs.removeFirst(taken)
            taken = 0
        }
        return job
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}

/// The engine on threads of its own, as a server runs it.
package struct EngineService: Service {
    private let engine: Engine

    package init(_ engine: Engine) { self.engine = engine }

    package func run() async throws {
        let threads = WorkThreads()
        try await withTaskExecutorPreference(threads) { try await engine.run() }
    }
}
