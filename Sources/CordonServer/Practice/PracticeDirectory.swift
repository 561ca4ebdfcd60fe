// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
package import CordonLanguage
import HTTPTypes
import Hummingbird
package import Logging
import ServiceLifecycle
import Synchronization

/// A practice directory of accounts and a practice chat, for demos alone: on loopback, forgotten when it ends, and
/// never a stand-in for an identity provider. An account is `active` until somebody says otherwise.
package final class PracticeDirectory: Sendable, Service {
    private struct State {
        var states: [String: String] = [:]
        /// Accounts whose state was ever changed over the wire.
        var touched: Set<String> = []
        var messages: [Value] = []
    }

    private let state = Mutex(State())
    private let listener: Listener
    private let bound = PortPromise()

    package init(logger: Logger) {
        listener = Listener(
            address: "127.0.0.1", port: 0, connectionsMax: ServerLimits.connectionsMax,
            spans: ConnectionClock.Spans(
                idleMilliseconds: ServerLimits.idleMilliseconds, bodyMilliseconds: ServerLimits.bodyMilliseconds,
                lingerMilliseconds: ServerLimits.lingerMilliseconds),
            logger: logger)
    }

    package func run() async throws { try await listener.run(responder(), port: bound) }

    package func boundPort() async throws(ServerError) -> Int { try await bound.port() }

    package func count(_ word: String) -> Int { state.withLock { $0.states.values.count { $0 == word } } }
    package var touched: Set<String> { state.withLock { $0.touched } }
    package var messages: [Value] { state.withLock { $0.messages } }

    /// As a person at its console would.
    package func set(_ account: String, to word: String) { state.withLock { $0.states[account] = word } }

    private func responder() -> RouterResponder<ConnectionContext> {
        var frame = Frame(logger: listener.logger)
        // The field's name is a constant of the right form.
        if let name = HTTPField.Name("x-practice-provider") { frame.headers[name] = "yes" }
        let router = Router(context: ConnectionContext.self)
        router.add(middleware: frame)
        let bodies = BodyReader(heldBytesMax: ServerLimits.bodiesBytesMax)
        router.get("/accounts/{id}") { _, context in self.view(context.parameters.get("id") ?? "") }
        router.put("/accounts/{id}/state") { request, context in
            let id = context.parameters.get("id") ?? ""
            return try await bodies.read(request, upTo: ServerLimits.requestBytesMax) { self.change(id, $0) }
        }
        router.post("/chat") { request, _ in
            try await bodies.read(request, upTo: ServerLimits.requestBytesMax) { self.take($0) }
        }
        return router.buildResponder()
    }

    private func view(_ id: String) -> Response {
        let word = state.withLock { $0.states[id] } ?? "active"
        return .json(["id": .string(id), "state": .string(word)])
    }

    private func change(_ id: String, _ body: [UInt8]) -> Response {
        guard let word = (try? JSON.parse(body))?["state"]?.stringValue else { return Response(status: .badRequest) }
        state.withLock { state in
            state.states[id] = word
            state.touched.insert(id)
        }
        return view(id)
    }

    private func take(_ body: [UInt8]) -> Response {
        guard let message = try? JSON.parse(body) else { return Response(status: .badRequest) }
        state.withLock { $0.messages.append(message) }
        return Response(status: .ok)
    }
}
