// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// Guards on live alerts: what is spent is spent once, and a start remembers all of it.
@Suite(.timeLimit(.minutes(20)))
struct EngineGuardTests {
    /// The installation's library, with further identities and guards.
    private func library(_ installation: Installation, _ change: (inout GuardPolicy) -> Void) -> Library {
        var library = installation.library
        let others = (1...9).map { number in
            Inventory.Identity(
                subject: Subject(kind: .credential, id: "token-\(number)", provider: "auth"),
                matches: ["issuer": "github", "repository": .string("octo-org/repo-\(number)")],
                secrets: ["token": .environment("TOKEN")])
        }
        library.inventory = Inventory(
            identities: library.inventory.identities + others, digest: library.inventory.digest)
        change(&library.guards)
        return library
    }

    private func verdicts(_ installation: Installation) async throws -> [String: Int] {
        let decisions = try await installation.base.decisions(DecisionQuery())
        return Dictionary(decisions.map { ($0.verdict, 1) }, uniquingKeysWith: +)
    }

    @Test func `alerts at once touch no more identities than the limit, and a start remembers them`() async throws {
        let installation = try Installation()
        let library = library(installation) { $0.limits = IdentityLimits(perPlaybook: 3) }
        let first = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await withTaskGroup(of: Void.self) { group in
                for number in 1...8 {
                    group.addTask {
                        await installation.post(first, delivery: "d-\(number)", repository: "octo-org/repo-\(number)")
                    }
                }
            }
            try await installation.waitUntilEnded(3)
            try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == 8 }
        }
        #expect(try await verdicts(installation) == ["enforce": 3, "propose": 5])
        let known = first.standing
        #expect(known.touched(at: installation.clock.now).count == 3)

        let second = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(second.standing == known)
            await installation.post(second, delivery: "d-9", repository: "octo-org/repo-9")
            try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == 9 }
            // A person may go further than the limit, and it counts.
            let asked = try await installation.runs.first { $0.phase == "asked" }
            let run = try #require(asked)
            _ = await second.control(run.id, .resume(step: nil, isForced: false, by: "ann", reason: "it is real"))
            try await installation.waitUntilEnded(4)
            #expect(second.standing.touched(at: installation.clock.now).map(\.subject).contains(run.subject))
        }
        #expect(try await verdicts(installation) == ["enforce": 3, "propose": 6])
        let stored = try await installation.base.standing(at: installation.clock.now)
        #expect(stored.touched(at: installation.clock.now).count == 4)
    }

    @Test func `a surge is one line of the history however many signals it is, until it is over`() async throws {
        let installation = try Installation()
        let library = library(installation) {
            $0.surge = SurgeRule(factor: 8, windowMilliseconds: 600_000, cap: 2)
        }
        let first = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            for number in 1...6 {
                await installation.post(first, delivery: "d-\(number)", repository: "octo-org/repo-\(number)")
                try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == number }
            }
            try await installation.wait { first.surges.map(\.playbook) == ["secret-leaked"] }
        }
        #expect(try await verdicts(installation) == ["enforce": 2, "propose": 4])
        #expect(first.surges.map(\.matched) == [3])
        let lines = try await installation.base.history(SurgeBook.stream, from: 1, limit: 9)
        #expect(lines.map(\.entry.kind) == ["surgeBegan"])

        let second = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(second.surges == first.surges)
            #expect(second.standing.surges.keys.sorted() == ["secret-leaked"])
            installation.clock.advance(to: installation.clock.now.adding(milliseconds: 3_600_000))
            try await installation.wait { second.surges.isEmpty }
            await installation.post(second, delivery: "d-9", repository: "octo-org/repo-9")
            try await installation.waitUntilEnded(3)
        }
        let all = try await installation.base.history(SurgeBook.stream, from: 1, limit: 9)
        #expect(all.map(\.entry.kind) == ["surgeBegan", "surgeEnded"])
        #expect(try await verdicts(installation) == ["enforce": 3, "propose": 4])
    }

    @Test func `an identity that is Cordon's own is never touched, and nobody is asked to`() async throws {
        let installation = try Installation()
        let library = library(installation) { $0.own = ["deploy-token": "auth"] }
        let engine = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == 1 }
        }
        #expect(try await verdicts(installation) == ["deny": 1])
        #expect(try await installation.runs.isEmpty)
    }
}
