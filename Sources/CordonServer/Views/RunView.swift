// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
package import CordonEngine
package import CordonLanguage
package import CordonStore

/// A run as the API and the command line show it. Pure: made of what is stored, so it needs no server.
package enum RunView {
    /// One line of a list; also of a run that can't be read, which hides no other.
    package static func row(_ record: RunRecord, now: Instant) -> Value {
        do { return members(try record.read(), record, now) } catch { return unreadable(record, error, now) }
    }

    /// The whole run: its steps, and the calls of each as its history tells of them. Of one that can't be read, what its
    /// row tells.
    ///
    /// - Parameter places: where its calls stand in line, by step; `nil` where no server runs, so that nobody knows.
    package static func make(
        _ record: RunRecord, _ entries: [IndexedEntry], objective: Objective? = nil,
        places: [String: Lane.Place]? = nil, now: Instant
    ) throws(EngineError) -> Value {
        if let mistake = record.mistake { return unreadable(record, mistake, now) }
        let run = try record.run()
        let calls: CallLedger
        do { calls = try CallLedger(entries) } catch {
            throw EngineError(.store, "the history of \(record.id) can't be read: \(error)")
        }
        var all = members(run, record, now).objectValue ?? [:]
        all["why"] = .string(whyLine(run, now: now, places: places))
        all["signal"] = .string(run.signal.text)
        all["objective"] = objective?.value ?? .null
        all["identity"] = run.subject?.value ?? .null
        all["inputs"] = run.inputs
        all["ask"] = ask(run)
        all["asks"] = .array(run.asks.map(\.shown))
        all["rollback"] = run.rollback.map { ["by": .string($0.by), "reason": .string($0.reason)] } ?? .null
        all["joined"] = .array(run.joined.map { .string($0.text) })
        all["closed"] = .array(run.closed.map(\.shown))
        all["closed_note"] = run.closedNote.map(Value.string) ?? .null
        all["cancel_requested_by"] = run.cancelRequestedBy.map(Value.string) ?? .null
        all["steps"] = .array(run.steps.map { step($0, calls.lines[$0.id] ?? []) })
        return .object(all)
    }

    /// How many of a run's last lines are looked at for why it tries again.
    package static let recentLines = 50

    /// Why it waits, in one line and in fields.
    ///
    /// - Parameters:
    ///   - recent: the run's last lines.
    ///   - places: where its calls stand in line, by step; `nil` where no server runs.
    package static func why(
        _ record: RunRecord, now: Instant, recent: [IndexedEntry] = [], places: [String: Lane.Place]? = nil
    ) throws(EngineError) -> Value {
        if let mistake = record.mistake { return unreadable(record, mistake, now) }
        let run = try record.run()
        var reasons: [String: String] = [:]
        for entry in recent.map(\.entry) where entry.kind == "retryScheduled" {
            guard let body = try? JSON.parse(entry.bytes)["body"], let step = body["step"]?.stringValue else {
                continue
            }
            reasons[step] = body["reason"]?.stringValue
        }
        return [
            "id": .string(run.id.text), "phase": .string(run.phaseWord),
            "ending": run.ending.map { .string($0.rawValue) } ?? .null,
            "why": .string(whyLine(run, now: now, reasons: reasons, places: places)),
            "waits_for": run.waitsFor.map(Value.string) ?? .null, "wake": run.wake.map { .string($0.word) } ?? .null,
            "due_at": Value(run.dueAt), "ask": ask(run), "next": run.nextCommand.map(Value.string) ?? .null,
        ]
    }

    private static func unreadable(_ record: RunRecord, _ mistake: UnreadableRecord, _ now: Instant) -> Value {
        let text = "unreadable: \(mistake)"
        return [
            "id": .string(record.id.text), "phase": .string(record.phase), "unreadable": .string("\(mistake)"),
            "playbook": ["name": .string(record.playbook), "digest": .string(record.playbookDigest)],
            "workflow": ["name": .string(record.workflow), "digest": .string(record.workflowDigest)],
            "subject": .string(record.subject), "severity": .string(record.severity.rawValue),
            "alert": .string(record.alert.text), "decision": .string(record.decision.text),
            "waits_for": .string(text),
            "why": .string(
                "\(text); nobody moves it, and the other runs go on. What is stored of it is broken: look with 'cordon "
                    + "audit verify', and restore a backup or look after its subject by hand"),
            "wake": record.wake.map(Value.string) ?? .null, "due_at": Value(record.dueAt),
            "opened_at": Value(record.openedAt), "updated_at": Value(record.updatedAt),
            "ended_at": Value(record.endedAt), "age_ms": .int(max(0, now.since(record.openedAt))),
            "number": .int(Int64(record.number)), "steps": [],
        ]
    }

    private static func members(_ run: Run, _ record: RunRecord, _ now: Instant) -> Value {
        [
            "id": .string(run.id.text), "phase": .string(run.phaseWord),
            "ending": run.ending.map { .string($0.rawValue) } ?? .null,
            "playbook": pin(run.playbook), "workflow": pin(run.workflow), "subject": .string(record.subject),
            "severity": .string(run.severity.rawValue), "alert": .string(run.alert.text),
            "decision": .string(run.decision.text), "waits_for": run.waitsFor.map(Value.string) ?? .null,
            "wake": run.wake.map { .string($0.word) } ?? .null, "due_at": Value(run.dueAt),
            "opened_at": Value(run.openedAt), "updated_at": Value(run.updatedAt), "ended_at": Value(run.endedAt),
            "age_ms": .int(max(0, now.since(run.openedAt))), "number": .int(Int64(run.number)),
            "residual": residual(run, now),
        ]
    }

    /// What was issued before and may still be used; `null` when there is no such thing, or no longer.
    private static func residual(_ run: Run, _ now: Instant) -> Value {
        guard let exposure = run.residual, exposure.until > now else { return .null }
        return ["until": Value(exposure.until), "of": .string(exposure.of)]
    }

    private static func pin(_ pin: Run.Pin) -> Value { ["name": .string(pin.name), "digest": .string(pin.digest)] }

    private static func ask(_ run: Run) -> Value {
        guard case .asked(let ask) = run.phase else { return .null }
        return ask.shown
    }

    private static func hold(_ hold: Step.Hold) -> Value {
        ["until": Value(hold.until), "state": .string(hold.state.rawValue)]
    }

    private static func proof(_ proof: Step.Proof) -> Value {
        ["verdict": .string(proof.verdict.rawValue), "reason": .string(proof.reason), "text": .string(proof.text)]
    }

    private static func question(_ step: Step) -> Value {
        guard case .asking(let question) = step.phase else { return .null }
        return [
            "kind": .string(question.kind.rawValue), "text": .string(question.text),
            "by": .array(question.by.map(Value.string)), "quorum": .int(Int64(question.quorum)),
            "choices": .array(question.choices.map(Value.string)), "shown": .string(question.shown),
            "deadline": Value(question.deadline),
            "answers": .array(
                question.answers.map {
                    [
                        "by": .string($0.by), "choice": .string($0.choice), "at": Value($0.at),
                        "reason": .string($0.reason),
                    ]
                }),
        ]
    }

    private static func step(_ step: Step, _ calls: [CallLedger.Line]) -> Value {
        [
            "id": .string(step.id), "phase": .string(step.phase.word), "started_at": Value(step.startedAt),
            "deadline": Value(step.deadline), "ended_at": Value(step.endedAt), "verified": .bool(step.isVerified),
            "acted": .bool(step.hasActed), "undone": .bool(step.isUndone),
            "hold": step.hold.map(hold) ?? .null, "exposure": step.exposure.map(\.value) ?? .null,
            "proof": step.proof.map(proof) ?? .null,
            "question": question(step),
            "note": step.note.map(Value.string) ?? .null,
            "before": step.before ?? .null, "after": step.after ?? .null, "result": step.result ?? .null,
            "evidence": .array(step.evidence.map(\.value)), "calls": .array(calls.map(\.value)),
        ]
    }
}

extension Value {
    /// RFC 3339, or null.
    init(_ instant: Instant?) { self = instant.map { .string($0.description) } ?? .null }
}

extension Run.Closed {
    fileprivate var shown: Value {
        ["signal": .string(signal.text), "alert": .string(alert.text), "as_of": Value(asOf)]
    }
}

extension Run.Ask {
    fileprivate var shown: Value {
        ["kind": .string(kind.rawValue), "step": step.map(Value.string) ?? .null, "reason": .string(reason)]
    }
}

extension Step.Phase {
    var word: String {
        switch self {
        case .pending: "pending"
        case .calling: "calling"
        case .backingOff: "backing_off"
        case .halted: "halted"
        case .uncertain: "uncertain"
        case .asking: "asking"
        case .waiting: "waiting"
        case .open: "open"
        case .finished: "finished"
        case .skipped: "skipped"
        case .failed: "failed"
        case .stopped: "stopped"
        }
    }
}
