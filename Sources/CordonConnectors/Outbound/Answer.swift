// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// An answer with its body as a value, before anybody has said what it means.
struct Answer {
    var status: Int
    var headers: [String: String]
    /// `nil` when the body is not of the connector's format; an empty one is null.
    var body: Value?
    /// What the call was asked with.
    var with: Value
    /// The mark of the step that asks, the same for each of its calls.
    var mark: String

    init(
        _ response: OutboundResponse, _ format: ProviderShape.Format, with arguments: Value, mark: String = ""
    ) {
        self.mark = mark
        status = response.status
        headers = response.headers
        with = arguments
        switch format {
        case .json: body = try? JSON.parse(response.body)
        // Services of one vendor differ, and some of them label neither as what it is.
        case .xml(let lists, let repeated):
            body =
                response.body.first == UInt8(ascii: "{")
                ? try? JSON.parse(response.body) : XMLValue.parse(response.body, lists: lists, repeated: repeated)
        }
    }

    /// The same with the entries of all pages as its body.
    func holding(_ items: [Value]) -> Answer {
        var copy = self
        copy.body = ["items": .array(items)]
        return copy
    }

    var variables: [String: Value] {
        [
            "status": .int(Int64(status)), "headers": .object(headers.mapValues(Value.string)),
            "body": body ?? .null, "with": with, "mark": .string(mark),
        ]
    }

    /// What of it may be kept.
    enum Kept {
        case value(Value)
        /// The connector keeps nothing of it.
        case nothing
        case unreadable(String)
        /// The list that it holds doesn't name the one that is meant.
        case nobody(String)

        var value: Value? { if case .value(let value) = self { value } else { nil } }

        /// The same with a mark in place of each secret member: the same secret gives the same mark, so that it can still
        /// be seen whether it was changed.
        func cutting(_ names: Set<String>, _ mark: ([UInt8]) -> String) -> Kept {
            guard !names.isEmpty, case .value(.object(var members)) = self else { return self }
            for name in names {
                guard let value = members[name], value != .null else { continue }
                members[name] = .string(mark(value.jsonBytes))
            }
            return .value(.object(members))
        }
    }

    func keep(_ exchange: ProviderShape.Exchange) -> Kept {
        guard !exchange.keep.isEmpty else { return .nothing }
        var picked = self
        if let pick = exchange.pick {
            switch pick.one(of: self) {
            case .success(let item): picked.body = item
            case .failure(let refusal): return .nobody(refusal.reason)
            }
        }
        switch exchange.kept {
        case .members(let names):
            guard case .object(let members)? = picked.body else { return .unreadable("the answer is no JSON object") }
            return .value(.object(members.filter { names.contains($0.key) }))
        case .computed(let fields): return picked.compute(fields)
        }
    }

    private func compute(_ fields: [String: Arguments]) -> Kept {
        switch Arguments.map(fields).render(variables) {
        case .success(let value): return .value(value)
        case .failure(let error):
            return .unreadable("what is kept of the answer could not be computed: \(error.message)")
        }
    }
}

extension ProviderShape.Pick {
    /// The one entry whose members equal what is asked for.
    func one(of answer: Answer) -> Result<Value, Refusal> {
        var list = answer.body
        for name in from { list = list?[name] }
        guard let items = list?.arrayValue else {
            return .failure(Refusal(.undecided, "the answer has no list at '\(from.joined(separator: "."))'"))
        }
        guard case .success(.object(let wanted)) = Arguments.map(equal).render(answer.variables), !wanted.isEmpty else {
            return .failure(Refusal(.undecided, "which entry of the list is meant could not be computed"))
        }
        let found = items.filter { item in wanted.allSatisfy { item[$0.key] == $0.value } }
        guard found.count == 1 else {
            return .failure(
                Refusal(
                    .undecided,
                    "of \(items.count) entries \(found.count) are the one that is meant; it takes exactly one"))
        }
        return .success(found[0])
    }
}
