// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Foundation
import TestKit
import Testing
import X509

/// The built program behind TLS: who is asked for a certificate, whose is taken, and what everybody else learns.
@Suite(.serialized)
struct ClientCertificateTests {
    private static let clients = #"["uri:spiffe://example.org/alerts", "dns:hooks.example.org"]"#

    /// An installation with a certificate of its own, clients' authorities, a source of mTLS and one that signs.
    private struct Site {
        let installation: Installation
        let own: TestAuthority
        let clients: TestAuthority
        let transport: CurlTransport

        init(clients names: String = ClientCertificateTests.clients, asks: Bool = true) throws {
            installation = try Installation.alone()
            own = try TestAuthority("the server's authority")
            clients = try TestAuthority("the clients' authority")
            transport = try CurlTransport()
            let scratch = installation.scratch
            try showCertificate(of: own)
            try scratch.write(clients.pair.pem, to: "clients.pem")
            try scratch.write(
                """
                listen: { port: 0, certificate: chain.pem, key: key.pem\(asks ? ", client_ca: clients.pem" : "") }
                log: { level: debug }
                state: state

                """, to: "cordon.yaml")
            let others = try scratch.read("connections.yaml").replacingOccurrences(
                of: "sources:\n",
                with:
                    "sources:\n  - { id: hub, connector: native, authentication: { scheme: mtls, clients: \(names) } }\n"
            )
            try scratch.write(others, to: "connections.yaml")
        }

        func showCertificate(of authority: TestAuthority) throws {
            let server = try authority.certify([.dnsName("localhost")], for: [.serverAuth])
            try installation.scratch.write(server.pem, to: "chain.pem")
            try installation.scratch.writePrivate(server.keyPEM, to: "key.pem")
        }

        func url(_ serving: Installation.Serving) -> String {
            serving.url.replacingOccurrences(of: "http://127.0.0.1", with: "https://localhost")
        }

        func ask(
            _ method: String, _ url: String, as pair: TestAuthority.Pair? = nil, chain: String = "",
            headers: [(name: String, value: String)] = [], body: String? = nil, trust: TestAuthority? = nil
        ) async throws -> OutboundResponse {
            let delivery = await transport.send(
                OutboundRequest(
                    method: method, url: url, headers: headers, body: body.map { Array($0.utf8) },
                    timeoutMilliseconds: 20_000, responseBytesMax: 1 << 20,
                    egress: EgressPolicy(
                        allowsLoopback: true, authorityPEM: Array((trust ?? own).pair.pem.utf8)),
                    identity: pair.map {
                        ClientIdentity(
                            certificatePEM: Array(($0.pem + chain).utf8), keyPEM: Secret(Array($0.keyPEM.utf8)))
                    }))
            switch delivery.fate {
            case .answered(let response): return response
            case .notSent(let fault), .mayHaveBeenSent(let fault): throw Web.NoAnswer(reason: fault.reason)
            }
        }

        func post(_ serving: Installation.Serving, as pair: TestAuthority.Pair?, chain: String = "") async throws
            -> OutboundResponse
        {
            try await ask(
                "POST", url(serving) + "/hooks/hub", as: pair, chain: chain,
                headers: [("content-type", "application/json"), ("webhook-id", UUID().uuidString)],
                body: #"{"kind":"notice.given","signal":{"event":"e","resources":[]}}"#)
        }
    }

