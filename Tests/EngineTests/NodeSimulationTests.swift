// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Foundation
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// Many runs in one engine, from one number: what the simulation of a single run can't meet (lanes, lines of a subject,
/// timers, halts over all, sweeps, a process that ends) with providers that fail.
///
/// `CORDON_NODE_SEEDS` says how many.
@Suite(.timeLimit(.minutes(20)))
struct NodeSimulationTests {
    static let seeds = 0..<(ProcessInfo.processInfo.environment["CORDON_NODE_SEEDS"].flatMap { Int($0) } ?? 24)

    @Test(arguments: seeds)
    func `whatever fails, no write leaves under a halt, the pace is kept, and every run ends`(_ seed: Int) async throws
    {
        let node = try SimulatedNode(seed: seed)
        try await node.play()
        for mistake in try await node.mistakes() { Issue.record("seed \(seed): \(mistake)") }
    }

    @Test func `a write that leaves under a halt is seen`() async throws {
        let node = try SimulatedNode(seed: 1)
        node.noteHalt(true)
        _ = node.fate(
            of: OutboundRequest(
                method: "POST", url: "https://auth.example/revoke", timeoutMilliseconds: 1, responseBytesMax: 1))
        #expect(try await node.mistakes().contains { $0.contains("left while everything is halted") })
    }
}

/// One installation through several lives of its engine.
private final class SimulatedNode: Sendable {
    private struct State {
        var dice: Seeded
        var posted = 0
        var isFaulty = true
        var isHalted = false
        var hasDoubted = false
        var mistakes: [String] = []
        /// How often each request was made, so that the same one may fail now and not later.
        var made: [String: Int] = [:]
        var sent = 0
        /// How many entries there were when a person first spoke.
        var spokeAt: Int?
    }

    private let seed: Int
    private let count: Int
    private let faultPercent: Int
    private let bounds: Lane.Bounds
    private let installation: Installation
    private let state: Mutex<State>

    init(seed: Int) throws {
        self.seed = seed
        var dice = Seeded(UInt64(seed) &+ 7_000)
        count = Int.random(in: 3...10, using: &dice)
        faultPercent = [0, 5, 25].randomElement(using: &dice) ?? 0
        bounds = Lane.Bounds(
            concurrentMax: Int.random(in: 1...4, using: &dice),
            perSecondMax: Bool.random(using: &dice) ? Int.random(in: 1...5, using: &dice) : nil)
        installation = try Installation(perSubject: Bool.random(using: &dice) ? .one : .many, bounds: bounds)
        state = Mutex(State(dice: dice))
    }

    private func roll(_ range: ClosedRange<Int>) -> Int { state.withLock { Int.random(in: range, using: &$0.dice) } }

    // MARK: The provider

    /// What becomes of a request: by its key or its path, and how often it was made.
    func fate(of request: OutboundRequest) -> Delivery? {
        state.withLock { state in
            state.sent += 1
            if state.isHalted, request.url.hasSuffix("/revoke") {
                state.mistakes.append("a write left while everything is halted")
            }
            let key = request.headers.first { $0.name == "idempotency-key" }?.value ?? request.url
            state.made[key, default: 0] += 1
            guard state.isFaulty, faultPercent > 0 else { return nil }
            var dice = Seeded("\(seed) \(key) \(state.made[key] ?? 0)".stableHash)
            guard Int.random(in: 0..<100, using: &dice) < faultPercent else { return nil }
            switch Int.random(in: 0...3, using: &dice) {
            case 0: return .answered(429, headers: ["retry-after": "2"])
            case 1: return .answered(503)
            case 2:
                state.hasDoubted = true
                return .answered(500)
            default:
                state.hasDoubted = true
                return .cut
            }
        }
    }

    func noteHalt(_ isHalted: Bool) { state.withLock { $0.isHalted = isHalted } }

    // MARK: Lives

    func play() async throws {
        for _ in 0..<roll(0...3) { try await live(turns: roll(2...25), isLast: false) }
        try await live(turns: 20_000, isLast: true)
    }

    private func live(turns: Int, isLast: Bool) async throws {
        let transport = ScriptedTransport(installation) { request, _ in self.fate(of: request) }
        let engine = installation.engine(transport)
        let (begin, before) = (installation.clock.now, state.withLock { $0.sent })
        try await installation.whileRunning(engine) {
            try await self.installation.waitUntilStarted()
            var left = turns
            while left > 0 {
                left -= 1
                try await self.quiet(engine)
                if isLast, try await self.calm(engine) { return }
                try await self.turn(engine, isLast: isLast)
            }
            if isLast { self.note("nothing ends it: \(try await self.open())") }
            // It ends as it stands, now and then with calls under way.
        }
        // What was under way when the process ended is doubted by the next.
        if !isLast { state.withLock { $0.hasDoubted = true } }
        guard let rate = bounds.perSecondMax else { return }
        let sent = state.withLock { $0.sent } - before
        let most = Int(installation.clock.now.since(begin)) * rate / 1000 + rate
        if sent > most { note("\(sent) requests left where \(most) may") }
    }

