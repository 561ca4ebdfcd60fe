// SPDX-License-Identifier: Apache-2.0

/// A file's text after the checks that need no grammar: size, encoding, characters; line ends are all `\n`.
struct YAMLSource: Sendable {
    let file: String
    let text: String
    let scalars: [Unicode.Scalar]
    private let lineStarts: [Int]

    init(_ bytes: some Collection<UInt8>, file: String, limits: YAMLLimits) throws(Diagnostics) {
        self.file = file
        guard bytes.count <= limits.bytesMax else {
            throw Self.refusal(
                .tooLarge, file, "the file has \(bytes.count) bytes, the limit is \(limits.bytesMax)",
                "split it; one file holds one playbook, workflow or connector")
        }
        let bytes = Array(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw Self.refusal(
                .byteOrderMark, file, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw Self.refusal(.notUTF8, file, "the file is UTF-16", "save it as UTF-8")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.notUTF8(bytes, file)
        }
        let read = Self.withoutCarriageReturns(Array(text.unicodeScalars))
        scalars = read
        self.text = String(String.UnicodeScalarView(read))
        lineStarts = [0] + read.indices.filter { read[$0] == "\n" }.map { $0 + 1 }
        let findings = invisibleCharacters()
        guard findings.isEmpty else { throw diagnostics(findings) }
    }

    /// A line by its number from 1, without its end.
    func line(_ number: Int) -> String? {
        guard lineStarts.indices ~= number - 1 else { return nil }
        let start = lineStarts[number - 1]
        let end = number < lineStarts.count ? lineStarts[number] - 1 : scalars.count
        return String(String.UnicodeScalarView(scalars[start..<end]))
    }

    func diagnostics(_ findings: [YAMLFinding]) -> Diagnostics {
        Diagnostics(
            findings.map { finding in
                Diagnostic(
                    code: finding.code.rawValue, place: place(finding.mark), message: finding.message,
                    suggestion: finding.suggestion, sourceLine: line(finding.mark.line), width: finding.width)
            })
    }

    /// Where among all scalars a place is; `nil` where the file has no such line.
    func index(of place: Place) -> Int? {
        guard lineStarts.indices ~= place.line - 1 else { return nil }
        let index = lineStarts[place.line - 1] + place.column - 1
        return scalars.indices ~= index ? index : nil
    }

    func place(ofIndex index: Int) -> Place {
        let line = lineStarts.lastIndex { $0 <= index } ?? 0
        return Place(file: file, line: line + 1, column: index - lineStarts[line] + 1)
    }

    func place(_ mark: YAMLMark) -> Place { Place(file: file, line: mark.line, column: mark.column) }

    private func invisibleCharacters() -> [YAMLFinding] {
        var findings: [YAMLFinding] = []
        var mark = YAMLMark(line: 1, column: 1)
        for scalar in scalars {
            if scalar == "\n" {
                mark = YAMLMark(line: mark.line + 1, column: 1)
                continue
            }
            if scalar.isInvisible {
                let number = String(scalar.value, radix: 16, uppercase: true)
                let name = "U+" + String(repeating: "0", count: max(0, 4 - number.utf8.count)) + number
                findings.append(
                    YAMLFinding(
                        code: .invisibleCharacter, mark: mark,
                        message: "the invisible character \(name) is not allowed",
                        suggestion: "remove it, or write it as an escape in double quotes"))
                if findings.count == YAMLLimits.findingsMax { break }
            }
            mark.column += 1
        }
        return findings
    }

    private static func withoutCarriageReturns(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains("\r") else { return scalars }
        return scalars.indices.lazy
            .filter { !(scalars[$0] == "\r" && $0 + 1 < scalars.count && scalars[$0 + 1] == "\n") }
            .map { scalars[$0] }
    }

    private static func refusal(
        _ code: YAMLCode, _ file: String, line: Int = 1, column: Int = 1, _ message: String, _ suggestion: String
    ) -> Diagnostics {
        let place = Place(file: file, line: line, column: column)
        return Diagnostics([
            Diagnostic(code: code.rawValue, place: place, message: message, suggestion: suggestion)
        ])
    }

    private static func notUTF8(_ bytes: [UInt8], _ file: String) -> Diagnostics {
        let offset = bytes.withUnsafeBufferPointer(firstInvalidUTF8) ?? 0
        let before = bytes[..<offset]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return refusal(
            .notUTF8, file, line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1,
            "these bytes are not UTF-8", "save the file as UTF-8")
    }
}
