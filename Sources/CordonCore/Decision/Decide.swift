// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What decisions are made by: everything that is loaded and checked, as one value that is replaced as a whole.
package struct Library: Sendable {
    package var playbooks: [Playbook]
    package var workflows: [String: Workflow]
    package var inventory: Inventory
    /// What the installation guards against, whatever its playbooks say.
    package var guards: GuardPolicy
    /// What they were read from, byte for byte.
    package var sources: [Source]
    /// The files by which the installation itself is set; none where nobody tells of them.
    package var configuration: [ConfigurationFile] = []

    /// One file as its author wrote it.
    package struct Source: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case playbook, workflow, connector
            /// A file by which the installation is set: kept like a definition, and none.
            case configuration
        }

        package var kind: Kind
        package var name: String
        package var digest: String
        package var bytes: [UInt8]
        /// It is what came with the program, byte for byte: no person here is its author.
        package var isShipped: Bool

        package init(kind: Kind, name: String, digest: String, bytes: [UInt8], isShipped: Bool = false) {
            self.isShipped = isShipped
            self.kind = kind
            self.name = name
            self.digest = digest
            self.bytes = bytes
        }
    }

    package init(
        playbooks: [Playbook], workflows: [Workflow], inventory: Inventory, sources: [Source] = [],
        guards: GuardPolicy = .none
    ) {
        self.guards = guards
        self.sources = sources
        self.playbooks = playbooks.sorted { $0.name < $1.name }
        self.workflows = Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first }
        self.inventory = inventory
    }

    /// The workflows that this one calls, those called by called ones too, in the order of their names.
    package func called(by workflow: Workflow) -> [Workflow] {
        var found: [String: Workflow] = [:]
        var open = workflow.calledNames
        while let name = open.popLast() {
            guard found[name] == nil, let inner = workflows[name] else { continue }
            found[name] = inner
            open += inner.calledNames
        }
        return found.values.sorted { $0.name < $1.name }
    }
}

/// Decides about one signal. Pure: the same signal, library and instant give the same decision, reasons included.
package func decide(_ signal: Signal, _ library: Library, at now: Instant) -> Decision {
    let id = signal.id.decision
    let variables: [String: Value] = ["signal": signal.expressionValue]
    var matches: [Decision.Match] = []
    var opened = 0
    for place in library.playbooks.indices where mayMean(library, place, signal.kind, variables) {
        let playbook = library.playbooks[place]
        guard let workflow = library.workflows[playbook.workflow] else { continue }
        guard var match = weigh(playbook, workflow, signal, variables, library.inventory) else { continue }
        if match.opensRun {
            if opened < Limits.runsPerAlertMax {
                match.run = id.run(matches.count + 1)
                opened += 1
            } else {
                match.reasons.append(
                    Decision.Reason(
                        guardName: "limit", verdict: .ignore,
                        because:
                            "the signal opens \(opened) runs already, the limit is \(Limits.runsPerAlertMax) (runsPerAlertMax)"
                    ))
                match.verdict = strictest(match.reasons.map(\.verdict))
            }
        }
        matches.append(match)
    }
    return Decision(
        id: id, signal: signal.id, alert: signal.alert, at: now, verdict: gravest(matches.map(\.verdict)),
        matches: matches, playbooksAsked: library.playbooks.count, inventoryDigest: library.inventory.digest)
}

/// Most playbooks are not meant by a signal. They are found out by their condition alone; what each part of it says is
/// worked out for the others.
func mayMean(_ library: Library, _ place: Int, _ kind: String, _ variables: [String: Value]) -> Bool {
    // By its place, because to copy a whole playbook takes as long as a short condition.
    guard library.playbooks[place].mode != .off, library.playbooks[place].trigger.signalKind == kind else {
        return false
    }
    return library.playbooks[place].trigger.condition?.decide(variables) != .isFalse
}

/// `nil` when the playbook's trigger does not hold.
private func weigh(
    _ playbook: Playbook, _ workflow: Workflow, _ signal: Signal, _ variables: [String: Value], _ inventory: Inventory
) -> Decision.Match? {
    guard let trigger = weighTrigger(playbook.trigger, variables) else { return nil }
    let wanted = Wanted(kind: playbook.trigger.subjectKind, reference: playbook.trigger.reference(in: signal))
    let resolution = inventory.resolve(wanted.reference, kind: wanted.kind)
    let told = inventory.sought.first { $0.wanted == wanted }?.told
    let reasons = [trigger, weighSubject(resolution, told: told), weighMode(playbook.mode)]
    return Decision.Match(
        playbook: playbook.pin, workflow: workflow.pin, verdict: strictest(reasons.map(\.verdict)), reasons: reasons,
        resolution: resolution)
}

