// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonCore
import CordonEngine
import CordonStore
import Foundation
import Glibc
import TestKit

/// Measures the engine over its real store and a provider that answers at once: durable steps per second, what each
/// costs the disk, how soon many live runs move again after a stop, and what waiting runs take of memory.
@main
struct EngineBench {
    private let options: Options
    private var report = Report()

    static func main() async {
        do {
            var bench = EngineBench(options: try Options(Array(CommandLine.arguments.dropFirst())))
            try await bench.measure()
            print(bench.options.isJSON ? bench.report.json : bench.report.table)
        } catch {
            FileHandle.standardError.write(Data("cordon-bench-engine: \(error)\n".utf8))
            exit(1)
        }
    }

    private init(options: Options) { self.options = options }

    private mutating func measure() async throws {
        report.noteMachine("before")
        report.note("rounds", "\(options.rounds), medians")
        for live in options.live { try await measureSteps(live) }
        if options.recovered > 0 {
            try await measureWaiting(options.recovered)
            try await measureRecovery(options.recovered)
        }
        report.noteMachine("after")
    }

    // MARK: Steps

    private struct Round {
        var runsPerSecond: Double
        var commitsPerRun: Double
        var bytesPerStep: Double
        var processorMilliseconds: Double
    }

    /// Beside each round of ours one of the bound in the same minute, so that the ratio is of one machine.
    private mutating func measureSteps(_ live: Int) async throws {
        var rounds: [Round] = []
        var ratios: [Double] = []
        for _ in 0..<options.rounds {
            let round = try await round(live)
            rounds.append(round)
            if let bound = try options.bound.map({ try Bound(program: $0).runsPerSecond(live, options.seconds) }) {
                ratios.append(round.runsPerSecond / bound)
            }
        }
        func add(_ name: String, _ unit: String, target: Double? = nil, _ value: (Round) -> Double) {
            report.add("\(live) live: \(name)", Distribution(rounds.map(value)).median, unit, target: target)
        }
        add("runs of 5 steps", "/s") { $0.runsPerSecond }
        add("durable steps", "/s") { $0.runsPerSecond * 5 }
        if !ratios.isEmpty { report.add("\(live) live: of the C bound", Distribution(ratios).median, "×") }
        add("commits per run", "", target: live == 1 ? 8 : nil) { $0.commitsPerRun }
        add("disk bytes per step", "B", target: 1536) { $0.bytesPerStep }
        add("processor time per run", "ms") { $0.processorMilliseconds }
    }

    private func round(_ live: Int) async throws -> Round {
        let scratch = try ScratchFolder("cordon-bench-engine")
        let floor = try Floor(folder: scratch.path)
        let seconds = options.seconds
        let round = try await floor.whileRunning {
            // Warm: statements are prepared, the file has grown.
            try await EngineBench.play(floor, live, first: 0, until: Monotonic.nanoseconds + 300_000_000)
            let before = try await floor.store.vitals()
            let began = Monotonic.nanoseconds
            let processor = processorNanoseconds()
            let runs = try await EngineBench.play(
                floor, live, first: 1_000_000, until: began + Int64(seconds * 1e9))
            let taken = Double(Monotonic.nanoseconds - began) / 1e9
            let after = try await floor.store.vitals()
            return Round(
                runsPerSecond: Double(runs) / taken,
                commitsPerRun: Double(after.commits - before.commits) / Double(runs),
                bytesPerStep: Double(EngineBench.databaseBytes(scratch.path)) / Double(after.runs * 5),
                processorMilliseconds: Double(processorNanoseconds() - processor) / 1e6 / Double(runs))
        }
        await floor.store.close()
        return round
    }

    /// Keeps so many runs live until the time is up, and waits for the last. How many there were.
    @discardableResult
    private static func play(_ floor: Floor, _ live: Int, first: Int, until end: Int64) async throws -> Int {
        let ended = floor.engine.counts.runsEnded
        var posted = 0
        var last = floor.transport.lastCalls.makeAsyncIterator()
        await withTaskGroup(of: Void.self) { group in
            func post() {
                let number = first + posted
                posted += 1
                group.addTask { _ = await floor.engine.receive(source: "bench", Floor.alert(number)) }
            }
            for _ in 0..<live { post() }
            // A run whose last call was made ends with its next commit: then the next begins.
            while Monotonic.nanoseconds < end, await last.next() != nil { post() }
        }
        // No event says that the last run's end is stored.
        while floor.engine.counts.runsEnded - ended < posted { await Task.yield() }
        return posted
    }

