// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

// The stored form of what every call brings with it, written without a tree between. It is the text of `value`, byte for
// byte: members stand in the order of their names. A test holds the two against each other for every kind of event.

extension Event {
    /// Writes the body of its line in the history.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .runOpened(let opening): opening.write(to: &writer)
        case .runEnded(let ending, let reason):
            writer.beginObject()
            writer.field("ending", ending.rawValue)
            writer.field("reason", reason)
            writer.endObject()
        case .stepStarted(let step, let deadline):
            writer.beginObject()
            writer.field("deadline", deadline.milliseconds)
            writer.field("step", step)
            writer.endObject()
        case .stepFinished(let step, let isVerified, let note):
            writer.beginObject()
            writer.fieldIfPresent("note", note)
            writer.field("step", step)
            writer.field("verified", isVerified)
            writer.endObject()
        case .callIntended(let step, let call):
            writer.beginObject()
            writer.key("call")
            call.write(to: &writer)
            writer.field("step", step)
            writer.endObject()
        case .callReturned(let step, let number, let outcome):
            writer.beginObject()
            writer.field("n", number)
            writer.key("outcome")
            outcome.write(to: &writer)
            writer.field("step", step)
            writer.endObject()
        case .callRedelivered(let step, let number, let delivery, let deadline):
            writer.beginObject()
            writer.field("deadline", deadline.milliseconds)
            writer.field("delivery", delivery)
            writer.field("n", number)
            writer.field("step", step)
            writer.endObject()
        case .runAsked, .runResumed, .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished, .signalJoined,
            .signalClosed,
            .runMigrated, .stepOpened, .stepSkipped, .stepFailed, .stepStopped, .stepHalted, .waitScheduled,
            .rungFinished, .questionAsked, .questionReminded, .questionEscalated, .answerGiven, .questionClosed,
            .holdStarted, .holdChanged, .exposureFound, .exposureEnded, .proofAwaited, .proofTaken, .callResolved,
            .retryScheduled, .secretLost, .stepReopened:
            writer.value(value)
        }
    }
}

extension Call {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("arguments", arguments)
        writer.field("attempt", attempt)
        writer.field("capability", capability)
        writer.field("class", effectClass.rawValue)
        writer.field("deadline", deadline.milliseconds)
        // Stored as `null` from the first version on, as is a result that there is not.
        writer.field("delivery", delivery == 1 ? .null : Value(delivery))
        writer.field("idempotency_key", seal.idempotencyKey)
        writer.field("intended_at", intendedAt.milliseconds)
        writer.field("n", number)
        writer.field("provider", provider)
        writer.field("purpose", purpose.rawValue)
        writer.field("request", seal.requestDigest)
        writer.endObject()
    }
}

extension Outcome {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("duration_ms", durationMilliseconds)
        if !evidence.isEmpty {
            writer.key("evidence")
            writer.beginArray()
            for item in evidence { item.write(to: &writer) }
            writer.endArray()
        }
        writer.field("kind", kind.rawValue)
        if lacksSecret { writer.field("lacks_secret", true) }
        writer.fieldIfPresent("reason", reason)
        writer.field("result", result)
        writer.fieldIfPresent("retry_after_ms", retryAfterMilliseconds)
        if wasSentTwice { writer.field("sent_twice", true) }
        if let status { writer.field("status", status) }
        if wasWithheld { writer.field("withheld", true) }
        writer.endObject()
    }
}

extension Evidence {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("about", about)
        writer.field("bytes", bytes)
        writer.field("digest", digest)
        writer.field("media_type", mediaType)
        writer.endObject()
    }
}

extension Opening {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("alert", alert.text)
        if !called.isEmpty {
            writer.key("called")
            writer.beginArray()
            for pin in called { pin.write(to: &writer) }
            writer.endArray()
        }
        writer.field("decision", decision.text)
        writer.fieldIfPresent("gate", gate?.value)
        writer.field("inputs", inputs)
        if let objectsMax { writer.field("objects_max", objectsMax) }
        writer.key("playbook")
        playbook.write(to: &writer)
        writer.field("run", id.text)
        writer.field("severity", severity.rawValue)
        if isShared { writer.field("shared", true) }
        writer.field("signal", signal.text)
        writer.field("steps", steps)
        if let subject {
            writer.key("subject")
            subject.write(to: &writer)
        }
        if !undoable.isEmpty { writer.field("undoable", undoable) }
        writer.key("workflow")
        workflow.write(to: &writer)
        writer.endObject()
    }
}

extension Run.Pin {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("digest", digest)
        writer.field("name", name)
        writer.endObject()
    }
}

extension Subject {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("attributes", attributes)
        writer.fieldIfPresent("baseline", baseline)
        if !consumers.isEmpty { writer.field("consumers", consumers) }
        writer.field("id", id)
        writer.field("kind", kind.rawValue)
        writer.fieldIfPresent("owner", owner)
        writer.field("provider", provider)
        writer.field("tags", tags)
        writer.endObject()
    }
}
