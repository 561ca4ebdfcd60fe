// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Synchronization
import Testing

/// An authorization server in memory with one token, which outlives the engines that call it.
final class TokenServer: Sendable {
    private let state = Mutex((isActive: true, requests: 0))

    var isActive: Bool { state.withLock { $0.isActive } }

    /// Counts a request over all engines; gives its number, from 1.
    func count() -> Int {
        state.withLock { state in
            state.requests += 1
            return state.requests
        }
    }

    func answer(_ request: OutboundRequest) -> Delivery {
        state.withLock { state in
            if request.url.hasSuffix("/revoke") {
                state.isActive = false
                return .answered(200)
            }
            return .answered(200, #"{"active":\#(state.isActive),"secret":"kept by nobody"}"#)
        }
    }
}

/// Holds back whoever waits at it until it is opened.
final class Valve: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() async {
        while !isOpen.load(ordering: .acquiring), !Task.isCancelled { await Task.yield() }
    }
}

/// Brings requests to the server, unless the script overrules it. For each request it looks into the store: a request
/// whose intent is not there is a broken promise.
final class ScriptedTransport: Transport {
    /// What becomes of a request, with its number from 1; `nil` lets the server answer.
    typealias Script = @Sendable (_ request: OutboundRequest, _ number: Int) async -> Delivery?

    private let store: any Store
    private let server: TokenServer
    private let script: Script
    private let sent = Mutex<[OutboundRequest]>([])

    init(_ installation: Installation, _ script: @escaping Script = { _, _ in nil }) {
        store = installation.base
        server = installation.server
        self.script = script
    }

    var requests: [OutboundRequest] { sent.withLock { $0 } }
    /// The last part of each request's path, in order.
    var paths: [String] { requests.map { $0.url.split(separator: "/").last.map(String.init) ?? "" } }

    func send(_ request: OutboundRequest) async -> Delivery {
        await requireIntent(request, server.count())
        let number = sent.withLock { sent in
            sent.append(request)
            return sent.count
        }
        return await script(request, number) ?? server.answer(request)
    }

    func close() async {}

    private func requireIntent(_ request: OutboundRequest, _ number: Int) async {
        do {
            let log = try await store.log(from: 0, limit: StoreLimits.rowsPerPageMax).map(\.entry)
            let intents = log.filter { $0.kind == "callIntended" || $0.kind == "callRedelivered" }
            #expect(intents.count >= number, "request \(number) left without a stored intent")
            guard let key = request.headers.first(where: { $0.name == "idempotency-key" })?.value else { return }
            let isIntended = intents.contains { String(decoding: $0.bytes, as: UTF8.self).contains(key) }
            #expect(isIntended, "request \(number) carries a key that no intent has")
        } catch {
            Issue.record("the store can't be read: \(error)")
        }
    }
}

extension Delivery {
    static func answered(_ status: Int, _ body: String = "", headers: [String: String] = [:]) -> Delivery {
        let response = OutboundResponse(status: status, headers: headers, body: Array(body.utf8))
        return Delivery(fate: .answered(response), durationMilliseconds: 1)
    }

    static let cut = Delivery(
        fate: .mayHaveBeenSent(Fault(kind: .reset, number: 56, reason: "the line was cut")), durationMilliseconds: 1)
}

/// Waits until the task is cancelled: a request that never gets an answer.
func noAnswer() async -> Delivery {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    for await _ in stream {}
    continuation.finish()
    return .cut
}
