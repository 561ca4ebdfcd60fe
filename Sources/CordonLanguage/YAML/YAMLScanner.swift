// SPDX-License-Identifier: Apache-2.0

/// Walks a YAML text once, before the library does, and finds what Cordon does not allow.
///
/// It follows the token rules of libyaml closely enough to know where a token starts and how deep it stands, so that
/// anchors, aliases, tags and deep nesting are refused before anything expands or recurses. It decides no value:
/// that stays with the library, and `YAMLComposer` refuses a file in which the two saw different scalars.
struct YAMLScanner {
    /// Scalars by their place, with their width in the source.
    struct Outline {
        var widths: [YAMLMark: Int] = [:]
    }

    /// A list or map that is open.
    private struct Level {
        enum Kind { case blockMap, blockList, flowMap, flowList }
        var kind: Kind
        /// Column from 0; what stands left of it ends a block.
        var column: Int
        /// Keys so far, with their lines.
        var keys: [String: Int] = [:]
    }

    /// The last scalar, which a following `:` turns into a key.
    private struct Last {
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
    private(set) var outline = Outline()
    private(set) var findings: [YAMLFinding] = []
    var at = 0
    private var line = 1
    private var lineStart = 0
    /// Where the first character of a line stands that is no space; remembered, because a line may hold many tabs.
    private var indentation = (line: 0, end: 0)
    private let depthMax: Int
    private var levels: [Level] = []
    private var flowDepth = 0
    private var keyIsAllowed = true
    private var last: Last?
    private var hasContent = false
    private var hasMarker = false
    private var hasEnded = false
    private var hasStopped = false

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
    private var column: Int { at - lineStart }
    private var mark: YAMLMark { YAMLMark(line: line, column: column + 1) }

    private func character(_ offset: Int = 0) -> Unicode.Scalar? {
        at + offset < text.count ? text[at + offset] : nil
    }

    /// Whether white space or the end stands at `at + offset`.
    private func isBlank(_ offset: Int) -> Bool {
        guard let next = character(offset) else { return true }
        return next == " " || next == "\t" || next == "\n"
    }

    private mutating func breakLine() {
        at += 1
        line += 1
        lineStart = at
        last = nil
    }

    private mutating func skipToLineEnd() {
        while at < text.count, text[at] != "\n" { at += 1 }
    }

    private mutating func skipToToken() {
        while let here = character() {
            switch here {
            case " ": at += 1
            case "\t": tab()
            case "#": skipToLineEnd()
            case "\n":
                breakLine()
                if flowDepth == 0 { keyIsAllowed = true }
            default: return
            }
        }
    }

    /// A tab is reported when only white space stands before it and something other than a comment after it.
    private mutating func tab() {
        let place = mark
        if indentation.line != line {
            indentation = (line, text[lineStart...].firstIndex { $0 != " " } ?? text.count)
        }
        let isIndentation = at <= indentation.end
        while character() == "\t" || character() == " " { at += 1 }
        guard isIndentation, let next = character(), next != "\n", next != "#" else { return }
        report(.tab, place, "a tab in the indentation", "indent with spaces")
    }

    private mutating func report(
        _ code: YAMLCode, _ mark: YAMLMark, width: Int = 1, _ message: String, _ suggestion: String?
    ) {
        findings.append(YAMLFinding(code: code, mark: mark, width: width, message: message, suggestion: suggestion))
        if findings.count >= YAMLLimits.findingsMax { hasStopped = true }
    }

