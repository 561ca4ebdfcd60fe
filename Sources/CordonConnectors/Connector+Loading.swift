// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage

extension Connector {
    /// Reads and checks a connector's file.
    package static func load(_ bytes: [UInt8], file: String, digest: String) -> Result<Connector, Diagnostics> {
        DefinitionLoader.load(bytes, file: file) { loader, root in
            let name = loader.name(root, "connector")
            let title = root.string("title", required: true)
            let vendor = root.string("vendor", required: true)
            let source = root.mapping("source").flatMap { readSource($0, loader) }
            let provider = root.mapping("provider").flatMap { readProvider($0, loader) }
            guard let name, let title, let vendor else { return nil }
            return Connector(
                name: name, title: title, vendor: vendor, source: source, provider: provider, digest: digest)
        }
    }

    // MARK: Inbound

    private enum Scheme: String, CaseIterable {
        case hmacSHA256 = "hmac-sha256"
        case none
    }

    private static func readSource(_ map: YAMLFields, _ loader: DefinitionLoader) -> SourceShape? {
        defer { map.refuseUnknown() }
        let authentication = map.mapping("authentication", required: true).flatMap(readAuthentication)
        let delivery = map.string("delivery")
        let headers = map.strings("headers") ?? []
        if headers.count > Limits.keptHeadersMax {
            map.report(
                DefinitionCode.tooMany.rawValue, "headers",
                "\(headers.count) headers, the limit is \(Limits.keptHeadersMax) (keptHeadersMax)")
        }
        let bytesMax = map.int("body_bytes_max", in: 1...Int64(Limits.bodyBytesCeiling)).map(Int.init)
        let rules = (map.mappings("signals", required: true) ?? []).compactMap { readRule($0, loader) }
        guard let authentication else { return nil }
        return SourceShape(
            authentication: authentication, deliveryHeader: delivery?.lowercased(),
            keptHeaders: headers.map { $0.lowercased() }, bodyBytesMax: bytesMax ?? Limits.bodyBytesMax, rules: rules)
    }

    private static func readAuthentication(_ map: YAMLFields) -> SourceShape.Authentication? {
        defer { map.refuseUnknown() }
        switch map.oneOf("scheme", Scheme.self, required: true) {
        case .hmacSHA256: return readSignature(map).map(SourceShape.Authentication.hmac)
        case .some(.none): return SourceShape.Authentication.none
        case nil:
            // What the other fields mean depends on the scheme.
            for key in map.keys { _ = map.node(key) }
            return nil
        }
    }

    private static func readSignature(_ map: YAMLFields) -> SourceShape.Signature? {
        let header = map.string("header", required: true)
        let prefix = map.string("prefix") ?? ""
        let encoding = map.oneOf("encoding", SourceShape.Signature.Encoding.self, required: true)
        guard let header, let encoding else { return nil }
        return SourceShape.Signature(header: header.lowercased(), prefix: prefix, encoding: encoding)
    }

    private static let sourceVariables: [String: Schema] = ["body": .any, "headers": .map(.string)]

    private static func readRule(_ map: YAMLFields, _ loader: DefinitionLoader) -> SourceShape.Rule? {
        defer { map.refuseUnknown() }
        let condition = loader.expression(
            map.node("when", required: true), "when", variables: sourceVariables, expecting: .bool)
        let severity = map.node("severity").flatMap { loader.arguments($0, variables: sourceVariables) }
        let occurredAt = map.node("occurred_at").flatMap { loader.arguments($0, variables: sourceVariables) }
        let attributes = loader.argumentMap(map.node("with"), variables: sourceVariables)
        if map.string("ignore") != nil {
            return condition.map {
                SourceShape.Rule(condition: $0, kind: nil, severity: nil, occurredAt: nil, attributes: [:])
            }
        }
        guard let kind = map.string("kind", required: true), let condition else { return nil }
        guard let signal = SignalKind.named(kind) else {
            map.report(
                DefinitionCode.unknownSignal.rawValue, "kind", "no signal is of kind '\(kind)'",
                suggestion(kind, SignalKind.all.map(\.name)))
            return nil
        }
        for name in attributes.keys.sorted() where signal.fields[name] == nil {
            map.report(
                DefinitionCode.unknownInput.rawValue, "with", "\(kind) has no field '\(name)'",
                suggestion(name, signal.fields.keys.sorted()))
        }
        for (name, field) in signal.fields.sorted(by: { $0.key < $1.key })
        where !field.isOptional && attributes[name] == nil {
            map.report(DefinitionCode.missingInput.rawValue, "with", "\(kind) needs the field '\(name)'")
        }
        return SourceShape.Rule(
            condition: condition, kind: kind, severity: severity, occurredAt: occurredAt, attributes: attributes)
    }

