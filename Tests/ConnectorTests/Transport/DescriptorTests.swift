// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import Foundation
import TestKit
import Testing

/// In a process of their own, because the descriptors of a process are everyone's.
@Suite struct DescriptorTests {
    @Test func `a thousand requests of all kinds leave no descriptor behind`() async {
        await #expect(processExitsWith: .success) {
            let server = try LoopbackServer { request in
                switch request.path {
                case "/close": .closeWithoutAnswer
                case "/reset": .resetWithoutAnswer
                case "/half": .halfBody(200, [:], "half of it")
                default: .respond(200)
                }
            }
            /// Opens and closes a transport with its thread, loop and connections.
            func use() async throws {
                let transport = try CurlTransport()
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<1000 {
                        let path = ["/", "/close", "/reset", "/half", "/fresh"][number % 5]
                        group.addTask {
                            let request = OutboundRequest.post(
                                server.url + path, timeoutMilliseconds: 60_000, needsFreshConnection: path == "/fresh")
                            _ = await transport.send(request)
                        }
                    }
                }
                await transport.close()
            }
            try await use()
            let settled = try await Self.descriptorsOnceSettled()
            for _ in 0..<3 { try await use() }
            #expect(try await Self.sinks(to: settled))
            server.stop()
        }
    }

    @Test func `a transport that is let go without closing releases its thread and descriptors`() async {
        await #expect(processExitsWith: .success) {
            _ = try CurlTransport()
            let before = try await Self.descriptorsOnceSettled()
            for _ in 0..<50 { _ = try CurlTransport() }
            // Their threads end when they get their turn, which on a busy machine may be later than any number of looks.
            #expect(try await Self.sinks(to: before))
        }
    }

    /// False when there are still more after a minute and a half.
    private static func sinks(to count: Int) async throws -> Bool {
        let end = ContinuousClock.now.advanced(by: .seconds(90))
        while try descriptors() > count {
            guard ContinuousClock.now < end else { return false }
            await Task.yield()
        }
        return true
    }

    private static func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    /// The other side's threads close their descriptors a little later: counts until the count rests.
    private static func descriptorsOnceSettled() async throws -> Int {
        var lowest = Int.max
        var unchanged = 0
        while unchanged < 2000 {
            let count = try descriptors()
            unchanged = count < lowest ? 0 : unchanged + 1
            lowest = min(lowest, count)
            await Task.yield()
        }
        return lowest
    }
}
