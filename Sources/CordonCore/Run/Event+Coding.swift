// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Event {
    /// The body of its line in the history.
    package var value: Value {
        switch self {
        case .runOpened(let opening): opening.value
        case .runAsked(let ask): ask.value
        case .runResumed(let step, let isForced, let by, let reason, let plan):
            record([
                "step": step.map(Value.string), "forced": isForced ? true : nil, "by": .string(by),
                "reason": .string(reason), "plan": plan?.value,
            ])
        case .runPaused(let by, let reason): ["by": .string(by), "reason": .string(reason)]
        case .runConcluded(let conclusion): conclusion.value
        case .rollbackRequested(let rollback): rollback.value
        case .rollbackFinished: [:]
        case .signalJoined(let signal, let alert): ["signal": .string(signal.text), "alert": .string(alert.text)]
        case .signalClosed(let signal, let alert, let asOf):
            ["signal": .string(signal.text), "alert": .string(alert.text), "as_of": Value(asOf)]
        case .runMigrated(let migration): migration.value
        case .runEnded(let ending, let reason): ["ending": .string(ending.rawValue), "reason": .string(reason)]
        case .stepStarted, .stepOpened, .stepSkipped, .stepFinished, .stepFailed, .stepStopped, .stepHalted,
            .waitScheduled, .rungFinished, .holdStarted, .holdChanged, .exposureFound, .exposureEnded, .proofAwaited,
            .proofTaken, .secretLost, .stepReopened:
            stepValue
        case .questionAsked, .questionReminded, .questionEscalated, .answerGiven, .questionClosed: questionValue
        case .callIntended, .callRedelivered, .callReturned, .callResolved, .retryScheduled: callValue
        }
    }

    private var stepValue: Value {
        switch self {
        case .stepStarted(let step, let deadline): ["step": .string(step), "deadline": Value(deadline)]
        case .stepOpened(let step, let items, let inputs, let until):
            record([
                "step": .string(step), "items": items.map(Value.array), "inputs": inputs,
                "until": until.map(Value.init(_:)),
            ])
        case .stepSkipped(let step, let reason), .stepStopped(let step, let reason), .stepFailed(let step, let reason):
            ["step": .string(step), "reason": .string(reason)]
        case .stepFinished(let step, let isVerified, let note):
            record(["step": .string(step), "verified": .bool(isVerified), "note": note.map(Value.string)])
        case .stepHalted(let step, let backOff, let reason):
            ["step": .string(step), "back_off": backOff.value, "reason": .string(reason)]
        case .waitScheduled(let step, let until), .holdStarted(let step, let until), .proofAwaited(let step, let until):
            ["step": .string(step), "until": Value(until)]
        case .rungFinished(let step, let rounds): ["step": .string(step), "rounds": Value(rounds)]
        case .exposureFound(let step, let exposure): ["step": .string(step), "exposure": exposure.value]
        case .exposureEnded(let step, let by): ["step": .string(step), "by": .string(by)]
        case .proofTaken(let step, let proof): ["step": .string(step), "proof": proof.value]
        case .secretLost(let step, let users, let reason):
            ["step": .string(step), "users": .array(users.map(Value.string)), "reason": .string(reason)]
        case .stepReopened(let step): ["step": .string(step)]
        case .holdChanged(let step, let hold, let by, let reason):
            ["step": .string(step), "hold": hold.value, "by": .string(by), "reason": .string(reason)]
        default: .null
        }
    }

    private var questionValue: Value {
        switch self {
        case .questionAsked(let step, let question): ["step": .string(step), "question": question.value]
        case .questionReminded(let step, let next): record(["step": .string(step), "next": next.map(Value.init(_:))])
        case .questionEscalated(let step, let to): ["step": .string(step), "to": .string(to)]
        case .answerGiven(let step, let answer): ["step": .string(step), "answer": answer.value]
        case .questionClosed(let step, let choice, let reason):
            ["step": .string(step), "choice": .string(choice), "reason": .string(reason)]
        default: .null
        }
    }

    private var callValue: Value {
        switch self {
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
        default: .null
        }
    }

    /// Reads back a stored event; `kind` is the stored name.
    package init(kind: String, _ value: Value) throws(UnreadableRecord) { try self.init(kind: kind, .tree(value)) }

    init(kind: String, _ body: JSONView) throws(UnreadableRecord) {
        let fields = try Fields(body, kind)
        switch kind {
        // Most lines of a history are of these: they are not compared with all other names first.
        case "callIntended", "callReturned": self = try Event(ofCall: kind, try Self.step(kind, fields), fields)
        case "stepStarted", "stepFinished": self = try Event(ofStep: kind, try Self.step(kind, fields), fields)
        case "runOpened": self = .runOpened(try Opening(fields))
        case "runAsked": self = .runAsked(try Run.Ask(fields))
        case "runResumed":
            self = .runResumed(
                step: try fields.optionalString("step"), isForced: fields.optional("forced") == true,
                by: try fields.string("by"), reason: try fields.string("reason"),
                plan: try fields.optional("plan") == nil ? nil : AgreedPlan(fields.fields("plan")))
        case "runPaused": self = .runPaused(by: try fields.string("by"), reason: try fields.string("reason"))
        case "runConcluded": self = .runConcluded(try Run.Conclusion(fields))
        case "rollbackRequested": self = .rollbackRequested(try Run.Rollback(fields))
        case "rollbackFinished": self = .rollbackFinished
        case "signalJoined": self = .signalJoined(try fields.id("signal"), try fields.id("alert"))
        case "signalClosed":
            self = .signalClosed(
                try fields.id("signal"), by: try fields.id("alert"), asOf: try fields.instant("as_of"))
        case "runMigrated": self = .runMigrated(try Migration(fields))
        case "runEnded": self = .runEnded(try fields.oneOf("ending"), reason: try fields.string("reason"))
        default:
            guard let step = try fields.optionalString("step") else {
                throw UnreadableRecord(place: kind, reason: "it names no step, or " + UnreadableRecord.unknownEvent)
            }
            self = try Event(ofStep: kind, step, fields)
        }
    }

    private static func step(_ kind: String, _ fields: Fields) throws(UnreadableRecord) -> String {
        guard let step = try fields.optionalString("step") else {
            throw UnreadableRecord(place: kind, reason: "it names no step")
        }
        return step
    }

    private init(ofStep kind: String, _ step: String, _ fields: Fields) throws(UnreadableRecord) {
        switch kind {
        case "stepStarted": self = .stepStarted(step: step, deadline: try fields.instant("deadline"))
        case "stepFinished":
            self = .stepFinished(
                step: step, isVerified: try fields.bool("verified"), note: try fields.optionalString("note"))
        case "stepOpened":
            self = .stepOpened(
                step: step, items: fields.optional("items")?.arrayValue, inputs: fields.present("inputs"),
                until: try fields.optionalInstant("until"))
        case "stepSkipped": self = .stepSkipped(step: step, reason: try fields.string("reason"))
        case "stepStopped": self = .stepStopped(step: step, reason: try fields.string("reason"))
        case "stepFailed": self = .stepFailed(step: step, reason: try fields.string("reason"))
        case "stepHalted":
            self = .stepHalted(
                step: step, try Step.BackOff(fields.fields("back_off")), reason: try fields.string("reason"))
        case "waitScheduled": self = .waitScheduled(step: step, until: try fields.instant("until"))
        case "rungFinished": self = .rungFinished(step: step, rounds: try fields.int("rounds"))
        case "holdStarted": self = .holdStarted(step: step, until: try fields.instant("until"))
        case "exposureFound":
            self = .exposureFound(step: step, try Step.Exposure(fields.fields("exposure")))
        case "proofAwaited": self = .proofAwaited(step: step, until: try fields.instant("until"))
        case "proofTaken": self = .proofTaken(step: step, try Step.Proof(fields.fields("proof")))
        case "exposureEnded": self = .exposureEnded(step: step, by: try fields.string("by"))
        case "secretLost":
            self = .secretLost(
                step: step, users: try fields.strings("users"), reason: try fields.string("reason"))
        case "stepReopened": self = .stepReopened(step: step)
        case "holdChanged":
            self = .holdChanged(
                step: step, try Step.Hold(fields.fields("hold")), by: try fields.string("by"),
                reason: try fields.string("reason"))
        default: self = try Event(ofQuestion: kind, step, fields)
        }
    }

    private init(ofQuestion kind: String, _ step: String, _ fields: Fields) throws(UnreadableRecord) {
        switch kind {
        case "questionAsked": self = .questionAsked(step: step, try Question(fields.fields("question")))
        case "questionReminded": self = .questionReminded(step: step, next: try fields.optionalInstant("next"))
        case "questionEscalated": self = .questionEscalated(step: step, to: try fields.string("to"))
        case "answerGiven": self = .answerGiven(step: step, try Question.Answer(fields.fields("answer")))
        case "questionClosed":
            self = .questionClosed(
                step: step, choice: try fields.string("choice"), reason: try fields.string("reason"))
        default: self = try Event(ofCall: kind, step, fields)
        }
    }

    private init(ofCall kind: String, _ step: String, _ fields: Fields) throws(UnreadableRecord) {
        switch kind {
        case "callIntended": self = .callIntended(step: step, try Call(fields.fields("call")))
        case "callReturned":
            self = .callReturned(step: step, number: try fields.int("n"), try Outcome(fields.fields("outcome")))
        case "callRedelivered":
            self = .callRedelivered(
                step: step, number: try fields.int("n"), delivery: try fields.int("delivery"),
                deadline: try fields.instant("deadline"))
        case "callResolved":
            self = .callResolved(
                step: step, number: try fields.int("n"), tookEffect: try fields.bool("took_effect"),
                by: try fields.string("by"), reason: try fields.string("reason"))
        case "retryScheduled":
            self = .retryScheduled(
                step: step, try Step.BackOff(fields.fields("back_off")), reason: try fields.string("reason"))
        default: throw UnreadableRecord(place: kind, reason: UnreadableRecord.unknownEvent)
        }
    }
}
