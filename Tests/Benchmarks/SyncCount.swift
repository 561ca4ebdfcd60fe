// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Foundation
import Glibc
import TestKit

/// How often the disk is asked to sync, and what one sync costs here: the limit that all rates stand under.
enum SyncCount {
    /// Syncs of one phase by what was synced.
    struct Tally {
        var log = 0
        var evidence = 0
        var other = 0
        var total: Int { log + evidence + other }

        /// Counts the calls in lines of `strace -f -y`; a call that was interrupted is named twice, but begins once.
        init(_ trace: some StringProtocol) {
            for line in trace.split(separator: "\n") where line.contains("sync(") {
                if line.contains("-wal>") {
                    log += 1
                } else if line.contains("/evidence/") {
                    evidence += 1
                } else {
                    other += 1
                }
            }
        }
    }

    static var hasTracer: Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains { FileManager.default.isExecutableFile(atPath: $0 + "/strace") }
    }

    /// One run after the other, so that no two share a commit.
    static func perRun(
        _ cordon: String, on provider: LoopbackProvider, credentials: Range<Int>
    ) async throws -> (commits: Double, syncs: Tally) {
        let installation = try Installation(credentials: credentials, on: provider)
        let trace = installation.scratch.path("trace")
        let server = try await ServerProcess(
            cordon, in: installation,
            under: ["strace", "-f", "-y", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", trace])
        let commitsBefore = try await server.metrics()["cordon_store_commits_total"] ?? .nan
        let linesBefore = try installation.scratch.read("trace")
        let connection = OneAtATime(port: server.port)
        for (done, credential) in credentials.enumerated() {
            try await connection.send(credential)
            try await server.settle(runs: done + 1, pollMilliseconds: 5)
        }
        let commits = try await server.metrics()["cordon_store_commits_total"] ?? .nan
        let lines = try installation.scratch.read("trace").dropFirst(linesBefore.count)
        try await server.stop()
        return ((commits - commitsBefore) / Double(credentials.count), Tally(lines))
    }

    private struct OneAtATime {
        var port: UInt16

        func send(_ credential: Int) async throws {
            let answer = try await onThread { [port] in
                try HTTPConnection(port: port).exchange(Installation.alert(credential))
            }
            if answer.status != 202 { throw BenchFailure(description: "an alert was answered \(answer.status)") }
        }
    }

    /// Milliseconds that a 4 KiB write and its fdatasync take in this folder.
    static func cost(in scratch: ScratchFolder, times: Int = 200) async throws -> Distribution {
        try await onThread {
            let file = open(scratch.path("probe"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw SystemError("open") }
            defer { close(file) }
            let page = [UInt8](repeating: 1, count: 4096)
            return Distribution(
                try (0..<times).map { _ in
                    let beginning = Monotonic.nanoseconds
                    guard write(file, page, page.count) == page.count, fdatasync(file) == 0 else {
                        throw SystemError("write or fdatasync")
                    }
                    return Monotonic.milliseconds(Monotonic.nanoseconds - beginning)
                })
        }
    }
}
