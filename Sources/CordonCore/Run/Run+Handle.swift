// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a run is decided by besides its own state: the pinned workflows, what its provider's capabilities promise,
/// and the seal of its calls. All of it is fixed while the run lives.
package struct RunDefinition: Sendable {
    package var workflow: Workflow
    /// The pinned workflows that it calls, by name.
    package var called: [String: Workflow]
    package var contracts: [String: Contract]
    /// What the other connections of the installation promise, by their ids.
    package var elsewhere: [String: [String: Contract]]
    package var sealer: any Sealer

    package init(
        workflow: Workflow, called: [String: Workflow] = [:], contracts: [String: Contract],
        elsewhere: [String: [String: Contract]] = [:], sealer: any Sealer
    ) {
        self.elsewhere = elsewhere
        self.workflow = workflow
        self.called = called
        self.contracts = contracts
        self.sealer = sealer
    }

    /// What the run may still ask of its subject's provider.
    package var capabilities: Set<String> {
        called.values.reduce(into: workflow.ownCapabilities) { $0.formUnion($1.ownCapabilities) }
    }

    /// What the one that a call goes to promises.
    package func contract(of call: Call, for subject: Subject?) -> Contract? {
        if call.provider == subject?.provider, let own = contracts[call.capability] { return own }
        return elsewhere[call.provider]?[call.capability]
    }

    /// What it may ask of other connections, as `connection: capability`, of those that `inputs` names.
    package func askedElsewhere(_ inputs: Value) -> Set<[String]> {
        Self.asked(workflow, inputs, called, above: [workflow.name])
    }

    /// What other connections do not offer of what the run may ask of them, each in a sentence.
    package func lacksElsewhere(_ inputs: Value) -> [String] {
        askedElsewhere(inputs).compactMap { pair in
            guard let offered = elsewhere[pair[0]] else { return "there is no connection '\(pair[0])'" }
            return offered[pair[1]] == nil ? "connection '\(pair[0])' does not offer \(pair[1])" : nil
        }.sorted()
    }

    /// What could be set back of what the run may do, as its connectors stand now.
    package func undoable(_ inputs: Value) -> [String] {
        let own = capabilities.filter { contracts[$0]?.canUndo == true }
        let others = askedElsewhere(inputs).filter { elsewhere[$0[0]]?[$0[1]]?.canUndo == true }
        return (own + others.map { $0.joined(separator: ": ") }).sorted()
    }

    /// What it may take for the state before: its capabilities, and `connection: capability` of those elsewhere.
    package func wanted(_ inputs: Value) -> Set<String> {
        capabilities.union(askedElsewhere(inputs).map { $0.joined(separator: ": ") })
    }

    static func asked(
        _ workflow: Workflow, _ inputs: Value, _ called: [String: Workflow], above: [String]
    ) -> Set<[String]> {
        var found: Set<[String]> = []
        for line in workflow.allLines {
            for (venue, capability) in line.elsewhere {
                found.insert([venue.connection(inputs) ?? venue.text, capability])
            }
            guard case .call(let name, .map(let given)) = line.kind, let inner = called[name], !above.contains(name)
            else { continue }
            found.formUnion(asked(inner, inner.venues(given, within: inputs), called, above: above + [name]))
        }
        return found
    }
}

