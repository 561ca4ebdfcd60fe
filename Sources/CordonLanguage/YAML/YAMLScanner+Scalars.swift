// SPDX-License-Identifier: Apache-2.0

extension YAMLScanner {
    mutating func quotedScalar() {
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

    mutating func plainScalar() {
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

    mutating func leadingQuestionMark() {
        report(
            .questionMark, mark, "an unquoted ? at the start is a trap: with a space after it YAML reads a complex key",
            "put the expression in quotes")
    }

    mutating func finish(
        _ begin: YAMLMark, _ column: Int, width: Int, _ inner: String?, isPlain: Bool, isOneLine: Bool
    ) {
        last = Last(
            mark: begin, width: width, text: inner, isPlain: isPlain, mayBeKey: keyIsAllowed && isOneLine,
            column: column)
        if isOneLine { keyIsAllowed = false }
    }

    /// Moves over the rest of a plain scalar on this line, and gives the index after its last character.
    mutating func plainLineEnd() -> Int {
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
    mutating func continuesPlain() -> Bool {
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

    func isMarker(_ index: Int) -> Bool {
        guard index + 3 <= text.count else { return false }
        let three = text[index..<index + 3]
        guard three.allSatisfy({ $0 == "-" }) || three.allSatisfy({ $0 == "." }) else { return false }
        return index + 3 == text.count || " \t\n".unicodeScalars.contains(text[index + 3])
    }

    mutating func blockScalar() {
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
