// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// A run of the real machine, driven by hand, with each of its transitions as the change that stores it.
struct RealRun {
    private struct FixedSealer: Sealer {
        func seal(_ draft: CallDraft) -> Result<Seal, Refusal> {
            .success(Seal(idempotencyKey: "key of \(draft.id)", requestDigest: "sha256:\(draft.purpose.rawValue)"))
        }

        func digest(_ bytes: [UInt8]) -> String { "sha256:\(bytes.count)" }
    }

    static let definition = RunDefinition(
        workflow: Workflow(
            name: "contain", title: "Contain it", inputs: [],
            lines: [line("revoke", "tokens.revoke"), line("tell", "challenge.send")], digest: "sha256:work"),
        contracts: [
            "tokens.revoke": Contract(effectClass: .convergent, readsState: true),
            "challenge.send": Contract(effectClass: .once, readsState: false),
        ], sealer: FixedSealer())

    private static func line(_ id: String, _ capability: String) -> Workflow.Line {
        Workflow.Line(
            id: id,
            kind: .act(
                Workflow.Act(
                    capability: capability, arguments: .literal(["subject": "x"]), undo: .none(because: "a test"))))
    }

    let number: Int
    private(set) var run: Run
    /// Not stored yet.
    private var transition: Transition

    init(_ number: Int) {
        self.number = number
        let decision = Sample.decision(number)
        let opening = Opening(
            id: Sample.runID(number), decision: decision.id, signal: decision.signal, alert: decision.alert,
            playbook: Run.Pin(name: "exposed", digest: "sha256:play"), workflow: Self.definition.workflow.pin,
            subject: Subject(
                kind: .credential, id: "key-\(number)", provider: "login", owner: nil, tags: [], attributes: [:]),
            severity: .high, inputs: [:], steps: ["revoke", "tell"], gate: nil)
        transition = Run.open(opening, Self.definition, at: Sample.time(number))
        run = transition.run
    }

    /// What stores the last transition.
    var change: RunChange {
        let at = run.updatedAt
        let first = run.number - transition.events.count
        return RunChange(
            expectedNumber: first,
            run: RunRecord(
                id: run.id, decision: run.decision, alert: run.alert, playbook: run.playbook.name,
                playbookDigest: run.playbook.digest, workflow: run.workflow.name, workflowDigest: run.workflow.digest,
                subject: "credential:key-\(number)", severity: run.severity,
                phase: run.endedAt == nil ? "running" : "ended", wake: run.wake?.word, dueAt: run.dueAt,
                number: run.number, openedAt: run.openedAt, updatedAt: at, endedAt: run.endedAt,
                snapshot: run.value.jsonBytes),
            entries: transition.events.enumerated().map { offset, event in
                let bytes: Value = ["n": .int(Int64(first + offset + 1)), "body": event.value]
                return Entry(
                    stream: run.id.text, number: first + offset + 1, at: at, kind: event.kind, bytes: bytes.jsonBytes,
                    leaf: [UInt8](repeating: UInt8(truncatingIfNeeded: offset), count: 32))
            })
    }

    /// Answers the open call, and tells whether there was one.
    mutating func goOn() throws(Refusal) -> Bool {
        guard case .perform(let step, let call)? = run.commands.first else { return false }
        let outcome = Outcome(.done, status: 200, result: ["active": false])
        transition = try run.handle(
            .callReturned(step: step, number: call.number, delivery: call.delivery, outcome), Self.definition,
            at: run.updatedAt.adding(milliseconds: 10)
        ).get()
        run = transition.run
        return true
    }
}
