// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage

extension Connections {
    /// Reads and checks `connections.yaml` against the connectors that it uses.
    package static func load(
        _ bytes: [UInt8], file: String, connectors: [String: Connector], bearsYoung: Bool = false
    ) -> Result<Connections, Diagnostics> {
        let limits = YAMLLimits(bytesMax: 1 << 20)
        return DefinitionLoader.load(bytes, file: file, limits: limits, bearsYoung: bearsYoung) { loader, root in
            let sources = (root.mappings("sources", required: true) ?? []).compactMap {
                readSource($0, loader, connectors)
            }
            let providers = (root.mappings("providers", required: true) ?? []).compactMap {
                readProvider($0, loader, connectors)
            }
            for source in sources {
                guard let reconcile = source.reconcile,
                    !providers.contains(where: {
                        $0.id == reconcile.provider && connectors[$0.connector]?.provider?.reconcile != nil
                    })
                else { continue }
                root.report(
                    DefinitionCode.notOffered.rawValue, "sources",
                    "'\(source.id)' is compared with '\(reconcile.provider)', which is no provider that tells what it delivered",
                    "name one whose connector has 'reconcile'")
            }
            for (key, ids) in [("sources", sources.map(\.id)), ("providers", providers.map(\.id))] {
                var seen: Set<String> = []
                for id in ids where !seen.insert(id).inserted {
                    root.report(
                        DefinitionCode.repeatedName.rawValue, key, "the id '\(id)' stands twice under '\(key)'",
                        "give one of them another")
                }
            }
            let notifications = root.mapping("notifications").map { Notifications.read($0, loader) }
            var connections = Connections(
                sources: sources, providers: providers, notifications: notifications ?? Notifications())
            connections.vault = root.mapping("vault").flatMap { Vault.read($0, loader) }
            if !root.has("vault"), let first = connections.secretReferences.first(where: \.isInVault) {
                root.report(
                    DefinitionCode.badSecret.rawValue, "sources", "\(first.text) lies in a Vault, and none is told",
                    "add vault: { url: …, login: … }")
            }
            connections.transmitter = root.mapping("transmitter").flatMap { Transmitter.read($0, loader) }
            return connections
        }
    }

    /// The name that an entry of a list gives itself.
    static func readID(_ map: YAMLFields) -> String? {
        guard let id = map.string("id", required: true) else { return nil }
        if !isName(id) {
            map.report(
                DefinitionCode.badName.rawValue, "id", "'\(id)' is no name",
                "lower-case letters, digits and single hyphens")
        }
        return id
    }

    private static func readConnector(_ map: YAMLFields, _ connectors: [String: Connector]) -> Connector? {
        guard let name = map.string("connector", required: true) else { return nil }
        if let connector = connectors[name] { return connector }
        map.report(
            DefinitionCode.notOffered.rawValue, "connector", "there is no connector '\(name)'",
            suggestion(name, connectors.keys.sorted()))
        return nil
    }

