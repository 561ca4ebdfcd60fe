// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// Reads and checks how a provider is called: what templates may name is what the file declares above them.
struct ProviderLoader {
    let loader: DefinitionLoader
    var settings: [String: ProviderShape.Setting] = [:]
    var secrets: [String] = []
    var optionalSecrets: [String] = []
    private(set) var subjectSecrets: [String] = []
    private(set) var format = ProviderShape.Format.json
    /// Reasons that hold of every capability which says none of its own.
    private var lacks: [ProviderShape.Action.Part: String] = [:]

    init(_ loader: DefinitionLoader) { self.loader = loader }

    mutating func provider(_ map: YAMLFields) -> ProviderShape? {
        defer { map.refuseUnknown() }
        settings = readSettings(map)
        secrets = map.strings("secrets", required: true) ?? []
        optionalSecrets = map.strings("optional_secrets") ?? []
        subjectSecrets = map.strings("subject_secrets", required: true) ?? []
        lacks = map.mapping("lacks").map { fields in readReasons(fields) { _ in false } } ?? [:]
        format = map.mapping("format").map(readFormat) ?? .json
        let ways = self.ways(map)
        let certificate = map.mapping("client_certificate").flatMap(self.certificate)
        let rates = map.mapping("rates").flatMap(readRates)
        let ownNames = map.mapping("signs_in_as").map(readOwnNames) ?? [:]
        var actions: [String: ProviderShape.Action] = [:]
        if let fields = map.mapping("capabilities", required: true) {
            for key in fields.keys {
                guard let capability = Capability.named(key) else {
                    fields.report(
                        DefinitionCode.unknownCapability.rawValue, key, "there is no capability '\(key)'",
                        suggestion(key, Capability.all.map(\.name)))
                    continue
                }
                if let action = fields.mapping(key) { actions[key] = self.action(action, capability) }
            }
        }
        for way in ways { refuseFetchedProof(map, way.authentication, actions) }
        refuseFormless(map, ways, actions)
        let lookups = self.lookups(map)
        let reconcile = self.reconcile(map)
        guard !ways.isEmpty else { return nil }
        return ProviderShape(
            settings: settings, secrets: secrets, optionalSecrets: optionalSecrets, subjectSecrets: subjectSecrets,
            ways: ways, signsInAs: ownNames, certificate: certificate, rates: rates,
            actions: actions, lookups: lookups, reconcile: reconcile)
    }

    /// A token that was fetched before would answer for the new credential, which nobody had tried.
    private func refuseFetchedProof(
        _ map: YAMLFields, _ authentication: ProviderShape.Authentication, _ actions: [String: ProviderShape.Action]
    ) {
        switch authentication {
        case .basic, .header, .signed: return
        case .token, .none, .assertion: break
        }
        for (name, action) in actions.sorted(by: { $0.key < $1.key }) where action.act.request.isAsIssued {
            map.report(
                DefinitionCode.badSetting.rawValue, "authentication",
                "\(name) is asked as whoever holds a new credential, and no request carries one here",
                "sign in with it in the request itself: anonymous: true, with \"${issued.value.…}\" in it")
        }
    }

    /// A setting for each attribute that names in the inventory whom Cordon is at this provider.
    private func readOwnNames(_ map: YAMLFields) -> [String: String] {
        var names: [String: String] = [:]
        for setting in map.keys {
            guard let attribute = map.string(setting) else { continue }
            if settings[setting]?.kind != .string {
                map.report(
                    DefinitionCode.badSetting.rawValue, setting, "'\(setting)' is no setting of type string",
                    suggestion(setting, settings.filter { $0.value.kind == .string }.keys.sorted()))
            }
            names[setting] = attribute
        }
        return names
    }

    private func readSettings(_ map: YAMLFields) -> [String: ProviderShape.Setting] {
        var settings: [String: ProviderShape.Setting] = [:]
        guard let fields = map.mapping("settings", required: true) else { return [:] }
        for key in fields.keys {
            guard let setting = fields.mapping(key) else { continue }
            let kind = setting.oneOf("type", ProviderShape.SettingKind.self, required: true)
            let isRequired = setting.bool("optional") != true
            if let kind { settings[key] = ProviderShape.Setting(kind: kind, isRequired: isRequired) }
            setting.refuseUnknown()
        }
        return settings
    }

    private enum Body: String, CaseIterable { case json, xml }

    private func readFormat(_ map: YAMLFields) -> ProviderShape.Format {
        defer { map.refuseUnknown() }
        let body = map.oneOf("body", Body.self, required: true)
        let lists = map.strings("lists") ?? []
        let repeated = map.strings("repeated") ?? []
        return body == .xml ? .xml(lists: Set(lists), repeated: Set(repeated)) : .json
    }

    private func readRates(_ map: YAMLFields) -> RateHeaders? {
        defer { map.refuseUnknown() }
        let remaining = map.string("remaining", required: true)
        let reset = map.string("reset", required: true)
        let kind = map.oneOf("reset_as", RateHeaders.Reset.self, required: true)
        guard let remaining, let reset, let kind else { return nil }
        return RateHeaders(remaining: remaining.lowercased(), reset: reset.lowercased(), resetAs: kind)
    }

