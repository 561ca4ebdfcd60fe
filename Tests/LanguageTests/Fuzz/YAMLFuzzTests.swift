// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import TestKit
import Testing

@Suite struct YAMLFuzzTests {
    static let seeds = [
        "playbook: secret-leaked\nmode: enforce\ntrigger:\n  signal: secret.exposed\n  when: signal.validity == \"active\" && a in [\"b\"]\n",
        "steps:\n  - id: proof\n    do: evidence.capture\n    with: { of: [credential, \"x\"] }\n  - id: fence\n    if: \"!inputs.public\"\n",
        "a: |\n  line\n   more\nb: >-\n  folded\n  text\nc: 'it''s'\nd: \"\\u00e9\\n\"\n",
        "- 1\n- - 2\n  - 3\n-\n  k: v\n", "{a: [1, {b: c}], \"d\": 'e'}\n",
        "guards:\n  require:\n    - { that: \"s.all(c, c.x)\", else: propose }\n  limits: { per_run: 1, share: 3% }\n",
    ]
    static let pieces = [
        "\n", "\n  ", "\n- ", ": ", ":", "- ", "-", "? ", "?", "!", "!!str ", "&a ", "*a", "<<: ", "[", "]", "{", "}",
        ",", "'", "\"", "|", ">", "|2-\n", "# c", " ", "\t", "\r\n", "\r",
        "---\n", "...\n", "%YAML 1.2\n", "yes", "017", "~", "null", "é", "\u{85}", "\u{2028}", "\u{FEFF}", "\\", "@",
        "`", "a", "key", "\\x41", "\u{0}",
    ]

    @Test(.timeLimit(.minutes(20)))
    func `no file crashes the reader, hangs it or is read in two ways`() {
        let findings = Fuzzer("yaml", inputs: 1_500).run { dice in
            var bytes = Array(
                (dice.chance(25)
                    ? (0..<dice.below(30)).map { _ in dice.pick(Self.pieces) }.joined()
                    : dice.mutated(dice.pick(Self.seeds), with: Self.pieces, scalarsMax: 70_000)).utf8)
            if dice.chance(3), !bytes.isEmpty { bytes[dice.below(bytes.count)] = UInt8(dice.below(256)) }
            let limits = YAMLLimits(depthMax: dice.pick([8, 64]))
            return Self.finding(bytes, limits)
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func `the corpus is read in one way or refused with a word`() {
        let findings = Corpus.findings(in: Corpus.files) { text in
            [8, 64].lazy.compactMap { Self.finding(Array(text.utf8), YAMLLimits(depthMax: $0)) }.first
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    private static func finding(_ bytes: [UInt8], _ limits: YAMLLimits) -> String? {
        do throws(Diagnostics) {
            return finding(try YAMLDocument.parse(bytes, file: "f.yaml", limits: limits), limits)
        } catch {
            return error.text.isEmpty || error.all.isEmpty ? "refused without a word" : nil
        }
    }

    /// What is accepted stands where it says it does, and nests no deeper than allowed.
    private static func finding(_ document: YAMLDocument, _ limits: YAMLLimits) -> String? {
        var waiting = [(node: document.root, depth: 0)]
        while let (node, depth) = waiting.popLast() {
            guard depth <= limits.depthMax else { return "nested \(depth) deep" }
            if let line = document.line(node.place.line) {
                guard node.place.column - 1 + node.width <= line.unicodeScalars.count + 1 else {
                    return "a node ends outside of its line: \(node.place)"
                }
            } else if node.scalar?.text != "" {
                return "a node stands on no line: \(node.place)"
            }
            for item in node.items ?? [] { waiting.append((item, depth + 1)) }
            let entries = node.entries ?? []
            guard Set(entries.map(\.key)).count == entries.count else {
                return "a key occurs twice: \(entries.map(\.key))"
            }
            for entry in entries { waiting.append((entry.value, depth + 1)) }
        }
        return nil
    }
}
