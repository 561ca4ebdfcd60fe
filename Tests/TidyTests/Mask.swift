// SPDX-License-Identifier: Apache-2.0

/// Code with its comments and the insides of its strings and raw identifiers blanked out, byte for byte, line for line.
///
/// It knows Swift's nested comments, raw and multi-line strings, `#/…/#` and interpolations, whose insides are code.
struct Mask {
    private(set) var code: [UInt8]
    /// Counted from 0.
    private(set) var commentedLines: Set<Int> = []

    private let bytes: [UInt8]
    private var index = 0
    private var line = 0
    /// The strings that stand open around the code at hand, each with the parentheses open in its interpolation.
    private var open: [(string: Delimiter, parentheses: Int)] = []

    private struct Delimiter {
        var hashes: Int
        var isMultiline: Bool
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        code = bytes
        while index < bytes.count { step() }
    }

    private func at(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }

    private func starts(with text: StaticString) -> Bool {
        for offset in 0..<text.utf8CodeUnitCount where at(offset) != text.utf8Start[offset] { return false }
        return true
    }

    private mutating func pass(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            index += 1
        }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 } else { code[index] = UInt8(ascii: " ") }
            index += 1
        }
    }

    private mutating func step() {
        switch at(0) {
        case UInt8(ascii: "/") where at(1) == UInt8(ascii: "/"): lineComment()
        case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"): blockComment()
        case UInt8(ascii: "\""): beginString(hashes: 0)
        case UInt8(ascii: "`"): rawIdentifier()
        case UInt8(ascii: "#"): hash()
        case UInt8(ascii: "("):
            if let last = open.indices.last { open[last].parentheses += 1 }
            pass()
        case UInt8(ascii: ")"): closeParenthesis()
        default: pass()
        }
    }

    private mutating func lineComment() {
        commentedLines.insert(line)
        while index < bytes.count, at(0) != UInt8(ascii: "\n") { blank() }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            commentedLines.insert(line)
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < bytes.count
    }

    /// A name in backticks is one word, whatever stands in it.
    private mutating func rawIdentifier() {
        pass()
        while index < bytes.count, at(0) != UInt8(ascii: "`"), at(0) != UInt8(ascii: "\n") { blank() }
        pass()
    }

    private mutating func hash() {
        var hashes = 0
        while at(hashes) == UInt8(ascii: "#") { hashes += 1 }
        switch at(hashes) {
        case UInt8(ascii: "\""):
            pass(hashes)
            beginString(hashes: hashes)
        case UInt8(ascii: "/"):
            pass(hashes + 1)
            while index < bytes.count, !starts(with: "/#") { blank() }
            pass(1 + hashes)
        default: pass(hashes)
        }
    }

    private mutating func beginString(hashes: Int) {
        let isMultiline = starts(with: "\"\"\"")
        pass(isMultiline ? 3 : 1)
        inside(Delimiter(hashes: hashes, isMultiline: isMultiline))
    }

    private func hashesFollow(_ offset: Int, _ count: Int) -> Bool {
        (0..<count).allSatisfy { at(offset + $0) == UInt8(ascii: "#") }
    }

    /// Blanks up to the string's end or to an interpolation, whose code the main loop then reads.
    private mutating func inside(_ string: Delimiter) {
        let quotes = string.isMultiline ? 3 : 1
        while index < bytes.count {
            if string.isMultiline ? starts(with: "\"\"\"") : at(0) == UInt8(ascii: "\""),
                hashesFollow(quotes, string.hashes)
            {
                return pass(quotes + string.hashes)
            }
            if !string.isMultiline, at(0) == UInt8(ascii: "\n") { return }
            guard at(0) == UInt8(ascii: "\\"), hashesFollow(1, string.hashes) else {
                blank()
                continue
            }
            blank(1 + string.hashes)
            if at(0) == UInt8(ascii: "(") {
                pass()
                open.append((string, 0))
                return
            }
            blank()
        }
    }

    private mutating func closeParenthesis() {
        pass()
        guard let last = open.indices.last else { return }
        if open[last].parentheses == 0 {
            inside(open.removeLast().string)
        } else {
            open[last].parentheses -= 1
        }
    }
}
