// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a run would do from some point on if the world answered as assumed: the machine itself, on time that passes at
/// once, with nothing sent and nothing stored.
///
/// Assumed unless told otherwise: every call is done, its effect is seen, waits end by their condition, a ladder is
/// climbed to its last rung, and people agree. So it shows the most that the run would do, not what it will.
package struct Forecast: Sendable, Hashable {
    /// What is assumed of the world.
    package struct Assumptions: Sendable, Hashable {
        /// The choice by step, in place of the first one.
        package var choices: [String: String]
        /// Steps at whose question nobody answers.
        package var silent: Set<String>
        /// Capabilities or steps whose acts are refused.
        package var refused: Set<String>
        /// What a step's act or measure answers.
        package var results: [String: Value]

        package init(
            choices: [String: String] = [:], silent: Set<String> = [], refused: Set<String> = [],
            results: [String: Value] = [:]
        ) {
            self.choices = choices
            self.silent = silent
            self.refused = refused
            self.results = results
        }
    }

    /// One thing that it would do, or wait for.
    package enum Doing: Sendable, Hashable {
        case call(step: String, Call)
        case ask(step: String, Question, answer: String?)
        /// A person would be asked, and the forecast can't go on for them.
        case stop(Run.Ask)
        case hold(step: String, until: Instant)
        case holdEnd(step: String, Step.Hold.State, reason: String)
        case wait(step: String, until: Instant)
        case skip(step: String, reason: String)
        case fail(step: String, reason: String)
        case end(Run.Ending, reason: String)
    }

    package struct Line: Sendable, Hashable {
        package var at: Instant
        package var doing: Doing
    }

    package var lines: [Line] = []
    /// The run as it would stand after the last line.
    package var run: Run
    /// False when it was cut at `Limits.forecastTurnsMax`.
    package var isWhole = true

    /// From `run` on, at the time `now`.
    package static func of(
        _ run: Run, _ definition: RunDefinition, assuming: Assumptions = Assumptions(), at now: Instant
    ) -> Forecast {
        var machine = Forecaster(run, definition.assumingEffects, assuming, now)
        machine.play()
        return machine.forecast
    }

    /// The same after a transition that is not stored: what it would do is the first that is told.
    package static func of(
        _ transition: Transition, _ definition: RunDefinition, assuming: Assumptions = Assumptions(), at now: Instant
    ) -> Forecast {
        var machine = Forecaster(transition.run, definition.assumingEffects, assuming, now)
        machine.note(transition.events)
        machine.play()
        return machine.forecast
    }
}

/// Plays a run forward.
private struct Forecaster {
    private(set) var forecast: Forecast
    private let definition: RunDefinition
    private let assuming: Forecast.Assumptions
    private var now: Instant
    private var run: Run { forecast.run }

    init(_ run: Run, _ definition: RunDefinition, _ assuming: Forecast.Assumptions, _ now: Instant) {
        forecast = Forecast(run: run)
        self.definition = definition
        self.assuming = assuming
        self.now = now
    }

    mutating func play() {
        for _ in 0..<Limits.forecastTurnsMax {
            guard run.isLive, turn() else { return }
        }
        forecast.isWhole = false
    }

    /// One input that moves it. False when nothing does but a person whose word can't be assumed.
    private mutating func turn() -> Bool {
        if let input = nextInput() { return put(input) }
        if let due = run.dueAt {
            now = max(now, due)
            return put(.timerFired)
        }
        if let ask = run.asks.first { forecast.lines.append(Forecast.Line(at: now, doing: .stop(ask))) }
        return false
    }

    private func nextInput() -> RunInput? {
        for step in run.steps {
            if case .calling(let call) = step.phase {
                return .callReturned(step: step.id, number: call.number, delivery: call.delivery, outcome(call, step))
            }
        }
        if run.isQueued { return .begin }
        if run.gate?.kind == .proposal || run.pause != nil {
            return .resume(step: nil, isForced: false, by: Forecaster.somebody, reason: "assumed")
        }
        for step in run.steps {
            guard case .asking(let question) = step.phase, let choice = choice(step.id, question) else { continue }
            let person = Person(name: "\(Forecaster.somebody) \(question.answers.count + 1)", groups: Set(question.by))
            return .answer(step: step.id, person, choice: choice, shown: question.shown, reason: "assumed")
        }
        return nil
    }

    private static let somebody = "somebody"

    private func choice(_ id: String, _ question: Question) -> String? {
        if assuming.silent.contains(id) { return nil }
        return assuming.choices[id] ?? question.choices.first
    }

