// SPDX-License-Identifier: Apache-2.0

/// A regular expression in the syntax of RE2 that says whether text matches anywhere, in time linear in the text.
///
/// All alternatives are followed at once (K. Thompson's machine), so no pattern and no text can make it go back.
struct Pattern: Sendable {
    let instructions: [PatternInstruction]
    let sets: [ScalarSet]
    /// Every match begins at the start of the text.
    let isAnchored: Bool

    var size: Int { instructions.count }

    init(_ text: String, instructionsMax: Int) throws(PatternSlip) {
        guard text.utf8.count <= instructionsMax else {
            throw PatternSlip("it is longer than \(instructionsMax) bytes")
        }
        let node = try PatternParser.parse(text)
        var compiler = PatternCompiler(instructionsMax: instructionsMax)
        try compiler.emit(node)
        try compiler.finish()
        instructions = compiler.instructions
        sets = compiler.sets
        isAnchored = node.beginsAtStart
    }

    func matches(_ text: String) -> Bool {
        var machine = PatternMachine(self)
        return machine.run(text)
    }
}

/// What is wrong with a regular expression.
struct PatternSlip: Error {
    let message: String
    var suggestion: String?
    /// It was read to its end and has too many instructions.
    var isTooLarge = false

    init(_ message: String, suggestion: String? = nil) {
        self.message = "the regular expression is wrong: \(message)"
        self.suggestion = suggestion
    }
}

/// A position's condition that reads no scalar.
enum PatternAssertion: UInt8, Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
}

struct PatternInstruction: Sendable {
    enum Code: UInt8, Sendable { case scalar, set, any, split, jump, assert, match }

    var code: Code
    /// The scalar, the set, the first target or the assertion.
    var x: UInt32 = 0
    /// The second target.
    var y: UInt32 = 0
}

/// A parsed regular expression.
indirect enum PatternNode: Sendable {
    case empty
    case scalar(Unicode.Scalar)
    case set(ScalarSet)
    case any
    case assertion(PatternAssertion)
    case sequence([PatternNode])
    case choice([PatternNode])
    case repetition(PatternNode, least: Int, most: Int?)

    var beginsAtStart: Bool {
        switch self {
        case .assertion(.textStart): true
        case .sequence(let parts): parts.first?.beginsAtStart == true
        case .choice(let parts): !parts.isEmpty && parts.allSatisfy(\.beginsAtStart)
        case .repetition(let part, let least, _): least > 0 && part.beginsAtStart
        default: false
        }
    }
}
