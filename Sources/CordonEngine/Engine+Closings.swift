// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

// Alerts come in any order. What a source closed is remembered, so that what it told of before and comes late begins
// nothing; and a live run about it is told, so that whoever it waits for knows. What undoes a run by itself stays its
// playbook's to say.

extension Engine {
    /// What an alert closes, each matter once, as of its latest time; what doesn't say as of when, as of when it came. No
    /// closing reaches into the future: whatever a source writes there, it can't keep what is opened tomorrow from acting.
    func closings(_ matters: [Matter], by alert: Alert) -> [Closing] {
        var found: [Closing] = []
        let latest = alert.receivedAt.adding(milliseconds: Limits.closingAheadMillisecondsMax)
        for matter in matters {
            let closing = Closing(
                source: alert.source, key: matter.key, asOf: min(matter.asOf ?? alert.receivedAt, latest),
                alert: alert.id, receivedAt: alert.receivedAt)
            if let place = found.firstIndex(where: { $0.matter == closing.matter }) {
                if found[place].asOf < closing.asOf { found[place] = closing }
            } else {
                found.append(closing)
            }
        }
        return found
    }

    /// The decisions, where a matter was closed before or by the same alert, with what follows from that.
    func heeding(
        _ decisions: [(Signal, Decision)], against closings: [Closing], _ known: [EventKey: KnownMatter]
    ) -> [(Signal, Decision)] {
        decisions.map { signal, decision in
            guard let matter = signal.matter else { return (signal, decision) }
            let all = closings.filter { $0.matter == matter } + [known[matter]?.closing].compactMap { $0 }
            return (signal, decision.weighed(against: all.max { $0.asOf < $1.asOf }, signal))
        }
    }

    /// Tells the live runs about what is closed. Before the alert counts as read: told twice is refused, being forgotten is
    /// not noticed.
    func tell(_ closings: [Closing], _ known: [EventKey: KnownMatter]) async throws(EngineError) {
        for closing in closings {
            for concern in known[closing.matter]?.concerns ?? [] {
                if let asOf = concern.asOf, asOf > closing.asOf { continue }
                let input = RunInput.close(concern.signal, by: closing.alert, asOf: closing.asOf)
                switch await control(concern.run, input) {
                // Refused: it was told before, or it has ended meanwhile.
                case .done, .refused, .noSuchRun: continue
                case .notStored(let error): throw EngineError(.store, error.reason)
                case .unavailable(let reason): throw EngineError(.store, reason)
                }
            }
        }
    }

    /// Which runs, opened or joined, are about what of its source.
    func concerns(_ decisions: [(Signal, Decision)]) -> [Concern] {
        decisions.flatMap { signal, decision -> [Concern] in
            guard let matter = signal.matter else { return [] }
            return decision.matches.compactMap { $0.run ?? $0.joins }.map {
                Concern(matter: matter, run: $0, signal: signal.id, asOf: signal.about?.asOf)
            }
        }
    }
}

extension Signal {
    /// What of its source it is about, as the store names it.
    var matter: EventKey? { about.map { EventKey(source: source, name: $0.key) } }
}

extension Closing {
    var value: Value { ["about": .string(key), "as_of": .string(asOf.description)] }
}
