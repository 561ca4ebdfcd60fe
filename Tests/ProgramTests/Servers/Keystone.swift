// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit

/// A private OpenStack Keystone on loopback with a database of its own: what it needs once is prepared once and copied.
final class Keystone: Sendable {
    static var isInstalled: Bool { PythonServers.has("keystone-manage") && PythonServers.has("waitress-serve") }
    static let password = "adminpw-5b21"

    let base: String
    private let web: Web
    private let process: ProgramUnderTest
    private let admin: String

    /// What it lets people sign in with.
    static let methods = "password,token,application_credential,totp"

    init(in scratch: ScratchFolder, port: Int, methods: String = methods) async throws {
        let home = try await Keystone.home(in: scratch)
        if methods != Keystone.methods { try Keystone.settings(home, methods) }
        base = "http://127.0.0.1:\(port)/v3"
        web = try Web()
        process = try await PythonServers.start(
            "python",
            [
                "-c",
                "from keystone.server.wsgi import initialize_public_application as f; import waitress; "
                    + "waitress.serve(f(), host='127.0.0.1', port=\(port), threads=1)",
            ], environment: ["OS_KEYSTONE_CONFIG_DIR": home, "OS_KEYSTONE_CONFIG_FILES": "keystone.conf"], in: scratch,
            as: "keystone", until: base, web: web)
        admin = try await Keystone.token(
            web, base, user: ["name": "admin", "domain": ["id": "default"]], password: Keystone.password,
            project: ["name": "admin", "domain": ["id": "default"]]
        ).token
    }

    func stop() { process.kill() }

    // MARK: Its folder

    private static func home(in scratch: ScratchFolder) async throws -> String {
        let prepared = PythonServers.folder + "/keystone-home"
        if !FileManager.default.fileExists(atPath: prepared + "/keystone.db") {
            let made = scratch.path("prepared")
            try await prepare(made, scratch)
            try? FileManager.default.removeItem(atPath: prepared)
            // Another run may have been as fast: one prepared folder is as good as the other.
            try? FileManager.default.copyItem(atPath: made, toPath: prepared)
            return made
        }
        let own = scratch.path("keystone")
        try FileManager.default.copyItem(atPath: prepared, toPath: own)
        try settings(own)
        return own
    }

    /// What a remedy changes and a test looks at is never answered from memory; the rest is, or each call takes a second.
    private static func settings(_ folder: String, _ methods: String = methods) throws {
        let text = """
            [DEFAULT]
            log_dir = \(folder)
            [database]
            connection = sqlite:///\(folder)/keystone.db
            [token]
            provider = fernet
            caching = false
            [revoke]
            caching = false
            [fernet_tokens]
            key_repository = \(folder)/fernet
            [credential]
            key_repository = \(folder)/creds
            [auth]
            methods = \(methods)
            [identity]
            password_hash_algorithm = bcrypt
            password_hash_rounds = 4
            caching = false
            [cache]
            enabled = true
            backend = dogpile.cache.memory

            """
        try text.write(toFile: folder + "/keystone.conf", atomically: true, encoding: .utf8)
    }

    private static func prepare(_ folder: String, _ scratch: ScratchFolder) async throws {
        for name in ["fernet", "creds"] {
            try FileManager.default.createDirectory(
                atPath: folder + "/" + name, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        try settings(folder)
        let manage = ["--config-file", folder + "/keystone.conf"]
        let (user, group) = ("\(getuid())", "\(getgid())")
        for arguments in [
            ["db_sync"], ["fernet_setup", "--keystone-user", user, "--keystone-group", group],
            ["credential_setup", "--keystone-user", user, "--keystone-group", group],
            ["bootstrap", "--bootstrap-password", password],
        ] {
            try await PythonServers.run("keystone-manage", manage + arguments, in: scratch)
        }
    }

    // MARK: As its administrator

    struct Account: Sendable {
        var id: String
        var project: String
        var member: String
        var password: String
    }

    /// Users, each with the roles reader and member in one project.
    func accounts(_ names: String...) async throws -> [Account] { try await accounts(names) }

    func accounts(_ names: [String]) async throws -> [Account] {
        let made = try await ask("POST", "/projects", ["project": ["name": "work", "domain_id": "default"]])
        let project = made.json["project"]?["id"]?.stringValue ?? ""
        var roles: [String] = []
        for role in ["reader", "member"] {
            let found = try await ask("GET", "/roles?name=\(role)").json["roles"]?.arrayValue?.first?["id"]
            roles.append(found?.stringValue ?? "")
        }
        var accounts: [Account] = []
        for name in names {
            let password = "pw-of-\(name)"
            let user: Value = ["name": .string(name), "domain_id": "default", "password": .string(password)]
            let answer = try await ask("POST", "/users", ["user": user])
            guard let id = answer.json["user"]?["id"]?.stringValue, !project.isEmpty, !roles.contains("") else {
                throw Web.NoAnswer(reason: "no account: \(answer.text)")
            }
            for role in roles { try await ask("PUT", "/projects/\(project)/users/\(id)/roles/\(role)") }
            accounts.append(Account(id: id, project: project, member: roles[1], password: password))
        }
        return accounts
    }

    @discardableResult
    func ask(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Web.Answer {
        try await web.ask(
            method, base + path, headers: [("content-type", "application/json"), ("x-auth-token", admin)],
            body: body?.json)
    }

    /// Whether the account has its role of a member, whether or not it may sign in.
    func holds(_ account: Account) async throws -> Bool {
        let path = "/projects/\(account.project)/users/\(account.id)/roles/\(account.member)"
        return try await ask("HEAD", path).status == 204
    }

    // MARK: As the account itself

    /// The status of a sign-in by password alone, and the token that it gave.
    func signIn(_ account: Account) async throws -> (status: Int, token: String) {
        try await Keystone.token(
            web, base, user: ["id": .string(account.id)], password: account.password,
            project: ["id": .string(account.project)])
    }

    private static func token(
        _ web: Web, _ base: String, user: Value, password: String, project: Value
    ) async throws -> (status: Int, token: String) {
        var named = user.objectValue ?? [:]
        named["password"] = .string(password)
        let body: Value = [
            "auth": [
                "identity": ["methods": ["password"], "password": ["user": .object(named)]],
                "scope": ["project": project],
            ]
        ]
        let answer = try await web.ask(
            "POST", base + "/auth/tokens", headers: [("content-type", "application/json")], body: body.json)
        guard answer.status < 500 else { throw Web.NoAnswer(reason: "\(answer.status) \(answer.text)") }
        return (answer.status, answer.headers["x-subject-token"] ?? "")
    }

    /// The status that the token's use gets.
    func use(_ token: String) async throws -> Int {
        try await web.ask("GET", base + "/auth/projects", headers: [("x-auth-token", token)]).status
    }

    /// The roles that a token carries now.
    func roles(of token: String) async throws -> [String] {
        let answer = try await web.ask(
            "GET", base + "/auth/tokens", headers: [("x-auth-token", admin), ("x-subject-token", token)])
        guard answer.status == 200 else { throw Web.NoAnswer(reason: "\(answer.status) \(answer.text)") }
        return (answer.json["token"]?["roles"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }.sorted()
    }
}
