// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What was once stored is read for ever, and says the same.
@Suite(.serialized) struct GoldenHistoryTests {
    /// One name for each case of `Event`, so that `name(of:)` doesn't compile when a case is missing here.
    private enum Name: String, CaseIterable {
        case runOpened, runAsked, runResumed, runPaused, runConcluded, rollbackRequested, rollbackFinished
        case signalJoined, runEnded, stepStarted, stepOpened, stepSkipped, stepFinished, stepFailed
        case stepStopped, stepHalted, waitScheduled, rungFinished, questionAsked, questionReminded
        case questionEscalated, answerGiven, questionClosed, holdStarted, holdChanged, callIntended
        case callRedelivered, callReturned, callResolved, retryScheduled, runMigrated, exposureFound, exposureEnded
        case proofAwaited, proofTaken
        case secretLost, stepReopened
        case signalClosed
    }

    /// A new event: name it here and above, and give it a history in `GoldenHistory.all`.
    private func name(of event: Event) -> Name {
        switch event {
        case .runOpened: .runOpened
        case .runAsked: .runAsked
        case .runResumed: .runResumed
        case .runPaused: .runPaused
        case .runConcluded: .runConcluded
        case .rollbackRequested: .rollbackRequested
        case .rollbackFinished: .rollbackFinished
        case .signalJoined: .signalJoined
        case .signalClosed: .signalClosed
        case .runMigrated: .runMigrated
        case .runEnded: .runEnded
        case .stepStarted: .stepStarted
        case .stepOpened: .stepOpened
        case .stepSkipped: .stepSkipped
        case .stepFinished: .stepFinished
        case .stepFailed: .stepFailed
        case .stepStopped: .stepStopped
        case .stepHalted: .stepHalted
        case .waitScheduled: .waitScheduled
        case .rungFinished: .rungFinished
        case .questionAsked: .questionAsked
        case .questionReminded: .questionReminded
        case .questionEscalated: .questionEscalated
        case .answerGiven: .answerGiven
        case .questionClosed: .questionClosed
        case .holdStarted: .holdStarted
        case .holdChanged: .holdChanged
        case .exposureFound: .exposureFound
        case .exposureEnded: .exposureEnded
        case .proofAwaited: .proofAwaited
        case .proofTaken: .proofTaken
        case .secretLost: .secretLost
        case .stepReopened: .stepReopened
        case .callIntended: .callIntended
        case .callRedelivered: .callRedelivered
        case .callReturned: .callReturned
        case .callResolved: .callResolved
        case .retryScheduled: .retryScheduled
        }
    }

    @Test func `every event has a line that was stored once`() throws {
        let stored = Set(try Golden.lines("history.jsonl").map { try StoredLine($0).kind })
        let missing = Name.allCases.map(\.rawValue).filter { !stored.contains($0) }
        #expect(missing.isEmpty, "no golden line of \(missing); see GoldenHistory")
        for history in GoldenHistory.all {
            for event in history.events { #expect(event.kind == name(of: event).rawValue) }
        }
    }

    @Test func `what is stored today is stored as it always was`() throws {
        let made = GoldenHistory.all.flatMap(\.lines)
        let stored = try Golden.append(made, to: "history.jsonl")
        for (old, new) in zip(stored, made) {
            #expect(old == new, "a stored form has changed: journals of older versions hold the first of these")
        }
        #expect(stored.count == made.count, "run once with CORDON_GOLDEN=append, and look at what it adds")
    }

    @Test func `an event is written as its value is`() throws {
        var events = GoldenHistory.all.flatMap(\.events)
        let evidence = Evidence(digest: "sha256:ab", mediaType: "application/json", bytes: 7, about: "\"Jänner\"\n")
        var outcome = Outcome(
            .later, status: 429, reason: "too many", retryAfterMilliseconds: 1500, result: ["b": 1, "a": [true, nil]],
            evidence: [evidence, evidence], wasSentTwice: true, wasWithheld: true, durationMilliseconds: 12)
        events.append(.callReturned(step: "revoke", number: 3, outcome))
        outcome.result = .null
        events.append(.callReturned(step: "e.1", number: 1, outcome))
        events.append(.callRedelivered(step: "e", number: 1, delivery: 2, deadline: Instant(milliseconds: -5)))
        for event in events {
            var writer = JSONWriter()
            event.write(to: &writer)
            #expect(writer.text == event.value.json)
        }
        #expect(events.count > 60)
    }

    @Test func `a run is read from its journal, or from any snapshot of it and what came after`() throws {
        for history in GoldenHistory.all {
            let entries = history.history.enumerated().map { offset, line in
                Entry(
                    stream: "run_1", number: offset + 1, at: line.at, kind: line.event.kind,
                    bytes: (["body": line.event.value] as Value).jsonBytes, leaf: [])
            }
            let whole = try #require(Run.fold(history.history))
            #expect(try Run(snapshot: [], tail: entries) == whole)
            for cut in 1...entries.count {
                let early = try #require(Run.fold(Array(history.history.prefix(cut))))
                let tail = Array(entries.dropFirst(cut))
                #expect(try Run(snapshot: early.value.jsonBytes, tail: tail) == whole)
            }
            // One without its last line is a shorter history; one with a line missing is none.
            for missing in entries.indices.dropLast() {
                var torn = entries
                torn.remove(at: missing)
                #expect(throws: UnreadableRecord.self) { try Run(snapshot: [], tail: torn) }
            }
        }
    }

    @Test func `what gives no run is refused by name`() throws {
        let line = Entry(
            stream: "run_1", number: 2, at: Instant(milliseconds: 1), kind: "rollbackFinished",
            bytes: Array("{\"body\":{}}".utf8), leaf: [])
        #expect(throws: UnreadableRecord(place: "run", reason: "its history doesn't begin with its opening")) {
            try Run(snapshot: [], tail: [line])
        }
        #expect(throws: UnreadableRecord.self) { try Run(snapshot: Array("{".utf8), tail: []) }
        var torn = line
        torn.bytes.removeLast()
        #expect(throws: UnreadableRecord.self) { try torn.event() }
    }

