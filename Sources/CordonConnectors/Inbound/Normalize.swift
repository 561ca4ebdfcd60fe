// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// What an alert was found to mean.
package enum Normalization: Sendable, Hashable {
    case signals([Signal])
    /// Known, and nothing that concerns us: a handshake, a resolved alert.
    case nothing(String)
    /// Of no shape that the connector knows: kept for a person.
    case unknownShape(String)
}

extension SourceShape {
    /// Turns a source's own words into signals. Pure; whatever stands in the body can only become a value.
    package func normalize(_ alert: Alert) -> Normalization {
        let body: Value
        do { body = try JSON.parse(alert.body) } catch {
            return .unknownShape("the body is no JSON: \(error)")
        }
        let variables: [String: Value] = [
            "body": body, "headers": .object(alert.headers.mapValues(Value.string)),
        ]
        for (index, rule) in rules.enumerated() {
            switch rule.condition.decide(variables) {
            case .isFalse: continue
            case .undecided: continue  // A rule that can't be asked about this body is not about this body.
            case .isTrue:
                guard let kind = rule.kind else { return .nothing("rule \(index + 1) says that it concerns nobody") }
                return rule.signal(kind: kind, alert, variables).map { .signals([$0]) }
                    .mapError { Refusal(.undecided, "rule \(index + 1): \($0.reason)") }.normalization
            }
        }
        return .unknownShape("no rule of its connector matches")
    }
}

extension Result where Success == Normalization, Failure == Refusal {
    fileprivate var normalization: Normalization {
        switch self {
        case .success(let found): found
        case .failure(let refusal): .unknownShape(refusal.reason)
        }
    }
}

extension SourceShape.Rule {
    fileprivate func signal(kind: String, _ alert: Alert, _ variables: [String: Value]) -> Result<Signal, Refusal> {
        var attributes: [String: Value] = [:]
        for (name, arguments) in self.attributes {
            switch arguments.render(variables) {
            case .success(.null): continue
            case .success(let value): attributes[name] = value
            case .failure(let error): return .failure(Refusal(.undecided, "'\(name)' gave no value: \(error.message)"))
            }
        }
        let bytes = Value.object(attributes).jsonBytes.count
        guard bytes <= Limits.signalBytesMax else {
            return .failure(
                Refusal(
                    .overLimit,
                    "the signal would have \(bytes) bytes, the limit is \(Limits.signalBytesMax) (signalBytesMax)"))
        }
        let severity = text(self.severity, variables).flatMap(Signal.Severity.init(rawValue:)) ?? .medium
        let occurredAt = text(self.occurredAt, variables).flatMap(Instant.init(rfc3339:))
        return .success(
            Signal(
                id: alert.id.signal(1), alert: alert.id, source: alert.source, kind: kind,
                receivedAt: alert.receivedAt, occurredAt: occurredAt, severity: severity, confidence: 1,
                attributes: .object(attributes)))
    }

    private func text(_ arguments: Arguments?, _ variables: [String: Value]) -> String? {
        guard case .success(.string(let text))? = arguments?.render(variables) else { return nil }
        return text
    }
}
