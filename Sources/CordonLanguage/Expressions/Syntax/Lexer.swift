// SPDX-License-Identifier: Apache-2.0

/// Cuts an expression's source into tokens; stops at the first character that cannot stand.
struct Lexer {
    let scalars: [Unicode.Scalar]
    var position: Int
    /// Stop before this: a template's hole ends before its text does.
    let limit: Int

    init(_ scalars: [Unicode.Scalar], from start: Int = 0) {
        self.scalars = scalars
        position = start
        limit = scalars.count
    }

    static func tokens(of scalars: [Unicode.Scalar]) throws(ExpressionErrors) -> [Token] {
        var lexer = Lexer(scalars)
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens[tokens.count - 1].kind != .end
        return tokens
    }

    mutating func next() throws(ExpressionErrors) -> Token {
        skipBlanks()
        let start = position
        guard let first = peek() else { return Token(kind: .end, start: limit, end: limit) }
        let kind: Token.Kind
        if Self.isDigit(first) || (first == "." && peek(1).map(Self.isDigit) == true) {
            kind = try number()
        } else if let literal = try stringOrBytes() {
            kind = literal
        } else if Self.isNameStart(first) {
            kind = .name(name())
        } else if first == "`" {
            kind = try quotedName()
        } else {
            kind = .sign(try sign())
        }
        return Token(kind: kind, start: start, end: position)
    }

    func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < limit ? scalars[position + ahead] : nil
    }

    func failure(
        _ code: ExpressionIssue.Code, _ message: String, from start: Int, to end: Int? = nil, suggestion: String? = nil
    ) -> ExpressionErrors {
        let width = (end ?? position) - start
        return ExpressionErrors(ExpressionIssue(code, message, offset: start, width: width, suggestion: suggestion))
    }

    private mutating func skipBlanks() {
        while let scalar = peek() {
            if scalar == "/", peek(1) == "/" {
                while let inner = peek(), inner != "\n" { _ = inner; position += 1 }
            } else if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar == "\u{0C}" {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func name() -> String {
        var out = String.UnicodeScalarView()
        while let scalar = peek(), Self.isNamePart(scalar) {
            out.append(scalar)
            position += 1
        }
        return String(out)
    }

    private mutating func quotedName() throws(ExpressionErrors) -> Token.Kind {
        let start = position
        position += 1
        var out = String.UnicodeScalarView()
        while let scalar = peek(), scalar != "`" {
            guard Self.isNamePart(scalar) || ".-/ ".unicodeScalars.contains(scalar) else { break }
            out.append(scalar)
            position += 1
        }
        guard peek() == "`", !out.isEmpty else {
            throw failure(
                .unexpectedCharacter, "a name in back quotes takes letters, digits, '_', '.', '-', '/' and spaces",
                from: start, to: position + 1, suggestion: "write map[\"key\"] for any other key")
        }
        position += 1
        return .quotedName(String(out))
    }

    private mutating func sign() throws(ExpressionErrors) -> Token.Sign {
        let start = position
        let first = scalars[position]
        if let second = peek(1), let sign = Token.Sign(rawValue: String(first) + String(second)) {
            position += 2
            return sign
        }
        if let sign = Token.Sign(rawValue: String(first)) {
            position += 1
            return sign
        }
        position += 1
        switch first {
        case "=": throw failure(.unexpectedCharacter, "'=' is no operator", from: start, suggestion: "compare with ==")
        case "&": throw failure(.unexpectedCharacter, "'&' is no operator", from: start, suggestion: "write &&")
        case "|": throw failure(.unexpectedCharacter, "'|' is no operator", from: start, suggestion: "write ||")
        case "$":
            throw failure(
                .unexpectedCharacter, "'$' has no meaning here", from: start,
                suggestion: "an expression stands here as such: leave out ${ and }")
        case "“", "”", "‘", "’":
            throw failure(
                .unexpectedCharacter, "a typographic quotation mark opens no string", from: start,
                suggestion: "write \" or '")
        default:
            let hex = String(first.value, radix: 16, uppercase: true)
            let shown = first.value < 0x20 || first.value == 0x7F ? "U+\(hex)" : "'\(first)'"
            throw failure(.unexpectedCharacter, "\(shown) has no meaning here", from: start)
        }
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }
    static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z") || scalar == "_"
    }
    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool { isNameStart(scalar) || isDigit(scalar) }
    static func hexDigit(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 0x30
        case "a"..."f": scalar.value - 0x57
        case "A"..."F": scalar.value - 0x37
        default: nil
        }
    }
}
