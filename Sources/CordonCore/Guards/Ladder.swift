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

/// How far each version of each playbook was let.
package struct Ladder: Sendable, Hashable {
    /// A playbook as it is, and what it does: another step in its workflow, or in one that this calls, is another version.
    package struct Version: Sendable, Hashable {
        package var playbook: String
        package var digest: String
        /// The digests of the workflow that it runs and of all that this calls, sorted; `nil` in what was said before they
        /// counted.
        package var does: [String]?

        package init(playbook: String, digest: String, does: [String]?) {
            self.playbook = playbook
            self.digest = digest
            self.does = does
        }
    }

    package struct Rung: Sendable, Hashable {
        package var version: Version
        package var mode: Playbook.Mode
        package var by: String
        package var reason: String
        package var since: Instant

        package init(version: Version, mode: Playbook.Mode, by: String, reason: String, since: Instant) {
            self.version = version
            self.mode = mode
            self.by = by
            self.reason = reason
            self.since = since
        }
    }

    private var rungs: [Version: Rung] = [:]
    private var latest: [String: Rung] = [:]

    package init() {}

    package mutating func set(_ rung: Rung) {
        rungs[rung.version] = rung
        latest[rung.version.playbook] = rung
    }

    package func rung(of version: Version) -> Rung? { rungs[version] }

    /// How far this very version may go.
    package func mode(of version: Version) -> Playbook.Mode {
        rung(of: version)?.mode ?? latest[version.playbook]?.mode.below ?? .shadow
    }

    /// What is new of a version that nobody has let go anywhere.
    package func newness(of version: Version) -> String {
        let isKnown = latest[version.playbook]?.version.digest == version.digest
        return isKnown ? "what this digest's workflow does is another than it was let go for" : "this digest is new"
    }
}

extension Library {
    package func version(of playbook: Playbook) -> Ladder.Version {
        version(of: playbook.pin, running: playbook.workflow)
    }

    func version(of pin: Run.Pin, running name: String) -> Ladder.Version {
        let all = workflows[name].map { [$0] + called(by: $0) } ?? []
        return Ladder.Version(playbook: pin.name, digest: pin.digest, does: all.map(\.digest).sorted())
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
