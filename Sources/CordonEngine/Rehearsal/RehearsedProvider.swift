// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Synchronization

/// The provider of a rehearsal, in the network's place: it takes requests as the connector builds them and answers as
/// the case says, in bytes that the connector reads. It outlives the engines that call it.
final class RehearsedProvider: Transport {
    private struct Thing {
        var isDone = false
        var actedAt: Instant?
    }

    private struct State {
        var things: [String: Thing] = [:]
        /// How many requests there were of a kind, for fates and answers in turn.
        var counts: [String: Int] = [:]
        /// How many left for a call, by its name in expectations.
        var requests: [String: Int] = [:]
        var wakes: [Int: Instant] = [:]
        var lastWake = 0
        var hasCrashed = false
        var crashIsDue = false
    }

    private let fakes: [String: PlaybookTest.Fake]
    private let crash: PlaybookTest.Crash?
    private let map: WorkflowMap
    /// By the connection.
    private let shapes: [String: ProviderShape]
    private let clock: VirtualClock
    private let state = Mutex(State())

    init(_ item: PlaybookTest.Case, _ map: WorkflowMap, _ shapes: [String: ProviderShape], _ clock: VirtualClock) {
        fakes = item.fakes
        crash = item.crash
        self.map = map
        self.shapes = shapes
        self.clock = clock
    }

    var requests: [String: Int] { state.withLock { $0.requests } }
    /// When the next answer is due.
    var earliest: Instant? { state.withLock { $0.wakes.values.min() } }

    /// Whether the process is to end now; true once.
    func takeCrash() -> Bool {
        state.withLock { state in
            defer { state.crashIsDue = false }
            return state.crashIsDue
        }
    }

    func close() async {}

    func send(_ request: OutboundRequest) async -> Delivery {
        guard let errand = UnderWay.errand,
            let exchange = shapes[errand.call.provider]?.actions[errand.call.capability]?.exchange(
                for: errand.call.purpose)
        else {
            return Delivery(
                fate: .notSent(Fault(kind: .other, number: 0, reason: "the rehearsal knows no such call")),
                durationMilliseconds: 0)
        }
        let started = clock.now
        let fate = await become(of: errand, request)
        return Delivery(
            fate: self.fate(fate, errand, exchange), durationMilliseconds: clock.now.since(started))
    }

    /// Takes the time that the case says, and does to the subject what becomes of the request.
    private func become(of errand: Errand, _ request: OutboundRequest) async -> PlaybookTest.Fake.Fate {
        let fake = fake(errand)
        var fate = count(errand, fake)
        if takesCrash(errand) {
            if crash?.moment == .after { act(errand, fake) }
            return await hang()
        }
        if fate == .timeout {
            await pause(request.timeoutMilliseconds)
            return fate
        }
        if fate != .unsent { await pause(fake.takesMilliseconds) }
        if Task.isCancelled { return .cut }
        switch fate {
        case .ok, .unknown: act(errand, fake)
        case .crash:
            act(errand, fake)
            state.withLock { $0.crashIsDue = true }
            fate = await hang()
        case .refused, .later, .unsent, .cut, .timeout: break
        }
        return fate
    }

    /// No answer will come: what waits for it ends with its process.
    private func hang() async -> PlaybookTest.Fake.Fate {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        for await _ in stream {}
        continuation.finish()
        return .cut
    }

    private func pause(_ milliseconds: Int64) async {
        guard milliseconds > 0 else { return }
        let until = clock.now.adding(milliseconds: milliseconds)
        let number = state.withLock { state in
            state.lastWake += 1
            state.wakes[state.lastWake] = until
            return state.lastWake
        }
        await clock.sleep(until: until)
        state.withLock { _ = $0.wakes.removeValue(forKey: number) }
    }

    private func takesCrash(_ errand: Errand) -> Bool {
        guard let crash, errand.call.purpose == .act, errand.step == crash.step || line(errand)?.step == crash.step
        else { return false }
        return state.withLock { state in
            defer { (state.hasCrashed, state.crashIsDue) = (true, state.crashIsDue || !state.hasCrashed) }
            return !state.hasCrashed
        }
    }

    // MARK: What the case says

    private func line(_ errand: Errand) -> WorkflowMap.Spot? { map.spot(of: errand.step) }

