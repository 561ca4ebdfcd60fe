// SPDX-License-Identifier: Apache-2.0

/// One mistake in an expression's source; offsets and widths count code points.
package struct ExpressionIssue: Sendable, Hashable {
    /// Numbers are kept for ever: `cordon explain X021` tells more.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case unexpectedCharacter = "X001"
        case badNumber = "X002"
        case badString = "X003"
        case unexpectedToken = "X004"
        case reservedWord = "X005"
        case badMacro = "X006"
        case tooLong = "X010"
        case tooDeep = "X011"
        case macrosTooDeep = "X012"
        case unknownVariable = "X020"
        case unknownField = "X021"
        case absentField = "X022"
        case unknownFunction = "X023"
        case wrongTypes = "X024"
        case notSelectable = "X025"
        case wrongResult = "X026"
        case badPattern = "X030"
        case badTemplate = "X040"
        case wrongHole = "X041"
    }

    package var code: Code
    package var message: String
    package var offset: Int
    package var width: Int
    package var suggestion: String?

    init(_ code: Code, _ message: String, offset: Int, width: Int, suggestion: String? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.width = max(width, 1)
        self.suggestion = suggestion
    }
}

/// Every mistake found in one expression or template, in source order.
package struct ExpressionErrors: Error, Sendable, Hashable {
    package let issues: [ExpressionIssue]

    init(_ issues: [ExpressionIssue]) {
        precondition(!issues.isEmpty, "errors without an error")
        self.issues = issues.sorted { ($0.offset, $0.width) < ($1.offset, $1.width) }
    }

    init(_ issue: ExpressionIssue) { self.init([issue]) }

    /// Equal by the codes alone, so that a test names the errors it expects in one line.
    package static func == (left: Self, right: Self) -> Bool { left.issues.map(\.code) == right.issues.map(\.code) }
    package func hash(into hasher: inout Hasher) { hasher.combine(issues.map(\.code)) }

    /// The same mistakes, `delta` code points further on: for an expression inside a longer text.
    func shifted(by delta: Int) -> [ExpressionIssue] {
        issues.map { issue in
            var moved = issue
            moved.offset += delta
            return moved
        }
    }

    /// As an author reads them. `place` is where the expression's first character stands and `sourceLine` the line
    /// of the file that holds it; for an expression over several lines give them all, parted by line feeds.
    package func diagnostics(at place: Place, sourceLine: String?, source: String = "") -> [Diagnostic] {
        issues.map { issue in
            Diagnostic(
                code: issue.code.rawValue, place: place, message: issue.message, suggestion: issue.suggestion,
                sourceLine: sourceLine, width: issue.width
            ).moved(by: issue.offset, in: source)
        }
    }
}

extension EvaluationError {
    /// As an author reads it, for an expression whose first character stands at `place`.
    package func diagnostic(at place: Place, source: String) -> Diagnostic {
        Diagnostic(code: code.number, place: place, message: message, sourceLine: source, width: width)
            .moved(by: offset, in: source)
    }
}

extension Diagnostic {
    /// The same mistake `offset` code points further on, on the line of `source` that these reach.
    fileprivate func moved(by offset: Int, in source: String) -> Diagnostic {
        let before = Array(source.unicodeScalars.prefix(offset))
        let feeds = before.indices.filter { before[$0] == "\n" }
        let lines = sourceLine?.split(separator: "\n", omittingEmptySubsequences: false)
        var moved = self
        moved.place.line += feeds.count
        moved.place.column = feeds.last.map { offset - $0 } ?? place.column + offset
        moved.sourceLine = lines.flatMap { $0.indices.contains(feeds.count) ? String($0[feeds.count]) : nil }
        return moved
    }
}
