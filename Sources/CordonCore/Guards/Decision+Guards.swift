// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Decides with all that guards know. Pure: the same signal, library, standing and instant give the same decision.
package func decide(_ signal: Signal, _ library: Library, _ standing: Standing, at now: Instant) -> Decision {
    decide(signal, library, at: now).guarded(signal, library, standing)
}

extension Decision {
    /// The same decision with what the guards say of each match that opens a run of its own, or would.
    package func guarded(_ signal: Signal, _ library: Library, _ standing: Standing) -> Decision {
        var decision = self
        for index in matches.indices where matches[index].joins == nil && matches[index].verdict != .ignore {
            let match = matches[index]
            guard let place = library.playbooks.firstIndex(where: { $0.name == match.playbook.name }) else { continue }
            var frame = GuardFrame(
                signal: signal, match: match, guards: library.playbooks[place].guards, library: library,
                standing: standing, now: at)
            frame.weighAll()
            guard !frame.reasons.isEmpty else { continue }
            decision.matches[index].reasons += frame.reasons
            decision.matches[index].verdict = strictest(decision.matches[index].reasons.map(\.verdict))
            if !decision.matches[index].opensRun { decision.matches[index].run = nil }
        }
        decision.verdict = gravest(decision.matches.map(\.verdict))
        return decision
    }

    /// What is remembered of it once it is stored.
    package func marks(_ signal: Signal, _ library: Library) -> GuardMarks {
        var marks = GuardMarks(at: at)
        for match in matches where match.verdict != .ignore || match.joins != nil {
            guard let place = library.playbooks.firstIndex(where: { $0.name == match.playbook.name }) else { continue }
            if match.joins == nil { marks.matched[match.playbook.name, default: 0] += 1 }
            guard case .resolved(let subject) = match.resolution else { continue }
            // What a playbook only tries out moves no other.
            if let risk = library.playbooks[place].guards.risk, library.playbooks[place].mode != .shadow {
                marks.marks.append(
                    Mark(
                        what: .risk(add: risk.add, halfLifeMilliseconds: risk.halfLifeMilliseconds),
                        subject: subject.key, playbook: match.playbook.name, at: at, cause: signal.id.text))
            }
            guard match.run != nil, match.verdict == .enforce else { continue }
            let limits = EffectiveLimits(library.guards.limits, library.playbooks[place].guards.limits)
            marks.reservations.append(
                Reservation(
                    touch: Touch(subject, playbook: match.playbook.name, at: at),
                    bounds: limits.bounds(of: subject, match.playbook.name, library).map {
                        Reservation.Bound(scope: $0.scope, most: $0.most)
                    }))
        }
        return marks
    }
}

/// The installation's limits and the playbook's own, each scope with the stricter.
package struct EffectiveLimits: Sendable {
    package struct Bound: Sendable {
        package var name: String
        package var scope: Touch.Scope
        package var most: Int
        package var over: GuardAnswer
    }

    private let server: IdentityLimits?
    private let own: IdentityLimits?

    package init(_ server: IdentityLimits?, _ own: IdentityLimits?) {
        self.server = server
        self.own = own
    }

    /// How many objects one run may change unasked.
    package var objectsMax: Int? { [server?.perRun, own?.perRun].compactMap { $0 }.min() }

    /// The bounds that can be reached at all: what is above the number of identities there are needs no counting.
    package func bounds(of subject: Subject, _ playbook: String, _ library: Library) -> [Bound] {
        let live = library.inventory.count(of: subject.kind)
        let total = library.inventory.identities.count
        return [server, own].compactMap { $0 }.flatMap { limits -> [Bound] in
            func bound(_ name: String, _ scope: Touch.Scope?, _ most: Int?) -> Bound? {
                guard let scope, let most,
                    most < total || subject.kind == .agentSession || library.inventory.isWidened
                else { return nil }
                return Bound(name: name, scope: scope, most: most, over: limits.over)
            }
            return [
                bound("of this playbook", .playbook(playbook), limits.perPlaybook),
                bound("at \(subject.provider)", .provider(subject.provider), limits.perProvider),
                bound("of \(subject.owner ?? "")", subject.owner.map(Touch.Scope.owner), limits.perOwner),
                bound("of all playbooks", .all, limits.all),
                // How many sessions are open no file knows: their share can't be told.
                subject.kind == .agentSession
                    ? nil
                    : bound(
                        "of the \(live) of kind \(subject.kind.rawValue)", .kind(subject.kind),
                        limits.allowed(of: live)),
            ].compactMap { $0 }
        }
    }
}

