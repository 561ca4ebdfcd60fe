// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// A kind of signal and the shape of its fields: what `signal` means in a playbook that triggers on it.
package struct SignalKind: Sendable, Hashable {
    package var name: String
    package var title: String
    /// The kind's own fields; an optional one needs `has()` or `.?` to be read.
    package var fields: [String: ObjectSchema.Field]

    package static let all: [SignalKind] = [
        SignalKind(
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
            ])
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

extension Subject {
    /// The static type of `subject` and of inputs that are subjects. What an inventory adds is open.
    package static let schema: Schema = .any
}
