// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

@testable import CordonEngine

/// When a receiver is told what: one by one while there is little, as one when there is much.
@Suite struct NoticePaceTests {
    private static let start = Instant(milliseconds: 1_700_000_000_000)

    private func records(_ numbers: some Sequence<Int>, topic: String = "leaked/asks") -> [NoticeRecord] {
        numbers.map {
            NoticeRecord(
                key: "n-\($0)", endpoint: "chat", run: nil, topic: topic, madeAt: Self.start, dueAt: Self.start,
                body: [])
        }
    }

    private func at(_ seconds: Int64) -> Instant { Self.start.adding(milliseconds: seconds * 1000) }

    @Test func `a few go out one by one`() {
        var pace = NoticePace(perMinuteMax: 20)
        let plan = pace.plan(records(1...3), at: Self.start)
        #expect(plan.batches.map(\.records.count) == [1, 1, 1])
        #expect(plan.postponed.isEmpty)
    }

    @Test func `a wave of five minutes is one message, and what followed it is the second`() {
        var pace = NoticePace(perMinuteMax: 20)
        var told: [[NoticeRecord]] = []
        var waiting: [NoticeRecord] = []
        var messages: [String?] = []
        // 400 in five minutes, looked at every five seconds as they come; then a quiet time.
        for second in stride(from: Int64(5), through: 1200, by: 5) {
            if second <= 300 { waiting += records(Int(second - 5) * 4 / 3..<Int(second) * 4 / 3) }
            let due = waiting.filter { $0.dueAt <= at(second) }
            let plan = pace.plan(due, at: at(second))
            for batch in plan.batches {
                told.append(batch.records)
                messages.append(batch.earlier)
                pace.note(batch.records, as: "m-\(told.count)", at: at(second))
                waiting.removeAll { batch.records.contains($0) }
            }
            for later in plan.postponed {
                waiting.removeAll { $0.key == later.key }
                waiting.append(later)
            }
        }
        #expect(told.map(\.count) == [6, 394])
        #expect(messages == [nil, "m-1"], "the second is known to be of the first's wave")
        #expect(Set(told.flatMap { $0 }.map(\.key)).count == 400)
    }

    @Test func `other topics are told beside a wave, and after it a single one is a single one again`() {
        var pace = NoticePace(perMinuteMax: 20)
        pace.note(records(1...9), as: "wave", at: Self.start)
        let during = pace.plan(records([10]) + records([11], topic: "other/asks"), at: at(60))
        #expect(during.batches.map(\.records) == [records([11], topic: "other/asks")])
        #expect(during.postponed.map(\.dueAt) == [Self.start.adding(milliseconds: Limits.waveMilliseconds)])
        let after = pace.plan(records([12]), at: Self.start.adding(milliseconds: 2 * Limits.waveMilliseconds))
        #expect(after.batches == [NoticePace.Batch(records: records([12]))])
    }

    @Test func `what an earlier process sent counts too`() {
        var pace = NoticePace(perMinuteMax: 20)
        pace.recall(
            records(1...40).map { record in
                var record = record.settled(.delivered, at: Self.start)
                record.message = "wave"
                return record
            })
        let plan = pace.plan(records(41...42), at: at(30))
        #expect(plan.batches.isEmpty)
        #expect(plan.postponed.count == 2)
    }

    @Test func `beyond a channel's own bound all topics are one message, and then none`() {
        var pace = NoticePace(perMinuteMax: 2)
        let many = (1...5).flatMap { records([$0], topic: "playbook-\($0)/asks") }
        let plan = pace.plan(many, at: Self.start)
        #expect(plan.batches.map(\.records.count) == [5])
        pace.note(records([1], topic: "a"), as: "m-1", at: Self.start)
        pace.note(records([1], topic: "b"), as: "m-2", at: at(10))
        let full = pace.plan(many, at: at(20))
        #expect(full.batches.isEmpty)
        #expect(Set(full.postponed.map(\.dueAt)) == [at(60)])
    }

    @Test func `a try that failed is made again later and later, and given up after a day`() {
        var record = records([1])[0]
        var waits: [Int64] = []
        for _ in 1...12 {
            let next = record.tried("no answer", isLast: false, waitMilliseconds: nil, at: Self.start)
            waits.append(next.dueAt.since(Self.start) / 1000)
            record = next
        }
        #expect(waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900])
        #expect(record.state == .waiting && record.attempts == 12)
        #expect(record.tried("x", isLast: false, waitMilliseconds: nil, at: at(86_400)).state == .failed)
        #expect(record.tried("x", isLast: true, waitMilliseconds: nil, at: at(1)).state == .failed)
        let asked = record.tried("x", isLast: false, waitMilliseconds: 1_800_000, at: Self.start)
        #expect(asked.dueAt == at(1800))
    }
}
