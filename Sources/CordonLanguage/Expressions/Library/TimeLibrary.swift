// SPDX-License-Identifier: Apache-2.0

/// `getHours()` and its like, of a moment in UTC or in a named zone, or of a duration.
enum TimeLibrary {
    static func part(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        if case .duration(let nanoseconds) = call[0], call.count == 1 {
            return .int(try part(function, call, ofDuration: nanoseconds))
        }
        guard case .timestamp(let time) = call[0] else { throw call.mismatch }
        var seconds = time.seconds
        if call.count == 2 { seconds += try TimeZones.offset(of: try call.string(1), at: time.seconds) }
        let civil = CivilTime(seconds: seconds)
        switch function {
        case .getFullYear: return .int(civil.year)
        case .getMonth: return .int(civil.month - 1)
        case .getDayOfYear: return .int(civil.dayOfYear)
        case .getDayOfMonth: return .int(civil.day - 1)
        case .getDate: return .int(civil.day)
        case .getDayOfWeek: return .int(civil.weekday)
        case .getHours: return .int(civil.hour)
        case .getMinutes: return .int(civil.minute)
        case .getSeconds: return .int(civil.second)
        default: return .int(Int64(time.nanoseconds) / 1_000_000)
        }
    }

    private static func part(_ function: Builtin, _ call: Call, ofDuration nanoseconds: Int64) throws(Fault) -> Int64 {
        switch function {
        case .getHours: return nanoseconds / 3_600_000_000_000
        case .getMinutes: return nanoseconds / 60_000_000_000
        case .getSeconds: return nanoseconds / 1_000_000_000
        // The thousandths within the second, not the whole in milliseconds.
        case .getMilliseconds: return nanoseconds % 1_000_000_000 / 1_000_000
        default: throw call.mismatch
        }
    }
}
