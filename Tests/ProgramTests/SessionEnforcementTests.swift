// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Agent sessions under a real enforcement point: the built program, Debian's nginx, and an upstream behind it.
@Suite(.serialized)
struct SessionEnforcementTests {
    @Test func `a session works, is isolated with its child, and both work again after the release`() async throws {
        guard SessionInstallation.isInstalled else { return try skip("nginx is not installed (apt-get install nginx)") }
        let installed = try await SessionInstallation()
        let serving = try await installed.installation.serve()
        let gate = try await SessionGate(before: installed)
        defer { gate.stop() }
        #expect(try await gate.use("a") == 403, "a session that nobody opened")
        #expect(try await installed.open("a") == 201)
        #expect(try await installed.open("b", below: "a") == 201)
        for session in ["a", "b"] {
            for route in ["closed", "open"] { #expect(try await gate.use(session, route) == 200) }
        }

        // The answer comes after the commit, so the very next request is refused.
        #expect(try await installed.isolate("a", true) == 200)
        let clock = ContinuousClock()
        let committed = clock.now
        #expect(try await gate.use("a") == 403)
        print("refused \(committed.duration(to: clock.now)) after the answer that the isolation is stored")
        #expect(try await gate.use("b") == 403, "its child too")
        #expect(try await gate.use("a", "open") == 403, "to fail open is not to be asked less")

        #expect(try await installed.isolate("a", false) == 200)
        for session in ["a", "b"] { #expect(try await gate.use(session) == 200) }

        let limited = try await installed.api("PUT", "/sessions/a/limit", installed.person, ["to": "read_only"])
        #expect(limited.status == 200)
        #expect(try await gate.use("a") == 200)
        #expect(try await gate.use("a", method: "DELETE") == 403)
        #expect(try await gate.use("b", method: "POST") == 403)
        #expect(try await installed.api("POST", "/sessions/a/close", installed.runtime, [:]).status == 200)
        #expect(try await gate.use("b") == 403)
        #expect(try await serving.stop() == .exited(0))
    }

    @Test func `a run isolates a session that passed its boundary, and gives it back when the hold ends`() async throws
    {
        guard SessionInstallation.isInstalled else { return try skip("nginx is not installed (apt-get install nginx)") }
        let installed = try await SessionInstallation(hold: "10s")
        let serving = try await installed.installation.serve()
        let gate = try await SessionGate(before: installed)
        defer { gate.stop() }
        #expect(try await installed.open("a") == 201)
        #expect(try await installed.open("b", below: "a") == 201)
        for bytes: Int64 in [600, 1001, 1002] {
            let beat = try await installed.api(
                "POST", "/sessions/b/heartbeat", installed.runtime, ["used": ["bytes": .int(bytes)]])
            #expect(beat.status == 200)
        }
        // Both passed theirs: the child by itself, the parent by what it delegated.
        try await eventually("both to be refused") {
            let statuses = [try await gate.use("a"), try await gate.use("b")]
            return statuses == [403, 403]
        }
        #expect(try await installed.alarms() == ["a/bytes/1000/1", "b/bytes/1000/1"])
        try await eventually("both to be given back") {
            let statuses = [try await gate.use("a"), try await gate.use("b")]
            return statuses == [200, 200]
        }
        try await eventually("the runs to end") {
            try await installed.installation.runs().allSatisfy { $0["phase"] == "ended" }
        }
        let runs = try await installed.installation.runs()
        #expect(Set(runs.compactMap { $0["subject"]?.stringValue }) == ["agent_session:a", "agent_session:b"])
        let kinds = try await kinds("a", installed)
        #expect(kinds == ["sessionOpened", "boundaryExceeded", "sessionIsolated", "sessionIsolationEnded"])
        #expect(try await serving.stop() == .exited(0))
    }

    @Test func `a process that is killed loses no isolation, no timer and no child, and makes no alert twice`()
        async throws
    {
        guard SessionInstallation.isInstalled else { return try skip("nginx is not installed (apt-get install nginx)") }
        let installed = try await SessionInstallation()
        let first = try await installed.installation.serve()
        let gate = try await SessionGate(before: installed)
        defer { gate.stop() }
        #expect(try await installed.open("a") == 201)
        #expect(try await installed.open("b", below: "a") == 201)
        #expect(try await installed.open("short", seconds: 2) == 201)
        #expect(try await installed.open("full", bytes: 10) == 201)
        _ = try await installed.api("POST", "/sessions/full/heartbeat", installed.runtime, ["used": ["bytes": 11]])
        #expect(try await installed.isolate("a", true) == 200)
        first.program.kill()
        _ = try await first.program.waitForExit()
        #expect(try await gate.use("b") == 500, "without an answer nothing passes")

        let second = try await installed.installation.serve()
        #expect(try await gate.use("a") == 403)
        #expect(try await gate.use("b") == 403)
        try await eventually("the timer that outlived its process") {
            // Of whatever level: a slow machine passes the first while the process is down.
            try await installed.alarms().contains { $0.hasPrefix("short/duration/2/") }
        }
        let beat = try await installed.api(
            "POST", "/sessions/full/heartbeat", installed.runtime, ["used": ["bytes": 12]])
        #expect(beat.status == 200)
        #expect(try await installed.alarms().filter { $0.hasPrefix("full/") } == ["full/bytes/10/1"])
        try await eventually("the runs to isolate both") {
            let states = [try await installed.state("short"), try await installed.state("full")]
            return states == ["isolated", "isolated"]
        }
        #expect(try await installed.isolate("a", false) == 200)
        #expect(try await gate.use("b") == 200)
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `without Cordon one route refuses, and the other goes by the last verdict until that expires`()
        async throws
    {
        guard SessionInstallation.isInstalled else { return try skip("nginx is not installed (apt-get install nginx)") }
        let installed = try await SessionInstallation()
        let serving = try await installed.installation.serve()
        let gate = try await SessionGate(before: installed)
        defer { gate.stop() }
        for session in ["a", "b"] { #expect(try await installed.open(session) == 201) }
        #expect(try await installed.isolate("b", true) == 200)
        for route in ["closed", "open"] { #expect(try await gate.use("a", route) == 200) }
        #expect(try await gate.use("b", "open") == 403)
        serving.program.kill()
        _ = try await serving.program.waitForExit()
        #expect(try await gate.use("a", "closed") == 500)
        #expect(try await gate.use("a", "open") == 200)
        #expect(try await gate.use("b", "open") == 403, "the last word on it was no")
        #expect(try await gate.use("c", "open") == 500, "one that was never asked for has no last word")
        try await eventually("the last verdict to expire") { try await gate.use("a", "open") == 500 }
        #expect(try await gate.use("a", "open") == 500)
    }

    @Test func `a subscriber hears of changes, and what it missed when it comes again`() async throws {
        let installed = try await SessionInstallation()
        let serving = try await installed.installation.serve()
        #expect(try await installed.open("a") == 201)
        let first = try listen(installed, "first")
        _ = try await first.waitForLine(containing: "event: listed", on: .output)
        #expect(first.output.contains(#""session":"a","verdict":"allow""#))
        #expect(try await installed.isolate("a", true) == 200)
        _ = try await first.waitForLine(containing: #""verdict":"deny""#, on: .output)
        let last = try #require(first.output.split(separator: "\n").last { $0.hasPrefix("id: ") }).dropFirst(4)
        first.kill()
        #expect(try await installed.isolate("a", false) == 200)
        let second = try listen(installed, "second", after: String(last))
        _ = try await second.waitForLine(containing: #""verdict":"allow""#, on: .output)
        #expect(!second.output.contains("event: list"), "only what it missed")
        let stranger = try listen(installed, "third", after: "other-1")
        _ = try await stranger.waitForLine(containing: "event: listed", on: .output)
        #expect(try await serving.stop() == .exited(0), "subscribers don't keep it")
    }

    @Test func `a person sees sessions with and without a server, and isolates and releases one`() async throws {
        let installed = try await SessionInstallation()
        let installation = installed.installation
        let serving = try await installation.serve()
        #expect(try await installed.open("a") == 201)
        #expect(try await installed.open("b", below: "a") == 201)
        let isolated = try await installation.finish("session", "isolate", "a", "--reason", "it reads payroll")
        #expect(isolated.output == "a: isolated\n")
        let online = try await installation.finish("session", "list")
        #expect(
            online.outputLines.dropFirst().map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "a isolated", "b isolated",
            ])
        let shown = try await installation.finish("session", "show", "a")
        #expect(shown.output.contains("it reads payroll"))
        let nobody = try await installation.finish("session", "show", "nobody")
        #expect(nobody.end == .exited(3))
        #expect(try await installation.finish("session", "release", "a", "--reason", "ticket 7").output == "a: open\n")
        #expect(try await serving.stop() == .exited(0))
        let offline = try await installation.finish("session", "list", "-o", "json")
        #expect(try offline.json.arrayValue?.map { $0["state"] } == ["open", "open"])
        let why = try await installation.finish("session", "why", "a")
        #expect(
            why.outputLines.dropFirst().compactMap { $0.split(separator: " ").dropFirst().first } == [
                "sessionOpened", "sessionIsolated", "sessionReleased",
            ])
        #expect(why.output.contains("ticket 7"))
        let alone = try await installation.finish("session", "isolate", "a", "--reason", "no server")
        #expect(alone.end == .exited(75))
    }

    @Test func `a gate without a token, or with words that nginx would read otherwise, is refused`() async throws {
        let installed = try await SessionInstallation()
        func gate(_ token: String, _ listen: String, _ header: String = "x-s") async throws -> Installation.Ended {
            try await installed.installation.finish(
                "session", "gate", "--listen", listen, "--upstream", "http://127.0.0.1:1", "--token-file", token,
                "--cache", "/tmp/x", "--session-header", header)
        }
        #expect(try await gate("gate-token", "127.0.0.1:9").end == .exited(0))
        for (token, listen, header, words) in [
            ("nothing-there", "127.0.0.1:9", "x-s", "holds no token"),
            ("cordon.yaml", "127.0.0.1:9", "x-s", "no token"),
            ("gate-token", "9; include /etc/passwd", "x-s", "more than one word"),
            ("gate-token", "127.0.0.1:9", "x s", "--session-header"),
        ] {
            let refused = try await gate(token, listen, header)
            #expect(refused.end == .exited(64))
            #expect(refused.error.contains(words))
            #expect(refused.output.isEmpty)
        }
    }

    // MARK: Parts

    private func kinds(_ id: String, _ installed: SessionInstallation) async throws -> [String] {
        let entries = try await installed.api("GET", "/sessions/\(id)/history", installed.person).json["entries"]
        return (entries?.arrayValue ?? []).compactMap { $0.at("entry", "type")?.stringValue }
    }

    /// curl keeps the stream open, and writes what comes.
    private func listen(
        _ installed: SessionInstallation, _ name: String, after last: String? = nil
    ) throws -> ProgramUnderTest {
        let more = last.map { ["-H", "last-event-id: \($0)"] } ?? []
        return try ProgramUnderTest(
            "/usr/bin/curl",
            ["-sN", "-H", "authorization: Bearer \(installed.gate)"] + more
                + ["http://127.0.0.1:\(installed.port)/api/v1/verdict-stream"],
            capturedIn: installed.installation.scratch,
            as: name)
    }
}
