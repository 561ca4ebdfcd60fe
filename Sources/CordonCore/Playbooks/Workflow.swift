// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// HOW: a pre-approved procedure, provider-neutral, each changing step with its undo. Pinned by the digest of its source.
package struct Workflow: Sendable, Hashable {
    /// One line of the procedure. What becomes of it in a run is a `Step`; a line under `each` becomes one per item.
    package struct Line: Sendable, Hashable {
        package var id: String
        package var kind: Kind
        /// The step is skipped when this is false.
        package var condition: Expression?
        /// The line happens once for each item of a list.
        package var each: Each?
        /// How long the step may take: a bound on what it waits for, counted from its begin.
        package var withinMilliseconds: Int64
        package var retry: Retry
        /// How long the effect stands.
        package var hold: Hold?
        /// What the line comes after instead of the line before it.
        package var after: After?
        /// Who must agree before the step begins.
        package var consent: Consent?
        package var onError: OnError

        package init(
            id: String, kind: Kind, condition: Expression? = nil, each: Each? = nil,
            withinMilliseconds: Int64 = Limits.stepWithinMillisecondsDefault, retry: Retry = Retry(),
            hold: Hold? = nil, after: After? = nil, consent: Consent? = nil, onError: OnError = .page
        ) {
            self.id = id
            self.kind = kind
            self.condition = condition
            self.each = each
            self.withinMilliseconds = withinMilliseconds
            self.retry = retry
            self.hold = hold
            self.after = after
            self.consent = consent
            self.onError = onError
        }
    }

    /// The closed set of what a line can be.
    package indirect enum Kind: Sendable, Hashable {
        /// One capability of a connector.
        case act(Act)
        /// People decide.
        case approve(Consent)
        /// People answer a question.
        case task(Consent)
        case wait(Wait)
        /// Branches, each a sequence, joined by all.
        case parallel([Branch])
        /// Rungs of growing severity until a condition holds.
        case ladder(Ladder)
        /// Another workflow, pinned by digest when the run is opened.
        case call(workflow: String, with: Arguments)
        /// Undoes the named steps now, the last first.
        case undo([String])
    }

    package struct Act: Sendable, Hashable {
        package var capability: String
        /// Another connection than that of the subject's provider.
        package var at: Venue?
        package var arguments: Arguments
        /// What must hold of `after`, the state read back, for the effect to count.
        package var verify: Expression?
        package var undo: Undo
        package var onUnknown: OnUnknown
        /// Who settled a doubt beforehand, as the history names them; stored for ever.
        package static let settler = "the workflow"

        package init(
            capability: String, at: Venue? = nil, arguments: Arguments, verify: Expression? = nil,
            undo: Undo = .notNeeded, onUnknown: OnUnknown = .ask
        ) {
            self.onUnknown = onUnknown
            self.capability = capability
            self.at = at
            self.arguments = arguments
            self.verify = verify
            self.undo = undo
        }
    }

    /// The connection of the installation at which something is asked for, where that is not the subject's provider. It is
    /// fixed before anything runs: no text of an alert, and no answer of a provider, chooses it.
    package enum Venue: Sendable, Hashable {
        case connection(String)
        /// What an input of the workflow names.
        case input(String)

        /// As the workflow's file has it.
        package var text: String {
            switch self {
            case .connection(let id): id
            case .input(let name): "${inputs.\(name)}"
            }
        }

        /// The connection that is meant, with the inputs known.
        package func connection(_ inputs: Value) -> String? {
            switch self {
            case .connection(let id): id
            case .input(let name): inputs[name]?.stringValue
            }
        }
    }

    /// What follows when nobody can tell whether an act took effect, and neither its class nor a probe settles it.
    package enum OnUnknown: Sendable, Hashable {
        /// A named person says what became of it.
        case ask
        /// It counts as done: that it is missing is bearable, twice would not be.
        case accept(because: String)
        /// It is done anew: twice is bearable, that it is missing would not be.
        case `repeat`(because: String)
    }

    package struct Retry: Sendable, Hashable {
        package var attempts: Int
        package var firstMilliseconds: Int64

        package init(
            attempts: Int = Limits.attemptsDefault, firstMilliseconds: Int64 = Limits.backOffMillisecondsFirst
        ) {
            self.attempts = attempts
            self.firstMilliseconds = firstMilliseconds
        }
    }

    package enum Undo: Sendable, Hashable {
        /// The step only reads.
        case notNeeded
        /// The connector's own inverse, from the before-image.
        case byConnector
        /// It can't be undone, and the author says why that is acceptable.
        case none(because: String)
    }

    /// How long an effect stands, and what follows. It does not hold up later lines.
    package struct Hold: Sendable, Hashable {
        package enum Then: String, Sendable, Hashable, CaseIterable { case undo, page, keep }

        /// A duration, or a hole that gives one.
        package var span: Arguments
        package var then: Then
        /// When it is true at the end of the hold, the effect is kept.
        package var unless: Expression?

        package init(span: Arguments, then: Then, unless: Expression? = nil) {
            self.span = span
            self.then = then
            self.unless = unless
        }
    }

    package enum After: Sendable, Hashable {
        case step(String)
        /// The hold of that step ended and its effect was kept.
        case hold(String)

        package var step: String {
            switch self {
            case .step(let id), .hold(let id): id
            }
        }
    }

    package struct Each: Sendable, Hashable {
        package var list: Expression
        package var name: String
        package var max: Int
        package var parallel: Int

        package init(list: Expression, name: String, max: Int, parallel: Int = 1) {
            self.list = list
            self.name = name
            self.max = max
            self.parallel = parallel
        }
    }

    /// What people are asked, by whom it may be answered, and what silence means.
    package struct Consent: Sendable, Hashable {
        package enum Silence: Sendable, Hashable {
            /// Nothing further is done; what was done stands.
            case keep
            /// The step is skipped.
            case skip
            /// The run ends.
            case abort
            /// As if that had been chosen.
            case choice(String)
        }

        /// A group or a name, or a hole that gives one.
        package var by: Arguments
        package var quorum: Int
        /// Who may not answer, by name.
        package var excluded: [String]
        /// Whoever put the run's playbook or one of its workflows in force may not answer either.
        package var excludesAuthor: Bool
        package var choices: [String]
        /// For a person: what is asked.
        package var text: String?
        package var withinMilliseconds: Int64
        package var remindMilliseconds: Int64?
        package var escalate: Escalation?
        package var silence: Silence

        package init(
            by: Arguments, quorum: Int = 1, excluded: [String] = [], excludesAuthor: Bool = false,
            choices: [String] = Consent.yesOrNo, text: String? = nil, withinMilliseconds: Int64,
            remindMilliseconds: Int64? = nil, escalate: Escalation? = nil, silence: Silence
        ) {
            self.excludesAuthor = excludesAuthor
            self.by = by
            self.quorum = quorum
            self.excluded = excluded
            self.choices = choices
            self.text = text
            self.withinMilliseconds = withinMilliseconds
            self.remindMilliseconds = remindMilliseconds
            self.escalate = escalate
            self.silence = silence
        }

        package static let approve = "approve"
        package static let decline = "decline"
        package static let yesOrNo = [approve, decline]
    }

    package struct Escalation: Sendable, Hashable {
        package var afterMilliseconds: Int64
        package var to: String

        package init(afterMilliseconds: Int64, to: String) {
            self.afterMilliseconds = afterMilliseconds
            self.to = to
        }
    }

    /// What a condition is weighed by when it needs the provider's word: a reading capability, asked anew each time.
    package struct Measure: Sendable, Hashable {
        package var capability: String
        package var at: Venue?
        package var arguments: Arguments

        package init(capability: String, at: Venue? = nil, arguments: Arguments) {
            self.capability = capability
            self.at = at
            self.arguments = arguments
        }
    }

    package enum Wait: Sendable, Hashable {
        /// A duration, or a hole that gives one.
        case span(Arguments)
        case condition(Until)
    }

    package struct Until: Sendable, Hashable {
        package var condition: Expression
        package var measure: Measure?
        package var everyMilliseconds: Int64
        package var forMilliseconds: Int64
        /// Time being up is no mistake: the run goes on.
        package var goesOn: Bool

        package init(
            condition: Expression, measure: Measure? = nil, everyMilliseconds: Int64, forMilliseconds: Int64,
            goesOn: Bool
        ) {
            self.condition = condition
            self.measure = measure
            self.everyMilliseconds = everyMilliseconds
            self.forMilliseconds = forMilliseconds
            self.goesOn = goesOn
        }
    }

    package struct Branch: Sendable, Hashable {
        package var name: String
        package var lines: [Line]

        package init(name: String, lines: [Line]) {
            self.name = name
            self.lines = lines
        }
    }

    package struct Ladder: Sendable, Hashable {
        package var condition: Expression
        package var measure: Measure?
        package var rungs: [Branch]

        package init(condition: Expression, measure: Measure? = nil, rungs: [Branch]) {
            self.condition = condition
            self.measure = measure
            self.rungs = rungs
        }
    }

    /// What a step that can't go on does to its run.
    package enum OnError: String, Sendable, Hashable, CaseIterable {
        /// Stops here, keeps the containment, asks a person.
        case page
        /// The step failed, the run goes on.
        case `continue`
        /// The run ends; what was done stands, holds end as planned.
        case stop
        /// Everything that the run did is undone, the last first, and the run ends.
        case undo
    }

    /// What a playbook hands in.
    package struct Input: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case serviceAccount = "service_account"
            case credential
            case workload
            case agentSession = "agent_session"
            case string
            case int
            case bool
            case duration
            /// The id of a connection, written out in the playbook.
            case connection

            package var isSubject: Bool {
                switch self {
                case .serviceAccount, .credential, .workload, .agentSession: true
                case .string, .int, .bool, .duration, .connection: false
                }
            }
        }

        package var name: String
        package var kind: Kind
        package var standard: Value?
        /// The largest duration that may be handed in, in milliseconds.
        package var max: Int64?

        package init(name: String, kind: Kind, standard: Value? = nil, max: Int64? = nil) {
            self.name = name
            self.kind = kind
            self.standard = standard
            self.max = max
        }
    }

    /// Where a line calls another workflow, for what can be checked only beside that one.
    package struct CallSite: Sendable, Hashable {
        package var workflow: String
        package var arguments: [String: Arguments]
        /// Those of the given that are fixed enough to name a connection.
        package var venues: [String: Venue] = [:]
        package var place: Place
        package var sourceLine: String?
    }

    package var name: String
    package var title: String
    package var inputs: [Input]
    package var lines: [Line]
    package var callSites: [CallSite]
    /// `sha256:` of the source's bytes.
    package var digest: String

    package init(
        name: String, title: String, inputs: [Input], lines: [Line], callSites: [CallSite] = [], digest: String
    ) {
        self.callSites = callSites
        self.name = name
        self.title = title
        self.inputs = inputs
        self.lines = lines
        self.digest = digest
    }

    package var pin: Run.Pin { Run.Pin(name: name, digest: digest) }

    package func step(_ id: String) -> Line? { Workflow.find(id, in: lines) }

    private static func find(_ id: String, in lines: [Line]) -> Line? {
        for line in lines {
            if line.id == id { return line }
            for branch in line.branches {
                if let found = find(id, in: branch.lines) { return found }
            }
        }
        return nil
    }

    /// The ids of the lines that a line stands in, the outermost first.
    package func parts(around id: String) -> [String] { Workflow.parts(around: id, in: lines) ?? [] }

    private static func parts(around id: String, in lines: [Line]) -> [String]? {
        if lines.contains(where: { $0.id == id }) { return [] }
        for line in lines {
            for branch in line.branches {
                if let inner = parts(around: id, in: branch.lines) { return [line.id] + inner }
            }
        }
        return nil
    }

    /// Every line, in the order of the file, those inside branches and rungs too.
    package var allLines: [Line] { Workflow.flat(lines) }

    private static func flat(_ lines: [Line]) -> [Line] {
        lines.flatMap { line in [line] + line.branches.flatMap { flat($0.lines) } }
    }

    /// What its own lines ask of providers; called workflows ask for theirs.
    package var capabilities: Set<String> { Set(allLines.flatMap(\.capabilities)) }

    /// What of it is asked of the subject's provider.
    package var ownCapabilities: Set<String> { Set(allLines.flatMap(\.ownCapabilities)) }

    /// How many items its lists that change something can hold at most, those of called workflows too.
    package func listedObjectsMax(_ called: [String: Workflow]) -> Int {
        allLines.reduce(0) { sum, line in
            if let each = line.each { return sum + (line.changesItems(called) ? each.max : 0) }
            guard case .call(let name, _) = line.kind, let inner = called[name] else { return sum }
            return sum + inner.listedObjectsMax(called)
        }
    }

    /// The connections among what it is handed, where these are fixed: `within` are the inputs of whoever hands them in.
    package func venues(_ given: [String: Arguments], within outer: Value) -> Value {
        var named: [String: Value] = [:]
        for input in inputs where input.kind == .connection {
            named[input.name] =
                given[input.name].flatMap(Venue.init)?.connection(outer).map(Value.string) ?? input.standard
        }
        return .object(named)
    }

    /// The workflows that its lines call.
    package var calledNames: [String] {
        allLines.compactMap { if case .call(let name, _) = $0.kind { name } else { nil } }
    }
}

