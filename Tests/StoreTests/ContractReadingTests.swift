// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about definitions, tokens, queries and closing, for every store.
@Suite struct ContractReadingTests {
    // Definitions and tokens

    @Test(arguments: StoreKind.allCases)
    func `a definition is kept for ever as it was first published`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let first = Sample.definition("a")
        try await tested.store.publish(first)
        try await tested.store.publish(Sample.definition("a", source: "something else"))
        #expect(try await tested.store.definition(first.digest) == first)
        #expect(try await tested.store.definition("sha256:none") == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `a token is granted once, and revoked once`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.grant(Sample.token("tok_1"), entry: Sample.entry("node", 1))
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.grant(Sample.token("tok_1"), entry: Sample.entry("node", 2))
        }
        try await tested.store.revoke(token: "tok_1", at: Sample.time(5), entry: Sample.entry("node", 2))
        try await tested.store.revoke(token: "tok_1", at: Sample.time(9), entry: Sample.entry("node", 3))
        var revoked = Sample.token("tok_1")
        revoked.revokedAt = Sample.time(5)
        #expect(try await tested.store.tokens() == [revoked])
        #expect(try await tested.store.checkedLog().count == 2)
    }

    @Test(arguments: StoreKind.allCases)
    func `a stream of no row takes its next entry and no other`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.note(Sample.entry("halts", 1))
        for wrong in [1, 3] {
            await #expect(throws: StoreError(.conflict, "")) {
                try await tested.store.note(Sample.entry("halts", wrong))
            }
        }
        try await tested.store.note(Sample.entry("halts", 2))
        #expect(try await tested.store.history("halts", from: 1, limit: 9).map(\.entry.number) == [1, 2])
        #expect(try await tested.store.checkedLog().count == 2)
    }

    @Test(arguments: StoreKind.allCases)
    func `an unknown token can't be revoked`(kind: StoreKind) async throws {
        let tested = try kind.make()
        await #expect(throws: StoreError(.notFound, "")) {
            try await tested.store.revoke(token: "tok_9", at: Sample.time(1), entry: Sample.entry("node", 1))
        }
        #expect(try await tested.store.vitals().entries == 0)
    }

    @Test(arguments: StoreKind.allCases, [0, 1, 3])
    func `an entry that is not the next of its stream is refused`(kind: StoreKind, number: Int) async throws {
        let tested = try kind.make()
        try await tested.store.grant(Sample.token("tok_1"), entry: Sample.entry("node", 1))
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.grant(Sample.token("tok_2"), entry: Sample.entry("node", number))
        }
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.revoke(token: "tok_1", at: Sample.time(1), entry: Sample.entry("node", number))
        }
        #expect(try await tested.store.tokens() == [Sample.token("tok_1")])
    }

    @Test(arguments: StoreKind.allCases)
    func `tokens come oldest first`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for (number, (id, at)) in [("tok_c", 3), ("tok_b", 2), ("tok_a", 2)].enumerated() {
            try await tested.store.grant(Sample.token(id, at: at), entry: Sample.entry("node", number + 1))
        }
        #expect(try await tested.store.tokens().map(\.id) == ["tok_a", "tok_b", "tok_c"])
    }

    // Queries

    @Test(arguments: StoreKind.allCases)
    func `pages of alerts join up in both directions`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        let newest = try await store.alerts { $0.limit = 3 }.map(\.id)
        #expect(newest == [8, 7, 6].map(Sample.alertID))
        let next = try await store.alerts { query in
            query.limit = 3
            query.beyond = newest.last
        }
        #expect(next.map(\.id) == [5, 4, 3].map(Sample.alertID))
        let oldest = try await store.alerts { query in
            query.oldestFirst = true
            query.beyond = Sample.alertID(6)
        }
        #expect(oldest.map(\.id) == [7, 8].map(Sample.alertID))
    }

    @Test(arguments: StoreKind.allCases)
    func `alerts are found by state and source`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        #expect(try await store.alerts { $0.state = .received }.map(\.id) == [8].map(Sample.alertID))
        #expect(try await store.alerts { $0.state = .quarantined }.map(\.id) == [7].map(Sample.alertID))
        #expect(try await store.alerts { $0.source = "github" }.count == 8)
        #expect(try await store.alerts { $0.source = "git%" }.isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func `decisions are found by id, alert and verdict`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        #expect(try await store.decisions { $0.id = Sample.decision(3).id } == [Sample.decision(3)])
        #expect(try await store.decisions { $0.alert = Sample.alertID(2) } == [Sample.decision(2)])
        #expect(try await store.decisions { $0.verdict = "shadow" }.isEmpty)
        let page = try await store.decisions { query in
            query.beyond = Sample.decision(4).id
            query.limit = 2
        }
        #expect(page.map(\.id) == [Sample.decision(3).id, Sample.decision(2).id])
    }

    @Test(arguments: StoreKind.allCases)
    func `runs are found by all that a query can name`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        #expect(try await store.runs { $0.alert = Sample.alertID(2) }.map(\.id) == [Sample.runID(2)])
        #expect(try await store.runs { $0.phase = "ended" }.map(\.id) == [6, 4, 2].map(Sample.runID))
        #expect(try await store.runs { $0.playbook = "exposed-credential" }.count == 6)
        #expect(try await store.runs { $0.playbook = "other" }.isEmpty)
        #expect(try await store.runs { $0.subject = "credential:key-1" }.map(\.id) == [4, 1].map(Sample.runID))
        #expect(try await store.runs { $0.onlyLive = true }.map(\.id) == [5, 3, 1].map(Sample.runID))
        let page = try await store.runs { query in
            query.onlyLive = true
            query.oldestFirst = true
            query.beyond = Sample.runID(1)
            query.limit = 1
        }
        #expect(page.map(\.id) == [Sample.runID(3)])
    }

    @Test(arguments: StoreKind.allCases)
    func `due runs come earliest first, those due together by id`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for (number, due) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 40)] {
            var change = Sample.change(number, from: 0, to: 1)
            change.run.dueAt = Sample.time(due)
            try await tested.store.commit(change)
        }
        var waiting = Sample.change(6, from: 0, to: 1)
        waiting.run.dueAt = nil
        try await tested.store.commit(waiting)
        let due = try await tested.store.runs { $0.dueBy = Sample.time(30) }
        #expect(due.map(\.id) == [2, 4, 3, 1].map(Sample.runID))
        let first = try await tested.store.runs { query in
            query.dueBy = Sample.time(1000)
            query.limit = 1
        }
        #expect(first.map(\.id) == [Sample.runID(2)])
    }

    @Test(arguments: StoreKind.allCases)
    func `a page never holds more than was asked, nor more than its bound`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        for limit in [0, -1, Int.min] {
            #expect(try await store.alerts { $0.limit = limit }.isEmpty)
            #expect(try await store.runs { $0.limit = limit }.isEmpty)
            #expect(try await store.log(from: 0, limit: limit).isEmpty)
            #expect(try await store.history("node", from: 1, limit: limit).isEmpty)
        }
        #expect(try await store.alerts { $0.limit = .max }.count == 8)
    }

    @Test(arguments: StoreKind.allCases)
    func `a history and the log are read from any place`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        let run = Sample.runID(2).text
        #expect(try await store.history(run, from: 2, limit: 1).map(\.entry.number) == [2])
        #expect(try await store.history(run, from: -5, limit: 10).map(\.entry.number) == [1, 2, 3])
        #expect(try await store.history(run, from: 4, limit: 10).isEmpty)
        #expect(try await store.history("run_none", from: 1, limit: 10).isEmpty)
        #expect(try await store.log(from: 3, limit: 2).map(\.index) == [3, 4])
        #expect(try await store.log(from: -1, limit: 1).map(\.index) == [0])
        #expect(try await store.log(from: .max, limit: 1).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func `a period's entries are found, also where a clock was set back`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let store = tested.store
        for (number, second) in [10, 20, 30, 15, 40].enumerated() {
            var entry = Sample.entry("node", number + 1)
            entry.at = Sample.time(second)
            try await store.note(entry)
        }
        func places(_ from: Int, _ to: Int, before end: Int = 5) async throws -> ClosedRange<Int>? {
            try await store.places(from: Sample.time(from), to: Sample.time(to), before: end)
        }
        #expect(try await places(0, 100) == 0...4)
        #expect(try await places(12, 25) == 1...3)
        #expect(try await places(20, 20) == nil)
        #expect(try await places(20, 30) == 1...1)
        #expect(try await places(41, 100) == nil)
        #expect(try await places(0, 100, before: 3) == 0...2)
        #expect(try await places(0, 100, before: 0) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `vitals count what is there, and runs that nothing will wake`(kind: StoreKind) async throws {
        let store = try await filled(kind).store
        var asleep = Sample.change(20, from: 0, to: 1)
        asleep.run.wake = nil
        try await store.commit(asleep)
        var vitals = try await store.vitals()
        #expect(vitals.alerts == 8)
        #expect(vitals.runs == 7)
        #expect(vitals.liveRuns == 4)
        #expect(vitals.runsWithoutWake == 1)
        let log = try await store.checkedLog()
        #expect(vitals.entries == log.count)
        #expect(vitals.operations >= vitals.commits && vitals.commits > 0)
        try await store.commit(Sample.change(20, from: 1, to: 2))
        vitals = try await store.vitals()
        #expect(vitals.runsWithoutWake == 0)
    }

    // Closing

    @Test(arguments: StoreKind.allCases)
    func `after closing every verb says so`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        await tested.store.close()
        await tested.store.close()
        let store = tested.store
        let deeds: [@Sendable () async throws -> Void] = [
            { _ = try await store.accept(Sample.alert(2), entry: Sample.entry(Sample.alertID(2).text, 1)) },
            { try await store.record(Sample.reading(1)) }, { try await store.commit(Sample.change(1, from: 2, to: 3)) },
            { try await store.publish(Sample.definition("a")) }, { _ = try await store.definition("a") },
            { try await store.grant(Sample.token("a"), entry: Sample.entry("node", 1)) },
            { try await store.note(Sample.entry("halts", 1)) },
            { try await store.revoke(token: "a", at: Sample.time(1), entry: Sample.entry("node", 1)) },
            { _ = try await store.tokens() }, { _ = try await store.alerts(AlertQuery()) },
            { _ = try await store.signals(of: Sample.alertID(1)) },
            { _ = try await store.decisions(DecisionQuery()) }, { _ = try await store.runs(RunQuery()) },
            { _ = try await store.history("node", from: 1, limit: 1) }, { _ = try await store.log(from: 0, limit: 1) },
            { _ = try await store.vitals() },
        ]
        for deed in deeds { await #expect(throws: StoreError(.closed, "")) { try await deed() } }
    }

    @Test(arguments: StoreKind.allCases)
    func `what was handed in before closing is stored`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let handedIn = (1...40).map { number in
            Task { try await tested.store.commit(Sample.change(number, from: 0, to: 1)) }
        }
        await tested.store.close()
        var stored = 0
        for task in handedIn { if case .success = await task.result { stored += 1 } }
        guard kind != .memory else { return }
        let reopened = try await tested.reopened()
        #expect(try await reopened.store.checkedLog().count == stored)
        await reopened.store.close()
    }

    /// Alerts 1 to 8; 1 to 6 opened runs, the even ones of which have ended; 7 is quarantined, 8 not yet read.
    private func filled(_ kind: StoreKind) async throws -> StoreUnderTest {
        let tested = try kind.make()
        let store = tested.store
        for number in 1...6 {
            try await store.openRun(number)
            if number.isMultiple(of: 2) {
                try await store.commit(Sample.change(number, from: 2, to: 3, phase: "ended"))
            }
        }
        for number in 7...8 {
            _ = try await store.accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        }
        var quarantined = Sample.reading(7, state: .quarantined, opens: false)
        quarantined.signals = []
        quarantined.decisions = []
        try await store.record(quarantined)
        return tested
    }
}
