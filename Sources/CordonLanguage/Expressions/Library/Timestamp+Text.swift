// SPDX-License-Identifier: Apache-2.0

extension Timestamp {
    /// RFC 3339: `2026-02-13T23:31:30.5+01:00`; nil for anything else.
    package init?(_ text: String) {
        var reader = DigitReader(text)
        guard let year = reader.digits(4), reader.take("-"), let month = reader.digits(2), reader.take("-"),
            let day = reader.digits(2), reader.take("T") || reader.take("t"),
            let hour = reader.digits(2), reader.take(":"), let minute = reader.digits(2), reader.take(":"),
            let second = reader.digits(2)
        else { return nil }
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...CivilTime.daysInMonth(year, month)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        guard let nanoseconds = reader.fraction(), let offset = reader.offset(), reader.isAtEnd else { return nil }
        let days = CivilTime.days(year: year, month: month, day: day)
        self.init(
            secondsSince1970: days * 86_400 + hour * 3600 + minute * 60 + second - offset,
            nanoseconds: Int32(nanoseconds))
    }

    /// RFC 3339 in UTC, with as many digits of the second as there are.
    package var text: String {
        let civil = CivilTime(seconds: seconds)
        let date = "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
        let time = "\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
        return "\(date)T\(time)\(DurationText.fraction(Int64(nanoseconds)))Z"
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }
}

/// Reads fixed numbers of digits.
struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == scalar.value else { return false }
        position += 1
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var number: Int64 = 0
        for byte in bytes[position..<(position + count)] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int64(byte - 0x30)
        }
        position += count
        return number
    }

    /// Nanoseconds after a dot; 0 without one, nil for a dot without digits. Digits beyond nine are dropped.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        var number: Int64 = 0
        var count = 0
        while let digit = digits(1) {
            if count < 9 { number = number * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in 0..<max(9 - count, 0) { number *= 10 }
        return number
    }

    /// Seconds east of UTC: `Z`, `+01:00`, `-02:30`.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+") else { return nil }
        return hoursAndMinutes().map { isWest ? -$0 : $0 }
    }

    mutating func hoursAndMinutes() -> Int64? {
        guard let hour = digits(2), take(":"), let minute = digits(2), hour < 24, minute < 60 else { return nil }
        return hour * 3600 + minute * 60
    }
}