    // MARK: Capabilities

    private func action(_ map: YAMLFields, _ capability: Capability) -> ProviderShape.Action? {
        defer { map.refuseUnknown() }
        let effectClass = map.oneOf("class", EffectClass.self, required: true)
        let timeout = map.milliseconds("timeout", in: 1...Limits.callTimeoutMillisecondsMax)
        let keyWindow = map.milliseconds("key_window", in: 1000...Limits.keyWindowMillisecondsMax)
        var act = exchange(map, isRead: !capability.isWrite)
        let issues = capability.isWrite ? map.mapping("issues").flatMap(self.issues) : nil
        act?.issues = issues
        var compared: [String]?
        let state = map.mapping("state").flatMap { fields -> ProviderShape.Exchange? in
            defer { fields.refuseUnknown() }
            compared = fields.strings("compare")
            let cut = Set(fields.strings("secret") ?? [])
            var exchange = self.exchange(fields, isRead: true, cut: cut)
            exchange?.secretMembers = cut
            checkCut(fields, cut, exchange)
            let version = etag(fields, exchange)
            exchange?.etag = version
            for name in compared ?? [] where exchange?.keep.contains(name) == false {
                fields.report(
                    DefinitionCode.badReference.rawValue, "compare", "'\(name)' is not kept, so it can't be compared",
                    "name it under 'keep' too")
            }
            return exchange
        }
        let undo = map.mapping("undo").flatMap { fields -> ProviderShape.Exchange? in
            defer { fields.refuseUnknown() }
            return exchange(fields, isRead: false)
        }
        let probe = self.probe(map, "probe", of: "after", state)
        let verify = map.mapping("verify").flatMap { self.verify($0, capability, state) }
        let lag = map.milliseconds("lag", in: 0...Limits.lagMillisecondsMax)
        let precondition = self.probe(map, "precondition", of: "before", state)
        let reversibility = map.oneOf("reversibility", ProviderShape.Reversibility.self)
        let residual = map.mapping("residual").flatMap { readResidual($0, state) }
        var lacks = map.mapping("lacks").map { readLacks($0, beside: map, state, act) } ?? [:]
        if capability.isWrite {
            for (part, reason) in self.lacks where !has(part, map, state, act) && lacks[part] == nil {
                lacks[part] = reason
            }
        }
        let suits = map.node("for").flatMap {
            loader.expression($0, "for", variables: ["subject": .any], expecting: .bool)
        }
        guard let effectClass, let act else { return nil }
        checkClass(effectClass, map, capability, hasState: state != nil)
        checkKeyWindow(effectClass, map)
        checkUndo(map, capability, state, reversibility)
        checkVersion(map, capability, act: act, state: state, undo: undo)
        checkSecrets(map, state, act, undo)
        checkLag(map, capability, state: state, verify: verify?.exchange)
        checkPromises(map, capability, act: act, state: state)
        var action = ProviderShape.Action(
            effectClass: effectClass, act: act, state: state, compared: compared, probe: probe,
            verify: verify?.exchange, proof: verify?.rule, lagMilliseconds: lag, precondition: precondition, undo: undo,
            reversibility: reversibility, residual: residual?.0, residualSetting: residual?.setting, lacks: lacks,
            timeoutMilliseconds: timeout ?? Limits.callTimeoutMillisecondsDefault,
            keyWindowMilliseconds: keyWindow ?? Limits.keyWindowMillisecondsDefault)
        action.suits = suits
        return action
    }

    /// What is looked at in the state that is read: after the act, or before it.
    private func probe(
        _ map: YAMLFields, _ key: String, of variable: String, _ state: ProviderShape.Exchange?
    ) -> Expression? {
        guard let node = map.node(key) else { return nil }
        if state == nil, !map.has("state") {
            map.report(
                DefinitionCode.badReference.rawValue, key,
                "a \(key) looks at '\(variable)', and there is no 'state' to read",
                "say under 'state' what is asked")
        }
        var fields: [String: ObjectSchema.Field] = [:]
        for name in state?.keep ?? [] { fields[name] = .init(.any) }
        var variables: [String: Schema] = ["before": .any, "with": .any]
        if variable == "after" { variables["after"] = .any }
        if state != nil { variables[variable] = .object(variable, fields) }
        return loader.expression(node, key, variables: variables, expecting: .bool)
    }

