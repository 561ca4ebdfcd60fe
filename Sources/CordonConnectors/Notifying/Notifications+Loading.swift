// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Notifications {
    /// Reads `notifications:` of `connections.yaml`.
    static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> Notifications {
        defer { map.refuseUnknown() }
        let channels = (map.mappings("channels", required: true) ?? []).compactMap { Channel.read($0, loader) }
        let routes = (map.mappings("routes", required: true) ?? []).map { NoticeRoute.read($0, channels.map(\.id)) }
        var seen: Set<String> = []
        for channel in channels where !seen.insert(channel.id).inserted {
            map.report(
                DefinitionCode.repeatedName.rawValue, "channels", "the id '\(channel.id)' stands twice",
                "give one of them another")
        }
        for (key, count, max) in [
            ("channels", channels.count, Limits.channelsMax), ("routes", routes.count, Limits.routesMax),
        ] where count > max {
            map.report(DefinitionCode.tooMany.rawValue, key, "\(count) \(key), the limit is \(max)")
        }
        return Notifications(channels: channels, routes: routes)
    }
}

extension Channel {
    fileprivate static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> Channel? {
        defer { map.refuseUnknown() }
        let id = Connections.readID(map)
        let people = (map.mappings("people") ?? []).map { Person.read($0) }
        let egress = map.mapping("egress").map(Connections.readEgress) ?? EgressPolicy()
        let means = [
            map.mapping("webhook").flatMap { readWebhook($0, loader) },
            map.mapping("smtp").flatMap { readMail($0, loader) },
            map.mapping("pagerduty").flatMap { readPager($0, loader) },
        ]
        let gather = map.milliseconds("gather", in: 0...Limits.gatherMillisecondsMax)
        let perMinute = map.int("per_minute", in: 1...Int64(Limits.messagesPerMinuteMax))
        guard [map.has("webhook"), map.has("smtp"), map.has("pagerduty")].count(where: { $0 }) == 1 else {
            map.report(
                DefinitionCode.badSetting.rawValue, "id", "a channel is one of webhook, smtp, pagerduty",
                "write one of them")
            return nil
        }
        guard let id, let chosen = means.compactMap({ $0 }).first else { return nil }
        let channel = Channel(
            id: id, means: chosen, people: people,
            gatherMilliseconds: gather ?? Limits.gatherMillisecondsDefault,
            perMinuteMax: perMinute.map(Int.init) ?? Limits.messagesPerMinuteDefault, egress: egress)
        channel.checkPeople(map)
        return channel
    }

    private func checkPeople(_ map: YAMLFields) {
        let isMail = word == "smtp"
        func refuse(_ message: String, _ suggestion: String) {
            map.report(DefinitionCode.badSetting.rawValue, "people", message, suggestion)
        }
        if isMail, people.isEmpty { refuse("mail needs people to write to", "write people: [{ name, address }]") }
        if isMail, people.contains(where: { $0.address == nil }) {
            refuse("mail needs everybody's address", "give each of them an 'address'")
        }
        if !isMail, people.count > 1 {
            refuse("a \(word) reaches one receiver: a link in it speaks for one person", "leave all but one out")
        }
        if people.count > Limits.peoplePerChannelMax {
            refuse("\(people.count) people, the limit is \(Limits.peoplePerChannelMax)", "make a list of them there")
        }
        if Set(people.map(\.name)).count < people.count { refuse("a name stands twice", "give one another name") }
    }

    private static func readWebhook(_ map: YAMLFields, _ loader: DefinitionLoader) -> Means? {
        defer { map.refuseUnknown() }
        return map.node("url", required: true).flatMap { SecretReference.read($0, loader.reader) }
            .map { .webhook(url: $0) }
    }

    private static func readPager(_ map: YAMLFields, _ loader: DefinitionLoader) -> Means? {
        defer { map.refuseUnknown() }
        let url = map.string("url") ?? "https://events.pagerduty.com/v2/enqueue"
        if !url.hasPrefix("https://"), !url.hasPrefix("http://") {
            map.report(
                DefinitionCode.badSetting.rawValue, "url", "'url' is no absolute URL",
                "write https://…, or leave it out")
        }
        return map.node("routing_key", required: true).flatMap { SecretReference.read($0, loader.reader) }
            .map { .pager(url: url, routingKey: $0) }
    }

