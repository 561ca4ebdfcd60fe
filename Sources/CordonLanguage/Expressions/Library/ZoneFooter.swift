// SPDX-License-Identifier: Apache-2.0

/// The rule for all time after a zone's last recorded change, in the notation of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneFooter: Sendable {
    private struct Change: Sendable {
        enum Day: Sendable {
            /// Month 1 to 12, week 1 to 5 (5 is the last), weekday from Sunday 0.
            case weekday(Int64, Int64, Int64)
            /// Day 1 to 365; February 29th is never counted.
            case julian(Int64)
            /// Day 0 to 365.
            case dayOfYear(Int64)
        }

        var day: Day
        /// Seconds after local midnight; may be negative or beyond the day.
        var time: Int64
    }

    private var standard: Int64 = 0
    private var summer: Int64?
    private var begins: Change?
    private var ends: Change?

    /// Nil for an empty or unreadable rule.
    init?(_ text: String) {
        var rest = Substring(text).unicodeScalars
        guard Self.skipName(&rest), let west = Self.time(&rest) else { return nil }
        standard = -west
        guard !rest.isEmpty else { return }
        guard Self.skipName(&rest) else { return nil }
        summer = rest.first == "," ? standard + 3600 : Self.time(&rest).map { -$0 }
        guard summer != nil, let begins = Self.change(&rest), let ends = Self.change(&rest) else { return nil }
        self.begins = begins
        self.ends = ends
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let summer, let begins, let ends else { return standard }
        let year = CivilTime(seconds: seconds + standard).year
        let start = Self.seconds(begins, year) - standard
        let end = Self.seconds(ends, year) - summer
        let isSummer = start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end
        return isSummer ? summer : standard
    }

    private static func seconds(_ change: Change, _ year: Int64) -> Int64 {
        let january = CivilTime.days(year: year, month: 1, day: 1)
        let day: Int64
        switch change.day {
        case .julian(let number):
            let isAfterLeapDay = CivilTime.daysInMonth(year, 2) == 29 && number >= 60
            day = january + number - 1 + (isAfterLeapDay ? 1 : 0)
        case .dayOfYear(let number): day = january + number
        case .weekday(let month, let week, let weekday):
            let first = CivilTime.days(year: year, month: month, day: 1)
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            var date = 1 + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            if date > CivilTime.daysInMonth(year, month) { date -= 7 }
            day = first + date - 1
        }
        return day * 86_400 + change.time
    }

    // MARK: Reading

    private static func skipName(_ rest: inout Substring.UnicodeScalarView) -> Bool {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let before = rest.count
        rest = rest.drop { $0.properties.isAlphabetic }
        return before - rest.count >= 3
    }

    private static func number(_ rest: inout Substring.UnicodeScalarView) -> Int64? {
        var value: Int64?
        while let scalar = rest.first, Lexer.isDigit(scalar), (value ?? 0) < 10_000 {
            value = (value ?? 0) * 10 + Int64(scalar.value - 0x30)
            rest.removeFirst()
        }
        return value
    }

    private static func take(_ scalar: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private static func time(_ rest: inout Substring.UnicodeScalarView) -> Int64? {
        let isNegative = take("-", &rest)
        if !isNegative { _ = take("+", &rest) }
        guard var seconds = number(&rest).map({ $0 * 3600 }) else { return nil }
        for unit: Int64 in [60, 1] where take(":", &rest) {
            guard let part = number(&rest) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private static func change(_ rest: inout Substring.UnicodeScalarView) -> Change? {
        guard take(",", &rest), let day = day(&rest) else { return nil }
        guard take("/", &rest) else { return Change(day: day, time: 7200) }
        return time(&rest).map { Change(day: day, time: $0) }
    }

    private static func day(_ rest: inout Substring.UnicodeScalarView) -> Change.Day? {
        if take("J", &rest) { return number(&rest).map { .julian($0) } }
        guard take("M", &rest) else { return number(&rest).map { .dayOfYear($0) } }
        guard let month = number(&rest), take(".", &rest), let week = number(&rest), take(".", &rest),
            let weekday = number(&rest), (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
        else { return nil }
        return .weekday(month, week, weekday)
    }
}
