// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

// A run is stored as its journal; a snapshot is stored once every so many entries, so that reading a run folds no more
// than that. Writing the whole state at every commit cost more than all else that a commit writes, and was read back only
// after a stop.

extension Run {
    /// Whether a change that began after entry `number` comes with a snapshot of the run it makes.
    package func isSnapshotDue(since number: Int) -> Bool {
        number / Limits.entriesPerSnapshot != self.number / Limits.entriesPerSnapshot
    }

    /// The run that a snapshot (none, when it is empty) and the entries after it tell of.
    package init(snapshot: [UInt8], tail: [Entry]) throws(UnreadableRecord) {
        if snapshot.isEmpty {
            guard let first = tail.first, first.number == 1, case .runOpened(let opening) = try first.event() else {
                throw UnreadableRecord(place: "run", reason: "its history doesn't begin with its opening")
            }
            self.init(opening: opening, at: first.at)
            apply(.runOpened(opening), at: first.at)
            for entry in tail.dropFirst() { try follow(entry) }
        } else {
            self = try Run(snapshot: snapshot)
            for entry in tail { try follow(entry) }
        }
    }

    /// A line that is missing is no reason to go on without it.
    private mutating func follow(_ entry: Entry) throws(UnreadableRecord) {
        guard entry.number == number + 1 else {
            throw UnreadableRecord(
                place: "\(entry.stream)@\(entry.number)", reason: "the line before it was \(number)")
        }
        apply(try entry.event(), at: entry.at)
    }

    private init(snapshot: [UInt8]) throws(UnreadableRecord) {
        let value: Value
        do { value = try JSON.parse(snapshot) } catch {
            throw UnreadableRecord(place: "run", reason: "its snapshot is no JSON: \(error)")
        }
        self = try Run(value)
    }
}

extension Entry {
    /// The event that this line tells of, for a run's stream.
    package func event() throws(UnreadableRecord) -> Event {
        let line: Value
        do { line = try JSON.parse(bytes) } catch {
            throw UnreadableRecord(place: "\(stream)@\(number)", reason: "the line is no JSON: \(error)")
        }
        return try Event(kind: kind, line["body"] ?? .null)
    }
}
