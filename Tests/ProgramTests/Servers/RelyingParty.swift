// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import CryptoExtras
import Foundation
import Synchronization
import TestKit

/// An OpenID provider as far as a relying party needs one to let somebody in. Its key is the one that Cordon signs with.
final class OpenIDProvider: Sendable {
    static let client = (id: "agent-console", secret: "rp-secret-41")
    let server: LoopbackServer
    let privatePEM: String
    var issuer: String { server.url }

    private struct Asked {
        var nonce: String
        var subject: String
    }

    init() throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        privatePEM = key.pemRepresentation
        let asked = Mutex<[String: Asked]>([:])
        let subject = Mutex(0)
        let keys = try Self.keySet(key).json
        server = try LoopbackServer { request in
            let issuer = "http://\(request.headers["host"] ?? "")"
            let query = Self.fields(request.target.split(separator: "?").dropFirst().first.map(String.init) ?? "")
            switch request.path {
            case "/.well-known/openid-configuration": return .json(Self.metadata(issuer).json)
            case "/keys": return .json(keys)
            case "/authorize":
                // Everybody who asks is let in as the agent's account.
                let code = subject.withLock { number in
                    number += 1
                    return "code-\(number)"
                }
                asked.withLock { $0[code] = Asked(nonce: query["nonce"] ?? "", subject: "agent-7") }
                return .redirect(to: "\(query["redirect_uri"] ?? "")?code=\(code)&state=\(query["state"] ?? "")")
            case "/token":
                let code = Self.fields(request.bodyText)["code"] ?? ""
                guard let asked = asked.withLock({ $0.removeValue(forKey: code) }) else { return .respond(400) }
                let token = Self.idToken(key, issuer, asked)
                return .json(#"{"access_token":"at","token_type":"Bearer","expires_in":300,"id_token":"\#(token)"}"#)
            default: return .respond(404)
            }
        }
    }

    private static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
            fields[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        return fields
    }

    private static func metadata(_ issuer: String) -> Value {
        [
            "issuer": .string(issuer), "authorization_endpoint": .string(issuer + "/authorize"),
            "token_endpoint": .string(issuer + "/token"), "jwks_uri": .string(issuer + "/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"], "backchannel_logout_supported": true,
        ]
    }

    private static func keySet(_ key: _RSA.Signing.PrivateKey) throws -> Value {
        let parts = try key.publicKey.getKeyPrimitives()
        return [
            "keys": [
                [
                    "kty": "RSA", "kid": "op-1", "alg": "RS256", "use": "sig",
                    "n": .string(text(Array(parts.modulus))), "e": .string(text(Array(parts.publicExponent))),
                ]
            ]
        ]
    }

    private static func idToken(_ key: _RSA.Signing.PrivateKey, _ issuer: String, _ asked: Asked) -> String {
        let now = Int64(Date(timeIntervalSinceNow: 0).timeIntervalSince1970)
        let header: Value = ["alg": "RS256", "typ": "JWT", "kid": "op-1"]
        let claims: Value = [
            "iss": .string(issuer), "sub": .string(asked.subject), "aud": .string(client.id),
            "nonce": .string(asked.nonce), "iat": .int(now), "exp": .int(now + 300),
        ]
        let signed = text(header.jsonBytes) + "." + text(claims.jsonBytes)
        let code = try? key.signature(for: SHA256.hash(data: Data(signed.utf8)), padding: .insecurePKCS1v1_5)
        return signed + "." + text(Array(code?.rawRepresentation ?? Data()))
    }

    private static func text(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(
            of: "/", with: "_"
        ).replacingOccurrences(of: "=", with: "")
    }
}

/// A real relying party: Apache with mod_auth_openidc (Debian packages `apache2`, `libapache2-mod-auth-openidc`).
final class RelyingParty: Sendable {
    private static let program = "/usr/sbin/apache2"
    private static let modules = "/usr/lib/apache2/modules"
    static var isInstalled: Bool {
        [program, modules + "/mod_auth_openidc.so"].allSatisfy { FileManager.default.fileExists(atPath: $0) }
    }
    static let install = "Apache is not installed (apt-get install apache2 libapache2-mod-auth-openidc)"

    let url: String
    private let web: Web
    private let process: ProgramUnderTest

