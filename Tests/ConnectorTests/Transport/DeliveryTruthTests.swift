// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import TestKit
import Testing

/// The truth table of the transport, each row over a real socket: what libcurl reports, and what may be concluded.
@Suite struct DeliveryTruthTests {
    // MARK: Nothing left

    @Test func `6: a name that can't be resolved is not sent`() async throws {
        let transport = try CurlTransport()
        // A label of 70 characters is refused by the resolver itself, so no name server is asked.
        let name = String(repeating: "x", count: 70) + ".invalid"
        let delivery = await transport.send(.post("https://\(name)/", needsFreshConnection: true))
        #expect(delivery.told == .notSent(.nameNotResolved))
        #expect(delivery.fault?.number == 6)
        await transport.close()
    }

    @Test func `7: a refused connection is not sent`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            // The port is known to have been free a moment ago.
            server.stop()
            let other = try LoopbackServer { _ in .respond(200) }
            let url = other.url
            other.stopListening()
            await Self.untilRefused(url, transport)
            let delivery = await transport.send(.post(url))
            #expect(delivery.told == .notSent(.connectionRefused))
            #expect(delivery.fault?.number == 7)
            #expect(other.requests.isEmpty)
            other.stop()
        }
    }

    @Test func `35: no TLS on the other side is not sent`() async throws {
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .babble(Array("no TLS here, go away\r\n".utf8))
        } body: { transport, server in
            let delivery = await transport.send(.post("https://127.0.0.1:\(server.port)/"))
            #expect(delivery.told == .notSent(.tlsRefused))
            #expect(delivery.fault?.number == 35)
        }
    }

    @Test func `35: a connection cut in the handshake is not sent`() async throws {
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .resetMidway(afterBytes: 9)
        } body: { transport, server in
            let delivery = await transport.send(.post("https://127.0.0.1:\(server.port)/"))
            #expect(delivery.told == .notSent(.tlsRefused))
        }
    }

    @Test func `28: time out in the handshake is not sent`() async throws {
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .ignore
        } body: { transport, server in
            let delivery = await transport.send(.post("https://127.0.0.1:\(server.port)/", timeoutMilliseconds: 60))
            #expect(delivery.told == .notSent(.timedOut))
            #expect(delivery.fault?.number == 28)
        }
    }

    @Test func `28: the bound on connecting counts by itself`() async throws {
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .ignore
        } body: { transport, server in
            var request = OutboundRequest.post("https://127.0.0.1:\(server.port)/", timeoutMilliseconds: 600_000)
            request.connectTimeoutMilliseconds = 60
            #expect(await transport.send(request).told == .notSent(.timedOut))
        }
    }

    @Test func `28: time out while waiting for a place is not sent`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 1
        try await withServer(limits: limits) { _ in
            .silence
        } body: { transport, server in
            async let held = transport.send(.get(server.url, timeoutMilliseconds: 600_000))
            await server.waitForRequests(1)
            #expect(await transport.send(.get(server.url, timeoutMilliseconds: 40)).told == .notSent(.timedOut))
            await transport.close()
            _ = await held
            #expect(server.requests.count == 1)
        }
    }

    @Test(arguments: [0, -1] as [Int64])
    func `no time left is not sent`(timeoutMilliseconds: Int64) async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url, timeoutMilliseconds: timeoutMilliseconds))
            #expect(delivery.told == .notSent(.timedOut))
            #expect(server.connectionCount == 0)
        }
    }

    // MARK: Bytes left

    @Test func `28: time out after the request left is unknown`() async throws {
        try await withServer { _ in
            .silence
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url, timeoutMilliseconds: 80))
            #expect(delivery.told == .mayHaveBeenSent(.timedOut))
            #expect(delivery.fault?.number == 28)
        }
    }

    @Test func `28: an answer that drips past the time is unknown`() async throws {
        try await withServer { _ in
            .drip(200, String(repeating: "d", count: 10_000), gapMilliseconds: 5)
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url, timeoutMilliseconds: 150))
            #expect(delivery.told == .mayHaveBeenSent(.timedOut))
        }
    }

    @Test func `a dripping answer within the time is an answer`() async throws {
        try await withServer { _ in
            .drip(200, "drop by drop", size: 7, gapMilliseconds: 1)
        } body: { transport, server in
            #expect(await transport.send(.get(server.url)).bodyText == "drop by drop")
        }
    }

    @Test func `18: half an answer is unknown`() async throws {
        try await withServer { _ in
            .halfBody(200, [:], "{\"done\":true}")
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url))
            #expect(delivery.told == .mayHaveBeenSent(.reset))
            #expect(delivery.fault?.number == 18)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `52: a lost reply is unknown`() async throws {
        try await withServer { _ in
            .closeWithoutAnswer
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url))
            #expect(delivery.told == .mayHaveBeenSent(.reset))
            #expect(delivery.fault?.number == 52)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `56: a reset after reading is unknown`() async throws {
        try await withServer { _ in
            .resetWithoutAnswer
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url))
            #expect(delivery.told == .mayHaveBeenSent(.reset))
            #expect(delivery.fault?.number == 56)
        }
    }

    @Test func `55 or 56: a reset in the middle of a large body is unknown`() async throws {
        let body = String(repeating: "b", count: 12 << 20)
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .resetMidway(afterBytes: 1000)
        } body: {
            transport, server in
            let delivery = await transport.send(.post(server.url, body, needsFreshConnection: true))
            #expect(delivery.told == .mayHaveBeenSent(.reset))
            #expect([55, 56].contains(delivery.fault?.number))
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `an answer that is no HTTP is unknown`() async throws {
        try await withServer { _ in
            .raw("220 mail.example ESMTP\r\n")
        } body: { transport, server in
            #expect(await transport.send(.post(server.url)).told == .mayHaveBeenSent(.other))
        }
    }

    @Test func `an answer before the body was read whole is an answer`() async throws {
        let refusal = "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        try await withServer { _ in
            .raw(refusal)
        } body: { transport, server in
            #expect(await transport.send(.post(server.url)).told == .answered(413))
        }
    }

    @Test(arguments: [400, 401, 403, 404, 409, 417, 429, 500, 502, 503, 504])
    func `an error status is an answer`(status: Int) async throws {
        try await withServer { _ in
            .respond(status, ["retry-after": "3"])
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url))
            #expect(delivery.told == .answered(status))
            #expect(delivery.response?.headers["retry-after"] == "3")
            #expect(server.requests.count == 1)
        }
    }

    @Test func `wrong JSON is an answer: the transport doesn't read it`() async throws {
        try await withServer { _ in
            .wrongJSON
        } body: { transport, server in
            #expect(await transport.send(.get(server.url)).told == .answered(200))
        }
    }

    /// The listening socket is closed by the server's own thread: ask until the system refuses.
    static func untilRefused(_ url: String, _ transport: CurlTransport) async {
        while await transport.send(.get(url, needsFreshConnection: true)).told != .notSent(.connectionRefused) {}
    }
}
