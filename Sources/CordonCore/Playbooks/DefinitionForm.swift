// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// The canonical form of what authors write: the order in which a reader wants to be told.
package enum DefinitionForm {
    /// The kinds of files that have one, by their first key.
    package enum Kind: String, Sendable, CaseIterable { case playbook, workflow, connector, test }

    /// What the file says that it is; `nil` for any other YAML.
    package static func kind(of document: YAMLDocument) -> Kind? {
        Kind.allCases.first { document.root[$0.rawValue] != nil }
    }

    /// The file's text in canonical form; `nil` when it could not be proved to say the same.
    package static func text(of document: YAMLDocument, kind: Kind) -> String? {
        YAMLForm.text(of: document) { order($0, kind) }
    }

    private static func order(_ path: [String], _ kind: Kind) -> [String] {
        switch kind {
        case .playbook: playbook[path.joined(separator: " ")] ?? []
        case .connector: path.isEmpty ? ["connector", "title", "vendor", "source", "provider"] : []
        case .test: test[path.joined(separator: " ")] ?? []
        case .workflow: workflow(path)
        }
    }

    private static let playbook = [
        "": ["playbook", "title", "owner", "mode", "trigger", "guards", "run", "objective", "maps"],
        "guards": ["confidence", "risk", "protected", "limits", "surge", "breaker", "require"],
        "trigger": ["signal", "when", "on_undecided", "subject", "group"],
        "trigger subject": ["kind", "from"],
        "trigger group": ["by", "window"],
        "run": ["workflow", "with"],
        "objective": ["contained_by", "within"],
    ]

    private static let test = [
        "": ["test", "from", "cases"],
        "cases *": [
            "name", "like", "mode", "from", "alert", "signal", "state", "fake", "people", "crash", "with", "repeat",
            "over", "varied", "expect",
        ],
    ]

    /// What hands values over (`with`, `inputs`, `body`) keeps the author's order; inputs are read in it.
    private static func workflow(_ path: [String]) -> [String] {
        if path.isEmpty { return ["workflow", "title", "inputs", "steps"] }
        // Steps stand in steps: every second name from there on says in what.
        guard let last = path.last, !path.dropLast().contains("with"), path[0] == "steps" || path[0] == "inputs" else {
            return []
        }
        if path[0] == "inputs" { return path.count == 2 ? ["type", "default", "max"] : [] }
        if last == "*", path.dropLast().last == "steps" { return step }
        if last == "*", ["parallel", "rungs"].contains(path.dropLast().last) { return ["name", "steps"] }
        return parts[last] ?? []
    }

    private static let step = [
        "id", "after", "if", "each", "do", "call", "wait", "parallel", "ladder", "task", "with", "within", "retry",
        "verify", "hold", "undo", "because", "approve", "on_error",
    ]
    private static let asked = [
        "by", "exclude", "exclude_author", "quorum", "ask", "choices", "within", "remind", "escalate", "on_timeout",
    ]
    private static let parts = [
        "each": ["in", "as", "max", "parallel"], "retry": ["attempts", "first"], "hold": ["for", "then", "unless"],
        "approve": asked, "task": asked, "escalate": ["after", "to"], "measure": ["do", "with"],
        "wait": ["measure", "until", "every", "for", "on_timeout"], "ladder": ["measure", "until", "rungs"],
    ]
}
