// SPDX-License-Identifier: Apache-2.0

/// Every function with a body; the raw value is the name that expressions call it by.
enum Builtin: String, Sendable, CaseIterable {
    case size, type, dyn, int, uint, double, bool, string, bytes
    case startsWith, endsWith, contains, matches
    case timestamp, duration
    case getFullYear, getMonth, getDayOfYear, getDayOfMonth, getDate, getDayOfWeek
    case getHours, getMinutes, getSeconds, getMilliseconds
    case charAt, indexOf, lastIndexOf, lowerAscii, upperAscii, trim, reverse, replace, split, substring, join, format
    case quote = "strings.quote"
    case optionalOf = "optional.of"
    case optionalOfNonZero = "optional.ofNonZeroValue"
    case optionalNone = "optional.none"
    case unwrap = "optional.unwrap"
    case unwrapOpt, hasValue, value, first, last
    case greatest = "math.greatest"
    case least = "math.least"
    case ceil = "math.ceil"
    case floor = "math.floor"
    case round = "math.round"
    case trunc = "math.trunc"
    case sqrt = "math.sqrt"
    case abs = "math.abs"
    case sign = "math.sign"
    case isNaN = "math.isNaN"
    case isInf = "math.isInf"
    case isFinite = "math.isFinite"
    case bitAnd = "math.bitAnd"
    case bitOr = "math.bitOr"
    case bitXor = "math.bitXor"
    case bitNot = "math.bitNot"
    case bitShiftLeft = "math.bitShiftLeft"
    case bitShiftRight = "math.bitShiftRight"
    case base64Encode = "base64.encode"
    case base64Decode = "base64.decode"
    case ip, isIP
    case isCanonical = "ip.isCanonical"
    case family, isUnspecified, isLoopback, isGlobalUnicast, isLinkLocalMulticast, isLinkLocalUnicast
    case cidr, isCIDR, containsIP, containsCIDR, masked, prefixLength
}

/// The bodies of the built-in functions; each takes what it takes and refuses the rest.
enum Library {
    static func call(
        _ site: Program.CallSite, _ arguments: [Datum], _ budget: inout Budget
    ) throws(Fault) -> Datum {
        let call = Call(name: site.function.rawValue, arguments: arguments)
        switch site.function {
        case .size: return try size(call, &budget)
        case .type: return .type(arguments[0].typeName)
        case .dyn: return arguments[0]
        case .int, .uint, .double, .bool, .string, .bytes: return try Conversion.convert(site.function, call, &budget)
        case .timestamp, .duration:
            try budget.scan(call.textBytes)
            return try Conversion.time(site.function, call)
        case .startsWith, .endsWith, .contains: return try StringLibrary.search(site.function, call, &budget)
        case .matches: return try StringLibrary.matches(call, site.pattern, &budget)
        case .getFullYear, .getMonth, .getDayOfYear, .getDayOfMonth, .getDate, .getDayOfWeek, .getHours, .getMinutes,
            .getSeconds, .getMilliseconds:
            // A zone that is asked for the first time is read from a file.
            if call.count == 2 { try budget.spend(zoneCost + call.textBytes / 10) }
            return try TimeLibrary.part(site.function, call)
        case .charAt, .indexOf, .lastIndexOf, .lowerAscii, .upperAscii, .trim, .reverse, .replace, .split, .substring,
            .join, .format, .quote:
            return try StringLibrary.call(site.function, call, &budget)
        case .optionalOf, .optionalOfNonZero, .optionalNone, .unwrap, .unwrapOpt, .hasValue, .value, .first, .last:
            return try OptionalLibrary.call(site.function, call, &budget)
        case .greatest, .least, .ceil, .floor, .round, .trunc, .sqrt, .abs, .sign, .isNaN, .isInf, .isFinite, .bitAnd,
            .bitOr, .bitXor, .bitNot, .bitShiftLeft, .bitShiftRight:
            return try MathLibrary.call(site.function, call, &budget)
        case .base64Encode, .base64Decode: return try base64(site.function, call, &budget)
        case .ip, .isIP, .isCanonical, .family, .isUnspecified, .isLoopback, .isGlobalUnicast, .isLinkLocalMulticast,
            .isLinkLocalUnicast, .cidr, .isCIDR, .containsIP, .containsCIDR, .masked, .prefixLength:
            try budget.scan(call.textBytes)
            return try NetworkLibrary.call(site.function, call)
        }
    }

    private static let zoneCost = 20

    private static func size(_ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        switch call[0] {
        case .string(let text):
            try budget.scan(text.utf8.count)
            return .int(Int64(text.unicodeScalars.count))
        case .bytes(let bytes): return .int(Int64(bytes.count))
        default:
            guard let count = call[0].count else { throw call.mismatch }
            return .int(Int64(count))
        }
    }

    private static func base64(
        _ function: Builtin, _ call: Call, _ budget: inout Budget
    ) throws(Fault) -> Datum {
        switch (function, call[0]) {
        case (.base64Encode, .bytes(let bytes)):
            try budget.scan(bytes.count)
            try budget.make(bytes.count * 4 / 3 + 4)
            return .string(Base64.encode(bytes))
        case (.base64Decode, .string(let text)):
            try budget.scan(text.utf8.count)
            try budget.make(text.utf8.count)
            guard let bytes = Base64.decode(text) else {
                throw Fault(.badConversion, "\(call[0].brief) is no base64 text")
            }
            return .bytes(bytes)
        default: throw call.mismatch
        }
    }
}

/// The arguments of one call, and the fault of arguments that do not fit.
struct Call {
    let name: String
    let arguments: [Datum]

    subscript(_ index: Int) -> Datum { arguments[index] }
    var count: Int { arguments.count }

    var mismatch: Fault {
        let types = arguments.map(\.typeName).joined(separator: ", ")
        return Fault(.noSuchOverload, "'\(name)' does not take (\(types))")
    }

    func string(_ index: Int) throws(Fault) -> String {
        guard case .string(let text) = arguments[index] else { throw mismatch }
        return text
    }

    /// Bytes of all arguments that are text: a long needle is work as much as a long hay.
    var textBytes: Int {
        arguments.reduce(0) { sum, argument in
            if case .string(let text) = argument { sum + text.utf8.count } else { sum }
        }
    }

    func int(_ index: Int) throws(Fault) -> Int {
        guard case .int(let number) = arguments[index] else { throw mismatch }
        return Int(number)
    }
}