    @Test func `the right certificate is taken, and every other is refused with one answer`() async throws {
        let site = try Site()
        let serving = try await site.installation.serve()
        defer { serving.program.kill() }
        let name = GeneralName.uniformResourceIdentifier("spiffe://example.org/alerts")
        let right = try site.clients.certify([name])
        for _ in 1...2 { #expect(try await site.post(serving, as: right).status == 202) }
        // The second of the names, for any use, and by an authority between.
        let between = try site.clients.authority()
        #expect(
            try await site.post(serving, as: try site.clients.certify([.dnsName("HOOKS.example.org")])).status == 202)
        #expect(try await site.post(serving, as: try site.clients.certify([name], for: nil)).status == 202)
        let far = try between.certify([name])
        #expect(try await site.post(serving, as: far, chain: between.pair.pem).status == 202)

        let wrong: [(String, TestAuthority.Pair?)] = [
            ("none", nil),
            ("of another authority", try TestAuthority().certify([name])),
            ("of an authority of the same name", try TestAuthority("the clients' authority").certify([name])),
            ("expired", try site.clients.certify([name], seconds: -3600 ... -60)),
            ("not yet good", try site.clients.certify([name], seconds: 1800...3600)),
            ("of another name", try site.clients.certify([.uniformResourceIdentifier("spiffe://example.org/other")])),
            ("of a name that begins so", try site.clients.certify([.dnsName("hooks.example.org.evil.example")])),
            ("of a pattern", try site.clients.certify([.dnsName("*.example.org")])),
            ("of no name", try site.clients.certify([])),
            ("for servers", try site.clients.certify([name], for: [.serverAuth])),
            ("without the one between", far),
        ]
        var answers: Set<String> = []
        for (what, pair) in wrong {
            let answer = try await site.post(serving, as: pair)
            #expect(answer.status == 401, "\(what)")
            let headers = answer.headers.filter { $0.key != "date" }.sorted { $0.key < $1.key }
            answers.insert("\(answer.status) \(headers) \(answer.body)")
        }
        #expect(answers.count == 1, "\(answers)")
        // Whoever asks without a certificate reaches everything else, and the commands reach the server.
        let health = try await site.ask("GET", site.url(serving) + "/health")
        #expect(health.status == 200)
        let body = Installation.alert()
        let signed = try await site.ask(
            "POST", site.url(serving) + "/hooks/github",
            headers: [
                ("content-type", "application/json"), ("x-github-event", "secret_scanning_alert"),
                ("x-github-delivery", "d-1"), ("x-hub-signature-256", Installation.sign(body)),
            ], body: body)
        #expect(signed.status == 202)
        let listed = try await site.installation.finish("run", "list")
        #expect(listed.end == .exited(0), "\(listed.error)")
        let alerts = try await site.ask(
            "GET", site.url(serving) + "/api/v1/alerts?limit=50",
            headers: [("authorization", "Bearer \(try site.installation.firstToken)")])
        #expect(try JSON.parse(alerts.body)["alerts"]?.arrayValue?.count == 6)
        #expect(try await serving.stop() == .exited(0))
    }

    @Test func `a key may be named in place of a name, and several while they change`() async throws {
        let authority = try TestAuthority()
        let one = try authority.certify([]), other = try authority.certify([])
        let site = try Site(clients: #"["sha256:\#(one.keyDigest)", "sha256:\#(other.keyDigest.uppercased())"]"#)
        try site.installation.scratch.write(authority.pair.pem, to: "clients.pem")
        let serving = try await site.installation.serve()
        defer { serving.program.kill() }
        #expect(try await site.post(serving, as: one).status == 202)
        #expect(try await site.post(serving, as: other).status == 202)
        #expect(try await site.post(serving, as: try authority.certify([])).status == 401)
    }

    @Test func `plain HTTP and old versions of TLS get no answer there`() async throws {
        let site = try Site()
        let serving = try await site.installation.serve()
        defer { serving.program.kill() }
        await #expect(throws: Web.NoAnswer.self) {
            try await serving.web.ask("GET", serving.url + "/health")
        }
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/curl") else {
            print("skipped: no curl program on this machine")
            return
        }
        try site.installation.scratch.write(site.own.pair.pem, to: "own.pem")
        for (version, isTaken) in [("1.1", false), ("1.2", true), ("1.3", true)] {
            let words = try ScratchFolder("cordon-words")
            let curl = try ProgramUnderTest(
                "/usr/bin/curl",
                [
                    "-sS", "--noproxy", "*", "--cacert", "own.pem", "--tlsv1.0", "--tls-max", version, "--ciphers",
                    "DEFAULT@SECLEVEL=0", site.url(serving) + "/health",
                ], folder: site.installation.scratch.path, capturedIn: words, as: "curl")
            #expect((try await curl.waitForExit() == .exited(0)) == isTaken, "TLS \(version): \(curl.error)")
        }
    }

