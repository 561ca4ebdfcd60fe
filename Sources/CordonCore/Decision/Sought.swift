// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Somebody whom a signal names and the inventory doesn't know: what a look-up is asked.
package struct Wanted: Sendable, Hashable {
    package var kind: Subject.Kind
    /// What the alert names them by.
    package var reference: Value

    package init(kind: Subject.Kind, reference: Value) {
        self.kind = kind
        self.reference = reference
    }
}

/// What came of a look-up: whom providers say is meant, in the words in which a decision tells it.
package struct Sought: Sendable, Hashable {
    package var wanted: Wanted
    package var resolution: Resolution
    /// Who said so, and where the history has it: a sentence that the subject's key ends.
    package var told: String

    package init(wanted: Wanted, resolution: Resolution, told: String) {
        self.wanted = wanted
        self.resolution = resolution
        self.told = told
    }
}

extension Sought {
    /// As a line of an alert's history has it (`subjectResolved`, `subjectUnresolved`); `nil` where it was cut, or is
    /// none.
    package init?(line body: Value) {
        guard let kind = body.at("about", "kind")?.stringValue.flatMap(Subject.Kind.init(rawValue:)),
            let named = body.at("about", "named"), let resolution = body["subject"].flatMap(Resolution.init(_:))
        else { return nil }
        self.init(
            wanted: Wanted(kind: kind, reference: named), resolution: resolution,
            told: body["because"]?.stringValue ?? "")
    }
}

extension Resolution {
    fileprivate init?(_ value: Value) {
        switch value["is"]?.stringValue {
        case "resolved":
            guard let held = value["subject"], let fields = try? Fields(held, "subject"),
                let subject = try? Subject(fields)
            else { return nil }
            self = .resolved(subject)
        case "missing": self = .missing(value["reason"]?.stringValue ?? "")
        case "ambiguous": self = .ambiguous((value["candidates"]?.arrayValue ?? []).compactMap(\.stringValue))
        default: return nil
        }
    }
}

/// An identity as one provider's answer names it.
package struct Found: Sendable, Hashable {
    /// The provider's own name of it, never given twice.
    package var id: String
    /// By what alerts and the inventory may name it.
    package var names: [String: Value]
    /// By what the provider's requests name it: each belongs to it alone.
    package var handles: [String: Value]
    /// What else the provider says of it.
    package var facts: [String: Value]
    package var owner: String?
    package var tags: [String]
    package var consumers: [String] = []
    package var baseline: String?

    package init(
        id: String, names: [String: Value], handles: [String: Value], facts: [String: Value] = [:],
        owner: String? = nil, tags: [String] = []
    ) {
        self.id = id
        self.names = names
        self.handles = handles
        self.facts = facts
        self.owner = owner
        self.tags = tags
    }

    /// - Parameter answer: what the connector keeps of the answer.
    package static func read(_ answer: Value) -> Result<Found, Refusal> {
        let id: String? =
            switch answer["id"] {
            case .string(let text)?: text
            case .int(let number)?: String(number)
            case .null?, .bool?, .double?, .array?, .object?, nil: nil
            }
        guard let id, (1...Limits.foundIDBytesMax).contains(id.utf8.count) else {
            return .failure(Refusal(.undecided, "the answer holds no 'id' of a look-up"))
        }
        let handles = answer["handles"]?.objectValue ?? [:]
        guard handles.values.contains(where: { $0 != .null }) else {
            return .failure(Refusal(.undecided, "the answer says nothing by which '\(id)' could be acted on"))
        }
        var found = Found(
            id: id, names: answer["names"]?.objectValue ?? [:], handles: handles.filter { $0.value != .null },
            facts: answer["facts"]?.objectValue ?? [:], owner: answer["owner"]?.stringValue,
            tags: (answer["tags"]?.arrayValue ?? []).compactMap(\.stringValue))
        // As many as an inventory may name.
        found.consumers = Array(
            (answer["consumers"]?.arrayValue ?? []).compactMap(\.stringValue).prefix(Limits.consumersMax))
        found.baseline = answer["baseline"]?.stringValue.map { Notice.line($0, Limits.baselineScalarsMax) }
        return .success(found)
    }

    /// As a run acts on it, where no inventory says more.
    package func subject(_ kind: Subject.Kind, at provider: String) -> Subject {
        var subject = Subject(
            kind: kind, id: provider + "/" + id, provider: provider, owner: owner, tags: tags,
            attributes: .object(facts.merging(handles) { _, handle in handle }))
        subject.consumers = consumers
        subject.baseline = baseline
        return subject
    }
}

extension Library {
    /// Whom a signal's playbooks mean and nobody here knows. Whoever is ambiguous is no longer looked for: two who fit
    /// are two.
    package func wanted(by signal: Signal) -> [Wanted] {
        let variables: [String: Value] = ["signal": signal.expressionValue]
        var found: [Wanted] = []
        for place in playbooks.indices where mayMean(self, place, signal.kind, variables) {
            let trigger = playbooks[place].trigger
            let wanted = Wanted(kind: trigger.subjectKind, reference: trigger.reference(in: signal))
            guard case .object(let named) = wanted.reference, !named.isEmpty, !found.contains(wanted),
                case .missing = inventory.resolve(wanted.reference, kind: wanted.kind)
            else { continue }
            found.append(wanted)
        }
        return found
    }
}

extension Playbook.Trigger {
    /// What the signal names its subject by.
    func reference(in signal: Signal) -> Value {
        var reference: Value = signal.expressionValue
        for part in subjectPath { reference = reference[part] ?? .null }
        return reference
    }
}

extension Inventory {
    /// Whom a provider's answer means. The inventory goes first, with its owner, tags and baseline, under whatever name
    /// the provider's answer shows: an identity that is protected must not lose that by being named otherwise.
    ///
    /// - Parameter own: what Cordon itself signs in there as, by the names that the connector gives it.
    package func place(
        _ found: Found, for wanted: Wanted, at provider: String, own: [String: String]
    ) -> Resolution {
        let reference = wanted.reference.objectValue ?? [:]
        var known: [Subject] = []
        switch resolve(.object(reference.merging(found.names) { _, name in name }), kind: wanted.kind) {
        case .resolved(let subject): known.append(subject)
        case .ambiguous(let names): return .ambiguous(names)
        case .missing: break
        }
        for identity in identities where identity.subject.provider == provider && !known.contains(identity.subject) {
            let isSame = found.handles.contains { handle in
                identity.subject.attributes[handle.key].map(plain) == plain(handle.value)
            }
            if isSame, identity.subject.kind == wanted.kind { known.append(identity.subject) }
        }
        if known.count > 1 { return .ambiguous(known.map(\.id).sorted()) }
        if let subject = known.first { return .resolved(subject) }
        let called = Set(found.handles.values.map(plain)).union(found.names.values.map(plain))
            .union([.string(found.id)])
        if own.values.contains(where: { called.contains(.string($0)) }) {
            return .missing("\(provider) names what Cordon itself signs in there as")
        }
        return .resolved(found.subject(wanted.kind, at: provider))
    }
}

/// Providers tell numbers where files have texts, and the other way round.
private func plain(_ value: Value) -> Value {
    if case .int(let number) = value { return .string(String(number)) }
    return value
}
