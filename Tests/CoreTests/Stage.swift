// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// A workflow as an author writes it, with a provider whose capabilities have an inverse and can be asked.
enum Stage {
    /// What the provider of these tests promises.
    static let contracts: [String: Contract] = [
        "evidence.capture": Contract(effectClass: .read, readsState: false),
        "account.suspend": Contract(effectClass: .convergent, readsState: true, canUndo: true),
        "scopes.reduce": Contract(
            effectClass: .convergent, readsState: true, canUndo: true, compared: ["scopes"]),
        "secret.deliver": Contract(effectClass: .keyed, readsState: false),
        "challenge.send": Contract(effectClass: .once, readsState: false),
    ]

    /// Opens a run on the steps, written as below `steps:`.
    static func open(
        _ steps: String, inputs: Value = ["account": "deploy-bot", "list": ["a", "b", "c"]], called: [Workflow] = [],
        contracts: [String: Contract] = contracts, objectsMax: Int? = nil
    ) throws -> Drive {
        let workflow = try workflow("contain", steps)
        let opening = Opening(
            id: RunID(stem: "01"), decision: DecisionID(stem: "01"), signal: SignalID(stem: "01"),
            alert: AlertID(stem: "01"), playbook: Run.Pin(name: "exposed", digest: "sha256:playbook"),
            workflow: workflow.pin, called: called.map(\.pin), subject: .token, severity: .high, inputs: inputs,
            steps: workflow.lines.map(\.id), objectsMax: objectsMax)
        let definition = RunDefinition(
            workflow: workflow, called: Dictionary(uniqueKeysWithValues: called.map { ($0.name, $0) }),
            contracts: contracts, sealer: FixedSealer())
        return Drive(definition, opening)
    }

    static func workflow(_ name: String, _ steps: String) throws -> Workflow {
        let text = """
            workflow: \(name)
            title: What a test does
            inputs:
              account: { type: string }
              list: { type: string, default: none }
            steps:

            """
        return try Workflow.load(Array((text + steps).utf8), file: "\(name).yaml", digest: "sha256:\(name)").get()
    }
}

extension Outcome {
    static let enabled: Outcome = .done(["enabled": true])
    static let disabled: Outcome = .done(["enabled": false])
}

extension Drive {
    /// The steps that have a call open, with what it is for.
    var open: [String] {
        run.steps.compactMap { step in
            if case .calling(let call) = step.phase { "\(step.id) \(call.purpose.rawValue)" } else { nil }
        }
    }

    mutating func advance(milliseconds: Int64) throws(Refusal) {
        now = now.adding(milliseconds: milliseconds)
        try put(.timerFired)
    }

    /// Plays a change from its before-image to its proof.
    mutating func change(_ step: String, from before: Outcome, to after: Outcome) throws(Refusal) {
        for outcome in [before, .done, after] { try answer(outcome, step) }
    }

    func question(_ step: String) -> Question? {
        if case .asking(let question) = run.step(step)?.phase { question } else { nil }
    }
}
