// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import UnixSignals

struct RunWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follow a run's history as it is written, until the run has ended.",
        discussion: """
            Prints the lines that are there, then each new one. A server that is restarted meanwhile is waited for. With
            -o json or -o jsonl every line is the entry as it is stored, one a line. Ctrl-C ends the watching, never the run.

            EXAMPLES
              cordon run watch run_01KATB9Z2M8D4W6X1V3C5R7T9Y
              cordon run watch run_01KATB9Z2M8D4W6X1V3C5R7T9Y -o jsonl | jq -r .type

            EXIT CODES
              0 completed, 7 ended without completing, 130 interrupted
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.", completion: RunCompletion.live) var id: String

    func run() async throws {
        let watch = Watch(run: try runID(id), settings: try await common.settings(), format: common.output)
        let interrupts = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let ended = try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await watch.follow() }
            group.addTask {
                for await _ in interrupts { break }
                return Value?.none
            }
            defer { group.cancelAll() }
            // There is always a first: the group has two children.
            return try await group.next() ?? nil
        }
        guard let ended else {
            throw CommandFailure(.interrupted, "no longer watching; see 'cordon run why \(id)'")
        }
        if let failure = RunVerdict.failure(ended) { throw failure }
    }
}

/// Reads what is new again and again: neither the API nor a store that nobody serves can call back.
private struct Watch: Sendable {
    private static let pauseMillisecondsFirst: Int64 = 50
    private static let pauseMillisecondsMax: Int64 = 1000

    let run: RunID
    let settings: Settings
    let format: OutputFormat
    private let clock = SystemClock()

    init(run: RunID, settings: Settings, format: OutputFormat) {
        self.run = run
        self.settings = settings
        self.format = format
    }

    /// How the run stands once it has ended.
    func follow() async throws -> Value {
        var next = 1
        var pause = Watch.pauseMillisecondsFirst
        while true {
            // How it stands is read first: what it had written by then is read and shown after it.
            let found = try await look(from: next)
            for line in found.lines { show(line) }
            next += found.lines.count
            if let why = found.why, why["phase"] == "ended", found.lines.isEmpty { return why }
            pause = found.lines.isEmpty ? min(pause * 2, Watch.pauseMillisecondsMax) : Watch.pauseMillisecondsFirst
            if found.lines.isEmpty { await clock.sleep(until: clock.now.adding(milliseconds: pause)) }
            try Task.checkCancellation()
        }
    }

    private struct Found: Sendable {
        /// `nil`: the server went away meanwhile; that says nothing about the run.
        var why: Value?
        var lines: [Value] = []
    }

    private func look(from number: Int) async throws -> Found {
        do {
            let desk = try await Desk.open(settings)
            let why = try await desk.why(run)
            return Found(why: why, lines: try await desk.history(run, from: number))
        } catch let failure as CommandFailure where failure.exit == .tryAgain {
            return Found()
        }
    }

    private func show(_ line: Value) {
        Output.line(format == .table ? Watch.text(line) : line.json)
    }

    /// One line for people: when, its number, what happened, and what its body says in a word.
    private static func text(_ line: Value) -> String {
        let body = line["body"]
        let outcome = body?["outcome"]
        let words = [
            body?["step"]?.stringValue, body?.at("call", "capability")?.stringValue,
            body?.at("call", "purpose")?.stringValue, outcome?["kind"]?.stringValue,
            outcome?["status"]?.intValue.map { "HTTP \($0)" }, body?["ending"]?.stringValue,
            body?["by"]?.stringValue.map { "by \($0)" }, body?["reason"]?.stringValue, body?["note"]?.stringValue,
        ]
        let number = String(line["n"]?.intValue ?? 0)
        let kind = line["type"]?.stringValue ?? ""
        return ([line["at"]?.stringValue ?? "", number, kind] + words.compactMap(\.self)).map(printable)
            .joined(separator: "  ")
    }
}
