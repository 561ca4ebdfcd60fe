// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit

/// What one seed makes of a run before it begins: its workflows, what its provider promises, what it is handed.
struct Scenario: Sendable {
    var workflow: Workflow
    var called: [String: Workflow]
    var contracts: [String: Contract]
    var unbuildable: Set<String>
    var gate: Run.Ask?
    var subject: Subject?
    var objectsMax: Int?
    var inputs: Value

    static let run = RunID(stem: "01")
    static let start = Instant(milliseconds: 1_700_000_000_000)

    var definition: RunDefinition {
        RunDefinition(
            workflow: workflow, called: called, contracts: contracts, sealer: PlainSealer(unbuildable: unbuildable))
    }

    /// A later version of the workflow: it waits once more at its end.
    var next: RunDefinition {
        var later = definition
        later.workflow.digest = "sha256:next"
        later.workflow.lines.append(Workflow.Line(id: "later", kind: .wait(.span(.literal(1000)))))
        return later
    }

    func definition(of run: Run) -> RunDefinition {
        run.workflow.digest == workflow.digest ? definition : next
    }

    var opening: Opening {
        Opening(
            id: Scenario.run, decision: DecisionID(stem: "01"), signal: SignalID(stem: "01"),
            alert: AlertID(stem: "01"), playbook: Run.Pin(name: "simulated", digest: "sha256:playbook"),
            workflow: workflow.pin, called: called.values.map(\.pin).sorted { $0.name < $1.name }, subject: subject,
            severity: .high, inputs: inputs, steps: workflow.lines.map(\.id), gate: gate,
            objectsMax: objectsMax)
    }

    /// The line of a step, of an undo that of the step that it undoes; and the id that people are asked under.
    func line(_ step: String) -> (line: Workflow.Line, block: String)? {
        var words = Step.forwardID(of: step).split(separator: ".").map(String.init)[...]
        var here = next.workflow
        var prefix = ""
        while let word = words.popFirst() {
            guard let line = here.step(word) else { return nil }
            var id = prefix + word
            if line.each != nil, let index = words.first, Int(index) != nil {
                id += "." + index
                words.removeFirst()
            }
            if words.isEmpty { return (line, prefix) }
            guard case .call(let name, _) = line.kind, let inner = called[name] else { return nil }
            here = inner
            prefix = id + "."
        }
        return nil
    }

    func contract(_ step: String) -> Contract? { line(step)?.line.act.flatMap { contracts[$0.capability] } }

    /// The step can be set back: its provider offers it and its author wants it.
    func canUndo(_ step: String) -> Bool {
        guard let contract = contract(step), line(step)?.line.act?.undo == .byConnector else { return false }
        return contract.effectClass.isWrite && contract.canUndo
    }
}

/// Seals every draft with its own name, so that a key tells whose it is.
struct PlainSealer: Sealer {
    var unbuildable: Set<String> = []

    func seal(_ draft: CallDraft) -> Result<Seal, Refusal> {
        if unbuildable.contains(draft.step) { return .failure(Refusal(.unbuildable, "a parameter is empty")) }
        return .success(Seal(idempotencyKey: draft.id, requestDigest: "sha256:\(draft.purpose.rawValue)"))
    }

    func digest(_ bytes: [UInt8]) -> String {
        // FNV-1a: enough to tell two texts of a test apart.
        var mix: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { mix = (mix ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return "sha256:" + String(mix, radix: 16)
    }
}

extension Seeded {
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func milliseconds(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }

    /// One of several, all as likely; a list that may be empty is asked before.
    mutating func pick<Item>(_ items: [Item]) -> Item { items[Int.random(in: 0..<items.count, using: &self)] }
}
