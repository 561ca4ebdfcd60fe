// SPDX-License-Identifier: Apache-2.0

/// Text with holes: `"keys/${subject.id}"`. Text that is one hole and nothing else keeps the hole's type; in mixed text a
/// hole yields a string or an int. `$${` stands for `${`. What a hole yields is put in once and never read again.
package struct Template: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text(String)
        case hole(Expression)
    }

    package let source: String
    package let parts: [Part]

    package var holes: [Expression] {
        parts.compactMap { if case .hole(let expression) = $0 { expression } else { nil } }
    }

    /// The one hole that is the whole text.
    package var soleHole: Expression? {
        if parts.count == 1, case .hole(let expression) = parts[0] { expression } else { nil }
    }

    package var resultSchema: Schema { soleHole?.resultSchema ?? .string }

    /// `expecting` is what the whole must yield; offsets of errors count from the start of `text`.
    package static func compile(
        _ text: String, variables: [String: Schema], expecting: Schema? = nil, limits: ExpressionLimits = .default
    ) throws(ExpressionErrors) -> Template {
        let pieces = try TemplateReader.pieces(of: text, limits: limits)
        let isSole = pieces.count == 1
        var parts: [Part] = []
        var issues: [ExpressionIssue] = []
        for piece in pieces {
            guard case .hole(let source, let offset) = piece else {
                if case .text(let literal) = piece { parts.append(.text(literal)) }
                continue
            }
            do throws(ExpressionErrors) {
                let hole = try Expression.compile(
                    source, variables: variables, expecting: isSole ? expecting : nil, limits: limits)
                parts.append(.hole(hole))
                if !isSole, let issue = wrongHole(hole, offset) { issues.append(issue) }
            } catch {
                issues += error.shifted(by: offset)
            }
        }
        if let issue = wrongWhole(pieces, text, expecting) { issues.append(issue) }
        guard issues.isEmpty else { throw ExpressionErrors(issues) }
        return Template(source: text, parts: parts)
    }

    private static func wrongHole(_ hole: Expression, _ offset: Int) -> ExpressionIssue? {
        switch hole.resultSchema {
        case .string, .int, .any: return nil
        default:
            var suggestion = "write string(…)"
            if case .optional = hole.resultSchema { suggestion = "end it with .orValue(\"\")" }
            return ExpressionIssue(
                .wrongHole, "a hole in text yields a string or an int, this is \(hole.resultSchema.name)",
                offset: offset, width: hole.source.unicodeScalars.count, suggestion: suggestion)
        }
    }

    private static func wrongWhole(
        _ pieces: [TemplateReader.Piece], _ text: String, _ expecting: Schema?
    ) -> ExpressionIssue? {
        if pieces.count == 1, case .hole = pieces[0] { return nil }
        guard let expecting, expecting != .string, expecting != .any else { return nil }
        return ExpressionIssue(
            .wrongResult, "the text is a string, \(expecting.name) is wanted", offset: 0,
            width: text.unicodeScalars.count)
    }

    /// The value for these variables. `encode` is applied to what each hole of mixed text yields: a template for a path
    /// or a query gives the encoding of that slot.
    package func render(
        _ variables: [String: Value], at now: Timestamp? = nil, encode: (String) -> String = { $0 }
    ) -> Result<Value, EvaluationError> {
        if let soleHole {
            switch soleHole.evaluate(variables, at: now) {
            case .value(let value): return .success(value)
            case .error(let error): return .failure(error)
            }
        }
        var out = ""
        for part in parts {
            switch part {
            case .text(let text): out += text
            case .hole(let expression):
                switch expression.evaluate(variables, at: now) {
                case .value(.string(let text)): out += encode(text)
                case .value(.int(let number)): out += encode("\(number)")
                case .value(let other): return .failure(Self.unfit(other, expression))
                case .error(let error): return .failure(error)
                }
            }
        }
        return .success(.string(out))
    }

    private static func unfit(_ value: Value, _ expression: Expression) -> EvaluationError {
        EvaluationError(
            .wrongType, "a hole in text yields a string or an int, \(expression.source) is \(value.typeName)",
            offset: 0, width: expression.source.unicodeScalars.count)
    }
}

/// Cuts a template into text and holes; a hole ends at the brace that balances, whatever strings stand inside.
struct TemplateReader {
    enum Piece {
        case text(String)
        case hole(String, offset: Int)
    }

    static func pieces(of text: String, limits: ExpressionLimits) throws(ExpressionErrors) -> [Piece] {
        let scalars = Array(text.unicodeScalars)
        var pieces: [Piece] = []
        var plain = String.UnicodeScalarView()
        var holes = 0
        var position = 0
        while position < scalars.count {
            if scalars[position...].starts(with: "$${".unicodeScalars) {
                plain.append(contentsOf: "${".unicodeScalars)
                position += 3
                continue
            }
            guard scalars[position...].starts(with: "${".unicodeScalars) else {
                plain.append(scalars[position])
                position += 1
                continue
            }
            if !plain.isEmpty { pieces.append(.text(String(plain))) }
            plain = String.UnicodeScalarView()
            let end = try holeEnd(scalars, position)
            holes += 1
            guard holes <= limits.holesMax else {
                throw issue("the text has more than \(limits.holesMax) holes", position, 2, nil)
            }
            pieces.append(.hole(StringLibrary.string(scalars[(position + 2)..<end]), offset: position + 2))
            position = end + 1
        }
        if !plain.isEmpty || pieces.isEmpty { pieces.append(.text(String(plain))) }
        return pieces
    }

    private static func holeEnd(_ scalars: [Unicode.Scalar], _ start: Int) throws(ExpressionErrors) -> Int {
        var lexer = Lexer(scalars, from: start + 2)
        var depth = 0
        while true {
            let token = try lexer.next()
            switch token.kind {
            case .sign(.openMap): depth += 1
            case .sign(.closeMap):
                if depth == 0 {
                    if token.start == start + 2 {
                        throw issue("the hole is empty", start, 3, "write $${ for the text ${")
                    }
                    return token.start
                }
                depth -= 1
            case .end:
                throw issue("the hole is not closed", start, 2, "close it with }, or write $${ for the text ${")
            default: break
            }
        }
    }

    private static func issue(
        _ message: String, _ offset: Int, _ width: Int, _ suggestion: String?
    ) -> ExpressionErrors {
        ExpressionErrors(ExpressionIssue(.badTemplate, message, offset: offset, width: width, suggestion: suggestion))
    }
}
