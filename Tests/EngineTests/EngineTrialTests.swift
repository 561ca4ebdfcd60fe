// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// Labels, breakers and rungs on live alerts: each is in the history when it is answered, and a start knows it again.
@Suite(.timeLimit(.minutes(20)))
struct EngineTrialTests {
    private func library(_ installation: Installation, _ change: (inout GuardPolicy) -> Void) -> Library {
        var library = installation.library
        change(&library.guards)
        return library
    }

    /// How often each was decided: all come within one instant, so their ids are in no order.
    private func count(_ verdict: String, _ installation: Installation) async throws -> Int {
        try await installation.base.decisions(DecisionQuery()).count { $0.verdict == verdict }
    }

    @Test func `false alarms open the breaker, a start knows it, and a person closes it`() async throws {
        let installation = try Installation()
        let library = library(installation) { $0.breaker = BreakerRule(last: 10, share: 0.5, atLeast: 2) }
        let first = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            for number in 1...2 {
                await installation.post(first, delivery: "d-\(number)")
                try await installation.waitUntilEnded(number)
            }
            for (number, run) in try await installation.runs.enumerated() {
                #expect(first.standing.breakers.isEmpty)
                #expect(try await first.label(run.alert, .falsePositive, by: "ann", reason: "a test \(number)"))
            }
            let alert = try #require(try await installation.runs.first?.alert)
            #expect(try await !first.label(alert, .falsePositive, by: "ben", reason: "again"), "it says so already")
            #expect(first.standing.breakers["secret-leaked"]?.count.falsePositives == 2)
        }
        let second = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(second.standing.breakers == first.standing.breakers)
            await installation.post(second, delivery: "d-3")
            try await installation.wait { try await count("propose", installation) == 1 }
            #expect(try await second.closeBreaker("secret-leaked", by: "ann", reason: "the feed is mended"))
            #expect(try await !second.closeBreaker("secret-leaked", by: "ann", reason: "once more"))
            await installation.post(second, delivery: "d-4")
            try await installation.wait { try await count("enforce", installation) == 3 }
        }
        let kinds = try await installation.base.history(GuardLog.stream, from: 1, limit: 100).map(\.entry.kind)
        #expect(kinds == ["alertLabeled", "alertLabeled", "breakerOpened", "breakerClosed"])
    }

    @Test func `a breaker that a crash kept shut opens at the next start`() async throws {
        let installation = try Installation()
        let lax = library(installation) { $0.breaker = BreakerRule(last: 10, share: 0.1, atLeast: 2) }
        let first = installation.engine(ScriptedTransport(installation), loading: { .success(lax) })
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first, delivery: "d-1")
            try await installation.waitUntilEnded(1)
            #expect(
                try await first.label(installation.run.alert, .falsePositive, by: "ann", reason: "a test"))
        }
        // The label is stored and the breaker is not, as after a kill between the two.
        let strict = library(installation) { $0.breaker = BreakerRule(last: 10, share: 0.1, atLeast: 1) }
        let second = installation.engine(ScriptedTransport(installation), loading: { .success(strict) })
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(second.standing.breakers["secret-leaked"]?.count.falsePositives == 1)
        }
    }

    @Test func `who answers a proposal that somebody else let begin is refused, and the run goes on`() async throws {
        let installation = try Installation(mode: .propose)
        let valve = Valve()
        let transport = ScriptedTransport(installation) { _, _ in
            await valve.wait()
            return nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.wait { try await installation.runs.first?.phase == "asked" }
            let id = try await installation.run.id
            _ = await engine.control(id, .resume(step: nil, isForced: false, by: "ann", reason: "it is real"))
            try await installation.wait { transport.requests.count == 1 }
            let late = await engine.control(id, .cancel(undo: false, by: "ben", reason: "it is not")) {
                $0.gate?.kind == .proposal
            }
            guard case .refused(let refusal) = late else { throw EngineError(.store, "\(late)") }
            #expect(refusal.code == .alreadyDecided)
            valve.open()
            try await installation.waitUntilEnded(1)
        }
        #expect(try await installation.run.phase == .ended(.completed))
    }

    @Test func `a label that is stored is what a breaker counts, and a line of a later version is refused`()
        async throws
    {
        let installation = try Installation()
        let library = library(installation) { $0.breaker = BreakerRule(last: 10, share: 0.1, atLeast: 1) }
        let engine = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine, delivery: "d-1")
            try await installation.waitUntilEnded(1)
            let run = try await installation.run
            #expect(try await engine.label(run.alert, .falsePositive, by: "ann", reason: "a test"))
            #expect(engine.standing.breakers.count == 1)
        }
        // As if the process had ended between the label and the breaker: the label alone is stored.
        let bare = MemoryStore()
        let label = try #require(try await installation.base.history(GuardLog.stream, from: 1, limit: 1).first?.entry)
        try await bare.note(label)
        var log = try await bare.guardLog()
        #expect(log.open.isEmpty)
        #expect(log.labels.count == 1)
        var desk = TrialDesk()
        desk.log = log
        desk.books["secret-leaked", default: TrialBook()].add(Trial(try await installation.run))
        #expect(desk.count("secret-leaked", BreakerRule(last: 10, share: 0.1, atLeast: 1)).wrong == 1)
        #expect(throws: EngineError(.store, "")) { try log.apply(Entry.unknownKind(after: label)) }
    }

    @Test func `a rung is earned by its record, and a forced one says who wanted it`() async throws {
        let installation = try Installation()
        let library = library(installation) { $0.ladder = LadderRule(shadowDays: 0, shadowSignals: 2) }
        let engine = installation.engine(ScriptedTransport(installation), loading: { .success(library) })
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine, delivery: "d-1")
            try await installation.wait { try await count("shadow", installation) == 1 }
            guard
                case .lacking(let lacks) = try await engine.setMode(
                    "secret-leaked", .propose, isForced: false, by: "ann", reason: "early")
            else { throw EngineError(.store, "another answer") }
            #expect(lacks == ["1 of 2 signals have matched"])
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await count("shadow", installation) == 2 }
            guard
                case .done = try await engine.setMode(
                    "secret-leaked", .propose, isForced: false, by: "ann", reason: "no surprise")
            else { throw EngineError(.store, "another answer") }
            await installation.post(engine, delivery: "d-3")
            try await installation.wait { try await count("propose", installation) == 1 }
            guard
                case .done = try await engine.setMode(
                    "secret-leaked", .enforce, isForced: true, by: "ann", reason: "an incident")
            else { throw EngineError(.store, "another answer") }
            await installation.post(engine, delivery: "d-4")
            try await installation.wait { try await count("enforce", installation) == 1 }
        }
        let playbook = try #require(library.playbooks.first)
        let (pin, version) = (playbook.pin, library.version(of: playbook))
        let record = try await engine.trackRecord(pin, since: nil)
        #expect(record.lines.map(\.verdict.rawValue).sorted() == ["enforce", "propose", "shadow", "shadow"])
        #expect(record.lines.allSatisfy { $0.would == .enforce })
        let rung = try #require(try await installation.base.guardLog().ladder.rung(of: version))
        #expect((rung.mode, rung.by, rung.reason) == (.enforce, "ann", "an incident"))
    }

    @Test func `another step in a playbook's workflow begins one rung lower, though the playbook is the same`()
        async throws
    {
        let installation = try Installation()
        let rule = LadderRule(shadowDays: 0, shadowSignals: 1)
        let first = library(installation) { $0.ladder = rule }
        let playbook = try #require(first.playbooks.first)
        let engine = installation.engine(ScriptedTransport(installation), loading: { .success(first) })
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            guard
                case .done = try await engine.setMode(
                    playbook.name, .enforce, isForced: true, by: "ann", reason: "as it is")
            else { throw EngineError(.store, "another answer") }
        }
        let log = try await installation.base.guardLog()
        #expect(log.ladder.mode(of: first.version(of: playbook)) == .enforce)
        var workflow = try #require(first.workflows[playbook.workflow])
        workflow.digest = "sha256:another"
        var second = first
        second.workflows[playbook.workflow] = workflow
        let version = second.version(of: playbook)
        #expect(log.ladder.mode(of: version) == .propose)
        #expect(log.ladder.newness(of: version).hasPrefix("what this digest's workflow does is another"))
        // What was said before workflows counted is said of another version too.
        let old = Ladder.Version(playbook: playbook.name, digest: playbook.digest, does: nil)
        #expect(log.ladder.mode(of: old) == .propose)
        var ladder = Ladder()
        ladder.set(
            Ladder.Rung(version: old, mode: .enforce, by: "ann", reason: "once", since: Installation.start))
        #expect(ladder.mode(of: first.version(of: playbook)) == .propose)
    }
}

extension Entry {
    /// A line of a later version.
    fileprivate static func unknownKind(after entry: Entry) -> Entry {
        Chronicle().entry(entry.stream, entry.number + 1, entry.at, "somethingElse", [:])
    }
}
