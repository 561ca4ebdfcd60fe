// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
import CordonCore
package import CordonLanguage
import CordonStore
import Crypto
import ServiceLifecycle

// RFC 8936: a receiver that nobody can push to asks for its events, and says which it has stored.

/// What a receiver asks with one poll.
package struct EventAsk: Sendable, Hashable {
    package var acknowledged: [String]
    /// Those that it refuses, each with why.
    package var refused: [String: String]
    package var eventsMax: Int
    package var returnsImmediately: Bool

    package init(
        acknowledged: [String] = [], refused: [String: String] = [:], eventsMax: Int = Limits.eventsPerTurnMax,
        returnsImmediately: Bool = true
    ) {
        self.acknowledged = acknowledged
        self.refused = refused
        self.eventsMax = eventsMax
        self.returnsImmediately = returnsImmediately
    }
}

extension Engine {
    /// The stream whose receiver shows this token; `nil`: none of this name, or another token.
    package func stream(_ id: String, shows token: String) -> EventStream? {
        guard let stream = transmitter?[id], let reference = stream.token,
            let known = try? secrets.read(reference).reveal()
        else { return nil }
        // Compared as digests, in a time that tells nothing.
        return SHA256.hash(data: known) == SHA256.hash(data: Array(token.utf8)) ? stream : nil
    }

    /// The streams that one receiver's token opens.
    package func streams(shownBy token: String) -> [EventStream] {
        (transmitter?.streams ?? []).filter { stream($0.id, shows: token) != nil }
    }

    /// The keys that verify what is sent; `nil` where nothing is.
    package var eventKeySet: Value? { eventKeys?.published }

    /// - Returns: tokens by their names, and whether there are more.
    package func polled(_ stream: EventStream, _ ask: EventAsk) async throws -> (sets: [String: String], hasMore: Bool)
    {
        try await sessionDesk.locks.whileLocked([Engine.receiverStream(stream.id)]) {
            try await self.tellOfLeftOut(stream)
            try await self.take(ask, from: stream)
            try await self.giveUpOld(stream)
        }
        let until = clock.now.adding(milliseconds: ask.returnsImmediately ? 0 : Limits.eventPollMillisecondsMax)
        while true {
            let given = try await give(stream, ask.eventsMax)
            // The server stops before the engine, and waits for this answer.
            let isEnding = isDraining || Task.isShuttingDownGracefully
            if !given.sets.isEmpty || ask.eventsMax == 0 || isEnding || clock.now >= until { return given }
            await clock.sleep(until: clock.now.adding(milliseconds: 100))
            try Task.checkCancellation()
        }
    }

    /// What is named and does not wait was settled before.
    private func take(_ ask: EventAsk, from stream: EventStream) async throws(StoreError) {
        guard !ask.acknowledged.isEmpty || !ask.refused.isEmpty else { return }
        let now = clock.now
        let acknowledged = Set(ask.acknowledged)
        let waiting = try await waitingEvents(stream, .enabled, limit: 4 * Limits.eventsPerTurnMax)
        let settled = waiting.compactMap { record -> NoticeRecord? in
            if let reason = ask.refused[record.key] {
                var copy = record.settled(.failed, at: now)
                copy.problem = Notice.line(reason, 200)
                return copy
            }
            return acknowledged.contains(record.key) ? record.settled(.delivered, at: now) : nil
        }
        try await settleEvents(settled, of: stream)
        if let refused = settled.first(where: { $0.state == .failed })?.problem {
            receiverDesk.change(stream.id) {
                $0.problem = "the receiver refused an event: \(refused)"
                $0.failingSince = $0.failingSince ?? now
            }
            try await tellOfFailure(stream, at: now, isCertain: true)
        } else if !settled.isEmpty {
            try await tellOfSuccess(stream)
        }
    }

    private func give(
        _ stream: EventStream, _ eventsMax: Int
    ) async throws(StoreError) -> (sets: [String: String], hasMore: Bool) {
        let wanted = min(max(eventsMax, 0), Limits.eventsPerTurnMax)
        guard let eventKeys else { return ([:], false) }
        let waiting = try await waitingEvents(stream, receiverDesk[stream.id].status, limit: wanted + 1)
        let young = waiting.filter { $0.tooOld(at: clock.now) == nil }
        var sets: [String: String] = [:]
        for record in young.prefix(wanted) {
            guard let claims = try? JSON.parse(record.body) else { continue }
            sets[record.key] = String(decoding: eventKeys.sign(claims), as: UTF8.self)
        }
        return (sets, young.count > wanted)
    }

    /// Who asks may never come again: what had its time, or was not kept for them, is told all the same.
    func sweepReceivers() async throws(StoreError) {
        for stream in transmitter?.streams ?? [] where stream.isPolled {
            let result: Result<Void, StoreError> = await sessionDesk.locks.whileLocked([
                Engine.receiverStream(stream.id)
            ]) {
                do throws(StoreError) {
                    try await self.giveUpOld(stream)
                    try await self.tellOfLeftOut(stream)
                    return .success(())
                } catch { return .failure(error) }
            }
            try result.get()
        }
    }

    /// Under the stream's lock: an event is given up or delivered, once.
    private func giveUpOld(_ stream: EventStream) async throws(StoreError) {
        while true {
            let now = clock.now
            let waiting = try await waitingEvents(stream, .enabled, limit: 4 * Limits.eventsPerTurnMax)
            let old = waiting.compactMap { $0.tooOld(at: now) }
            guard let first = old.first else { return }
            try await settleEvents(old, of: stream)
            receiverDesk.change(stream.id) {
                $0.problem = $0.problem ?? first.problem
                $0.failingSince = $0.failingSince ?? now
            }
            try await tellOfFailure(stream, at: now, isCertain: true)
        }
    }
}