/// Weighs one match by every guard that is in force, and keeps the numbers.
struct GuardFrame {
    let signal: Signal
    let match: Decision.Match
    let guards: Playbook.Guards
    let library: Library
    let standing: Standing
    let now: Instant
    private(set) var reasons: [Decision.Reason] = []

    init(
        signal: Signal, match: Decision.Match, guards: Playbook.Guards, library: Library, standing: Standing,
        now: Instant
    ) {
        self.signal = signal
        self.match = match
        self.guards = guards
        self.library = library
        self.standing = standing
        self.now = now
    }

    private var policy: GuardPolicy { library.guards }

    mutating func weighAll() {
        if case .resolved(let subject) = match.resolution {
            if let planned = plannedWork(subject) {
                reasons.append(planned)
                return
            }
            weighProtection(subject)
            weighRisk(subject)
            weighLimits(subject)
            weighObjects()
            weighDrift(subject)
            weighRequirements(subject)
        }
        weighConfidence()
        weighSurge()
        weighBreaker()
        weighLadder()
        weighFreeze()
    }

    private mutating func say(
        _ name: String, _ verdict: Decision.Verdict, _ because: String, _ inputs: [String: Value]
    ) {
        reasons.append(
            Decision.Reason(guardName: name, verdict: verdict, because: because, inputs: .object(inputs)))
    }

    // MARK: Who

    private func plannedWork(_ subject: Subject) -> Decision.Reason? {
        for work in policy.maintenance {
            guard let end = work.window.end(at: now), work.explains(signal.kind, subject) else { continue }
            return Decision.Reason(
                guardName: "maintenance", verdict: .ignore,
                because: "the planned work '\(work.window.name)' explains it until \(end)",
                inputs: ["name": .string(work.window.name), "until": .string(end.description)])
        }
        return nil
    }

    private mutating func weighProtection(_ subject: Subject) {
        if let provider = policy.own[subject.id] {
            return say(
                "protected", .deny, "Cordon itself signs in at \(provider) as \(subject.id)",
                ["own": true, "provider": .string(provider)])
        }
        let all = [policy.protection, guards.protection].compactMap { $0.speaks(of: subject, at: now) }
        guard let (answer, entry) = all.first(where: { $0.answer == .deny }) ?? all.first else {
            let count = [policy.protection, guards.protection].reduce(0) { $0 + $1.deny.count + $1.ask.count }
            guard count > 0 else { return }
            return say("protected", .enforce, "no entry protects it", ["entries": .int(Int64(count))])
        }
        let why = entry.because.map { " (\($0))" } ?? ""
        say(
            "protected", answer.verdict,
            answer == .deny
                ? "\(entry.text) is touched by nobody but people\(why)" : "\(entry.text) asks a person first\(why)",
            ["entry": .string(entry.text), "until": entry.until.map { .string($0.description) } ?? .null])
    }

    private mutating func weighDrift(_ subject: Subject) {
        guard let rule = policy.drift, let workflow = library.workflows[match.workflow.name] else { return }
        let capabilities = Set(([workflow] + library.called(by: workflow)).flatMap(\.ownCapabilities))
        let times = standing.putBacks(of: subject.key, capabilities, within: rule.windowMilliseconds, at: now)
        guard times > 0 else { return }
        let span = YAMLDuration.text(milliseconds: rule.windowMilliseconds)
        let inputs: [String: Value] = [
            "put_back": .int(Int64(times)), "times": .int(Int64(rule.times)), "window": .string(span),
        ]
        guard times >= rule.times else {
            return say("drift", .enforce, "another actor put it back \(times) times within \(span)", inputs)
        }
        say(
            "drift", .propose,
            "another actor put back \(times) times within \(span) what was changed of it: find out who, and agree",
            inputs)
    }

    // MARK: How sure

    private mutating func weighConfidence() {
        let floors =
            [policy.confidenceMin.map { Playbook.Guards.Confidence(min: $0) }, guards.confidence].compactMap { $0 }
        guard let floor = floors.max(by: { $0.min < $1.min }) else { return }
        guard let confidence = signal.confidence else {
            return say(
                "confidence", .propose, "the source doesn't say how sure it is, and \(number(floor.min)) is asked for",
                ["confidence": .null, "min": .double(floor.min)])
        }
        let inputs: [String: Value] = ["confidence": .double(confidence), "min": .double(floor.min)]
        // The strictest of those that it falls short of.
        let answers = floors.filter { confidence < $0.min }.map(\.below.verdict)
        if answers.isEmpty {
            say("confidence", .enforce, "the source is sure enough", inputs)
        } else {
            say(
                "confidence", strictest(answers),
                "the source is sure to \(number(confidence)), \(number(floor.min)) is asked for", inputs)
        }
    }

