// SPDX-License-Identifier: Apache-2.0

import CordonCore

// What a caller must never get wrong. A change of the wrong shape comes from an error in the program, not from the
// world: it stops the process at its caller's door, before anything of it is queued.

extension Alert {
    func requireReceived(_ entry: Entry) {
        precondition(state == .received, "an alert is accepted before it is read")
        precondition(entry.stream == id.text && entry.number == 1, "an alert's first entry is number 1 of its stream")
    }
}

extension RunChange {
    func requireShape() {
        precondition(!entries.isEmpty, "a run's change holds at least one entry: its number is what is compared")
        precondition(run.number == expectedNumber + entries.count, "a run's number is that of its last entry")
        entries.requireStream(run.id.text, after: expectedNumber)
    }
}

extension Reading {
    func requireShape() {
        precondition(state != .received, "reading an alert makes it read or quarantined")
        if let first = entries.first { entries.requireStream(alert.text, after: first.number - 1) }
        for change in opened {
            precondition(change.expectedNumber == 0, "a reading opens runs, it does not advance them")
            change.requireShape()
        }
    }
}

extension [Entry] {
    fileprivate func requireStream(_ stream: String, after number: Int) {
        var next = number
        for entry in self {
            next += 1
            precondition(entry.stream == stream, "an entry stands in the stream of the thing that changed")
            precondition(entry.number == next, "entries of one change are numbered without gaps")
        }
    }
}

extension RunRecord {
    /// What is stored of a change: where its snapshot stands follows from the change.
    var asStored: RunRecord {
        var row = self
        row.snapshotNumber = snapshot.isEmpty ? 0 : number
        row.tail = []
        return row
    }

    /// The row after a later change: what a run is and why it exists was settled when it was opened.
    func advanced(to next: RunRecord) -> RunRecord {
        var row = next.asStored
        if row.snapshot.isEmpty {
            row.snapshot = snapshot
            row.snapshotNumber = snapshotNumber
        }
        row.id = id
        row.decision = decision
        row.alert = alert
        row.playbook = playbook
        row.playbookDigest = playbookDigest
        row.workflow = workflow
        row.workflowDigest = workflowDigest
        row.openedAt = openedAt
        return row
    }
}

/// What a query may ask of one page.
func pageRows(_ limit: Int) -> Int { Swift.min(Swift.max(limit, 0), StoreLimits.rowsPerPageMax) }
