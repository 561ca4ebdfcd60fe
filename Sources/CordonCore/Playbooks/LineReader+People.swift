// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Whom a step asks, until when, and what their silence means.
extension LineReader {
    func consent(_ fields: YAMLFields, _ key: String, isTask: Bool) -> Workflow.Consent? {
        guard let map = fields.mapping(key) else { return nil }
        defer { map.refuseUnknown() }
        let by = map.node("by", required: true).flatMap { loader.arguments($0, variables: schemas()) }
        let text = map.string("ask", required: isTask)
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
        let silence = self.silence(map, choices, isTask: isTask)
        if isTask, choices.count < 2 || Set(choices).count != choices.count {
            map.report(.badSetting, "choices", "a task offers two choices or more, each once")
        }
        guard let by, let within, let silence else { return nil }
        if by.isNobody(besides: excluded) { map.report(.nobodyAsked, "by", "nobody is named who could answer") }
        return Workflow.Consent(
            by: by, quorum: quorum, excluded: excluded, excludesAuthor: excludesAuthor, choices: choices, text: text,
            withinMilliseconds: within, remindMilliseconds: remind, escalate: escalate, silence: silence)
    }

    func escalation(_ fields: YAMLFields) -> Workflow.Escalation? {
        guard let map = fields.mapping("escalate") else { return nil }
        defer { map.refuseUnknown() }
        let after = map.milliseconds("after", required: true, in: 1...Limits.stepWithinMillisecondsMax)
        let to = map.string("to", required: true)
        guard let after, let to else { return nil }
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
    /// Whether every name in it is known and left out; a hole may give anybody.
    fileprivate func isNobody(besides excluded: [String]) -> Bool {
        switch self {
        case .literal(.string(let name)): name.isEmpty || excluded.contains(name)
        case .list(let items): items.allSatisfy { $0.isNobody(besides: excluded) }
        case .literal, .template, .map: false
        }
    }
}
