// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// A child process whose output is kept, in files and at hand, and whose lines, port, signals and end a test can await.
/// Killed when the value is released while it still runs.
package final class ProgramUnderTest: Sendable {
    package enum End: Sendable, Equatable {
        case exited(Int32)
        case killed(bySignal: Int32)
    }

    package enum Stream: Sendable {
        case output, error
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private struct State {
        var output = Captured()
        var error = Captured()
        var end: End?
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
        var expired: Set<Int> = []

        subscript(stream: Stream) -> Captured {
            get { stream == .output ? output : error }
            set { if stream == .output { output = newValue } else { error = newValue } }
        }

        var isOver: Bool { end != nil && output.isAtEnd && error.isAtEnd }
    }

    private struct Captured {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// Asked after each change; returns how to resume once there is something to say.
    private typealias Waiter = @Sendable (State) -> (@Sendable () -> Void)?

    package let processID: Int32
    package let outputPath: String
    package let errorPath: String
    private let name: String
    private let state = Mutex(State())

    /// Starts the program. `environment` is laid over this process's own; a nil value takes a name out.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:], folder: String? = nil,
        capturedIn captured: ScratchFolder, as name: String = "program"
    ) throws {
        self.name = name
        outputPath = captured.path("\(name).out")
        errorPath = captured.path("\(name).err")
        let output = try Pipe(into: outputPath)
        let error = try Pipe(into: errorPath)
        var merged = ProcessInfo.processInfo.environment
        for (name, value) in environment { merged[name] = value }
        defer {
            close(output.writing)
            close(error.writing)
        }
        processID = try Spawn.start(
            program, arguments, environment: merged, folder: folder, output: output.writing, error: error.writing)
        read(output, .output)
        read(error, .error)
        awaitEnd()
    }

    deinit { state.withLock { if $0.end == nil { Glibc.kill(processID, SIGKILL) } } }

    package var output: String { state.withLock { $0.output.text } }
    package var error: String { state.withLock { $0.error.text } }
    package var end: End? { state.withLock { $0.end } }

    // MARK: - Doing

    /// Does nothing when the program has ended: its number may belong to another by then.
    package func send(signal: Int32) { state.withLock { if $0.end == nil { Glibc.kill(processID, signal) } } }
    package func kill() { send(signal: SIGKILL) }
    package func terminate() { send(signal: SIGTERM) }

    // MARK: - Awaiting

    /// The first whole line that holds the text, also when it was written before the call.
    @discardableResult
    package func waitForLine(
        containing text: String, on stream: Stream = .output, timeoutMilliseconds: Int = 60_000
    ) async throws -> String {
        try await wait("a line containing \"\(text)\"", timeoutMilliseconds) { state in
            let captured = state[stream]
            var lines = captured.text.split(separator: "\n", omittingEmptySubsequences: false)
            if !captured.isAtEnd { lines.removeLast() }
            return lines.first { $0.contains(text) }.map(String.init)
        }
    }

    /// The number that follows the last colon of the first line that holds the text.
    package func waitForPort(
        after text: String, on stream: Stream = .output, timeoutMilliseconds: Int = 60_000
    ) async throws -> UInt16 {
        let line = try await waitForLine(containing: text, on: stream, timeoutMilliseconds: timeoutMilliseconds)
        let digits = line.split(separator: ":").last?.drop { $0 == " " }.prefix { $0.isNumber }
        guard let digits, let port = UInt16(digits) else { throw Failure(description: "\(name): no port in: \(line)") }
        return port
    }

    /// The end of the program and of its output.
    @discardableResult
    package func waitForExit(timeoutMilliseconds: Int = 60_000) async throws -> End {
        try await wait("its end", timeoutMilliseconds) { state in state.isOver ? state.end : nil }
    }

    private func wait<Found: Sendable>(
        _ what: String, _ timeoutMilliseconds: Int, _ look: @escaping @Sendable (State) -> Found?
    ) async throws -> Found {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let watchdog = Task {
            // The watchdog itself: it ends a wait that nothing else would end.
            try await Task.sleep(for: .milliseconds(timeoutMilliseconds))
            change { $0.expired.insert(number) }
        }
        defer { watchdog.cancel() }
        let found = await withCheckedContinuation { register(number, look, $0) }
        guard let found else { throw Failure(description: "\(name): waited in vain for \(what)\n\(report)") }
        return found
    }

    private func register<Found: Sendable>(
        _ number: Int, _ look: @escaping @Sendable (State) -> Found?, _ continuation: CheckedContinuation<Found?, Never>
    ) {
        let waiter: Waiter = { state in
            let found = look(state)
            guard found != nil || state.isOver || state.expired.contains(number) else { return nil }
            return { continuation.resume(returning: found) }
        }
        change { $0.waiters[number] = waiter }
    }

    private var report: String {
        state.withLock { state in
            let end = state.end.map { "ended: \($0)" } ?? "still running"
            return "\(end)\n--- output\n\(state.output.text.suffix(4000))\n--- error\n\(state.error.text.suffix(4000))"
        }
    }

    // MARK: - Threads

    private func change(_ edit: @Sendable (inout State) -> Void) {
        let resumes = state.withLock { state in
            edit(&state)
            var resumes: [@Sendable () -> Void] = []
            for (number, waiter) in state.waiters {
                guard let resume = waiter(state) else { continue }
                state.waiters[number] = nil
                resumes.append(resume)
            }
            return resumes
        }
        for resume in resumes { resume() }
    }

    private func read(_ pipe: Pipe, _ stream: Stream) {
        startThread { [weak self] in
            while let bytes = pipe.next() {
                self?.change { $0[stream].bytes += bytes }
            }
            self?.change { $0[stream].isAtEnd = true }
        }
    }

    private func awaitEnd() {
        let processID = processID
        startThread { [weak self] in
            var status = siginfo_t()
            // Leaves the process unreaped, so that its number stays its own until `end` is set under the lock.
            while waitid(P_PID, id_t(processID), &status, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
            guard let self else {
                _ = Spawn.reap(processID)
                return
            }
            change { $0.end = Spawn.reap(processID) }
        }
    }
}
