// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What is known of the identities that alerts may name: `identities.yaml`, read whole.
package struct Inventory: Sendable, Hashable {
    package struct Identity: Sendable, Hashable {
        package var subject: Subject
        /// The fields by which alerts name it; all of them must equal those of the reference.
        package var matches: [String: Value]
        /// The secrets that its provider's requests may use, by the name they have there.
        package var secrets: [String: SecretReference]

        package init(subject: Subject, matches: [String: Value], secrets: [String: SecretReference] = [:]) {
            self.subject = subject
            self.matches = matches
            self.secrets = secrets
        }
    }

    package private(set) var identities: [Identity]
    /// `sha256:` of the file's bytes: a decision names the inventory it used.
    package var digest: String
    /// The open agent sessions that a signal names; the registry knows them, no file does.
    package var openSessions: [OpenSession] = []
    /// What providers say of those whom a signal names and it doesn't know itself.
    package var sought: [Sought] = []
    /// Providers may name others: what it counts is not all that there are.
    package var isWidened = false
    private var positions: [String: Int]
    private var counts: [Subject.Kind: Int]
    /// Each identity under the rarest of its fields, so that a reference meets few of them however many there are.
    private var byField: [Field: [Int]]

    private struct Field: Sendable, Hashable {
        var name: String
        var value: Value
    }

    package init(identities: [Identity], digest: String) {
        self.identities = identities
        self.digest = digest
        positions = Dictionary(
            identities.enumerated().map { ($0.element.subject.id, $0.offset) }, uniquingKeysWith: { first, _ in first })
        byField = Inventory.index(identities)
        counts = identities.reduce(into: [:]) { $0[$1.subject.kind, default: 0] += 1 }
    }

    /// How many identities of the kind it knows.
    package func count(of kind: Subject.Kind) -> Int { counts[kind] ?? 0 }

    private static func index(_ identities: [Identity]) -> [Field: [Int]] {
        let fields = identities.map { $0.matches.map(Field.init(name:value:)) }
        var uses: [Field: Int] = [:]
        for field in fields.joined() { uses[field, default: 0] += 1 }
        var index: [Field: [Int]] = [:]
        for (position, own) in fields.enumerated() {
            guard let rarest = own.min(by: { (uses[$0] ?? 0, $0.name) < (uses[$1] ?? 0, $1.name) }) else { continue }
            index[rarest, default: []].append(position)
        }
        return index
    }

    package subscript(_ id: String) -> Identity? { positions[id].map { identities[$0] } }

    /// Who a reference means. Anything but exactly one match is no match.
    package func resolve(_ reference: Value, kind: Subject.Kind) -> Resolution {
        guard case .object(let named) = reference, !named.isEmpty else {
            return .missing("the alert names no \(kind.rawValue)")
        }
        let found = named.flatMap { byField[Field(name: $0.key, value: $0.value)] ?? [] }
            .map { identities[$0] }
            .filter { $0.subject.kind == kind && $0.matches.allSatisfy { named[$0.key] == $0.value } }
        let sessions = kind == .agentSession ? openSessions.filter { $0.isMeant(by: named) } : []
        if found.isEmpty, let session = sessions.first { return session.resolution }
        switch found.count + sessions.count {
        case 0:
            let wanted = Wanted(kind: kind, reference: reference)
            if let answer = sought.first(where: { $0.wanted == wanted }) { return answer.resolution }
            return .missing("no \(kind.rawValue) of the inventory matches \(clipped(reference.json))")
        case 1: return .resolved(found[0].subject)
        default:
            let names = (found.map(\.subject.id) + sessions.map(\.id)).sorted()
            return .ambiguous(names.count > 5 ? Array(names.prefix(5)) + ["…"] : names)
        }
    }
}

/// Text of an alert, cut to what a person reads and a line of the history can hold.
private func clipped(_ text: String) -> String {
    let kept = text.unicodeScalars.prefix(Limits.quotedScalarsMax)
    return kept.count < text.unicodeScalars.count ? "\(String(String.UnicodeScalarView(kept)))…" : text
}

package enum Resolution: Sendable, Hashable {
    case resolved(Subject)
    case missing(String)
    case ambiguous([String])

    package var value: Value {
        switch self {
        case .resolved(let subject): ["is": "resolved", "subject": subject.value]
        case .missing(let reason): ["is": "missing", "reason": .string(reason)]
        case .ambiguous(let names): ["is": "ambiguous", "candidates": .array(names.map(Value.string))]
        }
    }
}

/// Where a secret lies. Never the secret.
package enum SecretReference: Sendable, Hashable {
    case environment(String)
    /// A file that only its owner may read.
    case file(String)
    /// What systemd hands the service under this name (systemd.exec(5), LoadCredential).
    case credential(String)
    /// A field of a secret in the key-value store of a Vault: `MOUNT/data/PATH` as its API has it.
    case vault(path: String, field: String)

    package var isInVault: Bool { if case .vault = self { true } else { false } }

    package var text: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .credential(let name): "credential:\(name)"
        case .vault(let path, let field): "vault:\(path)#\(field)"
        }
    }
}
