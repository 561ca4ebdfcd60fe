// SPDX-License-Identifier: Apache-2.0

/// A place in an author's file. Lines and columns count from 1; columns count Unicode code points.
package struct Place: Sendable, Hashable {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// An author's mistake: a stable number, the place, the offending line with a caret, and the way out.
///
/// Numbers are stored in documents and scripts, so a number is never given a second meaning.
package struct Diagnostic: Sendable, Hashable, Error {
    package enum Severity: String, Sendable, Hashable { case error, warning }

    /// `P014` and so on; `cordon explain P014` tells more.
    package var code: String
    package var severity: Severity
    package var place: Place
    /// What is wrong, in one clause without a full stop.
    package var message: String
    /// What to do, when there is one thing to do.
    package var suggestion: String?
    /// The offending source line, without its line end.
    package var sourceLine: String?
    /// How many code points the caret underlines.
    package var width: Int
    /// The rule is younger than definitions that may be in force: where a server starts with one, it only warns.
    package var isYoung: Bool

    package init(
        code: String, severity: Severity = .error, place: Place, message: String, suggestion: String? = nil,
        sourceLine: String? = nil, width: Int = 1, isYoung: Bool = false
    ) {
        self.isYoung = isYoung
        self.code = code
        self.severity = severity
        self.place = place
        self.message = message
        self.suggestion = suggestion
        self.sourceLine = sourceLine
        self.width = width
    }
}

extension Diagnostic {
    /// The same, as what keeps nothing from being loaded.
    package var asWarning: Diagnostic {
        var warning = self
        warning.severity = .warning
        return warning
    }

    /// A longer source line is shown in part, around the caret.
    package static let sourceColumnsMax = 160

    /// The exact words a person reads: `file:line:column: error[P014]: message`, the line, the caret.
    ///
    /// Characters that a terminal would act on or not show become `U+FFFD`, so that a file cannot forge its report.
    package var text: String {
        var out = "\(place.file):\(place.line):\(place.column): \(severity.rawValue)[\(code)]: \(message)"
        if let suggestion { out += " (\(suggestion))" }
        guard let sourceLine else { return visible(out) }
        let scalars = Array(sourceLine.unicodeScalars)
        let caret = max(place.column - 1, 0)
        let start = max(0, min(caret - Self.sourceColumnsMax / 2, scalars.count - Self.sourceColumnsMax))
        let shown = scalars[start...].prefix(Self.sourceColumnsMax)
        let indent = shown.prefix(caret - start).map { $0 == "\t" ? "\t" : " " }.joined()
        let carets = String(repeating: "^", count: max(1, min(width, shown.endIndex - caret)))
        let number = String(place.line)
        let margin = String(repeating: " ", count: number.count)
        let before = start > 0 ? "…" : ""
        let after = shown.endIndex < scalars.count ? "…" : ""
        out += "\n \(number) | \(before)\(String(String.UnicodeScalarView(shown)))\(after)"
        out += "\n \(margin) | \(before.isEmpty ? "" : " ")\(indent)\(carets)"
        return visible(out)
    }
}

private func visible(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isInvisible && $0 != "\n" ? "\u{FFFD}" : $0 }))
}

extension Unicode.Scalar {
    /// Whether this character steers a terminal or the direction of text, or hides: no author needs one unescaped.
    /// The joiners U+200C and U+200D are not counted: several scripts and many emoji need them.
    var isInvisible: Bool {
        switch value {
        case 0x09: false
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x061C, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F: true
        case 0xFEFF, 0xFFF9...0xFFFB, 0xFFFE...0xFFFF, 0xE0000...0xE007F: true
        default: false
        }
    }
}

/// Everything wrong with one file, in the order of its lines: what a loader throws.
package struct Diagnostics: Sendable, Hashable, Error {
    package var all: [Diagnostic]

    package init(_ all: [Diagnostic]) {
        self.all = all.enumerated().sorted { left, right in
            let (a, b) = (left.element.place, right.element.place)
            return (a.line, a.column, left.offset) < (b.line, b.column, right.offset)
        }.map(\.element)
    }

    /// The words of all, a blank line between.
    package var text: String { all.map(\.text).joined(separator: "\n\n") }
}

/// What `cordon explain` says about one number.
package struct DiagnosticMeaning: Sendable, Hashable {
    package var code: String
    /// One line, without a full stop.
    package var meaning: String
    /// Why the rule stands, and what to write instead.
    package var explanation: String

    package init(code: String, meaning: String, explanation: String) {
        self.code = code
        self.meaning = meaning
        self.explanation = explanation
    }
}

/// The name among `known` that a person most likely meant, or `nil` when nothing is near.
package func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let length = word.unicodeScalars.count
    guard length <= nearestLengthMax else { return nil }
    let limit = max(1, length / 3)
    return known.filter { abs($0.unicodeScalars.count - length) <= limit }
        .map { ($0, editDistance(word, $0)) }
        .filter { $0.1 <= limit }
        .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

/// Nobody misspells a word longer than this; comparing costs its length squared.
private let nearestLengthMax = 64

/// Levenshtein distance with adjacent transpositions, over code points.
func editDistance(_ left: String, _ right: String) -> Int {
    let a = Array(left.unicodeScalars)
    let b = Array(right.unicodeScalars)
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1] + [Int](repeating: 0, count: b.count)
        for j in 0..<b.count {
            row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
            }
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
