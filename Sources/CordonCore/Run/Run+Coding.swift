// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

// The stored form of runs. Member names are stored for ever: golden journals fail when one changes.

extension Run {
    /// The snapshot.
    package var value: Value {
        record([
            "v": 1, "opening": opening.value, "opened_at": Value(openedAt), "phase": phase.value,
            "steps": .array(steps.map(\.value)), "cancel_requested_by": cancelRequestedBy.map(Value.string),
            "updated_at": Value(updatedAt), "ended_at": endedAt.map(Value.init(_:)), "number": Value(number),
        ])
    }

    package init(_ value: Value) throws(UnreadableRecord) {
        let fields = try Fields(value, "run")
        let opening = try Opening(fields.value("opening"), "run.opening")
        self.init(opening: opening, at: try fields.instant("opened_at"))
        phase = try Phase(fields.fields("phase"))
        steps = try fields.list("steps") { (value, place) throws(UnreadableRecord) in try Step(value, place) }
        cancelRequestedBy = try fields.optionalString("cancel_requested_by")
        updatedAt = try fields.instant("updated_at")
        endedAt = try fields.optionalInstant("ended_at")
        number = try fields.int("number")
    }

    private var opening: Opening {
        Opening(
            id: id, decision: decision, signal: signal, alert: alert, playbook: playbook, workflow: workflow,
            subject: subject, severity: severity, inputs: inputs, steps: steps.map(\.id))
    }
}

extension Run.Phase {
    var value: Value {
        switch self {
        case .running: ["is": "running"]
        case .asked(let ask): ["is": "asked", "ask": ask.value]
        case .ended(let ending): ["is": "ended", "ending": .string(ending.rawValue)]
        }
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        switch try fields.string("is") {
        case "running": self = .running
        case "asked": self = .asked(try Run.Ask(fields.fields("ask")))
        case "ended": self = .ended(try fields.oneOf("ending"))
        default: throw UnreadableRecord(place: fields.place, reason: "unknown phase")
        }
    }
}

extension Run.Ask {
    var value: Value {
        record(["kind": .string(kind.rawValue), "step": step.map(Value.string), "reason": .string(reason)])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            kind: try fields.oneOf("kind"), step: try fields.optionalString("step"),
            reason: try fields.string("reason"))
    }
}

extension Run.Pin {
    var value: Value { ["name": .string(name), "digest": .string(digest)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(name: try fields.string("name"), digest: try fields.string("digest"))
    }
}

extension Opening {
    var value: Value {
        record([
            "run": .string(id.text), "decision": .string(decision.text), "signal": .string(signal.text),
            "alert": .string(alert.text), "playbook": playbook.value, "workflow": workflow.value,
            "subject": subject?.value, "severity": .string(severity.rawValue), "inputs": inputs,
            "steps": .array(steps.map(Value.string)), "gate": gate?.value,
        ])
    }

    init(_ value: Value, _ place: String) throws(UnreadableRecord) {
        let fields = try Fields(value, place)
        self.init(
            id: try fields.id("run"), decision: try fields.id("decision"), signal: try fields.id("signal"),
            alert: try fields.id("alert"), playbook: try Run.Pin(fields.fields("playbook")),
            workflow: try Run.Pin(fields.fields("workflow")),
            subject: try fields.optionalFields("subject").map { (fields) throws(UnreadableRecord) in try Subject(fields)
            },
            severity: try fields.oneOf("severity"), inputs: try fields.value("inputs"),
            steps: try fields.strings("steps"),
            gate: try fields.optionalFields("gate").map { (fields) throws(UnreadableRecord) in try Run.Ask(fields) })
    }
}

extension Subject {
    package var value: Value {
        record([
            "kind": .string(kind.rawValue), "id": .string(id), "provider": .string(provider),
            "owner": owner.map(Value.string), "tags": .array(tags.map(Value.string)), "attributes": attributes,
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            kind: try fields.oneOf("kind"), id: try fields.string("id"), provider: try fields.string("provider"),
            owner: try fields.optionalString("owner"),
            tags: fields.optional("tags") == nil ? [] : try fields.strings("tags"),
            attributes: fields.optional("attributes") ?? .object([:]))
    }
}

extension Step {
    var value: Value {
        record([
            "id": .string(id), "phase": phase.value, "started_at": startedAt.map(Value.init(_:)),
            "deadline": deadline.map(Value.init(_:)), "ended_at": endedAt.map(Value.init(_:)), "calls": Value(calls),
            "before": before, "after": after, "result": result, "verified": isVerified ? true : nil,
            "acted": hasActed ? true : nil, "doubt": doubt?.value, "note": note.map(Value.string),
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
        calls = try fields.int("calls")
        before = fields.present("before")
        after = fields.present("after")
        result = fields.present("result")
        isVerified = fields.optional("verified") == true
        hasActed = fields.optional("acted") == true
        doubt = try fields.optionalFields("doubt").map { (fields) throws(UnreadableRecord) in try Call(fields) }
        note = try fields.optionalString("note")
        if fields.optional("evidence") != nil { evidence = try Evidence.list(fields) }
    }
}

extension Step.Phase {
    var value: Value {
        switch self {
        case .pending: ["is": "pending"]
        case .calling(let call): ["is": "calling", "call": call.value]
        case .backingOff(let backOff): ["is": "backing_off", "back_off": backOff.value]
        case .uncertain(let call): ["is": "uncertain", "call": call.value]
        case .finished: ["is": "finished"]
        case .skipped: ["is": "skipped"]
        case .stopped: ["is": "stopped"]
        }
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        switch try fields.string("is") {
        case "pending": self = .pending
        case "calling": self = .calling(try Call(fields.fields("call")))
        case "backing_off": self = .backingOff(try Step.BackOff(fields.fields("back_off")))
        case "uncertain": self = .uncertain(try Call(fields.fields("call")))
        case "finished": self = .finished
        case "skipped": self = .skipped
        case "stopped": self = .stopped
        default: throw UnreadableRecord(place: fields.place, reason: "unknown phase")
        }
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
