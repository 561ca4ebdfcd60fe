// SPDX-License-Identifier: Apache-2.0

extension Lexer {
    mutating func number() throws(ExpressionErrors) -> Token.Kind {
        let start = position
        if peek() == "0", peek(1) == "x" || peek(1) == "X" { return try hexNumber() }
        skipDigits()
        var isDouble = false
        if peek() == ".", peek(1).map(Self.isDigit) == true {
            isDouble = true
            position += 1
            skipDigits()
        }
        if let mark = peek(), mark == "e" || mark == "E" {
            let sign = peek(1)
            let digit = sign == "+" || sign == "-" ? peek(2) : sign
            guard digit.map(Self.isDigit) == true else {
                throw failure(.badNumber, "the exponent has no digits", from: start, to: position + 1)
            }
            isDouble = true
            position += sign == digit ? 1 : 2
            skipDigits()
        }
        let text = text(from: start)
        if isDouble {
            guard let number = Double(text) else { throw failure(.badNumber, "not a number", from: start) }
            try refuseTail(after: start)
            return .double(number)
        }
        return try integer(text, radix: 10, from: start)
    }

    private mutating func hexNumber() throws(ExpressionErrors) -> Token.Kind {
        let start = position
        position += 2
        let digits = position
        while let scalar = peek(), Self.hexDigit(scalar) != nil { position += 1 }
        return try integer(text(from: digits), radix: 16, from: start)
    }

    private mutating func integer(
        _ digits: String, radix: Int, from start: Int
    ) throws(ExpressionErrors) -> Token.Kind {
        let isUnsigned = peek() == "u" || peek() == "U"
        if isUnsigned { position += 1 }
        try refuseTail(after: start)
        guard let number = UInt64(digits, radix: radix) else {
            throw failure(
                .badNumber, digits.isEmpty ? "0x has no digits" : "the number does not fit 64 bits", from: start)
        }
        return .integer(number, isUnsigned: isUnsigned)
    }

    private mutating func refuseTail(after start: Int) throws(ExpressionErrors) {
        guard let next = peek(), Self.isNamePart(next) else { return }
        while let scalar = peek(), Self.isNamePart(scalar) { position += 1 }
        throw failure(.badNumber, "'\(text(from: start))' is no number", from: start)
    }

    private mutating func skipDigits() {
        while let scalar = peek(), Self.isDigit(scalar) { position += 1 }
    }

    private func text(from start: Int) -> String {
        var out = String.UnicodeScalarView()
        out.append(contentsOf: scalars[start..<position])
        return String(out)
    }

    /// A string or bytes literal with its prefixes (`r`, `b`, in either order and case), or nil when none starts here.
    mutating func stringOrBytes() throws(ExpressionErrors) -> Token.Kind? {
        var isRaw = false
        var isBytes = false
        var ahead = 0
        prefix: while ahead < 2, let scalar = peek(ahead) {
            switch scalar {
            case "r" where !isRaw, "R" where !isRaw: isRaw = true
            case "b" where !isBytes, "B" where !isBytes: isBytes = true
            default: break prefix
            }
            ahead += 1
        }
        guard let quote = peek(ahead), quote == "\"" || quote == "'" else { return nil }
        let start = position
        position += ahead
        let isTriple = peek(1) == quote && peek(2) == quote
        position += isTriple ? 3 : 1
        return isBytes
            ? .bytes(try bytes(start, quote, isTriple, isRaw)) : .string(try string(start, quote, isTriple, isRaw))
    }

    private mutating func string(
        _ start: Int, _ quote: Unicode.Scalar, _ isTriple: Bool, _ isRaw: Bool
    ) throws(ExpressionErrors) -> String {
        var out = String.UnicodeScalarView()
        while let scalar = try content(start, quote, isTriple) {
            guard scalar == "\\", !isRaw else {
                out.append(scalar)
                continue
            }
            let at = position - 1
            let (value, _) = try escape(at)
            guard let made = Unicode.Scalar(value) else {
                throw failure(.badString, "the escape names no Unicode code point", from: at)
            }
            out.append(made)
        }
        return String(out)
    }

    private mutating func bytes(
        _ start: Int, _ quote: Unicode.Scalar, _ isTriple: Bool, _ isRaw: Bool
    ) throws(ExpressionErrors) -> [UInt8] {
        var out: [UInt8] = []
        while let scalar = try content(start, quote, isTriple) {
            guard scalar == "\\", !isRaw else {
                out.append(contentsOf: UTF8.encode(scalar)!)  // every Unicode scalar has a UTF-8 form
                continue
            }
            let at = position - 1
            let (value, isCodePoint) = try escape(at)
            guard !isCodePoint else {
                throw failure(.badString, "bytes take no \\u escapes", from: at, suggestion: "write \\x and two digits")
            }
            out.append(UInt8(truncatingIfNeeded: value))
        }
        return out
    }

    /// The next scalar inside a literal, past it; nil after the closing quote.
    private mutating func content(
        _ start: Int, _ quote: Unicode.Scalar, _ isTriple: Bool
    ) throws(ExpressionErrors) -> Unicode.Scalar? {
        guard let scalar = peek() else { throw failure(.badString, "the string has no end", from: start) }
        if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
            position += isTriple ? 3 : 1
            return nil
        }
        guard isTriple || (scalar != "\n" && scalar != "\r") else {
            throw failure(
                .badString, "the string does not end on its line", from: start, suggestion: "write \\n, or three quotes"
            )
        }
        position += 1
        return scalar
    }

    /// The value behind a backslash, and whether it was written as a code point (`\u`, `\U`).
    private mutating func escape(_ start: Int) throws(ExpressionErrors) -> (UInt32, Bool) {
        guard let scalar = peek() else { throw failure(.badString, "the string has no end", from: start) }
        position += 1
        switch scalar {
        case "\\", "?", "\"", "'", "`": return (scalar.value, false)
        case "a": return (7, false)
        case "b": return (8, false)
        case "f": return (12, false)
        case "n": return (10, false)
        case "r": return (13, false)
        case "t": return (9, false)
        case "v": return (11, false)
        case "x", "X": return (try digits(2, radix: 16, start), false)
        case "u": return (try digits(4, radix: 16, start), true)
        case "U": return (try digits(8, radix: 16, start), true)
        case "0"..."3":
            position -= 1
            return (try digits(3, radix: 8, start), false)
        default:
            throw failure(
                .badString, "\\\(scalar) is no escape", from: start, suggestion: "write \\\\ for a backslash, or r\"…\""
            )
        }
    }

    private mutating func digits(_ count: Int, radix: UInt32, _ start: Int) throws(ExpressionErrors) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek().flatMap(Self.hexDigit), digit < radix else {
                throw failure(.badString, "the escape needs \(count) digits", from: start, to: position + 1)
            }
            value = value &* radix &+ digit
            position += 1
        }
        return value
    }
}
