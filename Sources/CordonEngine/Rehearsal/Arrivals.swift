// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage

/// The deliveries of a case, and the connector that reads them.
struct Arrivals: Sendable {
    let connector: Connector
    private let bodies: [Value]
    private let headers: [String: String]
    private let span: Int64

    init(_ arrival: PlaybookTest.Arrival, kind: String, _ connectors: [String: Connector]) throws(EngineError) {
        var body: Value
        switch arrival.content {
        case .alert(let name, let given, let alert):
            guard let found = connectors[name] else { throw EngineError(.store, "there is no connector '\(name)'") }
            (connector, headers, body) = (found.heardPlainly, given, alert)
        case .signal(let attributes, let severity):
            var members = attributes.objectValue ?? [:]
            members["severity"] = .string(severity.rawValue)
            if let confidence = arrival.confidence { members["confidence"] = .double(confidence) }
            (connector, headers, body) = (try Arrivals.reader(of: kind), [:], .object(members))
        }
        bodies = (1...arrival.times).map { number in
            guard let path = arrival.varied, number > 1 else { return body }
            return Arrivals.varied(body, path[...], number)
        }
        span = arrival.times > 1 ? arrival.overMilliseconds / Int64(arrival.times - 1) : 0
    }

    var count: Int { bodies.count }

    /// The n-th of them, from 0, as the source's own: that its signature is right is not what a playbook's test tests.
    func alert(_ index: Int, source: String, after start: Instant) -> Alert {
        let at = start.adding(milliseconds: span * Int64(index))
        let bytes = bodies[index].jsonBytes
        let kept = headers.filter { connector.source?.keptHeaders.contains($0.key) == true }
        return Alert(
            id: AlertID(at: at, random: (UInt64(index + 1), 0)), source: source, deliveryID: "delivery-\(index + 1)",
            receivedAt: at, headers: kept, body: bytes, bodyDigest: digestText(bytes), originProof: .sharedSecret)
    }

    func instant(_ index: Int, after start: Instant) -> Instant { start.adding(milliseconds: span * Int64(index)) }

    /// What the alerts name at the playbook's path, each once.
    func references(_ playbook: Playbook, source: String, after start: Instant) -> [Value] {
        var all: [Value] = []
        for index in bodies.indices {
            let signals = connector.source?.normalize(alert(index, source: source, after: start)).signals ?? []
            for signal in signals where signal.kind == playbook.trigger.signalKind {
                let reference = playbook.trigger.subjectPath.reduce(signal.expressionValue) { $0[$1] ?? .null }
                if !all.contains(reference) { all.append(reference) }
            }
        }
        return all
    }

    private static func varied(_ value: Value, _ path: ArraySlice<String>, _ number: Int) -> Value {
        guard let word = path.first else { return .string("\(value.stringValue ?? "")-\(number)") }
        switch value {
        case .object(var members):
            members[word] = members[word].map { varied($0, path.dropFirst(), number) }
            return .object(members)
        case .array(var items):
            guard let index = Int(word), items.indices.contains(index) else { return value }
            items[index] = varied(items[index], path.dropFirst(), number)
            return .array(items)
        case .null, .bool, .int, .double, .string: return value
        }
    }

    /// A connector whose alerts are the signals themselves.
    private static func reader(of kind: String) throws(EngineError) -> Connector {
        let fields = SignalKind.named(kind)?.fields.keys.sorted() ?? []
        let holes = fields.map { "        \($0): \"${has(body.\($0)) ? body.\($0) : null}\"\n" }.joined()
        let text = """
            connector: rehearsed
            title: Signals as a test writes them
            vendor: the test itself
            source:
              authentication: { scheme: hmac-sha256, header: x-signature, encoding: hex }
              delivery: x-delivery
              signals:
                - when: "true"
                  kind: \(kind)
                  severity: "${body.severity}"
                  confidence: "${body.confidence}"
                  with:
            \(holes)
            """
        switch Connector.load(Array(text.utf8), file: "rehearsed.yaml", digest: "sha256:rehearsed") {
        case .success(let connector): return connector
        case .failure(let found): throw EngineError(.store, found.all.first?.text ?? "no connector reads \(kind)")
        }
    }
}
