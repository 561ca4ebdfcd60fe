// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What scripts learn of a run by an exit code: `run wait`, and `--exit-status` of `run show` and `run list`.
@Suite(.serialized)
struct RunWaitTests {
    @Test func `a run that completes ends the wait with 0`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        let waited = try await installation.finish("run", "wait", run, "--timeout", "1m")
        #expect(waited.end == .exited(0))
        #expect(waited.outputLines.count == 1)
        #expect(waited.output.hasPrefix("\(run)  completed "))
        #expect(try await installation.finish("run", "wait", run, "-o", "json").json["ending"] == "completed")
        for command in [["run", "show", run], ["run", "list"]] {
            #expect(try await installation.finish(command + ["--exit-status"]).end == .exited(0))
        }
    }

    @Test func `a run that asks ends with 8, and one that was cancelled with 7, with a server and without`()
        async throws
    {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let body = Installation.alert().replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        try await expect(8, run, installation, says: "waits for a person")
        #expect(try await installation.finish("run", "cancel", run, "--reason", "a test").end == .exited(0))
        try await expect(7, run, installation, says: "cancelled")
        #expect(try await serving.stop() == .exited(0))
        try await expect(7, run, installation, says: "cancelled")
    }

    /// Each command prints its data all the same; without the flag it ends with 0.
    private func expect(_ code: Int32, _ run: String, _ installation: Installation, says words: String) async throws {
        let waited = try await installation.finish("run", "wait", run)
        #expect(waited.end == .exited(code))
        #expect(waited.output.contains(words))
        #expect(waited.errorLines.last?.hasPrefix("cordon: \(run) ") == true)
        for command in [["run", "show", run], ["run", "list"]] {
            let plain = try await installation.finish(command + ["-o", "json"])
            #expect(plain.end == .exited(0))
            let strict = try await installation.finish(command + ["-o", "json", "--exit-status"])
            #expect(strict.end == .exited(code))
            #expect(try strict.json != .null)
            #expect(strict.errorLines.count == 1)
        }
    }

    @Test func `a run that still goes on ends the wait with 124, and an interrupt ends it with 130; the run goes on`()
        async throws
    {
        let gate = Gate()
        defer { gate.open() }
        let provider = try PracticeAuthority()
        provider.onPoint { _, _ in gate.wait() }
        let installation = try provider.installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)

        let late = try await installation.finish("run", "wait", run, "--timeout", "1ms")
        #expect(late.end == .exited(124))
        #expect(late.output.isEmpty)
        #expect(late.errorLines.last == "cordon: \(run) still goes on after 1ms; see 'cordon run why \(run)'")
        #expect(
            try await installation.finish("run", "show", run, "--exit-status").end == .exited(0), "nothing failed yet")

        for signal in [SIGINT, SIGTERM] {
            let waiting = try await begin(["run", "wait", run], installation)
            waiting.send(signal: signal)
            #expect(try await waiting.waitForExit() == .exited(130))
            #expect(waiting.error.contains("\(run) goes on"))
        }
        gate.open()
        #expect(try await installation.finish("run", "wait", run).end == .exited(0))
    }

    @Test func `a wait outlives the server's death and sees what the next one makes of the run`() async throws {
        let gate = Gate()
        defer { gate.open() }
        let provider = try PracticeAuthority()
        provider.onPoint { _, _ in gate.wait() }
        let installation = try provider.installation()
        let first = try await installation.serve()
        #expect(try await first.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        let waiting = try await begin(["run", "wait", run], installation)
        first.program.kill()
        #expect(try await first.program.waitForExit() == .killed(bySignal: SIGKILL))
        gate.open()
        let second = try await installation.serve()
        defer { second.program.kill() }
        #expect(try await waiting.waitForExit(timeoutMilliseconds: 60_000) == .exited(0), "\(waiting.error)")
        #expect(waiting.output.contains("completed"))
    }

    @Test func `a wait without a server says that only a server moves the run`() async throws {
        let gate = Gate()
        defer { gate.open() }
        let provider = try PracticeAuthority()
        provider.onPoint { _, _ in gate.wait() }
        let installation = try provider.installation()
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        serving.program.kill()
        try await serving.program.waitForExit()
        let waited = try await installation.finish("run", "wait", run, "--timeout", "1s")
        #expect(waited.end == .exited(124))
        #expect(waited.error.contains("no server runs on state, and only one moves it"))
    }

    @Test func `a watch shows each line as it is written, in order, over a restart, and ends as the run did`()
        async throws
    {
        let gate = Gate()
        defer { gate.open() }
        let provider = try PracticeAuthority()
        provider.onPoint { _, _ in gate.wait() }
        let installation = try provider.installation()
        let first = try await installation.serve()
        #expect(try await first.post(Installation.alert(), delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        let watching = try ProgramUnderTest(
            Installation.program, ["run", "watch", run, "-o", "jsonl"], folder: installation.scratch.path,
            capturedIn: try ScratchFolder("cordon-words"), as: "command")
        try await watching.waitForLine(containing: "callIntended", on: .output)
        first.program.kill()
        #expect(try await first.program.waitForExit() == .killed(bySignal: SIGKILL))
        gate.open()
        let second = try await installation.serve()
        defer { second.program.kill() }
        #expect(try await watching.waitForExit(timeoutMilliseconds: 60_000) == .exited(0), "\(watching.error)")
        let lines = try watching.output.split(separator: "\n").map { try JSON.parse(String($0)) }
        #expect(lines.compactMap { $0["n"]?.intValue } == (1...lines.count).map(Int64.init))
        #expect(lines.first?["type"] == "runOpened" && lines.last?["type"] == "runEnded")

        let plain = try await installation.finish("run", "watch", run)
        #expect(plain.end == .exited(0))
        #expect(plain.output.split(separator: "\n").count == lines.count)
        #expect(plain.output.contains("callIntended  revoke  tokens.revoke  act"))
        #expect(plain.output.contains("runEnded  completed"))
    }

    @Test func `a watch of a run that was cancelled ends with 7, one that is interrupted with 130, of none with 3`()
        async throws
    {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let body = Installation.alert().replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        let run = try await onlyRun(installation)
        let watching = try ProgramUnderTest(
            Installation.program, ["run", "watch", run], folder: installation.scratch.path,
            capturedIn: try ScratchFolder("cordon-words"), as: "command")
        try await watching.waitForLine(containing: "runAsked", on: .output)
        watching.send(signal: SIGINT)
        #expect(try await watching.waitForExit() == .exited(130))
        #expect(try await installation.finish("run", "cancel", run, "--reason", "a test").end == .exited(0))
        #expect(try await installation.finish("run", "watch", run).end == .exited(7))
        #expect(try await serving.stop() == .exited(0))
        #expect(try await installation.finish("run", "watch", run).end == .exited(7), "without a server too")
        #expect(try await installation.finish("run", "watch", "run_01KATB9Z2M8D4W6X1V3C5R7T9Y").end == .exited(3))
    }

    @Test func `a hold is not let stand for no time`() async throws {
        let installation = try Installation.alone()
        let ended = try await installation.finish(
            "run", "hold", "run_01KATB9Z2M8D4W6X1V3C5R7T9Y", "fence", "--for", "0s", "--reason", "a test")
        #expect(ended.end == .exited(64))
        #expect(ended.error.contains("ended now with --then undo"))
    }

    @Test(arguments: ["soon", "10", "-1s", "1w"])
    func `a span that is none is told with those that are`(_ span: String) async throws {
        let installation = try Installation.alone()
        let ended = try await installation.finish("run", "wait", "run_01KATB9Z2M8D4W6X1V3C5R7T9Y", "--timeout=\(span)")
        #expect(ended.end == .exited(64))
        #expect(ended.error.contains("500ms, 30s, 10m, 2h"))
    }

    @Test func `the help of the program and of the wait name the codes that a script can meet`() async throws {
        let folder = try ScratchFolder("cordon-help")
        let program = try await Installation.finish(["--help"], in: folder).output
        for code in [0, 1, 3, 4, 5, 6, 7, 8, 10, 64, 75, 124, 130] {
            #expect(program.contains(try Regex("[ \n]\(code) ")), "\(code)")
        }
        let wait = try await Installation.finish(["run", "wait", "--help"], in: folder).output
        for code in [0, 7, 8, 124, 130] { #expect(wait.contains(try Regex("[ \n]\(code) ")), "\(code)") }
    }

    /// The id of the one run, once there is one.
    private func onlyRun(_ installation: Installation) async throws -> String {
        try await eventually("a run to be there and to rest or call") {
            guard let run = try await installation.runs().first else { return false }
            return run["waits_for"]?.stringValue != nil || run["phase"] == "ended"
        }
        return try #require(try await installation.runs().first?["id"]?.stringValue)
    }

    /// Starts a command and waits for its first word.
    private func begin(_ command: [String], _ installation: Installation) async throws -> ProgramUnderTest {
        let program = try ProgramUnderTest(
            Installation.program, command, folder: installation.scratch.path,
            capturedIn: try ScratchFolder("cordon-words"), as: "command")
        try await program.waitForLine(containing: "waiting for ", on: .error)
        return program
    }
}