    private mutating func weighRisk(_ subject: Subject) {
        guard let risk = guards.risk else { return }
        let parts = standing.riskParts(of: subject.key, at: now)
        let score = parts.reduce(0) { $0 + $1.left } + risk.add
        let inputs: [String: Value] = [
            "score": .double(score), "act_at": .double(risk.actAt), "add": .double(risk.add),
            "parts": .array(
                parts.prefix(Limits.riskPartsShown).map {
                    [
                        "playbook": .string($0.mark.playbook), "at": .string($0.mark.at.description),
                        "signal": .string($0.mark.cause), "add": .double($0.add), "left": .double($0.left),
                    ]
                }), "of": .int(Int64(parts.count)),
        ]
        if score >= risk.actAt {
            say(
                "risk", .enforce,
                "its score is \(number(score)) with \(parts.count) earlier signals, from \(number(risk.actAt)) on is acted",
                inputs)
        } else {
            say("risk", .shadow, "its score is \(number(score)), from \(number(risk.actAt)) on is acted", inputs)
        }
    }

    private mutating func weighRequirements(_ subject: Subject) {
        guard !guards.requirements.isEmpty else { return }
        let variables: [String: Value] = ["signal": signal.expressionValue, "subject": subject.expressionValue]
        for requirement in guards.requirements {
            let text = requirement.that.source
            let (answer, parts) = requirement.that.explain(variables)
            let inputs: [String: Value] = ["that": .string(text), "parts": .array(parts.map(\.told))]
            switch Condition(answer) {
            case .isTrue: say("require", .enforce, "it holds that \(text)", inputs)
            case .isFalse: say("require", requirement.otherwise.verdict, "it does not hold that \(text)", inputs)
            case .undecided(let error):
                let answers: [Decision.Verdict] = [requirement.otherwise.verdict, .propose]
                say("require", strictest(answers), "whether \(text) gave no answer: \(error.message)", inputs)
            }
        }
    }

    // MARK: How many

    /// What a list turns out to hold is known once the run reads it: the bound is kept with the run, which asks there.
    private mutating func weighObjects() {
        guard let most = EffectiveLimits(policy.limits, guards.limits).objectsMax,
            let workflow = library.workflows[match.workflow.name]
        else { return }
        let called = Dictionary(library.called(by: workflow).map { ($0.name, $0) }) { first, _ in first }
        let worst = 1 + workflow.listedObjectsMax(called)
        guard worst > 1 else { return }
        say(
            "limits", .enforce,
            worst > most
                ? "a run of it could change \(worst) objects; beyond \(most) it asks a person first"
                : "a run of it changes at most \(worst) objects, the limit is \(most)",
            ["scope": "run", "worst": .int(Int64(worst)), "most": .int(Int64(most))])
    }

    private mutating func weighLimits(_ subject: Subject) {
        let bounds = EffectiveLimits(policy.limits, guards.limits).bounds(of: subject, match.playbook.name, library)
        guard !bounds.isEmpty else { return }
        let weighed = bounds.map { bound in
            // With this one.
            (bound, used: standing.count(in: bound.scope, beside: [subject.key], at: now) + 1)
        }
        let inputs: Value = .array(
            weighed.map {
                ["scope": .string($0.0.scope.text), "used": .int(Int64($0.used)), "most": .int(Int64($0.0.most))]
            })
        let over = weighed.filter { $0.used > $0.0.most }
        guard let first = over.first else {
            let tightest = weighed.min { $0.0.most - $0.used < $1.0.most - $1.used }
            let words = tightest.map { "identity \($0.used) of at most \($0.0.most) \($0.0.name) within an hour" }
            return reasons.append(
                Decision.Reason(guardName: "limits", verdict: .enforce, because: words ?? "", inputs: inputs))
        }
        reasons.append(
            Decision.Reason(
                guardName: "limits", verdict: strictest(over.map(\.0.over.verdict)),
                because: "it would be identity \(first.used) \(first.0.name) within an hour, "
                    + "the limit is \(first.0.most)", inputs: inputs))
    }