extension Workflow.Line {
    package var act: Workflow.Act? { if case .act(let act) = kind { act } else { nil } }

    package var branches: [Workflow.Branch] {
        switch kind {
        case .parallel(let branches): branches
        case .ladder(let ladder): ladder.rungs
        case .act, .approve, .task, .wait, .call, .undo: []
        }
    }

    package var measure: Workflow.Measure? {
        switch kind {
        case .wait(.condition(let until)): until.measure
        case .ladder(let ladder): ladder.measure
        case .act, .approve, .task, .wait(.span), .parallel, .call, .undo: nil
        }
    }

    /// Whether it is done to each item of a list, and changes something.
    package func changesItems(_ called: [String: Workflow]) -> Bool {
        guard each != nil else { return false }
        switch kind {
        case .act(let act): return Capability.named(act.capability)?.isWrite ?? true
        case .call(let name, _):
            return called[name]?.allLines.contains { line in
                line.act.map { Capability.named($0.capability)?.isWrite ?? true } ?? line.changesItems(called)
            } ?? true
        case .approve, .task, .wait, .parallel, .ladder, .undo: return false
        }
    }

    package var capabilities: [String] { [act?.capability, measure?.capability].compactMap { $0 } }

    package var ownCapabilities: [String] {
        [act.flatMap { $0.at == nil ? $0.capability : nil }, measure.flatMap { $0.at == nil ? $0.capability : nil }]
            .compactMap { $0 }
    }

