// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

extension ProviderShape {
    /// How a provider is asked whom an alert means, where the inventory knows nobody by what the alert says.
    ///
    /// It only reads. What it keeps of the answer is read as a `Found`.
    package struct Lookup: Sendable, Hashable {
        package var name: String
        package var kind: Subject.Kind
        /// Whether it can be asked by what the alert names, `named`.
        package var condition: Expression
        /// What is asked before, one after the other, where the provider takes several questions: what they keep is
        /// `with.via` of those that follow.
        package var via: [Exchange]
        package var exchange: Exchange
        package var timeoutMilliseconds: Int64

        package init(
            name: String, kind: Subject.Kind, condition: Expression, via: [Exchange] = [], exchange: Exchange,
            timeoutMilliseconds: Int64
        ) {
            self.via = via
            self.name = name
            self.kind = kind
            self.condition = condition
            self.exchange = exchange
            self.timeoutMilliseconds = timeoutMilliseconds
        }

        /// The name under which it is called: no workflow can say it.
        package var capability: String { Lookup.prefix + name }
        static let prefix = "lookup."
        /// The names of what is asked before.
        package var viaCapabilities: [String] { via.indices.map { "\(capability).via\($0 + 1)" } }

        /// What is called by this name, where it is this look-up's.
        func action(_ name: String) -> Action? {
            let before = zip(viaCapabilities, via).first { $0.0 == name }?.1
            return (name == capability ? exchange : before).map {
                Action(effectClass: .read, act: $0, state: nil, timeoutMilliseconds: timeoutMilliseconds)
            }
        }
    }

    /// What is called by this name: a capability, or a look-up.
    package func action(_ name: String) -> Action? {
        if let action = actions[name] { return action }
        guard name.hasPrefix(Lookup.prefix) else { return reconcile?.action(name) }
        return lookups.lazy.compactMap { $0.action(name) }.first
    }
}

extension Provider {
    /// The look-up to be asked about somebody: the first whose condition holds.
    package func lookup(for wanted: Wanted) -> ProviderShape.Lookup? {
        shape.lookups.first { lookup in
            lookup.kind == wanted.kind && lookup.condition.decide(["named": wanted.reference]) == .isTrue
        }
    }

    /// What Cordon signs in as, by the names of its connector's settings.
    package var ownNames: [String: String] {
        Dictionary(
            shape.ownNames.keys.compactMap { name in connection.settings[name].map { (name, $0) } }
        ) { first, _ in first }
    }
}

extension ProviderLoader {
    /// `lookups:`, each under a name of its own, in the order in which they are tried.
    func lookups(_ map: YAMLFields) -> [ProviderShape.Lookup] {
        guard let fields = map.mapping("lookups") else { return [] }
        return fields.keys.compactMap { name in
            if !isIdentifier(name) {
                fields.report(
                    DefinitionCode.badName.rawValue, name, "'\(name)' is no name of a look-up",
                    "lower-case letters, digits and underscores")
            }
            return fields.mapping(name).flatMap { lookup($0, name) }
        }
    }

    private func lookup(_ map: YAMLFields, _ name: String) -> ProviderShape.Lookup? {
        defer { map.refuseUnknown() }
        let kind = map.oneOf("subject", Subject.Kind.self, required: true)
        let condition = loader.expression(
            map.node("when", required: true), "when", variables: ["named": .any], expecting: .bool)
        let timeout = map.milliseconds("timeout", in: 1...Limits.callTimeoutMillisecondsMax)
        let via = (map.mappings("via") ?? []).compactMap { fields -> ProviderShape.Exchange? in
            defer { fields.refuseUnknown() }
            return self.exchange(fields, isRead: true)
        }
        if via.count > Limits.lookupStepsMax {
            map.report(
                DefinitionCode.tooMany.rawValue, "via",
                "\(via.count) questions come before, the limit is \(Limits.lookupStepsMax)")
        }
        let exchange = self.exchange(map, isRead: true)
        if let exchange { check(exchange, map) }
        guard let kind, let condition, let exchange else { return nil }
        return ProviderShape.Lookup(
            name: name, kind: kind, condition: condition, via: via, exchange: exchange,
            timeoutMilliseconds: timeout ?? Limits.callTimeoutMillisecondsDefault)
    }

    /// What a run acts on must be the one that was asked for: a provider may ignore a filter.
    private func check(_ exchange: ProviderShape.Exchange, _ map: YAMLFields) {
        let comparesSuccess = exchange.answers.rules.contains { rule in
            rule.means == .refused && (rule.statuses?.contains { (200..<300).contains($0) } ?? true)
        }
        if exchange.pick == nil, !comparesSuccess {
            map.report(
                DefinitionCode.badAnswer.rawValue, "answers",
                "nothing compares the answer with who was asked for: a server that ignores the question names others",
                "add pick: { from: …, equal: { … } }, or under 'answers' a rule that means refused")
        }
        for name in ["id", "handles"] where !exchange.keep.contains(name) {
            map.report(
                DefinitionCode.unpromised.rawValue, "answers", "a look-up tells '\(name)', and it is not kept",
                "work it out under 'keep': id, handles and, where the provider says them, names, owner, tags, facts, consumers, baseline"
            )
        }
        for name in exchange.keep where !ProviderLoader.foundNames.contains(name) {
            map.report(
                DefinitionCode.unpromised.rawValue, "keep", "nobody reads '\(name)' of a look-up",
                suggestion(name, ProviderLoader.foundNames))
        }
    }

    private static let foundNames = ["baseline", "consumers", "facts", "handles", "id", "names", "owner", "tags"]
}