    /// The characters up to the next white space, for messages; bounded, because a file may be one long word.
    private func word(stopsAt stops: Set<Unicode.Scalar> = []) -> String {
        let word = text[at...].prefix(40).prefix { $0 != " " && $0 != "\t" && $0 != "\n" && !stops.contains($0) }
        return String(String.UnicodeScalarView(word))
    }
}

// MARK: - Tokens

extension YAMLScanner {
    private mutating func token() {
        if column == 0, documentMarker() { return }
        if hasEnded {
            report(.severalDocuments, mark, "something follows the document's end", "keep one document in a file")
            hasStopped = true
            return
        }
        hasContent = true
        if flowDepth == 0 { leaveLevels() }
        switch text[at] {
        case "[": open(.flowList)
        case "{": open(.flowMap)
        case "]", "}": close()
        case ",":
            at += 1
            keyIsAllowed = true
            last = nil
        case "-" where isBlank(1): dash()
        case "?" where flowDepth > 0 || isBlank(1): questionMark()
        case ":" where flowDepth > 0 || isBlank(1): colon()
        case "*", "&": reference()
        case "!": exclamationMark()
        case "|" where flowDepth == 0, ">" where flowDepth == 0: blockScalar()
        case "'", "\"": quotedScalar()
        default: plainScalar()
        }
    }

    /// Ends the blocks that the current column is left of.
    private mutating func leaveLevels() {
        while let top = levels.last, top.column > column { levels.removeLast() }
        // A list may stand at its key's own column; anything but a dash at that column goes on with the map.
        let isDash = text[at] == "-" && isBlank(1)
        if !isDash, let top = levels.last, top.kind == .blockList, top.column == column { levels.removeLast() }
    }

    private mutating func documentMarker() -> Bool {
        guard at + 3 <= text.count, isBlank(3) || flowDepth > 0 else { return directive() }
        let isStart = text[at..<at + 3].allSatisfy { $0 == "-" }
        guard isBlank(3), isStart || text[at..<at + 3].allSatisfy({ $0 == "." }) else { return directive() }
        if isStart, hasContent || hasMarker || hasEnded {
            report(.severalDocuments, mark, width: 3, "a second document begins", "keep one document in a file")
            hasStopped = true
        }
        hasMarker = hasMarker || isStart
        hasEnded = hasEnded || !isStart
        levels.removeAll()
        at += 3
        keyIsAllowed = false
        return true
    }

    private mutating func directive() -> Bool {
        guard text[at] == "%", !hasContent else { return false }
        report(
            .tag, mark, width: word().unicodeScalars.count, "directives are not allowed: \(word())", "remove this line")
        skipToLineEnd()
        return true
    }

    private mutating func push(_ kind: Level.Kind, column: Int, at mark: YAMLMark) {
        levels.append(Level(kind: kind, column: column))
        guard levels.count > depthMax else { return }
        report(
            .tooDeep, mark, "lists and maps are nested more than \(depthMax) deep",
            "give the inner part a name of its own, or flatten it")
        hasStopped = true
    }

    private mutating func open(_ kind: Level.Kind) {
        push(kind, column: column, at: mark)
        flowDepth += 1
        at += 1
        keyIsAllowed = true
        last = nil
    }

    private mutating func close() {
        if flowDepth > 0 {
            flowDepth -= 1
            levels.removeLast()
        }
        at += 1
        keyIsAllowed = false
        last = nil
    }

    private mutating func dash() {
        if flowDepth == 0, levels.last.map({ $0.kind != .blockList || $0.column < column }) ?? true {
            push(.blockList, column: column, at: mark)
        }
        at += 1
        keyIsAllowed = true
        last = nil
    }

    private mutating func questionMark() {
        report(
            .questionMark, mark, "an unquoted ? at the start makes YAML read a complex key",
            "put an expression that starts with ? in quotes")
        at += 1
        keyIsAllowed = true
        last = nil
    }

    private mutating func reference() {
        let kind = text[at] == "*" ? "an alias" : "an anchor"
        let name = word(stopsAt: [",", "]", "}"])
        report(
            .reference, mark, width: name.unicodeScalars.count,
            "YAML reads an unquoted \(text[at]) at the start as \(kind), and anchors and aliases are not allowed",
            "write the value out; put an expression in quotes")
        at += max(1, name.unicodeScalars.count)
        keyIsAllowed = false
        last = nil
    }