    private mutating func weighSurge() {
        let rules = [policy.surge, guards.surge].compactMap { $0 }
        let paces = rules.map { SurgePace($0, match.playbook.name, standing, counting: 1, at: now) }
        let over = paces.filter(\.isOver)
        guard let shown = over.first ?? paces.first else { return }
        let words =
            "\(shown.matched) signals within \(YAMLDuration.text(milliseconds: shown.rule.windowMilliseconds)), "
            + "usual are \(number(shown.median)), from \(shown.threshold + 1) on it is a surge"
        if let since = standing.surges[match.playbook.name], over.isEmpty {
            let lasting = paces.filter { !$0.isCalm }
            let answers = (lasting.isEmpty ? paces : lasting).map(\.rule.then.verdict)
            return say("surge", strictest(answers), "the surge since \(since) is not over: \(words)", shown.inputs)
        }
        say("surge", over.isEmpty ? .enforce : strictest(over.map(\.rule.then.verdict)), words, shown.inputs)
    }

    // MARK: How well it went

    private mutating func weighBreaker() {
        guard policy.breaker != nil, let open = standing.breakers[match.playbook.name] else { return }
        // A person judges each run meanwhile: to do nothing would let what is real go on.
        say(
            "breaker", .propose,
            "its breaker is open since \(open.since): \(open.count.words); 'cordon guard close' when it is mended",
            open.count.value)
    }

    private mutating func weighLadder() {
        guard policy.ladder != nil else { return }
        let version = library.version(of: match.playbook, running: match.workflow.name)
        let rung = standing.ladder.rung(of: version)
        let mode = standing.ladder.mode(of: version)
        let words = rung.map { "\($0.by) let this digest go as far as \(mode.rawValue): \($0.reason)" }
        let verdict: Decision.Verdict =
            switch mode {
            case .off: .ignore
            case .shadow: .shadow
            case .propose: .propose
            case .enforce: .enforce
            }
        say(
            "ladder", verdict,
            words
                ?? "\(standing.ladder.newness(of: version)) and goes as far as \(mode.rawValue); "
                + "see 'cordon playbook promote'",
            ["mode": .string(mode.rawValue)])
    }

    private mutating func weighFreeze() {
        guard !policy.freezes.isEmpty else { return }
        guard let (window, end) = policy.freeze(at: now) else {
            return say("freeze", .enforce, "no freeze is on", ["windows": .int(Int64(policy.freezes.count))])
        }
        say(
            "freeze", .propose, "changes are frozen until \(end): \(window.name)",
            ["name": .string(window.name), "until": .string(end.description)])
    }
}

/// How many signals matched a playbook, against what is usual.
package struct SurgePace: Sendable, Hashable {
    package var rule: SurgeRule
    package var matched: Int
    package var median: Double
    package var threshold: Int

    package init(_ rule: SurgeRule, _ playbook: String, _ standing: Standing, counting more: Int = 0, at now: Instant) {
        let pace = standing.pace(of: playbook, window: rule.windowMilliseconds, at: now)
        self.rule = rule
        matched = pace.matched + more
        median = pace.median
        threshold = max(rule.cap, Int(min(rule.factor * pace.median, 1e9).rounded(.up)))
    }

    package var isOver: Bool { matched > threshold }
    /// Well below: a surge that is on has ended.
    package var isCalm: Bool { matched * 2 <= threshold }

    package var inputs: [String: Value] {
        [
            "matched": .int(Int64(matched)), "median": .double(median), "threshold": .int(Int64(threshold)),
            "window": .string(YAMLDuration.text(milliseconds: rule.windowMilliseconds)),
            "factor": .double(rule.factor), "cap": .int(Int64(rule.cap)),
        ]
    }
}

extension GuardPolicy {
    /// The freeze that is on, and when it ends; the one that lasts longest.
    package func freeze(at now: Instant) -> (CalendarWindow, Instant)? {
        freezes.compactMap { window in window.end(at: now).map { (window, $0) } }.max { $0.1 < $1.1 }
    }
}

/// `0.95`, `20`: a number as a person writes it, to two places.
package func number(_ value: Double) -> String {
    guard value.magnitude < 1e12 else { return "\(value)" }
    let hundredths = Int64((value * 100).rounded())
    let (whole, rest) = (hundredths / 100, abs(hundredths % 100))
    let sign = hundredths < 0 && whole == 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return rest % 10 == 0 ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
}
