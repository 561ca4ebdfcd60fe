// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Foundation
import Glibc
import TestKit

/// Measures the built program from outside and prints each figure beside its target. It judges nothing: what the
/// machine was doing meanwhile stands beside the figures.
@main
struct Bench {
    private let options: Options
    private let provider: LoopbackProvider
    private var report = Report()

    static func main() async {
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            var bench = Bench(options: options, provider: try LoopbackProvider())
            try await bench.measure()
            print(options.isJSON ? bench.report.json : bench.report.table)
        } catch {
            FileHandle.standardError.write(Data("cordon-bench: \(error)\n".utf8))
            exit(1)
        }
    }

    private init(options: Options, provider: LoopbackProvider) {
        self.options = options
        self.provider = provider
    }

    private mutating func measure() async throws {
        report.note("program", options.cordon)
        report.note("cores", String(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        report.noteMachine("before")
        let count = options.credentialCount
        let small = try Installation(credentials: 0..<1, on: provider)
        report.note("folder", small.scratch.path)
        let sync = try await SyncCount.cost(in: small.scratch)
        report.note(
            "one 4 KiB write and fdatasync there",
            String(format: "p50 %.3f ms, p99 %.3f ms", sync.median, sync.percentile(99)))
        let installation = try Installation(credentials: 0..<count, on: provider)
        report.note("credentials in the inventory", String(count))
        let showsStarts = options.measures(.starts)
        if showsStarts {
            try await measureStarts(small, "empty store, 1 credential", forgetting: true)
            try await measureStarts(installation, "empty store, \(count) credentials", forgetting: true)
        }
        try await measureLoads(installation)
        if showsStarts {
            try await measureStarts(installation, "used store, \(count) credentials", forgetting: false)
        }
        if options.measures(.syncs) { try await measureSyncs() }
        report.noteMachine("after")
    }

    /// With what one sync of the disk takes meanwhile.
    private mutating func beside(
        _ installation: Installation, _ section: Options.Section,
        _ measure: (inout Bench) async throws -> Void
    ) async throws {
        guard options.measures(section) else { return }
        let probe = try DiskProbe(in: installation.scratch.path)
        let first = report.figures.count
        try await measure(&self)
        report.note(disk: await probe.finish(), from: first)
    }

    /// Starts the server several times; once more on an empty store to see what it takes when nothing happens.
    private mutating func measureStarts(_ installation: Installation, _ name: String, forgetting: Bool) async throws {
        var taken: [Double] = []
        for _ in 0..<Options.starts {
            if forgetting { try installation.forgetState() }
            let server = try await ServerProcess(options.cordon, in: installation)
            taken.append(server.startMilliseconds)
            if forgetting, taken.count == Options.starts {
                try await pause(milliseconds: 2000)
                report.add("memory 2 s after start, \(name)", try server.memoryMegabytes(), "MB", target: 60)
            }
            try await server.stop()
        }
        report.add("start-up, \(name), median", Distribution(taken).median, "ms", target: 300)
    }

    private mutating func measureLoads(_ installation: Installation) async throws {
        let warm = Options.warmingAlerts
        let loadEnd = warm + options.loadCount
        let server = try await ServerProcess(options.cordon, in: installation)
        _ = try await OpenLoop(port: server.port, ratePerSecond: 50).send(0..<warm)
        try await server.settle(runs: warm)
        try await beside(installation, .verdicts) { try await $0.measureVerdicts(server) }
        var sent = warm
        try await beside(installation, .intake) {
            try await $0.measureIntake(server, warm..<loadEnd)
            sent = loadEnd
        }
        try await beside(installation, .contained) {
            try await $0.measureFirstCalls(server, sent..<(sent + $0.options.callCount))
            sent += $0.options.callCount
        }
        try await pause(milliseconds: 2000)
        report.add("memory 2 s after \(sent) runs", try server.memoryMegabytes(), "MB", target: 60)
        let isWhole = provider.areRevoked(0..<sent)
        report.note("every token revoked", isWhole ? "yes" : "NO")
        try await beside(installation, .gate) {
            try await $0.measureGate(server, installation, sent..<(sent + $0.options.floodCount))
            if NginxGate.isInstalled { sent += $0.options.floodCount }
        }
        try await server.settle(runs: sent)
        try await server.stop()
    }

    private mutating func measureVerdicts(_ server: ServerProcess) async throws {
        let verdicts = try await VerdictLoop(server)
        let before = try server.processorMilliseconds()
        let taken = try await verdicts.ask(perSecond: Options.verdictRate, seconds: options.seconds)
        let processor = try server.processorMilliseconds() - before
        let name = "verdict at \(Int(Options.verdictRate))/s over \(VerdictLoop.sessions) sessions"
        report.add(name, Distribution(taken), [50, 90, 99, 100], targets: [99: 1])
        report.add("\(name): processor time each", processor / Double(taken.count), "ms")
    }

    /// A real nginx that asks for each request, by itself and while alerts come in.
    private mutating func measureGate(
        _ server: ServerProcess, _ installation: Installation, _ credentials: Range<Int>
    ) async throws {
        guard NginxGate.isInstalled else { return report.note("the gate", "not measured: nginx is not installed") }
        let gate = try await NginxGate(before: server, options.cordon, in: installation)
        defer { gate.stop() }
        let figures = try await Enforcement(server, gate).measure()
        report.add(
            "isolation stored to next request refused", Distribution(figures.refused), [50, 99, 100], targets: [99: 100]
        )
        report.add("isolation stored to its child refused too", Distribution(figures.childRefused), [50, 99, 100])
        report.add("release stored to next request let through", Distribution(figures.restored), [50, 99, 100])
        report.add("answers of the gate that were wrong", Double(figures.wrong), "requests")
        let verdicts = try await VerdictLoop(server)
        let quiet = try await verdicts.ask(perSecond: Options.gateRate, seconds: options.seconds, at: gate)
        let name = "request through nginx at \(Int(Options.gateRate))/s"
        report.add(name, Distribution(quiet), [50, 90, 99, 100])
        let port = server.port
        async let flood = OpenLoop(port: port, ratePerSecond: Options.floodRate).send(credentials)
        let loud = try await verdicts.ask(perSecond: Options.gateRate, seconds: options.seconds, at: gate)
        let shots = try await flood
        let during = "\(name) during \(Int(Options.floodRate)) alerts/s"
        report.add(during, Distribution(loud), [50, 90, 99, 100])
        report.add(
            "\(during): alert stored (202)", Distribution(shots.filter { $0.status == 202 }.map(\.latencyMilliseconds)),
            [50, 99, 100])
        report.add("\(during): not answered 202", Double(shots.count { $0.status != 202 }), "alerts")
    }

    private mutating func measureIntake(_ server: ServerProcess, _ credentials: Range<Int>) async throws {
        let before = try await server.metrics()
        let processorBefore = try server.processorMilliseconds()
        let shots = try await OpenLoop(port: server.port, ratePerSecond: options.rate).send(credentials)
        let last = shots.map(\.answered).max() ?? 0
        try await server.settle(runs: credentials.upperBound)
        let drained = Monotonic.milliseconds(Monotonic.nanoseconds - last)
        let processor = try server.processorMilliseconds() - processorBefore
        let after = try await server.metrics()
        let commits = (after["cordon_store_commits_total"] ?? .nan) - (before["cordon_store_commits_total"] ?? .nan)
        let name = "alert stored (202) at \(Int(options.rate))/s"
        report.add(
            name, Distribution(shots.filter { $0.status == 202 }.map(\.latencyMilliseconds)), [50, 90, 99, 100],
            targets: [99: 10])
        report.add("\(name): not answered 202", Double(shots.count { $0.status != 202 }), "alerts")
        report.add("\(name): sent late by the benchmark", Distribution(shots.map(\.latenessMilliseconds)), [50, 99])
        report.add("\(name): last run ended after the last 202", drained, "ms")
        report.add("\(name): processor time per alert and its run", processor / Double(shots.count), "ms")
        report.add("\(name): commits per alert and its run", commits / Double(shots.count), "")
        report.add(
            "\(name): provider calls per run", Double(provider.calls(of: credentials)) / Double(shots.count), "")
    }

    private mutating func measureFirstCalls(_ server: ServerProcess, _ credentials: Range<Int>) async throws {
        let shots = try await OpenLoop(port: server.port, ratePerSecond: Options.callRate).send(credentials)
        try await server.settle(runs: credentials.upperBound)
        let waits = shots.compactMap { shot in
            provider.firstCall(of: shot.credential).map { Monotonic.milliseconds($0 - shot.sent) }
        }
        let name = "alert sent to first provider call at \(Int(Options.callRate))/s"
        report.add(name, Distribution(waits), [50, 99], targets: [50: 5])
        report.add("\(name): never called", Double(shots.count - waits.count), "alerts")
        let containments = shots.compactMap { shot in
            provider.revocation(of: shot.credential).map { Monotonic.milliseconds($0 - shot.sent) }
        }
        report.add(
            "alert sent to contained at \(Int(Options.callRate))/s", Distribution(containments), [50, 90, 99, 100],
            targets: [99: 20])
        report.add(
            "alert stored (202) at \(Int(Options.callRate))/s",
            Distribution(shots.map(\.latencyMilliseconds)), [50, 99])
    }

    private mutating func measureSyncs() async throws {
        guard SyncCount.hasTracer else { return report.note("syncs", "not counted: strace is not installed") }
        // Numbers of their own: the provider remembers what was revoked.
        let first = options.credentialCount
        do {
            let found = try await SyncCount.perRun(
                options.cordon, on: provider, credentials: first..<(first + Options.tracedRuns))
            let runs = Double(Options.tracedRuns)
            report.add("one run at a time: commits per run, its alert's included", found.commits, "")
            report.add("one run at a time: syncs per run", Double(found.syncs.total) / runs, "")
            report.add("… of them the write-ahead log", Double(found.syncs.log) / runs, "")
            report.add("… of them evidence and its folders", Double(found.syncs.evidence) / runs, "")
        } catch {
            report.note("syncs", "not counted: \(error)")
        }
    }
}