    @Test func `a session that is resumed is the same client's`() async throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") else {
            print("skipped: no openssl program on this machine")
            return
        }
        let site = try Site()
        let serving = try await site.installation.serve()
        defer { serving.program.kill() }
        let scratch = site.installation.scratch
        let right = try site.clients.certify([.dnsName("hooks.example.org")])
        try scratch.write(right.pem, to: "client.pem")
        try scratch.writePrivate(right.keyPEM, to: "client-key.pem")
        let body = #"{"kind":"notice.given","signal":{"event":"e","resources":[]}}"#
        try scratch.write(
            "POST /hooks/hub HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nwebhook-id: r-1\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)", to: "request")
        let place = site.url(serving).replacingOccurrences(of: "https://", with: "")
        for (turn, session) in ["-sess_out session", "-sess_in session"].enumerated() {
            let words = try ScratchFolder("cordon-words")
            let client = try ProgramUnderTest(
                "/bin/bash",
                [
                    "-c",
                    "openssl s_client -connect \(place) -tls1_2 -cert client.pem -key client-key.pem \(session)"
                        + " -ign_eof < request",
                ], folder: scratch.path, capturedIn: words, as: "openssl")
            _ = try await client.waitForExit()
            #expect(client.output.contains("HTTP/1.1 202"), "\(client.output)\(client.error)")
            #expect(client.output.contains("Reused, ") == (turn == 1))
        }
    }

    @Test func `certificates that are renewed are shown to those who come, and nobody is cut off`() async throws {
        let site = try Site()
        let serving = try await site.installation.serve()
        defer { serving.program.kill() }
        #expect(try await site.ask("GET", site.url(serving) + "/health").status == 200)
        let next = try TestAuthority("the next authority")
        try site.showCertificate(of: next)
        serving.program.send(signal: SIGHUP)
        try await eventually("the new certificate is shown") {
            (try? await site.ask("GET", site.url(serving) + "/health", trust: next))?.status == 200
        }
        // This connection was made before.
        #expect(try await site.ask("GET", site.url(serving) + "/health").status == 200)
        // Half a change: the key of another certificate.
        try site.installation.scratch.writePrivate(try next.certify([]).keyPEM, to: "key.pem")
        serving.program.send(signal: SIGHUP)
        try await eventually("the change is refused") {
            serving.program.error.contains("certificates could not be read anew")
        }
        #expect(try await site.ask("GET", site.url(serving) + "/health", trust: next).status == 200)
    }

    @Test func `what can't be served is refused at the start, with the way out`() async throws {
        let site = try Site()
        let scratch = site.installation.scratch
        func refusal(_ more: String...) async throws -> String {
            let ended = try await site.installation.finish(["serve"] + more)
            #expect(ended.end != .exited(0))
            return ended.error
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: scratch.path("key.pem"))
        #expect(
            try await refusal().contains("others may read the secret file \(scratch.path("key.pem")); run: chmod 600"))
        try scratch.writePrivate(try site.own.certify([]).keyPEM, to: "key.pem")
        #expect(try await refusal().contains("key.pem is not the key of the certificate in"))
        try scratch.writePrivate("no key", to: "key.pem")
        #expect(try await refusal().contains("key.pem holds no private key in PEM"))
        try site.showCertificate(of: site.own)
        try scratch.write("no certificate", to: "clients.pem")
        #expect(try await refusal().contains("clients.pem holds no client authority in PEM"))
        try scratch.write(
            "listen: { port: 0, certificate: chain.pem, key: key.pem }\nstate: state\n", to: "cordon.yaml")
        #expect(try await refusal().contains("the sources hub show who they are by client certificates"))
        try scratch.write("listen: { port: 0, certificate: chain.pem }\nstate: state\n", to: "cordon.yaml")
        #expect(try await refusal().contains("listen.certificate and listen.key go together"))
        try scratch.write("listen: { port: 0, client_ca: clients.pem }\nstate: state\n", to: "cordon.yaml")
        #expect(try await refusal().contains("takes listen.certificate and listen.key"))
        try scratch.write("listen: { port: 0 }\nstate: state\n", to: "cordon.yaml")
        let mistake = try scratch.read("connections.yaml").replacingOccurrences(of: "dns:hooks", with: "host:hooks")
        try scratch.write(mistake, to: "connections.yaml")
        #expect(try await refusal().contains("'host:hooks.example.org' names no client certificate"))
    }
}
