// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import UnixSignals

struct RunWait: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a run has ended or asks a person, and tell which by the exit code.",
        discussion: """
            A server that is restarted meanwhile is waited for too. Ctrl-C ends the waiting, never the run.

            EXAMPLES
              cordon run wait run_01KATB9Z2M8D4W6X1V3C5R7T9Y
              cordon run wait run_01KATB9Z2M8D4W6X1V3C5R7T9Y --timeout 10m || echo "look at it: $?"

            EXIT CODES
              0 completed, 7 ended without completing, 8 waits for a person, 124 still goes on after --timeout,
              130 interrupted
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.", completion: RunCompletion.live) var id: String

    @Option(name: .long, help: "Give up after this long: 500ms, 30s, 10m or 2h (default: never).")
    var timeout: String?

    func run() async throws {
        let run = try runID(id)
        let milliseconds = try timeout.map(span)
        let wait = Wait(run: run, settings: try await common.settings())
        // Before the first word, so that an interrupt is never the end of the process without one.
        let interrupts = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        switch try await wait.first(within: milliseconds, interrupts) {
        case .stands(let why):
            Output.one(why, as: common.output) { printable("\(run)  \($0["why"]?.stringValue ?? "")") }
            if let failure = RunVerdict.failure(why) { throw failure }
        case .timedOut:
            throw CommandFailure(
                .timedOut, "\(run) still goes on after \(timeout ?? ""); see 'cordon run why \(run)'")
        case .interrupted:
            throw CommandFailure(.interrupted, "no longer waiting; \(run) goes on, see 'cordon run why \(run)'")
        }
    }

    private func span(_ text: String) throws -> Int64 {
        guard let milliseconds = YAMLDuration.milliseconds(text) else {
            throw CommandFailure(.usage, "--timeout is '\(text)'; it takes one number and a unit: 500ms, 30s, 10m, 2h")
        }
        return milliseconds
    }
}

/// Looks at a run again and again, because neither the API nor a store that nobody serves can call back.
private struct Wait: Sendable {
    enum Moment: Sendable {
        /// Nothing but a person moves the run now, if anything does.
        case stands(Value)
        case timedOut
        case interrupted
    }

    private static let pauseMillisecondsFirst: Int64 = 100
    private static let pauseMillisecondsMax: Int64 = 1000

    let run: RunID
    let settings: Settings
    private let clock = SystemClock()

    init(run: RunID, settings: Settings) {
        self.run = run
        self.settings = settings
    }

    func first(within milliseconds: Int64?, _ interrupts: UnixSignalsSequence) async throws -> Moment {
        try await withThrowingTaskGroup(of: Moment.self) { moments in
            moments.addTask { .stands(try await standing()) }
            moments.addTask {
                for await _ in interrupts { break }
                return .interrupted
            }
            if let milliseconds {
                let end = clock.now.adding(milliseconds: milliseconds)
                moments.addTask {
                    await clock.sleep(until: end)
                    return .timedOut
                }
            }
            defer { moments.cancelAll() }
            // There is always a first: the group has at least two children.
            return try await moments.next() ?? .interrupted
        }
    }

    private func standing() async throws -> Value {
        tell(try await Desk.open(settings))
        var pause = Wait.pauseMillisecondsFirst
        while true {
            if let why = try await look() { return why }
            await clock.sleep(until: clock.now.adding(milliseconds: pause))
            try Task.checkCancellation()
            pause = min(pause * 2, Wait.pauseMillisecondsMax)
        }
    }

    /// How the run stands when it waits or has ended; `nil` while it runs. A server that goes away says nothing about
    /// the run, its store does: the desk is opened anew each time.
    ///
    /// A function of its own, because the optimizer of Swift 6.3.1 fails on it inside the loop.
    private func look() async throws -> Value? {
        let desk = try await Desk.open(settings)
        do {
            let why = try await desk.why(run)
            // Spelt out: a bare `nil` beside a value would be JSON's null.
            return why["phase"] == "running" ? Value?.none : .some(why)
        } catch let failure as CommandFailure where failure.exit == .tryAgain {
            return Value?.none
        }
    }

    private func tell(_ desk: Desk) {
        switch desk {
        case .server: Output.note("waiting for \(run)")
        case .store:
            Output.note("waiting for \(run); no server runs on \(display(settings.statePath)), and only one moves it")
        }
    }
}
