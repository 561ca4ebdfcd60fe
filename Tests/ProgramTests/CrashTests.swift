// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import Synchronization
import TestKit
import Testing

/// The built program, killed with SIGKILL at every boundary of a run and started again: each alert that got its 202
/// has one run, each call that reached the provider has a stored intent, and the token is dead at the end.
@Suite(.serialized)
struct CrashTests {
    /// Kills inside a transaction, at a write to the log before the one that holds the commit's mark: so before an
    /// intent is stored, and where an answer has been read and its outcome is not stored yet.
    @Test func `killed before a commit is stored it finishes after a start`() async throws {
        try await sweep("pwrite64", every: 5, upTo: 400, onlyLog: true, atLeast: 6)
    }

    /// Kills at the n-th sync: the commit is written, and nobody was told.
    @Test func `killed before a commit is acknowledged it finishes after a start`() async throws {
        try await sweep("fdatasync", every: 1, upTo: 60, onlyLog: true, atLeast: 6)
    }

    /// Kills where the intent is stored and not a byte of the call has left: one point for each of the four calls.
    @Test func `killed between an intent's commit and the first byte it finishes after a start`() async throws {
        try await sweep("sendto", every: 1, upTo: 20, onlyLog: false, atLeast: 4)
    }

    @Test(arguments: PracticeAuthority.Point.allCases, ["/introspect", "/revoke"])
    func `killed while the provider holds a call it finishes after a start`(
        _ point: PracticeAuthority.Point, _ path: String
    ) async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let first = try await installation.serve()
        provider.onPoint { reached, on in
            if reached == point, on == path { first.program.kill() }
        }
        #expect(try await first.post(Installation.alert(), delivery: "d-1").status == 202)
        #expect(try await first.program.waitForExit() == .killed(bySignal: SIGKILL))
        provider.onPoint(nil)
        let second = try await installation.serve()
        try await expectContained(installation, provider, accepted: true)
        second.program.kill()
    }

    @Test func `killed again and again at random moments it still finishes`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        var random = Seeded(7)
        var serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        for _ in 0..<6 {
            let wait = UInt64.random(in: 0...60, using: &random)
            // The moment is what is tried here; there is nothing to wait for.
            try await Task.sleep(for: .milliseconds(Int64(wait)))
            serving.program.kill()
            try await serving.program.waitForExit()
            serving = try await installation.serve()
        }
        try await expectContained(installation, provider, accepted: true)
        serving.program.kill()
    }

    /// One installation after another, each killed one point later, until the run ends before the point.
    private func sweep(_ call: String, every step: Int, upTo last: Int, onlyLog: Bool, atLeast least: Int) async throws
    {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") else {
            return try skip("strace is not installed (apt-get install strace)")
        }
        var kills = 0
        for number in stride(from: 1, through: last, by: step) {
            guard try await isKilled(at: call, number, onlyLog: onlyLog) else { break }
            kills += 1
        }
        // Fewer would mean that the sweep missed what it is for.
        #expect(kills >= least, "only \(kills) points of \(call) were reached")
        print("killed at \(kills) points of \(call)")
    }

    /// One installation, killed at the n-th such system call of a thread; `false` when the run ended before that many.
    private func isKilled(at call: String, _ number: Int, onlyLog: Bool) async throws -> Bool {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        // The store is made before, so that what counts is the run and not the schema.
        let maker = try await installation.serve()
        maker.program.terminate()
        try await maker.program.waitForExit()
        var wrapper = [
            "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=KILL:when=\(number)",
        ]
        if onlyLog { wrapper += ["-P", installation.scratch.path + "/state/cordon.db-wal"] }
        var accepted = false
        var wasKilled = true
        if let serving = try? await installation.serve(wrapper: wrapper) {
            let answer = try? await serving.post(Installation.alert(), delivery: "d-1")
            accepted = answer?.status == 202
            if accepted {
                try await eventually("the run to end or the program to die") {
                    if serving.program.end != nil { return true }
                    return provider.introspections >= 3 && provider.revocations >= 1
                }
            }
            // A server that still lives drains: the last outcome's commit may still meet the point.
            if serving.program.end == nil { try installation.terminateServer() }
            wasKilled = try await serving.program.waitForExit() != .exited(0)
        }
        try await expectSound(installation)
        let again = try await installation.serve()
        if !accepted { #expect(try await again.post(Installation.alert(), delivery: "d-1").status == 202) }
        try await expectContained(installation, provider, accepted: accepted)
        again.program.kill()
        return wasKilled
    }

    /// A crash leaves open items at most: nothing in it looks like a forgery.
    private func expectSound(_ installation: Installation) async throws {
        let verified = try await installation.finish("audit", "verify")
        #expect(verified.end == .exited(0), "\(verified.output) \(verified.error)")
    }

    /// What must be true after any crash and one start.
    private func expectContained(_ installation: Installation, _ provider: PracticeAuthority, accepted: Bool)
        async throws
    {
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        let runs = try await installation.runs()
        #expect(runs.count == 1, "one run per alert")
        #expect(!provider.isActive, "the convergent effect is there at the end")
        let run = try await installation.run(try #require(runs.first?["id"]?.stringValue))
        let calls = (run["steps"]?.arrayValue ?? []).flatMap { $0["calls"]?.arrayValue ?? [] }
        let deliveries = calls.reduce(0) { $0 + Int($1["delivery"]?.intValue ?? 0) }
        #expect(provider.introspections + provider.revocations <= deliveries, "no call without a stored intent")
        #expect(run["steps"]?.arrayValue?.allSatisfy { $0["phase"] == "finished" } == true)
        try await expectSound(installation)
    }
}
