// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// A kind of signal and the shape of its fields: what `signal` means in a playbook that triggers on it.
package struct SignalKind: Sendable, Hashable {
    package var name: String
    package var title: String
    /// The kind's own fields; an optional one needs `has()` or `.?` to be read.
    package var fields: [String: ObjectSchema.Field]
    /// The words that a field holds. Sources of an installation's own may have others.
    package var words: [String: [String]] = [:]

    package static let all: [SignalKind] = [
        secretExposed, scopeWidened, contextLeft, destinationUnusual, boundaryExceeded, identitySuspected,
        identityChanged, sessionChanged, resourceSuspected, noticeGiven,
    ]

    package static func named(_ name: String) -> SignalKind? { all.first { $0.name == name } }

    /// The static type of `signal`.
    package var schema: Schema {
        var members = fields
        for name in ["id", "kind", "source", "severity", "received_at"] { members[name] = .init(.string) }
        members["confidence"] = .init(.double)
        members["occurred_at"] = .init(.string, isOptional: true)
        return .object("signal", members)
    }
}

// What names an identity, a credential, a session or a workload is a map in the source's own words: the inventory tells
// whom it means. `event` is the source's own word for what happened, such as a finding's type.
extension SignalKind {
    private static let secretExposed = SignalKind(
        name: "secret.exposed", title: "A secret was found where it should not be",
        fields: [
            // `active`, `inactive` or `unknown`, as the source's own check of the secret says.
            "validity": .init(.string),
            // `public` or `internal`.
            "exposure": .init(.string),
            "location": .init(
                .object(
                    "signal.location",
                    [
                        "kind": .init(.string), "repository": .init(.string),
                        "path": .init(.string, isOptional: true), "link": .init(.string, isOptional: true),
                    ])),
            // The source's own name of the secret; the inventory tells whose it is.
            "credential": .init(.map(.any)),
            "secret_type": .init(.string),
        ], words: ["validity": ["active", "inactive", "unknown"], "exposure": ["public", "internal"]])

    private static let scopeWidened = SignalKind(
        name: "scope.widened", title: "An identity asked for more than its profile holds, or was given it",
        fields: [
            "identity": .init(.map(.any)),
            // Scopes, roles or permissions, in the provider's words.
            "requested": .init(.list(.string)),
            // The provider has already given them.
            "granted": .init(.bool),
            // Who gave or asked, where the source says.
            "by": .init(.string, isOptional: true),
            "event": .init(.string, isOptional: true),
        ])

    private static let contextLeft = SignalKind(
        name: "context.left", title: "An agent touched what its approved context does not hold",
        fields: [
            "session": .init(.map(.any)),
            "agent": .init(.string, isOptional: true),
            // What it touched: a table, a bucket, a tool.
            "resource": .init(.string),
            // `read`, `write`, `call` or `delete`.
            "action": .init(.string),
            // The context that was approved for it, by name.
            "context": .init(.string, isOptional: true),
            "records": .init(.int, isOptional: true),
            "event": .init(.string, isOptional: true),
        ], words: ["action": ["read", "write", "call", "delete"]])

    private static let destinationUnusual = SignalKind(
        name: "destination.unusual", title: "A workload wrote to where it does not usually write",
        fields: [
            "workload": .init(.map(.any)),
            // A host, a bucket, an account.
            "destination": .init(.string),
            "action": .init(.string),
            // How often it wrote there within the source's own baseline; 0 for never.
            "seen_before": .init(.int, isOptional: true),
            "bytes": .init(.int, isOptional: true),
            "event": .init(.string, isOptional: true),
        ])

    private static let boundaryExceeded = SignalKind(
        name: "boundary.exceeded", title: "A session used more time, data or calls than were approved",
        fields: [
            "session": .init(.map(.any)),
            // `duration`, `bytes`, `records` or `calls`.
            "boundary": .init(.string),
            "used": .init(.double),
            "approved": .init(.double),
            // Of `used` and `approved`: `s`, `B`, or empty where things are counted.
            "unit": .init(.string),
            "event": .init(.string, isOptional: true),
        ], words: ["boundary": ["duration", "bytes", "records", "calls"]])

    private static let identitySuspected = SignalKind(
        name: "identity.suspected", title: "A source suspects that an identity is misused",
        fields: [
            "identity": .init(.map(.any)),
            "event": .init(.string),
            "session": .init(.map(.any), isOptional: true),
            // Whence, where the source says: an address or a network's name.
            "origin": .init(.string, isOptional: true),
            "resources": .init(.list(.string)),
        ])

    private static let identityChanged = SignalKind(
        name: "identity.changed", title: "An identity, or what it holds, was changed at its provider",
        fields: [
            "identity": .init(.map(.any)),
            // `enabled`, `disabled`, `credential`, `identifier`, `privileges` or `other`.
            "change": .init(.string),
            "event": .init(.string),
            "by": .init(.string, isOptional: true),
            "resources": .init(.list(.string)),
        ], words: ["change": ["enabled", "disabled", "credential", "identifier", "privileges", "other"]])

    private static let sessionChanged = SignalKind(
        name: "session.changed", title: "A session was opened, ended, or is trusted more or less than before",
        fields: [
            "identity": .init(.map(.any), isOptional: true),
            "session": .init(.map(.any), isOptional: true),
            // `established`, `presented`, `revoked`, `claims`, `assurance` or `risk`.
            "change": .init(.string),
            "event": .init(.string),
            // The new level of assurance or risk, in the transmitter's words.
            "level": .init(.string, isOptional: true),
        ], words: ["change": ["established", "presented", "revoked", "claims", "assurance", "risk"]])

    private static let resourceSuspected = SignalKind(
        name: "resource.suspected", title: "A source suspects a host, a container or another resource",
        fields: [
            "resource": .init(.map(.any)),
            "event": .init(.string),
            "identity": .init(.map(.any), isOptional: true),
            "origin": .init(.string, isOptional: true),
            "resources": .init(.list(.string)),
        ])

    private static let noticeGiven = SignalKind(
        name: "notice.given", title: "A source says something that is no accusation",
        fields: ["event": .init(.string), "resources": .init(.list(.string))])
}

extension SignalKind {
    /// The word that is meant by one that the field never holds; `nil` where it may hold it.
    func misspelt(_ text: String, in field: String) -> (meant: String?, known: [String])? {
        let severities = Signal.Severity.allCases.map(\.rawValue)
        // How grave a signal is has no other words, whatever its source.
        if field == "severity", !severities.contains(text) { return (nearest(to: text, among: severities), severities) }
        guard let known = words[field], !known.contains(text), let meant = nearest(to: text, among: known) else {
            return nil
        }
        return (meant, known)
    }
}

extension Subject {
    /// The static type of `subject` and of inputs that are subjects. What an inventory adds is open.
    package static let schema: Schema = .object(
        "subject",
        [
            "kind": .init(.string), "id": .init(.string), "provider": .init(.string), "tags": .init(.list(.string)),
            "owner": .init(.object("subject.owner", ["known": .init(.bool), "name": .init(.string)])),
        ], openness: .open)
}

extension Run {
    /// The static type of `run` in a workflow's expressions: what the run itself is. `opened_at` is RFC 3339.
    static let schema: Schema = .object(
        "run", ["id": .init(.string), "playbook": .init(.string), "opened_at": .init(.string)])
}