private func weighTrigger(_ trigger: Playbook.Trigger, _ variables: [String: Value]) -> Decision.Reason? {
    guard let condition = trigger.condition else {
        return Decision.Reason(
            guardName: "trigger", verdict: .enforce, because: "every \(trigger.signalKind) triggers it")
    }
    let (answer, parts) = condition.explain(variables)
    let inputs: Value = .array(parts.map(\.told))
    switch Condition(answer) {
    case .isTrue:
        return Decision.Reason(guardName: "trigger", verdict: .enforce, because: "its condition holds", inputs: inputs)
    case .isFalse: return nil
    case .undecided(let error):
        switch trigger.onUndecided {
        case .skip: return nil
        case .fire:
            return Decision.Reason(
                guardName: "trigger", verdict: .enforce,
                because: "its condition gave no answer (\(error.message)), and the playbook then fires", inputs: inputs)
        case .ask:
            return Decision.Reason(
                guardName: "trigger", verdict: .undecided, because: "its condition gave no answer: \(error.message)",
                inputs: inputs)
        }
    }
}

/// - Parameter told: who named it, where that was not the inventory.
private func weighSubject(_ resolution: Resolution, told: String?) -> Decision.Reason {
    switch resolution {
    case .resolved(let subject):
        Decision.Reason(
            guardName: "subject", verdict: .enforce, because: (told ?? "the inventory knows it as") + " \(subject.key)")
    case .missing(let reason): Decision.Reason(guardName: "subject", verdict: .undecided, because: reason)
    case .ambiguous(let names):
        Decision.Reason(
            guardName: "subject", verdict: .undecided,
            because: "more than one identity \(told == nil ? "of the inventory " : "")matches: "
                + names.joined(separator: ", "))
    }
}

private func weighMode(_ mode: Playbook.Mode) -> Decision.Reason {
    let verdict: Decision.Verdict =
        switch mode {
        case .off: .ignore
        case .shadow: .shadow
        case .propose: .propose
        case .enforce: .enforce
        }
    return Decision.Reason(guardName: "mode", verdict: verdict, because: "the playbook's mode is \(mode.rawValue)")
}

/// The order in which guards win: deny, ignore, then shadow (nothing is done in any), then undecided, propose, enforce.
func strictest(_ verdicts: [Decision.Verdict]) -> Decision.Verdict {
    let order: [Decision.Verdict] = [.deny, .ignore, .shadow, .undecided, .propose, .enforce]
    return order.first(where: verdicts.contains) ?? .ignore
}

/// Over several playbooks the one that does most names the decision.
func gravest(_ verdicts: [Decision.Verdict]) -> Decision.Verdict {
    let order: [Decision.Verdict] = [.enforce, .propose, .undecided, .deny, .shadow, .ignore]
    return order.first(where: verdicts.contains) ?? .ignore
}

extension Decision.Match {
    var opensRun: Bool {
        switch verdict {
        case .enforce, .propose, .undecided: true
        case .shadow, .ignore, .deny: false
        }
    }

    /// What a person is asked before the run does anything; `nil` when it may begin.
    package var gate: Run.Ask? {
        let because = reasons.filter { $0.verdict == verdict }.map(\.asked).joined(separator: "; ")
        return switch verdict {
        case .enforce, .shadow, .ignore, .deny: nil
        case .propose: Run.Ask(kind: .proposal, reason: because)
        case .undecided: Run.Ask(kind: .undecided, reason: because)
        }
    }
}

extension Decision.Reason {
    /// As the person is told who is asked: with the name of the guard that holds the run.
    fileprivate var asked: String {
        ["trigger", "subject", "mode", "limit"].contains(guardName) ? because : "guard '\(guardName)': \(because)"
    }
}

extension Explained {
    /// `{"text": …, "value": …}`: what a person reads to see why.
    var told: Value {
        switch outcome {
        case .value(let value): ["text": .string(text), "value": value]
        case .error(let error): ["text": .string(text), "error": .string(error.message)]
        case .notEvaluated: ["text": .string(text), "evaluated": false]
        }
    }
}
