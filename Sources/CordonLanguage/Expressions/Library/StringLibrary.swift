// SPDX-License-Identifier: Apache-2.0

/// Functions on text. Places and lengths count code points; letters change case only in ASCII.
enum StringLibrary {
    typealias Scalars = [Unicode.Scalar]

    static func call(_ function: Builtin, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        switch function {
        case .format: return try StringFormat.format(call, &budget)
        case .join: return try join(call, &budget)
        default: break
        }
        let text = try call.string(0)
        try budget.scan(call.textBytes)
        switch function {
        case .charAt: return try charAt(text, call)
        case .indexOf: return try indexOf(text, call)
        case .lastIndexOf: return try lastIndexOf(text, call)
        case .substring: return try substring(text, call, &budget)
        case .replace: return try replace(text, call, &budget)
        case .split: return try split(text, call, &budget)
        default:
            try budget.make(text.utf8.count)
            return try reshaped(function, text, call, &budget)
        }
    }

    private static func reshaped(
        _ function: Builtin, _ text: String, _ call: Call, _ budget: inout Budget
    ) throws(Fault) -> Datum {
        switch function {
        case .lowerAscii: return .string(mapASCII(text) { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 })
        case .upperAscii: return .string(mapASCII(text) { $0 >= 0x61 && $0 <= 0x7A ? $0 - 32 : $0 })
        case .reverse: return .string(string(text.unicodeScalars.reversed()))
        case .trim: return .string(trim(text))
        case .quote:
            try budget.make(text.utf8.count)
            return .string(quote(text))
        default: throw call.mismatch
        }
    }

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var out = String.UnicodeScalarView()
        out.append(contentsOf: scalars)
        return String(out)
    }

    private static func mapASCII(_ text: String, _ change: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map(change), as: UTF8.self)
    }

    static func search(_ function: Builtin, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        let text = try call.string(0)
        let part = try call.string(1)
        switch function {
        case .startsWith:
            try budget.scan(part.utf8.count)
            return .bool(text.hasExactPrefix(part))
        case .endsWith:
            try budget.scan(part.utf8.count)
            return .bool(text.hasExactSuffix(part))
        default:
            try budget.scan(text.utf8.count + part.utf8.count)
            return .bool(text.containsExactly(part))
        }
    }

    static func matches(_ call: Call, _ known: Pattern?, _ budget: inout Budget) throws(Fault) -> Datum {
        let text = try call.string(0)
        let source = try call.string(1)
        let pattern: Pattern
        if let known {
            pattern = known
        } else {
            pattern = try compiled(source, &budget)
        }
        // A tenth of a unit for each byte, a quarter for each instruction, the two multiplied.
        let (product, isOver) = (text.utf8.count / 10 + 1).multipliedReportingOverflow(by: pattern.size / 4 + 1)
        try budget.spend(isOver ? Int.max : product)
        return .bool(pattern.matches(text))
    }

    /// A pattern that only now is known. It is paid for before and after: one that does not compile is work, too.
    private static func compiled(_ source: String, _ budget: inout Budget) throws(Fault) -> Pattern {
        try budget.spend(source.utf8.count)
        let pattern: Pattern
        do throws(PatternSlip) {
            pattern = try Pattern(source, instructionsMax: budget.patternInstructionsMax)
        } catch {
            if error.isTooLarge { try budget.spend(budget.patternInstructionsMax) }
            throw Fault(.badPattern, error.message)
        }
        try budget.spend(pattern.size)
        return pattern
    }

    private static func outOfRange(_ place: Int) -> Fault {
        Fault(.indexOutOfRange, "the index \(place) is out of range")
    }

    private static func charAt(_ text: String, _ call: Call) throws(Fault) -> Datum {
        let scalars = Array(text.unicodeScalars)
        let place = try call.int(1)
        guard place >= 0, place <= scalars.count else { throw outOfRange(place) }
        return .string(place == scalars.count ? "" : String(scalars[place]))
    }

    private static func indexOf(_ text: String, _ call: Call) throws(Fault) -> Datum {
        let part = Array(try call.string(1).unicodeScalars)
        let scalars = Array(text.unicodeScalars)
        let start = call.count > 2 ? try call.int(2) : 0
        guard start >= 0, start <= scalars.count else { throw outOfRange(start) }
        return .int(Int64(ScalarSearch(part).first(in: scalars, from: start) ?? -1))
    }

    /// The last place at or before the given one where the part begins.
    private static func lastIndexOf(_ text: String, _ call: Call) throws(Fault) -> Datum {
        let part = Array(try call.string(1).unicodeScalars)
        let scalars = Array(text.unicodeScalars)
        let latest = call.count > 2 ? try call.int(2) : scalars.count
        guard latest >= 0, latest <= scalars.count else { throw outOfRange(latest) }
        let end = min(latest + part.count, scalars.count)
        let found = ScalarSearch(part.reversed()).first(in: scalars[..<end].reversed(), from: 0)
        return .int(Int64(found.map { end - $0 - part.count } ?? -1))
    }

    private static func substring(_ text: String, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        let scalars = Array(text.unicodeScalars)
        let start = try call.int(1)
        let end = call.count > 2 ? try call.int(2) : scalars.count
        guard start >= 0, start <= scalars.count else { throw outOfRange(start) }
        guard end >= 0, end <= scalars.count else { throw outOfRange(end) }
        guard start <= end else {
            throw Fault(.indexOutOfRange, "the end \(end) lies before the start \(start)")
        }
        let part = string(scalars[start..<end])
        try budget.make(part.utf8.count)
        return .string(part)
    }

    private static func trim(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    private static func quote(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        out.append("\"")
        for scalar in text.unicodeScalars {
            let escaped: Unicode.Scalar? =
                switch scalar {
                case "\u{07}": "a"
                case "\u{08}": "b"
                case "\u{0C}": "f"
                case "\n": "n"
                case "\r": "r"
                case "\t": "t"
                case "\u{0B}": "v"
                case "\\", "\"": scalar
                default: nil
                }
            if escaped != nil { out.append("\\") }
            out.append(escaped ?? scalar)
        }
        out.append("\"")
        return String(out)
    }
}

/// Finds code points in code points in linear time: Knuth, Morris and Pratt.
struct ScalarSearch {
    private let needle: [Unicode.Scalar]
    private let table: [Int]

    init(_ needle: [Unicode.Scalar]) {
        self.needle = needle
        var table = [Int](repeating: 0, count: needle.count)
        var length = 0
        for index in needle.indices.dropFirst() {
            while length > 0, needle[length] != needle[index] { length = table[length - 1] }
            if needle[length] == needle[index] { length += 1 }
            table[index] = length
        }
        self.table = table
    }

    func first(in hay: [Unicode.Scalar], from start: Int) -> Int? {
        if needle.isEmpty { return start }
        var matched = 0
        for index in start..<max(hay.count, start) {
            while matched > 0, needle[matched] != hay[index] { matched = table[matched - 1] }
            if needle[matched] == hay[index] { matched += 1 }
            if matched == needle.count { return index - needle.count + 1 }
        }
        return nil
    }
}
