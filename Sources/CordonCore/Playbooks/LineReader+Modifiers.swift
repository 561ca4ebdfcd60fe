// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What stands beside what a step is: whether, how often, how long, after what.
extension LineReader {
    func expression(_ fields: YAMLFields, _ key: String) -> Expression? {
        loader.expression(fields.node(key), key, variables: schemas(), expecting: .bool)
    }

    func each(_ fields: YAMLFields) -> Workflow.Each? {
        guard let map = fields.mapping("each") else { return nil }
        defer { map.refuseUnknown() }
        let list = loader.expression(map.node("in", required: true), "in", variables: schemas())
        if isTyped, let list, list.resultSchema != .any {
            if case .list = list.resultSchema {
            } else {
                map.report(
                    .wrongInput, "in", "'in' takes a list, found \(list.resultSchema.name)", isYoung: true)
            }
        }
        let name = map.string("as", required: true)
        let parallel = map.int("parallel", in: 1...Int64(Limits.eachParallelMax))
        if !map.has("max") { map.report(.noBound, "in", "the list has no bound", "add 'max', such as max: 50") }
        let max = map.has("max") ? map.int("max", in: 1...Int64(Limits.eachItemsMax)) : 1
        guard let list, let name, let max else { return nil }
        if !isIdentifier(name) || Self.reserved(isTyped).contains(name) {
            map.report(.badName, "as", "'\(name)' can't name an item", "choose another lower-case name")
        }
        return Workflow.Each(list: list, name: name, max: Int(max), parallel: Int(parallel ?? 1))
    }

    /// What the names of items may not hide. What a live run is pinned to may hide what came later.
    static func reserved(_ isTyped: Bool) -> Set<String> {
        let first: Set<String> = ["inputs", "subject", "steps", "before", "after", "result"]
        return isTyped ? first.union(["run"]) : first
    }

    func retry(_ fields: YAMLFields) -> Workflow.Retry {
        guard let map = fields.mapping("retry") else { return Workflow.Retry() }
        defer { map.refuseUnknown() }
        return Workflow.Retry(
            attempts: map.int("attempts", in: 1...Int64(Limits.attemptsMax)).map(Int.init) ?? Limits.attemptsDefault,
            firstMilliseconds: map.milliseconds("first", in: 1...Limits.backOffMillisecondsMax)
                ?? Limits.backOffMillisecondsFirst)
    }

    /// A duration, or a hole that gives one when the step begins.
    func span(_ fields: YAMLFields, _ key: String) -> Arguments? {
        if let node = fields.node(key, required: true), case .string(let text)? = node.scalar?.value,
            text.contains("${")
        {
            let span = loader.arguments(node, variables: schemas())
            if let found = span.flatMap(misfitOfSpan) {
                fields.report(
                    .wrongInput, key, "'\(key)' takes a duration, found \(found)",
                    "write one such as 4h, or \"${inputs.NAME}\" of an input of type duration", isYoung: true)
            }
            return span
        }
        return fields.milliseconds(key, in: 1...Limits.holdMillisecondsMax).map { .literal(.int($0)) }
    }

    /// What a hole gives instead of a duration, where that is known before anything runs.
    private func misfitOfSpan(_ span: Arguments) -> String? {
        guard isTyped, case .template(let template) = span else { return nil }
        if let name = span.namedInput, let input = inputs.first(where: { $0.name == name }) {
            return input.kind == .duration ? nil : "'\(name)' of type \(input.kind.rawValue)"
        }
        switch template.resultSchema {
        case .any, .string, .duration: return nil
        case let other: return other.name
        }
    }

    func hold(_ fields: YAMLFields, _ word: Word?, _ kind: Workflow.Kind?) -> Workflow.Hold? {
        let act: Workflow.Act? = if case .act(let act)? = kind { act } else { nil }
        guard let map = fields.mapping("hold") else {
            if let act, Capability.named(act.capability)?.isContainment == true, !fields.has("hold") {
                fields.report(
                    .noHold, "do", "\(act.capability) takes something away and doesn't say for how long",
                    "add 'hold', such as hold: { for: 4h, then: undo }")
            }
            return nil
        }
        defer { map.refuseUnknown() }
        if let word, word != .do {
            fields.report(.misplaced, "hold", "only what is done is held: 'hold' stands beside 'do'")
        }
        let span = self.span(map, "for")
        let then = map.oneOf("then", Workflow.Hold.Then.self, required: true)
        let unless = loader.expression(
            map.node("unless"), "unless", variables: schemas(withLater: map.has("unless")), expecting: .bool)
        guard let span, let then else { return nil }
        if then == .undo, let act, case .none = act.undo {
            map.report(.badReference, "then", "the hold ends by undo, and the step has none")
        }
        return Workflow.Hold(span: span, then: then, unless: unless)
    }

    func after(_ fields: YAMLFields) -> Workflow.After? {
        guard let text = fields.string("after") else { return nil }
        let isHold = text.hasPrefix("hold/")
        let name = isHold ? String(text.dropFirst(5)) : text
        guard seen.contains(name) else {
            let near = nearest(to: name, among: seen).map { "did you mean '\($0)'?" }
            fields.report(.unknownStep, "after", "no step above is named '\(name)'", near)
            return nil
        }
        if isHold, places[name]?.has("hold") != true {
            fields.report(.badReference, "after", "step '\(name)' holds nothing")
        } else if isHold, places[name]?.has("each") == true {
            fields.report(
                .badReference, "after", "step '\(name)' is a list, and each of its items holds for itself")
        }
        return isHold ? .hold(name) : .step(name)
    }
}
