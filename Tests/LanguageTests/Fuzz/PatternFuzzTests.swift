// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import CordonLanguage

@Suite struct PatternFuzzTests {
    static let pieces = [
        "a", "b", "é", ".", "^", "$", "|", "(", ")", "(?:", "(?i)", "(?i-s:", "(?P<n>", "*", "+", "?", "??", "{2}",
        "{1,3}",
        "{0,1000}", "[a-c]", "[^a]", "[[:alpha:]]", "[", "]", "\\d", "\\W", "\\b", "\\B", "\\A", "\\z", "\\pL",
        "\\p{Lu}", "\\Q", "\\E", "\\x{41}", "\\", "-",
    ]
    static let seeds = [
        "^(a+)+$", "(?i)\\b[a-z0-9._%+-]+@[a-z]+\\.com\\b", "a{2,5}(b|c)*?d", "(?s)^.*\\Qa.b\\E[^\\w]$",
        "([^a]|\\d{3})+",
    ]

    @Test(.timeLimit(.minutes(20)))
    func `no pattern and no text crash the engine, hang it or cost more than size times length`() {
        let findings = Fuzzer("patterns", inputs: 1_500).run { dice in
            let source =
                dice.chance(50)
                ? (0..<dice.below(14)).map { _ in dice.pick(Self.pieces) }.joined()
                : dice.mutated(dice.pick(Self.seeds), with: Self.pieces, scalarsMax: 400)
            let texts = (0..<4).map { _ in
                let letters = dice.pick([["a"], ["a", "b"], ["a", "B", "é", "\n", "1", " ", "K"]])
                return (0..<dice.below(60)).map { _ in dice.pick(letters) }.joined()
            }
            return Self.finding(source, texts)
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    private static func finding(_ source: String, _ texts: [String]) -> String? {
        guard let pattern = try? Pattern(source, instructionsMax: 2_000) else { return nil }
        guard pattern.size <= 2_000 else { return "'\(source)' has \(pattern.size) instructions" }
        for text in texts {
            var machine = PatternMachine(pattern)
            _ = machine.run(text)
            let bound = pattern.size * (text.unicodeScalars.count + 1)
            guard machine.visits <= bound else { return "'\(source)' on '\(text)': \(machine.visits) visits" }
        }
        return nil
    }

    @Test func `the corpus costs no more than size times length`() {
        let findings = Corpus.findings(in: Corpus.patterns) { Self.finding($0, Corpus.texts) }
        #expect(findings.isEmpty, "\(findings)")
    }

    /// An engine of another make, on syntax and texts for which both mean the same, says the same.
    @Test(.timeLimit(.minutes(20)))
    func `plain patterns match what Foundation's engine matches`() throws {
        let pieces = [
            "a", "b", "c", ".", "(a|b)", "(?:ab|c)", "[ab]", "[^a]", "a*", "b+", "c?", "(ab)*", "(a|bc){1,2}",
            "[a-b]{2}", "^", "$", "\\b", "\\B", "|",
            "(?:a|b*)", "(?i:A)", "\\d", "\\w+", "(^a|b$)", "(a*b)+",
        ]
        let findings = Fuzzer("patterns against Foundation", inputs: 1_000).run { dice in
            let source = (0..<(1 + dice.below(6))).map { _ in dice.pick(pieces) }.joined()
            guard let pattern = try? Pattern(source, instructionsMax: 2_000),
                let other = try? NSRegularExpression(pattern: source)
            else { return nil }
            for _ in 0..<6 {
                let text = (0..<dice.below(9)).map { _ in dice.pick(["a", "b", "c", "A", "1", " ", "-"]) }.joined()
                let found = other.firstMatch(in: text, range: NSRange(location: 0, length: text.utf16.count)) != nil
                guard pattern.matches(text) == found else {
                    return "'\(source)' on '\(text)': Foundation says \(found)"
                }
            }
            return nil
        }
        #expect(findings.isEmpty, "\(findings)")
    }
}