/// What a provider promises of one capability.
package struct Contract: Sendable, Hashable {
    package var effectClass: EffectClass
    /// The provider can be asked for the subject's state: before the change, after it, and when in doubt.
    package var readsState: Bool
    /// It has an inverse that sets the state back to the before-image.
    package var canUndo: Bool
    /// The members of the state that tell whether it is still what was written; `nil`: all of them.
    package var compared: [String]?
    /// Whether `after`, the state read, shows the effect: the connector's word, where the workflow has no `verify`.
    package var probe: Expression?
    /// What must hold of `before`, the state just read, for the act to be done: it is still what was planned for.
    package var precondition: Expression?
    /// The undo gives back what the subject held before, a thief's copy too.
    package var revivesCredentials: Bool
    /// What was issued before and outlives the change.
    package var residual: Residual?
    /// How it is shown from outside that the effect is there; `nil`: the provider's word is all there is.
    package var proof: ProofRule?
    /// How long the provider is known to take until a change shows; `nil`: the step's own time is all it has.
    package var lagMilliseconds: Int64?
    /// Its answer holds a secret, which is never stored: without the answer there is none.
    package var issuesSecret: Bool
    /// What it made is named to its undo by what its answer said.
    package var undoTakesResult: Bool
    /// Its request names what was read before: it changes that, or nothing.
    package var actTakesBefore = false
    /// Of whom it can be asked, by `subject`; `nil`: of whomever the provider knows.
    package var suits: Expression?
    package var timeoutMilliseconds: Int64
    /// How long it remembers an idempotency key: a call that is sent again later may be a second act.
    package var keyWindowMilliseconds: Int64

    /// Whether it can be asked of this one. What can't be told now the provider will tell.
    package func suits(_ subject: Subject) -> Bool {
        guard let suits else { return true }
        return suits.decide(["subject": subject.expressionValue]) != .isFalse
    }

    package init(
        effectClass: EffectClass, readsState: Bool, canUndo: Bool = false, compared: [String]? = nil,
        probe: Expression? = nil, precondition: Expression? = nil, revivesCredentials: Bool = false,
        residual: Residual? = nil, proof: ProofRule? = nil, lagMilliseconds: Int64? = nil, issuesSecret: Bool = false,
        undoTakesResult: Bool = false, suits: Expression? = nil,
        timeoutMilliseconds: Int64 = Limits.callTimeoutMillisecondsDefault,
        keyWindowMilliseconds: Int64 = Limits.keyWindowMillisecondsDefault
    ) {
        self.suits = suits
        self.keyWindowMilliseconds = keyWindowMilliseconds
        self.proof = proof
        self.lagMilliseconds = lagMilliseconds
        self.issuesSecret = issuesSecret
        self.undoTakesResult = undoTakesResult
        self.probe = probe
        self.precondition = precondition
        self.revivesCredentials = revivesCredentials
        self.residual = residual
        self.effectClass = effectClass
        self.readsState = readsState
        self.canUndo = canUndo
        self.compared = compared
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    func isSame(_ one: Value?, _ other: Value?) -> Bool {
        guard let one, let other else { return false }
        guard let compared, let left = one.objectValue, let right = other.objectValue else { return one == other }
        // What neither reading shows proves nothing.
        return compared.allSatisfy { left[$0] != nil && left[$0] == right[$0] }
    }
}

/// What a change leaves in use, and for how long at most.
package struct Residual: Sendable, Hashable {
    package var of: String
    /// How long what was issued a moment before may live.
    package var milliseconds: Int64
    /// When the last of it expires, where the provider tells: seconds since 1970, or RFC 3339.
    package var until: Expression?
    package var endedBy: [String]

    package init(of: String, milliseconds: Int64, until: Expression? = nil, endedBy: [String] = []) {
        self.of = of
        self.milliseconds = milliseconds
        self.until = until
        self.endedBy = endedBy
    }

    func exposure(_ variables: [String: Value], at now: Instant) -> Step.Exposure? {
        var end = now.adding(milliseconds: milliseconds)
        if case .value(let told)? = until?.evaluate(variables) {
            // Zero is how some say that they don't know.
            if let seconds = told.intValue, (1...Limits.epochSecondsMax).contains(seconds) {
                end = Instant(milliseconds: seconds * 1000)
            } else if let moment = told.stringValue.flatMap(Instant.init(rfc3339:)) {
                end = moment
            }
        }
        return end > now ? Step.Exposure(until: end, of: of, endedBy: endedBy) : nil
    }
}

/// What `handle` decided: the events, and the run that they make.
package struct Transition: Sendable, Hashable {
    package var run: Run
    package var events: [Event]

    package init(run: Run, events: [Event]) {
        self.run = run
        self.events = events
    }
}

extension Run {
    /// A new run with its first events: it is asked about, or its first call is intended, in the commit that opens it.
    package static func open(
        _ opening: Opening, _ definition: RunDefinition, halts: Halts = .none, at now: Instant
    ) -> Transition {
        var turn = Turn(Run(opening: opening, at: now), definition, halts, now)
        turn.emit(.runOpened(opening))
        if let gate = opening.gate { turn.emit(.runAsked(gate)) }
        turn.advance()
        return Transition(run: turn.run, events: turn.events)
    }

    /// Decides what follows from an input. Changes nothing; the events, once stored, change it.
    package func handle(
        _ input: RunInput, _ definition: RunDefinition, halts: Halts = .none, at now: Instant
    ) -> Result<Transition, Refusal> {
        var turn = Turn(self, definition, halts, now)
        if let refusal = turn.take(input) { return .failure(refusal) }
        turn.advance()
        return .success(Transition(run: turn.run, events: turn.events))
    }

    /// People agreed to it, and another run has its subject in hand: it begins after that one.
    package func lineUp(
        _ ask: Ask, by: String, reason: String, plan: AgreedPlan? = nil, _ definition: RunDefinition,
        halts: Halts = .none, at now: Instant
    ) -> Transition {
        var turn = Turn(self, definition, halts, now)
        turn.emit(.runResumed(step: nil, isForced: false, by: by, reason: reason, plan: plan))
        turn.emit(.runAsked(ask))
        turn.stayPaused(pause)
        turn.advance()
        return Transition(run: turn.run, events: turn.events)
    }
}

extension Turn {
    /// The visible table: how a run stands, and what may be put to it then.
    mutating func take(_ input: RunInput) -> Refusal? {
        switch (run.isLive, input) {
        case (_, .callReturned(let step, let number, let delivery, let outcome)):
            return take(step, number, delivery, outcome)
        case (_, .undo(let steps, let by, let reason)): return undo(steps, by, reason)
        case (true, .timerFired): return wakeDueSteps()
        case (true, .answer(let step, let person, let choice, let shown, let reason)):
            return answer(step, person, choice, shown, reason)
        case (true, .resume(let step, let isForced, let by, let reason, let plan)):
            return resume(step, isForced, by, reason, plan)
        case (true, .skip(let step, let by, let reason)): return skip(step, by, reason)
        case (true, .pause(let by, let reason)): return pause(by, reason)
        case (true, .cancel(let undo, let by, let reason)): return cancel(undo, by, reason)
        case (true, .resolve(let step, let tookEffect, let by, let reason)):
            return resolve(step, tookEffect, by, reason)
        case (true, .endHold(let step, let keep, let by, let reason)): return endHold(step, keep, by, reason)
        case (true, .extendHold(let step, let until, let by, let reason)):
            return extendHold(step, until, by, reason)
        case (true, .join(let signal, let alert)): return join(signal, alert)
        case (true, .close(let signal, let alert, let asOf)): return close(signal, alert, asOf)
        case (true, .begin): return begin()
        case (false, .timerFired), (false, .answer), (false, .resume), (false, .skip), (false, .pause),
            (false, .cancel), (false, .resolve), (false, .endHold), (false, .extendHold), (false, .join),
            (false, .close), (false, .begin):
            return Refusal(.wrongPhase, "the run has ended")
        }
    }

    /// An outcome counts only for the call that is open, and for its last delivery: a late or repeated one is refused.
    private mutating func take(_ id: String, _ number: Int, _ delivery: Int, _ outcome: Outcome) -> Refusal? {
        guard let step = run.step(id), case .calling(let call) = step.phase, call.number == number else {
            return Refusal(.noSuchCall, "\(run.id)/\(id)#\(number) is not open")
        }
        guard call.delivery == delivery else {
            return Refusal(
                .noSuchCall, "\(run.id)/\(id)#\(number) was sent again since: delivery \(call.delivery) is open")
        }
        settle(id, call, outcome)
        return nil
    }

    private mutating func wakeDueSteps() -> Refusal? {
        for step in run.steps {
            guard case .backingOff(let backOff) = step.phase, backOff.until <= now else { continue }
            goOn(step.id, backOff)
        }
        return nil
    }

    // MARK: What people say

    private mutating func resume(
        _ id: String?, _ isForced: Bool, _ by: String, _ reason: String, _ plan: AgreedPlan?
    ) -> Refusal? {
        if let id {
            guard run.step(id)?.phase == .stopped else { return Refusal(.wrongPhase, "step '\(id)' is not stopped") }
        } else {
            if let refusal = refusalToGoOn() { return refusal }
        }
        let paused = id == nil && run.gate?.kind == .proposal ? run.pause : nil
        emit(.runResumed(step: id, isForced: isForced, by: by, reason: reason, plan: plan))
        stayPaused(paused)
        if let id { resumeInside(id, by, reason) }
        return nil
    }

    /// Whoever agrees to what is proposed, and the engine that lets it out of a line, end no operator's pause: the run stands
    /// paused, and goes on when that is ended.
    mutating func stayPaused(_ paused: Run.Ask?) {
        if let paused { emit(.runPaused(by: "the engine", reason: "still paused by \(paused.reason)")) }
    }

    private func refusalToGoOn() -> Refusal? {
        if let gate = run.gate, gate.kind == .undecided {
            return Refusal(
                .wrongPhase, "the run has nothing certain to act on: \(gate.reason); it can only be cancelled")
        }
        if run.isQueued { return nil }
        let kinds = run.asks.map(\.kind)
        if kinds.contains(where: { [.proposal, .paused, .stoppedStep, .undoConflict].contains($0) }) { return nil }
        if kinds.contains(.unknownOutcome) {
            return Refusal(
                .wrongPhase, "say what became of the call first: cordon run resolve \(run.id) --took-effect yes|no")
        }
        if kinds.contains(.question) {
            return Refusal(
                .wrongPhase, "the run waits for an answer: cordon run answer \(run.id) STEP CHOICE --shown DIGEST")
        }
        return Refusal(.wrongPhase, "the run is not waiting for a person to let it go on")
    }

    private mutating func skip(_ id: String, _ by: String, _ reason: String) -> Refusal? {
        guard let step = run.step(id), step.phase == .stopped else {
            return Refusal(.wrongPhase, "step '\(id)' is not stopped")
        }
        emit(.stepSkipped(step: id, reason: "\(by): \(reason)"))
        return nil
    }

    private mutating func pause(_ by: String, _ reason: String) -> Refusal? {
        if run.pause != nil { return Refusal(.wrongPhase, "the run is paused already") }
        if run.conclusion != nil { return Refusal(.wrongPhase, "the run is coming to its end already") }
        emit(.runPaused(by: by, reason: reason))
        return nil
    }

    /// A call that is open or in doubt is never dropped: the run ends once its outcome is stored.
    private mutating func cancel(_ undo: Bool, _ by: String, _ reason: String) -> Refusal? {
        if run.conclusion != nil, !undo || run.rollback != nil {
            return Refusal(.wrongPhase, "the run is being cancelled already")
        }
        // What has done nothing, and is doing nothing, is cancelled and not undone.
        let hasDone = run.steps.contains { step in
            if case .uncertain = step.phase { return true }
            return step.isInFlight || isUndoable(step)
        }
        if undo, hasDone { return self.undo(nil, by, reason) }
        conclude(.cancelled, by, reason)
        return nil
    }

    private mutating func undo(_ steps: [String]?, _ by: String, _ reason: String) -> Refusal? {
        if run.rollback != nil { return Refusal(.wrongPhase, "the run is being undone already") }
        for id in steps ?? [] {
            let hasActed = run.steps.contains { step in
                step.hasActed && !step.isUndo && (step.id == id || step.id.hasPrefix(id + "."))
            }
            if hasActed { continue }
            return Refusal(.wrongPhase, "step '\(id)' has done nothing that could be undone")
        }
        let isBusy = run.isLive && run.steps.contains { !$0.isUndo && $0.isInFlight || $0.doubt != nil }
        if !isBusy, !run.steps.contains(where: isUndoable) {
            return Refusal(.wrongPhase, "the run did nothing that could be undone")
        }
        rollBack(steps, by, reason)
        return nil
    }

    private mutating func resolve(
        _ step: String?, _ tookEffect: Bool, _ by: String, _ reason: String
    ) -> Refusal? {
        let doubtful = run.steps.compactMap { step -> (id: String, call: Call)? in
            if case .uncertain(let call) = step.phase { (step.id, call) } else { nil }
        }
        guard let (id, call) = doubtful.first(where: { step == nil || $0.id == step }) else {
            return Refusal(.wrongPhase, "no call of the run has an unknown outcome")
        }
        if step == nil, doubtful.count > 1 {
            let names = doubtful.map(\.id).joined(separator: ", ")
            return Refusal(.wrongPhase, "several calls have an unknown outcome; name the step, one of: \(names)")
        }
        emit(.callResolved(step: id, number: call.number, tookEffect: tookEffect, by: by, reason: reason))
        // The person took their time: what follows has a new span of it.
        emit(.stepStarted(step: id, deadline: latestEnd(id)))
        if tookEffect {
            finishOrProve(id)
        } else if call.purpose == .act, takesControlAnew(id), let contract = contract(of: id) {
            beginAct(id, contract)
        } else {
            intend(id, looksAgain(id, call.purpose) ? .before : call.purpose, attempt: 1)
        }
        return nil
    }

    private mutating func endHold(_ id: String, _ keep: Bool, _ by: String, _ reason: String) -> Refusal? {
        guard var hold = run.step(id)?.hold, hold.state == .standing || hold.state == .asking else {
            return Refusal(.wrongPhase, "step '\(id)' holds nothing")
        }
        hold.state = keep ? .kept : .lifting
        emit(.holdChanged(step: id, hold, by: by, reason: reason))
        return nil
    }

    private mutating func extendHold(_ id: String, _ until: Instant, _ by: String, _ reason: String) -> Refusal? {
        guard let hold = run.step(id)?.hold, hold.state == .standing || hold.state == .asking else {
            return Refusal(.wrongPhase, "step '\(id)' holds nothing")
        }
        guard until > now, until.since(now) <= Limits.holdMillisecondsMax else {
            return Refusal(
                .overLimit,
                "a hold ends in the future and within \(Limits.holdMillisecondsMax / 86_400_000) days (holdMillisecondsMax)"
            )
        }
        emit(.holdChanged(step: id, Step.Hold(until: until), by: by, reason: reason))
        return nil
    }

    private mutating func begin() -> Refusal? {
        guard run.isQueued else { return Refusal(.wrongPhase, "the run waits for no other") }
        let paused = run.pause
        emit(.runResumed(step: nil, isForced: false, by: "the engine", reason: "its subject is in no other run's hand"))
        stayPaused(paused)
        return nil
    }

    private mutating func join(_ signal: SignalID, _ alert: AlertID) -> Refusal? {
        if run.signal == signal || run.joined.contains(signal) {
            return Refusal(.alreadyDecided, "the signal joined before")
        }
        guard run.joined.count < Limits.signalsPerRunMax else {
            return Refusal(
                .overLimit,
                "\(run.joined.count) signals joined, the limit is \(Limits.signalsPerRunMax) (signalsPerRunMax)")
        }
        emit(.signalJoined(signal, alert))
        renewHolds(signal)
        return nil
    }

    /// It is told and changes nothing else: whether a run is undone is its playbook's and its people's to say.
    private mutating func close(_ signal: SignalID, _ alert: AlertID, _ asOf: Instant) -> Refusal? {
        guard run.signal == signal || run.joined.contains(signal) else {
            return Refusal(.wrongPhase, "\(signal) is none of the run's signals")
        }
        if let known = run.closed.first(where: { $0.signal == signal }), known.asOf >= asOf {
            return Refusal(.alreadyDecided, "\(signal) was closed as of \(known.asOf) already")
        }
        emit(.signalClosed(signal, by: alert, asOf: asOf))
        return nil
    }

    /// What is held is held from now on for its whole span: whatever it was held against is seen still to go on.
    private mutating func renewHolds(_ signal: SignalID) {
        for step in run.steps {
            guard let hold = step.hold, hold.state == .standing, let place = place(step.id), let rule = place.line.hold,
                case .success(let span) = milliseconds(rule.span, place)
            else { continue }
            let until = now.adding(milliseconds: max(0, min(span, Limits.holdMillisecondsMax)))
            guard until > hold.until else { continue }
            emit(
                .holdChanged(
                    step: step.id, Step.Hold(until: until), by: "a later signal", reason: "\(signal) joined"))
        }
    }
}
