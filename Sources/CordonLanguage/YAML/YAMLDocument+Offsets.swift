// SPDX-License-Identifier: Apache-2.0

extension YAMLDocument {
    /// Where a character of a scalar's text stands in the file: quotes, escapes, line ends and margins are counted out.
    ///
    /// What is not blank stands in the file in the same order, with nothing but blanks and escapes between, in whatever
    /// style it is written: so its characters are counted, and the rest is not interpreted anew.
    package func place(ofOffset offset: Int, in node: YAMLNode) -> Place {
        guard let scalar = node.scalar else { return node.place }
        let text = Array(scalar.text.unicodeScalars.prefix(max(offset, 0) + 1))
        let isAtEnd = text.count <= offset
        let last = isAtEnd ? text.count - 1 : offset
        // A blank may be a line's end in the file: it is placed behind the last character that is none.
        guard let shown = text.prefix(last + 1).lastIndex(where: { !Self.isBlank($0) }) else { return node.place }
        let count = text[...shown].count { !Self.isBlank($0) }
        guard let start = source.index(of: node.place) else { return node.place }
        var walk = ScalarWalk(source.scalars, from: start, style: scalar.style)
        for _ in 1..<count { walk.pass() }
        guard let found = walk.next() else { return node.place }
        var place = source.place(ofIndex: found)
        place.column += offset - shown
        return place
    }

    static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }
}

/// Goes through a scalar as it is written, one character of its text that is not blank after the other.
private struct ScalarWalk {
    private let scalars: [Unicode.Scalar]
    private var index: Int
    /// What quotes it, where something does.
    private let quote: Unicode.Scalar?

    init(_ scalars: [Unicode.Scalar], from start: Int, style: YAMLScalar.Style) {
        self.scalars = scalars
        index = start
        switch style {
        case .plain: quote = nil
        case .quoted:
            quote = scalars[start]
            index += 1
        case .block:
            quote = nil
            // The text begins on the line after the sign, which says how it is folded.
            while index < scalars.count, scalars[index] != "\n" { index += 1 }
        }
    }

    /// Where the next character stands; `nil` behind the last.
    mutating func next() -> Int? {
        while index < scalars.count {
            if YAMLDocument.isBlank(scalars[index]) {
                index += 1
            } else if quote == "\"", scalars[index] == "\\", isBlankEscape {
                index += escapeLength
            } else {
                return index
            }
        }
        return nil
    }

    mutating func pass() {
        guard next() != nil else { return }
        switch (quote, scalars[index]) {
        case ("\""?, "\\"): index += escapeLength
        case ("'"?, "'"): index += 2
        default: index += 1
        }
    }

    private var escaped: Unicode.Scalar? { index + 1 < scalars.count ? scalars[index + 1] : nil }

    private var escapeLength: Int {
        switch escaped {
        case "x": 4
        case "u": 6
        case "U": 10
        default: 2
        }
    }

    private var isBlankEscape: Bool {
        switch escaped {
        case "n", "t", "r", " ", "\t", "\n": return true
        case "x", "u", "U":
            let digits = scalars[min(index + 2, scalars.count)..<min(index + escapeLength, scalars.count)]
            let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16)
            return value.flatMap(Unicode.Scalar.init).map(YAMLDocument.isBlank) ?? false
        default: return false
        }
    }
}