    /// What it asks of another connection, and of which.
    package var elsewhere: [(venue: Workflow.Venue, capability: String)] {
        [act.map { ($0.at, $0.capability) }, measure.map { ($0.at, $0.capability) }].compactMap { pair in
            guard let pair, let venue = pair.0 else { return nil }
            return (venue, pair.1)
        }
    }
}

extension Workflow.Venue {
    /// What stands there, where it is fixed: the id itself, or an input and nothing else.
    package init?(_ argument: Arguments) {
        switch argument {
        case .literal(.string(let id)) where isName(id): self = .connection(id)
        case .template(let template):
            guard let passes = template.soleHole?.passes, passes.count == 1, passes[0].count == 2,
                passes[0][0] == "inputs", template.soleHole?.source == passes[0].joined(separator: ".")
            else { return nil }
            self = .input(passes[0][1])
        case .literal, .list, .map: return nil
        }
    }
}

/// A tree of parameters as the author wrote it, with `${…}` holes.
package indirect enum Arguments: Sendable, Hashable {
    case literal(Value)
    case template(Template)
    case list([Arguments])
    case map([String: Arguments])

    /// The variables that its holes name.
    package var variableNames: Set<String> {
        switch self {
        case .literal: []
        case .template(let template): Set(template.holes.flatMap(\.variables.keys))
        case .list(let items): items.reduce(into: []) { $0.formUnion($1.variableNames) }
        case .map(let members): members.values.reduce(into: []) { $0.formUnion($1.variableNames) }
        }
    }

    /// Evaluates every hole once.
    package func render(_ variables: [String: Value]) -> Result<Value, EvaluationError> {
        switch self {
        case .literal(let value): return .success(value)
        case .template(let template): return template.render(variables)
        case .list(let items):
            var out: [Value] = []
            for item in items {
                switch item.render(variables) {
                case .success(let value): out.append(value)
                case .failure(let error): return .failure(error)
                }
            }
            return .success(.array(out))
        case .map(let members):
            var out: [String: Value] = [:]
            for (key, item) in members {
                switch item.render(variables) {
                case .success(let value): out[key] = value
                case .failure(let error): return .failure(error)
                }
            }
            return .success(.object(out))
        }
    }
}
