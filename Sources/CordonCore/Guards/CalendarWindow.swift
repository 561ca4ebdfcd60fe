// SPDX-License-Identifier: Apache-2.0

/// A time within which something holds, in UTC: once, or every week anew.
package struct CalendarWindow: Sendable, Hashable {
    package enum Span: Sendable, Hashable {
        case once(from: Instant, until: Instant)
        /// On these days (0 is Monday), from a minute of the day until another; one that is not later is of the next day.
        case weekly(days: Set<Int>, from: Int, until: Int)
    }

    package var name: String
    package var span: Span

    package init(name: String, span: Span) {
        self.name = name
        self.span = span
    }

    private static let minutesOfDay: Int64 = 24 * 60

    package static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// When it ends, if it is now.
    package func end(at now: Instant) -> Instant? {
        switch span {
        case .once(let from, let until): return from <= now && now < until ? until : nil
        case .weekly(let days, let from, let until):
            let minute = now.minute
            let today = minute / Self.minutesOfDay
            // One that began yesterday may last until today.
            for day in [today - 1, today] where days.contains(Self.weekday(day)) {
                let length = Int64(until > from ? until - from : until - from + Int(Self.minutesOfDay))
                let begin = day * Self.minutesOfDay + Int64(from)
                guard begin <= minute, minute < begin + length else { continue }
                return Instant(milliseconds: (begin + length) * 60_000)
            }
            return nil
        }
    }

    /// 1970-01-01 was a Thursday.
    private static func weekday(_ day: Int64) -> Int { Int((day + 3) % 7 + 7) % 7 }
}

/// Planned work: what a source says about it meanwhile concerns nobody.
package struct Maintenance: Sendable, Hashable {
    package var window: CalendarWindow
    /// Kinds of signals; empty: all.
    package var signals: Set<String>
    /// Whom the work is about; empty: everybody.
    package var of: [ProtectedEntry]

    package init(window: CalendarWindow, signals: Set<String>, of: [ProtectedEntry]) {
        self.window = window
        self.signals = signals
        self.of = of
    }

    package func explains(_ kind: String, _ subject: Subject) -> Bool {
        (signals.isEmpty || signals.contains(kind)) && (of.isEmpty || of.contains { $0.means(subject) })
    }
}

extension Instant {
    /// Whole minutes since 1970.
    package var minute: Int64 {
        let whole = milliseconds / 60_000
        return milliseconds % 60_000 < 0 ? whole - 1 : whole
    }
}
