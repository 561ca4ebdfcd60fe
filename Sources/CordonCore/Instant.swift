// SPDX-License-Identifier: Apache-2.0

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z. Core never reads a clock: `now` is an input.
package struct Instant: Sendable, Hashable, Comparable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    /// The instant `span` milliseconds later (earlier when negative), held at the ends of the 64-bit range.
    package func adding(milliseconds span: Int64) -> Instant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(span)
        return Instant(milliseconds: overflow ? (span > 0 ? .max : .min) : sum)
    }

    /// Milliseconds from `earlier` to this instant.
    package func since(_ earlier: Instant) -> Int64 { milliseconds &- earlier.milliseconds }
}

extension Instant: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds, `2026-11-24T04:11:17.250Z`.
    package var description: String {
        String(unsafeUninitializedCapacity: 32) { text in
            var at = 0
            write { byte in
                text[at] = byte
                at += 1
            }
            return at
        }
    }

    /// The bytes of the text, one after the other: at most 32, for years that have no more than eleven digits.
    private func write(_ put: (UInt8) -> Void) {
        func digits(_ number: Int64, _ width: Int64) {
            var place: Int64 = 1
            var rest = number.magnitude
            if number < 0 { put(UInt8(ascii: "-")) }
            var count: Int64 = 1
            while count < width || rest / UInt64(place) > 9 {
                place *= 10
                count += 1
            }
            while place > 0 {
                put(UInt8(ascii: "0") + UInt8(rest / UInt64(place)))
                rest %= UInt64(place)
                place /= 10
            }
        }
        let dayMilliseconds: Int64 = 86_400_000
        let days = milliseconds.floorDivided(by: dayMilliseconds)
        let rest = (milliseconds % dayMilliseconds + dayMilliseconds) % dayMilliseconds
        let (year, month, day) = civil(fromDays: days)
        digits(year, 4)
        put(UInt8(ascii: "-"))
        digits(month, 2)
        put(UInt8(ascii: "-"))
        digits(day, 2)
        put(UInt8(ascii: "T"))
        digits(rest / 3_600_000, 2)
        put(UInt8(ascii: ":"))
        digits(rest / 60_000 % 60, 2)
        put(UInt8(ascii: ":"))
        digits(rest / 1000 % 60, 2)
        put(UInt8(ascii: "."))
        digits(rest % 1000, 3)
        put(UInt8(ascii: "Z"))
    }

    /// Reads RFC 3339 (`T` or a blank between date and time, any fraction, `Z` or an offset); digits beyond the
    /// millisecond are dropped. `nil` for anything else.
    package init?(rfc3339 text: String) {
        var scanner = DigitScanner(text)
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
            let day = scanner.digits(2), scanner.skipAny("Tt "), let hour = scanner.digits(2), scanner.skip(":"),
            let minute = scanner.digits(2), scanner.skip(":"), let second = scanner.digits(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        guard let fraction = scanner.fractionMilliseconds(), let offset = scanner.offsetMinutes(), scanner.isAtEnd
        else { return nil }
        let dayNumber = days(fromCivil: year, month, day)
        // The 31st of a short month would be a day of the next.
        guard civil(fromDays: dayNumber).day == day else { return nil }
        let seconds = dayNumber * 86_400 + hour * 3600 + (minute - offset) * 60 + second
        self.init(milliseconds: seconds * 1000 + fraction)
    }
}

extension Instant {
    static let canonicalByteCount = 24

    /// Reads exactly what `description` writes for years of four digits; `nil` for any other spelling.
    init?(canonical text: UnsafeBufferPointer<UInt8>) {
        func number(_ range: Range<Int>) -> Int64? {
            var number: Int64 = 0
            for byte in text[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                number = number * 10 + Int64(byte - 0x30)
            }
            return number
        }
        guard text.count == Instant.canonicalByteCount, text[4] == 0x2D, text[7] == 0x2D, text[10] == 0x54,
            text[13] == 0x3A, text[16] == 0x3A, text[19] == 0x2E, text[23] == 0x5A,
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), let fraction = number(20..<23),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        let dayNumber = days(fromCivil: year, month, day)
        guard civil(fromDays: dayNumber).day == day else { return nil }
        self.init(milliseconds: (dayNumber * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + fraction)
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

/// The proleptic Gregorian date of a day number counted from 1970-01-01; years begin in March inside the
/// arithmetic, so that the leap day is the last day of its year.
private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
}

private func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear.floorDivided(by: 400)
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private struct DigitScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func digits(_ count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let byte = rest.first, (0x30...0x39).contains(byte) else { return nil }
            number = number * 10 + Int64(byte - 0x30)
            rest.removeFirst()
        }
        return number
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, Unicode.Scalar(byte) == character else { return false }
        rest.removeFirst()
        return true
    }

    mutating func skipAny(_ characters: String) -> Bool {
        guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func fractionMilliseconds() -> Int64? {
        guard skip(".") else { return 0 }
        var number: Int64 = 0
        var count = 0
        while let byte = rest.first, (0x30...0x39).contains(byte) {
            if count < 3 { number = number * 10 + Int64(byte - 0x30) }
            count += 1
            rest.removeFirst()
        }
        guard count > 0 else { return nil }
        for _ in min(count, 3)..<3 { number *= 10 }
        return number
    }

    mutating func offsetMinutes() -> Int64? {
        if skipAny("Zz") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
