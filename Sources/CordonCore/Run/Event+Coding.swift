// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Event {
    /// The body of its line in the history.
    package var value: Value {
        switch self {
        case .runOpened(let opening): opening.value
        case .runAsked(let ask): ask.value
        case .runResumed(let by, let reason), .runCancelRequested(let by, let reason):
            ["by": .string(by), "reason": .string(reason)]
        case .runEnded(let ending, let reason): ["ending": .string(ending.rawValue), "reason": .string(reason)]
        case .stepStarted(let step, let deadline): ["step": .string(step), "deadline": Value(deadline)]
        case .stepSkipped(let step, let reason), .stepStopped(let step, let reason):
            ["step": .string(step), "reason": .string(reason)]
        case .stepFinished(let step, let isVerified, let note):
            record(["step": .string(step), "verified": .bool(isVerified), "note": note.map(Value.string)])
        case .callIntended(let step, let call): ["step": .string(step), "call": call.value]
        case .callRedelivered(let step, let number, let delivery, let deadline):
            ["step": .string(step), "n": Value(number), "delivery": Value(delivery), "deadline": Value(deadline)]
        case .callReturned(let step, let number, let outcome):
            ["step": .string(step), "n": Value(number), "outcome": outcome.value]
        case .callResolved(let step, let number, let tookEffect, let by, let reason):
            [
                "step": .string(step), "n": Value(number), "took_effect": .bool(tookEffect), "by": .string(by),
                "reason": .string(reason),
            ]
        case .retryScheduled(let step, let backOff, let reason):
            ["step": .string(step), "back_off": backOff.value, "reason": .string(reason)]
        }
    }

    /// Reads back a stored event; `kind` is the stored name.
    package init(kind: String, _ value: Value) throws(UnreadableRecord) {
        let fields = try Fields(value, kind)
        switch kind {
        case "runOpened": self = .runOpened(try Opening(value, kind))
        case "runAsked": self = .runAsked(try Run.Ask(fields))
        case "runResumed": self = .runResumed(by: try fields.string("by"), reason: try fields.string("reason"))
        case "runCancelRequested":
            self = .runCancelRequested(by: try fields.string("by"), reason: try fields.string("reason"))
        case "runEnded": self = .runEnded(try fields.oneOf("ending"), reason: try fields.string("reason"))
        case "retryScheduled":
            self = .retryScheduled(
                step: try fields.string("step"), try Step.BackOff(fields.fields("back_off")),
                reason: try fields.string("reason"))
        case "stepStarted", "stepSkipped", "stepStopped", "stepFinished", "callIntended", "callRedelivered",
            "callReturned", "callResolved":
            self = try Event(kind, step: fields.string("step"), fields)
        default: throw UnreadableRecord(place: kind, reason: "this version knows no such event")
        }
    }

    private init(_ kind: String, step: String, _ fields: Fields) throws(UnreadableRecord) {
        switch kind {
        case "stepStarted": self = .stepStarted(step: step, deadline: try fields.instant("deadline"))
        case "stepSkipped": self = .stepSkipped(step: step, reason: try fields.string("reason"))
        case "stepStopped": self = .stepStopped(step: step, reason: try fields.string("reason"))
        case "stepFinished":
            self = .stepFinished(
                step: step, isVerified: try fields.bool("verified"), note: try fields.optionalString("note"))
        case "callIntended": self = .callIntended(step: step, try Call(fields.fields("call")))
        case "callRedelivered":
            self = .callRedelivered(
                step: step, number: try fields.int("n"), delivery: try fields.int("delivery"),
                deadline: try fields.instant("deadline"))
        case "callReturned":
            self = .callReturned(
                step: step, number: try fields.int("n"), try Outcome(fields.fields("outcome")))
        case "callResolved":
            self = .callResolved(
                step: step, number: try fields.int("n"), tookEffect: try fields.bool("took_effect"),
                by: try fields.string("by"), reason: try fields.string("reason"))
        default: throw UnreadableRecord(place: kind, reason: "this version knows no such event")
        }
    }
}
