// SPDX-License-Identifier: Apache-2.0

/// `"%s took %.2f s".format([name, seconds])`.
struct StringFormat {
    /// Digits behind the point that a clause may ask for.
    static let placesMax = 400

    private var rest: Substring.UnicodeScalarView
    private let arguments: [Datum]
    private var used = 0
    private var out: [Unicode.Scalar] = []

    static func format(_ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        let text = try call.string(0)
        guard call[1].isList else { throw call.mismatch }
        try budget.scan(text.utf8.count)
        try budget.spend((call[1].count ?? 0) / 10)
        try budget.make(text.utf8.count)
        var format = StringFormat(rest: Substring(text).unicodeScalars, arguments: try call[1].elements())
        try format.run(&budget)
        return .string(StringLibrary.string(format.out))
    }

    private init(rest: Substring.UnicodeScalarView, arguments: [Datum]) {
        self.rest = rest
        self.arguments = arguments
    }

    private mutating func run(_ budget: inout Budget) throws(Fault) {
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                out.append(scalar)
                continue
            }
            guard let next = rest.first else { throw Self.failure("a lone % ends the text; write %%") }
            if next == "%" {
                rest.removeFirst()
                out.append("%")
            } else {
                let text = try clause(&budget)
                try budget.make(text.utf8.count)
                try budget.scan(text.utf8.count)
                out += text.unicodeScalars
            }
        }
    }

    private static func failure(_ message: String) -> Fault { Fault(.badArgument, message) }

    private mutating func clause(_ budget: inout Budget) throws(Fault) -> String {
        let places = try precision()
        guard let letter = rest.popFirst() else { throw Self.failure("a % clause has no letter") }
        guard "sdfexXbo".unicodeScalars.contains(letter) else { throw Self.failure("there is no clause %\(letter)") }
        guard used < arguments.count else {
            throw Self.failure("the text asks for argument \(used + 1) of \(arguments.count)")
        }
        let argument = arguments[used]
        used += 1
        switch letter {
        case "s": return try ValueText.text(argument, &budget)
        case "d": return try decimal(argument)
        case "f", "e":
            guard let number = number(argument) else { throw refused(letter, argument) }
            try budget.spend(Self.digitsCost(number))
            return letter == "f"
                ? NumberText.fixed(number, places: places ?? 6) : NumberText.scientific(number, places: places ?? 6)
        case "b": return try binary(argument)
        case "o": return try radix(argument, 8, letter)
        default: return try hexadecimal(argument, letter)
        }
    }

    /// Exact digits of very large and very small numbers take time with the square of their number.
    private static func digitsCost(_ number: Double) -> Int {
        guard number != 0, number.isFinite else { return 10 }
        let exponent = Int(number.exponent.magnitude)
        return 10 + exponent * exponent / 32
    }

    private mutating func precision() throws(Fault) -> Int? {
        guard rest.first == "." else { return nil }
        rest.removeFirst()
        var places = 0
        var digits = 0
        while let scalar = rest.first, Lexer.isDigit(scalar), places <= Self.placesMax {
            places = places * 10 + Int(scalar.value - 0x30)
            digits += 1
            rest.removeFirst()
        }
        guard digits > 0, places <= Self.placesMax else {
            throw Self.failure("a precision is a number up to \(Self.placesMax)")
        }
        return places
    }

    private func refused(_ letter: Unicode.Scalar, _ argument: Datum) -> Fault {
        Self.failure("%\(letter) does not take \(argument.typeName)")
    }

    private func number(_ argument: Datum) -> Double? {
        switch argument {
        case .double(let number): number
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        default: nil
        }
    }

    private func decimal(_ argument: Datum) throws(Fault) -> String {
        switch argument {
        case .int(let number): return "\(number)"
        case .uint(let number): return "\(number)"
        case .double(let number): return NumberText.shortest(number)
        default: throw refused("d", argument)
        }
    }

    private func binary(_ argument: Datum) throws(Fault) -> String {
        if case .bool(let flag) = argument { return flag ? "1" : "0" }
        return try radix(argument, 2, "b")
    }

    private func radix(_ argument: Datum, _ radix: Int, _ letter: Unicode.Scalar) throws(Fault) -> String {
        switch argument {
        case .int(let number): return String(number, radix: radix, uppercase: letter == "X")
        case .uint(let number): return String(number, radix: radix, uppercase: letter == "X")
        default: throw refused(letter, argument)
        }
    }

    private func hexadecimal(_ argument: Datum, _ letter: Unicode.Scalar) throws(Fault) -> String {
        let bytes: [UInt8]
        switch argument {
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let raw): bytes = raw
        default: return try radix(argument, 16, letter)
        }
        let digits = Array((letter == "X" ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Any value as `%s` shows it; the keys of a map in order.
enum ValueText {
    static func text(_ datum: Datum, _ budget: inout Budget) throws(Fault) -> String {
        switch datum {
        case .null: return "null"
        case .type(let name): return name
        case .optional(let inner):
            guard let inner else { return "optional.none()" }
            return "optional(\(try text(inner, &budget)))"
        case .list, .array:
            var parts: [String] = []
            for element in try datum.elements() { parts.append(try part(element, &budget)) }
            return "[\(parts.joined(separator: ", "))]"
        case .map, .object: return try map(datum, &budget)
        default: return try Conversion.string(Call(name: "format", arguments: [datum]))
        }
    }

    private static func part(_ datum: Datum, _ budget: inout Budget) throws(Fault) -> String {
        let text = try text(datum, &budget)
        try budget.make(text.utf8.count + Budget.elementBytes)
        return text
    }

    private static func map(_ datum: Datum, _ budget: inout Budget) throws(Fault) -> String {
        var parts: [(key: String, value: String)] = []
        for key in datum.keys() {
            parts.append((try part(key, &budget), try part(try datum.value(forKey: key) ?? .null, &budget)))
        }
        parts.sort { $0.key.precedes($1.key) }
        return "{\(parts.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}"
    }
}
