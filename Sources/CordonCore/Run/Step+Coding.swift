// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Step {
    var value: Value {
        record([
            "id": .string(id), "phase": phase.value, "started_at": startedAt.map(Value.init(_:)),
            "deadline": deadline.map(Value.init(_:)), "ended_at": endedAt.map(Value.init(_:)),
            "calls": calls == 0 ? nil : Value(calls), "before": before, "after": after, "result": result,
            "verified": flag(isVerified), "acted": flag(hasActed), "acted_n": actedNumber.map(Value.init(_:)),
            "arguments": arguments, "undone": flag(isUndone), "may_have_acted": flag(mayHaveActed),
            "lost": flag(isLost),
            "doubt": doubt?.value, "ask": ask?.value,
            "hold_ask": holdAsk?.value,
            "permit": permit?.value, "hold": hold?.value, "exposure": exposure?.value, "items": items.map(Value.array),
            "inputs": inputs, "open_until": openUntil.map(Value.init(_:)),
            "control": control, "seen": seen, "proof": proof?.value, "proof_until": proofUntil.map(Value.init(_:)),
            "rounds": rounds == 0 ? nil : Value(rounds), "forced": flag(isForced), "note": note.map(Value.string),
            "evidence": evidence.isEmpty ? nil : .array(evidence.map(\.value)),
        ])
    }

    init(_ value: Value, _ place: String) throws(UnreadableRecord) {
        let fields = try Fields(value, place)
        self.init(id: try fields.string("id"))
        phase = try Phase(fields.fields("phase"))
        startedAt = try fields.optionalInstant("started_at")
        deadline = try fields.optionalInstant("deadline")
        endedAt = try fields.optionalInstant("ended_at")
        calls = try fields.optionalInt("calls") ?? 0
        before = fields.present("before")
        after = fields.present("after")
        result = fields.present("result")
        isVerified = fields.optional("verified") == true
        hasActed = fields.optional("acted") == true
        actedNumber = try fields.optionalInt("acted_n")
        arguments = fields.present("arguments")
        isUndone = fields.optional("undone") == true
        mayHaveActed = fields.optional("may_have_acted") == true
        isLost = fields.optional("lost") == true
        try readWaits(fields)
        items = fields.optional("items")?.arrayValue
        inputs = fields.present("inputs")
        openUntil = try fields.optionalInstant("open_until")
        rounds = try fields.optionalInt("rounds") ?? 0
        isForced = fields.optional("forced") == true
        note = try fields.optionalString("note")
        if fields.optional("evidence") != nil { evidence = try Evidence.list(fields) }
    }

    private mutating func readWaits(_ fields: Fields) throws(UnreadableRecord) {
        doubt = try fields.optionalFields("doubt").map { (fields) throws(UnreadableRecord) in try Call(fields) }
        ask = try fields.optionalFields("ask").map { (fields) throws(UnreadableRecord) in try Run.Ask(fields) }
        holdAsk = try fields.optionalFields("hold_ask").map { (fields) throws(UnreadableRecord) in try Run.Ask(fields) }
        permit = try fields.optionalFields("permit").map { (fields) throws(UnreadableRecord) in try Permit(fields) }
        exposure = try fields.optionalFields("exposure").map { (fields) throws(UnreadableRecord) in
            try Exposure(fields)
        }
        control = fields.present("control")
        seen = fields.present("seen")
        proof = try fields.optionalFields("proof").map { (fields) throws(UnreadableRecord) in try Proof(fields) }
        proofUntil = try fields.optionalInstant("proof_until")
        hold = try fields.optionalFields("hold").map { (fields) throws(UnreadableRecord) in try Hold(fields) }
    }

    private func flag(_ isSet: Bool) -> Value? { isSet ? true : nil }
}

extension Step.Exposure {
    package var value: Value {
        ["until": Value(until), "of": .string(of), "ended_by": .array(endedBy.map(Value.string))]
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        until = try fields.instant("until")
        of = try fields.string("of")
        endedBy = (fields.optional("ended_by")?.arrayValue ?? []).compactMap(\.stringValue)
    }
}

