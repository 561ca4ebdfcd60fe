// SPDX-License-Identifier: Apache-2.0

/// How a playbook earns to be let further: `off`, `shadow`, `propose`, `enforce`, one rung at a time and per digest, so
/// that whoever edits it begins one rung lower.
package struct LadderRule: Sendable, Hashable {
    /// What is asked for before it may propose.
    package var shadowDays: Int
    package var shadowSignals: Int
    /// What is asked for before it may enforce: so many proposals that people decided, and the share that they accepted.
    package var proposals: Int
    /// 0 to 1.
    package var accepted: Double
    /// Among so many of its latest runs none may have been undone or labeled a false alarm.
    package var without: Int

    package init(
        shadowDays: Int = Limits.ladderDays, shadowSignals: Int = Limits.ladderSignals,
        proposals: Int = Limits.ladderProposals, accepted: Double = Limits.ladderAccepted,
        without: Int = Limits.ladderWithout
    ) {
        self.shadowDays = shadowDays
        self.shadowSignals = shadowSignals
        self.proposals = proposals
        self.accepted = accepted
        self.without = without
    }
}

extension Playbook.Mode {
    package var above: Playbook.Mode? {
        switch self {
        case .off: .shadow
        case .shadow: .propose
        case .propose: .enforce
        case .enforce: nil
        }
    }

    /// An edit drops a playbook one rung; what was let go at all is still looked at.
    var below: Playbook.Mode { self == .enforce ? .propose : .shadow }

    private var height: Int {
        switch self {
        case .off: 0
        case .shadow: 1
        case .propose: 2
        case .enforce: 3
        }
    }

    package func isHigher(than other: Playbook.Mode) -> Bool { height > other.height }
}

/// How far each digest of each playbook was let.
package struct Ladder: Sendable, Hashable {
    package struct Rung: Sendable, Hashable {
        package var playbook: String
        package var digest: String
        package var mode: Playbook.Mode
        package var by: String
        package var reason: String
        package var since: Instant

        package init(
            playbook: String, digest: String, mode: Playbook.Mode, by: String, reason: String, since: Instant
        ) {
            self.playbook = playbook
            self.digest = digest
            self.mode = mode
            self.by = by
            self.reason = reason
            self.since = since
        }
    }

    private struct Key: Sendable, Hashable {
        var playbook: String
        var digest: String
    }

    private var rungs: [Key: Rung] = [:]
    private var latest: [String: Rung] = [:]

    package init() {}

    package mutating func set(_ rung: Rung) {
        rungs[Key(playbook: rung.playbook, digest: rung.digest)] = rung
        latest[rung.playbook] = rung
    }

    package func rung(of pin: Run.Pin) -> Rung? { rungs[Key(playbook: pin.name, digest: pin.digest)] }

    /// How far this very digest may go.
    package func mode(of pin: Run.Pin) -> Playbook.Mode {
        rung(of: pin)?.mode ?? latest[pin.name]?.mode.below ?? .shadow
    }
}

extension TrackRecord {
    /// What is lacking for the next rung, in words; empty when it may be taken.
    package func lacks(for mode: Playbook.Mode, from now: Playbook.Mode, _ rule: LadderRule) -> [String] {
        guard mode.isHigher(than: now) else { return [] }
        guard now.above == mode else {
            return ["it is at \(now.rawValue): the next rung is \(now.above?.rawValue ?? now.rawValue)"]
        }
        switch mode {
        case .off, .shadow: return []
        case .propose: return shadowLacks(rule)
        case .enforce: return proposalLacks(rule)
        }
    }

    private func shadowLacks(_ rule: LadderRule) -> [String] {
        var lacks: [String] = []
        if days < rule.shadowDays { lacks.append("\(days) of \(rule.shadowDays) days have been looked at") }
        if signals < rule.shadowSignals { lacks.append("\(signals) of \(rule.shadowSignals) signals have matched") }
        if falsePositives > truePositives {
            lacks.append("of the labeled ones \(falsePositives) were false alarms and \(truePositives) were not")
        }
        return lacks
    }

    private func proposalLacks(_ rule: LadderRule) -> [String] {
        var lacks: [String] = []
        let decided = accepted + declined
        if decided < rule.proposals { lacks.append("people decided \(decided) of \(rule.proposals) proposals") }
        if decided > 0, Double(accepted) < rule.accepted * Double(decided) {
            lacks.append("they accepted \(accepted) of \(decided), \(number(rule.accepted * 100))% are asked for")
        }
        let wrong = wrongRuns(among: rule.without)
        if wrong > 0 {
            lacks.append("\(wrong) of its last \(rule.without) runs were undone or labeled a false alarm")
        }
        return lacks
    }
}
