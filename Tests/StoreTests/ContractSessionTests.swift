// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about agent sessions, for every store.
@Suite struct ContractSessionTests {
    @Test(arguments: StoreKind.allCases)
    func `a session is opened once and advances by compare and set`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let store = tested.store
        try await store.commit(session: Sample.session("a", from: 0, to: 2))
        for wrong in [Sample.session("a", from: 0, to: 1), Sample.session("a", from: 1, to: 3)] {
            await #expect(throws: StoreError(.conflict, "")) { try await store.commit(session: wrong) }
        }
        await #expect(throws: StoreError(.conflict, "")) {
            try await store.commit(session: Sample.session("nobody", from: 1, to: 2))
        }
        let next = Sample.session("a", from: 2, to: 3, closed: true)
        try await store.commit(session: next)
        #expect(try await store.sessions(SessionQuery()) == [next.session])
        #expect(try await store.history("ses_a", from: 1, limit: 9).map(\.entry.number) == [1, 2, 3])
        #expect(try await store.checkedLog().count == 3)
    }

    @Test(arguments: StoreKind.allCases)
    func `those live whose root is not closed, and the closed among them too`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let store = tested.store
        for change in [
            Sample.session("a", from: 0, to: 1), Sample.session("b", root: "a", from: 0, to: 1, closed: true),
            Sample.session("c", from: 0, to: 1, closed: true), Sample.session("d", root: "c", from: 0, to: 1),
        ] { try await store.commit(session: change) }
        var query = SessionQuery()
        query.onlyLive = true
        #expect(try await store.sessions(query).map(\.id) == ["a", "b"])
        query.onlyLive = false
        query.limit = 2
        query.beyond = "b"
        #expect(try await store.sessions(query).map(\.id) == ["c", "d"])
        query.beyond = nil
        query.id = "d"
        #expect(try await store.sessions(query).map(\.root) == ["c"])
    }

    @Test(arguments: StoreKind.allCases)
    func `a session that was stored is there after the store was opened again`(kind: StoreKind) async throws {
        guard kind != .memory else { return }
        let tested = try kind.make()
        try await tested.store.commit(session: Sample.session("a", from: 0, to: 4))
        let reopened = try await tested.reopened()
        #expect(try await reopened.store.sessions(SessionQuery()).map(\.number) == [4])
        await reopened.store.close()
        await #expect(throws: StoreError(.closed, "")) { _ = try await reopened.store.sessions(SessionQuery()) }
        await #expect(throws: StoreError(.closed, "")) {
            try await reopened.store.commit(session: Sample.session("b", from: 0, to: 1))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what receivers are told is stored with the change or not at all, in its order, and apart from people`(
        kind: StoreKind
    ) async throws {
        let tested = try kind.make()
        let store = tested.store
        func event(_ key: String) -> NoticeRecord {
            NoticeRecord(
                key: key, endpoint: NoticeRecord.programPrefix + "gateway", run: nil, topic: "a",
                madeAt: Sample.time(9),
                dueAt: Instant(milliseconds: 1), body: Array("{}".utf8))
        }
        var query = NoticeQuery()
        query.endpoint = "receiver:gateway"
        query.dueBy = Instant(milliseconds: 1)
        let waiting = query
        var change = Sample.session("a", from: 0, to: 1)
        change.notices = [event("z"), event("b")]
        try await store.commit(session: change)
        var wrong = Sample.session("a", from: 0, to: 1)
        wrong.notices = [event("c")]
        let refused = wrong
        await #expect(throws: StoreError(.conflict, "")) { try await store.commit(session: refused) }
        var next = Sample.session("a", from: 1, to: 2)
        next.notices = [event("a"), event("z")]
        try await store.commit(session: next)
        #expect(try await store.notices(waiting).map(\.key) == ["z", "b", "a"])
        #expect(try await store.notices(NoticeQuery()).isEmpty)
        #expect(try await store.vitals().noticesWaiting == 0)
        #expect(try await store.shortage() == nil)
    }
}

extension Sample {
    static func session(
        _ id: String, root: String? = nil, from expected: Int, to number: Int, closed: Bool = false
    ) -> SessionCommit {
        SessionCommit(
            expectedNumber: expected,
            session: SessionRecord(
                id: id, root: root ?? id, number: number, openedAt: time(0), updatedAt: time(number),
                closedAt: closed ? time(number) : nil, snapshot: Array("session \(id) at \(number)".utf8)),
            entries: (expected + 1...number).map { entry("ses_" + id, $0) })
    }
}
