// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
import Synchronization

/// How the receivers of security events stand, as far as this process knows; the store knows what waits for them.
final class ReceiverDesk: Sendable {
    private let standings = Mutex<[String: ReceiverStanding]>([:])

    subscript(_ id: String) -> ReceiverStanding { standings.withLock { $0[id] ?? ReceiverStanding() } }

    func change(_ id: String, _ change: (inout ReceiverStanding) -> Void) {
        standings.withLock { change(&$0[id, default: ReceiverStanding()]) }
    }
}

/// How one receiver stands.
package struct ReceiverStanding: Sendable, Hashable {
    /// SSF 1.0 §8.1.2. A stream that is not wanted any more is taken out of connections.yaml.
    package enum Status: String, Sendable, Hashable, CaseIterable { case enabled, paused }

    package var status = Status.enabled
    package var reason: String?
    package var waiting = 0
    package var delivered = 0
    package var givenUp = 0
    package var lastDeliveredAt: Instant?
    /// Why nothing can be brought to it now, since when, and after how many tries.
    package var problem: String?
    package var failingSince: Instant?
    /// Those that were never to go out, because too many waited, and of which no line tells yet.
    var leftOut = 0
    var tries = 0
    var nextTryAt = Instant(milliseconds: 0)
    /// People were told of this failure.
    var isTold = false
    var verifiedAt: Instant?

    package var value: Value {
        [
            "status": .string(status.rawValue), "reason": reason.map(Value.string) ?? .null,
            "waiting": .int(Int64(waiting)), "delivered": .int(Int64(delivered)), "given_up": .int(Int64(givenUp)),
            "last_delivered_at": lastDeliveredAt.map { .string($0.description) } ?? .null,
            "problem": problem.map(Value.string) ?? .null,
            "failing_since": failingSince.map { .string($0.description) } ?? .null,
        ]
    }

    mutating func failed(_ reason: String, waitMilliseconds wait: Int64?, at now: Instant) {
        problem = reason
        failingSince = failingSince ?? now
        let backOff = min(
            Limits.eventRetryMillisecondsFirst << Int64(min(tries, 10)), Limits.eventRetryMillisecondsMax)
        tries += 1
        nextTryAt = now.adding(milliseconds: max(backOff, wait ?? 0))
    }

    mutating func succeeded() {
        problem = nil
        failingSince = nil
        tries = 0
        nextTryAt = Instant(milliseconds: 0)
        isTold = false
    }
}
