// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// What an alert was found to mean.
package enum Normalization: Sendable, Hashable {
    case signals([Signal])
    /// Some of what it lists gives signals, and something of it is of no shape that is known: kept for a person too.
    case partly([Signal], unread: String)
    /// Known, and nothing that concerns us: a handshake, a resolved alert.
    case nothing(String)
    /// Of no shape that the connector knows: kept for a person.
    case unknownShape(String)

    package var signals: [Signal] {
        switch self {
        case .signals(let signals), .partly(let signals, _): signals
        case .nothing, .unknownShape: []
        }
    }
}

extension SourceShape {
    /// What one item gave.
    fileprivate enum Found {
        case signal(Signal)
        case nothing(String, closes: Matter? = nil)
        case unknown(String)
    }

    /// Turns a source's own words into signals. Pure; whatever stands in the body can only become a value.
    package func normalize(_ alert: Alert) -> Normalization { hear(alert).meaning }

    /// The same, with what the source says is over of what it alerted of.
    package func hear(_ alert: Alert) -> (meaning: Normalization, closes: [Matter]) {
        let variables: [String: Value]
        let body: Value
        switch unwrap(alert) {
        case .nothing(let reason): return (.nothing(reason), [])
        case .unreadable(let reason): return (.unknownShape(reason), [])
        case .body(let own, let envelope):
            body = own
            let headers = Value.object(alert.headers.mapValues(Value.string))
            variables = ["body": own, "envelope": envelope, "headers": headers]
        }
        switch items(body, variables) {
        case .failure(let refusal): return (.unknownShape(refusal.reason), [])
        case .success(let items): return hear(items, alert, variables)
        }
    }

    private func items(_ body: Value, _ variables: [String: Value]) -> Result<[Value], Refusal> {
        guard let each else { return .success([body]) }
        switch each.evaluate(variables) {
        case .value(.array(let items)) where items.count <= Limits.signalsPerAlertMax: return .success(items)
        case .value(.array(let items)):
            return .failure(
                Refusal(
                    .overLimit,
                    "it lists \(items.count) items, the limit is \(Limits.signalsPerAlertMax) (signalsPerAlertMax)"))
        case .value(let other):
            return .failure(Refusal(.undecided, "'each' gives a \(other.typeName) where a list is wanted"))
        case .error(let error): return .failure(Refusal(.undecided, "'each' gave no list: \(error.message)"))
        }
    }

    private func hear(
        _ items: [Value], _ alert: Alert, _ variables: [String: Value]
    ) -> (meaning: Normalization, closes: [Matter]) {
        var signals: [Signal] = []
        var closes: [Matter] = []
        var nothing: String?
        var unknown: String?
        for (index, item) in items.enumerated() {
            let place = each == nil ? "" : "item \(index + 1): "
            switch read(item, alert, variables, ordinal: signals.count + 1) {
            case .signal(let signal): signals.append(signal)
            case .nothing(let reason, let matter):
                nothing = nothing ?? place + reason
                if let matter { closes.append(matter) }
            case .unknown(let reason): unknown = unknown ?? place + reason
            }
        }
        if let unknown {
            return (signals.isEmpty ? .unknownShape(unknown) : .partly(signals, unread: unknown), closes)
        }
        if signals.isEmpty { return (.nothing(nothing ?? "it lists nothing"), closes) }
        return (.signals(signals), closes)
    }

    private func read(_ item: Value, _ alert: Alert, _ variables: [String: Value], ordinal: Int) -> Found {
        var variables = variables
        variables["item"] = item
        for (index, rule) in rules.enumerated() {
            switch rule.condition.decide(variables) {
            case .isFalse: continue
            case .undecided: continue  // A rule that can't be asked about this item is not about this item.
            case .isTrue:
                guard let kind = rule.kind else { return rule.silence(index, variables) }
                switch rule.signal(kind: kind, alert, variables, ordinal: ordinal) {
                case .success(let signal): return .signal(signal)
                case .failure(let refusal): return .unknown("rule \(index + 1): \(refusal.reason)")
                }
            }
        }
        return .unknown("no rule of its connector matches")
    }
}

extension SourceShape.Naming {
    /// `nil` where it names nothing.
    fileprivate func matter(_ variables: [String: Value]) -> Result<Matter?, Refusal> {
        let name: String
        switch key.render(variables) {
        case .success(.string(let text)): name = text
        case .success(.int(let number)): name = "\(number)"
        case .success(.null): return .success(nil)
        case .success(let other): return .failure(Refusal(.undecided, "'key' is a \(other.typeName), not a text"))
        case .failure(let error): return .failure(Refusal(.undecided, "'key' gave no value: \(error.message)"))
        }
        guard !name.isEmpty else { return .success(nil) }
        var asOf: Instant?
        if case .success(let value)? = self.asOf?.render(variables) { asOf = Moment.instant(value) }
        let isLong = name.utf8.count > Limits.eventKeyBytesMax
        return .success(Matter(key: isLong ? digestText(Array(name.utf8)) : name, asOf: asOf))
    }
}

