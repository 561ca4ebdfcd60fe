// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension ProviderLoader {
    private enum Scheme: String, CaseIterable { case none, basic, header, token, sigv4 }

    func authentication(_ map: YAMLFields) -> ProviderShape.Authentication? {
        defer { map.refuseUnknown() }
        let user = map.string("user"), password = map.string("password")
        let prefix = map.string("prefix"), secret = map.string("secret")
        let scheme = map.oneOf("scheme", Scheme.self, required: true)
        let signIn = self.signIn(map, isWanted: scheme == .token)
        let signing = self.signing(map, isWanted: scheme == .sigv4)
        switch scheme {
        case nil: return nil
        case .some(.none): return ProviderShape.Authentication.none
        case .basic:
            guard let user, let password, settings[user] != nil, secrets.contains(password) else {
                lacks(map, "basic needs 'user', a setting, and 'password', a secret")
                return nil
            }
            return .basic(user: user, password: password)
        case .header:
            guard let secret, secrets.contains(secret) else {
                lacks(map, "header needs 'secret', one of the secrets")
                return nil
            }
            return .header(scheme: prefix ?? "", secret: secret)
        case .token: return signIn.map(ProviderShape.Authentication.token)
        case .sigv4: return signing.map(ProviderShape.Authentication.signed)
        }
    }

    private func lacks(_ map: YAMLFields, _ message: String) {
        map.report(DefinitionCode.badSetting.rawValue, "scheme", message)
    }

    /// A token is asked for like anything else; `client` names who asks, where that is told as HTTP Basic.
    private func signIn(_ map: YAMLFields, isWanted: Bool) -> ProviderShape.SignIn? {
        let fields = map.mapping("sign_in")
        let header = map.string("header"), prefix = map.string("prefix")
        guard let fields else {
            if isWanted { lacks(map, "token needs 'sign_in', which says how a token is asked for") }
            return nil
        }
        defer { fields.refuseUnknown() }
        let exchange = self.exchange(fields, isRead: false)
        let client = fields.mapping("client").flatMap(self.client)
        let variables: [String: Schema] = ["status": .int, "headers": .map(.string), "body": .any]
        let token = fields.node("token", required: true).flatMap { loader.arguments($0, variables: variables) }
        let expires = fields.node("expires").flatMap { loader.arguments($0, variables: variables) }
        guard let exchange, let token else { return nil }
        return ProviderShape.SignIn(
            exchange: exchange, client: client, token: token, expires: expires,
            header: header?.lowercased() ?? "authorization", prefix: prefix ?? (header == nil ? "Bearer" : ""))
    }

    private func client(_ map: YAMLFields) -> ProviderShape.SignIn.Client? {
        defer { map.refuseUnknown() }
        let user = map.string("user", required: true), password = map.string("password", required: true)
        guard let user, let password else { return nil }
        guard settings[user] != nil, secrets.contains(password) else {
            map.report(
                DefinitionCode.badSetting.rawValue, "user",
                "a client is 'user', a setting, and 'password', a secret")
            return nil
        }
        return ProviderShape.SignIn.Client(user: user, password: password)
    }

    private func signing(_ map: YAMLFields, isWanted: Bool) -> ProviderShape.Signing? {
        let accessKey = map.string("access_key"), secretKey = map.string("secret_key")
        let sessionToken = map.string("session_token")
        let regions = byAddress(map, "region"), services = byAddress(map, "service")
        guard isWanted else { return nil }
        guard let accessKey, let secretKey, let regions, let services, secrets.contains(accessKey),
            secrets.contains(secretKey), regions.values.allSatisfy({ settings[$0] != nil }),
            sessionToken.map(optionalSecrets.contains) ?? true
        else {
            lacks(
                map,
                "sigv4 needs 'access_key' and 'secret_key', secrets, 'region', a setting, and 'service'; a 'session_token' is one of the optional secrets"
            )
            return nil
        }
        return ProviderShape.Signing(
            accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken, regions: regions, services: services
        )
    }

    /// One text for every request, or one for each setting that requests go to.
    private func byAddress(_ map: YAMLFields, _ key: String) -> [String: String]? {
        let addresses = settings.filter { $0.value.kind == .url }.keys.sorted()
        guard let node = map.node(key) else { return nil }
        guard node.entries != nil, let fields = map.mapping(key) else {
            return map.string(key).map { text in Dictionary(uniqueKeysWithValues: addresses.map { ($0, text) }) }
        }
        var texts: [String: String] = [:]
        for address in addresses { texts[address] = fields.string(address, required: true) }
        fields.refuseUnknown()
        return texts
    }
}
