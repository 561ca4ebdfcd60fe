// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import StoreKit
import TestKit
import Testing

/// A write-ahead log that was torn or garbled at any place opens as the store that it was at the last whole commit before
/// it: the history without gaps, each run what its history tells, and new commits possible.
@Suite struct TornLogTests {
    @Test func `a log torn or garbled at any frame opens as it was at the commit before`() async throws {
        let image = try await TornLogTests.written(runs: 2)
        let frames = image.frames
        try #require(
            frames.count > 60 && frames.filter(\.isCommit).count > 10, "the log is too short to prove anything")
        var random = Seeded(11)
        let damages = image.damages(using: &random)
        print("\(damages.count) damages to a log of \(frames.count) frames")
        #expect(try await image.sweep(damages) == [])
    }

    @Test func `a store that mends a torn log wrongly is found`() async throws {
        let image = try await TornLogTests.written(runs: 1)
        let end = try #require(image.frames.last?.end)
        // Takes what is torn for whole.
        let lenient = try await image.sweep([.cut(end - 1)]) { torn in
            try await (torn.log.count == end - 1 ? image : torn).recovered()
        }
        #expect(lenient.count == 1)
        // Loses more than what was torn.
        let forgetful = try await image.sweep([.flipped(end - 1)]) { torn in
            try await (torn.log.count == end && torn.log != image.log ? image.shortened(to: 0) : torn).recovered()
        }
        #expect(forgetful.count == 1)
        // Loses with a later commit what an earlier one had.
        let shrinking = try await image.sweep([]) { torn in
            try await (torn.log == image.log ? image.shortened(to: 0) : torn).recovered()
        }
        #expect(!shrinking.isEmpty)
    }

    /// A planted fault in what was read, and the check that must find it.
    struct Plant: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var damage: @Sendable (inout StoredHistory) -> Void
        var check: @Sendable (StoredHistory) -> [String]
    }

    static let plants: [Plant] = [
        Plant(testDescription: "an entry in the middle is missing", damage: { $0.log.remove(at: 5) }, check: \.gaps),
        Plant(
            testDescription: "two entries changed places",
            damage: { history in
                let first = history.log[2].entry
                history.log[2].entry = history.log[3].entry
                history.log[3].entry = first
            }, check: \.gaps),
        Plant(testDescription: "a run's last entry is missing", damage: { $0.log.removeLast() }, check: \.foldFaults),
        Plant(
            testDescription: "a run's row is that of another", damage: { $0.runs[0].snapshot = $0.runs[1].snapshot },
            check: \.foldFaults),
        Plant(testDescription: "a run's row is missing", damage: { $0.runs.removeFirst() }, check: \.foldFaults),
        Plant(
            testDescription: "a column differs from its snapshot", damage: { $0.runs[0].number += 1 },
            check: \.foldFaults),
        Plant(testDescription: "a live run waits for nothing", damage: { $0.runs[0].wake = nil }, check: \.wakeFaults),
        Plant(
            testDescription: "an ended run waits", damage: { $0.runs[0].endedAt = Sample.time(1) }, check: \.wakeFaults),
        Plant(
            testDescription: "a delivery is stored twice",
            damage: { $0.alerts[0].deliveryID = $0.alerts[1].deliveryID },
            check: \.intakeFaults),
        Plant(testDescription: "a run's alert is gone", damage: { $0.alerts.removeFirst() }, check: \.intakeFaults),
        Plant(
            testDescription: "an alert has no entry",
            damage: { history in
                let stream = history.alerts[0].id.text
                history.log.removeAll { $0.entry.stream == stream }
            }, check: \.intakeFaults),
    ]

    @Test(arguments: plants) func `the check finds its planted fault`(_ plant: Plant) async throws {
        let tested = try StoreKind.memory.make()
        for number in 1...3 { try await tested.store.live(number, calls: 2) }
        var history = try await StoredHistory(tested.store)
        #expect(history.faults == [])
        plant.damage(&history)
        #expect(!plant.check(history).isEmpty)
    }

    @Test func `a store that forgot something is found beside what it was`() async throws {
        let tested = try StoreKind.memory.make()
        for number in 1...2 { try await tested.store.live(number, calls: 2) }
        let whole = try await StoredHistory(tested.store)
        #expect(whole.lost(in: whole) == [])
        var later = whole
        later.log.removeLast()
        #expect(whole.lost(in: later).count == 1)
        later = whole
        later.runs[0].number -= 1
        #expect(whole.lost(in: later).count == 1)
        later = whole
        later.alerts.removeLast()
        #expect(whole.lost(in: later).count == 1)
    }

    /// A store with runs of the real machine, one commit after the other, left as a crash leaves it.
    /// On a busy machine the store may find the time to empty its log meanwhile: then it is written anew.
    private static func written(runs: Int) async throws -> CrashImage {
        while true {
            let tested = try StoreKind.sqlite.make()
            let folder = try #require(tested.folder)
            for number in 1...runs { try await tested.store.live(number) }
            let commits = try await tested.store.vitals().commits
            let image = try CrashImage(stateFolder: folder.path)
            await tested.store.close()
            if image.frames.count(where: \.isCommit) >= commits { return image }
        }
    }
}

extension CrashImage {
    fileprivate func shortened(to count: Int) -> CrashImage {
        var image = self
        image.log = log.prefix(count)
        return image
    }
}

extension Store {
    /// Takes an alert, opens its run, and answers its calls one after the other until it ends, or so many of them.
    func live(_ number: Int, calls: Int = .max) async throws {
        _ = try await accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        var real = RealRun(number)
        var reading = Sample.reading(number, opens: false)
        reading.opened = [real.change]
        try await record(reading)
        var made = 0
        while made < calls, try real.goOn() {
            made += 1
            try await commit(real.change)
        }
    }
}
