// SPDX-License-Identifier: Apache-2.0

/// A moment between the years 1 and 9999, exact to the nanosecond, on the clock of UTC without leap seconds.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    package let seconds: Int64
    /// 0 to 999,999,999, always counted forward.
    package let nanoseconds: Int32

    static let secondsMin: Int64 = -62_135_596_800
    static let secondsMax: Int64 = 253_402_300_799
    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    init(seconds: Int64, nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Nil outside the years 1 to 9999 or when the nanoseconds are no part of a second.
    package init?(secondsSince1970 seconds: Int64, nanoseconds: Int32 = 0) {
        guard (Self.secondsMin...Self.secondsMax).contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else {
            return nil
        }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    func adding(_ span: Int64) throws(Fault) -> Timestamp {
        var whole = seconds + span / Self.nanosecondsPerSecond
        var part = Int64(nanoseconds) + span % Self.nanosecondsPerSecond
        if part < 0 {
            part += Self.nanosecondsPerSecond
            whole -= 1
        } else if part >= Self.nanosecondsPerSecond {
            part -= Self.nanosecondsPerSecond
            whole += 1
        }
        guard let time = Timestamp(secondsSince1970: whole, nanoseconds: Int32(part)) else {
            throw Fault(.outOfRange, "the timestamp leaves the years 1 to 9999")
        }
        return time
    }

    func nanoseconds(since other: Timestamp) throws(Fault) -> Int64 {
        let (product, isOver) = (seconds - other.seconds).multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
        let (sum, isOverToo) = product.addingReportingOverflow(Int64(nanoseconds) - Int64(other.nanoseconds))
        guard !isOver, !isOverToo else { throw Fault(.outOfRange, "a duration spans at most 292 years") }
        return sum
    }
}

/// A day and time of day as a calendar shows it.
struct CivilTime {
    var year: Int64
    var month: Int64
    var day: Int64
    var hour: Int64
    var minute: Int64
    var second: Int64
    /// Sunday is 0.
    var weekday: Int64
    /// January 1st is 0.
    var dayOfYear: Int64

    private static let secondsPerDay: Int64 = 86_400

    /// `seconds` since 1970 on the clock that is to be shown.
    init(seconds: Int64) {
        let days = Self.floorDivide(seconds, Self.secondsPerDay)
        let rest = seconds - days * Self.secondsPerDay
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = ((days + 4) % 7 + 7) % 7
        // Years that begin in March keep the leap day at the end: H. Hinnant's civil_from_days.
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfMarchYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfMarchYear + 2) / 153
        day = dayOfMarchYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        dayOfYear = days - Self.days(year: year, month: 1, day: 1)
    }

    /// Days since 1970-01-01.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Int(month) - 1]
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : -((-value + by - 1) / by)
    }
}