    /// What was issued before, how long it lives, and what ends it sooner.
    private func readResidual(
        _ map: YAMLFields, _ state: ProviderShape.Exchange?
    ) -> (Residual, setting: String?)? {
        defer { map.refuseUnknown() }
        let of = map.string("of", required: true)
        let span = map.milliseconds("for", required: true, in: 0...Limits.residualMillisecondsMax)
        let setting = map.string("setting")
        if let setting, settings[setting]?.kind != .duration {
            map.report(
                DefinitionCode.badSetting.rawValue, "setting", "'\(setting)' is no setting of type duration",
                suggestion(setting, settings.filter { $0.value.kind == .duration }.keys.sorted()))
        }
        var variables: [String: Schema] = ["before": .any, "after": .any, "with": .any]
        if let state {
            let fields = Dictionary(state.keep.map { ($0, ObjectSchema.Field(.any)) }) { first, _ in first }
            for name in ["before", "after"] { variables[name] = .object(name, fields) }
        }
        let until = map.node("until").flatMap { loader.expression($0, "until", variables: variables) }
        let endedBy = map.strings("ended_by") ?? []
        for name in endedBy where Capability.named(name) == nil {
            map.report(
                DefinitionCode.unknownCapability.rawValue, "ended_by", "there is no capability '\(name)'",
                suggestion(name, Capability.all.map(\.name)))
        }
        guard let of, let span else { return nil }
        return (Residual(of: of, milliseconds: span, until: until, endedBy: endedBy), setting)
    }

    /// Parts of the contract that are left out, and why: whoever approves a workflow reads it.
    private func readLacks(
        _ map: YAMLFields, beside action: YAMLFields, _ state: ProviderShape.Exchange?, _ act: ProviderShape.Exchange?
    ) -> [ProviderShape.Action.Part: String] {
        readReasons(map) { has($0, action, state, act) }
    }

    private func has(
        _ part: ProviderShape.Action.Part, _ action: YAMLFields, _ state: ProviderShape.Exchange?,
        _ act: ProviderShape.Exchange?
    ) -> Bool {
        switch part {
        case .already: act?.answers.already.isEmpty == false
        case .etag: state?.etag != nil
        case .state, .probe, .undo, .residual, .verify, .lag: action.has(part.rawValue)
        }
    }

    private func readReasons(
        _ map: YAMLFields, _ has: (ProviderShape.Action.Part) -> Bool
    ) -> [ProviderShape.Action.Part: String] {
        defer { map.refuseUnknown() }
        var lacks: [ProviderShape.Action.Part: String] = [:]
        for part in ProviderShape.Action.Part.allCases {
            guard let reason = map.string(part.rawValue) else { continue }
            let isThere = has(part)
            if isThere || reason.isEmpty {
                map.report(
                    DefinitionCode.badReversal.rawValue, part.rawValue,
                    isThere ? "'\(part.rawValue)' is there, and said to be lacking" : "the reason is empty",
                    isThere ? "leave one of the two out" : "say why it is lacking")
            }
            lacks[part] = reason
        }
        return lacks
    }

    private func checkClass(
        _ effectClass: EffectClass, _ map: YAMLFields, _ capability: Capability, hasState: Bool
    ) {
        if effectClass.isWrite != capability.isWrite {
            map.report(
                DefinitionCode.notOffered.rawValue, "class",
                "\(capability.name) \(capability.isWrite ? "changes something" : "only reads"), its class can't be \(effectClass.rawValue)"
            )
        }
        if effectClass == .probeable, !hasState {
            map.report(DefinitionCode.notOffered.rawValue, "class", "a probeable capability needs a 'state' to ask")
        }
    }

    /// What workflows may rely on whatever the provider is, every provider keeps.
    private func checkPromises(
        _ map: YAMLFields, _ capability: Capability, act: ProviderShape.Exchange, state: ProviderShape.Exchange?
    ) {
        let promises = [("state", capability.state, state), ("request", capability.result, act)]
        for (key, promised, exchange) in promises {
            guard let exchange else { continue }
            for name in promised.keys.sorted() where !exchange.keep.contains(name) {
                map.report(
                    DefinitionCode.unpromised.rawValue, key,
                    "workflows rely on '\(name)' of \(capability.name), and it is not kept",
                    "name it under 'keep', or work it out there: keep: { \(name): \"${body.…}\" }")
            }
        }
    }

    private func checkUndo(
        _ map: YAMLFields, _ capability: Capability, _ state: ProviderShape.Exchange?,
        _ reversibility: ProviderShape.Reversibility?
    ) {
        let hasUndo = map.has("undo")
        if hasUndo, capability.reversibility == .none {
            map.report(
                DefinitionCode.notOffered.rawValue, "undo", "\(capability.name) can't be undone by anybody",
                "leave 'undo' out")
        }
        if hasUndo, !map.has("state") {
            map.report(
                DefinitionCode.notOffered.rawValue, "undo", "an undo needs a 'state': it restores what was read before")
        }
        if hasUndo, let state, state.keep.isEmpty {
            map.report(
                DefinitionCode.badReversal.rawValue, "undo",
                "the state keeps nothing, so nobody could tell whether it is still what was written",
                "name under 'keep' what the undo restores")
        }
        if hasUndo, reversibility == ProviderShape.Reversibility.none {
            map.report(
                DefinitionCode.badReversal.rawValue, "reversibility", "there is an 'undo', so it is not 'none'",
                "write full, partial or revives-credentials, or leave 'undo' out")
        }
        if !hasUndo, let reversibility, reversibility != ProviderShape.Reversibility.none {
            map.report(
                DefinitionCode.badReversal.rawValue, "reversibility",
                "it is '\(reversibility.rawValue)', and there is no 'undo'", "write none, or say how it is undone")
        }
    }
}
