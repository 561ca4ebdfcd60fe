// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation
import Logging

/// One wrong feed accuses 300 accounts within moments: what is touched, what people hear, and how all of it goes back.
struct DemoWave: Sendable {
    let folder: String
    private let clock = SystemClock()
    private let beganAt = SystemClock().now
    private let hookSecret = "whsec_" + Data(randomHex(16).utf8).base64EncodedString()

    func run() async throws {
        let directory = PracticeDirectory(logger: Logger(label: "practice") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await directory.run() }
            let url = "http://127.0.0.1:\(try await directory.boundPort())"
            try DemoWaveFiles(folder: folder, url: url, hookSecret: hookSecret).lay()
            say("practice", "a directory of \(DemoWaveFiles.accounts) accounts and a chat listen on \(url)")
            try await serve(directory)
            tasks.cancelAll()
        }
        Output.line(
            "\nNext:\n  cordon run list -c \(folder)/cordon.yaml\n  cordon notification list -c \(folder)/cordon.yaml")
    }

    private func serve(_ directory: PracticeDirectory) async throws {
        let settings = try await Settings.read(file: folder + "/cordon.yaml", flags: [:])
        var logger = Logger.cordon(settings)
        logger.logLevel = .error
        let composition = try Composition(settings, logger: logger)
        try await FirstToken.make(settings.state, composition.access)
        try await composition.run { port in
            try await tell(port, directory, composition)
            // The way a person stops it, so that the demo ends as a server does.
            kill(ProcessInfo.processInfo.processIdentifier, SIGTERM)
        }
    }

    private func tell(_ port: Int, _ directory: PracticeDirectory, _ composition: Composition) async throws {
        let web = DemoWeb(transport: try CurlTransport())
        let feed = try feed(composition.settings)
        for number in 0..<DemoWaveFiles.alerts {
            try await web.post(alert(number), as: "wave-\(number)", to: feed, port: port, clock.now)
        }
        say("alert", "\(DemoWaveFiles.alerts) signed alerts about \(DemoWaveFiles.accounts) accounts are stored")
        try await eventually("the runs to rest") { try await isAtRest(composition.store) }
        say("run", try await phases(composition.store))
        say("practice", "\(directory.touched.count) of \(DemoWaveFiles.accounts) accounts were touched")

        if let first = directory.touched.min() {
            directory.set(first, to: "locked by hand")
            say("practice", "meanwhile somebody locks \(first) by hand")
        }
        // What waits for people is told in one message; who is asked nothing is told nothing.
        await clock.sleep(until: clock.now.adding(milliseconds: 3000))
        tellPages(directory)
        try await undo(directory, composition)
    }

    private func undo(_ directory: PracticeDirectory, _ composition: Composition) async throws {
        say("undo", "cordon run undo --playbook account-misused --since 1h --yes --reason \"a wrong feed\"")
        let since = beganAt.adding(milliseconds: -3_600_000)
        _ = try await composition.engine.undoMany(
            playbook: "account-misused", since: since, shown: nil, by: "the demonstration", reason: "a wrong feed")
        var plan: UndoPlan?
        try await eventually("all to be undone") {
            plan = try await composition.engine.undoPlan(playbook: "account-misused", since: since)
            return plan.map { $0.count(.undoing) + $0.count(.toUndo) == 0 } ?? false
        }
        guard let plan else { return }
        say("undo", "\(plan.count(.restored)) restored, \(plan.count(.conflict)) left to a person")
        for row in plan.rows where row.state == .conflict {
            say("conflict", "\(row.subject): \(row.reason ?? "changed since")")
        }
        let left = directory.count("suspended")
        guard left == 0, plan.count(.stuck) == 0 else {
            throw CommandFailure(.failed, "\(left) accounts are still suspended; this demo failed")
        }
        say("practice", "no account is suspended any more")
    }

    private func tellPages(_ directory: PracticeDirectory) {
        let messages = directory.messages
        say("notice", "\(messages.count) message(s) went out to people")
        for message in messages { say("notice", message["text"]?.stringValue ?? "") }
    }

    // MARK: The feed

    private func feed(_ settings: Settings) throws -> (SourceShape.Authentication, Secret) {
        guard let shape = try Shelf.load(settings).connectors["native"]?.source else {
            throw CommandFailure(.failed, "the connector native is no source")
        }
        return (shape.authentication, Secret(Array(hookSecret.utf8)))
    }

    private func alert(_ number: Int) -> [UInt8] {
        let account = DemoWaveFiles.account(number % DemoWaveFiles.accounts + 1)
        let value: Value = [
            "kind": "identity.suspected", "id": .string("event-\(number)"), "severity": "high",
            "signal": [
                "identity": ["account": .string(account)], "event": "leaked credential", "resources": [],
            ],
        ]
        return value.jsonBytes
    }

    // MARK: Waiting

    private func isAtRest(_ store: SQLiteStore) async throws -> Bool {
        var received = AlertQuery()
        received.state = .received
        received.limit = 1
        var calling = RunQuery()
        calling.onlyLive = true
        calling.wake = "call"
        calling.limit = 1
        guard try await store.alerts(received).isEmpty else { return false }
        return try await store.runs(calling).isEmpty
    }

    private func phases(_ store: SQLiteStore) async throws -> String {
        var counts: [String: Int] = [:]
        for run in try await store.runs(allRuns) { counts[run.phase, default: 0] += 1 }
        let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return "\(counts.values.reduce(0, +)) runs: " + words.joined(separator: ", ")
    }

    private var allRuns: RunQuery {
        var query = RunQuery()
        query.limit = 1000
        return query
    }

    private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = clock.now.adding(milliseconds: 60_000)
        while clock.now < end {
            if try await condition() { return }
            await clock.sleep(until: clock.now.adding(milliseconds: 50))
        }
        throw CommandFailure(.failed, "waited 60 s for \(what)")
    }

    private func say(_ noun: String, _ text: String) {
        let milliseconds = clock.now.since(beganAt)
        let time = String(repeating: " ", count: max(0, 6 - String(milliseconds).count)) + "\(milliseconds) ms"
        Output.line("\(time)  \(noun.padding(toLength: 9, withPad: " ", startingAt: 0)) \(printable(text))")
    }
}

extension DemoWeb {
    /// Posts what a feed in the house's own format says.
    func post(
        _ body: [UInt8], as delivery: String, to feed: (SourceShape.Authentication, Secret), port: Int, _ now: Instant
    ) async throws {
        guard let signed = feed.0.headers(body, delivery: delivery, with: feed.1, at: now) else {
            throw CommandFailure(.failed, "the alert could not be signed")
        }
        let response = try await ask(
            "POST", "http://127.0.0.1:\(port)/hooks/feed", [("content-type", "application/json")] + signed, body)
        guard response.status == 202 else {
            throw CommandFailure(.failed, "an alert was answered with \(response.status)")
        }
    }
}
