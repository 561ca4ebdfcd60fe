// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// HOW: a pre-approved procedure, provider-neutral, each changing step with its undo. Pinned by the digest of its source.
package struct Workflow: Sendable, Hashable {
    /// One line of the procedure. What becomes of it in a run is a `Step`.
    package struct Line: Sendable, Hashable {
        package var id: String
        package var capability: String
        package var arguments: Arguments
        /// The step is skipped when this is false.
        package var condition: Expression?
        /// What must hold of `after`, the state read back, for the effect to count.
        package var verify: Expression?
        package var withinMilliseconds: Int64
        package var retry: Retry
        package var undo: Undo

        package init(
            id: String, capability: String, arguments: Arguments, condition: Expression? = nil,
            verify: Expression? = nil, withinMilliseconds: Int64 = Limits.stepWithinMillisecondsDefault,
            retry: Retry = Retry(), undo: Undo = .notNeeded
        ) {
            self.id = id
            self.capability = capability
            self.arguments = arguments
            self.condition = condition
            self.verify = verify
            self.withinMilliseconds = withinMilliseconds
            self.retry = retry
            self.undo = undo
        }
    }

    package struct Retry: Sendable, Hashable {
        package var attempts: Int
        package var firstMilliseconds: Int64

        package init(
            attempts: Int = Limits.attemptsDefault, firstMilliseconds: Int64 = Limits.backOffMillisecondsFirst
        ) {
            self.attempts = attempts
            self.firstMilliseconds = firstMilliseconds
        }
    }

    package enum Undo: Sendable, Hashable {
        /// The step only reads.
        case notNeeded
        /// It can't be undone, and the author says why that is acceptable.
        case none(because: String)
    }

    /// What a playbook hands in.
    package struct Input: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case serviceAccount = "service_account"
            case credential
            case workload
            case agentSession = "agent_session"
            case string
            case int
            case bool

            package var isSubject: Bool {
                switch self {
                case .serviceAccount, .credential, .workload, .agentSession: true
                case .string, .int, .bool: false
                }
            }
        }

        package var name: String
        package var kind: Kind
        package var standard: Value?

        package init(name: String, kind: Kind, standard: Value? = nil) {
            self.name = name
            self.kind = kind
            self.standard = standard
        }
    }

    package var name: String
    package var title: String
    package var inputs: [Input]
    package var lines: [Line]
    /// `sha256:` of the source's bytes.
    package var digest: String

    package init(name: String, title: String, inputs: [Input], lines: [Line], digest: String) {
        self.name = name
        self.title = title
        self.inputs = inputs
        self.lines = lines
        self.digest = digest
    }

    package var pin: Run.Pin { Run.Pin(name: name, digest: digest) }

    package func step(_ id: String) -> Line? { lines.first { $0.id == id } }
}

/// A tree of parameters as the author wrote it, with `${…}` holes.
package indirect enum Arguments: Sendable, Hashable {
    case literal(Value)
    case template(Template)
    case list([Arguments])
    case map([String: Arguments])

    /// Evaluates every hole once.
    package func render(_ variables: [String: Value]) -> Result<Value, EvaluationError> {
        switch self {
        case .literal(let value): return .success(value)
        case .template(let template): return template.render(variables)
        case .list(let items):
            var out: [Value] = []
            for item in items {
                switch item.render(variables) {
                case .success(let value): out.append(value)
                case .failure(let error): return .failure(error)
                }
            }
            return .success(.array(out))
        case .map(let members):
            var out: [String: Value] = [:]
            for (key, item) in members {
                switch item.render(variables) {
                case .success(let value): out[key] = value
                case .failure(let error): return .failure(error)
                }
            }
            return .success(.object(out))
        }
    }
}
