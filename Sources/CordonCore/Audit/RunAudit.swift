// SPDX-License-Identifier: Apache-2.0

/// Checks what one run's history means, line by line: it trusts no snapshot and asks no workflow.
struct RunAudit {
    /// No more of a call than is asked for later: a long history holds very many.
    private struct CallState {
        let purpose: Call.Purpose
        /// It was to change something.
        let changes: Bool
        var isOpen = true
        /// Its provider said what it was asked.
        var wasAnswered = false
    }

    private struct Gate {
        var question: Question
        var choice: String?
    }

    let stream: String
    /// The run that its lines make, as far as they were taken.
    private(set) var run: Run?
    private var calls: [String: [Int: CallState]] = [:]
    private var gates: [String: Gate] = [:]
    /// Steps whose before-image was read, and whether anything at all was kept yet.
    private var imaged: Set<String> = []
    private var hasEvidence = false
    private(set) var findings: [AuditFinding] = []

    init(stream: String) { self.stream = stream }

    mutating func take(_ event: Event, at: Instant, number: Int) {
        let place = LinePlace(stream: stream, number: number)
        if case .runOpened(let opening) = event { run = Run(opening: opening, at: at) }
        // Before the fold: the checks look at what stood when the line was written.
        check(event, place)
        run?.apply(event, at: at)
    }

    private mutating func check(_ event: Event, _ place: LinePlace) {
        checkEnd(event, place)
        switch event {
        case .callIntended(let step, let call): intend(step, call, place)
        case .callRedelivered(let step, let number, _, _):
            change(step, number, place) { $0.isOpen = true }
        case .callReturned(let step, let number, let outcome): settle(step, number, outcome, place)
        case .callResolved(let step, let number, _, let by, let reason):
            change(step, number, place) { $0.isOpen = false }
            find(.note, .callSettledByHand, place, "\(by) said what became of \(step)#\(number): \(reason)")
        case .questionAsked(let step, let question): gates[step] = Gate(question: question)
        case .answerGiven(let step, let answer): hear(step, answer, place)
        case .questionClosed(let step, let choice, let reason): close(step, choice, reason, place)
        case .stepFinished(let step, let isVerified, _): if isVerified { checkSeen(step, place) }
        case .runEnded(let ending, let reason): end(ending, reason, place)
        case .runMigrated(let migration): rename(migration)
        default: break
        }
    }

    // MARK: Calls

    private mutating func intend(_ step: String, _ call: Call, _ place: LinePlace) {
        if calls[step]?[call.number] != nil {
            find(.broken, .intentTwice, place, "\(step)#\(call.number) is intended a second time")
        }
        if call.purpose.isChange, call.redeliveryClass.isWrite { checkChange(step, call, place) }
        if call.purpose == .act, call.redeliveryClass.isWrite, let stop = run?.gate ?? run?.pause {
            find(
                .broken, .changeWhileStopped, place,
                "\(step)#\(call.number) begins while the run waits for a person: \(stop.kind.rawValue)")
        }
        calls[step, default: [:]][call.number] = CallState(
            purpose: call.purpose, changes: call.purpose.isChange && call.redeliveryClass.isWrite)
    }

    /// Nothing is changed without the consent that was asked for, nor before what stands now was kept.
    private mutating func checkChange(_ step: String, _ call: Call, _ place: LinePlace) {
        let forward = Step.forwardID(of: step)
        if call.purpose == .act, let gate = gates[forward], gate.question.kind == .gate,
            gate.choice != Workflow.Consent.approve
        {
            find(.broken, .changeWithoutConsent, place, "\(step)#\(call.number) begins before people agreed to it")
        }
        guard call.purpose == .act else { return }
        let readings = (calls[step] ?? [:]).values.filter { $0.purpose == .before }
        if !readings.isEmpty, !imaged.contains(step) {
            find(
                .broken, .changeBeforeEvidence, place,
                "\(step)#\(call.number) begins before its before-image was read")
        } else if !hasEvidence, call.effectClass != .once {
            find(.open, .changeWithoutEvidence, place, "nothing was kept of the state before \(step)#\(call.number)")
        }
    }

    /// What is said to have been seen was looked at after the change.
    private mutating func checkSeen(_ step: String, _ place: LinePlace) {
        let known = calls[step] ?? [:]
        guard let acted = known.filter(\.value.changes).keys.max() else { return }
        let isSeen = known.contains { number, call in number > acted && call.purpose.isRead && call.wasAnswered }
        if !isSeen, run?.step(step)?.doubt == nil {
            find(.broken, .verifiedUnseen, place, "'\(step)' counts as seen, and nothing was read after #\(acted)")
        }
    }

    /// After its end a run does nothing more, unless a person has it undone.
    private mutating func checkEnd(_ event: Event, _ place: LinePlace) {
        guard run?.endedAt != nil else { return }
        switch event {
        case .callIntended, .stepStarted, .stepFinished, .answerGiven, .runEnded:
            find(.broken, .lineAfterEnd, place, "the run ended at \(run?.endedAt?.description ?? "") and goes on")
        default: break
        }
    }

