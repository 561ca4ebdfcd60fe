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
            let provider = root.mapping("provider").flatMap { map in
                var reader = ProviderLoader(loader)
                return reader.provider(map)
            }
            guard let name, let title, let vendor else { return nil }
            return Connector(
                name: name, title: title, vendor: vendor, source: source, provider: provider, digest: digest)
        }
    }

    // MARK: Inbound

    private static func readSource(_ map: YAMLFields, _ loader: DefinitionLoader) -> SourceShape? {
        defer { map.refuseUnknown() }
        let authentication = map.mapping("authentication", required: true).flatMap(SourceShape.Authentication.read)
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
        if delivery != nil, authentication.deliveryHeader != nil {
            map.report(
                DefinitionCode.badSetting.rawValue, "delivery",
                "the scheme names the delivery itself, in a header that is signed", "leave it out")
        }
        if delivery == nil, case .hmac(let signature) = authentication, signature.signed.contains(.delivery) {
            map.report(
                DefinitionCode.missingInput.rawValue, "authentication",
                "the delivery is signed, and no header names it", "add delivery: NAME")
        }
        return SourceShape(
            authentication: authentication, deliveryHeader: delivery?.lowercased() ?? authentication.deliveryHeader,
            keptHeaders: headers.map { $0.lowercased() }, bodyBytesMax: bytesMax ?? Limits.bodyBytesMax, rules: rules)
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
}

/// The name that was probably meant, or all that there are.
func suggestion(_ name: String, _ known: [String]) -> String {
    nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? (known.isEmpty ? "there is none here" : "known: \(known.joined(separator: ", "))")
}
