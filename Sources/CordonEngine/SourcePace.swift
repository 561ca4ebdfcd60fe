// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// How fast each source may send: a bucket that fills by time and is emptied by deliveries that are the source's own. Only
/// for senders that send again what was put off; what others send is taken, whatever it costs.
final class SourcePace: Sendable {
    private struct Bucket {
        /// Thousandths of a delivery.
        var filling: Int64
        var at: Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Whether one more is taken now; `rate` is in deliveries a second.
    func admits(_ source: String, rate: Int, burst: Int, at now: Instant) -> Bool {
        let whole = Int64(burst) * 1000
        return buckets.withLock { buckets in
            var bucket = buckets[source] ?? Bucket(filling: whole, at: now)
            // A clock that was set back fills nothing.
            let span = min(max(now.since(bucket.at), 0), Self.spanMillisecondsMax)
            bucket.filling = min(whole, bucket.filling + span * Int64(rate))
            bucket.at = now
            let isTaken = bucket.filling >= 1000
            if isTaken { bucket.filling -= 1000 }
            buckets[source] = bucket
            return isTaken
        }
    }

    /// Longer than any bucket takes to fill.
    private static let spanMillisecondsMax: Int64 = 3_600_000
}
