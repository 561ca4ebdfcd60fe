// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Synchronization
import TestKit
import Testing

/// Secrets of a Vault, at a local server that answers as its API pages say:
/// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, /auth/approle, /auth/kubernetes, /auth/token.
@Suite struct VaultTests {
    /// A clock that stands still until it is moved, and what the server answers to each path; the last one goes on.
    private final class Site: Sendable {
        typealias Answer = LoopbackServer.Answer

        private struct State {
            var now = Instant(milliseconds: 1_795_000_000_000)
            var answers: [String: [Answer]] = [:]
        }

        private let box: Box
        let server: LoopbackServer
        let folder: ScratchFolder
        let desk: VaultDesk
        let reader: SecretReader

        init(_ login: Vault.Login, namespace: String? = nil, _ answers: [String: [Answer]]) throws {
            var state = State()
            state.answers = answers
            let shared = Box(state)
            box = shared
            server = try LoopbackServer { request in shared.answer(request.target) }
            folder = try ScratchFolder()
            for (name, text, mode) in [
                ("token", "s.file-token\n", 0o600), ("role", "role-1", 0o600), ("secret", "secret-1", 0o600),
                ("jwt", "e.y.J", 0o644),
            ] {
                let path = try folder.write(text, to: name)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            }
            var reader = SecretReader(folder: folder.path)
            desk = VaultDesk(
                Vault(
                    url: server.url, namespace: namespace, login: login,
                    egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true), refreshMilliseconds: 60_000,
                    keepMilliseconds: 600_000),
                secrets: reader, transport: try CurlTransport(), clock: { shared.now })
            reader.vault = desk
            self.reader = reader
        }

        private final class Box: Sendable {
            private let state: Mutex<State>
            init(_ state: State) { self.state = Mutex(state) }
            var now: Instant { state.withLock { $0.now } }
            func pass(_ milliseconds: Int64) { state.withLock { $0.now = $0.now.adding(milliseconds: milliseconds) } }
            func answer(_ target: String) -> Answer {
                state.withLock { state in
                    guard var answers = state.answers[target], let first = answers.first else {
                        return .json(#"{"errors":[]}"#, status: 404)
                    }
                    if answers.count > 1 { answers.removeFirst() }
                    state.answers[target] = answers
                    return first
                }
            }
        }

        func pass(seconds: Int64) { box.pass(seconds * 1000) }

        func text(_ path: String = VaultTests.path, _ field: String = "api_token") throws -> String {
            String(decoding: try reader.read(.vault(path: path, field: field)).reveal(), as: UTF8.self)
        }

        /// Why it can't be had, and whether it may be had later.
        func lack(_ path: String = VaultTests.path, _ field: String = "api_token") -> ConnectorError? {
            do {
                _ = try text(path, field)
                return nil
            } catch { return error as? ConnectorError }
        }

        var asked: [String] { server.requests.map { "\($0.method) \($0.target)" } }
    }

    static let path = "secret/data/cordon/okta"
    private static let get = "GET /v1/secret/data/cordon/okta"

    /// As the page of KV version 2 shows it.
    private static func secret(_ token: String, deletion: String = "", destroyed: Bool = false, lease: Int = 0)
        -> LoopbackServer.Answer
    {
        .json(
            """
            {"request_id":"r","lease_id":"","renewable":false,"lease_duration":\(lease),"data":{"data":\
            {"api_token":"\(token)","number":7,"empty":""},"metadata":{"created_time":"2026-03-22T02:24:06.945319214Z",\
            "custom_metadata":null,"deletion_time":"\(deletion)","destroyed":\(destroyed),"version":2}},"wrap_info":null,\
            "warnings":null,"auth":null}
            """)
    }

    private static func login(_ token: String, lease: Int, renewable: Bool = true) -> LoopbackServer.Answer {
        .json(
            """
            {"auth":{"renewable":\(renewable),"lease_duration":\(lease),"metadata":{},"token_policies":["default"],\
            "accessor":"a","client_token":"\(token)"},"warnings":null,"wrap_info":null,"data":null,"lease_duration":0}
            """)
    }

