// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A bounded queue between tasks, which never wait at it, and threads, which do.
///
/// `@unchecked Sendable`: all state is read and written under `condition`.
final class Mailbox<Item: Sendable>: @unchecked Sendable {
    enum Receipt { case taken, full, closed }
    enum Delivery {
        case items([Item])
        /// Nothing came for as long as was said.
        case quiet
        /// Closed, and all that was in it is delivered.
        case closed
    }

    private let condition = NSCondition()
    private let bound: Int
    private var items: [Item] = []
    private var waiting = 0
    private var isClosed = false

    init(bound: Int) { self.bound = bound }

    func post(_ item: Item) -> Receipt {
        condition.lock()
        defer { condition.unlock() }
        if isClosed { return .closed }
        if items.count >= bound { return .full }
        items.append(item)
        // A thread at work looks again by itself when it is done: only a sleeping one costs a system call.
        if waiting > 0 { condition.signal() }
        return .taken
    }

    /// Closes for new items; those that are in it are still delivered.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    /// The next items in order: as many as are there, at most `count`, and after the first none that would bring
    /// their weight over `weight`.
    func take(
        upTo count: Int, weighing weight: Int = .max, each: (Item) -> Int = { _ in 0 }, quietAfterMilliseconds: Int?
    ) -> Delivery {
        condition.lock()
        defer { condition.unlock() }
        let quietAt = quietAfterMilliseconds.map { Date(timeIntervalSinceNow: Double($0) / 1000) }
        while items.isEmpty {
            if isClosed { return .closed }
            waiting += 1
            defer { waiting -= 1 }
            if let quietAt {
                if !condition.wait(until: quietAt), items.isEmpty { return isClosed ? .closed : .quiet }
            } else {
                condition.wait()
            }
        }
        var taken = 1
        var sum = each(items[0])
        while taken < min(count, items.count) {
            sum += each(items[taken])
            if sum > weight { break }
            taken += 1
        }
        let first = Array(items[..<taken])
        items.removeFirst(taken)
        return .items(first)
    }
}

/// Ends once; whoever waits for the end is told.
final class Ending: Sendable {
    private let state = Mutex<(isOver: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func come() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
    }
}