extension Step.Phase {
    var value: Value {
        switch self {
        case .pending: ["is": "pending"]
        case .calling(let call): ["is": "calling", "call": call.value]
        case .backingOff(let backOff): ["is": "backing_off", "back_off": backOff.value]
        case .halted(let backOff): ["is": "halted", "back_off": backOff.value]
        case .uncertain(let call): ["is": "uncertain", "call": call.value]
        case .asking(let question): ["is": "asking", "question": question.value]
        case .waiting(let until): ["is": "waiting", "until": Value(until)]
        case .open: ["is": "open"]
        case .finished: ["is": "finished"]
        case .skipped: ["is": "skipped"]
        case .failed: ["is": "failed"]
        case .stopped: ["is": "stopped"]
        }
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        switch try fields.string("is") {
        case "pending": self = .pending
        case "calling": self = .calling(try Call(fields.fields("call")))
        case "backing_off": self = .backingOff(try Step.BackOff(fields.fields("back_off")))
        case "halted": self = .halted(try Step.BackOff(fields.fields("back_off")))
        case "uncertain": self = .uncertain(try Call(fields.fields("call")))
        case "asking": self = .asking(try Question(fields.fields("question")))
        case "waiting": self = .waiting(until: try fields.instant("until"))
        case "open": self = .open
        case "finished": self = .finished
        case "skipped": self = .skipped
        case "failed": self = .failed
        case "stopped": self = .stopped
        default: throw UnreadableRecord(place: fields.place, reason: "its phase " + UnreadableRecord.unknownWord)
        }
    }
}

extension Step.Hold {
    var value: Value { ["until": Value(until), "state": .string(state.rawValue)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(until: try fields.instant("until"), state: try fields.oneOf("state"))
    }
}

extension Permit {
    var value: Value { ["by": .array(by.map(Value.string)), "shown": .string(shown)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(by: try fields.strings("by"), shown: try fields.string("shown"))
    }
}

extension Question {
    package var value: Value {
        record([
            "kind": .string(kind.rawValue), "text": .string(text), "by": .array(by.map(Value.string)),
            "excluded": excluded.isEmpty ? nil : .array(excluded.map(Value.string)),
            // Nothing where nobody asked for it: lines that were stored before say the same.
            "exclude_author": excludesAuthor ? .bool(true) : nil, "quorum": Value(quorum),
            "choices": .array(choices.map(Value.string)), "shown": .string(shown), "asked_at": Value(askedAt),
            "deadline": Value(deadline), "next_reminder": nextReminder.map(Value.init(_:)),
            "remind_ms": remindMilliseconds.map(Value.int), "escalates_at": escalatesAt.map(Value.init(_:)),
            "answers": answers.isEmpty ? nil : .array(answers.map(\.value)),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            kind: try fields.oneOf("kind"), text: try fields.string("text"), by: try fields.strings("by"),
            excluded: fields.optional("excluded") == nil ? [] : try fields.strings("excluded"),
            excludesAuthor: fields.optional("exclude_author") == nil ? false : try fields.bool("exclude_author"),
            quorum: try fields.int("quorum"), choices: try fields.strings("choices"),
            shown: try fields.string("shown"), askedAt: try fields.instant("asked_at"),
            deadline: try fields.instant("deadline"),
            remindMilliseconds: try fields.optionalInt("remind_ms").map(Int64.init),
            escalatesAt: try fields.optionalInstant("escalates_at"))
        nextReminder = try fields.optionalInstant("next_reminder")
        guard fields.optional("answers") != nil else { return }
        answers = try fields.list("answers") { (value, place) throws(UnreadableRecord) in
            try Answer(Fields(value, place))
        }
    }
}

extension Question.Answer {
    var value: Value {
        record([
            "by": .string(by), "choice": .string(choice), "at": Value(at), "reason": .string(reason),
            "shown": shown.map(Value.string),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            by: try fields.string("by"), choice: try fields.string("choice"), at: try fields.instant("at"),
            reason: try fields.string("reason"), shown: try fields.optionalString("shown"))
    }
}

extension Step.BackOff {
    var value: Value {
        record([
            "until": Value(until), "purpose": .string(purpose.rawValue), "attempt": Value(attempt),
            "redelivers": redelivers?.value,
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            until: try fields.instant("until"), purpose: try fields.oneOf("purpose"),
            attempt: try fields.int("attempt"),
            redelivers: try fields.optionalFields("redelivers").map { (fields) throws(UnreadableRecord) in
                try Call(fields)
            })
    }
}