    private func outcome(_ call: Call, _ step: Step) -> Outcome {
        if call.purpose == .act, !assuming.refused.isDisjoint(with: [call.capability, step.id]) {
            return Outcome(.refused, reason: "assumed to be refused")
        }
        switch call.purpose {
        case .act where definition.contract(of: call, for: run.subject)?.issuesSecret == true:
            let handle = Value.handle(ofCall: "\(run.id)/\(step.id)#\(call.number)")
            return Outcome(
                .done, result: assuming.results[step.id] ?? ["secret": .string(handle), "credential": .object([:])])
        case .act, .measure: return Outcome(.done, result: assuming.results[step.id] ?? .object([:]))
        case .before where step.isUndo:
            // The live state is still what the run wrote.
            let forward = run.step(Step.forwardID(of: step.id))
            return Outcome(.done, result: forward?.after ?? forward?.before ?? .object([:]))
        case .readBack where step.isUndo:
            return Outcome(.done, result: run.step(Step.forwardID(of: step.id))?.before ?? .object([:]))
        case .before, .probe, .readBack, .undo, .control, .verify:
            return Outcome(.done, result: Forecaster.state(call.purpose))
        }
    }

    /// Some state before and another after, so that a change is one.
    private static func state(_ purpose: Call.Purpose) -> Value { ["assumed": .string(purpose.rawValue)] }

    private mutating func put(_ input: RunInput) -> Bool {
        guard case .success(let transition) = run.handle(input, definition, at: now) else {
            if let ask = run.asks.first { forecast.lines.append(Forecast.Line(at: now, doing: .stop(ask))) }
            return false
        }
        let before = forecast.run
        forecast.run = transition.run
        note(transition.events)
        // A timer that moves nothing would fire for ever.
        return !transition.events.isEmpty || transition.run != before
    }

    mutating func note(_ events: [Event]) {
        for doing in events.compactMap(doing) { forecast.lines.append(Forecast.Line(at: now, doing: doing)) }
    }

    private func doing(_ event: Event) -> Forecast.Doing? {
        switch event {
        case .callIntended(let step, let call): .call(step: step, call)
        case .questionAsked(let step, let question): .ask(step: step, question, answer: choice(step, question))
        case .holdStarted(let step, let until): .hold(step: step, until: until)
        case .holdChanged(let step, let hold, _, let reason): .holdEnd(step: step, hold.state, reason: reason)
        case .waitScheduled(let step, let until): .wait(step: step, until: until)
        case .stepSkipped(let step, let reason): .skip(step: step, reason: reason)
        case .stepFailed(let step, let reason): .fail(step: step, reason: reason)
        case .runEnded(let ending, let reason): .end(ending, reason: reason)
        case .runOpened, .runAsked, .runResumed, .runPaused, .runConcluded, .runMigrated, .rollbackRequested,
            .rollbackFinished, .signalJoined, .signalClosed, .stepStarted, .stepOpened, .stepFinished, .stepStopped,
            .stepHalted,
            .rungFinished, .questionReminded, .questionEscalated, .answerGiven, .questionClosed, .callRedelivered,
            .callReturned, .callResolved, .retryScheduled, .exposureFound, .exposureEnded, .proofAwaited,
            .proofTaken, .secretLost, .stepReopened:
            nil
        }
    }
}

// MARK: What is assumed, in the definition

extension RunDefinition {
    /// The same steps with nothing left to the provider's answers: no proof is asked for, waits end, ladders are climbed.
    fileprivate var assumingEffects: RunDefinition {
        var copy = self
        copy.workflow = workflow.assumingEffects
        func assumed(_ contract: Contract) -> Contract {
            var contract = contract
            contract.probe = nil
            contract.proof = nil
            contract.lagMilliseconds = nil
            return contract
        }
        copy.contracts = contracts.mapValues(assumed)
        copy.elsewhere = elsewhere.mapValues { $0.mapValues(assumed) }
        copy.called = called.mapValues(\.assumingEffects)
        return copy
    }
}

extension Workflow {
    fileprivate var assumingEffects: Workflow {
        var copy = self
        copy.lines = lines.map(\.assumingEffects)
        return copy
    }
}

extension Workflow.Line {
    fileprivate var assumingEffects: Workflow.Line {
        var copy = self
        switch kind {
        case .act(var act):
            act.verify = nil
            copy.kind = .act(act)
        case .wait(.condition(var until)):
            if let holds = Workflow.Line.condition("true") { until.condition = holds }
            copy.kind = .wait(.condition(until))
        case .parallel(let branches): copy.kind = .parallel(branches.map(\.assumingEffects))
        case .ladder(var ladder):
            if let holds = Workflow.Line.condition(ladder.isClimbed) { ladder.condition = holds }
            ladder.rungs = ladder.rungs.map(\.assumingEffects)
            copy.kind = .ladder(ladder)
        case .wait(.span), .approve, .task, .call, .undo: break
        }
        return copy
    }

    private static func condition(_ text: String) -> Expression? {
        try? Expression.compile(text, variables: ["steps": .any], expecting: .bool)
    }
}

extension Workflow.Branch {
    fileprivate var assumingEffects: Workflow.Branch {
        Workflow.Branch(name: name, lines: lines.map(\.assumingEffects))
    }
}

extension Workflow.Ladder {
    /// True once the last rung's last step has come to be.
    fileprivate var isClimbed: String {
        guard let last = rungs.last?.lines.last?.id else { return "true" }
        return "has(steps.\(last))"
    }
}
