// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import TestKit
import Testing

@Suite struct TransferCancellationTests {
    @Test func `a request cancelled under way ends, and its fate is unknown`() async throws {
        try await withServer { _ in
            .silence
        } body: { transport, server in
            let task = Task { await transport.send(.post(server.url, timeoutMilliseconds: 600_000)) }
            await server.waitForRequests(1)
            task.cancel()
            #expect(await task.value.told == .mayHaveBeenSent(.closed))
        }
    }

    @Test func `a request cancelled before it connected is not sent`() async throws {
        try await withServer { _ in
            .respond(200)
        } welcome: { _ in
            .ignore
        } body: { transport, server in
            let url = "https://127.0.0.1:\(server.port)/"
            let task = Task { await transport.send(.post(url, timeoutMilliseconds: 600_000)) }
            task.cancel()
            #expect(await task.value.told == .notSent(.closed))
        }
    }

    @Test func `a request of a task that is cancelled already never leaves`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            let gate = Gate()
            let task = Task {
                await gate.passed()
                return await transport.send(.post(server.url))
            }
            task.cancel()
            gate.open()
            #expect(await task.value.told == .notSent(.closed))
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `a waiting request that is cancelled is not sent, and its neighbors go on`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 1
        let gate = Gate()
        try await withServer(limits: limits) { _ in
            .held(by: gate, .respond(200))
        } body: { transport, server in
            let first = Task { await transport.send(.get(server.url + "/first")) }
            await server.waitForRequests(1)
            let second = Task { await transport.send(.get(server.url + "/second")) }
            let third = Task { await transport.send(.get(server.url + "/third")) }
            second.cancel()
            #expect(await second.value.told == .notSent(.closed))
            gate.open()
            #expect(await first.value.told == .answered(200))
            #expect(await third.value.told == .answered(200))
            #expect(!server.requests.map(\.path).contains("/second"))
        }
    }

    @Test func `a storm of two thousand cancellations ends every request once`() async throws {
        try await withServer { _ in
            .silence
        } body: { transport, server in
            let tasks = (0..<2000).map { number in
                Task { await transport.send(.post(server.url + "/\(number)", timeoutMilliseconds: 600_000)) }
            }
            await server.waitForRequests(100)
            for task in tasks { task.cancel() }
            var unsent = 0
            for task in tasks {
                let told = await task.value.told
                #expect([.notSent(.closed), .mayHaveBeenSent(.closed)].contains(told))
                if told == .notSent(.closed) { unsent += 1 }
            }
            // No request that arrived may be called unsent.
            #expect(server.requests.count <= 2000 - unsent)
        }
    }

    @Test func `three thousand requests wait for four places, and every third one gives up`() async throws {
        var limits = CurlTransport.Limits()
        limits.inFlightMax = 4
        let gate = Gate()
        try await withServer(limits: limits) { _ in
            .held(by: gate, .respond(200))
        } body: { transport, server in
            let tasks = (0..<3000).map { number in
                Task { await transport.send(.post(server.url + "/\(number)", timeoutMilliseconds: 600_000)).told }
            }
            await server.waitForRequests(4)
            for number in stride(from: 0, to: 3000, by: 3) { tasks[number].cancel() }
            var tolds: [Told: Int] = [:]
            for number in stride(from: 0, to: 3000, by: 3) { tolds[await tasks[number].value, default: 0] += 1 }
            #expect(Set(tolds.keys).isSubset(of: [.notSent(.closed), .mayHaveBeenSent(.closed)]))
            #expect(tolds[.mayHaveBeenSent(.closed), default: 0] <= 1000 - tolds[.notSent(.closed), default: 0])
            gate.open()
            for number in 0..<3000 where number % 3 != 0 { #expect(await tasks[number].value == .answered(200)) }
            let arrived = Set(server.requests.map(\.target))
            for number in 0..<3000 where number % 3 != 0 { #expect(arrived.contains("/\(number)")) }
        }
    }

    @Test func `cancelling at every moment never loses an answer's place or its truth`() async throws {
        try await withServer { _ in
            .respond(200)
        } body: { transport, server in
            var generator = Seeded(42)
            var answered = 0
            var unsent = 0
            for _ in 0..<300 {
                let task = Task { await transport.send(.post(server.url)) }
                for _ in 0..<Int.random(in: 0..<40, using: &generator) { await Task.yield() }
                task.cancel()
                switch await task.value.told {
                case .answered(200): answered += 1
                case .notSent(.closed): unsent += 1
                case .mayHaveBeenSent(.closed): break
                case let other: Issue.record("unexpected: \(other)")
                }
            }
            #expect(server.requests.count >= answered)
            #expect(server.requests.count <= 300 - unsent)
            #expect(await transport.send(.post(server.url)).told == .answered(200))
        }
    }
}
