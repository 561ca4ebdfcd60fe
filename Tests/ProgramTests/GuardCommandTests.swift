// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Guards of the built program: limits that hold through a kill, and a command that tells how they stand.
@Suite(.serialized)
struct GuardCommandTests {
    private static let identities = 60
    private static let limit = 20

    /// An installation whose alerts can name sixty tokens, with limits of twenty identities an hour.
    private func installation(_ provider: PracticeAuthority, _ guards: String) throws -> Installation {
        let installation = try provider.installation()
        let all = (1...Self.identities).map {
            """
              - id: token-\($0)
                kind: credential
                provider: login
                owner: team/billing
                matches: { issuer: github, repository: octo-org/svc-\($0), secret_type: example_api_token }
                secrets: { token: { file: token } }

            """
        }
        try installation.scratch.write("identities:\n" + all.joined(), to: "identities.yaml")
        try installation.scratch.write(guards, to: "guards.yaml")
        return installation
    }

    private func alert(_ number: Int) -> String {
        Installation.alert(number: number).replacingOccurrences(of: "octo-org/billing", with: "octo-org/svc-\(number)")
    }

    /// Posts them all at once; those that the server's end kept from an answer are told.
    private func post(_ numbers: some Collection<Int> & Sendable, to serving: Installation.Serving) async -> [Int] {
        await withTaskGroup(of: (Int, Bool).self) { group in
            for number in numbers {
                group.addTask {
                    let answer = try? await serving.post(self.alert(number), delivery: "d-\(number)")
                    return (number, answer?.status == 202)
                }
            }
            return await group.reduce(into: []) { if !$1.1 { $0.append($1.0) } }
        }
    }

    @Test func `sixty alerts on sixty identities touch twenty of them, also when the program is killed meanwhile`()
        async throws
    {
        let provider = try PracticeAuthority()
        let installation = try installation(
            provider, "limits: { per_playbook: 20, per_provider: 20, share: 100% }\nsurge: { cap: 1000 }\n")
        var serving = try await installation.serve()
        var open = Set(1...Self.identities)
        // Killed in the middle of the flood, twice; what got no answer is sent again, as a source does.
        for opened in [5, 25] {
            let (now, running) = (open, serving)
            async let unanswered = post(now, to: running)
            let token = try installation.firstToken
            try await eventually("\(opened) runs to be opened") {
                try await running.get("/api/v1/runs?limit=100", token: token).json["runs"]?.arrayValue?.count ?? 0
                    >= opened
            }
            serving.program.kill()
            try await serving.program.waitForExit()
            open = Set(await unanswered)
            serving = try await installation.serve()
        }
        let left = await post(open, to: serving)
        #expect(left == [])
        let token = try installation.firstToken
        let last = serving
        try await eventually("every alert to be decided about and every run to rest") {
            let decisions = try await last.get("/api/v1/decisions?limit=100", token: token).json
            let runs = try await last.get("/api/v1/runs?limit=100", token: token).json["runs"]?.arrayValue ?? []
            return decisions["decisions"]?.arrayValue?.count == Self.identities && runs.count == Self.identities
                && runs.allSatisfy { ["ended", "asked"].contains($0["phase"]?.stringValue ?? "") }
        }
        let runs = try await serving.get("/api/v1/runs?limit=100", token: token).json["runs"]?.arrayValue ?? []
        let touched = Set(runs.filter { $0["phase"] == "ended" }.compactMap { $0["subject"]?.stringValue })
        #expect(touched.count == Self.limit)
        let asked = try #require(runs.first { $0["phase"] == "asked" }?["id"]?.stringValue)
        let why = try await installation.finish("run", "why", asked)
        #expect(why.output.contains("guard 'limits': it would be identity 21"), "\(why.output)")

        let listed = try await installation.finish("guard", "list", "--playbook", "secret-leaked", "-o", "json")
        let row = try #require(try listed.json.arrayValue?.first { $0["guard"] == "limits" })
        #expect(row.at("numbers", "used") == .int(Int64(Self.limit)))
        #expect(row.at("numbers", "left") == 0)
        #expect(row["verdict"] == "propose")
        serving.program.kill()
        try await serving.program.waitForExit()
        // Without a server the store tells the same.
        let alone = try await installation.finish("guard", "list", "--playbook", "secret-leaked", "-o", "json")
        #expect(try alone.json == listed.json)
    }

    @Test func `guards are told as a table, and a playbook that is not there is refused`() async throws {
        let installation = try Installation.alone()
        _ = try await installation.finish("init", ".")
        let table = try await installation.finish("guard", "list")
        #expect(table.end == .exited(0), "\(table.error)")
        #expect(
            table.outputLines.first?.split(separator: " ").map(String.init) == [
                "PLAYBOOK", "GUARD", "VERDICT", "STATE",
            ])
        #expect(table.output.contains("0 of 30 identities within an hour, 30 left"))
        let unknown = try await installation.finish("guard", "list", "--playbook", "nothing")
        #expect(unknown.end == .exited(3))
        #expect(unknown.error.contains("no guard is of a playbook 'nothing'"))
    }

    @Test func `a mistake in guards.yaml keeps the server from starting, with its place`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write("protected: { deny: [break-glass] }\n", to: "guards.yaml")
        let ended = try await installation.finish("playbook", "check")
        #expect(ended.end == .exited(10))
        #expect(ended.error.contains("guards.yaml:1:21: error[P090]: 'break-glass' names nobody"), "\(ended.error)")
    }
}
