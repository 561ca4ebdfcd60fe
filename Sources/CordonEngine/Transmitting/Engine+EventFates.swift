// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore

// What became of security events, in the history and for people.

extension Engine {
    /// Stores what became of events: the line first, so that what is counted as delivered is in the history.
    func settleEvents(_ records: [NoticeRecord], of stream: EventStream) async throws(StoreError) {
        guard !records.isEmpty else { return }
        let delivered = records.filter { $0.state == .delivered }
        let failed = records.filter { $0.state == .failed }
        if !delivered.isEmpty {
            try await say("eventsDelivered", Engine.lines(delivered, by: stream), to: stream)
        }
        if !failed.isEmpty { try await say("eventsGivenUp", Engine.lines(failed, by: stream), to: stream) }
        let now = clock.now
        // Durable from here: what a crash before this line leaves goes out once more, under the same name.
        try await store.settle(records, forgettingBefore: now.adding(milliseconds: -Limits.noticesKeptMilliseconds))
        receiverDesk.change(stream.id) { standing in
            standing.waiting = max(0, standing.waiting - delivered.count - failed.count)
            standing.delivered += delivered.count
            standing.givenUp += failed.count
            if !delivered.isEmpty { standing.lastDeliveredAt = now }
        }
        count {
            $0.eventsDelivered += delivered.count
            $0.eventsGivenUp += failed.count
        }
    }

    private static func lines(_ records: [NoticeRecord], by stream: EventStream) -> Value {
        [
            "by": stream.isPolled ? "poll" : "push",
            "events": .array(
                records.map { record -> Value in
                    let claims = (try? JSON.parse(record.body)) ?? .null
                    let type = claims["events"]?.objectValue?.keys.first?.split(separator: "/").last ?? ""
                    var line: [String: Value] = [
                        "jti": .string(record.key), "type": .string(String(type)),
                        "txn": claims["txn"] ?? .null,
                    ]
                    if record.topic != "stream" { line["session"] = .string(record.topic) }
                    if let problem = record.problem { line["problem"] = .string(problem) }
                    return .object(line)
                }),
        ]
    }

    /// People are told once of a receiver that can't be told, and the history says so; and that it is over.
    func tellOfFailure(_ stream: EventStream, at now: Instant, isCertain: Bool) async throws(StoreError) {
        let standing = receiverDesk[stream.id]
        guard let problem = standing.problem, let since = standing.failingSince, !standing.isTold,
            isCertain || now.since(since) >= Limits.eventAlarmMilliseconds
        else { return }
        receiverDesk.change(stream.id) { $0.isTold = true }
        let name = Engine.receiverStream(stream.id)
        let notice = Notice(
            .receiverUnreached, playbook: name, severity: .high,
            text: "\(stream.id) is not told of sessions: \(problem); \(standing.waiting) events wait", at: now,
            ordinal: Int(now.milliseconds / 1000))
        try await say(
            "deliveryFailing",
            [
                "problem": .string(problem), "since": .string(since.description),
                "waiting": .int(Int64(standing.waiting)),
            ], to: stream, people: notices(notice, at: now))
    }

    /// The history says how many events were not kept for a receiver, and people are told.
    func tellOfLeftOut(_ stream: EventStream) async throws(StoreError) {
        let count = receiverDesk[stream.id].leftOut
        guard count > 0 else { return }
        try await say(
            "eventsLeftOut", ["events": .int(Int64(count)), "waiting_max": .int(Int64(Limits.eventsWaitingMax))], nil,
            to: stream)
        receiverDesk.change(stream.id) { $0.leftOut -= count }
        try await tellOfFailure(stream, at: clock.now, isCertain: true)
    }

    func tellOfSuccess(_ stream: EventStream) async throws(StoreError) {
        let before = receiverDesk[stream.id]
        receiverDesk.change(stream.id) { $0.succeeded() }
        if before.isTold { try await say("deliveryResumed", [:], to: stream) }
    }
}
