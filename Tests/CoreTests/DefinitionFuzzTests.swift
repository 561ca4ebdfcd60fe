// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// What strangers to the language write: every text is read or refused with words and a place, and none ends the program.
@Suite struct DefinitionFuzzTests {
    private static let seeds: [DefinitionSketch] = [.workflow, .reduce, .ask, .playbook]
    private static let pieces = [
        "\n", "\n  ", "\n  - ", ": ", "- ", "|\n    ", ">-\n    ", "\"", "'", "''", "\\\"", "\\u0061", "${", "}",
        "${inputs.hold}",
        "${subject}", "$", "[", "]", "{", "}", ",", "inputs.", "signal.", "steps.", ".owner", ".owner.name", "== ",
        "in ['a']",
        "9d", "-5", "true", "null", "~", "é", "\u{1F600}", "do: ", "call: ask", "with: ", "by: ", "each: ",
        "undo: [stop]",
        "approve: ", "wait: ", "hold: ", "for: ", "verify: ", "because: ", "default: ", "type: ", "max: ", "from: ",
        "when: ",
    ]

    @Test(.timeLimit(.minutes(20)))
    func `every definition is read or refused with words that stand in it`() throws {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["CORDON_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let seconds = environment["CORDON_FUZZ_SECONDS"].flatMap { Double($0) }
        let workflows = try [DefinitionSketch.workflow, .reduce, .ask].map { try $0.loadWorkflow().get() }
        let start = ContinuousClock.now
        var seed = first
        var findings: [String] = []
        while findings.count < 5 {
            if let seconds {
                if ContinuousClock.now - start >= .seconds(seconds) { break }
            } else if seed >= first + 400 {
                break
            }
            var dice = Seeded(seed)
            let sketch = dice.pick(Self.seeds)
            let text = Self.mutated(sketch.text, &dice)
            if let finding = Self.finding(text, sketch, workflows) { findings.append("seed \(seed): \(finding)") }
            seed += 1
        }
        print("fuzz: definitions: \(seed - first) inputs")
        #expect(findings.isEmpty, "\(findings)")
    }

    private static func mutated(_ text: String, _ dice: inout Seeded) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0...dice.below(4) {
            let place = dice.below(scalars.count + 1)
            let end = min(scalars.count, place + dice.below(1 + dice.below(20)))
            switch dice.below(3) {
            case 0: scalars.removeSubrange(place..<end)
            case 1: scalars.insert(contentsOf: scalars[place..<end], at: place)
            default: scalars.replaceSubrange(place..<end, with: Array(dice.pick(pieces).unicodeScalars))
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private static func finding(_ text: String, _ sketch: DefinitionSketch, _ workflows: [Workflow]) -> String? {
        let bytes = Array(text.utf8)
        let found: Diagnostics?
        switch sketch.kind {
        case .workflow:
            let read = Workflow.admit(bytes, file: sketch.file, digest: "")
            if case .success(let workflow) = read { _ = workflow.checkCalls(among: workflows + [workflow]) }
            found = read.failure
        case .playbook, .inventory:
            found = Playbook.load(bytes, file: sketch.file, digest: "", workflows: workflows).failure
        }
        if let document = try? YAMLDocument.parse(bytes, file: sketch.file, limits: .definition),
            let kind = DefinitionForm.kind(of: document)
        {
            _ = DefinitionForm.text(of: document, kind: kind)
        }
        guard let found else { return nil }
        if found.all.isEmpty { return "refused without a word" }
        let lines = text.components(separatedBy: "\n")
        return found.all.lazy.compactMap { diagnostic -> String? in
            guard diagnostic.place.line >= 1, diagnostic.place.line <= lines.count + 1, !diagnostic.text.isEmpty else {
                return "\(diagnostic.code) stands on no line: \(diagnostic.place)"
            }
            // A caret may stand right behind what is there, and not further.
            guard let line = diagnostic.sourceLine else { return nil }
            return diagnostic.place.column <= line.unicodeScalars.count + 2
                ? nil : "\(diagnostic.code) stands outside of its line: \(diagnostic.place)"
        }.first
    }
}
