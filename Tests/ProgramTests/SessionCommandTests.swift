// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// Sessions by the command line, and what the counters tell of them.
@Suite(.serialized)
struct SessionCommandTests {
    @Test func `a session is opened by its runtime, delegates, and is counted`() async throws {
        let installed = try await SessionInstallation()
        let installation = installed.installation
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let open = ["session", "open", "a", "--agent", "refunds", "--owner", "team/support", "--time", "1h"]
        let refused = try await installation.finish(open)
        #expect(refused.end == .exited(5), "an administrator is no runtime: \(refused.error)")
        let opened = try await installation.finish(
            open + ["--bytes", "1000", "--scope", "orders:read", "--when-exceeded", "deny"], token: installed.runtime)
        #expect(opened.end == .exited(0), "\(opened.error)")
        #expect(opened.output.hasPrefix("a is open\nNext: cordon session show a"))
        let differs = try await installation.finish(open, token: installed.runtime)
        #expect(differs.end == .exited(6), "\(differs.error)")
        let child = [
            "session", "open", "b", "--parent", "a", "--agent", "helper", "--owner", "team/support", "--time", "10m",
            "--bytes", "10", "-o", "json",
        ]
        let delegated = try await installation.finish(child, token: installed.runtime)
        #expect(try delegated.json["parent"] == "a", "\(delegated.error)")
        let odd = try await installation.finish(
            ["session", "open", "c", "--agent", "x", "--owner", "y", "--time", "soon"], token: installed.runtime)
        #expect(odd.end == .exited(64))
        #expect(odd.error.contains("--time is 'soon'"))

        #expect(try await installed.isolate("b", true) == 200)
        for (id, status) in [("a", 200), ("b", 200), ("nobody", 404)] {
            let answer = try await installed.api("GET", "/verdicts/\(id)", installed.gate)
            #expect(answer.status == status || answer.json["verdict"] == "deny", "\(id) \(answer.text)")
        }
        let token = try installation.firstToken
        let states = try await serving.counter("cordon_sessions", token: token)
        #expect(states == ["open": 1, "slow": 0, "read_only": 0, "isolated": 1])
        #expect(try await serving.counter("cordon_sessions_opened_total", token: token) == ["": 2])
        let verdicts = try await serving.counter("cordon_verdicts_total", token: token)
        #expect(verdicts["allow"] == 1 && (verdicts["deny"] ?? 0) >= 1, "\(verdicts)")
    }
}
