// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Foundation
import Testing

/// Many runs of random workflows, each from one number, through every fault of the alphabet: a commit that fails, stored
/// or not; a crash at any boundary; a clock that leaps; signals and outcomes that come late, twice or out of order; a
/// provider that refuses, cuts, slows, limits and garbles; people who err.
///
/// `CORDON_SIM_SEEDS` says how many, `CORDON_SIM_FIRST` from which on; `CORDON_SIM_SEED` tells one's whole story.
@Suite
struct SimulationTests {
    @Test func `every seed keeps every promise`() async throws {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["CORDON_SIM_SEED"].flatMap({ Int($0) }) {
            await Story.replay(seed).print()
            return
        }
        let seeds = environment["CORDON_SIM_SEEDS"].flatMap { Int($0) } ?? 300
        let first = environment["CORDON_SIM_FIRST"].flatMap { Int($0) } ?? 0
        let begin = ContinuousClock.now
        let summary = await Summary.of(first..<first + seeds)
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        print("simulation: \(seeds) seeds, \(Int(Double(seeds) * 60 / seconds)) seeds per minute; \(summary)")
        for seed in summary.failed.prefix(5) { await Story.replay(seed).print() }
        #expect(summary.failed.isEmpty, "replay one with CORDON_SIM_SEED=\(summary.failed.first ?? 0)")
    }

    @Test func `every kind of event comes up`() async {
        let summary = await Summary.of(0..<150)
        #expect(summary.kinds.count == 34, "\(summary.kinds.sorted())")
    }

    @Test func `the same number tells the same story`() async {
        for seed in 0..<5 {
            let one = await Story.replay(seed)
            let other = await Story.replay(seed)
            #expect(one.simulation.trace == other.simulation.trace)
            #expect(one.simulation.trace.count > 3)
        }
    }

    /// A planted bug for each promise: exactly its checker sees it.
    @Test(arguments: Promise.allCases)
    func `a planted bug is seen by the checker of its promise`(_ promise: Promise) async {
        var found: [Violation] = []
        var seed = 0
        while found.isEmpty, seed < 2000 {
            var simulation = Simulation(seed: seed, plant: promise)
            await simulation.play()
            // A bug may keep a run from its end as well; the story goes on until its own checker speaks, or another.
            found = simulation.violations.filter { promise == .finishes || $0.promise != .finishes }
            seed += 1
        }
        #expect(Set(found.map(\.promise)) == [promise], "seed \(seed - 1): \(found)")
    }
}

/// What many seeds came to.
struct Summary: Sendable, CustomStringConvertible {
    var commits = 0
    var sends = 0
    var endings: [String: Int] = [:]
    var failed: [Int] = []
    var kinds: Set<String> = []

    static func of(_ seeds: Range<Int>) async -> Summary {
        await withTaskGroup(of: Summary.self) { group in
            let lanes = max(1, ProcessInfo.processInfo.activeProcessorCount)
            for lane in 0..<lanes {
                group.addTask {
                    var summary = Summary()
                    for seed in seeds where seed % lanes == lane { await summary.play(seed) }
                    return summary
                }
            }
            var all = Summary()
            for await summary in group { all.add(summary) }
            return all
        }
    }

    var description: String {
        let ends = endings.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return "\(commits) commits, \(sends) requests; \(ends)"
    }

    private mutating func play(_ seed: Int) async {
        var simulation = Simulation(seed: seed)
        await simulation.play()
        commits += simulation.record.commits
        sends += simulation.record.sends.count
        endings[simulation.folded?.ending?.rawValue ?? "unended", default: 0] += 1
        kinds.formUnion(simulation.record.kinds)
        if !simulation.violations.isEmpty { failed.append(seed) }
    }

    private mutating func add(_ other: Summary) {
        commits += other.commits
        sends += other.sends
        endings.merge(other.endings, uniquingKeysWith: +)
        failed = (failed + other.failed).sorted()
        kinds.formUnion(other.kinds)
    }
}

/// One seed with everything that happened.
struct Story {
    var seed: Int
    var simulation: Simulation

    static func replay(_ seed: Int) async -> Story {
        var simulation = Simulation(seed: seed, isTraced: true)
        await simulation.play()
        return Story(seed: seed, simulation: simulation)
    }

    func print() {
        let lines = ProcessInfo.processInfo.environment["CORDON_SIM_SEED"] == nil ? 25 : 10_000
        Swift.print("seed \(seed):\n\(simulation.scenario.outline)")
        Swift.print(simulation.trace.suffix(lines).joined(separator: "\n"))
        for violation in simulation.violations {
            Issue.record("CORDON_SIM_SEED=\(seed) \(violation.promise.rawValue): \(violation.text)")
        }
    }
}