extension SourceShape.Rule {
    /// What a rule that gives no signal says. What it should close and can't name is for a person to look at.
    fileprivate func silence(_ index: Int, _ variables: [String: Value]) -> SourceShape.Found {
        switch closes?.matter(variables) {
        case nil: .nothing("rule \(index + 1) says that it concerns nobody")
        case .success(nil)?: .nothing("rule \(index + 1) says that it is over, and nothing names what")
        case .success(let matter?)?: .nothing("rule \(index + 1) says that it is over", closes: matter)
        case .failure(let refusal)?: .unknown("rule \(index + 1), closes: \(refusal.reason)")
        }
    }

    fileprivate func signal(
        kind: String, _ alert: Alert, _ variables: [String: Value], ordinal: Int
    ) -> Result<Signal, Refusal> {
        var attributes: [String: Value] = [:]
        for (name, arguments) in self.attributes {
            switch arguments.render(variables) {
            case .success(let value): attributes[name] = value.withoutNulls
            case .failure(let error): return .failure(Refusal(.undecided, "'\(name)' gave no value: \(error.message)"))
            }
        }
        for (name, field) in (SignalKind.named(kind)?.fields ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let value = attributes[name], !value.fits(field.schema) else { continue }
            return .failure(
                Refusal(.undecided, "'\(name)' is \(value.typeName), \(kind) wants \(field.schema.name) there"))
        }
        let bytes = Value.object(attributes).jsonBytes.count
        guard bytes <= Limits.signalBytesMax else {
            return .failure(
                Refusal(
                    .overLimit,
                    "the signal would have \(bytes) bytes, the limit is \(Limits.signalBytesMax) (signalBytesMax)"))
        }
        let matter: Matter?
        switch about?.matter(variables) {
        case nil: matter = nil
        case .success(let named)?: matter = named
        case .failure(let refusal)?: return .failure(Refusal(refusal.code, "about: \(refusal.reason)"))
        }
        return event(variables).map { event in
            let severity = value(self.severity, variables)?.stringValue.flatMap(Signal.Severity.init(rawValue:))
            return Signal(
                id: alert.id.signal(ordinal), alert: alert.id, source: alert.source, kind: kind,
                receivedAt: alert.receivedAt,
                occurredAt: value(occurredAt, variables).flatMap(Moment.instant), severity: severity ?? .medium,
                confidence: value(confidence, variables).flatMap(share), attributes: .object(attributes),
                eventKey: event, about: matter)
        }
    }

    private func value(_ arguments: Arguments?, _ variables: [String: Value]) -> Value? {
        guard case .success(let value)? = arguments?.render(variables) else { return nil }
        return value
    }

    /// A number from 0 to 1; whatever else the source writes is no word on how sure it is.
    private func share(_ value: Value) -> Double? {
        let number: Double
        switch value {
        case .double(let given): number = given
        case .int(let given): number = Double(given)
        case .null, .bool, .string, .array, .object: return nil
        }
        return (0...1).contains(number) ? number : nil
    }

    /// The event's name; `nil` where the source gives it none.
    private func event(_ variables: [String: Value]) -> Result<String?, Refusal> {
        switch event?.render(variables) {
        case nil, .success(.null)?: .success(nil)
        case .success(.string(let text))?:
            .success(text.utf8.count <= Limits.eventKeyBytesMax ? text : digest(of: text))
        case .success(.int(let number))?: .success("\(number)")
        case .success(let other)?: .failure(Refusal(.undecided, "'event' is a \(other.typeName), not a text"))
        case .failure(let error)?: .failure(Refusal(.undecided, "'event' gave no value: \(error.message)"))
        }
    }

    private func digest(of text: String) -> String { digestText(Array(text.utf8)) }
}

extension Value {
    fileprivate func fits(_ schema: Schema) -> Bool {
        switch (schema, self) {
        case (.any, _), (_, .null), (.string, .string), (.bool, .bool), (.int, .int), (.double, .int),
            (.double, .double):
            true
        case (.list(let item), .array(let items)): items.allSatisfy { $0.fits(item) }
        case (.map(let item), .object(let members)): members.values.allSatisfy { $0.fits(item) }
        case (.object(let object), .object(let members)):
            members.allSatisfy { name, value in object.fields[name].map { value.fits($0.schema) } ?? false }
        default: false
        }
    }

    /// The same without members that are null, at any depth; `nil` for null itself.
    fileprivate var withoutNulls: Value? {
        switch self {
        case .null: nil
        case .object(let members): .object(members.compactMapValues(\.withoutNulls))
        case .array(let items): .array(items.map { $0.withoutNulls ?? .null })
        case .bool, .int, .double, .string: self
        }
    }
}
