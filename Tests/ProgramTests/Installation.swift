// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Crypto
import Foundation
import TestKit

/// An installation of the built program in a folder of its own: settings, one OAuth 2.0 provider, one token that an
/// alert may name.
final class Installation: Sendable {
    /// A `guards.yaml` under which a flood of alerts is let act, where the flood itself is what is tried.
    static let openGuards = """
        limits: { per_playbook: 100000, per_provider: 100000, per_owner: 100000, per_hour: 100000, share: 100% }
        surge: { cap: 100000 }
        breaker: { at_least: 200 }

        """

    let scratch: ScratchFolder
    let web: Web
    private static let hookSecret = "a webhook's secret for tests"
    static let tokenID = "billing-token"

    /// The program as the tests' own build made it.
    static let program: String = {
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [bundle.path, bundle.deletingLastPathComponent().path, productsFolder]
        return candidates.map { $0 + "/cordon" }.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "cordon"
    }()

    private static var productsFolder: String {
        for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
            return (bundle.bundlePath as NSString).deletingLastPathComponent
        }
        return Bundle.main.bundlePath
    }

    init(introspect: String, revoke: String, clientID: String, clientSecret: String, token: String) throws {
        scratch = try ScratchFolder("cordon-program")
        web = try Web()
        try scratch.write("listen: { port: 0 }\nlog: { level: debug }\nstate: state\n", to: "cordon.yaml")
        try scratch.write(
            """
            sources:
              - { id: github, connector: github, secrets: [{ file: hook-secret }] }
            providers:
              - id: login
                connector: oauth2
                settings:
                  introspection_endpoint: "\(introspect)"
                  revocation_endpoint: "\(revoke)"
                  client_id: "\(clientID)"
                secrets: { client_secret: { file: client-secret } }
                egress: { plain_http: true, loopback: true }
            """, to: "connections.yaml")
        try scratch.write(
            """
            identities:
              - id: \(Installation.tokenID)
                kind: credential
                provider: login
                owner: team/billing
                matches: { issuer: github, repository: octo-org/billing, secret_type: example_api_token }
                secrets: { token: { file: token } }
            """, to: "identities.yaml")
        for (name, text) in [
            ("hook-secret", Installation.hookSecret), ("client-secret", clientSecret), ("token", token),
        ] {
            let path = try scratch.write(text, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    /// A command run to its end.
    func command(_ arguments: String..., folder: String? = nil) async throws -> (
        end: ProgramUnderTest.End, output: String, error: String
    ) {
        let program = try ProgramUnderTest(
            Installation.program, arguments, folder: folder ?? scratch.path, capturedIn: scratch, as: "command")
        let end = try await program.waitForExit(timeoutMilliseconds: 60_000)
        return (end, program.output, program.error)
    }

    /// Starts the server, under `wrapper` when one is given, and waits until it answers.
    func serve(wrapper: [String] = [], _ more: String...) async throws -> Serving {
        let line = wrapper + [Installation.program, "serve"] + more
        let program = try ProgramUnderTest(
            line[0], Array(line.dropFirst()), folder: scratch.path, capturedIn: scratch, as: "serve")
        let port = try await program.waitForPort(after: "listening on", on: .error, timeoutMilliseconds: 60_000)
        return Serving(program: program, url: "http://127.0.0.1:\(port)", web: web)
    }

    /// Ends the server itself, whatever it was started under.
    func terminateServer() throws {
        let address = try JSON.parse([UInt8](Data(contentsOf: URL(filePath: scratch.path + "/state/server.json"))))
        guard let id = address["pid"]?.intValue, id > 1 else { throw Web.NoAnswer(reason: "no server is announced") }
        kill(Int32(id), SIGTERM)
    }

    struct Serving: Sendable {
        let program: ProgramUnderTest
        let url: String
        let web: Web

        func post(_ body: String, delivery: String, event: String = "secret_scanning_alert", signature: String? = nil)
            async throws -> Web.Answer
        {
            try await web.ask(
                "POST", url + "/hooks/github",
                headers: [
                    ("content-type", "application/json"), ("x-github-event", event), ("x-github-delivery", delivery),
                    ("x-hub-signature-256", signature ?? Installation.sign(body)),
                ], body: body)
        }
    }

    static func sign(_ body: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(body.utf8), using: SymmetricKey(data: Array(hookSecret.utf8)))
        return "sha256=" + code.map { String(format: "%02x", $0) }.joined()
    }

    /// The shape of GitHub's secret scanning alert, with the fields that matter here.
    static func alert(number: Int = 42, validity: String = "active", action: String = "created") -> String {
        """
        {"action":"\(action)","alert":{"number":\(number),"created_at":"2026-11-23T18:04:05Z",\
        "html_url":"https://github.com/octo-org/billing/security/secret-scanning/\(number)","state":"open",\
        "secret_type":"example_api_token","secret_type_display_name":"Example API Token","validity":"\(validity)",\
        "publicly_leaked":false,"multi_repo":false,"push_protection_bypassed":false,"resolution":null},\
        "repository":{"id":1296269,"name":"billing","full_name":"octo-org/billing","private":true,\
        "owner":{"login":"octo-org","id":6811672,"type":"Organization"}},\
        "sender":{"login":"octocat","id":583231,"type":"User"}}
        """
    }

    // MARK: What is stored, as an operator reads it

    func runs() async throws -> [Value] {
        let (_, output, _) = try await command("run", "list", "-o", "json")
        return (try JSON.parse(output)).arrayValue ?? []
    }

    func run(_ id: String) async throws -> Value {
        let (_, output, _) = try await command("run", "show", id, "-o", "json")
        return try JSON.parse(output)
    }
}
