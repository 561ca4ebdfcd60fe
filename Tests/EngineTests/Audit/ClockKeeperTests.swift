// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// The history tells how the clock stood: at the start, each hour, and when it was set.
@Suite(.timeLimit(.minutes(20))) struct ClockKeeperTests {
    private let store = MemoryStore()
    private let clock = VirtualClock(Instant(milliseconds: 1_700_000_000_000))
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder("cordon-clock") }

    private func bodies() async throws -> [Value] {
        try await store.history(ClockKeeper.stream, from: 1, limit: 99).map {
            try JSON.parse($0.entry.bytes)["body"] ?? .null
        }
    }

    @Test func `it is read at the start, each hour, and when it was set by more than five seconds`() async throws {
        let box = Box(elapsed: 0)
        let keeper = ClockKeeper(
            ClockKeeper.Parts(
                store: store, clock: clock, logPath: scratch.path("log"), elapsed: { box.elapsed },
                reading: {
                    ClockReading(
                        state: .synchronized, offsetMicroseconds: -12, maxErrorMicroseconds: 900, bootID: "b-1")
                }, logger: .init(label: "test")))
        func look(_ wall: Int64, _ by: Int64) async {
            clock.advance(to: clock.now.adding(milliseconds: wall))
            box.add(by)
            await keeper.look()
        }
        await look(0, 0)
        await look(1000, 1000)
        await look(3_598_000, 3_598_000)
        #expect(try await bodies().compactMap { $0["why"]?.stringValue } == ["start"])
        await look(1000, 1000)
        await look(6000, 1000)
        await look(7000, 1000)
        let told = try await bodies()
        #expect(told.compactMap { $0["why"]?.stringValue } == ["start", "hour", "jump"])
        #expect(told.last?["jump_ms"] == 6000)
        #expect(told.first?["state"] == "synchronized")
        #expect(told.first?["offset_us"] == -12)
        #expect(told.first?["max_error_us"] == 900)
        #expect(told.first?["boot_id"] == "b-1")
        #expect(told.first?["signed"] == nil, "nothing is signed yet")
    }

    @Test func `the kernel is asked, and changes nothing`() {
        let reading = ClockReading.now
        #expect(reading.bootID?.count == 36)
        #expect(reading.state == .unknown || (reading.maxErrorMicroseconds ?? -1) >= 0)
    }

    @Test func `alerts that come long after the clock was read last are told once`() throws {
        var audit = NodeAudit()
        func line(_ stream: String, _ number: Int, _ kind: String, _ hours: Int64) throws -> HistoryLine {
            let at = Instant(milliseconds: 1_700_000_000_000 + hours * 3_600_000 + 1)
            return try HistoryLine.read(Chronicle().entry(stream, number, at, kind, [:]).bytes).get()
        }
        // An older version read no clock.
        audit.take(try line("alr_1", 1, "alertReceived", 0))
        audit.take(try line("node", 1, ClockKeeper.kind, 9))
        audit.take(try line("alr_2", 1, "alertReceived", 10))
        audit.take(try line("node", 2, "tokenGranted", 20))
        #expect(audit.findings == [])
        audit.take(try line("alr_3", 1, "alertReceived", 12))
        audit.take(try line("alr_4", 1, "alertReceived", 13))
        #expect(audit.findings.map(\.code) == [.clockUnread])
        #expect(audit.findings.map(\.place) == ["alr_3@1"])
    }
}

private final class Box: Sendable {
    private let value: Mutex<Int64>
    init(elapsed: Int64) { value = Mutex(elapsed) }
    var elapsed: Int64 { value.withLock { $0 } }
    func add(_ milliseconds: Int64) { value.withLock { $0 += milliseconds } }
}