    private static let byFile = Vault.Login.token(.file("token"))
    private static let byRole = Vault.Login.appRole(mount: "approle", role: .file("role"), secret: .file("secret"))
    private static let sealed = LoopbackServer.Answer.json(#"{"errors":["Vault is sealed"]}"#, status: 503)

    // MARK: Reading

    @Test func `a secret is read by a token that lies in a file, under the namespace`() async throws {
        let site = try Site(Self.byFile, namespace: "team/a", ["/v1/\(Self.path)": [Self.secret("t-1")]])
        #expect(site.lack()?.code == .secretUnavailable)
        #expect(await site.desk.refresh().isEmpty)
        #expect(try site.text() == "t-1")
        #expect(site.asked == [Self.get])
        let headers = try #require(site.server.requests.first).headers
        #expect(headers["x-vault-token"] == "s.file-token")
        #expect(headers["x-vault-namespace"] == "team/a")
        #expect(headers["x-vault-request"] == "true")
        for field in ["absent", "number", "empty"] {
            #expect(site.lack(Self.path, field)?.code == .secretMissing, "\(field)")
        }
        // Until it is due, nobody is asked.
        #expect(await site.desk.refresh().isEmpty)
        #expect(site.asked.count == 1)
    }

    @Test func `AppRole signs in, its token is renewed before its end, and a new one is got where that fails`()
        async throws
    {
        let site = try Site(
            Self.byRole,
            [
                "/v1/\(Self.path)": [Self.secret("t-1"), Self.secret("t-2"), Self.secret("t-3")],
                "/v1/auth/approle/login": [Self.login("s.one", lease: 90), Self.login("s.two", lease: 3600)],
                "/v1/auth/token/renew-self": [
                    Self.login("s.one", lease: 90), .json(#"{"errors":["permission denied"]}"#, status: 403),
                ],
            ])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        _ = await site.desk.refresh()
        let first = site.server.requests
        #expect(first.map(\.bodyText).first == #"{"role_id":"role-1","secret_id":"secret-1"}"#)
        #expect(first.last?.headers["x-vault-token"] == "s.one")
        site.pass(seconds: 65)
        _ = await site.desk.refresh()
        #expect(try site.text() == "t-2")
        site.pass(seconds: 65)
        _ = await site.desk.refresh()
        #expect(try site.text() == "t-3")
        #expect(
            site.asked == [
                "POST /v1/auth/approle/login", Self.get, "POST /v1/auth/token/renew-self", Self.get,
                "POST /v1/auth/token/renew-self", "POST /v1/auth/approle/login", Self.get,
            ])
        #expect(site.server.requests.last?.headers["x-vault-token"] == "s.two")
    }

    @Test func `a pod signs in by its service account's token, whoever may read that file`() async throws {
        let site = try Site(
            .kubernetes(mount: "kubernetes/prod", role: "cordon", token: .file("jwt")),
            [
                "/v1/\(Self.path)": [Self.secret("t-1")],
                "/v1/auth/kubernetes/prod/login": [Self.login("s.pod", lease: 0)],
            ])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        _ = await site.desk.refresh()
        #expect(site.server.requests.first?.bodyText == #"{"jwt":"e.y.J","role":"cordon"}"#)
        #expect(try site.text() == "t-1")
        // A token without an end is used on.
        site.pass(seconds: 61)
        _ = await site.desk.refresh()
        #expect(site.asked == ["POST /v1/auth/kubernetes/prod/login", Self.get, Self.get])
    }

    @Test func `a token that was ended meanwhile is replaced once, and what is refused then is refused`() async throws {
        let denied = LoopbackServer.Answer.json(#"{"errors":["1 error occurred: permission denied"]}"#, status: 403)
        let site = try Site(
            Self.byRole,
            [
                "/v1/\(Self.path)": [Self.secret("t-1"), denied, Self.secret("t-2"), denied],
                "/v1/auth/approle/login": [Self.login("s.one", lease: 3600, renewable: false)],
            ])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        _ = await site.desk.refresh()
        site.pass(seconds: 61)
        _ = await site.desk.refresh()
        #expect(try site.text() == "t-2")
        site.pass(seconds: 61)
        let told = await site.desk.refresh()
        #expect(told.map(\.text) == ["vault:\(Self.path): the Vault refuses the secret (HTTP 403)"])
        #expect(site.lack()?.code == .secretMissing)
    }

    // MARK: Faults

    private static let faults: [(String, LoopbackServer.Answer, isWord: Bool, says: String)] = [
        ("403", .json(#"{"errors":["permission denied"]}"#, status: 403), true, "refuses the secret (HTTP 403)"),
        ("404", .json(#"{"errors":[]}"#, status: 404), true, "nothing there (HTTP 404)"),
        (
            "deleted",
            .json(#"{"data":{"data":null,"metadata":{"deletion_time":"2020-01-01T00:00:00Z"}}}"#, status: 404), true,
            "HTTP 404"
        ),
        ("destroyed", secret("t-9", destroyed: true), true, "destroyed"),
        ("deleted, told with 200", secret("t-9", deletion: "2020-01-01T00:00:00Z"), true, "deleted"),
        ("sealed", sealed, false, "sealed or under maintenance (HTTP 503)"),
        ("5xx", .json(#"{"errors":["t-1 is the secret"]}"#, status: 500), false, "HTTP 500"),
        ("429", .json(#"{"errors":[]}"#, status: 429), false, "busy or on standby"),
        ("redirect", .redirect(to: "http://127.0.0.1:1/", status: 307), false, "name its active node"),
        (
            "half a body", .halfBody(200, ["content-type": "application/json"], #"{"data":{"data":{"api_to"#), false,
            "does not answer"
        ),
        ("wrong JSON", .wrongJSON, false, "no JSON object"),
        ("version 1", .json(#"{"data":{"api_token":"t-9"},"lease_duration":2764800}"#), false, "version 2"),
        ("reset", .resetWithoutAnswer, false, "does not answer"),
        ("closed", .closeWithoutAnswer, false, "does not answer"),
        ("too much", .hugeBody(bytes: 2 << 20), false, "does not answer"),
    ]

    @Test(arguments: faults.indices)
    func `what the Vault says holds at once, and while it says nothing its last word holds until its end`(
        _ place: Int
    ) async throws {
        let (name, fault, isWord, says) = Self.faults[place]
        let site = try Site(Self.byFile, ["/v1/\(Self.path)": [Self.secret("t-1"), fault]])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        _ = await site.desk.refresh()
        site.pass(seconds: 61)
        let told = await site.desk.refresh()
        #expect(told.count == 1 && told[0].isFault && told[0].text.contains(says), "\(name): \(told)")
        #expect(!told[0].text.contains("t-1") && !told[0].text.contains("t-9"), "\(name)")
        if isWord {
            let lack = try #require(site.lack())
            #expect(lack.code == .secretMissing && lack.reason.contains(says), "\(name): \(lack)")
            return
        }
        #expect(try site.text() == "t-1", "\(name)")
        // Told once, though it goes on.
        site.pass(seconds: 31)
        #expect(await site.desk.refresh().isEmpty, "\(name)")
        site.pass(seconds: 600)
        let lack = try #require(site.lack())
        #expect(lack.code == .secretUnavailable && lack.reason.contains(says), "\(name): \(lack)")
        #expect(lack.reason.hasPrefix("vault:\(Self.path)#api_token: "))
    }

    @Test func `a Vault that was sealed is asked again, ever less often, and then no more is said of it`() async throws
    {
        let site = try Site(
            Self.byRole,
            [
                "/v1/\(Self.path)": [Self.secret("t-1")],
                "/v1/auth/approle/login": [Self.sealed, Self.sealed, Self.login("s.one", lease: 3600)],
            ])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        #expect(await site.desk.refresh().map(\.isFault) == [true])
        #expect(await site.desk.refresh().isEmpty && site.asked.count == 1, "not before a second has passed")
        site.pass(seconds: 1)
        #expect(await site.desk.refresh().isEmpty && site.asked.count == 2)
        site.pass(seconds: 1)
        #expect(await site.desk.refresh().isEmpty && site.asked.count == 2)
        site.pass(seconds: 1)
        #expect(await site.desk.refresh().map(\.text) == ["vault:\(Self.path) could be read again"])
        #expect(try site.text() == "t-1")
    }

    @Test func `a lease of its own is read anew before its end and used no longer`() async throws {
        let site = try Site(
            Self.byFile,
            ["/v1/\(Self.path)": [Self.secret("t-1", lease: 30), Self.secret("t-2", lease: 30), Self.sealed]])
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        _ = await site.desk.refresh()
        site.pass(seconds: 21)
        _ = await site.desk.refresh()
        #expect(try site.text() == "t-2")
        site.pass(seconds: 21)
        _ = await site.desk.refresh()
        #expect(try site.text() == "t-2")
        site.pass(seconds: 9)
        #expect(site.lack()?.code == .secretUnavailable)
    }

    @Test func `what opens the Vault and lies open, or is not there, is told by its name`() async throws {
        let site = try Site(Self.byFile, [:])
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: site.folder.path("token"))
        site.desk.want([.vault(path: Self.path, field: "api_token")])
        let told = await site.desk.refresh()
        #expect(told.first?.text.contains("others may read the secret file \(site.folder.path("token"))") == true)
        #expect(site.asked.isEmpty)
        #expect(site.lack()?.code == .secretUnavailable)
    }

    // MARK: Loading

    private func load(_ vault: String, secret: String = "{ vault: secret/data/cordon/hook#key }") -> (
        Connections?, [String]
    ) {
        let text = """
            sources:
              - { id: github, connector: github, secrets: [\(secret)] }
            providers: []
            \(vault)

            """
        do {
            let github = try shippedConnector("github")
            switch Connections.load(Array(text.utf8), file: "connections.yaml", connectors: ["github": github]) {
            case .success(let connections): return (connections, [])
            case .failure(let found): return (nil, found.all.map(\.message))
            }
        } catch { return (nil, ["\(error)"]) }
    }

    @Test func `a Vault is told with its login, and what refers to it names path and field`() throws {
        let (connections, mistakes) = load(
            "vault: { url: 'https://v.example:8200/', login: { mount: app, role_id: { env: R }, secret_id: { file: s } }, refresh: 1m }"
        )
        #expect(mistakes.isEmpty)
        let vault = try #require(connections?.vault)
        #expect(vault.url == "https://v.example:8200")
        #expect(vault.login == .appRole(mount: "app", role: .environment("R"), secret: .file("s")))
        #expect(vault.refreshMilliseconds == 60_000 && vault.keepMilliseconds == 3_600_000)
        #expect(connections?.secretReferences == [.vault(path: "secret/data/cordon/hook", field: "key")])
    }

    @Test(arguments: [
        ("", "{ vault: secret/data/a#b }", "lies in a Vault, and none is told"),
        (
            "vault: { url: 'http://v.example', login: { token: { file: t } } }", "{ file: a }",
            "no absolute URL of https"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { vault: secret/data/a#b } } }", "{ file: a }",
            "can't lie in it"
        ),
        ("vault: { url: 'https://v.example', login: { role_id: { env: R } } }", "{ file: a }", "by token, by AppRole"),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } }, refresh: 2h, keep: 1h }", "{ file: a }",
            "given up before"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } } }", "{ vault: secret/a#b }",
            "names no secret of a Vault"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } } }", "{ vault: secret/data/../a#b }",
            "names no secret of a Vault"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } } }", "{ vault: 'secret/data/a?x#b' }",
            "names no secret of a Vault"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } } }", "{ vault: secret/data/a }",
            "names no secret of a Vault"
        ),
        (
            "vault: { url: 'https://v.example', login: { token: { env: R } } }", "{ vault: secret/data#a }",
            "names no secret of a Vault"
        ),
    ])
    func `a mistake in it is told`(_ vault: String, _ secret: String, _ says: String) {
        let (connections, mistakes) = load(vault, secret: secret)
        #expect(connections == nil)
        #expect(mistakes.contains { $0.contains(says) }, "\(mistakes)")
    }
}
