// SPDX-License-Identifier: Apache-2.0

extension PatternParser {
    /// Behind a backslash, outside of square brackets.
    mutating func escape() throws(PatternSlip) -> PatternNode {
        guard let scalar = ahead(1) else { throw PatternSlip("a lone \\ ends it", suggestion: "write \\\\") }
        if let set = try escapedClass() { return .set(set) }
        let assertion: PatternAssertion? =
            switch scalar {
            case "A": .textStart
            case "z": .textEnd
            case "b": .wordBoundary
            case "B": .noWordBoundary
            default: nil
            }
        if let assertion {
            position += 2
            return .assertion(assertion)
        }
        if scalar == "E" {
            position += 2
            return .empty
        }
        return literal(try escapedScalar())
    }

    /// `\d`, `\W`, `\p{Lu}` and the like, or nil when something else stands here.
    private mutating func escapedClass() throws(PatternSlip) -> ScalarSet? {
        guard let letter = ahead(1) else { return nil }
        var set = ScalarSet()
        switch letter {
        case "d", "w", "s", "D", "W", "S":
            position += 2
            let ranges =
                letter == "d" || letter == "D"
                ? ScalarSet.digits
                : letter == "w" || letter == "W" ? ScalarSet.words : ScalarSet.spaces
            if letter.properties.isUppercase {
                set.insert(complementOf: ranges)
            } else {
                for range in ranges { set.insert(range) }
            }
        case "p", "P":
            position += 2
            try insertCategory(&set, isNegated: letter == "P")
        default: return nil
        }
        if flags.foldsCase { set.foldCase() }
        set.close()
        return set
    }

    private mutating func insertCategory(_ set: inout ScalarSet, isNegated: Bool) throws(PatternSlip) {
        var isNegated = isNegated
        var name = String.UnicodeScalarView()
        if take("{") {
            if take("^") { isNegated.toggle() }
            while let scalar = here, scalar != "}" {
                name.append(scalar)
                position += 1
            }
            guard take("}") else { throw PatternSlip("\\p{ is not closed") }
        } else if let scalar = here {
            name.append(scalar)
            position += 1
        }
        if let mask = ScalarSet.mask(named: String(name)) {
            set.insert(categories: mask, isNegated: isNegated)
        } else if let script = ScalarSet.script(named: String(name)) {
            if isNegated { set.insert(complementOf: script) } else { script.forEach { set.insert($0) } }
        } else {
            throw PatternSlip(
                "there is no category or script \\p{\(String(name))}",
                suggestion: "write a general category such as \\p{L}, or a script such as \\p{Greek}")
        }
    }

    /// The scalar that an escape stands for.
    private mutating func escapedScalar() throws(PatternSlip) -> Unicode.Scalar {
        position += 1
        guard let scalar = here else { throw PatternSlip("a lone \\ ends it", suggestion: "write \\\\") }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexScalar()
        case "0"..."7":
            if scalar != "0", here.map({ $0 >= "0" && $0 <= "7" }) != true {
                throw PatternSlip("there are no back references such as \\\(scalar)")
            }
            position -= 1
            return try number(radix: 8, digitsMax: 3)
        default:
            guard scalar.isASCII, !Lexer.isNamePart(scalar) else {
                throw PatternSlip("\\\(scalar) is no escape", suggestion: "write \(scalar), or \\\\ for a backslash")
            }
            return scalar
        }
    }

    private mutating func hexScalar() throws(PatternSlip) -> Unicode.Scalar {
        guard take("{") else {
            guard ahead(1) != nil else { throw PatternSlip("\\x needs two digits") }
            return try number(radix: 16, digitsMax: 2)
        }
        let scalar = try number(radix: 16, digitsMax: 8)
        guard take("}") else { throw PatternSlip("\\x{ is not closed") }
        return scalar
    }

    private mutating func number(radix: UInt32, digitsMax: Int) throws(PatternSlip) -> Unicode.Scalar {
        var value: UInt32 = 0
        var digits = 0
        while digits < digitsMax, let digit = here.flatMap(Lexer.hexDigit), digit < radix {
            value = value &* radix &+ digit
            digits += 1
            position += 1
        }
        guard digits > 0, radix == 8 || digitsMax != 2 || digits == 2, let scalar = Unicode.Scalar(value) else {
            throw PatternSlip("an escape by number names no code point")
        }
        return scalar
    }

    // MARK: Square brackets

    mutating func bracket() throws(PatternSlip) -> ScalarSet {
        position += 1
        var set = ScalarSet()
        set.isNegated = take("^")
        var isFirst = true
        while isFirst || here != "]" {
            guard !isAtEnd else { throw PatternSlip("a [ is not closed", suggestion: "write \\[ for a bracket") }
            isFirst = false
            if try insertClass(&set) { continue }
            let low = try bracketScalar()
            guard here == "-", let next = ahead(1), next != "]" else {
                set.insert(low)
                continue
            }
            position += 1
            let high = try bracketScalar()
            guard low <= high else { throw PatternSlip("the range \(low)-\(high) runs backward") }
            set.insert(low.value...high.value)
        }
        position += 1
        if flags.foldsCase { set.foldCase() }
        set.close()
        return set
    }

    private mutating func bracketScalar() throws(PatternSlip) -> Unicode.Scalar {
        guard let scalar = here else { throw PatternSlip("a [ is not closed", suggestion: "write \\[ for a bracket") }
        if scalar == "\\" { return try escapedScalar() }
        position += 1
        return scalar
    }

    /// A named class inside square brackets: `\d`, `[:alpha:]`, `\p{L}`.
    private mutating func insertClass(_ set: inout ScalarSet) throws(PatternSlip) -> Bool {
        if here == "[", ahead(1) == ":" { return try insertPosix(&set) }
        guard here == "\\", let letter = ahead(1) else { return false }
        switch letter {
        case "d", "w", "s":
            for range in letter == "d" ? ScalarSet.digits : (letter == "w" ? ScalarSet.words : ScalarSet.spaces) {
                set.insert(range)
            }
        case "D": set.insert(complementOf: ScalarSet.digits)
        case "W": set.insert(complementOf: ScalarSet.words)
        case "S": set.insert(complementOf: ScalarSet.spaces)
        case "p", "P":
            position += 2
            try insertCategory(&set, isNegated: letter == "P")
            return true
        default: return false
        }
        position += 2
        return true
    }

    private mutating func insertPosix(_ set: inout ScalarSet) throws(PatternSlip) -> Bool {
        let start = position
        position += 2
        let isNegated = take("^")
        var name = String.UnicodeScalarView()
        while let scalar = here, Lexer.isNamePart(scalar) {
            name.append(scalar)
            position += 1
        }
        guard take(":]") else {
            position = start
            return false
        }
        guard let ranges = ScalarSet.posix[String(name)] else {
            throw PatternSlip("there is no class [:\(String(name)):]")
        }
        if isNegated {
            set.insert(complementOf: ranges)
        } else {
            for range in ranges { set.insert(range) }
        }
        return true
    }
}
