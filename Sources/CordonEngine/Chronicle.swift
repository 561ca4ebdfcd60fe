// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonEvidence
package import CordonLanguage
package import CordonStore

/// Writes the history's lines: the one place that turns an event into the bytes that are stored, hashed and exported.
package struct Chronicle: Sendable {
    package init() {}

    package func entry(_ stream: String, _ number: Int, _ at: Instant, _ kind: String, _ body: Value) -> Entry {
        line(stream, number, at, kind) { $0.value(body) }
    }

    /// A line whose body is JSON text already.
    func entry(_ stream: String, _ number: Int, _ at: Instant, _ kind: String, json body: [UInt8]) -> Entry {
        line(stream, number, at, kind) { $0.raw(body) }
    }

    /// Members in the order of their names, as RFC 8785 wants them.
    private func line(
        _ stream: String, _ number: Int, _ at: Instant, _ kind: String, _ body: (inout JSONWriter) -> Void
    ) -> Entry {
        var writer = JSONWriter(capacity: 640)
        writer.beginObject()
        writer.field("at", at.description)
        writer.key("body")
        body(&writer)
        writer.field("n", number)
        writer.field("stream", stream)
        writer.field("type", kind)
        writer.field("v", 1)
        writer.endObject()
        return Entry(
            stream: stream, number: number, at: at, kind: kind, bytes: writer.bytes,
            leaf: MerkleLog.leafHash(writer.bytes).bytes)
    }

    /// The change that stores a transition: its events as the run's next lines, and the run they make.
    package func change(_ transition: Transition, from expected: Int, at now: Instant) -> RunChange {
        let run = transition.run
        let entries = transition.events.enumerated().map { offset, event in
            line(run.id.text, expected + offset + 1, now, event.kind) { event.write(to: &$0) }
        }
        let snapshot = run.isSnapshotDue(since: expected) ? run.value.jsonBytes : []
        return RunChange(expectedNumber: expected, run: record(run, snapshot), entries: entries)
    }

    private func record(_ run: Run, _ snapshot: [UInt8]) -> RunRecord {
        RunRecord(
            id: run.id, decision: run.decision, alert: run.alert, playbook: run.playbook.name,
            playbookDigest: run.playbook.digest, workflow: run.workflow.name, workflowDigest: run.workflow.digest,
            subject: run.subject?.key ?? "", severity: run.severity, phase: run.phaseWord, wake: run.wake?.word,
            dueAt: run.dueAt, number: run.number, openedAt: run.openedAt, updatedAt: run.updatedAt,
            endedAt: run.endedAt, snapshot: snapshot)
    }
}

extension RunRecord {
    /// The run as it stands.
    package func run() throws(EngineError) -> Run {
        do { return try read() } catch { throw EngineError(.store, "the run \(id) can't be read: \(error)") }
    }

    /// The same, with what is wrong of a record that gives no run.
    package func read() throws(UnreadableRecord) -> Run {
        let run = try Run(snapshot: snapshot, tail: tail)
        guard run.number == number else {
            throw UnreadableRecord(
                place: id.text, reason: "its lines end at \(run.number), its row stands at \(number)")
        }
        return run
    }

    /// What is wrong with it; `nil` for one that gives its run.
    package var mistake: UnreadableRecord? {
        do {
            _ = try read()
            return nil
        } catch { return error }
    }
}
