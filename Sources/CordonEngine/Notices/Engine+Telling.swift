// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging

extension Engine {
    private static var tellingMilliseconds: Int64 { 250 }

    /// Tells one receiver what is due for it, for as long as the engine runs.
    func keepTelling(_ endpoint: Channel.Endpoint) async {
        var pace = NoticePace(perMinuteMax: endpoint.channel.perMinuteMax)
        var isRecalled = false
        noticeDesk.note(endpoint.id, due: clock.now)
        while !Task.isCancelled, !isDraining {
            let now = clock.now
            if noticeDesk.isDue(endpoint.id, at: now) {
                do throws(StoreError) {
                    if !isRecalled { pace.recall(try await told(endpoint.id, since: now)) }
                    isRecalled = true
                    try await tellDue(endpoint, &pace, at: now)
                } catch {
                    if error.code == .unavailable { return fail(error) }
                    logger.error("notices can't be read or settled", metadata: ["error": "\(error)"])
                    noticeDesk.note(endpoint.id, due: now.adding(milliseconds: Limits.noticeRetryMillisecondsFirst))
                }
            }
            await clock.sleep(until: now.adding(milliseconds: Engine.tellingMilliseconds))
        }
    }

    /// Nobody tells what waits for a receiver that the settings no longer name: it is shown as failed.
    func failStrandedNotices() async {
        let known = Set(notifications.endpoints.map(\.id))
        let now = clock.now
        var query = NoticeQuery()
        query.dueBy = Instant(milliseconds: .max)
        query.limit = Limits.noticesStrandedMax
        do throws(StoreError) {
            let stranded = try await store.notices(query).filter { !known.contains($0.endpoint) }
            guard !stranded.isEmpty else { return }
            let failed = stranded.map { record in
                var failed = record.settled(.failed, at: now)
                failed.problem = "its receiver is no longer in the settings"
                return failed
            }
            try await store.settle(failed, forgettingBefore: nil)
            count { $0.noticesFailed += failed.count }
            logger.warning(
                "notices wait for receivers that the settings no longer name", metadata: ["failed": "\(failed.count)"])
        } catch {
            logger.error("notices without a receiver can't be settled", metadata: ["error": "\(error)"])
        }
    }

    /// What was delivered so lately that it still counts for the pace.
    private func told(_ endpoint: String, since now: Instant) async throws(StoreError) -> [NoticeRecord] {
        var query = NoticeQuery()
        query.endpoint = endpoint
        query.state = .delivered
        query.limit = Limits.noticesPerMessageMax
        return try await store.notices(query).filter { record in
            record.settledAt.map { now.since($0) < Limits.waveMilliseconds } ?? false
        }
    }

    private func tellDue(
        _ endpoint: Channel.Endpoint, _ pace: inout NoticePace, at now: Instant
    ) async throws(StoreError) {
        noticeDesk.take(endpoint.id)
        let gather = endpoint.channel.gatherMilliseconds
        var query = NoticeQuery()
        query.endpoint = endpoint.id
        query.dueBy = now.adding(milliseconds: gather)
        query.limit = Limits.noticesPerMessageMax
        let found = try await store.notices(query)
        if found.contains(where: { $0.dueAt <= now }) {
            let due = found.filter { $0.dueAt <= now || $0.isGathered(gather) }
            let read = try await fresh(due.map(NoticeInHand.init), at: now)
            try await follow(read.filter(\.notice.kind.isFollowUp), endpoint, at: now)
            try await send(read.filter { !$0.notice.kind.isFollowUp }, to: endpoint, &pace, at: now)
        }
        try await noteNext(endpoint.id)
    }

    /// The desk learns when there is something to do again.
    private func noteNext(_ endpoint: String) async throws(StoreError) {
        var query = NoticeQuery()
        query.endpoint = endpoint
        query.dueBy = Instant(milliseconds: .max)
        query.limit = 1
        if let next = try await store.notices(query).first { noticeDesk.note(endpoint, due: next.dueAt) }
    }

