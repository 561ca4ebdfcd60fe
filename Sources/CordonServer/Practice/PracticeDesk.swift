// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import Synchronization

/// What the practice provider knows: its clients, its tokens, and what it was asked.
final class PracticeDesk: Sendable {
    struct Token: Sendable {
        var text: String
        var client: String
        var scope: String?
        var issuedAt: Instant
        var expiresAt: Instant
    }

    private struct State {
        var tokens: [String: Token] = [:]
        var asked: [PracticeProvider.Asked] = []
    }

    let clients: [String: PracticeProvider.Client]
    let tokenSeconds: Int64
    let clock: any WallClock
    private let state = Mutex(State())

    init(clients: [PracticeProvider.Client], tokenSeconds: Int64, clock: any WallClock) {
        self.clients = Dictionary(clients.map { ($0.id, $0) }) { first, _ in first }
        self.tokenSeconds = tokenSeconds
        self.clock = clock
    }

    var asked: [PracticeProvider.Asked] { state.withLock { $0.asked } }

    func note(_ route: String, by: String?, status: Int) {
        let now = clock.now
        state.withLock { state in
            if state.asked.count == PracticeProvider.askedMax { state.asked.removeFirst() }
            state.asked.append(PracticeProvider.Asked(at: now, route: route, by: by, status: status))
        }
    }

    func issue(to client: String, scope: String?) -> Token {
        let now = clock.now
        var random = SystemRandomNumberGenerator()
        let text = "practice." + base64URL((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let token = Token(
            text: text, client: client, scope: scope, issuedAt: now,
            expiresAt: now.adding(milliseconds: tokenSeconds * 1000))
        state.withLock { state in
            if state.tokens.count >= PracticeProvider.tokensMax { forgetOldest(&state.tokens) }
            state.tokens[text] = token
        }
        return token
    }

    private func forgetOldest(_ tokens: inout [String: Token]) {
        guard let oldest = tokens.values.min(by: { $0.issuedAt < $1.issuedAt }) else { return }
        tokens[oldest.text] = nil
    }

    func live(_ text: String) -> Token? {
        let now = clock.now
        return state.withLock { $0.tokens[text] }.flatMap { now < $0.expiresAt ? $0 : nil }
    }

    func revoke(_ text: String) { state.withLock { $0.tokens[text] = nil } }

    /// The client of an `Authorization: Basic` value (RFC 6749 2.3.1: both parts are form-encoded before).
    func client(authorization: String?) -> PracticeProvider.Client? {
        guard let (id, secret) = basicCredentials(authorization), let client = clients[id],
            isEqualInConstantTime(client.secret, secret)
        else { return nil }
        return client
    }
}
