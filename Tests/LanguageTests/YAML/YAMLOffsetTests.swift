// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

/// Where a character of a scalar's text stands in the file, however the scalar is written.
@Suite struct YAMLOffsetTests {
    /// The place of the first `mark` of the text of `key`, as `line:column`.
    private func place(of mark: String, in text: String) throws -> String {
        let document = try YAMLDocument.parse(text, file: "a.yaml")
        let node = try #require(document.root["when"])
        let scalar = try #require(node.scalar)
        let range = try #require(scalar.text.firstRange(of: mark), "'\(mark)' stands in '\(scalar.text)'")
        let offset = scalar.text[..<range.lowerBound].unicodeScalars.count
        let place = document.place(ofOffset: offset, in: node)
        #expect(place.file == "a.yaml")
        return "\(place.line):\(place.column)"
    }

    @Test func `plain text on one line is counted from its beginning`() throws {
        #expect(try place(of: "a", in: "when: a.b == c\n") == "1:7")
        #expect(try place(of: "c", in: "when: a.b == c\n") == "1:14")
        #expect(try place(of: "b", in: "x: 1\nwhen:   é.b # c\n") == "2:11")
    }

    @Test func `plain text over several lines is found on its own line`() throws {
        let text = "when: a == b\n  && c == d\n\n     || e\n"
        #expect(try place(of: "b", in: text) == "1:12")
        #expect(try place(of: "&&", in: text) == "2:3")
        #expect(try place(of: "d", in: text) == "2:11")
        #expect(try place(of: "e", in: text) == "4:9")
    }

    @Test func `block text is found on the line on which it stands, kept or folded`() throws {
        for sign in ["|", ">-", ">+  # folded", "|2"] {
            let text = "x: 1\nwhen: \(sign)\n  a == b\n  && (c\n  == d)\nz: 2\n"
            #expect(try place(of: "a", in: text) == "3:3", "\(sign)")
            #expect(try place(of: "b", in: text) == "3:8", "\(sign)")
            #expect(try place(of: "c", in: text) == "4:7", "\(sign)")
            #expect(try place(of: "d", in: text) == "5:6", "\(sign)")
        }
    }

    @Test func `escapes and doubled quotes are counted as what they take in the file`() throws {
        #expect(try place(of: "z", in: #"when: "a == \"b\" && z""#) == "1:22")
        #expect(try place(of: "z", in: #"when: "\u0061 \x62 \t \\ z""#) == "1:26")
        #expect(try place(of: "z", in: "when: 'a == ''b'' && z'") == "1:22")
        #expect(try place(of: "'b", in: "when: 'a == ''b'' && z'") == "1:13")
        #expect(try place(of: "z", in: "when: \"a ==\n    b \\\n   && z\"") == "3:7")
    }

    @Test func `an offset behind the text is behind its last character`() throws {
        let document = try YAMLDocument.parse("when: 'a =='\n", file: "a.yaml")
        let node = try #require(document.root["when"])
        #expect(document.place(ofOffset: 4, in: node) == Place(file: "a.yaml", line: 1, column: 12))
        #expect(document.place(ofOffset: 0, in: document.root) == document.root.place)
    }
}
