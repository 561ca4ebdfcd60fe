// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestKit
import Testing

/// What a crash leaves of the secrets that were in memory: nothing.
@Suite(.serialized)
struct CrashDumpTests {
    private static let canary = "canary-crash-8be1f0"

    @Test func `a process that is aborted leaves no dump, and says no secret on its way out`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.writePrivate(Self.canary, to: "hook")
        try installation.scratch.write(
            "sources:\n  - { id: github, connector: github, secrets: [{ credential: hook }] }\nproviders: []\n",
            to: "connections.yaml")
        // A shell that allows dumps of any size: only the program itself refuses them.
        let serving = try await installation.serve(
            wrapper: [
                "/bin/sh", "-c", #"ulimit -c unlimited 2>/dev/null; exec "$0" "$@""#, "/usr/bin/env",
                "CREDENTIALS_DIRECTORY=\(installation.scratch.path)", "SWIFT_BACKTRACE=enable=no",
            ])
        defer { serving.program.kill() }
        // A wrong signature has the secret read.
        let answer = try await serving.post(Installation.alert(), delivery: "d-1", signature: "sha256=00")
        #expect(answer.status == 401)
        // Who is not root can't look: that is part of what is asked for.
        if let limits = try? String(contentsOfFile: "/proc/\(serving.program.processID)/limits", encoding: .utf8) {
            let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
            #expect(line.split(separator: " ").count { $0 == "0" } == 2, "\(line)")
        } else {
            #expect(geteuid() != 0, "only root may read the limits of a process that leaves no dump")
        }

        serving.program.send(signal: SIGABRT)
        #expect(try await serving.program.waitForExit() == .killed(bySignal: SIGABRT))
        let said = serving.program.output + serving.program.error
        #expect(!said.contains(Self.canary))
        let files = try FileManager.default.subpathsOfDirectory(atPath: installation.scratch.path)
        #expect(!files.contains { ($0 as NSString).lastPathComponent.hasPrefix("core") })
        for name in files where name != "hook" {
            guard let contents = FileManager.default.contents(atPath: installation.scratch.path(name)) else { continue }
            #expect(contents.range(of: Data(Self.canary.utf8)) == nil, "\(name)")
        }
    }
}
