// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonLanguage
import Foundation
import TestKit

/// A private Glewlwyd (an OAuth 2.0 and OpenID Connect server, Debian package `glewlwyd`) on loopback with a database
/// of its own, provisioned over its own API with a client, a user and two scopes.
final class Glewlwyd: Sendable {
    static let program = "/usr/bin/glewlwyd"
    private static let schema = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
    private static let settings = "/etc/glewlwyd/glewlwyd.conf"

    let base: String
    let web: Web
    private let process: ProgramUnderTest

    static var isInstalled: Bool {
        [program, schema, settings].allSatisfy { FileManager.default.fileExists(atPath: $0) }
    }

    init(in scratch: ScratchFolder, port: Int) async throws {
        let folder = scratch.path
        base = "http://127.0.0.1:\(port)/api"
        web = try Web()
        try Glewlwyd.writeDatabase(folder + "/glewlwyd.db")
        try Glewlwyd.writeSettings(folder: folder, port: port)
        process = try ProgramUnderTest(
            Glewlwyd.program, ["--config-file=\(folder)/glewlwyd.conf"], folder: folder, capturedIn: scratch,
            as: "glewlwyd")
        let web = self.web
        var last = "nothing was asked"
        do {
            try await eventually("Glewlwyd to listen") {
                do {
                    let status = try await web.ask("GET", "http://127.0.0.1:\(port)/config").status
                    last = "it answered \(status)"
                    return status == 200
                } catch let error as Web.NoAnswer {
                    last = error.reason
                    return false
                }
            }
        } catch {
            throw Web.NoAnswer(
                reason:
                    "\(error); the last time: \(last); its end: \(String(describing: process.end)); it said: \(process.error)"
            )
        }
        try await provision()
    }

    func stop() { process.kill() }

    private static func writeDatabase(_ path: String) throws {
        let script = try String(contentsOfFile: schema, encoding: .utf8)
        var database: OpaquePointer?
        defer { sqlite3_close_v2(database) }
        guard sqlite3_open(path, &database) == SQLITE_OK, sqlite3_exec(database, script, nil, nil, nil) == SQLITE_OK
        else { throw Web.NoAnswer(reason: "Glewlwyd's schema: \(String(cString: sqlite3_errmsg(database)))") }
    }

    /// The packaged file, with only what a loopback test needs changed.
    private static func writeSettings(folder: String, port: Int) throws {
        let changes = [
            "port=": "port=\(port)", "#bind_address=": "bind_address=\"127.0.0.1\"",
            "external_url=": "external_url=\"http://127.0.0.1:\(port)/\"", "log_mode=": "log_mode=\"console\"",
            "log_level=": "log_level=\"WARNING\"",
            "admin_session_authentication=": "admin_session_authentication=\"cookie,api_key\"",
            "@include ": "database = { type = \"sqlite3\"; path = \"\(folder)/glewlwyd.db\" };",
        ]
        let lines = try String(contentsOfFile: settings, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let changed = lines.map { line in changes.first { line.hasPrefix($0.key) }?.value ?? String(line) }
        try changed.joined(separator: "\n").write(toFile: folder + "/glewlwyd.conf", atomically: true, encoding: .utf8)
    }

    private func provision() async throws {
        let signIn = try await web.ask(
            "POST", base + "/auth/", headers: json, body: #"{"username":"admin","password":"password"}"#)
        let cookie = signIn.headers["set-cookie"]?.split(separator: ";").first.map(String.init) ?? ""
        let key =
            try await web.ask("POST", base + "/key/", headers: [("cookie", cookie)]).json["key"]?.stringValue ?? ""
        let admin = json + [("authorization", "token " + key)]
        for scope in ["repo:read", "repo:write"] {
            try await make(
                "/scope/", admin,
                [
                    "name": .string(scope), "display_name": .string(scope), "password_required": true,
                    "password_max_age": 0, "scheme": .object([:]),
                ])
        }
        try await make(
            "/mod/plugin/", admin,
            ["module": "oidc", "name": "oidc", "display_name": "oidc", "enabled": true, "parameters": plugin])
        try await make(
            "/client/", admin,
            [
                "client_id": "bot-ci", "name": "CI bot", "client_secret": "bot-secret-1", "confidential": true,
                "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"], "enabled": true,
                "authorization_type": ["refresh_token", "password", "client_credentials"],
                "redirect_uri": ["http://127.0.0.1/cb"], "scope": ["repo:read", "repo:write"],
            ])
        try await make(
            "/user/", admin,
            [
                "username": "dave", "name": "Dave", "email": "dave@example.test", "password": "password1",
                "enabled": true, "scope": ["g_profile", "repo:read", "repo:write", "openid"],
            ])
    }

    private var json: [(name: String, value: String)] { [("content-type", "application/json")] }

    private var plugin: Value {
        [
            "iss": .string(base + "/oidc"), "jwt-type": "sha", "jwt-key-size": "256",
            "key": "a-key-for-tests-only-0123456789abcdef", "jwks-show": false, "code-duration": 600,
            "refresh-token-duration": 1_209_600, "access-token-duration": 3600, "allow-non-oidc": true,
            "auth-type-client-enabled": true, "auth-type-code-enabled": true, "auth-type-token-enabled": false,
            "auth-type-id-token-enabled": true, "auth-type-password-enabled": true, "auth-type-refresh-enabled": true,
            "refresh-token-rolling": true, "introspection-revocation-allowed": true,
            "introspection-revocation-allow-target-client": true,
            "introspection-revocation-auth-scope": ["g_admin"],
        ]
    }

    private func make(_ path: String, _ headers: [(name: String, value: String)], _ body: Value) async throws {
        let answer = try await web.ask("POST", base + path, headers: headers, body: body.json)
        guard answer.status == 200 else {
            throw Web.NoAnswer(reason: "Glewlwyd refused \(path): \(answer.status) \(answer.text)")
        }
    }

    // MARK: What a client of it does

    /// A user's access token, as a job would hold it.
    func token() async throws -> String {
        let answer = try await web.form(
            base + "/oidc/token",
            [
                ("grant_type", "password"), ("username", "dave"), ("password", "password1"),
                ("scope", "repo:read openid"),
            ],
            user: "bot-ci", password: "bot-secret-1")
        guard let token = answer.json["access_token"]?.stringValue else {
            throw Web.NoAnswer(reason: "no token: \(answer.status) \(answer.text)")
        }
        return token
    }

    /// The status that the token's use gets: 200 while it lives, 401 after.
    func use(_ token: String) async throws -> Int {
        try await web.ask("GET", base + "/oidc/userinfo", headers: [("authorization", "Bearer " + token)]).status
    }

    func isActive(_ token: String) async throws -> Bool {
        try await web.form(base + "/oidc/introspect", [("token", token)], user: "bot-ci", password: "bot-secret-1")
            .json["active"] == true
    }
}
