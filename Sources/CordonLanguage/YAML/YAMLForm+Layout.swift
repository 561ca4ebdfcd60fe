// SPDX-License-Identifier: Apache-2.0

extension YAMLForm {
    /// `before`: the columns that stand before the value on its line.
    mutating func layout(_ node: YAMLNode, indent: Int, before: Int, path: [String]) -> Layout {
        switch node.content {
        case .scalar(let scalar): return layout(scalar, node, before)
        case .sequence(let items) where items.isEmpty: return .inline("[]")
        case .mapping(let entries) where entries.isEmpty: return .inline("{}")
        case .sequence, .mapping: break
        }
        if isInBrackets(node), !hasCommentInside(node) {
            let text = flow(node, path)
            if before + text.unicodeScalars.count <= Self.columnsMax { return .inline(text) }
        }
        if let items = node.items { return .list(items.map { item($0, of: node, indent, path) }) }
        let entries = (node.entries ?? []).map { entry($0, indent, path) }
        return .map(sorted(entries, path) { $0.key ?? "" })
    }

    private mutating func item(_ node: YAMLNode, of list: YAMLNode, _ indent: Int, _ path: [String]) -> Row {
        let row = row(nil, node.place, column: list.place.column)
        row.value = layout(node, indent: indent + 2, before: indent + 2, path: path + ["*"])
        return row
    }

    private mutating func entry(_ entry: YAMLEntry, _ indent: Int, _ path: [String]) -> Row {
        let key = Self.key(entry.key)
        let row = row(key, entry.place, column: entry.place.column)
        row.value = layout(
            entry.value, indent: indent + 2, before: indent + key.unicodeScalars.count + 2, path: path + [entry.key])
        return row
    }

    private mutating func row(_ key: String?, _ place: Place, column: Int) -> Row {
        let row = Row(
            key: key, mark: YAMLMark(line: place.line, column: place.column), column: column,
            isSeparate: isSeparate(place.line))
        rows.append(row)
        return row
    }

    private func sorted<Item>(_ items: [Item], _ path: [String], _ key: (Item) -> String) -> [Item] {
        let order = order(path)
        let numbers = Dictionary(order.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        return items.enumerated().sorted { left, right in
            (numbers[key(left.element)] ?? order.count, left.offset)
                < (numbers[key(right.element)] ?? order.count, right.offset)
        }.map(\.element)
    }

    // MARK: Brackets

    private func mark(_ node: YAMLNode) -> YAMLMark { YAMLMark(line: node.place.line, column: node.place.column) }

    private func isInBrackets(_ node: YAMLNode) -> Bool { document.outline.flowEnds[mark(node)] != nil }

    private func hasCommentInside(_ node: YAMLNode) -> Bool {
        guard let end = document.outline.flowEnds[mark(node)] else { return false }
        let start = mark(node)
        return document.outline.comments.contains { start < $0.mark && $0.mark < end }
    }

    private func flow(_ node: YAMLNode, _ path: [String]) -> String {
        switch node.content {
        case .scalar(let scalar):
            if scalar.style == .plain { return scalar.text.isEmpty ? "null" : scalar.text }
            return Self.quoted(scalar.text)
        case .sequence(let items): return "[" + items.map { flow($0, path + ["*"]) }.joined(separator: ", ") + "]"
        case .mapping(let entries) where entries.isEmpty: return "{}"
        case .mapping(let entries):
            let parts = sorted(entries, path) { $0.key }.map { entry in
                Self.key(entry.key) + ": " + flow(entry.value, path + [entry.key])
            }
            return "{ " + parts.joined(separator: ", ") + " }"
        }
    }

    // MARK: Leaves

    private mutating func layout(_ scalar: YAMLScalar, _ node: YAMLNode, _ before: Int) -> Layout {
        switch scalar.style {
        case .plain:
            let isLong = before + scalar.text.unicodeScalars.count > Self.columnsMax
            guard isLong, !isOneLine(scalar, node) else { return .inline(scalar.text) }
            return folded(scalar.text, before) ?? .inline(Self.quoted(scalar.text))
        case .quoted: return .inline(Self.quoted(scalar.text))
        case .block: return block(scalar, node)
        }
    }

    private func isOneLine(_ scalar: YAMLScalar, _ node: YAMLNode) -> Bool {
        guard let line = document.line(node.place.line) else { return true }
        return line.unicodeScalars.dropFirst(node.place.column - 1).starts(with: scalar.text.unicodeScalars)
    }

    /// Text that stood on several lines and fits on none: folded, so that it is read as one.
    private func folded(_ text: String, _ before: Int) -> Layout? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard !words.contains(where: \.isEmpty), !text.contains("\n") else { return nil }
        let room = Self.columnsMax / 2 + 40
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + word.count < room - min(before, 40) {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return .block(header: ">-", lines: lines)
    }

    /// Block text as it stands, moved to its new margin.
    private mutating func block(_ scalar: YAMLScalar, _ node: YAMLNode) -> Layout {
        let first = document.line(node.place.line) ?? ""
        let header = String(String.UnicodeScalarView(first.unicodeScalars.dropFirst(node.place.column - 1)))
        let indicators = header.prefix { $0 != " " && $0 != "#" }
        // Digits and '+' hang on margins and empty lines that this form does not keep.
        guard indicators.allSatisfy({ "|>-".contains($0) }), let lines = blockLines(from: node.place.line + 1) else {
            if header.contains("#") { isLossy = true }
            return .inline(Self.quoted(scalar.text))
        }
        return .block(header: YAMLComment(mark: mark(node), text: header, isAlone: false).words, lines: lines)
    }

    private func blockLines(from start: Int) -> [String]? {
        var out: [String] = []
        var margin: Int?
        var number = start
        while let line = document.line(number) {
            let spaces = line.prefix { $0 == " " }.count
            let isEmpty = spaces == line.count
            if !isEmpty {
                let least = margin ?? max(spaces, 1)
                margin = least
                if spaces < least { break }
            }
            out.append(isEmpty && spaces <= margin ?? spaces ? "" : String(line.dropFirst(margin ?? 0)))
            number += 1
        }
        while out.last?.isEmpty == true { out.removeLast() }
        return out.isEmpty ? nil : out
    }

    /// A key as it stands where that is plain, in quotes otherwise.
    static func key(_ text: String) -> String {
        let scalar = YAMLScalar(text: text, style: .plain)
        let isWord = text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
                || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/")].contains($0)
        }
        guard isWord, let first = text.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "."),
            case .string = scalar.value, !scalar.isAmbiguousWord, !scalar.isAmbiguousNumber
        else { return quoted(text) }
        return text
    }

    /// In double quotes, or in single ones where these would need escapes and those none.
    static func quoted(_ text: String) -> String {
        let isVisible = !text.unicodeScalars.contains { $0.isInvisible || $0 == "\t" }
        if isVisible, text.contains("\"") || text.contains("\\"), !text.contains("'") { return "'\(text)'" }
        var out = ""
        for scalar in Value.string(text).json.unicodeScalars {
            guard scalar.isInvisible else {
                out.unicodeScalars.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let width = scalar.value > 0xFFFF ? 8 : 4
            out += (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count) + digits
        }
        return out
    }
}
