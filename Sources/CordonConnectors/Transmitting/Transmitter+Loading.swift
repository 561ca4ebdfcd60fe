// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Transmitter {
    /// Reads `transmitter:` of `connections.yaml`.
    static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> Transmitter? {
        defer { map.refuseUnknown() }
        let issuer = map.string("issuer", required: true)
        // SSF 1.0 §7.1: an URL of https without query or fragment.
        if let issuer, !issuer.hasPrefix("https://") || issuer.contains("?") || issuer.contains("#") {
            map.report(
                DefinitionCode.badSetting.rawValue, "issuer", "'issuer' is no URL of https without query and fragment",
                "write how receivers reach this installation: https://cordon.example.com")
        }
        let algorithm = map.string("algorithm") ?? "RS256"
        let known: [ProviderShape.WebToken.Algorithm] = [.rs256, .es256]
        let chosen = known.first { $0.rawValue == algorithm }
        if chosen == nil {
            map.report(
                DefinitionCode.badSetting.rawValue, "algorithm", "'\(algorithm)' is no algorithm of event streams",
                "write RS256, which every receiver knows, or ES256")
        }
        let streams = (map.mappings("streams", required: true) ?? []).compactMap { EventStream.read($0, loader) }
        var seen: Set<String> = []
        for stream in streams where !seen.insert(stream.id).inserted {
            map.report(
                DefinitionCode.repeatedName.rawValue, "streams", "the id '\(stream.id)' stands twice",
                "give one of them another")
        }
        if streams.count > Limits.eventStreamsMax {
            map.report(
                DefinitionCode.tooMany.rawValue, "streams",
                "\(streams.count) streams, the limit is \(Limits.eventStreamsMax)")
        }
        guard let issuer, let chosen else { return nil }
        return Transmitter(issuer: issuer, algorithm: chosen, streams: streams)
    }
}

extension EventStream {
    fileprivate static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> EventStream? {
        defer { map.refuseUnknown() }
        let id = Connections.readID(map)
        let audience = map.string("audience", required: true)
        let egress = map.mapping("egress").map(Connections.readEgress) ?? EgressPolicy()
        let kinds = readKinds(map)
        let token = map.node("token").flatMap { SecretReference.read($0, loader.reader) }
        guard let means = readMeans(map, egress) else { return nil }
        if means == .poll, !map.has("token") {
            map.report(
                DefinitionCode.badSecret.rawValue, "id", "a receiver that asks must show who it is",
                "write token: { file: PATH } or { env: NAME }")
        }
        guard let id, let audience else { return nil }
        return EventStream(id: id, audience: audience, kinds: kinds, means: means, token: token, egress: egress)
    }

    private static func readKinds(_ map: YAMLFields) -> Set<SecurityEvent.Kind> {
        guard let names = map.strings("events") else { return Set(SecurityEvent.Kind.allCases) }
        let known = SecurityEvent.Kind.allCases.map(\.rawValue)
        for name in names where !known.contains(name) {
            map.report(
                DefinitionCode.badSetting.rawValue, "events", "Cordon tells of no '\(name)'",
                suggestion(name, known))
        }
        if names.isEmpty {
            map.report(DefinitionCode.badSetting.rawValue, "events", "a stream of no events tells nothing")
        }
        return Set(names.compactMap(SecurityEvent.Kind.init))
    }

    private static func readMeans(_ map: YAMLFields, _ egress: EgressPolicy) -> Means? {
        let push = map.string("push")
        let isPolled = map.bool("poll") ?? false
        switch (push, isPolled) {
        case (let url?, false):
            if !url.hasPrefix("https://"), !egress.allowsPlainHTTP || !url.hasPrefix("http://") {
                map.report(
                    DefinitionCode.badSetting.rawValue, "push", "'push' is no absolute URL of https", "write https://…")
            }
            return .push(url: url)
        case (nil, true): return .poll
        default:
            map.report(
                DefinitionCode.badSetting.rawValue, "id", "a stream is one of push and poll",
                "write push: https://… or poll: true")
            return nil
        }
    }
}