    /// The most particular that is there: of an item, of its step, of the capability.
    private func fake(_ errand: Errand) -> PlaybookTest.Fake {
        let step = Step.forwardID(of: errand.step)
        return fakes["step.\(step)"] ?? line(errand).flatMap { fakes["step.\($0.step)"] }
            ?? fakes[errand.call.capability] ?? PlaybookTest.Fake()
    }

    private func count(_ errand: Errand, _ fake: PlaybookTest.Fake) -> PlaybookTest.Fake.Fate {
        let call = errand.call
        let kind =
            switch call.purpose {
            case .act, .measure: "act"
            case .undo: "undo"
            case .before, .probe, .readBack, .control, .verify: "read"
            }
        let number = state.withLock { state in
            if call.purpose == .act { state.requests[call.capability, default: 0] += 1 }
            if call.purpose == .undo { state.requests[errand.step, default: 0] += 1 }
            state.counts["\(kind) \(key(errand))", default: 0] += 1
            return state.counts["\(kind) \(key(errand))", default: 0]
        }
        switch call.purpose {
        case .act, .measure: return fake.acts.fate(number)
        case .undo: return fake.undos.fate(number)
        case .before, .probe, .readBack, .control, .verify: return fake.reads.fate(number)
        }
    }

    /// One thing at the provider: a capability with its parameters.
    private func key(_ errand: Errand) -> String {
        var members = errand.call.arguments.objectValue ?? [:]
        // What an undo is handed besides is no other thing.
        for name in ["before", "live", "result"] { members[name] = nil }
        let capability = errand.call.purpose == .measure ? "\(errand.step) measures" : errand.call.capability
        return "\(capability) \(Value.object(members).json)"
    }

    private func act(_ errand: Errand, _ fake: PlaybookTest.Fake) {
        guard errand.call.purpose.isChange, fake.takesEffect || errand.call.purpose == .undo else { return }
        let key = key(errand)
        let now = clock.now
        state.withLock { state in
            var thing = state.things[key] ?? Thing()
            thing.isDone = errand.call.purpose == .act
            // What somebody else changed since is done anew, and changed anew after that.
            let isAnew = thing.actedAt.map { now.since($0) >= fake.drift?.atMilliseconds ?? .max } ?? true
            thing.actedAt = thing.isDone ? (isAnew ? now : thing.actedAt) : nil
            state.things[key] = thing
        }
    }

    // MARK: Answers

    private func fate(
        _ fate: PlaybookTest.Fake.Fate, _ errand: Errand, _ exchange: ProviderShape.Exchange
    ) -> Delivery.Fate {
        let answers = exchange.answers
        switch fate {
        case .ok:
            return answered(answers.done.min() ?? 200, body(errand, exchange))
        case .refused: return answered(answers.refused.contains(403) ? 403 : answers.refused.min() ?? 403)
        case .later: return answered(answers.later.contains(429) ? 429 : answers.later.min() ?? 429)
        case .unsent:
            return .notSent(Fault(kind: .connectionRefused, number: 7, reason: "the provider could not be reached"))
        case .unknown, .cut, .crash:
            return .mayHaveBeenSent(Fault(kind: .reset, number: 56, reason: "the line was cut"))
        case .timeout: return .mayHaveBeenSent(Fault(kind: .timedOut, number: 28, reason: "no answer in time"))
        }
    }

    private func answered(_ status: Int, _ body: Value = .object([:])) -> Delivery.Fate {
        .answered(
            OutboundResponse(status: status, headers: ["content-type": "application/json"], body: body.jsonBytes))
    }

    private func body(_ errand: Errand, _ exchange: ProviderShape.Exchange) -> Value {
        let fake = fake(errand)
        switch errand.call.purpose {
        case .undo: return .object([:])
        case .act, .measure:
            let number = state.withLock { $0.counts["act \(key(errand))", default: 1] }
            return fake.answers.isEmpty ? .object([:]) : fake.answers[min(number, fake.answers.count) - 1]
        case .before, .probe, .readBack, .control, .verify:
            let thing = state.withLock { $0.things[key(errand)] } ?? Thing()
            if let drift = fake.drift, let acted = thing.actedAt, clock.now.since(acted) >= drift.atMilliseconds {
                return drift.to
            }
            // Where the case says nothing, before and after differ all the same: an undo compares them.
            let word: Value = thing.isDone ? "after" : "before"
            let standard = Value.object(Dictionary(uniqueKeysWithValues: Set(exchange.keep).map { ($0, word) }))
            return (thing.isDone ? fake.after : fake.before) ?? standard
        }
    }
}
