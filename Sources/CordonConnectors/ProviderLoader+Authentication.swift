// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension ProviderLoader {
    private enum Scheme: String, CaseIterable { case none, basic, header, token, sigv4, assertion }

    /// One way to say who asks, or a list of them: a connection takes the first whose secrets it has.
    func ways(_ map: YAMLFields) -> [ProviderShape.Way] {
        guard map.node("authentication")?.items != nil else {
            return (map.mapping("authentication", required: true).flatMap { authentication($0) })
                .map { [ProviderShape.Way($0)] } ?? []
        }
        let ways = (map.mappings("authentication") ?? []).compactMap(way)
        if ways.isEmpty {
            map.report(
                DefinitionCode.badSetting.rawValue, "authentication", "no way to say who asks stands in the list",
                "write one, or scheme: none")
        }
        return ways
    }

    /// What it needs, of what a connection may leave out, is there where it is chosen.
    private func way(_ map: YAMLFields) -> ProviderShape.Way? {
        let needs = map.strings("needs") ?? []
        var own = self
        for name in needs {
            if settings[name] != nil {
                own.settings[name]?.isRequired = true
            } else if optionalSecrets.contains(name) {
                own.optionalSecrets.removeAll { $0 == name }
                own.secrets.append(name)
            } else {
                map.report(
                    DefinitionCode.badSetting.rawValue, "needs", "'\(name)' is no setting and no optional secret",
                    suggestion(name, settings.keys.sorted() + optionalSecrets))
            }
        }
        return own.authentication(map).map { authentication in
            // What a sign-in asks for may name secrets that it can do without.
            let taken = if case .token = authentication { Set<String>() } else { authentication.secrets }
            return ProviderShape.Way(
                authentication, secrets: taken.union(needs.filter { settings[$0] == nil }),
                settings: Set(needs.filter { settings[$0] != nil }))
        }
    }

    /// An assertion is a field of a form: a request that has none would go out without who asks.
    func refuseFormless(
        _ map: YAMLFields, _ ways: [ProviderShape.Way], _ actions: [String: ProviderShape.Action]
    ) {
        guard ways.contains(where: { if case .assertion = $0.authentication { true } else { false } }) else { return }
        for (name, action) in actions.sorted(by: { $0.key < $1.key }) {
            let requests = [action.act, action.state, action.verify, action.undo].compactMap { $0?.request }
            guard requests.contains(where: { !$0.isAnonymous && $0.form.isEmpty }) else { continue }
            map.report(
                DefinitionCode.badSetting.rawValue, "authentication",
                "a request of \(name) has no form, so nothing could carry the assertion",
                "sign in by scheme: token, whose request has the assertion in its form")
        }
    }

    func authentication(_ map: YAMLFields) -> ProviderShape.Authentication? {
        defer { map.refuseUnknown() }
        let user = map.string("user"), password = map.string("password")
        let prefix = map.string("prefix"), secret = map.string("secret")
        let isEncoded = map.bool("form_encoded")
        let scheme = map.oneOf("scheme", Scheme.self, required: true)
        let signIn = self.signIn(map, isWanted: scheme == .token)
        let assertion =
            scheme == .assertion ? map.mapping("jwt", required: true).flatMap { jwt($0, requestVariables) } : nil
        let signing = self.signing(map, isWanted: scheme == .sigv4)
        switch scheme {
        case nil: return nil
        case .some(.none): return ProviderShape.Authentication.none
        case .basic:
            guard let user, let password, settings[user] != nil, secrets.contains(password) else {
                lacks(map, "basic needs 'user', a setting, and 'password', a secret")
                return nil
            }
            return .basic(user: user, password: password, isEncoded: isEncoded ?? true)
        case .header:
            guard let secret, (secrets + optionalSecrets).contains(secret) else {
                lacks(map, "header needs 'secret', one of the secrets")
                return nil
            }
            return .header(scheme: prefix ?? "", secret: secret)
        case .token: return signIn.map(ProviderShape.Authentication.token)
        case .sigv4: return signing.map(ProviderShape.Authentication.signed)
        case .assertion: return assertion.map(ProviderShape.Authentication.assertion)
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

    func certificate(_ map: YAMLFields) -> ProviderShape.ClientCertificate? {
        defer { map.refuseUnknown() }
        let certificate = map.string("certificate", required: true), key = map.string("key", required: true)
        guard let certificate, let key else { return nil }
        guard [secrets, optionalSecrets].contains(where: { $0.contains(certificate) && $0.contains(key) }) else {
            map.report(
                DefinitionCode.badSetting.rawValue, "certificate",
                "a client certificate is 'certificate' and 'key', both secrets or both optional secrets")
            return nil
        }
        return ProviderShape.ClientCertificate(certificate: certificate, key: key)
    }

    /// A token that is signed here. Its claims see no secret: whoever reads it reads them.
    func jwt(_ map: YAMLFields, _ variables: [String: Schema]) -> ProviderShape.WebToken? {
        defer { map.refuseUnknown() }
        var known = variables
        known["secret"] = nil
        let algorithm = map.oneOf("algorithm", ProviderShape.WebToken.Algorithm.self, required: true)
        let key = map.string("key", required: true)
        if let key, !(secrets + optionalSecrets).contains(key) {
            map.report(
                DefinitionCode.badSetting.rawValue, "key", "'\(key)' is no secret", suggestion(key, secrets))
        }
        let keyID = map.string("key_id")
        if let keyID, settings[keyID] == nil {
            map.report(
                DefinitionCode.badSetting.rawValue, "key_id", "'\(keyID)' is no setting",
                suggestion(keyID, settings.keys.sorted()))
        }
        let header = loader.argumentMap(open(map, "header"), variables: known)
        let claims = loader.argumentMap(open(map, "claims"), variables: known)
        let own = [("header", header, ["alg", "typ", "kid"]), ("claims", claims, ["jti", "iat", "nbf", "exp"])]
        for (field, given, reserved) in own {
            for name in given.keys.sorted() where reserved.contains(name) {
                map.report(
                    DefinitionCode.badSetting.rawValue, field, "'\(name)' is not a connector's to set",
                    "algorithm, type, key_id and lifetime say it")
            }
        }
        let type = map.string("type")
        let lifetime = map.milliseconds("lifetime", in: 1000...Limits.webTokenMillisecondsMax)
        let isBearer = map.bool("bearer")
        guard let algorithm, let key else { return nil }
        return ProviderShape.WebToken(
            algorithm: algorithm, key: key, keyID: keyID, type: type ?? "JWT", header: header, claims: claims,
            lifetimeMilliseconds: lifetime, isBearer: isBearer ?? false)
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