    /// What still has to be told; the rest is settled as moot.
    private func fresh(_ read: [NoticeInHand], at now: Instant) async throws(StoreError) -> [NoticeInHand] {
        var fresh: [NoticeInHand] = []
        var moot: [NoticeRecord] = []
        for item in read {
            if try await isMoot(item.notice) {
                moot.append(item.record.settled(.moot, at: now))
            } else {
                fresh.append(item)
            }
        }
        if !moot.isEmpty {
            try await store.settle(moot, forgettingBefore: nil)
            count { $0.noticesMoot += moot.count }
        }
        return fresh
    }

    func isMoot(_ notice: Notice) async throws(StoreError) -> Bool {
        guard let id = notice.run, [.objectiveMissed, .sourceClosed].contains(notice.kind) || notice.kind.asks else {
            return false
        }
        guard let stored = try await find(id) else { return true }
        guard let run = try? stored.run() else { return false }  // Of a run that can't be read, people must know.
        return notice.isMoot(run)
    }

    private func send(
        _ items: [NoticeInHand], to endpoint: Channel.Endpoint, _ pace: inout NoticePace, at now: Instant
    ) async throws(StoreError) {
        let plan = pace.plan(items.map(\.record), at: now)
        if !plan.postponed.isEmpty { try await store.settle(plan.postponed, forgettingBefore: nil) }
        let read = Dictionary(items.map { ($0.record.key, $0) }) { first, _ in first }
        for (place, batch) in plan.batches.enumerated() {
            let inHand = batch.records.compactMap { read[$0.key] }
            let id = message(of: batch, endpoint)
            let fate = await courier.send(await compose(inHand, id, endpoint, at: now), to: endpoint)
            try await settle(batch.records, fate, as: id, at: now)
            if fate == .taken {
                pace.note(batch.records, as: id, at: now)
            } else if case .later(let reason, let wait) = fate {
                // Who can't be reached with this can't be reached with the rest.
                let rest = plan.batches.dropFirst(place + 1).flatMap(\.records).map { record in
                    record.due(record.tried(reason, isLast: false, waitMilliseconds: wait, at: now).dueAt)
                }
                return try await store.settle(rest, forgettingBefore: nil)
            }
        }
    }

    /// Where incidents are kept, what follows in a wave is the same incident; elsewhere each message is its own.
    private func message(of batch: NoticePace.Batch, _ endpoint: Channel.Endpoint) -> String {
        if endpoint.channel.keepsIncidents {
            if let earlier = batch.earlier { return earlier }
            if let known = batch.records.first?.incident { return Message.name("\(endpoint.id)/\(known)") }
        }
        return Message.name("\(endpoint.id)/\(batch.records.first?.key ?? "")")
    }

    private func compose(
        _ items: [NoticeInHand], _ id: String, _ endpoint: Channel.Endpoint, at now: Instant
    ) async -> Message {
        let named = items.prefix(Limits.noticesNamedMax).map(\.notice)
        var message = Message(
            id: id, notices: Array(named), more: items.count - named.count, base: links?.base, at: now)
        for notice in named { message.links[notice.key] = await link(notice, endpoint, at: now) }
        return message
    }

    private func settle(
        _ records: [NoticeRecord], _ fate: Courier.Fate, as id: String, at now: Instant
    ) async throws(StoreError) {
        let settled: [NoticeRecord]
        switch fate {
        case .taken:
            settled = records.map { record in
                var record = record.settled(.delivered, at: now)
                record.attempts += 1
                record.message = id
                record.problem = nil
                return record
            }
        case .later(let reason, let wait):
            settled = records.map { $0.tried(reason, isLast: false, waitMilliseconds: wait, at: now) }
        case .refused(let reason):
            settled = records.map { $0.tried(reason, isLast: true, waitMilliseconds: nil, at: now) }
        }
        let failed = settled.count { $0.state == .failed }
        if fate != .taken {
            logger.warning(
                "people could not be told",
                metadata: [
                    "receiver": "\(records.first?.endpoint ?? "")", "reason": "\(settled.first?.problem ?? "")",
                    "notices": "\(records.count)", "given_up": "\(failed)",
                ])
        }
        count {
            $0.noticesFailed += failed
            if fate == .taken { $0.noticesDelivered += records.count } else { $0.noticeTriesFailed += 1 }
            if fate == .taken { $0.messagesSent += 1 }
        }
        let forgotten = now.adding(milliseconds: -Limits.noticesKeptMilliseconds)
        // Durable from here: what a crash before this line leaves is told once more, under the same id.
        try await store.settle(settled, forgettingBefore: forgotten)
    }

