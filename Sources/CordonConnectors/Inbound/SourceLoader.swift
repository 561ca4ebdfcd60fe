// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// Reads a connector's `source`: how its deliveries are authenticated, told apart and read.
struct SourceLoader {
    private let loader: DefinitionLoader

    init(_ loader: DefinitionLoader) { self.loader = loader }

    func source(_ map: YAMLFields) -> SourceShape? {
        defer { map.refuseUnknown() }
        let authentication = map.mapping("authentication", required: true).flatMap(SourceShape.Authentication.read)
        let handshake = map.oneOf("handshake", Handshake.self)
        let content = map.oneOf("content", SourceShape.Content.self) ?? .json
        let (header, path) = delivery(map)
        let headers = headers(map)
        let bytesMax = map.int("body_bytes_max", in: 1...Int64(Limits.bodyBytesCeiling)).map(Int.init)
        let resends = map.bool("resends") ?? false
        let each = loader.expression(
            map.node("each"), "each", variables: Self.bodyVariables, expecting: .list(.any))
        let rules = (map.mappings("signals", required: true) ?? []).compactMap(rule)
        let redaction = map.mapping("redact").map(Redaction.read) ?? Redaction()
        guard let authentication else { return nil }
        if !redaction.rules.isEmpty { authentication.refuseRedaction(map) }
        check(map, authentication, isNamed: header != nil || path != nil, header, content)
        var shape = SourceShape(
            authentication: authentication, handshake: handshake, content: content,
            deliveryHeader: header ?? authentication.deliveryHeader, deliveryPath: path, keptHeaders: headers,
            bodyBytesMax: bytesMax ?? Limits.bodyBytesMax, resends: resends, each: each, rules: rules)
        shape.redaction = redaction
        return shape
    }

    /// A header's name, or a list of the fields that lead to the name in the body.
    private func delivery(_ map: YAMLFields) -> (header: String?, path: [String]?) {
        guard let node = map.node("delivery") else { return (nil, nil) }
        guard case .sequence = node.content else { return (map.string("delivery")?.lowercased(), nil) }
        let path = map.strings("delivery") ?? []
        if path.isEmpty {
            map.report(
                DefinitionCode.badSetting.rawValue, "delivery", "the path leads to no field of the body",
                "write a header's name, or the fields one by one, as in [message, messageId]")
        }
        return (nil, path)
    }

    private func headers(_ map: YAMLFields) -> [String] {
        let headers = map.strings("headers") ?? []
        if headers.count > Limits.keptHeadersMax {
            map.report(
                DefinitionCode.tooMany.rawValue, "headers",
                "\(headers.count) headers, the limit is \(Limits.keptHeadersMax) (keptHeadersMax)")
        }
        return headers.map { $0.lowercased() }
    }

    private func check(
        _ map: YAMLFields, _ authentication: SourceShape.Authentication, isNamed: Bool, _ header: String?,
        _ content: SourceShape.Content
    ) {
        if isNamed, authentication.namesDeliveries {
            map.report(
                DefinitionCode.badSetting.rawValue, "delivery",
                "the scheme names the delivery itself, in what is signed", "leave it out")
        }
        if header == nil, case .hmac(let signature) = authentication, signature.signed.contains(.delivery) {
            map.report(
                DefinitionCode.missingInput.rawValue, "authentication",
                "the delivery is signed, and no header names it", "add delivery: NAME")
        }
        if content != .json, authentication.wrapsBodies {
            map.report(
                DefinitionCode.badSetting.rawValue, "content", "the scheme itself says how its bodies are read",
                "leave it out")
        }
    }

    // MARK: Rules

    private static let bodyVariables: [String: Schema] = [
        "body": .any, "envelope": .any, "headers": .map(.string),
    ]
    private static let variables = bodyVariables.merging(["item": .any]) { own, _ in own }

    private func arguments(_ map: YAMLFields, _ key: String) -> Arguments? {
        map.node(key).flatMap { loader.arguments($0, variables: Self.variables) }
    }

    private func rule(_ map: YAMLFields) -> SourceShape.Rule? {
        defer { map.refuseUnknown() }
        let condition = loader.expression(
            map.node("when", required: true), "when", variables: Self.variables, expecting: .bool)
        let severity = arguments(map, "severity")
        let occurredAt = arguments(map, "occurred_at")
        let confidence = arguments(map, "confidence")
        let event = arguments(map, "event")
        let attributes = loader.argumentMap(map.node("with"), variables: Self.variables)
        let about = naming(map, "about")
        let closes = naming(map, "closes")
        if map.string("ignore") != nil {
            refuse(about != nil, map, "about", "a rule that ignores gives no signal", "write closes, if it closes it")
            return condition.map {
                SourceShape.Rule(
                    condition: $0, kind: nil, severity: nil, occurredAt: nil, attributes: [:], closes: closes)
            }
        }
        refuse(closes != nil, map, "closes", "a rule that gives a signal closes nothing", "write about, or ignore")
        guard let kind = map.string("kind", required: true), let condition else { return nil }
        guard let signal = SignalKind.named(kind) else {
            map.report(
                DefinitionCode.unknownSignal.rawValue, "kind", "no signal is of kind '\(kind)'",
                suggestion(kind, SignalKind.all.map(\.name)))
            return nil
        }
        check(attributes, signal, map)
        return SourceShape.Rule(
            condition: condition, kind: kind, severity: severity, occurredAt: occurredAt, confidence: confidence,
            event: event, attributes: attributes, about: about)
    }

    private func naming(_ map: YAMLFields, _ key: String) -> SourceShape.Naming? {
        guard let named = map.mapping(key) else { return nil }
        defer { named.refuseUnknown() }
        let asOf = arguments(named, "as_of")
        guard let node = named.node("key", required: true),
            let name = loader.arguments(node, variables: Self.variables)
        else { return nil }
        return SourceShape.Naming(key: name, asOf: asOf)
    }

    private func refuse(_ isWrong: Bool, _ map: YAMLFields, _ key: String, _ message: String, _ suggestion: String) {
        guard isWrong else { return }
        map.report(DefinitionCode.badSetting.rawValue, key, message, suggestion)
    }

    private func check(_ attributes: [String: Arguments], _ signal: SignalKind, _ map: YAMLFields) {
        for name in attributes.keys.sorted() where signal.fields[name] == nil {
            map.report(
                DefinitionCode.unknownInput.rawValue, "with", "\(signal.name) has no field '\(name)'",
                suggestion(name, signal.fields.keys.sorted()))
        }
        for (name, field) in signal.fields.sorted(by: { $0.key < $1.key })
        where !field.isOptional && attributes[name] == nil {
            map.report(DefinitionCode.missingInput.rawValue, "with", "\(signal.name) needs the field '\(name)'")
        }
    }
}