    // MARK: Outbound

    private static func readProvider(_ map: YAMLFields, _ loader: DefinitionLoader) -> ProviderShape? {
        defer { map.refuseUnknown() }
        var settings: [String: ProviderShape.Setting] = [:]
        if let fields = map.mapping("settings", required: true) {
            for key in fields.keys {
                guard let setting = fields.mapping(key) else { continue }
                let kind = setting.oneOf("type", ProviderShape.SettingKind.self, required: true)
                let isRequired = setting.bool("optional") != true
                if let kind { settings[key] = ProviderShape.Setting(kind: kind, isRequired: isRequired) }
                setting.refuseUnknown()
            }
        }
        let secrets = map.strings("secrets", required: true) ?? []
        let subjectSecrets = map.strings("subject_secrets", required: true) ?? []
        let authentication = map.mapping("authentication", required: true).flatMap {
            readAuthentication($0, settings, secrets)
        }
        var actions: [String: ProviderShape.Action] = [:]
        if let fields = map.mapping("capabilities", required: true) {
            for key in fields.keys {
                guard let capability = Capability.named(key) else {
                    fields.report(
                        DefinitionCode.unknownCapability.rawValue, key, "there is no capability '\(key)'",
                        suggestion(key, Capability.all.map(\.name)))
                    continue
                }
                if let action = fields.mapping(key) { actions[key] = readAction(action, capability, settings, loader) }
            }
        }
        guard let authentication else { return nil }
        return ProviderShape(
            settings: settings, secrets: secrets, subjectSecrets: subjectSecrets, authentication: authentication,
            actions: actions)
    }

    private enum AuthenticationScheme: String, CaseIterable { case none, basic, header }

    private static func readAuthentication(
        _ map: YAMLFields, _ settings: [String: ProviderShape.Setting], _ secrets: [String]
    ) -> ProviderShape.Authentication? {
        defer { map.refuseUnknown() }
        let user = map.string("user"), password = map.string("password")
        let prefix = map.string("prefix"), secret = map.string("secret")
        switch map.oneOf("scheme", AuthenticationScheme.self, required: true) {
        case nil: return nil
        case .some(.none): return ProviderShape.Authentication.none
        case .basic:
            guard let user, let password, settings[user] != nil, secrets.contains(password) else {
                map.report(
                    DefinitionCode.badSetting.rawValue, "scheme",
                    "basic needs 'user', a setting, and 'password', a secret")
                return nil
            }
            return .basic(user: user, password: password)
        case .header:
            guard let secret, secrets.contains(secret) else {
                map.report(DefinitionCode.badSetting.rawValue, "scheme", "header needs 'secret', one of the secrets")
                return nil
            }
            return .header(scheme: prefix ?? "", secret: secret)
        }
    }

