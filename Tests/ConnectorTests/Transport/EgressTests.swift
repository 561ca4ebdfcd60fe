// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import Glibc
import TestKit
import Testing

/// Where requests may not go, over real sockets.
@Suite struct EgressTests {
    static let strict = EgressPolicy(allowsPlainHTTP: true)

    @Test(arguments: [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "0x7f.1", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "0", "0.0.0.0", "[::]", "LOCALHOST", "127.0.0.1.",
    ])
    func `loopback is refused however it is spelled`(host: String) async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let delivery = await transport.send(.get("http://\(host):\(server.port)/", egress: Self.strict))
            // A spelling may also be unknown to the resolver, or to this machine; it is never sent.
            let allowed: [Told] = [.notSent(.addressForbidden), .notSent(.nameNotResolved), .notSent(.badRequest)]
            #expect(allowed.contains(delivery.told), "\(host): \(delivery.told)")
            #expect(server.connectionCount == 0)
        }
    }

    @Test(arguments: [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]",
        "2852039166",
        "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "224.0.0.1", "[ff02::1]",
        "255.255.255.255",
    ])
    func `private, link-local and metadata addresses are refused before a packet leaves`(host: String) async throws {
        let transport = try CurlTransport()
        for scheme in ["http", "https"] {
            let delivery = await transport.send(.get("\(scheme)://\(host)/latest/meta-data", egress: Self.strict))
            #expect(delivery.told == .notSent(.addressForbidden), "\(host)")
        }
        await transport.close()
    }

    @Test func `a stricter request over a pooled connection is refused`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            #expect(await transport.send(.get(server.url)).told == .answered(200))
            #expect(await transport.send(.get(server.url, egress: Self.strict)).told == .notSent(.addressForbidden))
            #expect(await transport.send(.get(server.url)).told == .answered(200))
            #expect(server.requests.count == 2)
        }
    }

    @Test func `a network opens exactly itself`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let opened = EgressPolicy(allowsPlainHTTP: true, allowedNetworks: ["127.0.0.0/30"])
            #expect(await transport.send(.get(server.url, egress: opened)).told == .answered(200))
            let beside = EgressPolicy(allowsPlainHTTP: true, allowedNetworks: ["127.0.0.4/30", "10.0.0.0/8", "::/0"])
            #expect(await transport.send(.get(server.url, egress: beside)).told == .notSent(.addressForbidden))
            #expect(server.requests.count == 1)
        }
    }

    @Test func `an invalid network is a bad request that names it`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let egress = EgressPolicy(allowsPlainHTTP: true, allowedNetworks: ["127.0.0.1/8"])
            let delivery = await transport.send(.get(server.url, egress: egress))
            #expect(delivery.told == .notSent(.badRequest))
            #expect(delivery.fault?.reason.contains("127.0.0.1/8") == true)
        }
    }

    @Test func `plain http needs leave`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let egress = EgressPolicy(allowsLoopback: true)
            #expect(await transport.send(.get(server.url, egress: egress)).told == .notSent(.badRequest))
            #expect(server.connectionCount == 0)
        }
    }

    @Test(arguments: [
        "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "ftp://127.0.0.1/x", "dict://127.0.0.1:11211/stat",
        "smb://127.0.0.1/x", "ldap://127.0.0.1/x", "localhost/x", "//127.0.0.1/x", "", "https://", "http:/127.0.0.1/",
        "https://user:word@127.0.0.1/", "http://user@127.0.0.1/", "https://127.0.0.1/a b", "https://127.0.0.1/ä",
        "https://127.0.0.1/\r\nX-Evil: 1", "https://127.0.0.1:99999/",
    ])
    func `other schemes and malformed addresses are refused`(url: String) async throws {
        let transport = try CurlTransport()
        #expect(await transport.send(.get(url)).told == .notSent(.badRequest))
        await transport.close()
    }

    @Test func `the environment's proxy is not used`() async throws {
        let proxy = try LoopbackServer { _ in .respond(200) }
        defer { proxy.stop() }
        // Set in a process of its own: the environment is everyone's.
        await #expect(processExitsWith: .success) { [port = proxy.port as UInt16] in
            setenv("http_proxy", "http://127.0.0.1:\(port)", 1)
            setenv("all_proxy", "http://127.0.0.1:\(port)", 1)
            try await withServer { _ in
                .respond(204)
            } body: { transport, server in
                #expect(await transport.send(.get(server.url)).told == .answered(204))
            }
        }
        #expect(proxy.connectionCount == 0)
    }
}
