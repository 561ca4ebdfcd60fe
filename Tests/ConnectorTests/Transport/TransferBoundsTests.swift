// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import TestKit
import Testing

@Suite struct TransferBoundsTests {
    @Test func `a declared body over the bound is refused`() async throws {
        try await withServer { _ in
            .hugeBody(bytes: 5001)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url, responseBytesMax: 5000))
            #expect(delivery.told == .mayHaveBeenSent(.responseTooLarge))
            #expect(delivery.fault?.number == 63)
            #expect(delivery.fault?.reason.contains("5000") == true)
        }
    }

    @Test func `an undeclared body over the bound is refused`() async throws {
        try await withServer { _ in
            .hugeBody(bytes: 5_000_000, isDeclared: false)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url, responseBytesMax: 5000))
            #expect(delivery.told == .mayHaveBeenSent(.responseTooLarge))
        }
    }

    @Test(arguments: [true, false])
    func `a body of exactly the bound is handed over`(isDeclared: Bool) async throws {
        try await withServer { _ in
            .hugeBody(bytes: 5000, isDeclared: isDeclared)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url, responseBytesMax: 5000))
            #expect(delivery.response?.body.count == 5000)
        }
    }

    @Test func `a bound of nothing lets an empty body pass and no other`() async throws {
        try await withServer { request in
            .respond(200, [:], request.path == "/empty" ? "" : "x")
        } body: {
            transport, server in
            #expect(await transport.send(.get(server.url + "/empty", responseBytesMax: 0)).told == .answered(200))
            let full = await transport.send(.get(server.url + "/full", responseBytesMax: 0))
            #expect(full.told == .mayHaveBeenSent(.responseTooLarge))
        }
    }

    @Test func `a HEAD answer may declare any length`() async throws {
        try await withServer { _ in
            .hugeBody(bytes: 5001)
        } body: { transport, server in
            var request = OutboundRequest.get(server.url, responseBytesMax: 10)
            request.method = "HEAD"
            let delivery = await transport.send(request)
            #expect(delivery.told == .answered(200))
            #expect(delivery.response?.headers["content-length"] == "5001")
        }
    }

    @Test func `header bytes are bounded`() async throws {
        try await withServer { _ in
            .hugeHeaders(count: 20, bytesEach: 4000)
        } body: { transport, server in
            #expect(await transport.send(.get(server.url)).told == .mayHaveBeenSent(.responseTooLarge))
        }
    }

    @Test func `one endless header is bounded`() async throws {
        try await withServer { _ in
            .hugeHeaders(count: 1, bytesEach: 3_000_000)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url))
            #expect(delivery.response == nil)
            #expect([.responseTooLarge, .other].contains(delivery.fault?.kind))
        }
    }

    @Test func `the number of headers is bounded`() async throws {
        try await withServer { request in
            .hugeHeaders(count: request.path == "/few" ? 200 : 300, bytesEach: 1)
        } body: { transport, server in
            #expect(await transport.send(.get(server.url + "/few")).told == .answered(200))
            #expect(await transport.send(.get(server.url + "/many")).told == .mayHaveBeenSent(.responseTooLarge))
        }
    }

    @Test func `interim answers are bounded and their headers not kept`() async throws {
        let hints = "HTTP/1.1 103 Early Hints\r\nx-hint: early\r\n\r\n"
        let last = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        try await withServer { request in
            .raw(String(repeating: hints, count: request.path == "/few" ? 3 : 3000) + last)
        } body: { transport, server in
            let few = await transport.send(.get(server.url + "/few"))
            #expect(few.response?.headers == ["content-length": "2"])
            #expect(few.bodyText == "ok")
            #expect(await transport.send(.get(server.url + "/many")).told == .mayHaveBeenSent(.responseTooLarge))
        }
    }

    @Test func `trailers don't replace headers`() async throws {
        let text =
            "HTTP/1.1 200 OK\r\nx-mark: head\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-mark: tail\r\n\r\n"
        try await withServer { _ in
            .raw(text)
        } body: { transport, server in
            let delivery = await transport.send(.get(server.url))
            #expect(delivery.response?.headers["x-mark"] == "head")
            #expect(delivery.bodyText == "ok")
        }
    }

    @Test func `a request over the bounds is refused before anything leaves`() async throws {
        var limits = CurlTransport.Limits()
        limits.requestBytesMax = 10
        limits.urlBytesMax = 60
        limits.requestHeadersMax = 2
        limits.requestHeaderBytesMax = 100
        try await withServer(limits: limits) { _ in
            .respond(200)
        } body: { transport, server in
            let long = String(repeating: "l", count: 99)
            var requests = [OutboundRequest.post(server.url, "eleven bytes"), .get(server.url + "/" + long)]
            requests.append(.post(server.url, headers: Array(repeating: (name: "A", value: "b"), count: 3)))
            requests.append(.post(server.url, headers: [(name: "AA", value: long)]))
            for request in requests { #expect(await transport.send(request).told == .notSent(.badRequest)) }
            #expect(server.connectionCount == 0)
        }
    }

    @Test(arguments: [
        ("Bad Name", "v"), ("", "v"), ("Bad:Name", "v"), ("Näme", "v"), ("X", "a\r\nY: b"), ("X", "a\nb"),
        ("X", "a\0b"),
        ("X\r\nY", "v"), ("Host", "evil.example"), ("Content-Length", "0"), ("transfer-encoding", "chunked"),
        ("Connection", "close"), ("Expect", "100-continue"), ("Upgrade", "h2c"),
    ])
    func `headers that would break the message are refused`(name: String, value: String) async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let delivery = await transport.send(.post(server.url, headers: [(name: name, value: value)]))
            #expect(delivery.told == .notSent(.badRequest))
            #expect(server.connectionCount == 0)
        }
    }

    @Test(arguments: ["", "get", "GET /x", "G\r\nET", "CONNECT", "TRACE", "GÉT"])
    func `methods that aren't one are refused`(method: String) async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            var request = OutboundRequest.get(server.url)
            request.method = method
            #expect(await transport.send(request).told == .notSent(.badRequest))
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `no reason repeats a header, a body or a query`() async throws {
        let secret = "s3cr3t-w0rd"
        try await withServer { request in
            request.path == "/close" ? .closeWithoutAnswer : .raw("\(secret) \(secret)\r\n")
        } body: { transport, server in
            let headers = [(name: "Authorization", value: "Bearer \(secret)")]
            var urls = ["/close", "/raw"].map { "\(server.url)\($0)?token=\(secret)" }
            urls += [
                "https://127.0.0.1:99999/?token=\(secret)", "ftp://x/?token=\(secret)", "http://[::1/?t=\(secret)",
            ]
            for url in urls {
                let delivery = await transport.send(.post(url, secret, headers: headers))
                let fault = try #require(delivery.fault)
                #expect(!fault.reason.contains(secret), "\(fault)")
                #expect(!fault.reason.isEmpty)
            }
            let broken = await transport.send(.post(server.url, headers: [(name: "X", value: secret + "\n")]))
            #expect(broken.fault?.reason.contains(secret) == false)
        }
    }
}
