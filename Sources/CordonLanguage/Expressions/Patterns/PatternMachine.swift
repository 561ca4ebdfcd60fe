// SPDX-License-Identifier: Apache-2.0

/// Follows every way through a pattern at once: per scalar, each instruction is visited at most one time.
struct PatternMachine {
    private let pattern: Pattern
    private var current: [UInt32] = []
    private var next: [UInt32] = []
    /// The step at which an instruction was last reached.
    private var reached: [Int]
    private var step = 0
    private var stack: [UInt32] = []
    private var before: Unicode.Scalar?
    private var after: Unicode.Scalar?

    init(_ pattern: Pattern) {
        self.pattern = pattern
        reached = Array(repeating: -1, count: pattern.instructions.count)
        current.reserveCapacity(pattern.instructions.count)
        next.reserveCapacity(pattern.instructions.count)
    }

    mutating func run(_ text: String) -> Bool {
        var scalars = text.unicodeScalars.makeIterator()
        after = scalars.next()
        if reach(0) { return true }
        while let scalar = after {
            swap(&current, &next)
            next.removeAll(keepingCapacity: true)
            step += 1
            before = scalar
            after = scalars.next()
            for place in current where takes(pattern.instructions[Int(place)], scalar) {
                if reach(place + 1) { return true }
            }
            if !pattern.isAnchored, reach(0) { return true }
            if next.isEmpty { return false }
        }
        return false
    }

    @inline(__always)
    private func takes(_ instruction: PatternInstruction, _ scalar: Unicode.Scalar) -> Bool {
        switch instruction.code {
        case .scalar: instruction.x == scalar.value
        case .set: pattern.sets[Int(instruction.x)].contains(scalar)
        default: true
        }
    }

    /// Adds to `next` what can be reached from an instruction without reading; true when that is a match.
    @inline(__always)
    private mutating func reach(_ start: UInt32) -> Bool {
        stack.append(start)
        while let place = stack.popLast() {
            guard reached[Int(place)] != step else { continue }
            reached[Int(place)] = step
            let instruction = pattern.instructions[Int(place)]
            switch instruction.code {
            case .jump: stack.append(instruction.x)
            case .split:
                stack.append(instruction.y)
                stack.append(instruction.x)
            case .assert: if holds(instruction.x) { stack.append(place + 1) }
            case .match:
                stack.removeAll(keepingCapacity: true)
                return true
            case .scalar, .set, .any: next.append(place)
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
