// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Turn {
    /// Whether people agreed to exactly what would be done now; asks them when not.
    mutating func isPermitted(_ place: Spot, _ id: String) -> Bool {
        guard let consent = place.line.consent else { return true }
        switch shown(place, consent) {
        case .failure(let error):
            stop(id, "what would be done could not be computed: \(error.message)")
            return false
        case .success(let digest):
            if run.step(id)?.permit?.shown == digest { return true }
            ask(.gate, consent, place, id)
            return false
        }
    }

    mutating func ask(_ kind: Question.Kind, _ consent: Workflow.Consent, _ place: Spot, _ id: String) {
        // It was answered: the answer stands when a person has the step tried anew.
        if kind != .gate, let choice = run.step(id)?.result?.objectValue?["choice"]?.stringValue {
            return follow(kind, choice, place.line, id)
        }
        let names: [String]
        switch consent.by.render(variables(place)) {
        case .failure(let error): return stop(id, "whom to ask could not be computed: \(error.message)")
        case .success(let value): names = (value.arrayValue ?? [value]).compactMap(\.stringValue).filter { !$0.isEmpty }
        }
        guard !names.isEmpty else { return stop(id, "there is nobody to ask: 'by' gives no name") }
        switch shown(place, consent) {
        case .failure(let error): stop(id, "what would be done could not be computed: \(error.message)")
        case .success(let digest):
            emit(
                .questionAsked(
                    step: id,
                    Question(
                        kind: kind, text: text(kind, consent, place), by: names, excluded: consent.excluded,
                        excludesAuthor: consent.excludesAuthor, quorum: consent.quorum, choices: consent.choices,
                        shown: digest, askedAt: now,
                        deadline: now.adding(milliseconds: consent.withinMilliseconds),
                        remindMilliseconds: consent.remindMilliseconds,
                        escalatesAt: consent.escalate.map { now.adding(milliseconds: $0.afterMilliseconds) })))
        }
    }

    private func text(_ kind: Question.Kind, _ consent: Workflow.Consent, _ place: Spot) -> String {
        if let text = consent.text { return text }
        let subject = run.subject?.key ?? "no subject"
        guard let act = place.line.act else { return "agree to '\(place.id)' for \(subject)" }
        return "agree to \(act.capability) for \(subject)"
    }

    /// What people see before they answer, as a digest: the run, its pins, and what would be done with which parameters.
    private func shown(_ place: Spot, _ consent: Workflow.Consent) -> Result<String, EvaluationError> {
        let does: Result<Value, EvaluationError> =
            switch (place.line.kind, place.line.each) {
            case (.act(let act), nil):
                act.arguments.render(variables(place)).map {
                    ["do": .string(act.capability), "with": $0.withoutHandle]
                }
            case (.call(let name, let arguments), nil):
                arguments.render(variables(place)).map { ["call": .string(name), "with": $0] }
            case (.act(let act), let each?): items(each, place).map { ["do": .string(act.capability), "each": $0] }
            case (.call(let name, _), let each?): items(each, place).map { ["call": .string(name), "each": $0] }
            case (.approve, _), (.task, _), (.wait, _), (.parallel, _), (.ladder, _), (.undo, _):
                .success(["step": .string(place.line.id)])
            }
        return does.map { does in
            let all: Value = [
                "run": .string(run.id.text), "playbook": run.playbook.value, "workflow": run.workflow.value,
                "step": .string(place.id), "subject": .string(run.subject?.key ?? ""),
                "text": .string(consent.text ?? ""), "does": does,
            ]
            return definition.sealer.digest(all.jsonBytes)
        }
    }

    /// A list is agreed to with what stands in it: another list is another plan.
    private func items(_ each: Workflow.Each, _ place: Spot) -> Result<Value, EvaluationError> {
        switch each.list.evaluate(variables(place)) {
        case .value(let items): .success(items)
        case .error(let error): .failure(error)
        }
    }

    // MARK: Answers

    mutating func answer(
        _ id: String, _ person: Person, _ choice: String, _ shown: String, _ reason: String
    ) -> Refusal? {
        guard let step = run.step(id), case .asking(let question) = step.phase else {
            let isAnswered = run.step(id)?.permit != nil || run.step(id)?.result != nil
            return isAnswered
                ? Refusal(.alreadyDecided, "step '\(id)' was decided before; the first answer counts")
                : Refusal(.wrongPhase, "step '\(id)' asks nothing")
        }
        // While the run is paused nothing fires: what is silent then is told when it goes on.
        guard now < question.deadline else {
            return Refusal(.wrongPhase, "the time to answer step '\(id)' was up at \(question.deadline)")
        }
        guard question.shown == shown else {
            return Refusal(.stale, "what step '\(id)' would do is not what you were shown; look again, then answer")
        }
        guard question.choices.contains(choice) else {
            return Refusal(
                .wrongPhase, "'\(choice)' is no choice; choose one of: \(question.choices.joined(separator: ", "))")
        }
        if question.excluded.contains(person.name) || !person.isAmong(question.by) {
            return Refusal(
                .notAllowed, "\(person.name) may not answer; it is for: \(question.by.joined(separator: ", "))")
        }
        if let refusal = question.refusal(ofAuthor: person, at: id) { return refusal }
        guard !question.answers.contains(where: { $0.by == person.name }) else {
            return Refusal(.alreadyDecided, "\(person.name) has answered before")
        }
        emit(
            .answerGiven(
                step: id,
                Question.Answer(by: person.name, choice: choice, at: now, reason: reason, shown: shown)))
        guard case .asking(let answered)? = run.step(id)?.phase, let decided = answered.decided,
            let line = place(id)?.line
        else { return nil }
        close(answered, decided, "answered", line, id)
        return nil
    }

    private mutating func close(
        _ question: Question, _ choice: String, _ reason: String, _ line: Workflow.Line, _ id: String
    ) {
        emit(.questionClosed(step: id, choice: choice, reason: reason))
        follow(question.kind, choice, line, id)
    }

    private mutating func follow(_ kind: Question.Kind, _ choice: String, _ line: Workflow.Line, _ id: String) {
        let people = run.step(id)?.result?.objectValue?["by"]?.arrayValue?.compactMap(\.stringValue) ?? []
        switch (kind, choice) {
        case (.gate, Workflow.Consent.decline):
            emit(.stepSkipped(step: id, reason: "declined by \(people.joined(separator: ", "))"))
        case (.gate, _): break  // Its permit is there: the walk begins it.
        case (.approve, Workflow.Consent.decline): decline(line, id, people)
        case (.approve, _), (.task, _): emit(.stepFinished(step: id, isVerified: false, note: choice))
        }
    }

    /// People said no: the run goes no further than what its author allows.
    private mutating func decline(_ line: Workflow.Line, _ id: String, _ people: [String]) {
        let reason = "declined by \(people.joined(separator: ", "))"
        switch line.onError {
        case .continue: emit(.stepFailed(step: id, reason: reason))
        case .page, .stop:
            emit(.stepFailed(step: id, reason: reason))
            conclude(.stopped, people.first ?? "a person", "step '\(id)' was \(reason)")
        case .undo:
            emit(.stepFailed(step: id, reason: reason))
            rollBack(nil, people.first ?? "a person", "step '\(id)' was \(reason)")
        }
    }

    // MARK: Silence

    /// What time does to a question: reminders, the escalation, the end.
    mutating func attend(_ question: Question, _ line: Workflow.Line, _ id: String) {
        guard let consent = line.question else { return stop(id, "the pinned workflow asks nothing at '\(id)'") }
        if question.deadline <= now { return fallSilent(question, consent, line, id) }
        if let at = question.escalatesAt, at <= now, let escalation = consent.escalate {
            emit(.questionEscalated(step: id, to: escalation.to))
        }
        guard let at = question.nextReminder, at <= now, let span = question.remindMilliseconds else { return }
        let next = now.adding(milliseconds: span)
        emit(.questionReminded(step: id, next: next < question.deadline ? next : nil))
    }

    private mutating func fallSilent(
        _ question: Question, _ consent: Workflow.Consent, _ line: Workflow.Line, _ id: String
    ) {
        let reason = "nobody answered in time"
        switch consent.silence {
        case .choice(let choice): close(question, choice, reason, line, id)
        case .skip: emit(.stepSkipped(step: id, reason: reason))
        case .keep:
            emit(.stepSkipped(step: id, reason: reason))
            conclude(.stopped, "the workflow", "\(reason) at '\(id)'")
        case .abort:
            emit(.stepFailed(step: id, reason: reason))
            conclude(.cancelled, "the workflow", "\(reason) at '\(id)'")
        }
    }
}

extension Workflow.Line {
    /// What the step asks people, whether it is a question itself or has one before it.
    var question: Workflow.Consent? {
        switch kind {
        case .approve(let consent), .task(let consent): consent
        case .act, .wait, .parallel, .ladder, .call, .undo: consent
        }
    }
}