    // MARK: What is over

    /// Acknowledges or resolves the incidents that earlier notices of the run made.
    private func follow(
        _ items: [NoticeInHand], _ endpoint: Channel.Endpoint, at now: Instant
    ) async throws(StoreError) {
        for item in items {
            guard let run = item.notice.run else { continue }
            var query = NoticeQuery()
            query.endpoint = endpoint.id
            query.run = run
            query.limit = Limits.noticesPerMessageMax
            let concerned = try await store.notices(query).map(NoticeInHand.init).filter { other in
                !other.notice.kind.isFollowUp && other.notice.ordinal < item.notice.ordinal
                    && other.notice.kind != .runFailed
                    && (item.notice.step == nil || item.notice.step == other.notice.step)
            }
            let fate = try await follow(item, concerned.map(\.record), endpoint, at: now)
            guard fate == .taken else {
                try await settle([item.record], fate, as: "", at: now)
                continue
            }
            try await store.settle([item.record.settled(.moot, at: now)], forgettingBefore: nil)
        }
    }

    private func follow(
        _ item: NoticeInHand, _ concerned: [NoticeRecord], _ endpoint: Channel.Endpoint, at now: Instant
    ) async throws(StoreError) -> Courier.Fate {
        let isOver = item.notice.kind == .settled
        if isOver {
            let unsaid = concerned.filter { $0.state == .waiting }.map { $0.settled(.moot, at: now) }
            try await store.settle(unsaid, forgettingBefore: nil)
        }
        let said = Dictionary(grouping: concerned.filter { $0.state == .delivered }) { $0.message ?? "" }
        for (id, records) in said where !id.isEmpty {
            var query = NoticeQuery()
            query.message = id
            query.state = .delivered
            query.limit = Limits.noticesPerMessageMax
            // A wave is over when all of it is.
            let isWhole = try await store.notices(query).count == records.count
            if isWhole {
                let message = Message(id: id, notices: [item.notice], base: links?.base, at: now)
                let fate = await courier.send(message, to: endpoint)
                guard fate == .taken else { return fate }
            }
            if isOver { try await store.settle(records.map { $0.settled(.closed, at: now) }, forgettingBefore: nil) }
        }
        return .taken
    }
}

/// A stored notice with what it says.
private struct NoticeInHand: Sendable {
    var record: NoticeRecord
    var notice: Notice

    init(_ record: NoticeRecord) {
        self.record = record
        if let value = try? JSON.parse(record.body), let notice = try? Notice(value) {
            self.notice = notice
        } else {
            // Written by another version: people are told that much.
            notice = Notice(
                .stopped, playbook: record.topic, severity: .high, text: "a notice can't be read: \(record.key)",
                at: record.madeAt, ordinal: 0)
        }
    }
}

extension NoticeRecord {
    /// It waits for nothing but company.
    fileprivate func isGathered(_ milliseconds: Int64) -> Bool {
        attempts == 0 && dueAt == madeAt.adding(milliseconds: milliseconds)
    }

    /// What is one incident: a step of a run, whatever is said of it.
    fileprivate var incident: String? {
        run.map { run in
            let parts = key.split(separator: "/", omittingEmptySubsequences: false)
            return "\(run)/" + parts.dropFirst().dropLast(2).joined(separator: "/")
        }
    }
}