    private mutating func exclamationMark() {
        let name = word(stopsAt: [",", "]", "}"])
        let width = name.unicodeScalars.count
        if character(1) == "!" || character(1) == "<" {
            report(
                .tag, mark, width: width, "tags are not allowed: \(name)",
                "remove the tag; every field's type is known")
        } else {
            report(
                .exclamationMark, mark, width: width,
                "YAML reads an unquoted ! at the start as a tag, not as «not»", "put the expression in quotes")
        }
        at += max(1, width)
        keyIsAllowed = false
        last = nil
    }
}

// MARK: - Keys

extension YAMLScanner {
    private mutating func colon() {
        let place = mark
        defer {
            at += 1
            last = nil
        }
        guard let key = last, key.mark.line == line else {
            if flowDepth == 0, keyIsAllowed { pushMap(column) }
            keyIsAllowed = flowDepth == 0
            return
        }
        guard key.mayBeKey else {
            if flowDepth == 0 { strayColon(key, place) }
            return
        }
        if flowDepth == 0 { pushMap(key.column) }
        keyIsAllowed = false
        record(key)
    }

    private mutating func pushMap(_ column: Int) {
        if let top = levels.last, top.kind == .blockMap, top.column >= column { return }
        push(.blockMap, column: column, at: YAMLMark(line: line, column: column + 1))
    }

    private mutating func record(_ key: Last) {
        guard let name = key.text, !levels.isEmpty, levels[levels.count - 1].kind != .flowList else { return }
        if name == "<<", key.isPlain {
            report(.mergeKey, key.mark, width: 2, "merge keys are not allowed", "write the fields out")
        } else if let first = levels[levels.count - 1].keys[name] {
            report(
                .duplicateKey, key.mark, width: key.width, "the key '\(name)' occurs twice in one map",
                "the first is on line \(first); remove one")
        }
        levels[levels.count - 1].keys[name] = levels[levels.count - 1].keys[name] ?? line
    }

    private mutating func strayColon(_ value: Last, _ place: YAMLMark) {
        let isConditional = value.text?.contains(" ?") ?? false
        report(
            .strayColon, place, "a second ': ' makes YAML read this value as a map",
            isConditional ? "put the expression in quotes; ? : needs them" : "put the value in quotes")
        skipToLineEnd()
    }
}

// MARK: - Scalars

extension YAMLScanner {
    private mutating func quotedScalar() {
        let quote = text[at]
        let start = at
        let begin = mark
        let startColumn = column
        var isExact = true
        at += 1
        while let here = character() {
            if here == "\n" {
                breakLine()
                continue
            }
            if quote == "\"", here == "\\" {
                isExact = false
                at += character(1) == "\n" ? 1 : 2
            } else if here == quote {
                guard quote == "'", character(1) == "'" else { break }
                isExact = false
                at += 2
            } else {
                at += 1
            }
        }
        at = min(at + 1, text.count)
        let isOneLine = begin.line == line
        let inner = isExact && isOneLine && at - start >= 2 ? String(text[start + 1..<at - 1]) : nil
        outline.widths[begin] = isOneLine ? at - start : 1
        finish(begin, startColumn, width: at - start, inner, isPlain: false, isOneLine: isOneLine)
    }

    private mutating func plainScalar() {
        let start = at
        let begin = mark
        let startColumn = column
        if text[at] == "?" { leadingQuestionMark() }
        var end = plainLineEnd()
        let firstEnd = end
        while continuesPlain() { end = plainLineEnd() }
        outline.widths[begin] = max(1, firstEnd - start)
        let isOneLine = begin.line == line
        if !isOneLine, flowDepth == 0 { keyIsAllowed = true }
        let inner = isOneLine ? String(text[start..<end]) : nil
        // A character that can start no scalar, such as @, is the library's to report.
        if at == start { at += 1 }
        finish(begin, startColumn, width: end - start, inner, isPlain: true, isOneLine: isOneLine)
    }

