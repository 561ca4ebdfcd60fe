// SPDX-License-Identifier: Apache-2.0

/// `int(x)`, `string(x)` and the like: exact or an error.
enum Conversion {
    static func convert(_ function: Builtin, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        if function != .string, function != .bytes { try budget.scan(call.textBytes) }
        switch function {
        case .int: return .int(try int(call))
        case .uint: return .uint(try uint(call))
        case .double: return .double(try double(call))
        case .bool: return .bool(try bool(call))
        case .string:
            let text = try string(call)
            try budget.scan(text.utf8.count)
            try budget.make(text.utf8.count)
            return .string(text)
        default:
            if case .bytes = call[0] { return call[0] }
            let text = try call.string(0)
            try budget.scan(text.utf8.count)
            try budget.make(text.utf8.count)
            return .bytes(Array(text.utf8))
        }
    }

    private static func int(_ call: Call) throws(Fault) -> Int64 {
        switch call[0] {
        case .int(let number): return number
        case .uint(let number):
            guard let whole = Int64(exactly: number) else { throw outOfRange(call) }
            return whole
        case .double(let number):
            // Both ends are left out: the double next to each has already lost its last bits.
            guard number > -0x1p63, number < 0x1p63 else { throw outOfRange(call) }
            return Int64(number)
        case .string(let text):
            guard let number = Int64(text) else { throw unreadable(call) }
            return number
        case .timestamp(let time): return time.seconds
        case .duration(let nanoseconds): return nanoseconds
        default: throw call.mismatch
        }
    }

    private static func uint(_ call: Call) throws(Fault) -> UInt64 {
        switch call[0] {
        case .uint(let number): return number
        case .int(let number):
            guard let whole = UInt64(exactly: number) else { throw outOfRange(call) }
            return whole
        case .double(let number):
            guard number >= 0, number < 0x1p64 else { throw outOfRange(call) }
            return UInt64(number)
        case .string(let text):
            guard let number = UInt64(text), !text.hasPrefix("+") else { throw unreadable(call) }
            return number
        default: throw call.mismatch
        }
    }

    private static func double(_ call: Call) throws(Fault) -> Double {
        switch call[0] {
        case .double(let number): return number
        case .int(let number): return Double(number)
        case .uint(let number): return Double(number)
        case .string(let text):
            guard let number = Double(text), number.isFinite || !text.utf8.contains(where: { $0 >= 0x30 && $0 <= 0x39 })
            else { throw unreadable(call) }
            return number
        default: throw call.mismatch
        }
    }

    private static func bool(_ call: Call) throws(Fault) -> Bool {
        switch call[0] {
        case .bool(let flag): return flag
        case .string(let text):
            switch text {
            case "1", "t", "T", "true", "TRUE", "True": return true
            case "0", "f", "F", "false", "FALSE", "False": return false
            default: throw unreadable(call)
            }
        default: throw call.mismatch
        }
    }

    static func string(_ call: Call) throws(Fault) -> String {
        switch call[0] {
        case .string(let text): return text
        case .bool(let flag): return "\(flag)"
        case .int(let number): return "\(number)"
        case .uint(let number): return "\(number)"
        case .double(let number): return NumberText.shortest(number)
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Fault(.badConversion, "the bytes are no UTF-8 text")
            }
            return text
        case .timestamp(let time): return time.text
        case .duration(let nanoseconds): return DurationText.text(nanoseconds)
        case .address(let address): return address.text
        case .network(let network): return network.text
        default: throw call.mismatch
        }
    }

    static func time(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        switch (function, call[0]) {
        case (.timestamp, .timestamp), (.duration, .duration): return call[0]
        case (.timestamp, .string(let text)):
            guard let time = Timestamp(text) else { throw unreadable(call) }
            return .timestamp(time)
        case (.timestamp, .int(let seconds)):
            guard let time = Timestamp(secondsSince1970: seconds) else { throw outOfRange(call) }
            return .timestamp(time)
        case (.duration, .string(let text)):
            guard let nanoseconds = DurationText.parse(text) else { throw unreadable(call) }
            return .duration(nanoseconds)
        case (.duration, .int(let nanoseconds)): return .duration(nanoseconds)
        default: throw call.mismatch
        }
    }

    private static func outOfRange(_ call: Call) -> Fault {
        Fault(.outOfRange, "\(call[0].brief) is out of range for \(call.name)")
    }

    private static func unreadable(_ call: Call) -> Fault {
        Fault(.badConversion, "\(call[0].brief) cannot be read as \(call.name)")
    }
}
