// SPDX-License-Identifier: Apache-2.0

// What of a run's events people are told. Pure: the same transition gives the same notices, so they can be stored in
// its commit, and made anew when that is tried again.

extension Notice {
    /// A containment's objective, as its playbook states it.
    package struct Objective: Sendable, Hashable {
        package var step: String
        package var withinMilliseconds: Int64

        package init(step: String, withinMilliseconds: Int64) {
            self.step = step
            self.withinMilliseconds = withinMilliseconds
        }
    }

    /// What a run's playbook says, and the run does not.
    package struct Background: Sendable, Hashable {
        package var owner: String
        package var objective: Objective?

        package init(owner: String, objective: Objective? = nil) {
            self.owner = owner
            self.objective = objective
        }
    }

    /// - Parameters:
    ///   - number: that of the run's last line before the transition.
    ///   - background: asked once, and only where there is something to tell.
    package static func told(
        by transition: Transition, after number: Int, at now: Instant, background: () -> Background
    ) -> [Notice] {
        guard transition.events.contains(where: \.mayBeTold) else { return [] }
        let background = background()
        let writer = NoticeWriter(run: transition.run, owner: background.owner, now: now)
        return transition.events.enumerated().flatMap { offset, event in
            writer.notices(event, number + offset + 1, background.objective)
        }
    }

    /// It need not be told any more: nobody asks what it asks, or what it fears did not come.
    package func isMoot(_ run: Run) -> Bool {
        switch kind {
        case .proposal, .undecided: run.gate == nil || !run.isLive
        case .approval, .task, .reminder, .escalation:
            if case .asking(let question)? = step.flatMap(run.step)?.phase { question.shown != shown } else { true }
        case .doubt, .conflict, .stopped: !run.isLive || !run.asks.contains { $0.step == step }
        case .holdEnded: step.flatMap(run.step)?.holdAsk == nil
        case .objectiveMissed: !run.isLive || step.flatMap(run.step).map(\.hasFinished) ?? false
        case .sourceClosed: run.asks.isEmpty
        case .surge, .breaker, .halt, .denied, .runFailed, .runRestored, .acknowledged, .settled,
            .receiverUnreached, .trial:
            false
        }
    }
}

extension Event {
    /// The quick look: most events are none of people's business.
    fileprivate var mayBeTold: Bool {
        switch self {
        case .runOpened, .runAsked, .runResumed, .runEnded, .questionAsked, .questionReminded, .questionEscalated,
            .answerGiven, .questionClosed, .holdChanged, .callResolved, .signalClosed:
            true
        case .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished, .signalJoined, .runMigrated,
            .stepStarted, .stepOpened, .stepSkipped, .stepFinished, .stepFailed, .stepStopped, .stepHalted,
            .waitScheduled, .rungFinished, .holdStarted, .exposureFound, .exposureEnded, .proofAwaited, .proofTaken,
            .callIntended, .secretLost, .stepReopened,
            .callRedelivered, .callReturned,
            .retryScheduled:
            false
        }
    }
}

extension Step {
    fileprivate var hasFinished: Bool { phase == .finished || phase == .skipped }
}

private struct NoticeWriter {
    let run: Run
    let owner: String
    let now: Instant