    private mutating func leadingQuestionMark() {
        report(
            .questionMark, mark, "an unquoted ? at the start is a trap: with a space after it YAML reads a complex key",
            "put the expression in quotes")
    }

    private mutating func finish(
        _ begin: YAMLMark, _ column: Int, width: Int, _ inner: String?, isPlain: Bool, isOneLine: Bool
    ) {
        last = Last(
            mark: begin, width: width, text: inner, isPlain: isPlain, mayBeKey: keyIsAllowed && isOneLine,
            column: column)
        if isOneLine { keyIsAllowed = false }
    }

    /// Moves over the rest of a plain scalar on this line, and gives the index after its last character.
    private mutating func plainLineEnd() -> Int {
        var end = at
        while let here = character(), here != "\n" {
            if here == " " || here == "\t" {
                var next = 1
                while character(next) == " " || character(next) == "\t" { next += 1 }
                if character(next) == "#" { break }
                at += next
                continue
            }
            if here == ":", isBlank(1) { break }
            if flowDepth > 0, ",[]{}".unicodeScalars.contains(here) { break }
            at += 1
            end = at
        }
        return end
    }

    /// Whether the next line goes on with this plain scalar; if so, moves to its first character.
    private mutating func continuesPlain() -> Bool {
        guard character() == "\n" else { return false }
        var next = at
        var breaks = 0
        var start = at
        while next < text.count, text[next] == "\n" || text[next] == " " || text[next] == "\t" {
            if text[next] == "\n" {
                breaks += 1
                start = next + 1
            }
            next += 1
        }
        guard next < text.count, text[next] != "#" else { return false }
        let indent = next - start
        guard flowDepth > 0 || indent > levels.last?.column ?? -1 else { return false }
        if indent == 0, isMarker(next) { return false }
        if flowDepth > 0, ",[]{}".unicodeScalars.contains(text[next]) { return false }
        if text[next] == ":", next + 1 >= text.count || " \t\n".unicodeScalars.contains(text[next + 1]) { return false }
        if let tab = text[start..<next].firstIndex(of: "\t") {
            let place = YAMLMark(line: line + breaks, column: tab - start + 1)
            report(.tab, place, "a tab in the indentation", "indent with spaces")
        }
        line += breaks
        lineStart = start
        at = next
        return true
    }

    private func isMarker(_ index: Int) -> Bool {
        guard index + 3 <= text.count else { return false }
        let three = text[index..<index + 3]
        guard three.allSatisfy({ $0 == "-" }) || three.allSatisfy({ $0 == "." }) else { return false }
        return index + 3 == text.count || " \t\n".unicodeScalars.contains(text[index + 3])
    }

    private mutating func blockScalar() {
        outline.widths[mark] = 1
        var explicit: Int?
        for offset in 1...2 {
            if let digit = character(offset), ("1"..."9").contains(digit) { explicit = Int(digit.value) - 0x30 }
        }
        let parent = levels.last?.column ?? -1
        var indent = explicit.map { max(parent, 0) + $0 }
        skipToLineEnd()
        while at < text.count {
            breakLine()
            let spaces = text[at...].prefix { $0 == " " }.count
            let rest = at + spaces
            if rest < text.count, text[rest] == "\t", spaces < indent ?? Int.max {
                let place = YAMLMark(line: line, column: spaces + 1)
                report(.tab, place, "a tab in the indentation", "indent with spaces")
            }
            let isEmpty = rest == text.count || text[rest] == "\n"
            if !isEmpty {
                indent = indent ?? max(spaces, parent + 1, 1)
                if spaces < indent ?? 0 { break }
            }
            skipToLineEnd()
        }
        keyIsAllowed = true
        last = nil
    }
}

extension String {
    fileprivate init(_ scalars: ArraySlice<Unicode.Scalar>) {
        self = String(String.UnicodeScalarView(scalars))
    }
}
