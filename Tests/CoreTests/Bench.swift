// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// Seals every draft with a text of its own, unless its step is among those whose request can't be built.
struct FixedSealer: Sealer {
    var unbuildableSteps: Set<String> = []

    func seal(_ draft: CallDraft) -> Result<Seal, Refusal> {
        if unbuildableSteps.contains(draft.step) {
            return .failure(Refusal(.unbuildable, "the parameter 'credential' is empty"))
        }
        return .success(Seal(idempotencyKey: "key of \(draft.id)", requestDigest: "sha256:\(draft.purpose.rawValue)"))
    }

    func digest(_ bytes: [UInt8]) -> String { "shown: " + String(decoding: bytes, as: UTF8.self) }
}

extension Subject {
    static let token = Subject(
        kind: .credential, id: "deploy-token", provider: "github", owner: "platform", tags: ["ci"],
        attributes: ["login": "deploy-bot"])
}

extension Signal {
    static let exposure = Signal(
        id: AlertID(stem: "01").signal(1), alert: AlertID(stem: "01"), source: "github", kind: "secret.exposed",
        receivedAt: .start, occurredAt: nil, severity: .high, confidence: 1,
        attributes: ["credential": ["number": 7], "validity": "active"])
}

extension Instant {
    static let start = Instant(milliseconds: 1_700_000_000_000)
}

/// One line of a test's workflow: its class, whether the state can be read, and what the line says.
struct LineSketch {
    var id: String
    var effectClass: EffectClass
    var readsState = false
    var condition: String?
    var verify: String?
    var withinMilliseconds: Int64 = 60_000
    var retry = Workflow.Retry(attempts: 3, firstMilliseconds: 1000)
    var arguments: Arguments = .literal(["credential": "deploy-token"])

    var capability: String { "\(id).\(effectClass.rawValue)" }
}

/// A workflow with its contracts, and the runs that it opens.
struct Bench {
    var lines: [LineSketch]
    var sealer = FixedSealer()
    var timeoutMilliseconds: Int64 = 10_000

    init(_ lines: LineSketch..., sealer: FixedSealer = FixedSealer()) {
        self.lines = lines
        self.sealer = sealer
    }

    init(lines: [LineSketch]) { self.lines = lines }

    var workflow: Workflow {
        Workflow(
            name: "contain", title: "Contain it", inputs: [],
            lines: lines.map { line in
                Workflow.Line(
                    id: line.id,
                    kind: .act(
                        Workflow.Act(
                            capability: line.capability, arguments: line.arguments,
                            verify: line.verify.map(expression),
                            undo: line.effectClass.isWrite ? .none(because: "a test") : .notNeeded)),
                    condition: line.condition.map(expression), withinMilliseconds: line.withinMilliseconds,
                    retry: line.retry)
            }, digest: "sha256:workflow")
    }

    var definition: RunDefinition {
        let contracts = lines.map { line in
            (
                line.capability,
                Contract(
                    effectClass: line.effectClass, readsState: line.readsState,
                    timeoutMilliseconds: timeoutMilliseconds)
            )
        }
        return RunDefinition(
            workflow: workflow, contracts: Dictionary(contracts) { first, _ in first }, sealer: sealer)
    }

    func opening(gate: Run.Ask? = nil, subject: Subject? = .token) -> Opening {
        Opening(
            id: RunID(stem: "01"), decision: DecisionID(stem: "01"), signal: SignalID(stem: "01"),
            alert: AlertID(stem: "01"), playbook: Run.Pin(name: "exposed", digest: "sha256:playbook"),
            workflow: workflow.pin, subject: subject, severity: .high, inputs: ["credential": "deploy-token"],
            steps: lines.map(\.id), gate: gate)
    }

    func open(gate: Run.Ask? = nil, subject: Subject? = .token) -> Drive {
        Drive(self, opening(gate: gate, subject: subject))
    }
}

/// A run under way with everything that was stored of it.
struct Drive {
    let definition: RunDefinition
    private(set) var run: Run
    private(set) var history: [(at: Instant, event: Event)]
    private(set) var last: [Event]
    var now = Instant.start
    var halts = Halts.none

    init(_ bench: Bench, _ opening: Opening) { self.init(bench.definition, opening) }

    init(_ definition: RunDefinition, _ opening: Opening) {
        self.definition = definition
        let opened = Run.open(opening, definition, at: .start)
        run = opened.run
        last = opened.events
        history = opened.events.map { (.start, $0) }
    }

    var events: [Event] { history.map(\.event) }

    /// The open call of a step.
    func call(_ step: String = "a") -> Call? {
        if case .calling(let call) = run.step(step)?.phase { call } else { nil }
    }

    /// What the step waits for its timer with.
    func wait(_ step: String = "a") -> Step.BackOff? {
        if case .backingOff(let backOff) = run.step(step)?.phase { backOff } else { nil }
    }

    /// Hands in an input and gives the events that it made.
    @discardableResult
    mutating func put(_ input: RunInput) throws(Refusal) -> [Event] {
        let transition = try run.handle(input, definition, halts: halts, at: now).get()
        run = transition.run
        history += transition.events.map { (now, $0) }
        last = transition.events
        return last
    }

    /// Answers the step's open call.
    @discardableResult
    mutating func answer(_ outcome: Outcome, _ step: String = "a") throws(Refusal) -> [Event] {
        guard let call = call(step) else { throw Refusal(.noSuchCall, "the test expected an open call of \(step)") }
        return try put(.callReturned(step: step, number: call.number, delivery: call.delivery, outcome))
    }

    /// Goes to the time that the step waits for, and fires its timer.
    @discardableResult
    mutating func fire(_ step: String = "a") throws(Refusal) -> [Event] {
        guard let wait = wait(step) else { throw Refusal(.wrongPhase, "the test expected \(step) to wait") }
        now = max(now, wait.until)
        return try put(.timerFired)
    }

    /// Answers one open call after the other.
    mutating func answerAll(_ outcomes: Outcome...) throws(Refusal) {
        for outcome in outcomes { try answer(outcome) }
    }
}

extension Outcome {
    static func done(_ result: Value) -> Outcome { Outcome(.done, status: 200, result: result) }
    static let done = Outcome(.done, status: 200)
    static let cut = Outcome(.unknown, reason: "the line was cut after the request had left")
    static let busy = Outcome(.later, status: 429, reason: "too many requests")
    static let refused = Outcome(.refused, status: 403, reason: "forbidden")
    static let active: Outcome = .done(["active": true])
    static let gone: Outcome = .done(["active": false])
}

extension Run {
    var ask: Ask? { if case .asked(let ask) = phase { ask } else { nil } }
}

extension [Event] {
    var kinds: [String] { map(\.kind) }
}
