// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore
import StoreKit

/// The promises of a call, one check each: what is wrong, in sentences; nothing where they were kept. Every check looks at
/// all that happened and changes nothing.
extension Account {
    struct Check: Sendable {
        var name: String
        var find: @Sendable (Account) -> [String]
    }

    static let checks = [
        Check(name: "every request has a stored intent", find: \.requestsWithoutIntent),
        Check(name: "no intent is sent more often than the history says", find: \.uncountedRequests),
        Check(name: "a call that must not double is sent once", find: \.secondSends),
        Check(name: "an effect that must not double happened once", find: \.doubledEffects),
        Check(name: "what is ambiguous is marked unknown", find: \.ambiguitiesTakenForKnown),
        Check(name: "what is unknown is resolved before it ends", find: \.doubtsLeft),
        Check(name: "a resolution tells what happened", find: \.wrongResolutions),
        Check(name: "no outcome is invented", find: \.inventedOutcomes),
        Check(name: "a finished step did what it is for", find: \.hollowSteps),
        Check(name: "every intent has its outcome and every run its end", find: \.unfinished),
        Check(name: "no accepted alert is lost, none opens two runs", find: \.lostAlerts),
        Check(name: "every leaf is the hash of its line", find: \.wrongLeaves),
    ]

    /// Everything that is wrong, the stored history itself included.
    var faults: [String] {
        stored.faults + Account.checks.flatMap { check in check.find(self).map { "\(check.name): \($0)" } }
    }

    private var intentsByKey: [String: [Intent]] { Dictionary(grouping: intents, by: \.key) }
    private var linesByKey: [String: [CountingProvider.Line]] { Dictionary(grouping: lines) { $0.key ?? "" } }

    /// Reads that carry no key are known by what they ask about.
    private func asks(_ intent: Intent) -> Bool { intent.call.purpose.isRead }

    var requestsWithoutIntent: [String] {
        let byKey = intentsByKey
        let reads = Set(intents.filter(asks).map { "\($0.call.capability) of \($0.subject)" })
        return lines.compactMap { line in
            if line.asksState {
                return reads.contains(line.effect) ? nil : "\(line.order), the state of \(line.effect)"
            }
            let isThere = byKey[line.key ?? ""]?.contains {
                $0.call.capability == line.capability && $0.subject == line.subject
            }
            return isThere == true ? nil : "request \(line.order), \(line.effect) under \(line.key ?? "no key")"
        }
    }

    /// The transport may repeat by itself only what may be repeated, and says so; where the process ended before its
    /// answer was stored, it could not say so.
    var uncountedRequests: [String] {
        let byKey = linesByKey
        var found = intents.filter { !asks($0) }.compactMap { intent -> String? in
            let count = byKey[intent.key]?.count ?? 0
            let mayRepeat = intent.call.effectClass == .read || intent.call.effectClass == .convergent
            if mayRepeat && hasRepeated(intent) { return nil }
            return count > intent.deliveries ? "\(intent.id): \(count) requests, \(intent.deliveries) deliveries" : nil
        }
        let asked = Dictionary(grouping: intents.filter(asks)) { "\($0.call.capability) of \($0.subject)" }
        for (effect, requests) in Dictionary(grouping: lines.filter(\.asksState), by: \.effect) {
            let reads = asked[effect] ?? []
            let deliveries = reads.reduce(0) { $0 + $1.deliveries }
            if requests.count > deliveries, !reads.contains(where: hasRepeated) {
                found.append("the state of \(effect): \(requests.count) requests, \(deliveries) deliveries")
            }
        }
        return found.sorted()
    }

    private func hasRepeated(_ intent: Intent) -> Bool {
        intent.wasLost || intent.returns.contains { $0.outcome.wasSentTwice }
    }

    var secondSends: [String] {
        let byKey = linesByKey
        return intents.filter { !asks($0) && !$0.call.effectClass.mayBeRedelivered }.compactMap { intent in
            let count = byKey[intent.key]?.count ?? 0
            return count > 1 || intent.deliveries > 1
                ? "\(intent.id), \(intent.call.effectClass): \(count) requests, \(intent.deliveries) deliveries" : nil
        }
    }

