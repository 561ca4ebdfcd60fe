// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage

/// What was refused of each source since its history last told of it. Whoever sends rubbish causes one line in a window,
/// however much it is.
struct RejectionBook: Sendable {
    struct Window: Sendable, Hashable {
        var from: Instant
        var to: Instant
        var counts: [Rejection: Int]

        var line: Value {
            [
                "from": .string(from.description), "to": .string(to.description),
                "count": .int(Int64(counts.values.reduce(0, +))),
                "reasons": .object(
                    Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, Value.int(Int64($1))) })),
            ]
        }
    }

    private var windows: [String: Window] = [:]
    private var unready: [String: Instant] = [:]

    /// - Returns: whether it is the first of its window, which is worth a line in the log.
    mutating func count(_ rejection: Rejection, of source: String, at now: Instant) -> Bool {
        let isFirst = windows[source] == nil
        windows[source, default: Window(from: now, to: now, counts: [:])].counts[rejection, default: 0] += 1
        windows[source]?.to = now
        return isFirst
    }

    /// Whether it is time to say again that a source is not ready: everybody can ask, signed or not.
    mutating func isToldUnready(_ source: String, at now: Instant) -> Bool {
        let isTold = unready[source].map { (0..<Limits.unreadyToldMilliseconds).contains(now.since($0)) } ?? false
        if !isTold { unready[source] = now }
        return !isTold
    }

    /// Those whose window is over, by source; all of them when the process ends.
    mutating func take(at now: Instant, all: Bool) -> [(source: String, window: Window)] {
        let due = windows.filter { _, window in
            // A clock that was set back ends a window too.
            all || !(0..<Limits.rejectionWindowMilliseconds).contains(now.since(window.from))
        }
        for source in due.keys { windows[source] = nil }
        return due.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// It could not be told: what came since is added to it.
    mutating func giveBack(_ window: Window, of source: String) {
        let since = windows[source]
        windows[source] = Window(
            from: window.from, to: since?.to ?? window.to,
            counts: window.counts.merging(since?.counts ?? [:], uniquingKeysWith: +))
    }
}
