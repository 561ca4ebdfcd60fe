// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import StoreKit
import Testing

/// Every writing verb, failed twice: not stored, and stored all the same. What the caller then reads, and what trying
/// again does, is what the engine's way out of `unavailable` stands on.
@Suite struct WriteFaultTests {
    typealias Fault = FaultyStore.Fault

    @Test(arguments: StoreKind.allCases, Fault.allCases)
    func `an alert accepted again is stored once`(kind: StoreKind, fault: Fault) async throws {
        let tested = try kind.make()
        let store = FaultyStore(tested.store, faults: [fault])
        let entry = Sample.entry(Sample.alertID(1).text, 1)
        await #expect(throws: StoreError(.unavailable, "")) {
            try await store.accept(Sample.alert(1), entry: entry)
        }
        let isThere = try await store.alert(1) != nil
        #expect(isThere == (fault == .storedAllTheSame))
        let again = try await store.accept(Sample.alert(1), entry: entry)
        #expect(again == (isThere ? .duplicate(of: Sample.alertID(1)) : .stored))
        #expect(try await store.checkedLog().count == 1)
    }

    @Test(arguments: StoreKind.allCases, Fault.allCases)
    func `a reading tried again is recorded once`(kind: StoreKind, fault: Fault) async throws {
        let tested = try kind.make()
        let store = FaultyStore(tested.store, faults: [nil, fault])
        await #expect(throws: StoreError(.unavailable, "")) { try await store.openRun(1) }
        let isThere = try await store.alert(1)?.state == .read
        #expect(isThere == (fault == .storedAllTheSame))
        if isThere {
            await #expect(throws: StoreError(.conflict, "")) { try await store.record(Sample.reading(1)) }
        } else {
            try await store.record(Sample.reading(1))
        }
        #expect(try await store.run(1) == Sample.run(1, at: 2))
        #expect(try await store.checkedLog().count == 4)
    }

    @Test(arguments: StoreKind.allCases, Fault.allCases)
    func `a run's change tried again is committed once`(kind: StoreKind, fault: Fault) async throws {
        let tested = try kind.make()
        let store = FaultyStore(tested.store, faults: [nil, nil, fault])
        try await store.openRun(1)
        let change = Sample.change(1, from: 2, to: 4)
        await #expect(throws: StoreError(.unavailable, "")) { try await store.commit(change) }
        let isThere = try await store.run(1)?.number == 4
        #expect(isThere == (fault == .storedAllTheSame))
        if isThere {
            await #expect(throws: StoreError(.conflict, "")) { try await store.commit(change) }
        } else {
            try await store.commit(change)
        }
        #expect(try await store.run(1) == Sample.run(1, at: 4))
        #expect(try await store.checkedLog().count == 6)
    }

    @Test(arguments: StoreKind.allCases, Fault.allCases)
    func `a definition can be published again without a look`(kind: StoreKind, fault: Fault) async throws {
        let tested = try kind.make()
        let store = FaultyStore(tested.store, faults: [fault])
        let definition = Sample.definition("a")
        await #expect(throws: StoreError(.unavailable, "")) { try await store.publish(definition) }
        let found = try await store.definition(definition.digest)
        #expect((found != nil) == (fault == .storedAllTheSame))
        try await store.publish(definition)
        #expect(try await store.definition(definition.digest) == definition)
    }

    @Test(arguments: StoreKind.allCases, Fault.allCases)
    func `a token is granted and revoked once, however often it is tried`(kind: StoreKind, fault: Fault) async throws {
        let tested = try kind.make()
        let store = FaultyStore(tested.store, faults: [fault, nil, fault])
        let granted = Sample.entry("node", 1)
        await #expect(throws: StoreError(.unavailable, "")) {
            try await store.grant(Sample.token("tok_1"), entry: granted)
        }
        let isThere = try await !store.tokens().isEmpty
        #expect(isThere == (fault == .storedAllTheSame))
        if isThere {
            await #expect(throws: StoreError(.conflict, "")) {
                try await store.grant(Sample.token("tok_1"), entry: granted)
            }
        } else {
            try await store.grant(Sample.token("tok_1"), entry: granted)
        }
        let revoked = Sample.entry("node", 2)
        await #expect(throws: StoreError(.unavailable, "")) {
            try await store.revoke(token: "tok_1", at: Sample.time(2), entry: revoked)
        }
        try await store.revoke(token: "tok_1", at: Sample.time(3), entry: revoked)
        let at = try await store.tokens().first?.revokedAt
        #expect(at == Sample.time(fault == .storedAllTheSame ? 2 : 3))
        #expect(try await store.checkedLog().count == 2)
    }
}