    private func note(_ mistake: String) { state.withLock { $0.mistakes.append(mistake) } }

    private func open() async throws -> String {
        try await installation.runs.filter { $0.phase != "ended" }.map { "\($0.id) \($0.wake ?? "none")" }
            .joined(separator: ", ")
    }

    /// Nothing moves before time goes by or somebody speaks.
    private func quiet(_ engine: Engine) async throws {
        let posted = state.withLock { $0.posted }
        try await installation.wait {
            guard installation.clock.sleepers == 3, engine.busyAlerts.withLock({ $0.isEmpty }) else { return false }
            // Whether all are there comes first: what is at rest is asked of all of them.
            guard try await installation.runs.count == posted else { return false }
            return try await installation.isAtRest(engine)
        }
    }

    private func turn(_ engine: Engine, isLast: Bool) async throws {
        let posted = state.withLock { $0.posted }
        switch roll(0...9) {
        case 0...2 where posted < count, 0...9 where isLast && posted < count:
            await installation.post(engine, delivery: "d-\(posted + 1)")
            state.withLock { $0.posted += 1 }
        case 3 where !isLast:
            let isSet = !engine.standingHalts.isEmpty
            // Forbidden when it has been answered; allowed before it is asked for.
            if isSet { noteHalt(false) }
            _ = try await engine.setHalt(.everything, isSet: !isSet, by: "ann", reason: "simulated")
            if !isSet { noteHalt(true) }
        case 4 where !isLast:
            guard let run = try await installation.runs.first(where: { $0.phase != "ended" }) else { return }
            try await speak()
            _ = await engine.control(run.id, .pause(by: "ann", reason: "simulated"))
        default: try await advance(engine)
        }
    }

    /// To the next thing that is due, as far as anybody knows.
    private func advance(_ engine: Engine) async throws {
        let now = installation.clock.now
        var next = try await installation.runs.compactMap(\.dueAt) + [engine.lanes.opensAt(now)].compactMap(\.self)
        next = next.filter { $0 > now }
        // A line and a timer that was due move with the clock's next tick.
        let tick = now.adding(milliseconds: 100)
        installation.clock.advance(to: roll(0...3) == 0 ? tick : max(tick, next.min() ?? tick))
    }

    private func speak() async throws {
        let entries = try await installation.base.vitals().entries
        state.withLock { $0.spokeAt = $0.spokeAt ?? entries }
    }

    /// The faults stop and people answer. True when all is over.
    private func calm(_ engine: Engine) async throws -> Bool {
        let posted = state.withLock { state in
            state.isFaulty = false
            return state.posted
        }
        if !engine.standingHalts.isEmpty {
            noteHalt(false)
            _ = try await engine.setHalt(.everything, isSet: false, by: "ann", reason: "over")
            return false
        }
        guard posted == count else { return false }
        let runs = try await installation.runs
        for record in runs where record.phase != "ended" {
            let run = try record.run()
            guard case .asked(let ask) = run.phase else { continue }
            try await speak()
            switch ask.kind {
            case .unknownOutcome:
                let answer = RunInput.resolve(step: ask.step, tookEffect: true, by: "ann", reason: "looked")
                _ = await engine.control(run.id, answer)
            default:
                _ = await engine.control(
                    run.id, .resume(step: ask.step, isForced: false, by: "ann", reason: "go on"))
            }
            return false
        }
        return runs.allSatisfy { $0.phase == "ended" }
    }

    // MARK: What must hold

    func mistakes() async throws -> [String] {
        var found = state.withLock { $0.mistakes }
        var runs: [String: Run] = [:]
        let spokeAt = state.withLock { $0.spokeAt } ?? Int.max
        for indexed in try await installation.base.log(from: 0, limit: StoreLimits.rowsPerPageMax)
        where RunID(indexed.entry.stream) != nil {
            let entry = indexed.entry
            let event = try entry.event()
            if case .runOpened(let opening) = event { runs[entry.stream] = Run(opening: opening, at: entry.at) }
            runs[entry.stream]?.apply(event, at: entry.at)
            if case .callReturned(let step, _, let outcome) = event, outcome.kind == .unknown,
                !state.withLock({ $0.hasDoubted })
            {
                found.append("\(entry.stream)/\(step) is in doubt, and nothing failed")
            }
            guard indexed.index < spokeAt else { continue }
            let moving = runs.values.filter { $0.isMoving && !$0.isShared }
            if moving.count > 1 { found.append("\(moving.map(\.id)) change one subject at entry \(indexed.index)") }
        }
        return found
    }
}

extension String {
    /// The same in every process, unlike `hashValue`.
    fileprivate var stableHash: UInt64 {
        utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
