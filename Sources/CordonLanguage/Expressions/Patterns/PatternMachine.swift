// SPDX-License-Identifier: Apache-2.0

/// Follows every way through a pattern at once: per scalar, each instruction is visited at most one time.
struct PatternMachine {
    private let pattern: Pattern
    /// Instructions tried so far: at most the pattern's size for each scalar of the text.
    private(set) var visits = 0

    init(_ pattern: Pattern) { self.pattern = pattern }

    mutating func run(_ text: String) -> Bool {
        let size = pattern.instructions.count
        return pattern.instructions.withUnsafeBufferPointer { instructions in
            pattern.sets.withUnsafeBufferPointer { sets in
                withUnsafeTemporaryAllocation(of: UInt32.self, capacity: PatternThreads.words(for: size)) { words in
                    var threads = PatternThreads(instructions, sets, words)
                    defer { visits += threads.visits }
                    return threads.run(text, isAnchored: pattern.isAnchored)
                }
            }
        }
    }
}

/// The places of a pattern at which a match may stand, before and after one scalar.
///
/// Works on borrowed memory, because this loop decides how long a condition takes: with arrays, whose every access is
/// checked and whose every change asks for uniqueness, it takes ten times as long.
private struct PatternThreads {
    private let instructions: UnsafeBufferPointer<PatternInstruction>
    private let sets: UnsafeBufferPointer<ScalarSet>
    private var current: UnsafeMutableBufferPointer<UInt32>
    private var next: UnsafeMutableBufferPointer<UInt32>
    /// The step at which an instruction was last reached; steps count from 1.
    private let reached: UnsafeMutableBufferPointer<UInt32>
    private let stack: UnsafeMutableBufferPointer<UInt32>
    private var nextCount = 0
    private var step: UInt32 = 1
    private var before: Unicode.Scalar?
    private var after: Unicode.Scalar?
    private(set) var visits = 0

    /// Three lists with a place for each instruction. Each instruction is taken from the stack at most once a step to be
    /// followed, and puts at most two others on it.
    static func words(for size: Int) -> Int { 3 * size + 2 * size + 2 }

    init(
        _ instructions: UnsafeBufferPointer<PatternInstruction>, _ sets: UnsafeBufferPointer<ScalarSet>,
        _ words: UnsafeMutableBufferPointer<UInt32>
    ) {
        let size = instructions.count
        self.instructions = instructions
        self.sets = sets
        words.initialize(repeating: 0)
        current = .init(rebasing: words[0..<size])
        next = .init(rebasing: words[size..<2 * size])
        reached = .init(rebasing: words[2 * size..<3 * size])
        stack = .init(rebasing: words[(3 * size)...])
    }

    mutating func run(_ text: String, isAnchored: Bool) -> Bool {
        var scalars = text.unicodeScalars.makeIterator()
        after = scalars.next()
        if reach(0) { return true }
        while let scalar = after {
            swap(&current, &next)
            let count = nextCount
            nextCount = 0
            step &+= 1
            visits += count
            before = scalar
            after = scalars.next()
            for index in 0..<count where takes(instructions[Int(current[index])], scalar) {
                if reach(current[index] &+ 1) { return true }
            }
            if isAnchored {
                if nextCount == 0 { return false }
            } else if reach(0) {
                return true
            }
        }
        return false
    }

    @inline(__always)
    private func takes(_ instruction: PatternInstruction, _ scalar: Unicode.Scalar) -> Bool {
        switch instruction.code {
        case .scalar: instruction.x == scalar.value
        case .set: sets[Int(instruction.x)].contains(scalar)
        default: true
        }
    }

    /// Adds to `next` what can be reached from an instruction without reading; true when that is a match.
    @inline(__always)
    private mutating func reach(_ start: UInt32) -> Bool {
        stack[0] = start
        var height = 1
        while height > 0 {
            height -= 1
            let place = stack[height]
            guard reached[Int(place)] != step else { continue }
            reached[Int(place)] = step
            let instruction = instructions[Int(place)]
            switch instruction.code {
            case .jump:
                stack[height] = instruction.x
                height += 1
            case .split:
                stack[height] = instruction.y
                stack[height + 1] = instruction.x
                height += 2
            case .assert:
                guard holds(instruction.x) else { continue }
                stack[height] = place &+ 1
                height += 1
            case .match: return true
            case .scalar, .set, .any:
                next[nextCount] = place
                nextCount += 1
            }
        }
        return false
    }

    private func holds(_ assertion: UInt32) -> Bool {
        switch PatternAssertion(rawValue: UInt8(assertion)) {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == "\n"
        case .lineEnd: after == nil || after == "\n"
        case .wordBoundary: isWord(before) != isWord(after)
        case .noWordBoundary: isWord(before) == isWord(after)
        case nil: false
        }
    }

    private func isWord(_ scalar: Unicode.Scalar?) -> Bool { scalar.map(Lexer.isNamePart) == true }
}
