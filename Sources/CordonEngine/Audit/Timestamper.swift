// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore
package import Logging
import ServiceLifecycle
import Synchronization

/// Has an authority outside say when a checkpoint was there (RFC 3161), beside the log and never in its way: one that is
/// away is asked again later, and nothing waits for it.
package final class Timestamper: Service, Sendable {
    package struct Parts: Sendable {
        package var store: any Store
        package var clock: any WallClock
        package var logPath: String
        /// Asked in their order until one answers.
        package var urls: [String]
        package var everyMilliseconds: Int64
        package var trust: TimestampTrust
        package var transport: any Transport
        package var logger: Logger

        package init(
            store: any Store, clock: any WallClock, logPath: String, urls: [String], everyMilliseconds: Int64,
            trust: TimestampTrust, transport: any Transport, logger: Logger
        ) {
            self.store = store
            self.clock = clock
            self.logPath = logPath
            self.urls = urls
            self.everyMilliseconds = everyMilliseconds
            self.trust = trust
            self.transport = transport
            self.logger = logger
        }
    }

    static let stamped = "checkpointStamped"
    private static let lookMilliseconds: Int64 = 10_000
    private static let retryMilliseconds: Int64 = 60_000
    private static let timeoutMilliseconds: Int64 = 10_000
    private static let answerBytesMax = 1 << 16
    /// The setting is the operator's own word, and an answer proves itself: any network may lie between.
    private static let egress = EgressPolicy(
        allowsPlainHTTP: true, allowsLoopback: true,
        allowedNetworks: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"])

    private let parts: Parts
    private let writer: StreamWriter
    private let stamps: TimestampFolder

    package init(_ parts: Parts) {
        self.parts = parts
        writer = StreamWriter(LogBook.stream, store: parts.store, clock: parts.clock)
        stamps = TimestampFolder(log: LogFolder(parts.logPath))
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                var pause = Timestamper.lookMilliseconds
                do { try await self.turn() } catch {
                    self.parts.logger.warning(
                        "no checkpoint was stamped; it is tried again", metadata: ["error": "\(error)"])
                    pause = Timestamper.retryMilliseconds
                }
                await self.parts.clock.sleep(until: self.parts.clock.now.adding(milliseconds: pause))
            }
        }
    }

    /// Has the published checkpoint stamped, when the last stamp is old enough and entries came since.
    package func turn() async throws {
        let folder = LogFolder(parts.logPath)
        guard let bytes = try folder.published() else { return }
        let note = try Note(parsing: bytes)
        let checkpoint = try Checkpoint(parsing: note.text)
        if let last = stamps.stamps().last {
            guard checkpoint.size > last.size else { return }
            let time = try? TimestampToken(answer: last.answer).time
            // The authority's clock may be ahead of this one.
            if let time, abs(parts.clock.now.since(time)) < parts.everyMilliseconds { return }
        }
        var reasons: [String] = []
        for url in parts.urls {
            do {
                let (answer, token) = try await ask(url, Array(note.text.utf8))
                try stamps.keep(TimestampFolder.Stamp(size: checkpoint.size, note: bytes, answer: answer))
                try await tell(checkpoint, token, url)
                return
            } catch { reasons.append("\(url): \(error)") }
        }
        throw EngineError(.store, reasons.joined(separator: "; "))
    }

    private func ask(_ url: String, _ text: [UInt8]) async throws -> (answer: [UInt8], token: TimestampToken) {
        var random = SystemRandomNumberGenerator()
        let question = TimestampRequest(over: text, nonce: random.next())
        let request = OutboundRequest(
            method: "POST", url: url, headers: [("content-type", TimestampRequest.mediaType)], body: question.bytes,
            timeoutMilliseconds: Self.timeoutMilliseconds, responseBytesMax: Self.answerBytesMax, egress: Self.egress)
        switch await parts.transport.send(request).fate {
        case .answered(let response) where response.status == 200:
            let token = try TimestampToken(answer: response.body)
            try await token.verify(over: text, answering: question, trust: parts.trust)
            return (response.body, token)
        case .answered(let response): throw EngineError(.store, "it answered \(response.status)")
        case .notSent(let fault), .mayHaveBeenSent(let fault): throw EngineError(.store, fault.reason)
        }
    }

    private func tell(_ checkpoint: Checkpoint, _ token: TimestampToken, _ url: String) async throws {
        try await writer.append(
            Self.stamped,
            [
                "size": .string(String(checkpoint.size)), "root": .string(checkpoint.root.text),
                "authority": .string(url),
                "time": .string(token.time.description), "serial": .string(token.serial),
            ])
        parts.logger.info(
            "a checkpoint was stamped", metadata: ["size": "\(checkpoint.size)", "time": "\(token.time)"])
    }
}