    @Test func `every line that was stored once reads back to itself`() throws {
        for text in try Golden.lines("history.jsonl") {
            let line = try StoredLine(text)
            #expect(line.event.kind == line.kind)
            #expect(line.event.value.json == line.body.json)
        }
    }

    @Test func `folding the histories that were stored once gives the runs that were stored once`() throws {
        let streams = Dictionary(
            grouping: try Golden.lines("history.jsonl").map { try StoredLine($0) }, by: \.stream)
        let made = GoldenHistory.all.compactMap { Run.fold($0.history)?.value.json }
        let snapshots = try Golden.append(made, to: "runs.jsonl")
        #expect(snapshots.count == streams.count)
        for text in snapshots {
            let run = try Run(JSON.parse(text))
            let lines = try #require(streams[run.id.text])
            #expect(lines.map(\.number) == Array(1...lines.count))
            #expect(Run.fold(lines.map { ($0.at, $0.event) }) == run)
            #expect(try Run(JSON.parse(run.value.json)) == run)
        }
    }

    @Test func `an event that this version doesn't know is refused by its name`() {
        #expect(throws: UnreadableRecord(place: "runForgotten", reason: "this version knows no such event")) {
            try Event(kind: "runForgotten", ["step": "revoke"])
        }
    }
}

/// One stored line, taken apart.
private struct StoredLine {
    var stream: String
    var number: Int
    var at: Instant
    var kind: String
    var body: Value
    var event: Event

    init(_ text: String) throws {
        let line = try JSON.parse(text)
        stream = try #require(line["stream"]?.stringValue)
        number = Int(try #require(line["n"]?.intValue))
        at = try #require(line["at"]?.stringValue.flatMap(Instant.init(rfc3339:)))
        kind = try #require(line["type"]?.stringValue)
        body = try #require(line["body"])
        event = try Event(kind: kind, body)
    }
}

/// The files of what was stored once, one JSON object a line.
private enum Golden {
    static func lines(_ name: String) throws -> [String] {
        String(decoding: try Data(contentsOf: file(name)), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The stored lines. With `CORDON_GOLDEN=append` those of `made` that go beyond them are stored first; what stands
    /// there is never touched.
    static func append(_ made: [String], to name: String) throws -> [String] {
        let stored = (try? lines(name)) ?? []
        guard ProcessInfo.processInfo.environment["CORDON_GOLDEN"] == "append", made.count > stored.count else {
            return try lines(name)
        }
        let all = stored + made.dropFirst(stored.count)
        try Data(all.map { $0 + "\n" }.joined().utf8).write(to: file(name))
        return all
    }

    private static func file(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/" + name)
    }
}
