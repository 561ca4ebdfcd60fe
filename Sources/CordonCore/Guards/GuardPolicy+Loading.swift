// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension GuardPolicy {
    /// Reads and checks `guards.yaml`. A guard that the file doesn't name stands as where there is no file.
    package static func load(_ bytes: [UInt8], file: String) -> Result<GuardPolicy, Diagnostics> {
        DefinitionLoader.load(bytes, file: file, limits: YAMLLimits(bytesMax: 1 << 20)) { loader, root in
            var policy = GuardPolicy.standard
            if let map = root.mapping("confidence") {
                policy.confidenceMin = map.number("min", required: true, in: 0...1)
                map.refuseUnknown()
            }
            if let map = root.mapping("protected") { policy.protection = Protection.read(map, loader) }
            if let map = root.mapping("limits") { policy.limits = readLimits(map) }
            if let map = root.mapping("surge") { policy.surge = SurgeRule.read(map) }
            if let map = root.mapping("drift") { policy.drift = readDrift(map) }
            if let map = root.mapping("breaker") { policy.breaker = readBreaker(map) }
            if let map = root.mapping("ladder") { policy.ladder = readLadder(map) }
            policy.freezes = (root.mappings("freeze") ?? []).compactMap { map in
                defer { map.refuseUnknown() }
                return readWindow(map, loader)
            }
            policy.maintenance = (root.mappings("maintenance") ?? []).compactMap { readMaintenance($0, loader) }
            if policy.freezes.count + policy.maintenance.count > Limits.windowsMax {
                root.report(
                    .tooMany, root.has("freeze") ? "freeze" : "maintenance",
                    "\(policy.freezes.count + policy.maintenance.count) windows, the limit is \(Limits.windowsMax) "
                        + "(windowsMax)")
            }
            return policy
        }
    }

    private static func readLimits(_ map: YAMLFields) -> IdentityLimits {
        defer { map.refuseUnknown() }
        func bound(_ key: String, _ standard: Int) -> Int {
            map.int(key, in: 1...Int64(Limits.identitiesMax)).map(Int.init) ?? standard
        }
        return IdentityLimits(
            perRun: map.int("per_run", in: 1...Int64(Limits.identitiesMax)).map(Int.init),
            perPlaybook: bound("per_playbook", Limits.identitiesPerPlaybook),
            perProvider: bound("per_provider", Limits.identitiesPerProvider),
            perOwner: bound("per_owner", Limits.identitiesPerOwner), all: bound("per_hour", Limits.identitiesPerHour),
            share: map.percentage("share").map { $0 / 100 } ?? Limits.identitiesShare,
            over: map.oneOf("over", GuardAnswer.self) ?? .propose)
    }

    private static func readDrift(_ map: YAMLFields) -> DriftRule {
        defer { map.refuseUnknown() }
        return DriftRule(
            times: map.int("times", in: 1...100).map(Int.init) ?? Limits.driftTimes,
            windowMilliseconds: map.milliseconds("window", in: 60_000...Limits.driftWindowMillisecondsMax)
                ?? Limits.driftWindowMilliseconds)
    }

    private static func readBreaker(_ map: YAMLFields) -> BreakerRule {
        defer { map.refuseUnknown() }
        return BreakerRule(
            last: map.int("last", in: 1...Int64(Limits.trialsKept)).map(Int.init) ?? Limits.breakerLast,
            share: map.percentage("share").map { $0 / 100 } ?? Limits.breakerShare,
            atLeast: map.int("at_least", in: 1...Int64(Limits.trialsKept)).map(Int.init) ?? Limits.breakerAtLeast)
    }

    private static func readLadder(_ map: YAMLFields) -> LadderRule {
        defer { map.refuseUnknown() }
        var rule = LadderRule()
        if let shadow = map.mapping("shadow") {
            defer { shadow.refuseUnknown() }
            rule.shadowDays = shadow.int("days", in: 0...365).map(Int.init) ?? rule.shadowDays
            rule.shadowSignals = shadow.int("signals", in: 0...100_000).map(Int.init) ?? rule.shadowSignals
        }
        if let propose = map.mapping("propose") {
            defer { propose.refuseUnknown() }
            rule.proposals = propose.int("decided", in: 0...100_000).map(Int.init) ?? rule.proposals
            rule.accepted = propose.percentage("accepted").map { $0 / 100 } ?? rule.accepted
            rule.without = propose.int("none_wrong_of", in: 0...1000).map(Int.init) ?? rule.without
        }
        return rule
    }

    private static func readMaintenance(_ map: YAMLFields, _ loader: DefinitionLoader) -> Maintenance? {
        defer { map.refuseUnknown() }
        let signals = map.strings("signals") ?? []
        for name in signals where SignalKind.named(name) == nil {
            map.report(
                .unknownSignal, "signals", "no signal is of kind '\(name)'",
                nearest(to: name, among: SignalKind.all.map(\.name)).map { "did you mean '\($0)'?" })
        }
        let of = ProtectedEntry.read(map, "of", loader)
        guard let window = readWindow(map, loader) else { return nil }
        if signals.isEmpty, of.isEmpty {
            map.report(
                .badWindow, "name", "the planned work '\(window.name)' would explain every signal there is",
                "say which under 'signals', or about whom under 'of'")
        }
        return Maintenance(window: window, signals: Set(signals), of: of)
    }

    /// Once, with two moments, or every week, with days and two times of the day.
    private static func readWindow(_ map: YAMLFields, _ loader: DefinitionLoader) -> CalendarWindow? {
        let name = map.string("name", required: true)
        let from = map.string("from", required: true)
        let until = map.string("until", required: true)
        let days = map.strings("days")
        guard let name, from != nil, until != nil else { return nil }
        guard let days else {
            guard let from = Instant.read(map, "from", required: true),
                let until = Instant.read(map, "until", required: true)
            else { return nil }
            if until <= from {
                map.report(.badWindow, "until", "'\(name)' ends before it begins", "write a later day or moment")
            }
            return CalendarWindow(name: name, span: .once(from: from, until: until))
        }
        let numbers = days.compactMap { day -> Int? in
            if let number = CalendarWindow.days.firstIndex(of: day) { return number }
            map.report(
                .badWindow, "days", "'\(day)' is no day of the week",
                "known: \(CalendarWindow.days.joined(separator: ", "))")
            return nil
        }
        let begin = minute(map, "from")
        let end = minute(map, "until")
        guard let from = begin, let until = end else { return nil }
        return CalendarWindow(name: name, span: .weekly(days: Set(numbers), from: from, until: until))
    }

    /// `18:30`, as minutes of the day; `24:00` is its end.
    private static func minute(_ map: YAMLFields, _ key: String) -> Int? {
        guard let text = map.string(key) else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
            let minute = Int(parts[1]),
            (0...23).contains(hour) && (0...59).contains(minute) || (hour, minute) == (24, 0)
        {
            return hour * 60 + minute
        }
        map.report(.badWindow, key, "'\(text)' is no time of the day", "write 18:30, in UTC")
        return nil
    }

    /// Where a playbook would let itself go further than the installation does: it would have no effect, and its author
    /// would believe otherwise.
    ///
    /// - Parameter bytes: the playbook's file.
    package func mistakes(of playbook: Playbook, bytes: [UInt8], file: String) -> [Diagnostic] {
        var found: [(path: [String], message: String, setting: String)] = []
        func compare(_ path: [String], _ own: Double?, _ server: Double?, _ setting: String, _ text: (Double) -> String)
        {
            guard let own, let server, own > server else { return }
            found.append((path, "\(text(own)) is looser than the installation's \(text(server))", setting))
        }
        compare(
            ["limits", "per_run"], playbook.guards.limits?.perRun.map(Double.init), limits?.perRun.map(Double.init),
            "limits.per_run", number)
        compare(
            ["limits", "per_hour"], playbook.guards.limits?.perPlaybook.map(Double.init),
            limits?.perPlaybook.map(Double.init), "limits.per_playbook", number)
        compare(["limits", "share"], playbook.guards.limits?.share, limits?.share, "limits.share") {
            number($0 * 100) + "%"
        }
        if let own = playbook.guards.confidence?.min, let server = confidenceMin, own < server {
            found.append(
                (
                    ["confidence", "min"], "\(number(own)) is looser than the installation's \(number(server))",
                    "confidence.min"
                ))
        }
        guard !found.isEmpty, let document = try? YAMLDocument.parse(bytes, file: file, limits: .definition) else {
            return []
        }
        return found.map { item in
            var node: YAMLNode? = document.root["guards"]
            for key in item.path { node = node?[key] }
            return document.diagnostic(
                DefinitionCode.looserGuard.rawValue, at: node?.place ?? document.root.place, width: 1, severity: .error,
                message: "guards.\(item.path.joined(separator: ".")): \(item.message), and would have no effect",
                suggestion: "tighten it, or change \(item.setting) in guards.yaml")
        }
    }
}
