// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Synchronization

/// The tokens that providers gave, in memory alone. Many callers that find none cause one fetch and share its result.
package final class TokenDesk: Sendable {
    struct Token: Sendable {
        /// What the calls carry; never shown, logged or stored.
        var value: Secret
        /// From here on a new one is fetched.
        var staleAt: Instant
        /// Tells this token from the one after it without looking at it.
        var number: Int
    }

    /// Why there is none, as the outcome of the call that needs it. Nothing of it left.
    typealias Lack = Outcome

    private typealias Waiter = CheckedContinuation<Result<Token, Box>, Never>

    /// An outcome is no error; here it stands in one's place.
    struct Box: Error { var lack: Lack }

    private struct Place {
        var token: Token?
        var isFetching = false
        var waiters: [Waiter] = []
        var lastNumber = 0
    }

    private let places = Mutex<[String: Place]>([:])

    package init() {}

    /// The provider's token, fetched where there is none or its time is up.
    func token(
        of provider: String, at now: Instant,
        fetch: () async -> Result<(value: Secret, staleAt: Instant), Box>
    ) async -> Result<Token, Box> {
        enum Turn { case has(Token), fetches, waits }
        let turn = places.withLock { places in
            var place = places[provider] ?? Place()
            defer { places[provider] = place }
            if let token = place.token, now < token.staleAt { return Turn.has(token) }
            if place.isFetching { return .waits }
            place.isFetching = true
            return .fetches
        }
        switch turn {
        case .has(let token): return .success(token)
        case .fetches: return settle(provider, await fetch())
        case .waits: return await wait(provider)
        }
    }

    /// The provider refused this one: whoever asks next fetches another, unless somebody has done so already.
    func forget(_ token: Token, of provider: String) {
        places.withLock { places in
            if places[provider]?.token?.number == token.number { places[provider]?.token = nil }
        }
    }

    private func settle(
        _ provider: String, _ fetched: Result<(value: Secret, staleAt: Instant), Box>
    ) -> Result<Token, Box> {
        let (result, waiters) = places.withLock { places in
            var place = places[provider] ?? Place()
            defer { places[provider] = place }
            place.isFetching = false
            place.lastNumber += 1
            let number = place.lastNumber
            let result = fetched.map { Token(value: $0.value, staleAt: $0.staleAt, number: number) }
            place.token = try? result.get()
            defer { place.waiters = [] }
            return (result, place.waiters)
        }
        for waiter in waiters { waiter.resume(returning: result) }
        return result
    }

    private func wait(_ provider: String) async -> Result<Token, Box> {
        await withCheckedContinuation { continuation in
            // It may have been settled between the two looks.
            let settled = places.withLock { places -> Result<Token, Box>? in
                guard places[provider]?.isFetching == true else {
                    return places[provider]?.token.map(Result.success)
                        ?? .failure(Box(lack: Outcome(.later, reason: "not sent: no token was given")))
                }
                places[provider]?.waiters.append(continuation)
                return nil
            }
            if let settled { continuation.resume(returning: settled) }
        }
    }
}
