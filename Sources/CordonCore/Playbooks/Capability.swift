// SPDX-License-Identifier: Apache-2.0

/// One thing that can be asked of a provider, in the house's words. A provider that lacks it can't be published for.
package struct Capability: Sendable, Hashable {
    package var name: String
    package var title: String
    /// It changes something, so it needs an undo or a reason for having none.
    package var isWrite: Bool
    package var subjects: Set<Subject.Kind>
    /// Parameters beside the subject, by name.
    package var parameters: [String]

    package static let all: [Capability] = [
        Capability(
            name: "evidence.capture", title: "Keep what the provider says about the subject", isWrite: false,
            subjects: Set(Subject.Kind.allCases), parameters: ["of"]),
        Capability(
            name: "tokens.revoke", title: "End a token so that its next use is refused", isWrite: true,
            subjects: [.credential], parameters: ["credential"]),
        Capability(
            name: "http.call", title: "Post to an address that the connector names", isWrite: true,
            subjects: Set(Subject.Kind.allCases), parameters: ["subject", "body"]),
    ]

    package static func named(_ name: String) -> Capability? { all.first { $0.name == name } }
}
