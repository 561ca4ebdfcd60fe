// SPDX-License-Identifier: Apache-2.0

/// Lays a parsed pattern out as instructions; counted repetitions are written out, so their number is bounded.
struct PatternCompiler {
    private(set) var instructions: [PatternInstruction] = []
    private(set) var sets: [ScalarSet] = []
    let instructionsMax: Int

    init(instructionsMax: Int) { self.instructionsMax = instructionsMax }

    mutating func finish() throws(PatternSlip) { _ = try add(PatternInstruction(code: .match)) }

    mutating func emit(_ node: PatternNode) throws(PatternSlip) {
        switch node {
        case .empty: break
        case .scalar(let scalar): _ = try add(PatternInstruction(code: .scalar, x: scalar.value))
        case .any: _ = try add(PatternInstruction(code: .any))
        case .assertion(let assertion):
            _ = try add(PatternInstruction(code: .assert, x: UInt32(assertion.rawValue)))
        case .set(let set):
            sets.append(set)
            _ = try add(PatternInstruction(code: .set, x: UInt32(sets.count - 1)))
        case .sequence(let parts): for part in parts { try emit(part) }
        case .choice(let parts): try emitChoice(parts)
        case .repetition(let part, let least, let most): try emitRepetition(part, least, most)
        }
    }

    private mutating func add(_ instruction: PatternInstruction) throws(PatternSlip) -> Int {
        guard instructions.count < instructionsMax else {
            var slip = PatternSlip(
                "compiled it has more than \(instructionsMax) instructions",
                suggestion: "make its counted repetitions smaller")
            slip.isTooLarge = true
            throw slip
        }
        instructions.append(instruction)
        return instructions.count - 1
    }

    private mutating func emitChoice(_ parts: [PatternNode]) throws(PatternSlip) {
        var jumps: [Int] = []
        for (index, part) in parts.enumerated() {
            guard index < parts.count - 1 else {
                try emit(part)
                break
            }
            let split = try add(PatternInstruction(code: .split))
            instructions[split].x = UInt32(split + 1)
            try emit(part)
            jumps.append(try add(PatternInstruction(code: .jump)))
            instructions[split].y = UInt32(instructions.count)
        }
        for jump in jumps { instructions[jump].x = UInt32(instructions.count) }
    }

    private mutating func emitRepetition(
        _ part: PatternNode, _ least: Int, _ most: Int?
    ) throws(PatternSlip) {
        for _ in 0..<least {
            let before = instructions.count
            try emit(part)
            // What compiles to nothing is the same once or a thousand times.
            if instructions.count == before { return }
        }
        guard let most else { return try emitLoop(part) }
        var splits: [Int] = []
        for _ in least..<max(most, least) {
            let split = try add(PatternInstruction(code: .split))
            instructions[split].x = UInt32(split + 1)
            splits.append(split)
            let before = instructions.count
            try emit(part)
            if instructions.count == before { break }
        }
        for split in splits { instructions[split].y = UInt32(instructions.count) }
    }

    private mutating func emitLoop(_ part: PatternNode) throws(PatternSlip) {
        let split = try add(PatternInstruction(code: .split))
        instructions[split].x = UInt32(split + 1)
        try emit(part)
        _ = try add(PatternInstruction(code: .jump, x: UInt32(split)))
        instructions[split].y = UInt32(instructions.count)
    }
}
