// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a source alerts of, by its own name: a finding, an incident, an alert of its own that is opened, closed and opened
/// again. Deliveries of it come in any order, so each says as of when it speaks.
package struct Matter: Sendable, Hashable {
    package var key: String
    /// As of when the source says it; `nil` where it doesn't say.
    package var asOf: Instant?

    package init(key: String, asOf: Instant?) {
        self.key = key
        self.asOf = asOf
    }
}

extension Matter {
    package var value: Value { record(["key": .string(key), "as_of": asOf.map { .string($0.description) }]) }

    package init?(_ value: Value) {
        guard let key = value["key"]?.stringValue else { return nil }
        self.init(key: key, asOf: value["as_of"]?.stringValue.flatMap(Instant.init(rfc3339:)))
    }
}

/// That a source closed a matter of its own: what it told of as it was then, or earlier, is over.
package struct Closing: Sendable, Hashable {
    package var source: String
    package var key: String
    package var asOf: Instant
    /// The alert that said so, and when it came.
    package var alert: AlertID
    package var receivedAt: Instant

    package init(source: String, key: String, asOf: Instant, alert: AlertID, receivedAt: Instant) {
        self.source = source
        self.key = key
        self.asOf = asOf
        self.alert = alert
        self.receivedAt = receivedAt
    }
}

extension Decision {
    /// The same decision about what its source has closed since: nothing is begun, and nothing goes on for longer. Where the
    /// signal doesn't say as of when it speaks, nobody knows which of the two came later, and a person is asked.
    package func weighed(against closing: Closing?, _ signal: Signal) -> Decision {
        guard let closing, let matter = signal.about, !matches.isEmpty else { return self }
        if let asOf = matter.asOf, asOf > closing.asOf { return self }
        var decision = self
        for index in matches.indices {
            decision.matches[index].reasons.append(closing.reason(for: matter))
            decision.matches[index].verdict = strictest(decision.matches[index].reasons.map(\.verdict))
            if !decision.matches[index].opensRun { decision.matches[index].run = nil }
        }
        decision.verdict = gravest(decision.matches.map(\.verdict))
        return decision
    }
}

extension Closing {
    fileprivate func reason(for matter: Matter) -> Decision.Reason {
        var inputs: [String: Value] = [
            "about": .string(key), "closed_as_of": .string(asOf.description), "closed_by": .string(alert.text),
        ]
        guard let told = matter.asOf else {
            return Decision.Reason(
                guardName: "closed", verdict: .propose,
                because: "its source closed it as of \(asOf) (\(alert)), and this doesn't say whether it came later",
                inputs: .object(inputs))
        }
        inputs["as_of"] = .string(told.description)
        return Decision.Reason(
            guardName: "closed", verdict: .ignore,
            because: "closed by its source as of \(asOf) (\(alert)); this tells of it as of \(told)",
            inputs: .object(inputs))
    }
}
