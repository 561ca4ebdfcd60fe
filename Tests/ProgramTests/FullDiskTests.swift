// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The built program on a disk that really is full.
@Suite(.serialized)
struct FullDiskTests {
    @Test(arguments: [0, 32 * 1024 * 1024])
    func `a delivery that finds the disk full gets 503, leaves nothing, and is taken and worked off once there is room`(
        _ bytesLeft: Int
    ) async throws {
        let provider = try PracticeAuthority()
        guard let full = try await FullDisk(provider) else { return }
        defer { full.serving.program.kill() }
        // With little left, what has begun may be finished and nothing new begins; with nothing left not even that.
        try full.fill(leaving: bytesLeft)
        let before = try await full.entries()
        for _ in 1...2 {
            let answer = try await full.serving.post(Installation.alert(), delivery: "d-1")
            #expect(answer.status == 503)
            #expect((1...3600).contains(answer.headers["retry-after"].flatMap { Int($0) } ?? 0))
            #expect(answer.json.at("error", "code") == "unavailable")
        }
        #expect(try await full.get("/api/v1/alerts")["alerts"] == [])
        #expect(try await full.entries() == before, "no line was written")
        #expect(provider.server.requests.isEmpty)

        try full.makeRoom()
        let answer = try await full.serving.post(Installation.alert(), delivery: "d-1")
        #expect(answer.status == 202, "\(full.serving.program.error.suffix(1000))")
        #expect(answer.json["duplicate"] == nil, "the refused deliveries left no trace")
        try await full.expectContained(provider)
        #expect(try await full.serving.stop() == .exited(0))
    }

    @Test func `a run whose outcome finds the disk full keeps it and goes on once there is room`() async throws {
        let provider = try PracticeAuthority()
        let gate = Gate()
        defer { gate.open() }
        provider.onPoint { point, path in if point == .afterEffect, path == "/revoke" { gate.wait() } }
        guard let full = try await FullDisk(provider) else { return }
        defer { full.serving.program.kill() }
        #expect(try await full.serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the change to be made") { provider.revocations == 1 }
        try full.fill(leaving: 0)
        gate.open()
        try await full.serving.program.waitForLine(containing: "could not be stored; trying again", on: .error)
        #expect(try await full.get("/api/v1/runs")["runs"]?.arrayValue?.map { $0["phase"] } == ["running"])
        try await full.expectTold()
        try full.makeRoom()
        try await full.expectContained(provider)
        #expect(try await full.command("run", "list").errorLines.allSatisfy { !$0.hasPrefix("warning:") })
        #expect(provider.revocations == 1, "the outcome was kept: nothing had to be asked for twice")
        #expect(try await full.serving.stop() == .exited(0))
    }
}

/// A server with its whole state on a disk in memory that only it sees, and a hand on that disk.
private struct FullDisk {
    private static let bytes = 96 * 1024 * 1024

    let serving: Installation.Serving
    /// The state folder as the server sees it, for those who see it from outside.
    private let state: String
    private let token: String
    private let installation: Installation

    /// `nil`, said loudly, where this user may not mount.
    init?(_ provider: PracticeAuthority) async throws {
        let scratch = try ScratchFolder("cordon-disk")
        let line = FullDisk.line(mountedAt: scratch.path) + ["true"]
        let probe = try ProgramUnderTest(line[0], Array(line.dropFirst()), capturedIn: try ScratchFolder("probe"))
        guard try await probe.waitForExit() == .exited(0) else {
            // No package gives this right, so its lack is no failure anywhere.
            print("skipped: no file system may be mounted here (unshare and mount, as root or in a user namespace)")
            return nil
        }
        installation = try provider.installation()
        let folder = installation.scratch.path("state")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        serving = try await installation.serve(wrapper: FullDisk.line(mountedAt: folder))
        state = "/proc/\(serving.program.processID)/root" + folder
        token = String(decoding: try Data(contentsOf: URL(filePath: state + "/token")), as: UTF8.self)
    }

