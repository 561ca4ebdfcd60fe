// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

// The stored form of runs. Member names are stored for ever: golden journals fail when one changes.

extension Run {
    /// The snapshot. Its opening names no steps: they are told beside it.
    package var value: Value {
        record([
            "v": 2, "opening": fixed.opening.value, "opened_at": Value(openedAt), "gate": gate?.value,
            "pause": pause?.value, "conclusion": conclusion?.value, "rollback": rollback?.value,
            "ending": ending.map { .string($0.rawValue) }, "steps": .array(steps.map(\.value)),
            "joined": joined.isEmpty ? nil : .array(joined.map { .string($0.text) }),
            "closed": closed.isEmpty ? nil : .array(closed.map(\.value)),
            "updated_at": Value(updatedAt), "ended_at": endedAt.map(Value.init(_:)), "number": Value(number),
        ])
    }

    package init(_ value: Value) throws(UnreadableRecord) {
        let fields = try Fields(value, "run")
        let opening = try Opening(fields.fields("opening"))
        self.init(opening: opening, at: try fields.instant("opened_at"))
        gate = try fields.optionalFields("gate").map { (fields) throws(UnreadableRecord) in try Ask(fields) }
        pause = try fields.optionalFields("pause").map { (fields) throws(UnreadableRecord) in try Ask(fields) }
        conclusion = try fields.optionalFields("conclusion").map { (fields) throws(UnreadableRecord) in
            try Conclusion(fields)
        }
        rollback = try fields.optionalFields("rollback").map { (fields) throws(UnreadableRecord) in
            try Rollback(fields)
        }
        ending = fields.optional("ending") == nil ? nil : try fields.oneOf("ending")
        steps = try fields.list("steps") { (value, place) throws(UnreadableRecord) in try Step(value, place) }
        if fields.optional("joined") != nil { joined = try fields.ids("joined") }
        if fields.optional("closed") != nil {
            closed = try fields.list("closed") { (value, place) throws(UnreadableRecord) in
                try Closed(Fields(value, place))
            }
        }
        updatedAt = try fields.instant("updated_at")
        endedAt = try fields.optionalInstant("ended_at")
        number = try fields.int("number")
    }
}

extension Run.Conclusion {
    var value: Value { ["ending": .string(ending.rawValue), "by": .string(by), "reason": .string(reason)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            ending: try fields.oneOf("ending"), by: try fields.string("by"), reason: try fields.string("reason"))
    }
}

extension Run.Rollback {
    var value: Value {
        record([
            "steps": steps.map { .array($0.map(Value.string)) }, "by": .string(by), "reason": .string(reason),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            steps: fields.optional("steps") == nil ? nil : try fields.strings("steps"), by: try fields.string("by"),
            reason: try fields.string("reason"))
    }
}

extension Run.Closed {
    var value: Value { ["signal": .string(signal.text), "alert": .string(alert.text), "as_of": Value(asOf)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            signal: try fields.id("signal"), alert: try fields.id("alert"), asOf: try fields.instant("as_of"))
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
    package var value: Value { ["name": .string(name), "digest": .string(digest)] }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(name: try fields.string("name"), digest: try fields.string("digest"))
    }
}

extension Opening {
    var value: Value {
        record([
            "run": .string(id.text), "decision": .string(decision.text), "signal": .string(signal.text),
            "alert": .string(alert.text), "playbook": playbook.value, "workflow": workflow.value,
            "called": called.isEmpty ? nil : .array(called.map(\.value)), "subject": subject?.value,
            "severity": .string(severity.rawValue), "inputs": inputs,
            "steps": .array(steps.map(Value.string)), "gate": gate?.value,
            "shared": isShared ? true : nil, "objects_max": objectsMax.map { .int(Int64($0)) },
            "undoable": undoable.isEmpty ? nil : .array(undoable.map(Value.string)),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            id: try fields.id("run"), decision: try fields.id("decision"), signal: try fields.id("signal"),
            alert: try fields.id("alert"), playbook: try Run.Pin(fields.fields("playbook")),
            workflow: try Run.Pin(fields.fields("workflow")),
            called: fields.optional("called") == nil
                ? []
                : try fields.list("called") { (value, place) throws(UnreadableRecord) in
                    try Run.Pin(Fields(value, place))
                },
            subject: try fields.optionalFields("subject").map { (fields) throws(UnreadableRecord) in try Subject(fields)
            },
            severity: try fields.oneOf("severity"), inputs: try fields.value("inputs"),
            steps: try fields.strings("steps"),
            gate: try fields.optionalFields("gate").map { (fields) throws(UnreadableRecord) in try Run.Ask(fields) },
            isShared: fields.optional("shared") == true,
            objectsMax: fields.optional("objects_max") == nil ? nil : try fields.int("objects_max"),
            undoable: fields.optional("undoable") == nil ? [] : try fields.strings("undoable"))
    }
}

extension Subject {
    package var value: Value {
        record([
            "kind": .string(kind.rawValue), "id": .string(id), "provider": .string(provider),
            "owner": owner.map(Value.string), "tags": .array(tags.map(Value.string)), "attributes": attributes,
            "consumers": consumers.isEmpty ? nil : .array(consumers.map(Value.string)),
            "baseline": baseline.map(Value.string),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            kind: try fields.oneOf("kind"), id: try fields.string("id"), provider: try fields.string("provider"),
            owner: try fields.optionalString("owner"),
            tags: fields.optional("tags") == nil ? [] : try fields.strings("tags"),
            attributes: fields.optional("attributes") ?? .object([:]))
        consumers = fields.optional("consumers") == nil ? [] : try fields.strings("consumers")
        baseline = try fields.optionalString("baseline")
    }
}
