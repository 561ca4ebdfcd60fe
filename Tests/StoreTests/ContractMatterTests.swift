// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// What `Store` promises about what sources close, for every store.
@Suite struct ContractMatterTests {
    private static func key(_ name: String) -> EventKey { EventKey(source: "github", name: name) }

    private static func closing(_ name: String, asOf: Int, by alert: Int, at received: Int? = nil) -> Closing {
        Closing(
            source: "github", key: name, asOf: Sample.time(asOf), alert: Sample.alertID(alert),
            receivedAt: Sample.time(received ?? asOf))
    }

    private static func reading(_ number: Int, closes: [Closing]) -> Reading {
        var reading = Sample.reading(number, opens: false)
        reading.closings = closes
        return reading
    }

    @Test(arguments: StoreKind.allCases)
    func `a closing is kept with the reading that tells of it, as of its latest time, and is there after a restart`(
        kind: StoreKind
    ) async throws {
        var tested = try kind.make()
        let store = tested.store
        for number in 1...4 {
            _ = try await store.accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        }
        try await store.record(Self.reading(1, closes: [Self.closing("a", asOf: 10, by: 1)]))
        // An older word on the same, and a reading that is refused.
        try await store.record(Self.reading(2, closes: [Self.closing("a", asOf: 5, by: 2)]))
        await #expect(throws: StoreError(.conflict, "")) {
            try await store.record(Self.reading(2, closes: [Self.closing("b", asOf: 5, by: 2)]))
        }
        let keys = ["a", "b"].map(Self.key)
        #expect(try await store.matters(keys) == [keys[0]: KnownMatter(closing: Self.closing("a", asOf: 10, by: 1))])
        try await store.record(
            Self.reading(3, closes: [Self.closing("a", asOf: 20, by: 3), Self.closing("b", asOf: 20, by: 3)]))
        tested = try await tested.reopened()
        #expect(
            try await tested.store.matters(keys) == [
                keys[0]: KnownMatter(closing: Self.closing("a", asOf: 20, by: 3)),
                keys[1]: KnownMatter(closing: Self.closing("b", asOf: 20, by: 3)),
            ])
        #expect(try await tested.store.matters([EventKey(source: "gitlab", name: "a")]).isEmpty)
        await tested.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `what was closed long ago is forgotten, and beyond the limit what was closed first`(
        kind: StoreKind
    ) async throws {
        let store = try kind.make().store
        for number in 1...4 {
            _ = try await store.accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        }
        let days = Int(Limits.closingMillisecondsKept / 1000)
        try await store.record(Self.reading(1, closes: [Self.closing("old", asOf: 0, by: 1)]))
        try await store.record(Self.reading(2, closes: [Self.closing("new", asOf: days, by: 2)]))
        #expect(try await store.matters([Self.key("old")]).count == 1)
        try await store.record(Self.reading(3, closes: [Self.closing("newer", asOf: days + 1, by: 3)]))
        #expect(try await store.matters(["old", "new", "newer"].map(Self.key)).count == 2)
        let many = (0..<Limits.closingsMax - 1).map { Self.closing("m\($0)", asOf: days + 2, by: 4) }
        try await store.record(Self.reading(4, closes: many))
        let left = try await store.matters(["new", "newer", "m0", "m\(Limits.closingsMax - 2)"].map(Self.key))
        #expect(Set(left.keys.map(\.name)) == ["newer", "m0", "m\(Limits.closingsMax - 2)"])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `the live runs about a matter are known until they end`(kind: StoreKind) async throws {
        let store = try kind.make().store
        for number in 1...2 {
            _ = try await store.accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
        }
        func concern(_ run: Int, _ signal: Int, asOf: Int?) -> Concern {
            Concern(
                matter: Self.key("a"), run: Sample.runID(run), signal: Sample.alertID(signal).signal(1),
                asOf: asOf.map(Sample.time))
        }
        var first = Sample.reading(1)
        first.concerns = [concern(1, 1, asOf: 3)]
        try await store.record(first)
        var second = Sample.reading(2)
        // One joined the first run; and one is told of a run that is none.
        second.concerns = [concern(2, 2, asOf: nil), concern(1, 2, asOf: 4), concern(9, 2, asOf: 4)]
        try await store.record(second)
        let all = [concern(1, 1, asOf: 3), concern(1, 2, asOf: 4), concern(2, 2, asOf: nil)]
        #expect(try await store.matters([Self.key("a")])[Self.key("a")]?.concerns == all)
        let opened = first.opened[0].run.number
        var end = Sample.change(1, from: opened, to: opened + 1, phase: "ended")
        end.run.endedAt = Sample.time(opened + 1)
        try await store.commit(end)
        #expect(try await store.matters([Self.key("a")])[Self.key("a")]?.concerns == [concern(2, 2, asOf: nil)])
        await store.close()
    }
}