    /// Each word becomes the next by `exec`, so the server keeps the number of the process that was started.
    private static func line(mountedAt path: String) -> [String] {
        let mount = #"mount -t tmpfs -o mode=700,size="$1" none "$2" && shift 2 && exec "$@""#
        // The administrator needs no user namespace, and does not get one everywhere.
        let namespaces = getuid() == 0 ? ["--mount"] : ["--map-root-user", "--mount"]
        return ["unshare"] + namespaces + ["sh", "-c", mount, "sh", String(bytes), path]
    }

    // MARK: The disk

    private var filler: URL { URL(filePath: state + "/filler") }

    /// Takes all its room but so many bytes.
    func fill(leaving bytes: Int) throws {
        #expect(FileManager.default.createFile(atPath: filler.path, contents: nil))
        let handle = try FileHandle(forWritingTo: filler)
        defer { handle.closeFile() }
        let block = Data(repeating: 0, count: 64 * 1024)
        // A write that finds no room stores what fits of it, so at the end there is nothing left.
        while (try? handle.write(contentsOf: block)) != nil {}
        try handle.truncate(atOffset: try handle.seekToEnd() - UInt64(bytes))
    }

    /// Emptied, not only unlinked: a program that another test starts meanwhile may have the file open.
    func makeRoom() throws {
        let handle = try FileHandle(forWritingTo: filler)
        try handle.truncate(atOffset: 0)
        try handle.close()
        try FileManager.default.removeItem(at: filler)
    }

    // MARK: What is stored

    func get(_ path: String) async throws -> Value { try await serving.get(path, token: token).json }

    /// A command of somebody beside the server.
    func command(_ words: String...) async throws -> Installation.Ended {
        try await beside(words)
    }

    /// Runs it where the server's disk is seen: in the server's own view of the files.
    private func beside(_ words: [String]) async throws -> Installation.Ended {
        let names = getuid() == 0 ? ["--mount"] : ["--user", "--preserve-credentials", "--mount"]
        let line =
            ["--target", String(serving.program.processID)] + names
            + ["sh", "-c", #"cd "$1" && shift && exec "$@""#, "sh", installation.scratch.path, Installation.program]
        let program = try ProgramUnderTest(
            "nsenter", line + words, capturedIn: try ScratchFolder("cordon-words"), as: "command")
        let end = try await program.waitForExit(timeoutMilliseconds: 60_000)
        return Installation.Ended(end: end, output: program.output, error: program.error)
    }

    /// Whoever looks learns that the disk is full, and whoever wants something stored is told so at once.
    func expectTold() async throws {
        let ready = try await serving.get("/ready", token: nil)
        #expect(ready.status == 503)
        #expect(ready.json["lacks"] == "disk")
        #expect(ready.json["reason"]?.stringValue?.contains("make room there") == true)
        let run = try #require(try await get("/api/v1/runs")["runs"]?.arrayValue?.first?["id"]?.stringValue)
        for words in [["run", "why", run], ["run", "list"], ["run", "show", run]] {
            let told = try await beside(words)
            #expect(told.end == .exited(0))
            #expect(told.errorLines.last?.hasPrefix("warning: the state folder's disk has 0 MiB free") == true)
        }
        for words in [["cancel", run], ["undo", run], ["pause", run]] {
            let refused = try await beside(["run"] + words + ["--reason", "a test"])
            #expect(refused.end == .exited(75))
            #expect(
                refused.errorLines.last
                    == "cordon: nothing was stored: the disk of the state folder is full: make room there, "
                    + "then send it again")
        }
        let doctor = try await command("doctor")
        #expect(doctor.end == .exited(1))
        #expect(doctor.output.contains("new work is refused below 64 MiB"))
    }

    /// How many lines all histories have.
    func entries() async throws -> [String: Int] {
        try await serving.counter("cordon_history_entries", token: token)
    }

    /// One alert, one run, and it did what it was for.
    func expectContained(_ provider: PracticeAuthority) async throws {
        try await eventually("the run to end") {
            try await get("/api/v1/runs")["runs"]?.arrayValue?.map { $0["ending"] } == ["completed"]
        }
        #expect(!provider.isActive)
        #expect(try await get("/api/v1/alerts")["alerts"]?.arrayValue?.count == 1)
    }
}
