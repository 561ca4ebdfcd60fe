// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about notices to people, for every store.
@Suite struct ContractNoticeTests {
    private static func notice(_ key: String, _ endpoint: String = "mail", due: Int = 0, run: RunID? = nil)
        -> NoticeRecord
    {
        NoticeRecord(
            key: key, endpoint: endpoint, run: run, topic: "leaked/asks", madeAt: Sample.time(0),
            dueAt: Sample.time(due), body: Array("{\"key\":\"\(key)\"}".utf8))
    }

    private static func waiting(by seconds: Int, _ endpoint: String = "mail") -> NoticeQuery {
        var query = NoticeQuery()
        query.endpoint = endpoint
        query.dueBy = Sample.time(seconds)
        return query
    }

    @Test(arguments: StoreKind.allCases)
    func `a notice is stored with the run's change that causes it, or not at all`(kind: StoreKind) async throws {
        let store = try kind.make().store
        var change = Sample.change(1, from: 0, to: 1)
        change.notices = [Self.notice("a", run: Sample.runID(1)), Self.notice("a", "pager", due: 9)]
        try await store.commit(change)
        var late = Sample.change(1, from: 0, to: 2)
        late.notices = [Self.notice("b")]
        await #expect(throws: StoreError(.conflict, "")) { try await store.commit(late) }
        #expect(try await store.notices(Self.waiting(by: 5)) == [Self.notice("a", run: Sample.runID(1))])
        #expect(try await store.notices(Self.waiting(by: 5, "pager")).isEmpty)
        #expect(try await store.notices(NoticeQuery()).map(\.endpoint) == ["pager", "mail"])
        #expect(try await store.vitals().noticesWaiting == 2)
    }

    @Test(arguments: StoreKind.allCases)
    func `a notice that is known under its key is not told anew`(kind: StoreKind) async throws {
        let store = try kind.make().store
        try await store.note(Sample.entry("halts", 1), notices: [Self.notice("a")])
        var told = Self.notice("a")
        told.state = .delivered
        told.settledAt = Sample.time(3)
        told.attempts = 2
        told.message = "m-1"
        try await store.settle([told, Self.notice("unknown")], forgettingBefore: nil)
        try await store.note(Sample.entry("halts", 2), notices: [Self.notice("a"), Self.notice("b")])
        var query = NoticeQuery()
        query.message = "m-1"
        #expect(try await store.notices(query) == [told])
        #expect(try await store.notices(Self.waiting(by: 5)).map(\.key) == ["b"])
        await #expect(throws: StoreError(.conflict, "")) {
            try await store.note(Sample.entry("halts", 2), notices: [Self.notice("c")])
        }
        #expect(try await store.notices(NoticeQuery()).map(\.key) == ["b", "a"])
    }

    @Test(arguments: StoreKind.allCases)
    func `the longest due comes first, and what was settled is forgotten after its time`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let store = tested.store
        let all = [Self.notice("late", due: 8), Self.notice("early", due: 1), Self.notice("also", due: 1)]
        try await store.note(Sample.entry("halts", 1), notices: all)
        #expect(try await store.notices(Self.waiting(by: 9)).map(\.key) == ["early", "also", "late"])
        var query = Self.waiting(by: 9)
        query.limit = 1
        #expect(try await store.notices(query).map(\.key) == ["early"])
        var settled = all
        for (place, state) in [NoticeRecord.State.delivered, .failed, .waiting].enumerated() {
            settled[place].state = state
            settled[place].settledAt = state == .waiting ? nil : Sample.time(place + 10)
            settled[place].problem = "it said no"
        }
        try await store.settle(settled, forgettingBefore: Sample.time(11))
        #expect(try await store.notices(NoticeQuery()).map(\.key) == ["also", "early"])
        query = NoticeQuery()
        query.state = .failed
        #expect(try await store.notices(query).map(\.problem) == ["it said no"])
        try await store.note(Sample.entry("halts", 2), notices: [Self.notice("late")])
        #expect(try await store.notices(NoticeQuery()).count == 3)
    }

    @Test(arguments: StoreKind.allCases)
    func `what waits is there after the store was opened again`(kind: StoreKind) async throws {
        guard kind != .memory else { return }
        let tested = try kind.make()
        try await tested.store.note(Sample.entry("halts", 1), notices: [Self.notice("a", run: Sample.runID(4))])
        let reopened = try await tested.reopened()
        var query = NoticeQuery()
        query.run = Sample.runID(4)
        #expect(try await reopened.store.notices(query) == [Self.notice("a", run: Sample.runID(4))])
        await reopened.store.close()
    }
}
