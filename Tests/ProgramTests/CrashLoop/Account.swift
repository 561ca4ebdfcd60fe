// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import StoreKit
import TestKit

/// Both sides of what happened: what the provider counted and what was answered to the source, beside what is stored.
struct Account: Sendable {
    /// A call as the history tells of it.
    struct Intent: Sendable {
        struct Return: Sendable {
            var delivery: Int
            var outcome: Outcome
        }

        struct Resolution: Sendable {
            var tookEffect: Bool
            var by: String
        }

        var run: RunID
        var subject: String
        var step: String
        var call: Call
        var deliveries = 1
        var returns: [Return] = []
        var resolution: Resolution?

        var key: String { call.seal.idempotencyKey }
        var id: String { "\(run)/\(step)#\(call.number)" }
        var isChange: Bool { call.purpose.isChange && call.effectClass.isWrite }
        var isUnknown: Bool { returns.contains { $0.outcome.kind == .unknown } }
        /// The process that made one of its deliveries ended before the answer was stored.
        var wasLost: Bool { returns.contains { $0.outcome == .lost } }
    }

    /// What a source was told of a delivery.
    struct Posted: Sendable {
        var delivery: String
        /// The answer's alert; nil while no answer came.
        var alert: String?
        var subject: String
        var opensRun: Bool
    }

    var lines: [CountingProvider.Line]
    var posted: [Posted]
    var stored: StoredHistory
    var intents: [Intent]
    /// Steps that finished, as run and step.
    var finished: [(run: RunID, step: String, subject: String)]

    init(lines: [CountingProvider.Line], posted: [Posted], stored: StoredHistory) throws {
        self.lines = lines
        self.posted = posted
        self.stored = stored
        intents = []
        finished = []
        let streams = stored.streams
        for row in stored.runs { try read(row, try (streams[row.id.text] ?? []).map { try $0.told().event }) }
    }

    /// Of an installation that nobody writes in.
    init(of installation: Installation, _ provider: CountingProvider, _ posted: [Posted]) async throws {
        let store = try SQLiteStore(.readOnly(installation.scratch.path("state")))
        let stored = try await StoredHistory(store)
        await store.close()
        try self.init(lines: provider.lines, posted: posted, stored: stored)
    }

    private mutating func read(_ row: RunRecord, _ events: [Event]) throws {
        let subject = row.subject.split(separator: ":").last.map(String.init) ?? row.subject
        var calls: [String: Int] = [:]
        func place(_ step: String, _ number: Int) -> Int { calls["\(step)#\(number)"] ?? -1 }
        for event in events {
            switch event {
            case .callIntended(let step, let call):
                calls["\(step)#\(call.number)"] = intents.count
                intents.append(Intent(run: row.id, subject: subject, step: step, call: call))
            case .callRedelivered(let step, let number, let delivery, _):
                intents[place(step, number)].deliveries = delivery
            case .callReturned(let step, let number, let outcome):
                let delivery = intents[place(step, number)].deliveries
                intents[place(step, number)].returns.append(Intent.Return(delivery: delivery, outcome: outcome))
            case .callResolved(let step, let number, let tookEffect, let by, _):
                intents[place(step, number)].resolution = Intent.Resolution(tookEffect: tookEffect, by: by)
            case .stepFinished(let step, _, _): finished.append((row.id, step, subject))
            default: break
            }
        }
    }
}
