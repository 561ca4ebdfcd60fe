// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage
import Foundation
import Glibc
import TestKit

/// The built program as it serves, looked at only from outside: its answers and what the system says of its process.
final class ServerProcess: Sendable {
    let port: UInt16
    /// From before the process was made until `/health` was answered.
    let startMilliseconds: Double
    private let program: ProgramUnderTest
    private let processID: Int32
    let token: String

    /// - Parameter wrapper: a command that runs the server as its child.
    init(_ cordon: String, in installation: Installation, under wrapper: [String] = []) async throws {
        let line = wrapper + [cordon, "serve", "--config", installation.settingsPath]
        let beginning = Monotonic.nanoseconds
        program = try ProgramUnderTest(
            line[0], Array(line.dropFirst()), environment: ["CORDON_BENCH": nil], capturedIn: installation.scratch,
            as: "serve")
        let port = try await program.waitForPort(after: "listening on", on: .error, timeoutMilliseconds: 60_000)
        let health = try await onThread { try HTTPConnection.get("/health", port: port) }
        startMilliseconds = Monotonic.milliseconds(Monotonic.nanoseconds - beginning)
        guard health.status == 200 else { throw BenchFailure(description: "/health answered \(health.status)") }
        self.port = port
        // Under a wrapper the child's number is not the server's own.
        guard let number = try JSON.parse(installation.scratch.read("state/server.json"))["pid"]?.intValue else {
            throw BenchFailure(description: "the server's address file names no process")
        }
        processID = Int32(number)
        token = try installation.scratch.read("state/token").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func stop() async throws {
        kill(processID, SIGTERM)
        let end = try await program.waitForExit(timeoutMilliseconds: 60_000)
        guard end == .exited(0) else {
            throw BenchFailure(description: "the server ended with \(end): \(program.error.suffix(500))")
        }
    }

    /// Proportional set size: what would be free if it ended.
    func memoryMegabytes() throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(processID)/smaps_rollup", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
        guard let number = line?.split(separator: " ").dropFirst().first, let kibibytes = Double(number) else {
            throw BenchFailure(description: "smaps_rollup names no Pss")
        }
        return kibibytes * 1024 / 1_000_000
    }

    /// Processor time so far, of all threads.
    func processorMilliseconds() throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
        // The name in parentheses may hold blanks; user and system time are the 12th and 13th field after it.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw BenchFailure(description: "/proc/\(processID)/stat has too few fields")
        }
        return (user + system) * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// What `/metrics` tells, without the rows that have labels.
    func metrics() async throws -> [String: Double] {
        let answer = try await onThread { [port, token] in
            try HTTPConnection.get("/metrics", port: port, bearer: token)
        }
        guard answer.status == 200 else { throw BenchFailure(description: "/metrics answered \(answer.status)") }
        var found: [String: Double] = [:]
        for line in String(decoding: answer.body, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            if words.count == 2 { found[String(words[0])] = Double(words[1]) }
        }
        return found
    }

    /// Waits until so many runs are stored and none of them is live.
    func settle(runs: Int, pollMilliseconds: Int64 = 20) async throws {
        let end = Monotonic.nanoseconds + 120_000_000_000
        var found: [String: Double] = [:]
        while Monotonic.nanoseconds < end {
            found = try await metrics()
            if found["cordon_runs"] == Double(runs), found["cordon_runs_live"] == 0 { return }
            try await pause(milliseconds: pollMilliseconds)
        }
        let (stored, live) = (found["cordon_runs"] ?? 0, found["cordon_runs_live"] ?? 0)
        throw BenchFailure(description: "waited in vain for \(runs) runs to end: \(stored) stored, \(live) live")
    }
}
