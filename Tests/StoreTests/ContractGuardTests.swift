// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about what guards remember, for every store.
@Suite struct ContractGuardTests {
    private func reservation(
        _ subject: String, at: Int = 1, playbook: String = "p", provider: String = "idp", owner: String? = "ann",
        _ bounds: (Touch.Scope, Int)...
    ) -> Reservation {
        Reservation(
            touch: Touch(
                subject: subject, playbook: playbook, kind: .credential, provider: provider, owner: owner,
                at: Sample.time(at)),
            bounds: bounds.map { Reservation.Bound(scope: $0.0, most: $0.1) })
    }

    private func marks(_ reservations: Reservation..., at: Int = 1) -> GuardMarks {
        var marks = GuardMarks(at: Sample.time(at))
        marks.reservations = reservations
        return marks
    }

    /// Stores alert `number` and what reading it gave.
    private func read(_ number: Int, _ marks: GuardMarks, _ store: any Store) async throws {
        _ = try await store.accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        var reading = Sample.reading(number)
        reading.guards = marks
        try await store.record(reading)
    }

    @Test(arguments: StoreKind.allCases)
    func `all that guards remember is read again as it was, after a restart too`(kind: StoreKind) async throws {
        let tested = try kind.make()
        var all = marks(reservation("credential:a"), reservation("credential:b", owner: nil))
        all.marks = [
            Mark(
                what: .risk(add: 30.25, halfLifeMilliseconds: 60_000), subject: "credential:a", playbook: "p",
                at: Sample.time(1), cause: "sig_1"),
            Mark(
                what: .putBack(capability: "scopes.reduce"), subject: "credential:a", playbook: "p",
                at: Sample.time(1), cause: "run_1"),
        ]
        all.matched = ["p": 2, "q": 1]
        try await read(1, all, tested.store)
        var second = GuardMarks(at: Sample.time(2))
        second.matched = ["p": 1]
        try await read(2, second, tested.store)
        var expected = Standing()
        expected.add(all)
        expected.add(second)
        #expect(try await tested.store.standing(at: Sample.time(3)) == expected)
        let again = try await tested.reopened()
        #expect(try await again.store.standing(at: Sample.time(3)) == expected)
        let rows = try await again.store.remembered()
        #expect(rows.touches.sorted { $0.subject < $1.subject } == all.reservations.map(\.touch))
        #expect(Set(rows.marks) == Set(all.marks) && rows.marks.count == 2)
    }

    @Test(arguments: StoreKind.allCases)
    func `what no window reaches any more is not read`(kind: StoreKind) async throws {
        let tested = try kind.make()
        var all = marks(reservation("credential:a"))
        all.matched = ["p": 1]
        all.marks = [
            Mark(
                what: .risk(add: 1, halfLifeMilliseconds: 60_000), subject: "s", playbook: "p", at: Sample.time(1),
                cause: "c")
        ]
        try await read(1, all, tested.store)
        let hour = try await tested.store.standing(at: Sample.time(3601))
        #expect(hour.count(in: .all, at: Sample.time(3601)) == 0)
        #expect(hour.touched(at: Sample.time(3601)) == [])
        #expect(try await tested.store.standing(at: Sample.time(3600)).touched(at: Sample.time(3600)).count == 1)
        #expect(try await tested.store.standing(at: Sample.time(100 * 86_400)) == Standing())
    }

    @Test(arguments: StoreKind.allCases)
    func `a reservation above its bound stores nothing at all`(kind: StoreKind) async throws {
        let tested = try kind.make()
        for number in 1...2 {
            try await read(number, marks(reservation("credential:\(number)", (.playbook("p"), 2))), tested.store)
        }
        let third = marks(reservation("credential:3", (.playbook("p"), 2)))
        await #expect(throws: StoreError(.conflict, "")) { try await read(3, third, tested.store) }
        #expect(try await tested.store.alert(3)?.state == .received)
        #expect(try await tested.store.run(3) == nil)
        #expect(try await tested.store.standing(at: Sample.time(3)).touched(at: Sample.time(3)).count == 2)
        // The same identity again is no further one, and another playbook has a limit of its own.
        try await read(4, marks(reservation("credential:1", (.playbook("p"), 2))), tested.store)
        try await read(5, marks(reservation("credential:3", playbook: "q", (.playbook("q"), 2))), tested.store)
    }

    @Test(arguments: StoreKind.allCases)
    func `every scope is counted by itself`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await read(1, marks(reservation("credential:1")), tested.store)
        let scopes: [Touch.Scope] = [.all, .playbook("p"), .provider("idp"), .owner("ann"), .kind(.credential)]
        for (offset, scope) in scopes.enumerated() {
            await #expect(throws: StoreError(.conflict, "")) {
                try await read(10 + offset, marks(reservation("credential:2", (scope, 1))), tested.store)
            }
        }
        let others: [Touch.Scope] = [.playbook("q"), .provider("aws"), .owner("ben"), .kind(.workload)]
        for (offset, scope) in others.enumerated() {
            try await read(20 + offset, marks(reservation("credential:1", (scope, 1))), tested.store)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `reservations of one reading spend together`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let both = marks(reservation("credential:1", (.all, 1)), reservation("credential:2", (.all, 1)))
        await #expect(throws: StoreError(.conflict, "")) { try await read(1, both, tested.store) }
        #expect(try await tested.store.standing(at: Sample.time(1)) == Standing())
    }

    @Test(arguments: StoreKind.allCases)
    func `of readings that are stored at once no more go through than the bound allows`(kind: StoreKind) async throws {
        let tested = try kind.make()
        let stored = await withTaskGroup(of: Bool.self) { group in
            for number in 1...40 {
                group.addTask {
                    do {
                        try await read(
                            number, marks(reservation("credential:\(number)", (.all, 7), (.owner("ann"), 9))),
                            tested.store)
                        return true
                    } catch { return false }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(stored == 7)
        #expect(try await tested.store.standing(at: Sample.time(2)).touched(at: Sample.time(2)).count == 7)
    }

    @Test(arguments: StoreKind.allCases)
    func `a run's change remembers with it, or not at all`(kind: StoreKind) async throws {
        let tested = try kind.make()
        try await tested.store.openRun(1)
        var change = Sample.change(1, from: 2, to: 3)
        change.guards = marks(reservation("credential:1"))
        try await tested.store.commit(change)
        let known = try await tested.store.standing(at: Sample.time(2))
        #expect(known.touched(at: Sample.time(2)).map(\.subject) == ["credential:1"])
        change.guards = marks(reservation("credential:2"))
        let late = change
        await #expect(throws: StoreError(.conflict, "")) { try await tested.store.commit(late) }
        #expect(try await tested.store.standing(at: Sample.time(2)) == known)
    }
}
