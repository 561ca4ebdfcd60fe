// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore

/// When one receiver is told what. Pure: what is due goes in, messages come out.
///
/// A few notices go out one by one. What comes in numbers is told as one message, and what follows on the same topic
/// waits until the wave's time is over: one page goes out for a wave.
struct NoticePace: Sendable {
    /// Notices that go out together.
    struct Batch: Sendable, Hashable {
        var records: [NoticeRecord]
        /// The message in which the same wave was told before.
        var earlier: String?
    }

    struct Plan: Sendable, Hashable {
        var batches: [Batch] = []
        /// To be looked at again when their new time comes.
        var postponed: [NoticeRecord] = []
    }

    private struct Wave: Sendable {
        var until: Instant
        var message: String
    }

    private var sent: [(topic: String, at: Instant)] = []
    private var waves: [String: Wave] = [:]
    private let perMinuteMax: Int

    private static let minute: Int64 = 60_000

    init(perMinuteMax: Int) { self.perMinuteMax = perMinuteMax }

    /// What an earlier process sent counts too.
    mutating func recall(_ delivered: [NoticeRecord]) {
        for (message, records) in Dictionary(grouping: delivered, by: { $0.message ?? "" }) where !message.isEmpty {
            guard let at = records.compactMap(\.settledAt).max() else { continue }
            note(records, as: message, at: at)
        }
        sent.sort { $0.at < $1.at }
    }

    /// A message has gone out.
    mutating func note(_ records: [NoticeRecord], as message: String, at now: Instant) {
        for (topic, said) in Dictionary(grouping: records, by: \.topic) {
            sent.append((topic, now))
            guard said.count > 1 else { continue }
            waves[topic] = Wave(until: now.adding(milliseconds: Limits.waveMilliseconds), message: message)
        }
    }

    /// Records come in the order in which they are due.
    mutating func plan(_ records: [NoticeRecord], at now: Instant) -> Plan {
        forget(at: now)
        var plan = Plan()
        for (topic, said) in grouped(records) {
            let wave = waves[topic]
            if let wave, wave.until > now {
                plan.postponed += said.map { $0.due(wave.until) }
            } else if said.count + sent.count(where: { $0.topic == topic }) <= Limits.noticesApartMax, wave == nil {
                plan.batches += said.map { Batch(records: [$0]) }
            } else {
                plan.batches.append(
                    Batch(records: Array(said.prefix(Limits.noticesPerMessageMax)), earlier: wave?.message))
            }
        }
        return bounded(plan, at: now)
    }

    /// The channel's own bound holds whatever the topics.
    private func bounded(_ plan: Plan, at now: Instant) -> Plan {
        let room = perMinuteMax - sent.count
        guard plan.batches.count > room else { return plan }
        guard room > 0 else {
            let free = (sent.first?.at ?? now).adding(milliseconds: NoticePace.minute)
            return Plan(postponed: plan.postponed + plan.batches.flatMap(\.records).map { $0.due(free) })
        }
        let all = plan.batches.flatMap(\.records).prefix(Limits.noticesPerMessageMax)
        return Plan(batches: [Batch(records: Array(all))], postponed: plan.postponed)
    }

    /// A wave is known for as long again after its time, so that what follows is told as a part of it.
    private mutating func forget(at now: Instant) {
        sent.removeAll { now.since($0.at) >= NoticePace.minute }
        waves = waves.filter { now.since($0.value.until) < Limits.waveMilliseconds }
    }

    private func grouped(_ records: [NoticeRecord]) -> [(topic: String, records: [NoticeRecord])] {
        var order: [String] = []
        var byTopic: [String: [NoticeRecord]] = [:]
        for record in records {
            if byTopic[record.topic] == nil { order.append(record.topic) }
            byTopic[record.topic, default: []].append(record)
        }
        return order.map { ($0, byTopic[$0] ?? []) }
    }
}

extension NoticeRecord {
    func due(_ at: Instant) -> NoticeRecord {
        var copy = self
        copy.dueAt = at
        return copy
    }

    func settled(_ state: State, at now: Instant) -> NoticeRecord {
        var copy = self
        copy.state = state
        copy.settledAt = now
        return copy
    }

    /// After a try that failed: later again, or given up when its time is over.
    func tried(_ problem: String, isLast: Bool, waitMilliseconds: Int64?, at now: Instant) -> NoticeRecord {
        var copy = self
        copy.attempts += 1
        copy.problem = problem
        let backOff = min(
            Limits.noticeRetryMillisecondsFirst << Int64(min(attempts, 10)), Limits.noticeRetryMillisecondsMax)
        copy.dueAt = now.adding(milliseconds: max(backOff, waitMilliseconds ?? 0))
        if isLast || now.since(madeAt) >= Limits.noticeMillisecondsMax { return copy.settled(.failed, at: now) }
        return copy
    }
}