    private static func readMail(_ map: YAMLFields, _ loader: DefinitionLoader) -> Means? {
        defer { map.refuseUnknown() }
        let url = map.string("url", required: true)
        let from = map.string("from", required: true)
        let user = map.string("user")
        let password = map.node("password").flatMap { SecretReference.read($0, loader.reader) }
        let authority = map.node("authority").flatMap { SecretReference.read($0, loader.reader) }
        let clear = map.bool("clear") ?? false
        if let url, !MailAddress.isServer(url) {
            map.report(
                DefinitionCode.badSetting.rawValue, "url", "'url' is no address of a mail server",
                "write smtp://HOST:PORT, or smtps://HOST:PORT")
        }
        if let from, !MailAddress.isSound(from) {
            map.report(
                DefinitionCode.badSetting.rawValue, "from", "'from' is no mail address", "write cordon@example.com")
        }
        if (user == nil) != (password == nil) {
            map.report(
                DefinitionCode.badSetting.rawValue, "user", "'user' and 'password' go together", "write both, or none")
        }
        if user?.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) == true {
            map.report(DefinitionCode.badSetting.rawValue, "user", "'user' holds a control character")
        }
        guard let url, let from else { return nil }
        return .mail(
            Mail(url: url, from: from, user: user, password: password, allowsClear: clear, authority: authority))
    }
}

extension Channel.Person {
    fileprivate static func read(_ map: YAMLFields) -> Channel.Person {
        defer { map.refuseUnknown() }
        let name = map.string("name", required: true) ?? ""
        let groups = map.strings("groups") ?? []
        let address = map.string("address")
        for text in [name] + groups
        where text.isEmpty || text.utf8.count > 80 || Notice.line(text, 80) != text {
            map.report(
                DefinitionCode.badName.rawValue, "name", "'\(Notice.line(text, 40))' is no name",
                "1 to 80 visible characters, as tokens and 'approve: by:' name them")
        }
        if let address, !MailAddress.isSound(address) {
            map.report(
                DefinitionCode.badSetting.rawValue, "address", "'\(Notice.line(address, 60))' is no mail address",
                "write ann@example.com")
        }
        return Channel.Person(name: name, groups: groups, address: address)
    }
}

extension NoticeRoute {
    fileprivate static func read(_ map: YAMLFields, _ channels: [String]) -> NoticeRoute {
        defer { map.refuseUnknown() }
        let to = map.strings("to", required: true) ?? []
        for id in to where !channels.contains(id) {
            map.report(
                DefinitionCode.notOffered.rawValue, "to", "there is no channel '\(Notice.line(id, 40))'",
                suggestion(id, channels))
        }
        if to.isEmpty { map.report(DefinitionCode.badSetting.rawValue, "to", "a route leads somewhere") }
        let told = Notice.Kind.allCases.filter { !$0.isFollowUp && $0 != .trial }
        let words = map.strings("kinds")
        for word in words ?? [] where !told.contains(where: { $0.rawValue == word }) {
            map.report(
                DefinitionCode.badSetting.rawValue, "kinds", "'\(Notice.line(word, 40))' is no kind of notification",
                "one of \(told.map(\.rawValue).joined(separator: ", "))")
        }
        return NoticeRoute(
            kinds: words.map { Set($0.compactMap(Notice.Kind.init)) }, owners: map.strings("owners"),
            groups: map.strings("groups"), playbooks: map.strings("playbooks"),
            severity: map.oneOf("severity", Signal.Severity.self) ?? .low, to: to)
    }
}

/// An address as mail's envelope and headers take it: nothing in it ends a line, a name or a list.
enum MailAddress {
    static func isSound(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 254, parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 200 }),
            !text.hasPrefix("-")
        else { return false }
        return parts[0].utf8.allSatisfy { isLetterOrDigit($0) || Array("!#$%&'*+-/=?^_`{|}~.".utf8).contains($0) }
            && parts[1].utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x2E }
    }

    static func isServer(_ url: String) -> Bool {
        guard let scheme = ["smtp://", "smtps://"].first(where: url.hasPrefix) else { return false }
        let rest = url.dropFirst(scheme.count)
        return !rest.isEmpty
            && rest.utf8.allSatisfy { isLetterOrDigit($0) || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains($0) }
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
