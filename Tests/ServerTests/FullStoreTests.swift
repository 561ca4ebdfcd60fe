// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonServer
import CordonStore
import Foundation
import TestKit
import Testing

/// A store that can't be written: the sender is told to come again, and nothing of its delivery is stored.
struct FullStoreTests {
    @Test func `below the least free disk a delivery gets 503 with Retry-After, and reading goes on`() async throws {
        let scratch = try ScratchFolder("cordon-full")
        var options = SQLiteStore.Options()
        options.freeBytesMin = .max
        let store = try SQLiteStore(.readWrite(scratch.path("state")), options: options)
        let server = try ServerUnderTest(store, in: scratch)
        let token = try await server.access.grant(name: "ann", role: .administrator, by: "a test").token.reveal()
        let before = try await store.log(from: 0, limit: 100)
        try await server.serving { url in
            expectToComeAgain(try await server.deliver("d-1", "{}", to: url))
            let alerts = try await server.ask("GET", url + "/api/v1/alerts", token: token)
            #expect(alerts.status == 200)
            #expect(alerts.json["alerts"] == [])
            let metrics = try await server.ask("GET", url + "/metrics", token: token)
            #expect(String(decoding: metrics.body, as: UTF8.self).contains("\ncordon_alerts_unavailable_total 1\n"))
        }
        #expect(try await store.log(from: 0, limit: 100) == before, "no line was written")
        await store.close()
    }

    @Test func `a database at its last page keeps what it took and nothing of what it refused`() async throws {
        let scratch = try ScratchFolder("cordon-full")
        let folder = scratch.path("state")
        await (try SQLiteStore(.readWrite(folder))).close()
        var options = SQLiteStore.Options()
        // SQLite takes a bound below the present size for the present size.
        options.pagesMax = 1
        let full = try SQLiteStore(.readWrite(folder), options: options)
        let body = #"{"filler":""# + String(repeating: "x", count: 200_000) + #""}"#
        let server = try ServerUnderTest(full, in: scratch)
        try await server.serving { url in
            expectToComeAgain(try await server.deliver("large", body, to: url))
            expectToComeAgain(try await server.deliver("large", body, to: url))
        }
        #expect(try await full.alerts(AlertQuery()).isEmpty)
        #expect(try await full.log(from: 0, limit: 100).isEmpty)
        await full.close()

        let roomy = try SQLiteStore(.readWrite(folder))
        let again = try ServerUnderTest(roomy, in: scratch)
        try await again.serving { url in
            let answer = try await again.deliver("large", body, to: url)
            #expect(answer.status == 202)
            #expect(answer.json["duplicate"] == nil, "the refused delivery left no trace")
        }
        #expect(try await roomy.alerts(AlertQuery()).map(\.deliveryID) == ["large"])
        #expect(try await roomy.log(from: 0, limit: 100).count == 1)
        await roomy.close()
    }

    @Test func `a store that may only be read refuses a delivery with 503 and stays as it was`() async throws {
        let scratch = try ScratchFolder("cordon-full")
        let folder = scratch.path("state")
        let writable = try SQLiteStore(.readWrite(folder))
        let first = try ServerUnderTest(writable, in: scratch)
        try await first.serving { url in
            let status = try await first.deliver("d-1", "{}", to: url).status
            #expect(status == 202)
        }
        await writable.close()

        let readable = try SQLiteStore(.readOnly(folder))
        let server = try ServerUnderTest(readable, in: scratch)
        try await server.serving { url in expectToComeAgain(try await server.deliver("d-2", "{}", to: url)) }
        #expect(try await readable.alerts(AlertQuery()).map(\.deliveryID) == ["d-1"])
        await readable.close()
    }

    @Test func `a store that can't be asked lets nobody in and says when to come again`() async throws {
        let scratch = try ScratchFolder("cordon-full")
        let store = MemoryStore()
        let server = try ServerUnderTest(store, in: scratch)
        let token = try await server.access.grant(name: "ann", role: .administrator, by: "a test").token.reveal()
        await store.close()
        try await server.serving { url in
            for path in ["/api/v1/whoami", "/api/v1/runs", "/metrics"] {
                expectToComeAgain(try await server.ask("GET", url + path, token: token))
            }
            expectToComeAgain(try await server.deliver("d-1", "{}", to: url))
            let ready = try await server.ask("GET", url + "/ready")
            #expect(ready.status == 503)
            #expect(try await server.ask("GET", url + "/health").status == 200, "the process lives")
        }
    }

    private func expectToComeAgain(_ answer: ServerUnderTest.Answer, _ place: SourceLocation = #_sourceLocation) {
        #expect(answer.status == 503, sourceLocation: place)
        let seconds = answer.headers["retry-after"].flatMap { Int($0) } ?? 0
        #expect((1...3600).contains(seconds), sourceLocation: place)
        #expect(answer.json.at("error", "code") == "unavailable", sourceLocation: place)
    }
}
