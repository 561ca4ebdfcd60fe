// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// An evaluated expression with the value of each of its parts, as a person or a script reads it.
struct Explanation: Sendable {
    var result: Evaluation
    var parts: [Explained]

    /// What a line shows of one value or one part; scripts get all of it.
    private static let cellScalarsMax = 100

    var value: Value {
        let shown = parts.map { part in
            var members: [String: Value] = [
                "text": .string(part.text), "from": .int(Int64(part.offset + 1)),
                "to": .int(Int64(part.offset + part.length)), "depth": .int(Int64(part.depth)),
                "times": .int(Int64(part.times)),
            ]
            switch part.outcome {
            case .value(let value): members["value"] = value
            case .error(let error): members["error"] = described(error)
            case .notEvaluated: members["evaluated"] = false
            }
            return Value.object(members)
        }
        switch result {
        case .value(let value): return ["value": value, "parts": .array(shown)]
        case .error(let error): return ["error": described(error), "parts": .array(shown)]
        }
    }

    private func described(_ error: EvaluationError) -> Value {
        ["code": .string(error.code.number), "message": .string(error.message)]
    }

    /// The answer on the first line, then the parts in the order of the source, each further in than what holds it.
    var table: String {
        let rows = parts.indices.map { index -> Value in
            let part = parts[index]
            return [
                "at": .string("\(part.offset + 1)-\(part.offset + part.length)"), "value": .string(cell(index)),
                "part": .string(String(repeating: "  ", count: part.depth) + short(part.text)),
            ]
        }
        let columns = [("AT", "at"), ("VALUE", "value"), ("PART", "part")].map { title, key in
            Output.Column(title) { $0[key]?.stringValue ?? "" }
        }
        return printable(headline) + (rows.isEmpty ? "" : "\n\n" + Output.table(rows, columns))
    }

    private var headline: String {
        switch result {
        case .value(.bool(true)): "true: as a condition it holds"
        case .value(.bool(false)): "false: as a condition it does not hold"
        case .value(let value): "\(short(value.json)): \(value.typeName)"
        case .error(let error): "no answer: \(error.message)"
        }
    }

    private func cell(_ index: Int) -> String {
        let times = parts[index].times > 1 ? " (\(parts[index].times)×)" : ""
        switch parts[index].outcome {
        case .value(let value): return short(value.json) + times
        // Told once, where it arose; whatever holds that part has no answer because of it.
        case .error(let error): return (arises(error, at: index) ? short(error.message) : "no answer") + times
        case .notEvaluated: return "not needed"
        }
    }

    private func arises(_ error: EvaluationError, at index: Int) -> Bool {
        let inner = parts[(index + 1)...].prefix { $0.depth > parts[index].depth }
        return !inner.contains { part in
            if case .error(let other) = part.outcome {
                other.code == error.code && other.offset == error.offset && other.message == error.message
            } else {
                false
            }
        }
    }

    /// On one line, and cut where a person stops reading.
    private func short(_ text: String) -> String {
        let line = text.split { $0 == "\n" || $0 == "\r\n" || $0 == "\t" }.joined(separator: " ")
        let kept = line.unicodeScalars.prefix(Self.cellScalarsMax)
        return kept.count < line.unicodeScalars.count ? String(String.UnicodeScalarView(kept)) + "…" : line
    }
}
