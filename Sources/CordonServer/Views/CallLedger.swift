// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore

/// The calls of a run, folded from its history: each intent with what became of it.
struct CallLedger {
    struct Line {
        var call: Call
        var outcome: Outcome?
        var returnedAt: Instant?
        /// What a person said of an unknown outcome.
        var resolution: Value?
    }

    /// By step, in the order of the intents.
    private(set) var lines: [String: [Line]] = [:]

    init(_ entries: [IndexedEntry]) throws(UnreadableRecord) {
        for indexed in entries {
            let event = try indexed.entry.event()
            switch event {
            case .callIntended(let step, let call): lines[step, default: []].append(Line(call: call))
            case .callRedelivered(let step, let number, let delivery, let deadline):
                change(step, number) { line in
                    line.call.delivery = delivery
                    line.call.deadline = deadline
                    line.outcome = nil
                }
            case .callReturned(let step, let number, let outcome):
                change(step, number) { line in
                    line.outcome = outcome
                    line.returnedAt = indexed.entry.at
                }
            case .callResolved(let step, let number, let tookEffect, let by, let reason):
                change(step, number) { line in
                    line.resolution = [
                        "took_effect": .bool(tookEffect), "by": .string(by), "reason": .string(reason),
                        "at": Value(indexed.entry.at),
                    ]
                }
            case .runOpened, .runAsked, .runResumed, .runMigrated, .runPaused, .runConcluded, .rollbackRequested,
                .rollbackFinished,
                .signalJoined, .signalClosed, .runEnded, .stepStarted, .stepOpened, .stepSkipped, .stepFinished,
                .stepFailed,
                .stepStopped, .stepHalted, .waitScheduled, .rungFinished, .questionAsked, .questionReminded,
                .questionEscalated, .answerGiven, .questionClosed, .holdStarted, .holdChanged, .exposureFound,
                .exposureEnded, .proofAwaited, .proofTaken, .secretLost, .stepReopened,
                .retryScheduled:
                break
            }
        }
    }

    private mutating func change(_ step: String, _ number: Int, _ act: (inout Line) -> Void) {
        guard let index = lines[step]?.firstIndex(where: { $0.call.number == number }) else { return }
        // Both keys were just found.
        act(&lines[step]![index])
    }
}

extension CallLedger.Line {
    var value: Value {
        [
            "n": .int(Int64(call.number)), "purpose": .string(call.purpose.rawValue),
            "attempt": .int(Int64(call.attempt)), "delivery": .int(Int64(call.delivery)),
            "capability": .string(call.capability), "provider": .string(call.provider),
            "class": .string(call.effectClass.rawValue), "arguments": call.arguments,
            "idempotency_key": .string(call.seal.idempotencyKey), "request": .string(call.seal.requestDigest),
            "intended_at": Value(call.intendedAt), "deadline": Value(call.deadline),
            "returned_at": Value(returnedAt), "outcome": outcome?.value ?? .null,
            "resolution": resolution ?? .null,
        ]
    }
}
