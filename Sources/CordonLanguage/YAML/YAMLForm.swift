// SPDX-License-Identifier: Apache-2.0

/// A document in its canonical form: two spaces an indentation, one way to quote, keys in an order that the caller names,
/// at most one empty line in a row. What the author chose stays: brackets that fit, block text, and every comment beside
/// what it stood beside. What is read from it is the same.
package struct YAMLForm {
    /// A list or map in brackets that would go beyond is written out.
    package static let columnsMax = 120

    /// The order of a map's keys, by the keys that lead to it; `*` stands for an item of a list. Keys that are not in it
    /// come last, as they stood.
    package typealias Order = (_ path: [String]) -> [String]

    let document: YAMLDocument
    let order: Order
    /// Rows in the order of the source: what comments stand beside.
    var rows: [Row] = []
    /// Something of the source would be lost.
    var isLossy = false

    /// The text of `document` in canonical form; `nil` when what is read from that would differ in the least.
    package static func text(of document: YAMLDocument, order: @escaping Order = { _ in [] }) -> String? {
        var form = YAMLForm(document: document, order: order)
        let root = form.layout(document.root, indent: 0, before: 0, path: [])
        var lines: [String] = []
        let rest = form.attachComments()
        switch root {
        case .inline(let text): lines = [text]
        case .block(let header, let body): lines = [header] + body
        case .map(let rows), .list(let rows): lines = form.lines(rows, indent: 0)
        }
        for comment in rest {
            if comment.isSeparate { lines.append("") }
            lines.append(comment.text)
        }
        let text = lines.joined(separator: "\n") + "\n"
        guard !form.isLossy, let again = try? YAMLDocument.parse(text, file: document.file, limits: .unbounded),
            again.root.value == document.root.value,
            again.outline.comments.map(\.words).sorted() == document.outline.comments.map(\.words).sorted()
        else { return nil }
        return text
    }

    /// What a node becomes.
    indirect enum Layout {
        case inline(String)
        case block(header: String, lines: [String])
        case map([Row])
        case list([Row])
    }

    struct Words {
        var text: String
        /// An empty line stands before it.
        var isSeparate: Bool
    }

    /// An entry of a map or an item of a list that has lines of its own. A class, because comments find it later.
    final class Row {
        /// `nil` for an item.
        let key: String?
        let mark: YAMLMark
        let column: Int
        let isSeparate: Bool
        var value = Layout.inline("")
        var leading: [Words] = []
        var trailing: String?
        var footers: [String] = []

        init(key: String?, mark: YAMLMark, column: Int, isSeparate: Bool) {
            self.key = key
            self.mark = mark
            self.column = column
            self.isSeparate = isSeparate
        }
    }
}

extension YAMLComment {
    /// Without the white space behind it.
    var words: String {
        var text = Substring(text)
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}

extension YAMLLimits {
    /// For text that was made of a document within its limits.
    fileprivate static let unbounded = YAMLLimits(bytesMax: Int.max, depthMax: 1000)
}

// MARK: - Comments

extension YAMLForm {
    /// Puts each comment beside its row; gives those that stand behind everything.
    private func attachComments() -> [Words] {
        var rest: [Words] = []
        for comment in document.outline.comments {
            let next = rows.first { $0.mark > comment.mark }
            let before = rows.last { $0.mark < comment.mark }
            guard comment.isAlone else {
                attachTrailing(comment, before, next, &rest)
                continue
            }
            let words = Words(text: comment.words, isSeparate: isSeparate(comment.mark.line))
            let isInner = comment.mark.column > next?.column ?? 1
            if isInner, let inner = rows.last(where: { $0.mark < comment.mark && $0.column <= comment.mark.column }),
                inner.column > next?.column ?? 0
            {
                inner.footers.append(words.text)
            } else if let next {
                next.leading.append(words)
            } else {
                rest.append(words)
            }
        }
        return rest
    }

    private func attachTrailing(_ comment: YAMLComment, _ before: Row?, _ next: Row?, _ rest: inout [Words]) {
        let words = Words(text: comment.words, isSeparate: false)
        if let next, isBehindDashes(comment) {
            next.leading.append(words)
        } else if let before, before.trailing == nil {
            before.trailing = words.text
        } else if let before {
            before.footers.append(words.text)
        } else if let next {
            next.leading.append(words)
        } else {
            rest.append(words)
        }
    }

    private func isBehindDashes(_ comment: YAMLComment) -> Bool {
        let before = document.line(comment.mark.line)?.unicodeScalars.prefix(comment.mark.column - 1)
        return before?.allSatisfy { $0 == " " || $0 == "\t" || $0 == "-" } ?? false
    }

    /// Whether the line before this one is empty.
    func isSeparate(_ line: Int) -> Bool {
        guard line > 1, let before = document.line(line - 1) else { return false }
        return before.unicodeScalars.allSatisfy { $0 == " " || $0 == "\t" }
    }
}

// MARK: - Lines

extension YAMLForm {
    private func lines(_ rows: [Row], indent: Int) -> [String] {
        var out: [String] = []
        let margin = String(repeating: " ", count: indent)
        for (index, row) in rows.enumerated() {
            var comments = row.leading
            if case .map(let inner) = row.value, row.key == nil { comments += hoisted(row, inner) }
            if case .list(let inner) = row.value, row.key == nil { comments += hoisted(row, inner) }
            for (place, comment) in comments.enumerated() {
                if comment.isSeparate, index + place > 0 { out.append("") }
                out.append(margin + comment.text)
            }
            if row.isSeparate, index + comments.count > 0 { out.append("") }
            out += lines(row, margin, indent)
            out += row.footers.map { margin + $0 }
        }
        return out
    }

    /// Comments that would stand between a dash and what it begins go before the dash.
    private func hoisted(_ row: Row, _ inner: [Row]) -> [Words] {
        var words: [Words] = []
        if let trailing = row.trailing { words.append(Words(text: trailing, isSeparate: false)) }
        row.trailing = nil
        words += (inner.first?.leading ?? []).map { Words(text: $0.text, isSeparate: false) }
        inner.first?.leading = []
        return words
    }

    private func lines(_ row: Row, _ margin: String, _ indent: Int) -> [String] {
        let head = margin + (row.key.map { $0 + ":" } ?? "-")
        let tail = row.trailing.map { "  " + $0 } ?? ""
        switch row.value {
        case .inline(let text): return [head + (text.isEmpty ? "" : " " + text) + tail]
        case .block(let header, let body):
            return (row.trailing.map { [margin + $0] } ?? []) + [head + " " + header]
                + body.map { $0.isEmpty ? "" : margin + "  " + $0 }
        case .map(let rows), .list(let rows):
            var inner = lines(rows, indent: indent + 2)
            guard row.key == nil, let first = inner.first else { return [head + tail] + inner }
            inner[0] = head + " " + first.dropFirst(indent + 2)
            return inner
        }
    }
}
