// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// No pattern and no text may cost more than the text's length times the pattern's size.
@Suite struct PatternWorkTests {
    /// Patterns on which engines that go back need time exponential in the text, each with what makes it fail last.
    static let hostile = [
        "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(a*)*$", "(a?){20}a{20}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*b$",
        "^(?:a?b??)*$", "(x+x+)+y", "(?i)^(a+a+)+$", "(\\w+\\s?)+$", "^((a{1,9}){1,9}){1,3}$",
    ]

    @Test(arguments: hostile)
    func `work grows with the length of the text and no faster`(_ source: String) throws {
        let pattern = try Pattern(source, instructionsMax: 10_000)
        for length in [1_000, 2_000, 10_000] {
            let text = String(repeating: "a", count: length) + "!"
            var machine = PatternMachine(pattern)
            _ = machine.run(text)
            #expect(machine.visits <= pattern.size * (length + 2))
        }
    }

    @Test func `nested repetitions over 100,000 letters take one visit for each letter and instruction`() throws {
        let pattern = try Pattern("^(a+)+$", instructionsMax: 10_000)
        let letters = String(repeating: "a", count: 100_000)
        for (text, isMatch) in [(letters, true), (letters + "b", false)] {
            var machine = PatternMachine(pattern)
            let start = ContinuousClock.now
            #expect(machine.run(text) == isMatch)
            print("figure: ^(a+)+$ on \(text.utf8.count) bytes: \(ContinuousClock.now - start)")
            #expect(machine.visits <= 400_008)
        }
    }

    @Test(arguments: ["a{1000}{1000}", "(a{100}){100}", "((a{50}){50}){50}", "([a-z]{500}|b{600}){20}"])
    func `counted repetitions cannot grow past the bound on a pattern's size`(_ source: String) {
        let slip = #expect(throws: PatternSlip.self) { try Pattern(source, instructionsMax: 9_000) }
        #expect(slip?.message.isEmpty == false)
    }

    @Test func `repeating nothing makes nothing`() throws {
        #expect(try Pattern("((((){1000}){1000}){1000}){1000}", instructionsMax: 100).matches(""))
        #expect(try Pattern("(?:(?:^{1000}){1000}$)", instructionsMax: 2_000_000).matches(""))
    }

    @Test func `deep brackets and empty quotes are safe on a stack of 512 KiB`() {
        onSmallStack {
            let deepest = PatternParser.depthMax
            let nested = String(repeating: "(", count: deepest) + "a" + String(repeating: ")*", count: deepest)
            #expect((try? Pattern(nested, instructionsMax: 10_000))?.matches("aaa") == true)
            let tooDeep = String(repeating: "(", count: 4_000)
            #expect(throws: PatternSlip.self) { try Pattern(tooDeep, instructionsMax: 10_000) }
            let quotes = "a" + String(repeating: "\\Q\\E*", count: 1_900)
            #expect(throws: PatternSlip.self) { try Pattern(quotes, instructionsMax: 10_000) }
            let long = String(repeating: "a|", count: 4_000)
            #expect((try? Pattern(long, instructionsMax: 100_000))?.matches("x") == true)
        }
    }

    @Test func `classes in any number stay small`() throws {
        let wide = "(?i)[" + String(repeating: "\\D\\W\\x{0}-\\x{10FFFF}", count: 300) + "]"
        let pattern = try Pattern(wide, instructionsMax: 10_000)
        #expect(pattern.sets.map(\.ranges.count) == [1])
    }

    @Test func `a pattern made while the condition runs is paid for, also when it is wrong`() throws {
        let condition = try Expression.compile(
            "list.exists(x, 'a'.matches(pattern))", variables: ["list": .list(.int), "pattern": .string],
            limits: ExpressionLimits(costMax: 100_000))
        let list = Value.array((0..<5_000).map { .int($0) })
        for pattern in ["(" + String(repeating: "a", count: 5_000), "(b{100}){200}", "(b{90}){90}"] {
            let outcome = condition.decide(["list": list, "pattern": .string(pattern)])
            #expect(outcome == .undecided(EvaluationError(.costExceeded, "")), "\(pattern.prefix(20))")
        }
        let long = Value.string(String(repeating: "a", count: 20_000))
        let outcome = condition.decide(["list": [1], "pattern": long])
        #expect(outcome == .undecided(EvaluationError(.badPattern, "")))
    }

    @Test func `matching is charged by the text's length and the pattern's size`() throws {
        let condition = try Expression.compile(
            "text.matches('(a|b)*c')", variables: ["text": .string], limits: ExpressionLimits(costMax: 1_000))
        #expect(condition.decide(["text": .string(String(repeating: "a", count: 1_000))]) == .isFalse)
        let long = condition.decide(["text": .string(String(repeating: "a", count: 10_000))])
        #expect(long == .undecided(EvaluationError(.costExceeded, "")))
    }
}
