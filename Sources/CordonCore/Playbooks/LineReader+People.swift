// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Whom a step asks, until when, and what their silence means.
extension LineReader {
    func consent(_ fields: YAMLFields, _ key: String, isTask: Bool) -> Workflow.Consent? {
        guard let map = fields.mapping(key) else { return nil }
        defer { map.refuseUnknown() }
        let by = map.node("by", required: true).flatMap { loader.arguments($0, variables: schemas()) }
        if let found = by.flatMap({ $0.misfitOfNames(isItem: false) }) {
            map.report(
                .wrongInput, "by", "'by' takes a name or a list of names, found \(found)",
                "of an owner the name is 'owner.name'", isYoung: true)
        }
        let text = map.string("ask", required: isTask)
        if let text, let node = map.node("ask") { loader.refuseSecret(text, at: node, isYoung: true) }
        let choices = isTask ? map.strings("choices", required: true) ?? [] : Workflow.Consent.yesOrNo
        let quorum = map.int("quorum", in: 1...Int64(Limits.quorumMax)).map(Int.init) ?? 1
        let excluded = map.strings("exclude") ?? []
        let excludesAuthor = map.bool("exclude_author") ?? false
        let remind = map.milliseconds("remind", in: 60_000...Limits.stepWithinMillisecondsMax)
        let escalate = self.escalation(map)
        if !map.has("within") {
            map.report(.noBound, "by", "the question has no deadline", "add 'within', such as within: 4h")
        }
        let within = map.milliseconds("within", in: 1...Limits.stepWithinMillisecondsMax)
        refuseLate(map, remind, escalate, within)
        let silence = self.silence(map, choices, isTask: isTask)
        if isTask, choices.count < 2 || Set(choices).count != choices.count {
            map.report(.badSetting, "choices", "a task offers two choices or more, each once")
        }
        guard let by, let within, let silence else { return nil }
        if by.isNobody(besides: excluded) {
            map.report(.nobodyAsked, "by", "nobody is named who could answer")
        } else if by.isBlank {
            map.report(.nobodyAsked, "by", "nobody is named who could answer", isYoung: true)
        }
        return Workflow.Consent(
            by: by, quorum: quorum, excluded: excluded, excludesAuthor: excludesAuthor, choices: choices, text: text,
            withinMilliseconds: within, remindMilliseconds: remind, escalate: escalate, silence: silence)
    }

    /// A reminder and somebody else who is turned to come before the question ends, or never.
    private func refuseLate(
        _ map: YAMLFields, _ remind: Int64?, _ escalate: Workflow.Escalation?, _ within: Int64?
    ) {
        guard let within else { return }
        let end = YAMLDuration.text(milliseconds: within)
        if let remind, remind >= within {
            map.report(
                .neverReached, "remind", "nobody is ever reminded: the question ends after \(end)", isYoung: true)
        }
        if let escalate, escalate.afterMilliseconds >= within {
            map.report(
                .neverReached, "escalate", "'\(escalate.to)' is never turned to: the question ends after \(end)",
                isYoung: true)
        }
    }

    func escalation(_ fields: YAMLFields) -> Workflow.Escalation? {
        guard let map = fields.mapping("escalate") else { return nil }
        defer { map.refuseUnknown() }
        let after = map.milliseconds("after", required: true, in: 1...Limits.stepWithinMillisecondsMax)
        let to = map.string("to", required: true)
        guard let after, let to else { return nil }
        if to.allSatisfy(\.isWhitespace) {
            map.report(.nobodyAsked, "to", "nobody is named who is turned to", isYoung: true)
        }
        return Workflow.Escalation(afterMilliseconds: after, to: to)
    }

    /// Silence never agrees to what people were asked.
    func silence(_ fields: YAMLFields, _ choices: [String], isTask: Bool) -> Workflow.Consent.Silence? {
        guard let text = fields.string("on_timeout", required: true) else { return nil }
        switch text {
        case "keep": return .keep
        case "skip": return .skip
        case "abort": return .abort
        case _ where isTask && choices.contains(text): return .choice(text)
        case Workflow.Consent.decline: return .choice(text)
        case Workflow.Consent.approve:
            fields.report(
                .silenceActs, "on_timeout", "silence would approve what people were asked",
                "choose keep, skip, abort or decline")
        default:
            let words = ["keep", "skip", "abort"] + (isTask ? choices : [Workflow.Consent.decline])
            fields.report(
                .unknownInput, "on_timeout", "'\(text)' is not what silence can mean",
                "choose one of: \(words.joined(separator: ", "))")
        }
        return nil
    }
}

extension Arguments {
    /// What it gives instead of names, where that is known before anything runs. Nobody would be asked.
    fileprivate func misfitOfNames(isItem: Bool) -> String? {
        switch self {
        // What could not be read stands there as null, and was told.
        case .literal(.string), .literal(.null): nil
        case .literal(let value): value.typeName
        case .template(let template):
            switch template.resultSchema {
            case .any, .string: nil
            case .list(.string) where !isItem, .list(.any) where !isItem: nil
            case let other: other.name
            }
        case .list(let items):
            isItem ? "a list in a list" : items.lazy.compactMap { $0.misfitOfNames(isItem: true) }.first
        case .map: "a map"
        }
    }

    /// Whether every name in it is blank; a hole may give anybody.
    fileprivate var isBlank: Bool {
        switch self {
        case .literal(.string(let name)): name.allSatisfy(\.isWhitespace)
        case .list(let items): items.allSatisfy(\.isBlank)
        case .literal, .template, .map: false
        }
    }

    /// Whether every name in it is known and left out; a hole may give anybody.
    fileprivate func isNobody(besides excluded: [String]) -> Bool {
        switch self {
        case .literal(.string(let name)): name.isEmpty || excluded.contains(name)
        case .list(let items): items.allSatisfy { $0.isNobody(besides: excluded) }
        case .literal, .template, .map: false
        }
    }
}