    func notices(_ event: Event, _ number: Int, _ objective: Notice.Objective?) -> [Notice] {
        switch event {
        case .runOpened: objective.map { [fear($0, number)] } ?? []
        case .runAsked(let ask): kind(of: ask).map { [notice($0, ask.step, number, text: ask.reason)] } ?? []
        case .questionAsked(let step, let question): [asked(question, step, number)]
        case .questionReminded(let step, _): repeated(.reminder, step, nil, number)
        case .questionEscalated(let step, let to): repeated(.escalation, step, to, number)
        case .holdChanged(let step, let hold, _, let reason):
            hold.state == .asking ? [notice(.holdEnded, step, number, text: reason)] : settled(step, number)
        case .answerGiven(let step, _): [notice(.acknowledged, step, number, text: "answered")]
        case .questionClosed(let step, let choice, _):
            [notice(.settled, step, number, text: "answered: \(choice)")]
        case .callResolved(let step, _, _, _, _): settled(step, number)
        case .runResumed(let step, _, _, _, _): [notice(.settled, step, number, text: "it goes on")]
        case .runEnded(let ending, let reason): ended(ending, reason, number)
        case .signalClosed: takenBack(number)
        case .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished, .signalJoined, .runMigrated,
            .stepStarted, .stepOpened, .stepSkipped, .stepFinished, .stepFailed, .stepStopped, .stepHalted,
            .waitScheduled, .rungFinished, .holdStarted, .exposureFound, .exposureEnded, .proofAwaited, .proofTaken,
            .callIntended, .secretLost, .stepReopened,
            .callRedelivered, .callReturned,
            .retryScheduled:
            []
        }
    }

    private func kind(of ask: Run.Ask) -> Notice.Kind? {
        switch ask.kind {
        case .proposal: .proposal
        case .unknownOutcome: .doubt
        case .stoppedStep: .stopped
        case .undecided: .undecided
        case .undoConflict: .conflict
        case .holdEnded: .holdEnded
        // A person paused it and knows; a question is an event of its own; nobody is asked in a line.
        case .paused, .question, .queued: nil
        }
    }

    /// Those who are asked now learn it at once, and those who are asked later with what they are asked.
    private func takenBack(_ number: Int) -> [Notice] {
        guard let note = run.closedNote, let first = run.asks.first else { return [] }
        var to: [String] = []
        if case .asking(let question)? = first.step.flatMap(run.step)?.phase { to = question.by }
        return [notice(.sourceClosed, first.step, number, to: to, text: "\(note); it still waits: \(first.reason)")]
    }

    private func notice(
        _ kind: Notice.Kind, _ step: String?, _ number: Int, to: [String] = [], text: String,
        deadline: Instant? = nil, shown: String? = nil, choices: [String] = []
    ) -> Notice {
        let text = kind.asks ? (run.closedNote.map { "\($0); " } ?? "") + text : text
        return Notice(
            kind, run: run.id, step: step, playbook: run.playbook.name, owner: owner,
            subject: run.subject?.key ?? "", severity: run.severity, to: to, text: text, at: now, ordinal: number,
            deadline: deadline, shown: shown, choices: choices)
    }

    private func asked(_ question: Question, _ step: String, _ number: Int) -> Notice {
        notice(
            question.kind == .task ? .task : .approval, step, number, to: question.by, text: question.text,
            deadline: question.deadline, shown: question.shown, choices: question.choices)
    }

    private func repeated(_ kind: Notice.Kind, _ step: String, _ to: String?, _ number: Int) -> [Notice] {
        guard case .asking(let question)? = run.step(step)?.phase else { return [] }
        return [
            notice(
                kind, step, number, to: to.map { [$0] } ?? question.by, text: question.text,
                deadline: question.deadline, shown: question.shown, choices: question.choices)
        ]
    }

    private func settled(_ step: String, _ number: Int) -> [Notice] {
        [notice(.settled, step, number, text: "it goes on")]
    }

    private func ended(_ ending: Run.Ending, _ reason: String, _ number: Int) -> [Notice] {
        let over = notice(.settled, nil, number, text: "the run ended: \(ending.rawValue)")
        return switch ending {
        case .stopped: [over, notice(.runFailed, nil, number, text: reason)]
        case .undone: [over, notice(.runRestored, nil, number, text: reason)]
        case .completed, .cancelled: [over]
        }
    }

    /// Told at the objective's end, unless it is moot by then.
    private func fear(_ objective: Notice.Objective, _ number: Int) -> Notice {
        let end = now.adding(milliseconds: objective.withinMilliseconds)
        return notice(
            .objectiveMissed, objective.step, number,
            text: "not contained by '\(objective.step)' within its objective", deadline: end)
    }
}
