// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about writing, for every store.
@Suite struct ContractTests {
    // Intake

    @Test(arguments: StoreKind.allCases)
    func `an accepted alert is stored whole, with its entry`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let entry = Sample.entry(Sample.alertID(1).text, 1, "received")
        #expect(try await tested.store.accept(Sample.alert(1), entry: entry) == .stored)
        #expect(try await tested.store.alert(1) == Sample.alert(1))
        #expect(try await tested.store.log(from: 0, limit: 10) == [IndexedEntry(index: 0, entry: entry)])
    }

    @Test(arguments: StoreKind.allCases)
    func `a repeated delivery names the alert that was first and stores nothing`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let first = Sample.alert(1, delivery: "same")
        _ = try await tested.store.accept(first, entry: Sample.entry(first.id.text, 1))
        let again = Sample.alert(2, delivery: "same")
        #expect(try await tested.store.accept(again, entry: Sample.entry(again.id.text, 1)) == .duplicate(of: first.id))
        #expect(try await tested.store.alert(2) == nil)
        #expect(try await tested.store.vitals().entries == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func `an alert is a repeat too under a name that it had before`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let first = Sample.alert(1)
        _ = try await tested.store.accept(first, entry: Sample.entry(first.id.text, 1))
        var again = Sample.alert(2, delivery: "renamed")
        again.formerDeliveryIDs = ["unheard", first.deliveryID]
        #expect(try await tested.store.accept(again, entry: Sample.entry(again.id.text, 1)) == .duplicate(of: first.id))
        var elsewhere = Sample.alert(3, source: "other", delivery: "renamed")
        elsewhere.formerDeliveryIDs = [first.deliveryID]
        #expect(try await tested.store.accept(elsewhere, entry: Sample.entry(elsewhere.id.text, 1)) == .stored)
        #expect(try await tested.store.alert(3)?.formerDeliveryIDs == [])
    }

    @Test(arguments: StoreKind.allCases)
    func `the same alert accepted again is a duplicate of itself`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let entry = Sample.entry(Sample.alertID(1).text, 1)
        _ = try await tested.store.accept(Sample.alert(1), entry: entry)
        #expect(try await tested.store.accept(Sample.alert(1), entry: entry) == .duplicate(of: Sample.alertID(1)))
    }

    @Test(arguments: StoreKind.allCases)
    func `one delivery id from two sources is two alerts`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for (number, source) in [(1, "github"), (2, "okta")] {
            let alert = Sample.alert(number, source: source, delivery: "same")
            #expect(try await tested.store.accept(alert, entry: Sample.entry(alert.id.text, 1)) == .stored)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `deliveries are compared by bytes, not by how Unicode reads them`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for (number, delivery) in [(1, "caf\u{e9}"), (2, "cafe\u{301}"), (3, "caf\u{e9}\u{0}")] {
            let alert = Sample.alert(number, delivery: delivery)
            #expect(try await tested.store.accept(alert, entry: Sample.entry(alert.id.text, 1)) == .stored)
            #expect(try await tested.store.alert(number) == alert)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an alert's id is stored once, whatever its delivery`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let entry = Sample.entry(Sample.alertID(1).text, 1)
        _ = try await tested.store.accept(Sample.alert(1), entry: entry)
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.accept(Sample.alert(1, delivery: "another"), entry: entry)
        }
        #expect(try await tested.store.vitals().entries == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func `a body of any size and content comes back as it was`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for (number, size) in [(1, 0), (2, 1), (3, 300_000)] {
            var alert = Sample.alert(number)
            alert.body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            alert.headers = [:]
            _ = try await tested.store.accept(alert, entry: Sample.entry(alert.id.text, 1))
            #expect(try await tested.store.alert(number) == alert)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a reading stores all that it found at once`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        #expect(try await tested.store.alert(1)?.state == .read)
        #expect(try await tested.store.signals(of: Sample.alertID(1)) == [Sample.signal(1)])
        #expect(try await tested.store.decisions { $0.alert = Sample.alertID(1) } == [Sample.decision(1)])
        #expect(try await tested.store.run(1) == Sample.run(1, at: 2))
        let streams = try await tested.store.checkedLog().map(\.entry.stream)
        let (alert, run) = (Sample.alertID(1).text, Sample.runID(1).text)
        #expect(streams == [alert, alert, run, run])
    }

    @Test(arguments: StoreKind.allCases)
    func `an event of a source gives one signal, whatever alerts tell of it`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let key = EventKey(source: "github", name: "caf\u{e9}")
        let others = [
            EventKey(source: "okta", name: "caf\u{e9}"), EventKey(source: "github", name: "cafe\u{301}"),
            EventKey(source: "github", name: ""),
        ]
        for number in 1...3 {
            let alert = Sample.alert(number, delivery: "d-\(number)")
            _ = try await tested.store.accept(alert, entry: Sample.entry(alert.id.text, 1))
        }
        var reading = Sample.reading(1)
        reading.signals[0].event = key
        try await tested.store.record(reading)
        #expect(try await tested.store.signals(telling: [key] + others) == [key: reading.signals[0].id])
        var again = Sample.reading(2)
        again.signals[0].event = key
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(again) }
        #expect(try await tested.store.alert(2)?.state == .received)
        #expect(try await tested.store.signals(of: Sample.alertID(2)).isEmpty)
        again.signals[0].event = others[1]
        try await tested.store.record(again)
        var twice = Sample.reading(3)
        twice.signals[0].event = others[0]
        var second = twice.signals[0]
        second.id = Sample.alertID(3).signal(2)
        twice.signals.append(second)
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(twice) }
        #expect(try await tested.store.signals(telling: others) == [others[1]: again.signals[0].id])
        #expect(try await tested.store.signals(telling: []).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func `an alert is read once`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(Sample.reading(1)) }
        let later = Reading(
            alert: Sample.alertID(1), state: .quarantined, entries: [Sample.entry(Sample.alertID(1).text, 3)])
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(later) }
        #expect(try await tested.store.alert(1)?.state == .read)
        #expect(try await tested.store.vitals().entries == 4)
    }

    @Test(arguments: StoreKind.allCases)
    func `an unknown alert can't be read`(kind: StoreKind) async throws {
        let tested = try kind.make()
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(Sample.reading(9)) }
        #expect(try await tested.store.signals(of: Sample.alertID(9)).isEmpty)
        #expect(try await tested.store.vitals().entries == 0)
    }

    @Test(arguments: StoreKind.allCases)
    func `a reading that meets a known run stores nothing of itself`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.commit(Sample.change(1, from: 0, to: 1))
        _ = try await tested.store.accept(Sample.alert(1), entry: Sample.entry(Sample.alertID(1).text, 1))
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.record(Sample.reading(1)) }
        #expect(try await tested.store.alert(1)?.state == .received)
        #expect(try await tested.store.signals(of: Sample.alertID(1)).isEmpty)
        #expect(try await tested.store.decisions { $0.limit = 10 }.isEmpty)
        #expect(try await tested.store.checkedLog().count == 2)
        // What lost leaves no trace in the numbering either.
        try await tested.store.record(Sample.reading(1, opens: false))
        #expect(try await tested.store.checkedLog().count == 3)
    }

    @Test(arguments: StoreKind.allCases)
    func `many signals of one alert stay in the order they were read`(kind: StoreKind) async throws {
        let tested = try kind.make()
        _ = try await tested.store.accept(Sample.alert(1), entry: Sample.entry(Sample.alertID(1).text, 1))
        var reading = Sample.reading(1, opens: false)
        reading.signals = (1...12).map { Sample.signal(1, ordinal: $0) }
        try await tested.store.record(reading)
        #expect(try await tested.store.signals(of: Sample.alertID(1)) == reading.signals)
    }

    // Runs

    @Test(arguments: StoreKind.allCases)
    func `a commit moves the run and its history together`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        try await tested.store.commit(Sample.change(1, from: 2, to: 4))
        #expect(try await tested.store.run(1) == Sample.run(1, at: 4))
        let history = try await tested.store.history(Sample.runID(1).text, from: 1, limit: 10)
        #expect(history.map(\.entry.number) == [1, 2, 3, 4])
    }

    @Test(arguments: StoreKind.allCases)
    func `a run is read with the last snapshot that a change brought, and the entries after it`(
        kind: StoreKind
    ) async throws {
        var tested = try kind.make()
        _ = try await tested.store.accept(Sample.alert(1), entry: Sample.entry(Sample.alertID(1).text, 1))
        var reading = Sample.reading(1)
        reading.opened[0].run.snapshot = []
        try await tested.store.record(reading)
        for (from, hasSnapshot) in [(2, false), (4, true), (6, false), (8, false)] {
            var change = Sample.change(1, from: from, to: from + 2)
            if !hasSnapshot { change.run.snapshot = [] }
            // What a change says of these counts for nothing.
            change.run.snapshotNumber = 99
            change.run.tail = [Sample.entry("node", 7)]
            try await tested.store.commit(change)
            tested = try await tested.reopened()
            let run = try #require(try await tested.store.run(1))
            let snapshot = from < 4 ? [] : Sample.run(1, at: 6).snapshot
            #expect(run.snapshot == snapshot)
            #expect(run.snapshotNumber == (from < 4 ? 0 : 6))
            let history = try await tested.store.history(Sample.runID(1).text, from: 1, limit: 100)
            #expect(run.tail == history.map(\.entry).filter { $0.number > run.snapshotNumber })
            #expect(run.number == from + 2)
            var query = RunQuery()
            query.readsTails = false
            var bare = run
            bare.tail = []
            #expect(try await tested.store.runs(query) == [bare])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `lines of any form come back byte for byte, and so do bodies that they hold`(kind: StoreKind) async throws {
        var tested = try kind.make()
        let stream = Sample.alertID(1).text
        let at = Sample.time(2)
        let body = #"{"id":"1","text":"a \"quoted\" word"}"#
        let frame = #"{"at":"\#(at)","body":\#(body),"n":2,"stream":"\#(stream)","type":"decisionMade","v":1}"#
        let lines = [
            frame, frame.replacing("\"v\":1", with: "\"v\":2"), frame.replacing("\"n\":2", with: "\"n\":3"),
            " " + frame,
            "", #"{"at":"\#(at)","body":,"n":5,"stream":"\#(stream)","type":"decisionMade","v":1}"#,
        ]
        _ = try await tested.store.accept(Sample.alert(1), entry: Sample.entry(stream, 1))
        var reading = Sample.reading(1, opens: false)
        reading.entries = lines.enumerated().map { offset, line in
            Entry(
                stream: stream, number: offset + 2, at: at, kind: "decisionMade", bytes: Array(line.utf8),
                leaf: [UInt8(offset)])
        }
        // A name that no line holds as it is.
        for (offset, name) in [#"a \"kind\""#, #"a "kind""#].enumerated() {
            let number = lines.count + 2 + offset
            let line = #"{"at":"\#(at)","body":1,"n":\#(number),"stream":"\#(stream)","type":"\#(name)","v":1}"#
            reading.entries.append(
                Entry(
                    stream: stream, number: number, at: at, kind: #"a "kind""#, bytes: Array(line.utf8),
                    leaf: [UInt8(number)]))
        }
        reading.decisions[0].body = Array(body.utf8)
        reading.signals[0].body = Array(" \(body)".utf8)
        try await tested.store.record(reading)
        tested = try await tested.reopened()
        #expect(try await tested.store.history(stream, from: 2, limit: 100).map(\.entry) == reading.entries)
        #expect(try await tested.store.decisions(DecisionQuery()).map(\.body) == [Array(body.utf8)])
        #expect(try await tested.store.signals(of: Sample.alertID(1)) == reading.signals)
    }

    @Test(arguments: StoreKind.allCases, [0, 1, 3])
    func `a stale writer is refused and stores nothing`(kind: StoreKind, expected: Int) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.commit(Sample.change(1, from: expected, to: expected + 1))
        }
        #expect(try await tested.store.run(1) == Sample.run(1, at: 2))
        #expect(try await tested.store.checkedLog().count == 4)
    }

    @Test(arguments: StoreKind.allCases)
    func `a run can't be advanced before it is opened`(kind: StoreKind) async throws {
        let tested = try kind.make()
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.commit(Sample.change(1, from: 1, to: 2))
        }
        #expect(try await tested.store.run(1) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `a run ends, and may go on after its end`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        try await tested.store.commit(Sample.change(1, from: 2, to: 3, phase: "ended"))
        #expect(try await tested.store.runs { $0.onlyLive = true }.isEmpty)
        #expect(try await tested.store.vitals().liveRuns == 0)
        try await tested.store.commit(Sample.change(1, from: 3, to: 4))
        #expect(try await tested.store.runs { $0.onlyLive = true } == [Sample.run(1, at: 4)])
        #expect(try await tested.store.runs { $0.dueBy = Sample.time(101) } == [Sample.run(1, at: 4)])
    }

    @Test(arguments: StoreKind.allCases)
    func `what a run is for never changes after it was opened`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        var change = Sample.change(1, from: 2, to: 3)
        change.run.playbook = "another"
        change.run.workflowDigest = "sha256:another"
        change.run.alert = Sample.alertID(7)
        change.run.openedAt = Sample.time(999)
        try await tested.store.commit(change)
        #expect(try await tested.store.run(1) == Sample.run(1, at: 3))
    }

    @Test(arguments: StoreKind.allCases)
    func `of two commits on one run exactly one wins`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        for round in 0..<50 {
            let number = 2 + round
            let won = await winners(16) { rival in
                try await tested.store.commit(Sample.change(1, from: number, to: number + 1, mark: "by\(rival)"))
            }
            #expect(won.count == 1)
            let last = try await tested.store.history(Sample.runID(1).text, from: number + 1, limit: 2)
            #expect(last.map(\.entry.kind) == won.map { "by\($0)" })
        }
        _ = try await tested.store.checkedLog()
    }

    @Test(arguments: StoreKind.allCases)
    func `histories stay without gaps under 64 writers at once`(kind: StoreKind) async throws {
        let tested = try kind.make()
        await withTaskGroup { group in
            for writer in 1...64 {
                group.addTask {
                    await #expect(throws: Never.self) {
                        try await tested.store.openRun(writer)
                        for number in 2..<12 {
                            try await tested.store.commit(Sample.change(writer, from: number, to: number + 1))
                        }
                    }
                }
            }
        }
        let log = try await tested.store.checkedLog()
        #expect(log.count == 64 * 14)
        #expect(try await tested.store.vitals().liveRuns == 64)
    }

    /// The rivals whose `deed` was not refused with `conflict`.
    private func winners(_ rivals: Int, _ deed: @escaping @Sendable (Int) async throws -> Void) async -> [Int] {
        await withTaskGroup(of: Int?.self) { group in
            for rival in 0..<rivals {
                group.addTask {
                    do { try await deed(rival) } catch {
                        #expect(error as? StoreError == StoreError(.conflict, ""))
                        return nil
                    }
                    return rival
                }
            }
            return await group.reduce(into: []) { won, rival in if let rival { won.append(rival) } }
        }
    }

    // Retention

    @Test(arguments: StoreKind.allCases)
    func `a body goes once its alert is read and its runs have ended, and nothing else of it`(
        kind: StoreKind
    ) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        _ = try await tested.store.accept(
            Sample.alert(2), entry: Sample.entry(Sample.alertID(2).text, 1, "received"))
        let late = Sample.time(1000)
        #expect(try await tested.store.expirable(before: late, limit: 10) == [])
        try await tested.store.commit(Sample.change(1, from: 2, to: 3, phase: "ended"))
        #expect(try await tested.store.expirable(before: Sample.alert(1).receivedAt, limit: 10) == [])
        #expect(try await tested.store.expirable(before: late, limit: 10) == [Sample.alertID(1)])
        try await tested.store.expire([Sample.alertID(1)], entry: Sample.entry("retention", 1))
        var kept = Sample.alert(1)
        kept.state = .read
        kept.body = []
        kept.salt = []
        #expect(try await tested.store.alert(1) == kept)
        #expect(try await tested.store.expirable(before: late, limit: 10) == [])
        #expect(try await tested.store.history("retention", from: 1, limit: 9).map(\.entry.number) == [1])
        let again = Sample.alert(3, delivery: Sample.alert(1).deliveryID)
        let answer = try await tested.store.accept(again, entry: Sample.entry(again.id.text, 1))
        #expect(answer == .duplicate(of: Sample.alertID(1)))
    }

    @Test(arguments: StoreKind.allCases)
    func `a batch with one body that must stay, or a line that is not the next, removes none`(
        kind: StoreKind
    ) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        try await tested.store.openRun(2)
        try await tested.store.commit(Sample.change(1, from: 2, to: 3, phase: "ended"))
        let both = [Sample.alertID(1), Sample.alertID(2)]
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.expire(both, entry: Sample.entry("retention", 1))
        }
        await #expect(throws: StoreError(.conflict, "")) {
            try await tested.store.expire([Sample.alertID(1)], entry: Sample.entry("retention", 2))
        }
        #expect(try await tested.store.alert(1)?.body == Sample.alert(1).body)
        #expect(try await tested.store.history("retention", from: 1, limit: 9) == [])
    }
}
