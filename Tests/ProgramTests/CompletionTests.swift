// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What a shell offers behind `cordon run show`, asked as the shell asks.
@Suite(.serialized)
struct CompletionTests {
    @Test func `a shell completes the ids of runs, with a server and without`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let unlisted = Installation.alert(number: 2).replacingOccurrences(
            of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        #expect(try await serving.post(unlisted, delivery: "d-2").status == 202)
        try await eventually("one run to end and one to ask") {
            Set(try await installation.runs().compactMap { $0["phase"]?.stringValue }) == ["ended", "asked"]
        }
        let runs = try await installation.runs()
        let ids = Set(runs.compactMap { $0["id"]?.stringValue })
        let asked = try #require(runs.first { $0["phase"] == "asked" }?["id"]?.stringValue)
        for isServed in [true, false] {
            if !isServed { #expect(try await serving.stop() == .exited(0)) }
            try await expect(["cordon", "run", "show", ""], ids, installation)
            try await expect(["cordon", "run", "why", "run_"], ids, installation)
            try await expect(["cordon", "run", "show", asked], [asked], installation)
            #expect(try await offered(["cordon", "run", "show", "run_nothing"], installation).isEmpty)
            for verb in ["wait", "resume", "cancel", "resolve"] {
                try await expect(["cordon", "run", verb, ""], [asked], installation)
            }
        }
    }

    @Test func `the options that stand on the line say where to look`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let body = Installation.alert().replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        try await eventually("the run to ask") { try await installation.runs().first?["phase"] == "asked" }
        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let elsewhere = try ScratchFolder("cordon-elsewhere")
        let config = installation.scratch.path("cordon.yaml")
        for options in [["-c", config], ["--config", config], ["--state", installation.scratch.path("state")]] {
            let line = ["cordon", "run", "show"] + options + [""]
            try await expect(line, [id], installation, in: elsewhere)
        }
    }

    @Test func `where nothing can be read nothing is offered and nothing is said`() async throws {
        let installation = try Installation.alone()
        let empty = try ScratchFolder("cordon-empty")
        #expect(try await offered(["cordon", "run", "show", ""], installation, in: empty).isEmpty)
        #expect(
            try await offered(["cordon", "run", "show", "-c", "nowhere.yaml", ""], installation, in: empty).isEmpty)
        try empty.write("listen: { port: many", to: "cordon.yaml")
        #expect(try await offered(["cordon", "run", "show", ""], installation, in: empty).isEmpty)
    }

    /// Asked again where the machine is too busy to answer within the limit: then nothing is offered, as it must be.
    private func expect(
        _ line: [String], _ ids: Set<String>, _ installation: Installation, in folder: ScratchFolder? = nil
    ) async throws {
        var last: Set<String> = []
        try await eventually("\(line.joined(separator: " ")) to offer \(ids)", askedMin: 3) {
            last = try await offered(line, installation, in: folder)
            return !last.isEmpty
        }
        #expect(last == ids, "\(line)")
    }

    /// What bash offers for the last word of the line; nothing may stand on standard error.
    private func offered(
        _ line: [String], _ installation: Installation, in folder: ScratchFolder? = nil
    ) async throws -> Set<String> {
        let words = try ScratchFolder("cordon-words")
        let made = try await Installation.finish(["--generate-completion-script", "bash"], in: words)
        let script = try words.write(
            made.output + """

                COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1))
                COMP_LINE="$*"
                COMP_POINT=${#COMP_LINE}
                _cordon
                printf '%s\\n' "${COMPREPLY[@]}"

                """, to: "completions")
        let programs = (Installation.program as NSString).deletingLastPathComponent
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let shell = try ProgramUnderTest(
            "bash", ["--norc", script] + line, environment: ["PATH": "\(programs):\(path)"],
            folder: (folder ?? installation.scratch).path, capturedIn: words, as: "shell")
        #expect(try await shell.waitForExit() == .exited(0))
        #expect(shell.error.isEmpty)
        return Set(shell.output.split(separator: "\n").map(String.init)).filter { !$0.hasPrefix("-") }
    }
}
