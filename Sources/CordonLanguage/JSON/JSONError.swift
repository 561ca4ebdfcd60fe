// SPDX-License-Identifier: Apache-2.0

/// Why a text is no JSON, and where; two errors are equal when their codes are.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case unexpectedEnd, unexpectedByte, trailingBytes, byteOrderMark
        case duplicateName, nameExpected
        case badNumber, leadingZero, numberOutOfRange, numberTooLong
        case badEscape, loneSurrogate, controlCharacter, invalidUTF8
        case tooDeep, tooLarge
        /// Only when writing canonical JSON: the value holds a number that JSON has no text for.
        case notFinite
    }

    package var code: Code
    /// Bytes before the offending one.
    package var offset: Int
    /// From 1.
    package var line: Int
    /// From 1, in code points.
    package var column: Int

    package init(_ code: Code, offset: Int = 0, line: Int = 1, column: Int = 1) {
        self.code = code
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// Places an error by counting lines and code points up to its offset.
    init(_ code: Code, offset: Int, in bytes: UnsafeRawBufferPointer) {
        self.init(code, offset: offset)
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
    }

    /// What is wrong, in one clause.
    package var message: String {
        switch code {
        case .unexpectedEnd: "the text ends before the value does"
        case .unexpectedByte: "this character cannot stand here"
        case .trailingBytes: "something follows the value"
        case .byteOrderMark: "the text begins with a byte order mark; save it as UTF-8 without one"
        case .duplicateName: "this name occurs twice in one map"
        case .nameExpected: "a name in double quotes belongs here"
        case .badNumber: "this is no number; a digit belongs here"
        case .leadingZero: "a number has no leading zeros"
        case .numberOutOfRange: "this number is beyond the range of a double"
        case .numberTooLong: "this number has more than \(JSONLimits.numberBytesMax) characters"
        case .badEscape: "this escape is unknown; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX"
        case .loneSurrogate: "half of a surrogate pair stands alone"
        case .controlCharacter: "a control character inside a string must be escaped"
        case .invalidUTF8: "these bytes are not UTF-8"
        case .tooDeep: "lists and maps are nested too deep"
        case .tooLarge: "the text is too large"
        case .notFinite: "JSON has no text for infinity or not-a-number"
        }
    }

    package var description: String { "\(line):\(column): \(message) [\(code.rawValue)]" }

    package static func == (left: JSONError, right: JSONError) -> Bool { left.code == right.code }
    package func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
