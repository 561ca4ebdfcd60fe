// SPDX-License-Identifier: Apache-2.0

/// Which ways were taken, read off decisions and off the histories of runs.
package struct Coverage: Sendable {
    package private(set) var branches: [Branch] = []
    private var taken: Set<Branch.Key> = []

    package init() {}

    /// Adds the ways that there are; a workflow that two playbooks run is counted once.
    package mutating func add(_ more: [Branch]) {
        var known = Set(branches.map(\.key))
        for branch in more where known.insert(branch.key).inserted { branches.append(branch) }
    }

    package var takenCount: Int { branches.count { taken.contains($0.key) } }
    package var open: [Branch] { branches.filter { !taken.contains($0.key) } }

    // MARK: What was taken

    package mutating func note(_ verdict: Decision.Verdict, of playbook: String) {
        let way: Branch.Way =
            switch verdict {
            case .enforce, .propose, .shadow, .deny: .fires
            case .ignore: .staysSilent
            case .undecided: .undecided
            }
        taken.insert(Branch.Key(home: .playbook(playbook), line: "", way: way))
    }

    /// Goes through a run's history, each event beside the state that it met.
    package mutating func note(_ history: [(at: Instant, event: Event)], _ map: WorkflowMap) {
        guard let first = history.first, case .runOpened(let opening) = first.event else { return }
        var run = Run(opening: opening, at: first.at)
        for (at, event) in history {
            if let step = event.step, !step.hasPrefix(Step.undoPrefix), let spot = map.spot(of: step) {
                for way in Coverage.ways(event, run.step(step), spot.line) {
                    taken.insert(Branch.Key(home: .workflow(spot.workflow), line: spot.line.id, way: way))
                }
            }
            run.apply(event, at: at)
        }
    }

    private static func ways(_ event: Event, _ step: Step?, _ line: Workflow.Line) -> [Branch.Way] {
        let isAsking = if case .asking? = step?.phase { true } else { false }
        switch event {
        case .stepStarted: return [.begins]
        case .stepSkipped(_, let reason):
            if isAsking { return [.silence] }
            guard step?.startedAt == nil, step?.phase ?? .pending == .pending else { return [] }
            return [reason == Step.falseCondition ? .ifFalse : .notKept]
        case .stepFailed, .stepStopped, .runAsked: return isAsking ? silence(event) : failure(event, line)
        case .stepFinished(_, let isVerified, _): return end(step, line, isVerified)
        case .stepOpened, .stepHalted, .waitScheduled, .questionAsked, .questionReminded, .answerGiven, .holdStarted,
            .exposureFound, .exposureEnded, .proofAwaited, .proofTaken, .secretLost, .stepReopened,
            .callIntended, .callRedelivered, .callReturned, .callResolved, .retryScheduled:
            return []
        case .rungFinished(_, let rounds): return [.rung(rounds)]
        case .questionEscalated: return [.escalated]
        case .questionClosed(_, let choice, _):
            guard case .asking(let question)? = step?.phase else { return [] }
            return [question.answers.contains { $0.choice == choice } ? .choice(choice) : .silence]
        case .holdChanged(_, let hold, let by, _):
            guard step?.hold?.state == .standing, by == Step.Hold.byTime else { return [] }
            return [hold.state == .kept && line.hold?.then != .keep ? .holdIsKept : .holdEnds]
        case .runOpened, .runMigrated, .runResumed, .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished,
            .signalJoined, .signalClosed,
            .runEnded:
            return []
        }
    }

    /// A question that is left because its run ends was not met with silence.
    private static func silence(_ event: Event) -> [Branch.Way] {
        if case .stepFailed = event { [.silence] } else { [] }
    }

    private static func failure(_ event: Event, _ line: Workflow.Line) -> [Branch.Way] {
        switch event {
        case .stepFailed: break
        case .runAsked(let ask) where ask.kind == .stoppedStep || ask.kind == .unknownOutcome: break
        default: return []
        }
        switch line.kind {
        case .act: return [.fails]
        case .wait(.condition): return [.timeIsUp]
        case .ladder: return [.exhausted]
        case .approve, .task, .wait(.span), .parallel, .call, .undo: return []
        }
    }

    private static func end(_ step: Step?, _ line: Workflow.Line, _ isVerified: Bool) -> [Branch.Way] {
        if line.each != nil, let step, step.items == nil, step.calls == 0, step.inputs == nil, !step.id.endsInItem {
            return [.emptyList]
        }
        return switch line.kind {
        case .wait(.condition): [isVerified ? .conditionHolds : .timeIsUp]
        case .ladder where step?.rounds ?? 0 == 0: [.heldBefore]
        case .act, .approve, .task, .wait(.span), .parallel, .ladder, .call, .undo: []
        }
    }
}

extension String {
    /// Whether a step's id is that of an item of a list.
    fileprivate var endsInItem: Bool { split(separator: ".").last.flatMap { Int($0) } != nil }
}

extension Event {
    /// The step that it tells of.
    package var step: String? {
        switch self {
        case .runOpened, .runMigrated, .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished, .signalJoined,
            .signalClosed,
            .runEnded:
            nil
        case .runAsked(let ask): ask.step
        case .runResumed(let step, _, _, _, _): step
        case .stepStarted(let step, _), .stepOpened(let step, _, _, _), .stepSkipped(let step, _),
            .stepFinished(let step, _, _), .stepFailed(let step, _), .stepStopped(let step, _),
            .stepHalted(let step, _, _), .waitScheduled(let step, _), .rungFinished(let step, _),
            .questionAsked(let step, _), .questionReminded(let step, _), .questionEscalated(let step, _),
            .answerGiven(let step, _), .questionClosed(let step, _, _), .holdStarted(let step, _),
            .exposureFound(let step, _), .exposureEnded(let step, _), .proofAwaited(let step, _),
            .proofTaken(let step, _), .secretLost(let step, _, _), .stepReopened(let step),
            .holdChanged(let step, _, _, _), .callIntended(let step, _), .callRedelivered(let step, _, _, _),
            .callReturned(let step, _, _), .callResolved(let step, _, _, _, _), .retryScheduled(let step, _, _):
            step
        }
    }
}
