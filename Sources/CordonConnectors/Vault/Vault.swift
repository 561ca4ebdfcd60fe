// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// A HashiCorp Vault or OpenBao server, whose key-value store (version 2) holds secrets that Cordon refers to.
/// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
package struct Vault: Sendable, Hashable {
    /// How Cordon shows who it is. What it needs for that lies here, never in the Vault itself.
    package enum Login: Sendable, Hashable {
        /// A token that somebody else renews and writes anew, such as Vault Agent: read before each visit.
        case token(SecretReference)
        /// https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle
        case appRole(mount: String, role: SecretReference, secret: SecretReference)
        /// https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login
        case kubernetes(mount: String, role: String, token: SecretReference)

        var references: [SecretReference] {
            switch self {
            case .token(let token): [token]
            case .appRole(_, let role, let secret): [role, secret]
            case .kubernetes(_, _, let token): [token]
            }
        }
    }

    /// Without a path: `https://vault.example.org:8200`.
    package var url: String
    /// Of Vault Enterprise and OpenBao.
    package var namespace: String?
    package var login: Login
    package var egress: EgressPolicy
    /// The only authorities to trust of its certificate.
    package var authority: SecretReference?
    /// How often a secret without a lease is read anew.
    package var refreshMilliseconds: Int64
    /// How long one without a lease may be used on while the Vault does not answer.
    package var keepMilliseconds: Int64

    package init(
        url: String, namespace: String? = nil, login: Login, egress: EgressPolicy = EgressPolicy(),
        authority: SecretReference? = nil, refreshMilliseconds: Int64 = Limits.vaultRefreshMillisecondsDefault,
        keepMilliseconds: Int64 = Limits.vaultKeepMillisecondsDefault
    ) {
        self.url = url
        self.namespace = namespace
        self.login = login
        self.egress = egress
        self.authority = authority
        self.refreshMilliseconds = refreshMilliseconds
        self.keepMilliseconds = keepMilliseconds
    }
}

extension Vault {
    /// `vault:` of `connections.yaml`.
    static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> Vault? {
        defer { map.refuseUnknown() }
        let url = map.string("url", required: true)
        let egress = map.mapping("egress").map(Connections.readEgress) ?? EgressPolicy()
        let namespace = map.string("namespace")
        let authority = map.node("authority").flatMap { SecretReference.read($0, loader.reader) }
        let span = Limits.vaultMillisecondsMin...Limits.vaultMillisecondsMax
        let refresh = map.milliseconds("refresh", in: span) ?? Limits.vaultRefreshMillisecondsDefault
        let keep = map.milliseconds("keep", in: span) ?? max(refresh, Limits.vaultKeepMillisecondsDefault)
        if keep < refresh {
            map.report(
                DefinitionCode.badSetting.rawValue, "keep", "a secret would be given up before it is read anew",
                "keep it at least as long as 'refresh'")
        }
        let login = map.mapping("login", required: true).flatMap { readLogin($0, loader) }
        guard let url, let login else { return nil }
        if !url.hasPrefix("https://"), !egress.allowsPlainHTTP || !url.hasPrefix("http://") {
            map.report(
                DefinitionCode.badSetting.rawValue, "url", "'url' is no absolute URL of https", "write https://…")
        }
        if (login.references + [authority].compactMap { $0 }).contains(where: \.isInVault) {
            map.report(
                DefinitionCode.badSecret.rawValue, "login", "what opens the Vault can't lie in it",
                "write { file: PATH }, { env: NAME } or { credential: NAME }")
        }
        return Vault(
            url: url.hasSuffix("/") ? String(url.dropLast()) : url, namespace: namespace, login: login,
            egress: egress, authority: authority, refreshMilliseconds: refresh, keepMilliseconds: keep)
    }

    private static func readLogin(_ map: YAMLFields, _ loader: DefinitionLoader) -> Login? {
        defer { map.refuseUnknown() }
        func secret(_ key: String) -> SecretReference? {
            map.node(key).flatMap { SecretReference.read($0, loader.reader) }
        }
        let mount = map.string("mount")
        if let mount, !SecretReference.isVaultPath(mount) {
            map.report(
                DefinitionCode.badSetting.rawValue, "mount", "'\(mount)' is no path of a mount", "write approle")
        }
        let token = secret("token"), roleID = secret("role_id"), secretID = secret("secret_id"), jwt = secret("jwt")
        let role = map.string("role")
        switch (token, roleID, secretID, jwt, role) {
        case (let token?, nil, nil, nil, nil) where mount == nil: return .token(token)
        case (nil, let roleID?, let secretID?, nil, nil):
            return .appRole(mount: mount ?? "approle", role: roleID, secret: secretID)
        case (nil, nil, nil, let jwt?, let role?):
            return .kubernetes(mount: mount ?? "kubernetes", role: role, token: jwt)
        default:
            map.report(
                DefinitionCode.badSecret.rawValue, "token", "a login is by token, by AppRole or by Kubernetes",
                "write token:, or role_id: and secret_id:, or role: and jwt:")
            return nil
        }
    }
}
