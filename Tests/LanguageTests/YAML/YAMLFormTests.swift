// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// The canonical form says the same as what it was made of, keeps every comment, and is its own canonical form.
@Suite struct YAMLFormTests {
    private func form(_ text: String, _ order: [String] = []) throws -> String {
        let document = try YAMLDocument.parse(text, file: "f.yaml", limits: YAMLLimits(depthMax: 32))
        return try #require(YAMLForm.text(of: document) { $0.isEmpty ? order : [] })
    }

    @Test func `margins, spaces, quotes and empty lines have one form`() throws {
        let text =
            "---\nb:   'x'\n\n\n\na:\n- 1\n-   two  \n-  {k :  v,  l: [ 1,2 ]}\nc:\n      d:   \"it's\"\n      e: 'say \"no\"'\n\n"
        #expect(
            try form(text) == """
                b: "x"

                a:
                  - 1
                  - two
                  - { k: v, l: [1, 2] }
                c:
                  d: "it's"
                  e: 'say "no"'

                """)
    }

    @Test func `keys come in their order, with what stands beside them`() throws {
        let text = """
            # of the file

            # of z
            z: 1 # behind z
            # of w
            w:
              # of k
              k: v

              # of l
              l: w
              # under l

            # of x
            x: 1
            # at the end
            """
        #expect(
            try form(text, ["x", "w"]) == """
                # of x
                x: 1
                # of w
                w:
                  # of k
                  k: v

                  # of l
                  l: w
                  # under l
                # of the file

                # of z
                z: 1  # behind z
                # at the end

                """)
    }

    @Test func `brackets stay where they fit, and are written out where they don't or hold a comment`() throws {
        #expect(try form("a: [1,\n  2]\n") == "a: [1, 2]\n")
        #expect(try form("a: [1, # one\n  2]\n") == "a:\n  - 1  # one\n  - 2\n")
        #expect(try form("a: { k: { l: 1 }, # one\n  m: 2 }\n") == "a:\n  k: { l: 1 }  # one\n  m: 2\n")
        let long = String(repeating: "x", count: 60)
        #expect(try form("a: { k: \(long), l: \(long) }\n") == "a:\n  k: \(long)\n  l: \(long)\n")
        #expect(try form("a: []\nb: {}\nc:\nd: [a: 1]\n") == "a: []\nb: {}\nc:\nd: [{ a: 1 }]\n")
    }

    @Test func `block text keeps its lines, its kind and what stands in it`() throws {
        let text =
            "a:\n    - |\n          one # no comment\n            more\n\n          two\n\n\n    - >-\n     folded\n     text\nb: |+\n  kept\n\n"
        #expect(
            try form(text) == """
                a:
                  - |
                    one # no comment
                      more

                    two

                  - >-
                    folded
                    text
                b: "kept\\n\\n"

                """)
    }

    @Test func `text over several lines is joined, and folded where that is too long`() throws {
        #expect(try form("a: one\n  two\n") == "a: one two\n")
        let words = Array(repeating: "word", count: 40).joined(separator: " ")
        let folded = try form("a: \(words.prefix(99))\n  \(words.dropFirst(100))\n")
        #expect(folded.hasPrefix("a: >-\n  word"))
        #expect(folded.split(separator: "\n").allSatisfy { $0.count <= YAMLForm.columnsMax })
    }

    @Test func `comments between a dash and its map go before the dash`() throws {
        #expect(try form("a:\n- # first\n  # second\n  k: v\n") == "a:\n  # first\n  # second\n  - k: v\n")
    }

    @Test func `invisible characters stay escaped`() throws {
        let text = #"a: "x\u200By\u007F\U000E0041""# + "\n"
        #expect(try form(text) == text)
    }

    @Test(.timeLimit(.minutes(20)))
    func `whatever is accepted means the same in its form, which is its own`() {
        let pieces =
            YAMLFuzzTests.pieces + ["  # own\n", "\n# left\n", "[a, # in\n b]", "- # dash\n", "|-\n  x\n", "''"]
        let findings = Fuzzer("yaml-form", inputs: 1_500).run { dice in
            let text = dice.mutated(dice.pick(YAMLFuzzTests.seeds), with: pieces, scalarsMax: 20_000)
            return Self.finding(text)
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    /// What is wrong with the form of a text; `nil` too for a text that is refused.
    private static func finding(_ text: String) -> String? {
        let limits = YAMLLimits(depthMax: 32)
        guard let document = try? YAMLDocument.parse(text, file: "f.yaml", limits: limits) else { return nil }
        guard let form = YAMLForm.text(of: document) else { return "has no form" }
        guard
            let again = try? YAMLDocument.parse(
                form, file: "f.yaml", limits: YAMLLimits(bytesMax: 1 << 20, depthMax: 64))
        else { return "its form is refused: \(form.debugDescription)" }
        guard again.root.value == document.root.value else { return "means something else: \(form.debugDescription)" }
        guard let twice = YAMLForm.text(of: again), twice == form else {
            return "is not its own form: \(form.debugDescription), \(YAMLForm.text(of: again).debugDescription)"
        }
        return nil
    }
}
