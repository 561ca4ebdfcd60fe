// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// Times as sources write them.
enum Moment {
    /// RFC 3339, the same with a blank for `T`, without a zone (then it is UTC) or with `UTC` behind it, or a number since
    /// 1970 in a unit that its size tells. `nil` also for the years 1 and 1970, which sources write for "none".
    static func instant(_ value: Value) -> Instant? {
        let found: Instant? =
            switch value {
            case .int(let number): instant(number)
            case .double(let seconds) where seconds.magnitude < 1e11: Instant(milliseconds: Int64(seconds * 1000))
            case .double(let number) where number.magnitude < 9e18: instant(Int64(number))
            case .string(let text): instant(text)
            case .null, .bool, .double, .array, .object: nil
            }
        guard let found, found.milliseconds >= firstYear else { return nil }
        return found
    }

    private static let firstYear: Int64 = 365 * 24 * 3600 * 1000

    /// Seconds, milliseconds, microseconds or nanoseconds: up to the year 5138 each has lengths of its own.
    private static func instant(_ number: Int64) -> Instant? {
        switch number {
        case ..<0: nil
        case ..<100_000_000_000: Instant(milliseconds: number * 1000)
        case ..<100_000_000_000_000: Instant(milliseconds: number)
        case ..<100_000_000_000_000_000: Instant(milliseconds: number / 1000)
        default: Instant(milliseconds: number / 1_000_000)
        }
    }

    private static func instant(_ text: String) -> Instant? {
        if let instant = Instant(rfc3339: text) { return instant }
        if let number = Int64(text) { return instant(number) }
        if let number = Double(text), number.isFinite { return instant(.double(number)) }
        var bare = Substring(text)
        for suffix in [" (UTC)", " UTC"] where bare.hasSuffix(suffix) { bare = bare.dropLast(suffix.count) }
        return Instant(rfc3339: bare + "Z")
    }
}
