// SPDX-License-Identifier: Apache-2.0

/// Walks a YAML text once, before the library does, and finds what Cordon does not allow.
///
/// It follows the token rules of libyaml closely enough to know where a token starts and how deep it stands, so that
/// anchors, aliases, tags and deep nesting are refused before anything expands or recurses. It decides no value:
/// that stays with the library, and `YAMLComposer` refuses a file in which the two saw different scalars.
struct YAMLScanner {
    /// Scalars by their place, with their width in the source, and what the library does not keep.
    struct Outline {
        var widths: [YAMLMark: Int] = [:]
        /// Where the lists and maps in brackets end, by where they begin.
        var flowEnds: [YAMLMark: YAMLMark] = [:]
        var comments: [YAMLComment] = []
    }

    /// A list or map that is open.
    struct Level {
        enum Kind { case blockMap, blockList, flowMap, flowList }
        var kind: Kind
        /// Column from 0; what stands left of it ends a block.
        var column: Int
        /// Keys so far, with their lines.
        var keys: [String: Int] = [:]
    }

    /// The last scalar, which a following `:` turns into a key.
    struct Last {
        var mark: YAMLMark
        var width: Int
        /// `nil` when an escape hides the exact text.
        var text: String?
        var isPlain: Bool
        var mayBeKey: Bool
        /// Column from 0.
        var column: Int
    }

    let text: [Unicode.Scalar]
    var outline = Outline()
    var findings: [YAMLFinding] = []
    var at = 0
    var line = 1
    var lineStart = 0
    /// Where the first character of a line stands that is no space; remembered, because a line may hold many tabs.
    var indentation = (line: 0, end: 0)
    let depthMax: Int
    var levels: [Level] = []
    var flowDepth = 0
    var flowStarts: [YAMLMark] = []
    var keyIsAllowed = true
    var last: Last?
    var hasContent = false
    var hasMarker = false
    var hasEnded = false
    var hasStopped = false

    init(_ text: [Unicode.Scalar], depthMax: Int) {
        self.text = text
        self.depthMax = depthMax
    }

    mutating func scan() {
        while !hasStopped {
            skipToToken()
            guard at < text.count else { return }
            token()
        }
    }
}

// MARK: - Moving

extension YAMLScanner {
    var column: Int { at - lineStart }
    var mark: YAMLMark { YAMLMark(line: line, column: column + 1) }

    func character(_ offset: Int = 0) -> Unicode.Scalar? {
        at + offset < text.count ? text[at + offset] : nil
    }

    /// Whether white space or the end stands at `at + offset`.
    func isBlank(_ offset: Int) -> Bool {
        guard let next = character(offset) else { return true }
        return next == " " || next == "\t" || next == "\n"
    }

    mutating func breakLine() {
        at += 1
        line += 1
        lineStart = at
        last = nil
    }

    mutating func skipToLineEnd() {
        while at < text.count, text[at] != "\n" { at += 1 }
    }

    mutating func skipToToken() {
        while let here = character() {
            switch here {
            case " ": at += 1
            case "\t": tab()
            case "#": comment()
            case "\n":
                breakLine()
                if flowDepth == 0 { keyIsAllowed = true }
            default: return
            }
        }
    }

    mutating func comment() {
        let place = mark
        let start = at
        skipToLineEnd()
        let isAlone = text[lineStart..<start].allSatisfy { $0 == " " || $0 == "\t" }
        let words = String(String.UnicodeScalarView(text[start..<at]))
        outline.comments.append(YAMLComment(mark: place, text: words, isAlone: isAlone))
    }

    /// A tab is reported when only white space stands before it and something other than a comment after it.
    mutating func tab() {
        let place = mark
        if indentation.line != line {
            indentation = (line, text[lineStart...].firstIndex { $0 != " " } ?? text.count)
        }
        let isIndentation = at <= indentation.end
        while character() == "\t" || character() == " " { at += 1 }
        guard isIndentation, let next = character(), next != "\n", next != "#" else { return }
        report(.tab, place, "a tab in the indentation", "indent with spaces")
    }

    mutating func report(
        _ code: YAMLCode, _ mark: YAMLMark, width: Int = 1, _ message: String, _ suggestion: String?
    ) {
        findings.append(YAMLFinding(code: code, mark: mark, width: width, message: message, suggestion: suggestion))
        if findings.count >= YAMLLimits.findingsMax { hasStopped = true }
    }

    /// The characters up to the next white space, for messages; bounded, because a file may be one long word.
    func word(stopsAt stops: Set<Unicode.Scalar> = []) -> String {
        let word = text[at...].prefix(40).prefix { $0 != " " && $0 != "\t" && $0 != "\n" && !stops.contains($0) }
        return String(String.UnicodeScalarView(word))
    }
}