    /// Whatever keys, tries and people there were.
    var doubledEffects: [String] {
        let effects = Dictionary(grouping: lines.filter(\.tookEffect), by: \.effect)
        return effects.compactMap { effect, lines in
            guard let first = lines.first, lines.count > 1,
                CrashDefinitions.effectClass(first.capability)?.mayBeIntendedAnew == false
            else { return nil }
            return "\(effect) happened \(lines.count) times, by requests \(lines.map(\.order))"
        }.sorted()
    }

    /// The provider never answered it to the end, or with a status that says nothing about what it did.
    private func isAmbiguous(_ line: CountingProvider.Line, _ intent: Intent) -> Bool {
        guard let status = line.status, line.delayMilliseconds < CountingProvider.silenceMilliseconds else {
            return true
        }
        return status == 502 || status == 503 && intent.call.effectClass == .once
    }

    var ambiguitiesTakenForKnown: [String] {
        let byKey = linesByKey
        return intents.filter { $0.isChange && $0.deliveries == 1 }.compactMap { intent in
            guard let line = byKey[intent.key]?.last, isAmbiguous(line, intent) else { return nil }
            let known = intent.returns.filter { $0.outcome.kind != .unknown }
            return known.isEmpty
                ? nil : "\(intent.id): request \(line.order) got no answer, the history says \(known[0].outcome.kind)"
        }
    }

    var doubtsLeft: [String] {
        intents.filter { $0.isChange && !$0.call.effectClass.mayBeRedelivered && $0.isUnknown }.compactMap {
            $0.resolution == nil ? "\($0.id), \($0.call.effectClass): nobody said what became of it" : nil
        }
    }

    var wrongResolutions: [String] {
        let done = Set(lines.filter(\.tookEffect).compactMap(\.key))
        return intents.compactMap { intent in
            guard let resolution = intent.resolution else { return nil }
            let happened = done.contains(intent.key)
            return resolution.tookEffect == happened
                ? nil : "\(intent.id): \(resolution.by) says \(resolution.tookEffect), it is \(happened)"
        }
    }

    var inventedOutcomes: [String] {
        let byKey = linesByKey
        return intents.filter { !asks($0) }.flatMap { intent in
            intent.returns.compactMap { returned -> String? in
                let answers = (byKey[intent.key] ?? []).compactMap(\.status)
                if let status = returned.outcome.status, !answers.contains(status) {
                    return "\(intent.id): the history has \(status), the provider answered \(answers)"
                }
                let isDone = returned.outcome.kind == .done || returned.outcome.kind == .already
                return isDone && !answers.contains(200)
                    ? "\(intent.id): done, and the provider answered \(answers)" : nil
            }
        }
    }

    var hollowSteps: [String] {
        let done = Set(lines.filter(\.tookEffect).map(\.effect))
        return finished.compactMap { step in
            let offer = CrashDefinitions.offers.first { CrashDefinitions.stepID($0.capability) == step.step }
            guard let offer, offer.effectClass.isWrite else { return nil }
            return done.contains("\(offer.capability) of \(step.subject)")
                ? nil : "\(step.run)/\(step.step) finished, and the provider did nothing"
        }
    }

    var unfinished: [String] {
        intents.filter { $0.returns.isEmpty }.map { "\($0.id) has no outcome" }
            + stored.runs.filter { $0.endedAt == nil }.map { "\($0.id) has not ended: it is \($0.phase)" }
    }

    var lostAlerts: [String] {
        let alerts = Dictionary(stored.alerts.map { ($0.deliveryID, $0) }) { first, _ in first }
        let runs = Dictionary(grouping: stored.runs, by: \.alert)
        return posted.compactMap { post in
            guard let alert = alerts[post.delivery] else {
                return post.alert.map { "\(post.delivery) was answered with \($0), which is not stored" }
            }
            if let told = post.alert, told != alert.id.text {
                return "\(post.delivery) is \(alert.id), its source was told \(told)"
            }
            if alert.state != .read { return "\(post.delivery) is \(alert.state)" }
            let count = runs[alert.id]?.count ?? 0
            return count == (post.opensRun ? 1 : 0) ? nil : "\(post.delivery) has \(count) runs"
        }
    }

    var wrongLeaves: [String] {
        stored.log.filter { MerkleLog.leafHash($0.entry.bytes).bytes != $0.entry.leaf }.map {
            "entry \($0.entry.number) of \($0.entry.stream)"
        }
    }
}
