// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// How it is shown from outside that a change took effect: what the subject holds is used before it and after it.
///
/// A refusal afterwards proves something only of what worked before: a token that was expired all along is refused too.
package struct ProofRule: Sendable, Hashable {
    package enum Expectation: String, Sendable, Hashable, CaseIterable {
        /// It worked before and is refused after: what ends or contains something.
        case refused
        /// It was refused before and works after: what gives something back.
        case works
    }

    /// It has a request of its own; otherwise what the state's own request is answered is looked at.
    package var asksItself: Bool
    /// Whether what the subject holds works, as `seen` tells.
    package var works: Expression
    package var expects: Expectation

    package init(asksItself: Bool, works: Expression, expects: Expectation = .refused) {
        self.asksItself = asksItself
        self.works = works
        self.expects = expects
    }

    /// Why what was seen beforehand is no control; `nil` when it is one.
    func objection(to control: Value, _ arguments: Value) -> String? {
        switch (isWorking(control, arguments), expects) {
        case (.isTrue, .refused), (.isFalse, .works): nil
        case (.isFalse, .refused): "did not work before"
        case (.isTrue, .works): "worked before already"
        case (.undecided(let error), _): "what was seen before gives no answer: \(error.message)"
        }
    }

    /// Whether what was seen afterwards is what the change is for.
    func isShown(_ seen: Value, _ arguments: Value) -> Condition {
        switch (isWorking(seen, arguments), expects) {
        case (.isTrue, .works), (.isFalse, .refused): .isTrue
        case (.isTrue, .refused), (.isFalse, .works): .isFalse
        case (.undecided(let error), _): .undecided(error)
        }
    }

    /// What people read of a proof that was given, and of one that wasn't.
    var shown: String {
        switch expects {
        case .refused: "worked before, is refused now"
        case .works: "was refused before, works now"
        }
    }

    var missing: String {
        switch expects {
        case .refused: "what the subject holds still works"
        case .works: "what the subject holds is still refused"
        }
    }

    private func isWorking(_ seen: Value, _ arguments: Value) -> Condition {
        works.decide(["seen": seen, "with": arguments])
    }
}

extension Step {
    /// What the use of what the subject holds proved of an effect.
    package struct Proof: Sendable, Hashable {
        package enum Verdict: String, Sendable, Hashable, CaseIterable {
            case inEffect = "in_effect"
            /// It was no different before: whatever is seen afterwards proves nothing.
            case nothing
            /// Nobody could look beforehand.
            case noControl = "no_control"
            /// Not within the time that the provider is known to take.
            case notInEffect = "not_in_effect"
        }

        package var verdict: Verdict
        package var reason: String

        package init(_ verdict: Verdict, _ reason: String) {
            self.verdict = verdict
            self.reason = reason
        }

        /// For people.
        package var text: String {
            switch verdict {
            case .inEffect: "proved: \(reason)"
            case .nothing: "proved nothing: \(reason)"
            case .noControl: "not proved: \(reason)"
            case .notInEffect: reason
            }
        }

        package var value: Value { ["verdict": .string(verdict.rawValue), "reason": .string(reason)] }

        init(_ fields: Fields) throws(UnreadableRecord) {
            verdict = try fields.oneOf("verdict")
            reason = try fields.string("reason")
        }
    }
}
