// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import TestKit

/// Measures what signing the history costs those who write it, and what verifying a long one takes.
@main
struct AuditBench {
    private let entries: Int
    private var report = Report()
    private let scratch: ScratchFolder
    private let clock = SystemClock()

    static func main() async {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if let folder = arguments.first, Int(folder) == nil {
                var report = Report()
                try await KeptBench.measure(folder, &report)
                return print(report.table)
            }
            var bench = try AuditBench(entries: arguments.first.flatMap { Int($0) } ?? 1_000_000)
            try await bench.measure()
            print(bench.report.table)
            if arguments.count > 1 {
                try FileManager.default.copyItem(atPath: bench.scratch.path("state"), toPath: arguments[1])
            }
        } catch {
            FileHandle.standardError.write(Data("cordon-bench-audit: \(error)\n".utf8))
            exit(1)
        }
    }

    private init(entries: Int) throws {
        self.entries = entries
        scratch = try ScratchFolder("cordon-bench-audit")
        try scratch.write("", to: "state/keys/.keep")
    }

    private mutating func measure() async throws {
        report.noteMachine("before")
        let probe = try DiskProbe(in: scratch.path)
        try await measureCost()
        report.note(disk: await probe.finish(), from: 0)
        let store = try SQLiteStore(.readWrite(scratch.path("state")))
        let (runs, early) = (entries / 14, entries / 14 * 9 / 10)
        try await fill(store, 0..<early)
        let checkpointer = checkpointer(store, "state/log")
        let start = Monotonic.nanoseconds
        guard let keeper = try await checkpointer.open() else {
            throw BenchFailure(description: "the log refuses to sign")
        }
        try await checkpointer.turn(keeper, isLast: true)
        report.add("first signature over \(early * 14) entries", seconds(start), "s")
        let later = clock.now
        try await fill(store, early..<runs)
        try await checkpointer.turn(keeper, isLast: true)
        try measureProofs()
        try await measureVerifying(store)
        try await measureBundles(store, later)
        await store.close()
        report.noteMachine("after")
    }

    private func checkpointer(_ store: any Store, _ log: String) -> Checkpointer {
        Checkpointer(
            Checkpointer.Parts(
                store: store, clock: clock, logPath: scratch.path(log),
                keys: SigningKeys(folder: scratch.path("state/keys")),
                origin: "bench.example/log", logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func seconds(_ start: Int64) -> Double { Double(Monotonic.nanoseconds - start) / 1_000_000_000 }

    // MARK: Filling

    /// Runs of fourteen lines, as one contained token makes them.
    private func fill(_ store: SQLiteStore, _ runs: Range<Int>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<256 {
                group.addTask {
                    for number in stride(from: runs.lowerBound + part, to: runs.upperBound, by: 256) {
                        for entry in BenchHistory.lines(number, at: clock.now) { try await store.note(entry) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: What it costs

    /// The same writes without and with a checkpointer beside them, by turns.
    private mutating func measureCost() async throws {
        var (plain, signed): ([Double], [Double]) = ([], [])
        for round in 0..<3 {
            plain.append(try await writes("plain\(round)", signs: false))
            signed.append(try await writes("signed\(round)", signs: true))
        }
        let (bare, beside) = (plain.sorted()[1], signed.sorted()[1])
        report.add("durable entries without a signed log", bare, "/s")
        report.add("durable entries with it", beside, "/s")
        report.add("its cost", (1 - beside / bare) * 100, "%", target: 20)
    }

    private func writes(_ name: String, signs: Bool) async throws -> Double {
        let store = try SQLiteStore(.readWrite(scratch.path(name)))
        let checkpointer = checkpointer(store, name + "-log")
        let keeper = signs ? try await checkpointer.open() : nil
        let until = clock.now.adding(milliseconds: 4000)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for part in 0..<256 {
                group.addTask {
                    var written = 0
                    var number = part
                    while clock.now < until {
                        for entry in BenchHistory.lines(number, at: clock.now) {
                            try await store.note(entry)
                            written += 1
                        }
                        number += 256
                    }
                    return written
                }
            }
            if let keeper {
                group.addTask {
                    while clock.now < until {
                        try await checkpointer.turn(keeper, isLast: false)
                        await clock.sleep(until: clock.now.adding(milliseconds: 1000))
                    }
                    return 0
                }
            }
            return try await group.reduce(0, +)
        }
        await store.close()
        return Double(count) / 4
    }

    // MARK: Proofs and verifying

    private mutating func measureProofs() throws {
        let folder = LogFolder(scratch.path("state/log"))
        guard let note = try folder.published() else { throw BenchFailure(description: "nothing was signed") }
        let checkpoint = try Checkpoint(parsing: Note(parsing: note).text)
        let tree = try folder.tiles(size: checkpoint.size).tree
        var times: [Double] = []
        var bytes = 0
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let index = UInt64.random(in: 0..<checkpoint.size, using: &random)
            let start = Monotonic.nanoseconds
            let proof = try tree.inclusionProof(of: index)
            times.append(Monotonic.milliseconds(Monotonic.nanoseconds - start))
            bytes = LogProof(index: index, hashes: proof.hashes, checkpoint: note).bytes.count
        }
        times.sort()
        report.add("proof of one entry, p50", times[100], "ms")
        report.add("proof of one entry, max", times[199], "ms", target: 5)
        report.add("size of a kept proof with its checkpoint", Double(bytes), "bytes")
    }

    private mutating func measureVerifying(_ store: SQLiteStore) async throws {
        let blobs = try Blobs(at: scratch.path("state/evidence"))
        let start = Monotonic.nanoseconds
        let audit = try await StateAudit.run(
            store: store, folder: LogFolder(scratch.path("state/log")), blobs: blobs, trust: AuditTrust())
        let took = seconds(start)
        report.add("verified with meaning", Double(audit.entries) / took, "entries/s", atLeast: 200_000)
        report.note("entries verified", "\(audit.entries), \(audit.runs) runs")
        let tiles = try LogFolder(scratch.path("state/log")).tiles(size: audit.size)
        let again = Monotonic.nanoseconds
        var frontier = MerkleFrontier()
        var index = 0
        while true {
            let page = try await store.log(from: index, limit: 5000)
            for item in page { frontier.append(MerkleLog.leafHash(item.entry.bytes)) }
            index += page.count
            guard page.count == 5000 else { break }
        }
        report.add("hashes alone, read from the store", Double(index) / seconds(again), "entries/s", target: nil)
        try tiles.verifyTiles(root: tiles.tree.root())
    }
}

// MARK: - Bundles

extension AuditBench {
    /// All of it as one bundle, and its last tenth; written to a file and verified from there.
    private mutating func measureBundles(_ store: SQLiteStore, _ later: Instant) async throws {
        let bundler = Bundler(
            store: store, folder: LogFolder(scratch.path("state/log")),
            blobs: try Blobs(at: scratch.path("state/evidence")),
            signers: try SigningKeys(folder: scratch.path("state/keys")).load())
        let end = clock.now.adding(milliseconds: 1000)
        let part = (later.adding(milliseconds: 1), end, "last tenth")
        let whole = (Instant(milliseconds: 0), end, "whole history")
        for (from, to, name) in [part, whole] {
            let path = scratch.path("it.tar")
            try Data().write(to: URL(filePath: path))
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            let (written, before) = (Monotonic.nanoseconds, try Memory.reset())
            try await bundler.period(from: from, to: to, spool: scratch.path) { bytes throws(EvidenceError) in
                file.write(Data(bytes))
            }
            try file.close()
            report.add("bundle of its \(name), written", seconds(written), "s")
            report.add("bundle of its \(name), memory for it", try Memory.peak() - before, "MB")
            guard let source = try ByteSource(file: path) else { throw BenchFailure(description: "no bundle") }
            report.note("bundle of its \(name)", "\(source.count / 1_000_000) MB")
            let (read, idle) = (Monotonic.nanoseconds, try Memory.reset())
            let audit = await BundleAudit.run(source, trust: AuditTrust())
            let rate = Double(audit.entries) / seconds(read)
            report.add("bundle of its \(name), verified", rate, "entries/s", atLeast: 200_000)
            report.add("bundle of its \(name), memory for that", try Memory.peak() - idle, "MB")
        }
    }
}

/// Verifies a state folder that an earlier measurement left, and a bundle of all of it: again and again, so that what one
/// change of the verifier did can be seen.
private enum KeptBench {
    private static let rounds = 3

    static func measure(_ folder: String, _ report: inout Report) async throws {
        let bundle = folder + ".tar"
        let store = try SQLiteStore(.readOnly(folder))
        let (log, blobs) = (LogFolder(folder + "/log"), try Blobs(at: folder + "/evidence"))
        if !FileManager.default.fileExists(atPath: bundle) {
            let signers = try SigningKeys(folder: folder + "/keys").load()
            try Data().write(to: URL(filePath: bundle))
            let file = try FileHandle(forWritingTo: URL(filePath: bundle))
            let span = (Instant(milliseconds: 0), SystemClock().now.adding(milliseconds: 1000))
            try await Bundler(store: store, folder: log, blobs: blobs, signers: signers).period(
                from: span.0, to: span.1, spool: folder
            ) { bytes throws(EvidenceError) in file.write(Data(bytes)) }
            try file.close()
        }
        report.noteMachine("before")
        for _ in 0..<rounds {
            try await one("state folder", &report) {
                try await StateAudit.run(store: store, folder: log, blobs: blobs, trust: AuditTrust())
            }
            guard let source = try ByteSource(file: bundle) else { throw BenchFailure(description: "no bundle") }
            try await one("bundle", &report) { await BundleAudit.run(source, trust: AuditTrust()) }
        }
        report.noteMachine("after")
        await store.close()
    }

    private static func one(
        _ name: String, _ report: inout Report, _ audit: () async throws -> AuditReport
    ) async throws {
        let (start, used) = (Monotonic.nanoseconds, Memory.processorNanoseconds)
        let found = try await audit()
        let (took, spent) = (Monotonic.nanoseconds - start, Memory.processorNanoseconds - used)
        let entries = Double(found.entries)
        report.add(name + ", verified", entries / (Double(took) / 1_000_000_000), "entries/s", atLeast: 200_000)
        report.add(name + ", processor", Double(spent) / entries / 1000, "µs/entry")
        report.note(name + ", told", "\(found.verdict), \(found.findings.count) findings")
    }
}

/// What this process holds, in MB.
private enum Memory {
    /// Forgets the peak, and tells what is held now.
    static func reset() throws -> Double {
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        return try read("VmRSS:")
    }

    /// What all its threads worked together.
    static var processorNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func peak() throws -> Double { try read("VmHWM:") }

    private static func read(_ name: String) throws -> Double {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        guard let kibibytes else { throw BenchFailure(description: "the kernel tells no \(name)") }
        return kibibytes / 1000
    }
}

/// The lines of a run as the engine writes them.
private enum BenchHistory {
    static func lines(_ number: Int, at now: Instant) -> [Entry] {
        let stem = "BENCH" + String(number)
        let run = AlertID(stem: stem).signal(1).decision.run(1)
        return events(stem).enumerated().map { offset, event in
            Chronicle().entry(run.text, offset + 1, now, event.kind, event.value)
        }
    }

    private static func events(_ stem: String) -> [Event] {
        let alert = AlertID(stem: stem)
        let decision = alert.signal(1).decision
        let pin = Run.Pin(name: "token-revocation", digest: "sha256:" + String(repeating: "2c", count: 32))
        let subject = Subject(kind: .credential, id: "billing-ci-token", provider: "login", owner: "team/billing")
        let opening = Opening(
            id: decision.run(1), decision: decision, signal: alert.signal(1), alert: alert, playbook: pin,
            workflow: pin, subject: subject, severity: .high, inputs: ["credential": ["id": "billing-ci-token"]],
            steps: ["proof", "revoke"])
        let deadline = Instant(milliseconds: 1_795_000_900_000)
        var events: [Event] = [.runOpened(opening), .stepStarted(step: "proof", deadline: deadline)]
        for (step, call, purpose) in [
            ("proof", 1, Call.Purpose.act), ("revoke", 1, .before), ("revoke", 2, .act), ("revoke", 3, .readBack),
        ] {
            events.append(.callIntended(step: step, intent(call, purpose, step == "proof" ? .read : .convergent)))
            events.append(
                .callReturned(
                    step: step, number: call,
                    Outcome(
                        .done, status: 200, result: ["active": true, "client_id": "billing"], durationMilliseconds: 12))
            )
            if step == "proof" {
                events += [
                    .stepFinished(step: step, isVerified: false, note: nil),
                    .stepStarted(step: "revoke", deadline: deadline),
                ]
            }
        }
        return events + [
            .stepFinished(step: "revoke", isVerified: true, note: nil),
            .runEnded(.completed, reason: "every step is done"),
        ]
    }

    private static func intent(_ number: Int, _ purpose: Call.Purpose, _ effect: EffectClass) -> Call {
        Call(
            number: number, purpose: purpose, attempt: 1, capability: "tokens.revoke", provider: "login",
            effectClass: effect, arguments: ["credential": "billing-ci-token"],
            seal: Seal(
                idempotencyKey: String(repeating: "3d", count: 32),
                requestDigest: "sha256:" + String(repeating: "4e", count: 32)),
            intendedAt: Instant(milliseconds: 1_795_000_000_000), deadline: Instant(milliseconds: 1_795_000_010_000))
    }
}
