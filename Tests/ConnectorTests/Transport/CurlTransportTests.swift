// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import TestKit
import Testing

@Suite struct CurlTransportTests {
    @Test func `an answer comes back with status, headers and body`() async throws {
        try await withServer { _ in
            .respond(201, ["content-type": "application/json", "X-Request-Id": "r 1"], "{\"id\":7}")
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url + "/users?active=true", "{\"a\":1}"))
            #expect(delivery.told == .answered(201))
            #expect(delivery.bodyText == "{\"id\":7}")
            #expect(delivery.response?.headers["content-type"] == "application/json")
            #expect(delivery.response?.headers["x-request-id"] == "r 1")
            #expect(!delivery.wasSentTwice)
            #expect(delivery.durationMilliseconds >= 0)
            #expect(server.requests.map(\.target) == ["/users?active=true"])
            #expect(server.requests.map(\.bodyText) == ["{\"a\":1}"])
        }
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
    func `each method goes out under its name, without a body and with one`(method: String) async throws {
        try await withServer { _ in
            .respond(200, [:], "whole")
        } body: { transport, server in
            var request = OutboundRequest.get(server.url)
            request.method = method
            #expect(await transport.send(request).told == .answered(200))
            #expect(server.requests.map(\.method) == [method])
            #expect(server.requests[0].body.isEmpty)
            let declares = ["POST", "PUT", "PATCH"].contains(method)
            #expect(server.requests[0].headers["content-length"] == (declares ? "0" : nil))
            guard method != "HEAD" else { return }
            request.body = [0, 1, 0, 255]
            #expect(await transport.send(request).told == .answered(200))
            #expect(server.requests[1].method == method)
            #expect(server.requests[1].body == [0, 1, 0, 255])
        }
    }

    @Test func `headers go out as given, and nothing is invented but the user agent`() async throws {
        try await withServer { _ in
            .respond(204)
        } body: { transport, server in
            let headers = [(name: "X-Empty", value: ""), (name: "Authorization", value: "Bearer a, b:c")]
            #expect(await transport.send(.post(server.url, headers: headers)).told == .answered(204))
            let sent = server.requests[0].headers
            #expect(sent["x-empty"] == "")
            #expect(sent["authorization"] == "Bearer a, b:c")
            #expect(sent["content-type"] == nil)
            #expect(sent["expect"] == nil)
            #expect(sent["user-agent"] == "cordon")
            #expect(Set(sent.keys) == ["host", "accept", "user-agent", "content-length", "x-empty", "authorization"])
        }
    }

    @Test func `a body of several megabytes arrives whole and without a pause for leave`() async throws {
        try await withServer { request in
            .respond(200, [:], "\(request.body.count)")
        } body: { transport, server in
            let body = String(repeating: "0123456789abcdef", count: 3 << 16)
            let delivery = await transport.send(.post(server.url, body))
            #expect(delivery.bodyText == "\(3 << 20)")
            #expect(!delivery.wasSentTwice)
            #expect(server.requests[0].headers["expect"] == nil)
        }
    }

    @Test func `the path goes out as written`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            #expect(await transport.send(.get(server.url + "/a/../b/./%2e%2e/c?x=/../y")).told == .answered(200))
            #expect(server.requests.map(\.target) == ["/a/../b/./%2e%2e/c?x=/../y"])
        }
    }

    @Test func `a redirect is handed back and not followed`() async throws {
        try await withServer { _ in
            .redirect(to: "/elsewhere")
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url + "/start"))
            #expect(delivery.told == .answered(302))
            #expect(delivery.response?.headers["location"] == "/elsewhere")
            #expect(server.requests.map(\.target) == ["/start"])
        }
    }

    @Test func `a second request uses the first one's connection`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            for _ in 1...3 { #expect(await transport.send(.post(server.url)).told == .answered(200)) }
            #expect(server.connectionCount == 1)
            #expect(server.requests.map(\.orderOnConnection) == [1, 2, 3])
        }
    }

    @Test func `a request that asks for a fresh connection gets one and leaves none behind`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            #expect(await transport.send(.post(server.url)).told == .answered(200))
            #expect(await transport.send(.post(server.url, needsFreshConnection: true)).told == .answered(200))
            #expect(await transport.send(.post(server.url)).told == .answered(200))
            #expect(server.requests.map(\.connection) == [1, 2, 1])
        }
    }

    @Test func `a fresh connection isn't kept for others`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            #expect(await transport.send(.post(server.url, needsFreshConnection: true)).told == .answered(200))
            #expect(await transport.send(.post(server.url)).told == .answered(200))
            #expect(server.requests.map(\.connection) == [1, 2])
        }
    }

    @Test func `a connection that its server closed while idle is replaced without a fault`() async throws {
        try await withServer { _ in
            .respond(200, ["connection": "close"])
        } body: { transport, server in
            for _ in 1...20 {
                let delivery = await transport.send(.post(server.url))
                #expect(delivery.told == .answered(200))
                #expect(!delivery.wasSentTwice)
            }
            #expect(server.connectionCount == 20)
        }
    }

    @Test func `two hundred requests at once are answered each with its own body`() async throws {
        try await withServer { request in
            .respond(200, [:], request.bodyText)
        } body: { transport, server in
            let answers = await withTaskGroup(of: (Int, String).self) { group in
                for number in 0..<200 {
                    group.addTask { (number, await transport.send(.post(server.url, "body \(number)")).bodyText) }
                }
                return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
            }
            #expect(answers == Dictionary(uniqueKeysWithValues: (0..<200).map { ($0, "body \($0)") }))
            #expect(server.requests.count == 200)
        }
    }

    @Test func `more requests than places wait for one, first come first served`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 1
        let gate = Gate()
        try await withServer(limits: limits) { request in
            request.order == 1 ? .held(by: gate, .respond(200)) : .respond(200)
        } body: { transport, server in
            await withTaskGroup(of: Told.self) { group in
                group.addTask { await transport.send(.get(server.url + "/held")).told }
                await server.waitForRequests(1)
                for number in 1...50 { group.addTask { await transport.send(.get(server.url + "/\(number)")).told } }
                gate.open()
                for await told in group { #expect(told == .answered(200)) }
            }
            #expect(server.connectionCount == 1)
            #expect(server.requests.count == 51)
        }
    }

    @Test func `a full waiting line refuses without sending`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 1
        limits.waitingMax = 0
        try await withServer(limits: limits) { _ in
            .silence
        } body: { transport, server in
            async let held = transport.send(.get(server.url))
            await server.waitForRequests(1)
            #expect(await transport.send(.get(server.url)).told == .notSent(.other))
            await transport.close()
            #expect(await held.told == .mayHaveBeenSent(.closed))
            #expect(server.requests.count == 1)
        }
    }

    @Test func `closing ends what is under way, what waits, and everything after`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 2
        try await withServer(limits: limits) { _ in
            .silence
        } body: { transport, server in
            let tolds = await withTaskGroup(of: Told.self) { group in
                for _ in 0..<2 { group.addTask { await transport.send(.get(server.url)).told } }
                await server.waitForRequests(2)
                for _ in 0..<3 { group.addTask { await transport.send(.get(server.url)).told } }
                group.addTask {
                    await transport.close()
                    return .answered(0)
                }
                return await group.reduce(into: [Told]()) { $0.append($1) }
            }
            #expect(tolds.count { $0 == .mayHaveBeenSent(.closed) } == 2)
            #expect(tolds.count { $0 == .notSent(.closed) } == 3)
            #expect(await transport.send(.get(server.url)).told == .notSent(.closed))
            await transport.close()
            #expect(server.requests.count == 2)
        }
    }
}
