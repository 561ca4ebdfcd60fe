// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

/// The exact words of every mistake of form that refuses a file.
@Suite struct YAMLRefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var source: String
        var text: String
        var testDescription: String { source }

        init(_ source: String, _ text: String) {
            self.source = source
            self.text = text
        }
    }

    @Test(arguments: goldens)
    func `a mistake of form is told in exactly these words`(_ row: Row) {
        #expect(Self.refusal(row.source.utf8) == row.text)
    }

    static func refusal(_ bytes: some Collection<UInt8>, limits: YAMLLimits = .default) -> String {
        do {
            return "accepted: \(try YAMLDocument.parse(bytes, file: "f.yaml", limits: limits).root.value.json)"
        } catch {
            return error.text
        }
    }

    @Test func `bytes that are no UTF-8 are refused where they stand`() {
        let bytes = Array("a: 1\nb: é".utf8) + [0xFF, 0x0A]
        #expect(Self.refusal(bytes) == "f.yaml:2:5: error[P015]: these bytes are not UTF-8 (save the file as UTF-8)")
        let wide: [UInt8] = [0xFF, 0xFE, 0x61, 0x00]
        #expect(Self.refusal(wide) == "f.yaml:1:1: error[P015]: the file is UTF-16 (save it as UTF-8)")
    }

    @Test func `a file has at most 64 KiB`() {
        let fits = "a: " + String(repeating: "x", count: (64 << 10) - 3)
        #expect(Self.refusal(fits.utf8).hasPrefix("accepted"))
        #expect(
            Self.refusal((fits + "x").utf8)
                == "f.yaml:1:1: error[P007]: the file has 65537 bytes, the limit is 65536 (split it; one file holds one playbook, workflow or connector)"
        )
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "!", "&a ", "*a", "\"", "a:\n ", "- - - ", "[{", "\t[", ": "])
    func `nesting of any kind is refused on a stack of 512 KiB`(_ piece: String) {
        onSmallStack {
            let text = String(repeating: piece, count: 65_536 / piece.utf8.count)
            let limits = YAMLLimits(depthMax: 10_000)
            #expect(throws: Diagnostics.self) { try YAMLDocument.parse(text.utf8, file: "f.yaml", limits: limits) }
        }
    }

    @Test func `the deepest tree that is allowed is read, shown and released on a stack of 512 KiB`() {
        onSmallStack {
            let depth = YAMLLimits.depthCeiling
            let flow = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let block = (0..<depth).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
            for text in [flow, block] {
                let document = try? YAMLDocument.parse(text, file: "f.yaml", limits: YAMLLimits(depthMax: depth))
                #expect(document?.root.value.json.isEmpty == false)
            }
        }
    }

    @Test func `mistakes are told up to a bound, in the order of the file`() {
        let many = (0..<500).map { "k\($0): &a 1\n" }.joined()
        let diagnostics = #expect(throws: Diagnostics.self) { try YAMLDocument.parse(many, file: "f.yaml") }
        #expect(diagnostics?.all.count == YAMLLimits.findingsMax)
        #expect(diagnostics?.all.map(\.place.line) == Array(1...YAMLLimits.findingsMax))
    }

    @Test func `every number of form has a golden text here`() {
        let told = Set(
            Self.goldens.compactMap { $0.text.split(separator: "[").dropFirst().first?.prefix(4) }.map(String.init))
        let form = YAMLCode.allCases.map(\.rawValue).filter { $0 < "P020" }
        #expect(Set(form).subtracting(told) == ["P007", "P015"])
    }

    @Test func `every number has its meaning and its explanation`() {
        #expect(Set(YAMLCode.meanings.map(\.code)).count == YAMLCode.allCases.count)
        for meaning in YAMLCode.meanings {
            #expect(!meaning.meaning.isEmpty && !meaning.meaning.hasSuffix("."))
            #expect(meaning.explanation.hasSuffix("."))
        }
    }
}
