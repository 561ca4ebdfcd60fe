// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Foundation
import Glibc
import TestKit

/// The C program of `peer.c`, compiled for this run by the system's compiler.
struct Peer {
    private let program: String

    /// A server that it runs.
    struct Server: Sendable {
        let port: UInt16
        private let process: ProgramUnderTest

        init(_ program: String, in scratch: ScratchFolder) async throws {
            process = try ProgramUnderTest(program, ["serve"], capturedIn: scratch, as: "peer-\(UUID().uuidString)")
            port = try await process.waitForPort(after: "port:", timeoutMilliseconds: 10_000)
        }

        func stop() { kill(process.processID, SIGKILL) }
    }

    init(in scratch: ScratchFolder) throws {
        program = scratch.path("peer")
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "peer.c").path
        _ = try Peer.run("/usr/bin/cc", ["-O2", "-D_GNU_SOURCE", "-o", program, source, "-lcurl"])
    }

    func serve(in scratch: ScratchFolder) async throws -> Server { try await Server(program, in: scratch) }

    func load(_ url: String, inFlight: Int, seconds: Double) throws -> Double {
        let text = try Peer.run(program, ["load", url, String(inFlight), String(seconds)])
        guard let rate = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchFailure(description: "the C program told no rate: \(text)")
        }
        return rate
    }

    /// All requests of the file; each has to be answered with 202.
    func post(port: UInt16, senders: Int, file: String, alerts: Int) throws -> Double {
        let text = try Peer.run(program, ["post", String(port), String(senders), file])
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let rate = Double(words[0]), words[1] == "\(alerts)" else {
            throw BenchFailure(description: "of \(alerts) alerts were stored (rate, 202, answered): \(text)")
        }
        return rate
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchFailure(description: "\(program) ended with \(process.terminationStatus)")
        }
        return String(decoding: output, as: UTF8.self)
    }
}