    private static func readSource(
        _ map: YAMLFields, _ loader: DefinitionLoader, _ connectors: [String: Connector]
    ) -> Source? {
        defer { map.refuseUnknown() }
        let id = readID(map)
        let connector = readConnector(map, connectors)
        let own = map.mapping("authentication").flatMap(SourceShape.Authentication.read)
        var shape = connector?.source
        if let own { shape?.authentication = own }
        let takesSecrets = shape?.authentication.takesSecrets ?? true
        let egress = map.mapping("egress").map(readEgress) ?? EgressPolicy()
        let keys = readKeys(map, of: shape, egress)
        let poll = map.mapping("poll").flatMap { readPoll($0, of: shape, egress, loader) }
        let reconcile = map.mapping("reconcile").flatMap(readReconcile)
        let fetches = map.bool("fetch_certificate") ?? false
        if fetches, let shape, shape.authentication != .sns {
            map.report(
                DefinitionCode.badSetting.rawValue, "fetch_certificate", "only messages of SNS name a certificate",
                "name a secret instead")
        }
        let hasOwn = !takesSecrets || keys != nil || fetches
        let references = map.list("secrets", required: shape != nil && !hasOwn)
        let secrets = (references ?? []).compactMap { SecretReference.read($0, loader.reader) }
        if references?.isEmpty == true, !hasOwn {
            map.report(DefinitionCode.badSecret.rawValue, "secrets", "a source needs the secret that it signs with")
        }
        let settings = readSettings(map, of: shape)
        let limits = map.mapping("limits")
        let rate = limits?.int("per_second", in: 1...Int64(Limits.alertsPerSecondMax)).map(Int.init)
        limits?.refuseUnknown()
        let redaction = map.mapping("redact").map(Redaction.read) ?? Redaction()
        if !redaction.rules.isEmpty { shape?.authentication.refuseRedaction(map) }
        if let shape, rate != nil, !shape.resends {
            map.report(
                DefinitionCode.badSetting.rawValue, "limits",
                "what is put off would be lost: this source does not send it again", "leave it out")
        }
        guard let id, let connector else { return nil }
        if connector.source == nil {
            map.report(DefinitionCode.notOffered.rawValue, "connector", "\(connector.name) describes no source")
        }
        var source = Source(
            id: id, connector: connector.name, secrets: secrets, settings: settings, authentication: own,
            keys: keys, poll: poll, perSecondMax: rate)
        source.fetchesCertificate = fetches
        source.redaction = redaction
        source.reconcile = reconcile
        return source
    }

    private static func readReconcile(_ map: YAMLFields) -> Reconcile? {
        defer { map.refuseUnknown() }
        let provider = map.string("provider", required: true)
        let every = map.milliseconds("every", in: Limits.reconcileMillisecondsMin...Limits.pollMillisecondsMax)
        let arguments = map.value("with")?.objectValue ?? [:]
        return provider.map {
            Reconcile(
                provider: $0, everyMilliseconds: every ?? Limits.reconcileMillisecondsDefault, arguments: arguments)
        }
    }

    private static func readPoll(
        _ map: YAMLFields, of shape: SourceShape?, _ egress: EgressPolicy, _ loader: DefinitionLoader
    ) -> Poll? {
        defer { map.refuseUnknown() }
        let url = map.string("url", required: true)
        let every = map.milliseconds("every", in: Limits.pollMillisecondsMin...Limits.pollMillisecondsMax)
        let token = map.node("token").flatMap { SecretReference.read($0, loader.reader) }
        guard let url, let shape else { return nil }
        if !shape.authentication.answersAsSecurityEvents {
            map.report(
                DefinitionCode.badSetting.rawValue, "url", "only a transmitter of security event tokens is polled",
                "this source pushes; leave 'poll' out")
        }
        if !url.hasPrefix("https://"), !egress.allowsPlainHTTP || !url.hasPrefix("http://") {
            map.report(
                DefinitionCode.badSetting.rawValue, "url", "'url' is no absolute URL of https", "write https://…")
        }
        return Poll(
            url: url, token: token, everyMilliseconds: every ?? Limits.pollMillisecondsDefault, egress: egress)
    }

    private static func readKeys(
        _ map: YAMLFields, of shape: SourceShape?, _ egress: EgressPolicy
    ) -> PublishedKeys? {
        let url = map.string("keys")
        guard let url, let shape else { return nil }
        if !shape.authentication.checksKeySets {
            map.report(
                DefinitionCode.badSetting.rawValue, "keys", "the scheme knows no keys that an issuer publishes",
                "name a secret instead")
        }
        if !url.hasPrefix("https://"), !egress.allowsPlainHTTP || !url.hasPrefix("http://") {
            map.report(
                DefinitionCode.badSetting.rawValue, "keys", "'keys' is no absolute URL of https", "write https://…")
        }
        return PublishedKeys(url: url, egress: egress)
    }

