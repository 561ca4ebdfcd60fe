// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import Foundation
import TestKit
import Testing

/// TLS against a real server (`openssl s_server`) with a certificate of its own making.
@Suite struct TransportSecurityTests {
    private struct TLSServer {
        let folder: ScratchFolder
        let program: ProgramUnderTest
        let port: UInt16
        let certificatePEM: [UInt8]
        var url: String { "https://127.0.0.1:\(port)/" }
    }

    private static let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Nil, loudly, on a machine without the openssl program.
    private func start(name: String = "IP:127.0.0.1", options: [String] = []) async throws -> TLSServer? {
        guard let openssl = Self.openssl else {
            print("skipped: no openssl program on this machine")
            return nil
        }
        let folder = try ScratchFolder()
        let make = try ProgramUnderTest(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=loopback", "-addext", "subjectAltName=\(name)", "-keyout", folder.path("key.pem"), "-out",
                folder.path("cert.pem"),
            ], capturedIn: folder, as: "make")
        #expect(try await make.waitForExit() == .exited(0))
        let program = try ProgramUnderTest(
            openssl,
            ["s_server", "-www", "-accept", "127.0.0.1:0", "-cert", folder.path("cert.pem"), "-key"]
                + [folder.path("key.pem")] + options, capturedIn: folder, as: "server")
        let port = try await program.waitForPort(after: "ACCEPT")
        return TLSServer(
            folder: folder, program: program, port: port, certificatePEM: Array(try folder.read("cert.pem").utf8))
    }

    private func ask(_ url: String, _ authority: [UInt8]?, with transport: CurlTransport) async -> Delivery {
        let egress = EgressPolicy(allowsLoopback: true, authorityPEM: authority)
        return await transport.send(.get(url, egress: egress))
    }

    @Test func `60: a certificate from nowhere is refused with nothing sent, and accepted by its own authority`()
        async throws
    {
        guard let server = try await start() else { return }
        let transport = try CurlTransport()
        let refused = await ask(server.url, nil, with: transport)
        #expect(refused.told == .notSent(.tlsRefused))
        #expect(refused.fault?.number == 60)
        #expect(await ask(server.url, server.certificatePEM, with: transport).told == .answered(200))
        // A good connection in the pool doesn't serve a request that doesn't trust it.
        #expect(await ask(server.url, nil, with: transport).told == .notSent(.tlsRefused))
        await transport.close()
    }

    @Test func `a given authority is the only one`() async throws {
        guard let server = try await start(), let other = try await start() else { return }
        let transport = try CurlTransport()
        #expect(await ask(server.url, other.certificatePEM, with: transport).told == .notSent(.tlsRefused))
        #expect(await ask(server.url, Array("no certificate".utf8), with: transport).told == .notSent(.tlsRefused))
        #expect(await ask(server.url, [], with: transport).told == .notSent(.tlsRefused))
        await transport.close()
    }

    @Test func `a certificate for another name is refused`() async throws {
        guard let server = try await start(name: "DNS:elsewhere.example") else { return }
        let transport = try CurlTransport()
        let delivery = await ask(server.url, server.certificatePEM, with: transport)
        #expect(delivery.told == .notSent(.tlsRefused))
        #expect(delivery.fault?.number == 60)
        await transport.close()
    }

    /// The system's own configuration refuses TLS 1.1 too: it is opened here for both sides, so that only our bound
    /// remains. Read once in a process, hence a process of its own.
    @Test func `TLS 1_1 is refused even where the system allows it`() async throws {
        guard let server = try await start(options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]) else { return }
        let configuration = try server.folder.write(
            """
            openssl_conf = all
            [all]
            ssl_conf = ssl
            [ssl]
            system_default = lax
            [lax]
            MinProtocol = TLSv1
            CipherString = DEFAULT:@SECLEVEL=0
            """, to: "openssl.cnf")
        let (url, pem) = (server.url, server.certificatePEM)
        await #expect(processExitsWith: .success) {
            [configuration = configuration as String, url = url as String, pem = pem as [UInt8]] in
            setenv("OPENSSL_CONF", configuration, 1)
            let transport = try CurlTransport()
            let egress = EgressPolicy(allowsLoopback: true, authorityPEM: pem)
            #expect(await transport.send(.get(url, egress: egress)).told == .notSent(.tlsRefused))
            await transport.close()
        }
    }

    @Test func `a server that asks who connects is shown a certificate, and nothing is shown to it unasked`()
        async throws
    {
        // Whoever has this server's own certificate and key is let in.
        guard let server = try await start() else { return }
        let key = Array(try server.folder.read("key.pem").utf8)
        let gate = try ProgramUnderTest(
            try #require(Self.openssl),
            [
                "s_server", "-www", "-accept", "127.0.0.1:0", "-cert", server.folder.path("cert.pem"), "-key",
                server.folder.path("key.pem"), "-Verify", "1", "-verify_return_error", "-CAfile",
                server.folder.path("cert.pem"),
            ], capturedIn: server.folder, as: "gate")
        let url = "https://127.0.0.1:\(try await gate.waitForPort(after: "ACCEPT"))/"
        let transport = try CurlTransport()
        let egress = EgressPolicy(allowsLoopback: true, authorityPEM: server.certificatePEM)
        var request = OutboundRequest.get(url, egress: egress)
        #expect(await transport.send(request).told != .answered(200))
        request.identity = ClientIdentity(certificatePEM: server.certificatePEM, keyPEM: Secret(key))
        #expect(await transport.send(request).told == .answered(200))
        request.identity = nil
        #expect(await transport.send(request).told != .answered(200))
        request.identity = ClientIdentity(certificatePEM: server.certificatePEM, keyPEM: Secret("no key"))
        #expect(await transport.send(request).told == .notSent(.tlsRefused))
        await transport.close()
    }

    @Test func `a fault after the request left over TLS is unknown`() async throws {
        guard let server = try await start() else { return }
        let transport = try CurlTransport()
        // This server answers a POST with nothing and waits for more.
        let egress = EgressPolicy(allowsLoopback: true, authorityPEM: server.certificatePEM)
        let delivery = await transport.send(.post(server.url, egress: egress, timeoutMilliseconds: 300))
        #expect(delivery.told == .mayHaveBeenSent(.timedOut))
        await transport.close()
    }
}
