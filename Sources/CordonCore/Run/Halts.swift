// SPDX-License-Identifier: Apache-2.0

/// Where automation is stopped. It is looked at before every write; what stands stays, and restores still run.
package struct Halts: Sendable, Hashable {
    package enum Scope: Sendable, Hashable {
        case everything
        case playbook(String)
        case provider(String)

        package var text: String {
            switch self {
            case .everything: "everything"
            case .playbook(let name): "playbook \(name)"
            case .provider(let name): "provider \(name)"
            }
        }

        package init?(text: String) {
            let words = text.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words.first, words.count) {
            case ("everything", 1): self = .everything
            case ("playbook", 2): self = .playbook(words[1])
            case ("provider", 2): self = .provider(words[1])
            default: return nil
            }
        }
    }

    package var scopes: Set<Scope>

    package init(_ scopes: Set<Scope> = []) { self.scopes = scopes }

    package static let none = Halts()

    /// What forbids a write of this playbook to this provider.
    package func reason(playbook: String, provider: String) -> String? {
        [Scope.everything, .playbook(playbook), .provider(provider)].first(where: scopes.contains)
            .map { "halted: \($0.text)" }
    }
}