    /// What the source's scheme compares with.
    private static func readSettings(_ map: YAMLFields, of shape: SourceShape?) -> [String: String] {
        let isNeeded = shape?.settings.values.contains(true) == true
        guard let fields = map.mapping("settings", required: isNeeded), let shape else { return [:] }
        defer { fields.refuseUnknown() }
        var out: [String: String] = [:]
        for (name, isRequired) in shape.settings.sorted(by: { $0.key < $1.key }) {
            guard let text = fields.string(name, required: isRequired) else { continue }
            if text.isEmpty {
                fields.report(
                    DefinitionCode.badSetting.rawValue, name, "'\(name)' is empty", "write what the source sends")
            }
            out[name] = text
        }
        return out
    }

    private static func readProvider(
        _ map: YAMLFields, _ loader: DefinitionLoader, _ connectors: [String: Connector]
    ) -> Provider? {
        defer { map.refuseUnknown() }
        let id = readID(map)
        let connector = readConnector(map, connectors)
        let egress = map.mapping("egress").map(readEgress) ?? EgressPolicy()
        let settings = readSettings(map, connector?.provider, egress)
        var secrets: [String: SecretReference] = [:]
        if let fields = map.mapping("secrets") {
            for name in fields.keys {
                if let node = fields.node(name) { secrets[name] = SecretReference.read(node, loader.reader) }
            }
        }
        let bounds = map.mapping("limits").map(readBounds) ?? Lane.Bounds()
        let signsInAs = map.strings("signs_in_as")
        let evidenceKey = map.string("evidence_key")
        let authority = map.node("authority").flatMap { SecretReference.read($0, loader.reader) }
        guard let id, let connector else { return nil }
        guard let shape = connector.provider else {
            map.report(DefinitionCode.notOffered.rawValue, "connector", "\(connector.name) describes no provider")
            return nil
        }
        for name in shape.secrets where secrets[name] == nil {
            map.report(
                DefinitionCode.badSecret.rawValue, "secrets", "\(connector.name) needs the secret '\(name)'",
                "write \(name): { file: PATH } or { env: NAME }")
        }
        if let way = shape.way(having: Set(secrets.keys)) {
            for name in way.settings.sorted() where settings[name] == nil {
                map.report(
                    DefinitionCode.badSetting.rawValue, "settings",
                    "\(connector.name) signs in by \(way.secrets.sorted().joined(separator: ", ")) here, and needs the setting '\(name)' for it"
                )
            }
        } else {
            let known = shape.ways.map { $0.secrets.sorted().joined(separator: " and ") }.joined(separator: ", or ")
            map.report(
                DefinitionCode.badSecret.rawValue, "secrets",
                "\(connector.name) has the secrets of no way to sign in; it takes \(known)",
                "write the first: NAME: { file: PATH } or { env: NAME }")
        }
        checkMail(map, shape, settings, secrets)
        return Provider(
            id: id, connector: connector.name, settings: settings, secrets: secrets, egress: egress,
            authority: authority, bounds: bounds, signsInAs: signsInAs, evidenceKey: evidenceKey)
    }

    /// How many calls at a time, and how many a second.
    private static func readBounds(_ map: YAMLFields) -> Lane.Bounds {
        defer { map.refuseUnknown() }
        let concurrent = map.int("concurrent", in: 1...Int64(Limits.callsInFlightMax))
        let rate = map.int("per_second", in: 1...10_000)
        return Lane.Bounds(
            concurrentMax: concurrent.map(Int.init) ?? Limits.callsPerProviderMax, perSecondMax: rate.map(Int.init))
    }

    static func readEgress(_ map: YAMLFields) -> EgressPolicy {
        defer { map.refuseUnknown() }
        return EgressPolicy(
            allowsPlainHTTP: map.bool("plain_http") ?? false, allowsLoopback: map.bool("loopback") ?? false,
            allowedNetworks: map.strings("networks") ?? [])
    }
}
