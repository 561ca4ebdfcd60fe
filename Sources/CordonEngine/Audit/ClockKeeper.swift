// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore
package import Logging
import ServiceLifecycle
import Synchronization

/// Tells the history how far this machine's clock is to be believed: at each start, every hour, and whenever the clock
/// was set. Each such line also names the size of the last checkpoint.
package final class ClockKeeper: Service, Sendable {
    package struct Parts: Sendable {
        package var store: any Store
        package var clock: any WallClock
        package var logPath: String
        /// Milliseconds of a clock that nobody sets.
        package var elapsed: @Sendable () -> Int64
        package var reading: @Sendable () -> ClockReading
        package var logger: Logger

        package init(
            store: any Store, clock: any WallClock, logPath: String,
            elapsed: @escaping @Sendable () -> Int64 = { ClockReading.elapsedMilliseconds },
            reading: @escaping @Sendable () -> ClockReading = { ClockReading.now }, logger: Logger
        ) {
            self.store = store
            self.clock = clock
            self.logPath = logPath
            self.elapsed = elapsed
            self.reading = reading
            self.logger = logger
        }
    }

    package enum Occasion: Sendable, Hashable {
        case start
        case hour
        /// The clock was set by so many milliseconds.
        case jump(Int64)

        fileprivate var word: String {
            switch self {
            case .start: "start"
            case .hour: "hour"
            case .jump: "jump"
            }
        }
    }

    private struct State {
        /// Both clocks at the last look.
        var wall: Instant?
        var elapsed: Int64 = 0
        var readAt: Int64 = 0
    }

    package static let stream = "node"
    package static let kind = "clockRead"
    static let everyMilliseconds: Int64 = 3_600_000
    private static let lookMilliseconds: Int64 = 1000
    private static let jumpMilliseconds: Int64 = 5000

    private let parts: Parts
    private let writer: StreamWriter
    private let state = Mutex(State())

    package init(_ parts: Parts) {
        self.parts = parts
        writer = StreamWriter(ClockKeeper.stream, store: parts.store, clock: parts.clock)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                await self.parts.clock.sleep(
                    until: self.parts.clock.now.adding(milliseconds: ClockKeeper.lookMilliseconds))
            }
        }
    }

    /// One look at both clocks; a line when there is something to tell.
    package func look() async {
        guard let occasion = occasion() else { return }
        do { try await tell(occasion) } catch {
            parts.logger.error("the clock's line could not be stored", metadata: ["error": "\(error.reason)"])
        }
    }

    private func occasion() -> Occasion? {
        let (wall, elapsed) = (parts.clock.now, parts.elapsed())
        return state.withLock { state in
            defer { (state.wall, state.elapsed) = (wall, elapsed) }
            guard let before = state.wall else { return .start }
            let jump = wall.since(before) - (elapsed - state.elapsed)
            if abs(jump) > ClockKeeper.jumpMilliseconds { return .jump(jump) }
            return elapsed - state.readAt >= ClockKeeper.everyMilliseconds ? .hour : nil
        }
    }

    private func tell(_ occasion: Occasion) async throws(StoreError) {
        let reading = parts.reading()
        var body: [String: Value] = [
            "why": .string(occasion.word), "state": .string(reading.state.rawValue),
            "offset_us": reading.offsetMicroseconds.map(Value.int) ?? .null,
            "max_error_us": reading.maxErrorMicroseconds.map(Value.int) ?? .null,
            "boot_id": reading.bootID.map(Value.string) ?? .null,
        ]
        if case .jump(let milliseconds) = occasion { body["jump_ms"] = .int(milliseconds) }
        body["signed"] = signedSize.map(Value.int)
        try await writer.append(ClockKeeper.kind, .object(body))
        state.withLock { $0.readAt = $0.elapsed }
    }

    private var signedSize: Int64? {
        guard let note = try? LogFolder(parts.logPath).published(), let read = try? Note(parsing: note),
            let checkpoint = try? Checkpoint(parsing: read.text)
        else { return nil }
        return Int64(clamping: checkpoint.size)
    }
}
