// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import Synchronization
import TestKit
import Testing

/// libcurl repeats a request by itself when a reused connection dies before the first byte of the answer. These tests
/// show that it does, that we see it, and that a fresh connection excludes it.
@Suite struct DoubleSendTests {
    /// Answers the first request of each connection, and reads the second one only to hang up.
    static let hangsUpOnTheSecond: LoopbackServer.Handler = { request in
        request.orderOnConnection == 2 ? .closeWithoutAnswer : .respond(200)
    }

    @Test func `a reused connection that dies doubles the request, and the delivery says so`() async throws {
        try await withServer(
            Self.hangsUpOnTheSecond,
            body: { transport, server in
                #expect(await transport.send(.post(server.url, "first")).told == .answered(200))
                let second = await transport.send(.post(server.url, "second"))
                #expect(second.told == .answered(200))
                #expect(second.wasSentTwice)
                #expect(server.requests.map(\.bodyText) == ["first", "second", "second"])
            })
    }

    @Test func `a doubled request with a large body is seen too`() async throws {
        let body = String(repeating: "l", count: 300_000)
        try await withServer(
            Self.hangsUpOnTheSecond,
            body: { transport, server in
                #expect(await transport.send(.post(server.url)).told == .answered(200))
                let second = await transport.send(.post(server.url, body))
                #expect(second.wasSentTwice)
                #expect(server.requests.map(\.body.count) == [2, 300_000, 300_000])
            })
    }

    @Test func `an undoubled request of any size is not called doubled`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            for size in [0, 1, 1000, 65_535, 65_536, 70_000, 1_100_000, 5_000_000] {
                let delivery = await transport.send(.post(server.url, String(repeating: "s", count: size)))
                #expect(delivery.told == .answered(200))
                #expect(!delivery.wasSentTwice)
            }
            #expect(server.connectionCount == 1)
            #expect(server.requests.count == 8)
        }
    }

    @Test func `a fresh connection that dies is sent once and left unknown`() async throws {
        let handler: LoopbackServer.Handler = { request in
            request.path == "/once" ? .closeWithoutAnswer : .respond(200)
        }
        try await withServer(
            handler,
            body: { transport, server in
                #expect(await transport.send(.post(server.url + "/warm")).told == .answered(200))
                let once = await transport.send(.post(server.url + "/once", needsFreshConnection: true))
                #expect(once.told == .mayHaveBeenSent(.reset))
                #expect(!once.wasSentTwice)
                #expect(server.requests.map(\.path) == ["/warm", "/once"])
            })
    }

    @Test func `a hundred fresh requests to a server that always hangs up arrive a hundred times`() async throws {
        try await withServer { request in
            request.order % 2 == 0 ? .closeWithoutAnswer : .resetWithoutAnswer
        } body: { transport, server in
            for _ in 0..<100 {
                let delivery = await transport.send(.post(server.url, needsFreshConnection: true))
                #expect(delivery.told == .mayHaveBeenSent(.reset))
                #expect(!delivery.wasSentTwice)
            }
            #expect(server.requests.count == 100)
        }
    }

    /// The error of the repetition (7, refused) looks like "not sent", but the first try was read.
    @Test func `a repetition that can't connect doesn't make the first send unsent`() async throws {
        let listening = Listening()
        try await withServer { request in
            guard request.orderOnConnection == 2 else { return .respond(200) }
            listening.end()
            return .closeWithoutAnswer
        } body: { transport, server in
            listening.server = server
            #expect(await transport.send(.post(server.url, "first")).told == .answered(200))
            let second = await transport.send(.post(server.url, "second"))
            #expect(second.fault?.number == 7)
            #expect(second.told == .mayHaveBeenSent(.connectionRefused))
            #expect(!second.wasSentTwice)
            #expect(server.requests.map(\.bodyText) == ["first", "second"])
        }
    }

    @Test func `a request that the peer half read and repeated is unknown when the repetition is lost too`()
        async throws
    {
        try await withServer { request in
            request.order == 1 ? .respond(200) : .closeWithoutAnswer
        } body: { transport, server in
            #expect(await transport.send(.post(server.url, "first")).told == .answered(200))
            let second = await transport.send(.post(server.url, "second"))
            #expect(second.told == .mayHaveBeenSent(.reset))
            #expect(second.wasSentTwice)
            #expect(server.requests.count == 3)
        }
    }

    /// A server that stops listening from inside its handler, and returns once the system refuses connections.
    private final class Listening: Sendable {
        private let held = Mutex<LoopbackServer?>(nil)

        var server: LoopbackServer? {
            get { held.withLock(\.self) }
            set { held.withLock { $0 = newValue } }
        }

        func end() { server?.stopListening() }
    }
}
