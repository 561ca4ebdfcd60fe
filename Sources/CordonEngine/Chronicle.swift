// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonEvidence
package import CordonLanguage
package import CordonStore

/// Writes the history's lines: the one place that turns an event into the bytes that are stored, hashed and exported.
package struct Chronicle: Sendable {
    package init() {}

    package func entry(_ stream: String, _ number: Int, _ at: Instant, _ kind: String, _ body: Value) -> Entry {
        let line: Value = [
            "v": 1, "stream": .string(stream), "n": .int(Int64(number)), "at": .string(at.description),
            "type": .string(kind), "body": body,
        ]
        let bytes = line.jsonBytes
        return Entry(
            stream: stream, number: number, at: at, kind: kind, bytes: bytes, leaf: MerkleLog.leafHash(bytes).bytes)
    }

    /// The change that stores a transition: its events as the run's next lines, and the run they make.
    package func change(_ transition: Transition, from expected: Int, at now: Instant) -> RunChange {
        let run = transition.run
        let entries = transition.events.enumerated().map { offset, event in
            entry(run.id.text, expected + offset + 1, now, event.kind, event.value)
        }
        return RunChange(expectedNumber: expected, run: record(run), entries: entries)
    }

    private func record(_ run: Run) -> RunRecord {
        RunRecord(
            id: run.id, decision: run.decision, alert: run.alert, playbook: run.playbook.name,
            playbookDigest: run.playbook.digest, workflow: run.workflow.name, workflowDigest: run.workflow.digest,
            subject: run.subject?.key ?? "", severity: run.severity, phase: run.phaseWord, wake: run.wake?.word,
            dueAt: run.dueAt, number: run.number, openedAt: run.openedAt, updatedAt: run.updatedAt,
            endedAt: run.endedAt, snapshot: run.value.jsonBytes)
    }
}

extension RunRecord {
    /// The run as it stands.
    package func run() throws(EngineError) -> Run {
        do {
            return try Run(JSON.parse(snapshot))
        } catch {
            throw EngineError(.store, "the snapshot of \(id) can't be read: \(error)")
        }
    }
}

extension Entry {
    /// The event that this line tells of, for a run's stream.
    package func event() throws(EngineError) -> Event {
        do {
            return try Event(kind: kind, try JSON.parse(bytes)["body"] ?? .null)
        } catch {
            throw EngineError(.store, "line \(number) of \(stream) can't be read: \(error)")
        }
    }
}