    private static func databaseBytes(_ folder: String) -> Int {
        ["cordon.db"].reduce(0) { sum, name in
            var status = stat()
            return stat("\(folder)/state/\(name)", &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }

    // MARK: Waiting

    /// Runs that wait a month, and a new engine on their store: what it takes once it has looked at all of them.
    private mutating func measureWaiting(_ count: Int) async throws {
        let scratch = try ScratchFolder("cordon-bench-waiting")
        let first = try Floor(folder: scratch.path, playbook: "benchwait")
        try await first.whileRunning { try await EngineBench.open(count, on: first) }
        await first.store.close()
        let before = residentMegabytes()
        let second = try Floor(folder: scratch.path, playbook: "benchwait")
        let after = try await second.whileRunning {
            try await pause(milliseconds: 5000)
            return residentMegabytes()
        }
        await second.store.close()
        report.add("memory more with \(count) waiting runs, after a new start", after - before, "MB", target: 200)
    }

    private static func open(_ count: Int, on floor: Floor) async throws {
        var posted = 0
        while posted < count {
            let to = min(posted + 256, count)
            await withTaskGroup(of: Void.self) { group in
                for number in posted..<to {
                    group.addTask { _ = await floor.engine.receive(source: "bench", Floor.alert(number)) }
                }
            }
            posted = to
        }
        while floor.engine.counts.runsOpened < count { try await pause(milliseconds: 5) }
    }

    // MARK: Recovery

    /// Runs whose first call never returns, then a new engine on the same store with a provider that answers.
    private mutating func measureRecovery(_ count: Int) async throws {
        let scratch = try ScratchFolder("cordon-bench-recovery")
        let first = try Floor(folder: scratch.path, answers: false)
        try await first.whileRunning { try await EngineBench.open(count, on: first) }
        await first.store.close()
        report.add("memory with \(count) live runs, their calls open", residentMegabytes(), "MB")
        let second = try Floor(folder: scratch.path, answers: false)
        let began = Monotonic.nanoseconds
        let moving = try await second.whileRunning {
            while second.engine.counts.callsRedelivered < count { try await pause(milliseconds: 5) }
            return Double(Monotonic.nanoseconds - began) / 1e9
        }
        await second.store.close()
        report.add("recovery of \(count) live runs, until each has its call stored anew", moving, "s", target: 5)
    }
}

/// What the command line asks for.
struct Options: Sendable {
    var rounds = 5
    /// How many runs are live at a time; none where only what follows is measured.
    var live = [1, 16, 64, 128, 256]
    var seconds = 1.0
    var recovered = 100_000
    /// A program that does only the durable writes: `PROGRAM sqlite:PATH FULL LIVE SECONDS none 2`.
    var bound: String?
    var isJSON = false

    static let usage = """
        usage: cordon-bench-engine [--live N,N] [--rounds N] [--seconds S] [--recover RUNS] [--bound PROGRAM] [--json]
        """

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--json": isJSON = true
            case "--bound": bound = try Options.text(rest.popFirst())
            case "--live":
                live = try Options.text(rest.popFirst()).split(separator: ",").map { try Options.number(String($0)) }
            case "--rounds": rounds = try Options.number(rest.popFirst())
            case "--recover": recovered = try Options.number(rest.popFirst())
            case "--seconds": seconds = Double(try Options.number(rest.popFirst()))
            default: throw BenchFailure(description: Options.usage)
            }
        }
    }

    private static func text(_ text: String?) throws -> String {
        guard let text else { throw BenchFailure(description: usage) }
        return text
    }

    private static func number(_ text: String?) throws -> Int {
        guard let number = text.flatMap(Int.init), number >= 0 else { throw BenchFailure(description: usage) }
        return number
    }
}

/// The least that can be done: the same writes by a small C program, on the same disk.
private struct Bound {
    var program: String

    func runsPerSecond(_ live: Int, _ seconds: Double) throws -> Double {
        let scratch = try ScratchFolder("cordon-bench-bound")
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["sqlite:\(scratch.path)/bound.db", "FULL", String(live), String(seconds), "none", "2"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let match = text.firstMatch(of: #/"(?:wf_per_s|workflows_per_s|per_s)"\s*:\s*([0-9.]+)/#),
            let rate = Double(match.1)
        else { throw BenchFailure(description: "the bound printed no rate: \(text)") }
        return rate
    }
}

private func processorNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

private func residentMegabytes() -> Double {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? .nan
    return pages * 4096 / 1e6
}
