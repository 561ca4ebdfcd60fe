// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What its user, a client of that user and its administrator do.
extension Glewlwyd {
    static let admin = (name: "admin", password: "password")

    /// The status of a sign-in, and the session's cookie.
    func signIn(_ name: String = "dave", _ password: String = "password1") async throws -> (status: Int, cookie: String)
    {
        let body: Value = ["username": .string(name), "password": .string(password)]
        let answer = try await web.ask(
            "POST", base + "/auth/", headers: [("content-type", "application/json")], body: body.json)
        return (answer.status, answer.headers["set-cookie"]?.split(separator: ";").first.map(String.init) ?? "")
    }

    /// The status that a session's use gets.
    func profile(_ cookie: String) async throws -> Int {
        try await web.ask("GET", base + "/profile_list", headers: [("cookie", cookie)]).status
    }

    func refreshToken() async throws -> String {
        let answer = try await web.form(
            base + "/oidc/token",
            [("grant_type", "password"), ("username", "dave"), ("password", "password1"), ("scope", "repo:read")],
            user: "bot-ci", password: "bot-secret-1")
        guard let token = answer.json["refresh_token"]?.stringValue else {
            throw Web.NoAnswer(reason: "no refresh token: \(answer.status) \(answer.text)")
        }
        return token
    }

    /// The status of a refresh, and the token that comes next: each is good for one use.
    func refresh(_ token: String) async throws -> (status: Int, next: String) {
        let answer = try await web.form(
            base + "/oidc/token", [("grant_type", "refresh_token"), ("refresh_token", token)], user: "bot-ci",
            password: "bot-secret-1")
        return (answer.status, answer.json["refresh_token"]?.stringValue ?? token)
    }

    /// Whether the user may sign in, as the administrator sees it.
    func isEnabled(_ name: String = "dave") async throws -> Bool {
        let cookie = try await signIn(Glewlwyd.admin.name, Glewlwyd.admin.password).cookie
        return try await web.ask("GET", base + "/user/\(name)", headers: [("cookie", cookie)]).json["enabled"] == true
    }

    /// Ends every session that the administrator has, Cordon's too: how many there were.
    func endSessionsOfAdministrator() async throws -> Int {
        let own = try await signIn(Glewlwyd.admin.name, Glewlwyd.admin.password).cookie
        let path = base + "/delegate/\(Glewlwyd.admin.name)/profile/session"
        let listed = try await web.ask("GET", path, headers: [("cookie", own)]).json.arrayValue ?? []
        let hashes = listed.filter { $0["enabled"] == true }.compactMap { $0["session_hash"]?.stringValue }
        // The one that asks goes last: it is refused from then on.
        for hash in hashes.reversed() {
            _ = try await web.ask("DELETE", path + "/\(hash)", headers: [("cookie", own)])
        }
        return hashes.count
    }
}
