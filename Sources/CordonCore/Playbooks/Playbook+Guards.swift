// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Playbook {
    static func readGuards(_ map: YAMLFields, _ loader: DefinitionLoader, _ trigger: Trigger?) -> Guards {
        defer { map.refuseUnknown() }
        var guards = Guards()
        guards.confidence = map.mapping("confidence").flatMap(readConfidence)
        guards.risk = map.mapping("risk").flatMap(readRisk)
        if let fields = map.mapping("protected") { guards.protection = Protection.read(fields, loader) }
        guards.limits = map.mapping("limits").map(readLimits)
        guards.surge = map.mapping("surge").map(SurgeRule.read)
        guards.requirements = readRequirements(map, loader, trigger)
        return guards
    }

    private static func readConfidence(_ map: YAMLFields) -> Guards.Confidence? {
        defer { map.refuseUnknown() }
        let below = map.oneOf("below", GuardAnswer.self) ?? .propose
        return map.number("min", required: true, in: 0...1).map { Guards.Confidence(min: $0, below: below) }
    }

    private static func readRisk(_ map: YAMLFields) -> Guards.Risk? {
        defer { map.refuseUnknown() }
        let add = map.number("add", required: true, in: 0...1e6)
        let halfLife = map.milliseconds(
            "half_life", required: true, in: 60_000...Limits.riskHalfLifeMillisecondsMax)
        let actAt = map.number("act_at", required: true, in: 0...1e6)
        guard let add, let halfLife, let actAt else { return nil }
        return Guards.Risk(add: add, halfLifeMilliseconds: halfLife, actAt: actAt)
    }

    private static func readLimits(_ map: YAMLFields) -> IdentityLimits {
        defer { map.refuseUnknown() }
        return IdentityLimits(
            perRun: map.int("per_run", in: 1...Int64(Limits.identitiesMax)).map(Int.init),
            perPlaybook: map.int("per_hour", in: 1...Int64(Limits.identitiesMax)).map(Int.init),
            share: map.percentage("share").map { $0 / 100 }, over: map.oneOf("over", GuardAnswer.self) ?? .propose)
    }

    private static func readRequirements(
        _ map: YAMLFields, _ loader: DefinitionLoader, _ trigger: Trigger?
    ) -> [Guards.Requirement] {
        let kind = trigger.flatMap { SignalKind.named($0.signalKind) }
        let signal = kind?.schema ?? .any
        let items = map.mappings("require") ?? []
        if items.count > Limits.requirementsMax {
            map.report(
                .tooMany, "require",
                "\(items.count) requirements, the limit is \(Limits.requirementsMax) (requirementsMax)")
        }
        return items.compactMap { item in
            defer { item.refuseUnknown() }
            let otherwise = item.oneOf("else", GuardAnswer.self) ?? .propose
            _ = item.string("that", required: true)
            let that = loader.expression(
                item.node("that"), "that", variables: ["signal": signal, "subject": Subject.schema], expecting: .bool)
            loader.refuseUnknownWords(that, item.node("that"), kind)
            return that.map { Guards.Requirement(that: $0, otherwise: otherwise) }
        }
    }
}

extension SurgeRule {
    /// A playbook's or the installation's; what is left out is as where nothing is said.
    static func read(_ map: YAMLFields) -> SurgeRule {
        defer { map.refuseUnknown() }
        return SurgeRule(
            factor: map.number("factor", in: 1...1000) ?? Limits.surgeFactor,
            windowMilliseconds: map.milliseconds("window", in: 60_000...Limits.surgeWindowMillisecondsMax)
                ?? Limits.surgeWindowMilliseconds,
            cap: map.int("cap", in: 1...Int64(Limits.identitiesMax)).map(Int.init) ?? Limits.surgeCap,
            then: map.oneOf("then", GuardAnswer.self) ?? .propose)
    }
}

extension Protection {
    static func read(_ map: YAMLFields, _ loader: DefinitionLoader) -> Protection {
        defer { map.refuseUnknown() }
        return Protection(
            deny: ProtectedEntry.read(map, "deny", loader), ask: ProtectedEntry.read(map, "ask", loader))
    }
}

extension ProtectedEntry {
    /// Texts, or maps that say until when: `{ of: id/payroll, until: 2027-01-31, because: the year's end }`.
    static func read(_ map: YAMLFields, _ key: String, _ loader: DefinitionLoader) -> [ProtectedEntry] {
        let nodes = map.list(key) ?? []
        if nodes.count > Limits.protectedMax {
            map.report(.tooMany, key, "\(nodes.count) entries, the limit is \(Limits.protectedMax) (protectedMax)")
        }
        return nodes.compactMap { node in
            guard node.entries != nil else {
                return loader.reader.string(node, "an item of \(key)").flatMap { named($0, node, loader) }
            }
            guard let fields = loader.reader.mapping(node, "an item of \(key)") else { return nil }
            defer { fields.refuseUnknown() }
            let until = Instant.read(fields, "until", required: true)
            let because = fields.string("because")
            guard let text = fields.string("of", required: true), let place = fields.node("of"),
                var entry = named(text, place, loader)
            else { return nil }
            entry.until = until
            entry.because = because
            return entry
        }
    }

    static func named(_ text: String, _ node: YAMLNode, _ loader: DefinitionLoader) -> ProtectedEntry? {
        if let entry = ProtectedEntry(text: text) { return entry }
        loader.reader.report(
            DefinitionCode.badProtection.rawValue, at: node, "'\(text)' names nobody who could be protected",
            "write id/NAME, tag/NAME, owner/NAME or tier/NUMBER")
        return nil
    }
}

extension Instant {
    /// A day, which begins at midnight UTC, or a moment of RFC 3339.
    static func read(_ map: YAMLFields, _ key: String, required: Bool) -> Instant? {
        guard let text = map.string(key, required: required) else { return nil }
        if let instant = Instant(rfc3339: text) ?? Instant(rfc3339: text + "T00:00:00Z") { return instant }
        map.report(
            .badWindow, key, "'\(text)' is neither a day nor a moment", "write 2027-01-31 or 2027-01-31T18:00:00Z")
        return nil
    }
}
