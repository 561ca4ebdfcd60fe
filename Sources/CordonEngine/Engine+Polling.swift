// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Logging

// Sources that are asked instead of waited for.
extension Engine {
    /// Asks every source that is polled, each at its own pace, until the engine drains.
    func keepPolling() async {
        await withDiscardingTaskGroup { group in
            for source in connections.sources {
                guard let poll = source.poll else { continue }
                group.addTask { await self.keepPolling(source, poll) }
            }
        }
    }

    private func keepPolling(_ source: Connections.Source, _ poll: Connections.Poll) async {
        var turn = EventPoll()
        var silentSince: Instant?
        var failures = 0
        while !Task.isCancelled, !isDraining {
            let began = clock.now
            switch await ask(source, poll, &turn) {
            case .items(_, let hasMore):
                if let since = silentSince {
                    logger.notice(
                        "a source is heard again",
                        metadata: ["source": "\(source.id)", "silent_ms": "\(clock.now.since(since))"])
                }
                silentSince = nil
                failures = 0
                if hasMore { continue }
                await clock.sleep(until: began.adding(milliseconds: poll.everyMilliseconds))
            case .failed(let reason, let wait):
                count { $0.pollsFailed += 1 }
                failures += 1
                if silentSince == nil { silentSince = began }
                logger.warning(
                    "a source could not be asked",
                    metadata: ["source": "\(source.id)", "reason": "\(reason)", "in_a_row": "\(failures)"])
                let doubled = poll.everyMilliseconds << Int64(min(failures - 1, 5))
                let span = wait ?? max(poll.everyMilliseconds, min(doubled, Limits.pollBackOffMillisecondsMax))
                await clock.sleep(until: began.adding(milliseconds: span))
            }
        }
    }

    /// One poll: what it brings is taken in as what is pushed is, and what could not be stored comes again.
    private func ask(
        _ source: Connections.Source, _ poll: Connections.Poll, _ turn: inout EventPoll
    ) async -> EventPoll.Heard {
        let token: Secret?
        do { token = try poll.token.map { (reference) throws(ConnectorError) in try secrets.read(reference) } } catch {
            return .failed(reason: error.reason, retryAfterMilliseconds: nil)
        }
        count { $0.polls += 1 }
        let heard = turn.hear(await transport.send(turn.request(poll, token: token)))
        guard case .items(let items, let hasMore) = heard else { return heard }
        var taken = 0
        for item in items {
            let delivery = InboundDelivery(headers: ["content-type": "application/secevent+jwt"], body: item.token)
            switch await receive(source: source.id, delivery) {
            case .stored, .duplicate:
                turn.acknowledge(item.name)
                taken += 1
            case .rejected(let rejection):
                turn.refuse(item.name, rejection)
                logger.error(
                    "an event was refused",
                    metadata: ["source": "\(source.id)", "reason": "\(rejection.rawValue)"])
            // Neither acknowledged nor refused: it is given again.
            case .tooMany: return .failed(reason: "it gives more than is taken of it", retryAfterMilliseconds: 1000)
            case .unavailable(let reason, let seconds):
                return .failed(reason: reason, retryAfterMilliseconds: Int64(seconds) * 1000)
            }
        }
        // Of what is refused altogether nobody keeps the pace but the poll itself.
        return .items(items, hasMore: hasMore && taken > 0)
    }
}