    private mutating func settle(_ step: String, _ number: Int, _ outcome: Outcome, _ place: LinePlace) {
        let known = calls[step]?[number]
        guard let known, known.isOpen else {
            return find(
                .broken, .outcomeWithoutIntent, place,
                known == nil
                    ? "\(step)#\(number) has an outcome but no intent before it"
                    : "\(step)#\(number) has a second outcome without having been sent again")
        }
        let isAnswered = outcome.kind == .done || outcome.kind == .already
        change(step, number, place) {
            $0.isOpen = false
            $0.wasAnswered = isAnswered
        }
        if !outcome.evidence.isEmpty { hasEvidence = true }
        if known.purpose == .before, isAnswered { imaged.insert(step) }
    }

    private mutating func change(_ step: String, _ number: Int, _ place: LinePlace, _ body: (inout CallState) -> Void) {
        guard var state = calls[step]?[number] else {
            return find(.broken, .outcomeWithoutIntent, place, "\(step)#\(number) was never intended")
        }
        body(&state)
        calls[step]?[number] = state
    }

    // MARK: People

    private mutating func hear(_ step: String, _ answer: Question.Answer, _ place: LinePlace) {
        guard var gate = gates[step] else {
            return find(.broken, .answerNotAllowed, place, "\(answer.by) answers what \(step) never asked")
        }
        if gate.question.excluded.contains(answer.by) {
            find(.broken, .answerNotAllowed, place, "\(answer.by) answers, whom the workflow excludes from \(step)")
        }
        if gate.question.answers.contains(where: { $0.by == answer.by }) {
            find(.broken, .answerNotAllowed, place, "\(answer.by) answers \(step) a second time")
        }
        if gate.choice != nil {
            find(.broken, .answerNotAllowed, place, "\(answer.by) answers \(step) after it was decided")
        }
        if answer.at > gate.question.deadline || !gate.question.choices.contains(answer.choice) {
            find(
                .broken, .answerNotAllowed, place,
                "\(answer.by) answers \(step) with '\(answer.choice)' at \(answer.at): no choice of it, or too late")
        }
        gate.question.answers.append(answer)
        gates[step] = gate
    }

    private mutating func close(_ step: String, _ choice: String, _ reason: String, _ place: LinePlace) {
        guard var gate = gates[step] else {
            return find(.broken, .answerNotAllowed, place, "\(step) closes a question that was never asked")
        }
        // Silence never agrees; of a task it may choose what its author said.
        let needsPeople = reason == "answered" || gate.question.kind != .task && choice == Workflow.Consent.approve
        if needsPeople, gate.question.decided != choice {
            find(
                .broken, .consentWithoutQuorum, place,
                "\(step) counts '\(choice)' as decided, which needs \(gate.question.quorum)")
        }
        gate.choice = choice
        gates[step] = gate
    }

    /// Another version of the workflow may call its lines by other names.
    private mutating func rename(_ migration: Migration) {
        func moved<Item>(_ items: [String: Item]) -> [String: Item] {
            let kept = items.filter { !migration.dropped.contains($0.key) }
            return Dictionary(kept.map { (migration.renamed[$0.key] ?? $0.key, $0.value) }) { first, _ in first }
        }
        calls = moved(calls)
        gates = moved(gates)
        // What people were asked was bound to the old text; the new one may not ask.
        for step in migration.anew { gates[step] = nil }
        imaged = Set(imaged.map { migration.renamed[$0] ?? $0 })
    }

    // MARK: The end

    private mutating func end(_ ending: Run.Ending, _ reason: String, _ place: LinePlace) {
        for (step, number) in openCalls {
            find(.broken, .endedWithOpenCall, place, "the run ended while \(step)#\(number) was open")
        }
        if ending != .completed { find(.note, .runNotCompleted, place, "the run ended \(ending.rawValue): \(reason)") }
    }

    private var openCalls: [(step: String, number: Int)] {
        calls.flatMap { step, numbers in numbers.filter(\.value.isOpen).map { (step: step, number: $0.key) } }
            .sorted { ($0.step, $0.number) < ($1.step, $1.number) }
    }

    /// What is left when its last line was taken.
    mutating func finish() {
        for (step, number) in openCalls {
            find(.open, .callOpen, "\(stream)/\(step)#\(number)", "the call is intended and has no outcome yet")
        }
        guard let run else { return }
        for step in run.steps {
            guard let doubt = step.doubt else { continue }
            find(
                .open, .callUnknown, "\(stream)/\(step.id)#\(doubt.number)",
                "nobody knows whether the call took effect")
        }
        guard run.endedAt == nil else { return }
        let why = run.asks.first.map { ": \($0.reason)" } ?? ""
        find(.open, .runLive, stream, "the run has not ended, it is \(run.phaseWord)\(why)")
    }

    private mutating func find(
        _ grade: AuditFinding.Grade, _ code: AuditFinding.Code, _ place: LinePlace, _ says: String
    ) {
        find(grade, code, place.text, says)
    }

    private mutating func find(
        _ grade: AuditFinding.Grade, _ code: AuditFinding.Code, _ place: String, _ says: String
    ) {
        findings.append(AuditFinding(grade, code, place, says))
    }
}