    init(of provider: OpenIDProvider, in scratch: ScratchFolder) async throws {
        web = try Web()
        let port = try freePort()
        url = "http://127.0.0.1:\(port)"
        let folder = scratch.path("apache")
        try FileManager.default.createDirectory(atPath: folder + "/www/app", withIntermediateDirectories: true)
        try scratch.write("the page of those who are let in\n", to: "apache/www/app/index.html")
        try scratch.write(Self.settings(folder, port, provider.issuer), to: "apache/httpd.conf")
        // Whoever the processes are, where the system starts them as its administrator.
        for path in [scratch.path, folder, folder + "/www", folder + "/www/app"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
        }
        process = try ProgramUnderTest(
            Self.program, ["-f", folder + "/httpd.conf", "-X"], folder: folder, capturedIn: scratch,
            as: "apache")
        let (web, url) = (web, url)
        do {
            try await eventually("Apache to listen", seconds: 30) {
                do { return try await web.ask("GET", url + "/").status > 0 } catch is Web.NoAnswer { return false }
            }
        } catch {
            stop()
            let said = (try? String(contentsOfFile: folder + "/error.log", encoding: .utf8)) ?? ""
            throw Web.NoAnswer(reason: "\(error); it said: \(process.error) \(said.suffix(2000))")
        }
    }

    /// It is one process (`-X`), without children that would outlive it.
    func stop() { process.kill() }

    private static func settings(_ folder: String, _ port: Int, _ issuer: String) -> String {
        let names = [
            "mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "dir", "mime", "socache_shmcb",
            "auth_openidc",
        ].filter { FileManager.default.fileExists(atPath: "\(modules)/mod_\($0).so") }
        let loads = names.map { "LoadModule \($0)_module \(modules)/mod_\($0).so" }.joined(separator: "\n")
        return """
            ServerRoot \(folder)
            ServerName 127.0.0.1
            Listen 127.0.0.1:\(port)
            PidFile \(folder)/httpd.pid
            ErrorLog \(folder)/error.log
            LogLevel warn auth_openidc:info
            DefaultRuntimeDir \(folder)
            Mutex file:\(folder) default
            \(loads)
            DocumentRoot \(folder)/www
            TypesConfig /etc/mime.types
            DirectoryIndex index.html
            OIDCProviderMetadataURL \(issuer)/.well-known/openid-configuration
            OIDCClientID \(OpenIDProvider.client.id)
            OIDCClientSecret \(OpenIDProvider.client.secret)
            OIDCRedirectURI http://127.0.0.1:\(port)/cb
            OIDCCryptoPassphrase for-tests-alone
            OIDCScope openid
            OIDCSSLValidateServer Off
            OIDCSessionType server-cache
            OIDCCookieSameSite Off
            <Location /app>
              AuthType openid-connect
              Require valid-user
            </Location>
            <Location /cb>
              AuthType openid-connect
              Require valid-user
            </Location>

            """
    }

    // MARK: Somebody with a browser

    /// Goes through the provider and back: the cookie of the session.
    func signIn() async throws -> String {
        var cookies: [String: String] = [:]
        var address = url + "/app/"
        for _ in 0..<8 {
            let header = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            let isOwn = address.hasPrefix(url)
            let answer = try await web.ask(
                "GET", address, headers: isOwn && !header.isEmpty ? [("cookie", header)] : [])
            for match in (answer.headers["set-cookie"] ?? "").matches(of: /(mod_auth_openidc_[\w-]+)=([^;,]*)/) {
                cookies[String(match.1)] = String(match.2)
            }
            if answer.status == 200 { return header }
            guard answer.status == 302, let next = answer.headers["location"] else {
                throw Web.NoAnswer(reason: "\(address) answered \(answer.status): \(answer.text.prefix(400))")
            }
            address = next.hasPrefix("/") ? url + next : next
        }
        throw Web.NoAnswer(reason: "the sign-in goes in a circle")
    }

    /// The status that the page gets: 200 while the session lives, 302 to the provider after.
    func page(_ cookie: String) async throws -> Int {
        try await web.ask("GET", url + "/app/", headers: [("cookie", cookie)]).status
    }

    /// What it answers to a logout token that somebody else signed.
    func takes(_ token: String) async throws -> Int {
        try await web.form(url + "/cb?logout=backchannel", [("logout_token", token)]).status
    }
}