    private static func readAction(
        _ map: YAMLFields, _ capability: Capability, _ settings: [String: ProviderShape.Setting],
        _ loader: DefinitionLoader
    ) -> ProviderShape.Action? {
        defer { map.refuseUnknown() }
        let effectClass = map.oneOf("class", EffectClass.self, required: true)
        let timeout = map.milliseconds("timeout", in: 1...Limits.callTimeoutMillisecondsMax)
        let act = readExchange(map, settings, loader)
        var compared: [String]?
        let state = map.mapping("state").flatMap { fields -> ProviderShape.Exchange? in
            defer { fields.refuseUnknown() }
            compared = fields.strings("compare")
            let exchange = readExchange(fields, settings, loader)
            for name in compared ?? [] where exchange?.keep.contains(name) == false {
                fields.report(
                    DefinitionCode.badReference.rawValue, "compare", "'\(name)' is not kept, so it can't be compared",
                    "name it under 'keep' too")
            }
            return exchange
        }
        let undo = map.mapping("undo").flatMap { fields -> ProviderShape.Exchange? in
            defer { fields.refuseUnknown() }
            return readExchange(fields, settings, loader)
        }
        guard let effectClass, let act else { return nil }
        if effectClass.isWrite != capability.isWrite {
            map.report(
                DefinitionCode.notOffered.rawValue, "class",
                "\(capability.name) \(capability.isWrite ? "changes something" : "only reads"), its class can't be \(effectClass.rawValue)"
            )
        }
        if effectClass == .probeable, state == nil {
            map.report(DefinitionCode.notOffered.rawValue, "class", "a probeable capability needs a 'state' to ask")
        }
        if undo != nil, capability.reversibility == .none {
            map.report(
                DefinitionCode.notOffered.rawValue, "undo", "\(capability.name) can't be undone by anybody",
                "leave 'undo' out")
        }
        if undo != nil, state == nil {
            map.report(
                DefinitionCode.notOffered.rawValue, "undo", "an undo needs a 'state': it restores what was read before")
        }
        return ProviderShape.Action(
            effectClass: effectClass, act: act, state: state, compared: compared, undo: undo,
            timeoutMilliseconds: timeout ?? Limits.callTimeoutMillisecondsDefault)
    }

    private enum Method: String, CaseIterable { case GET, POST, PUT, PATCH, DELETE }

    private static func readExchange(
        _ map: YAMLFields, _ settings: [String: ProviderShape.Setting], _ loader: DefinitionLoader
    ) -> ProviderShape.Exchange? {
        let keep = map.strings("keep") ?? []
        let answers = map.mapping("answers", required: true).map(readAnswers)
        guard let fields = map.mapping("request", required: true) else { return nil }
        defer { fields.refuseUnknown() }
        let variables: [String: Schema] = ["provider": .map(.string), "with": .any, "secret": .map(.string)]
        let method = fields.oneOf("method", Method.self, required: true)
        let to = fields.string("to", required: true)
        if let to, settings[to]?.kind != .url {
            fields.report(
                DefinitionCode.badSetting.rawValue, "to", "'\(to)' is no setting of type url",
                suggestion(to, settings.filter { $0.value.kind == .url }.keys.sorted()))
        }
        var path: Template?
        if let node = fields.node("path"), let text = fields.string("path") {
            if !text.hasPrefix("/") {
                fields.report(DefinitionCode.badPath.rawValue, "path", "a path begins with a slash")
            }
            path = loader.template(node, text, variables: variables)
        }
        let form = loader.argumentMap(fields.node("form"), variables: variables)
        let json = fields.node("json").flatMap { loader.arguments($0, variables: variables) }
        guard let method, let to, let answers else { return nil }
        return ProviderShape.Exchange(
            request: ProviderShape.Request(method: method.rawValue, to: to, path: path, form: form, json: json),
            answers: answers, keep: keep)
    }

    private static func readAnswers(_ map: YAMLFields) -> ProviderShape.Answers {
        defer { map.refuseUnknown() }
        func statuses(_ key: String, required: Bool = false) -> Set<Int> {
            Set(
                (map.value(key, required: required)?.arrayValue ?? []).compactMap { value in
                    guard let number = value.intValue, (100...599).contains(number) else {
                        map.report(
                            DefinitionCode.badSetting.rawValue, key, "\(value.json) is no HTTP status",
                            "from 100 to 599")
                        return nil
                    }
                    return Int(number)
                })
        }
        return ProviderShape.Answers(
            done: statuses("done", required: true), already: statuses("already"), later: statuses("later"),
            refused: statuses("refused"))
    }
}

/// The name that was probably meant, or all that there are.
func suggestion(_ name: String, _ known: [String]) -> String {
    nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? (known.isEmpty ? "there is none here" : "known: \(known.joined(separator: ", "))")
}
