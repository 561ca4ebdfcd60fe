// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The port that a server came to listen on, once it does. Kept or broken once; what comes later changes nothing.
final class PortPromise: Sendable {
    private enum State {
        case open(waiters: [Int: CheckedContinuation<Result<Int, ServerError>, Never>], next: Int)
        case settled(Result<Int, ServerError>)
    }

    private let state = Mutex(State.open(waiters: [:], next: 0))

    func keep(_ port: Int) { settle(.success(port)) }
    func `break`(_ reason: ServerError) { settle(.failure(reason)) }

    private func settle(_ result: Result<Int, ServerError>) {
        let waiters = state.withLock { state -> [CheckedContinuation<Result<Int, ServerError>, Never>] in
            guard case .open(let waiters, _) = state else { return [] }
            state = .settled(result)
            return Array(waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }

    /// Waits for it; a cancelled task stops waiting.
    func port() async throws(ServerError) -> Int {
        let ticket = state.withLock { state -> Int in
            guard case .open(let waiters, let next) = state else { return 0 }
            state = .open(waiters: waiters, next: next + 1)
            return next
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in wait(ticket, continuation) }
        } onCancel: {
            giveUp(ticket)
        }
        return try result.get()
    }

    private func wait(_ ticket: Int, _ continuation: CheckedContinuation<Result<Int, ServerError>, Never>) {
        let settled = state.withLock { state -> Result<Int, ServerError>? in
            switch state {
            case .settled(let result): return result
            case .open(var waiters, let next):
                // The cancellation handler may have run before the continuation was there.
                if Task.isCancelled { return .failure(PortPromise.cancelled) }
                waiters[ticket] = continuation
                state = .open(waiters: waiters, next: next)
                return nil
            }
        }
        if let settled { continuation.resume(returning: settled) }
    }

    private func giveUp(_ ticket: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Result<Int, ServerError>, Never>? in
            guard case .open(var waiters, let next) = state else { return nil }
            let waiter = waiters.removeValue(forKey: ticket)
            state = .open(waiters: waiters, next: next)
            return waiter
        }
        waiter?.resume(returning: .failure(PortPromise.cancelled))
    }

    private static let cancelled = ServerError(.notListening, "the wait for the server's port was cancelled")
}
