// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What one digest of a playbook made of the signals of a span: what it did, what it would have done, and what people
/// said of it. It is what a promotion is decided by, and the report of a playbook that is in shadow.
package struct TrackRecord: Sendable, Hashable {
    /// One signal that the playbook's trigger held for.
    package struct Line: Sendable, Hashable {
        package var at: Instant
        package var alert: AlertID
        package var verdict: Decision.Verdict
        /// What it would have been had the playbook been let as far as `enforce`.
        package var would: Decision.Verdict
        package var subject: String?
        /// The run that it opened, as it stands.
        package var run: Run?
        package var label: Label?
        /// Other playbooks that opened a run on the same signal.
        package var others: [String]
        /// What its provider told, asked when the signal came, of what would have been done.
        package var look: Value?

        package init(
            at: Instant, alert: AlertID, verdict: Decision.Verdict, would: Decision.Verdict, subject: String?,
            run: Run? = nil, label: Label? = nil, others: [String] = []
        ) {
            self.at = at
            self.alert = alert
            self.verdict = verdict
            self.would = would
            self.subject = subject
            self.run = run
            self.label = label
            self.others = others
        }
    }

    package let lines: [Line]

    /// - Parameter lines: of one digest, in any order.
    package init(_ lines: [Line]) { self.lines = lines.sorted { ($0.at, $0.alert.text) < ($1.at, $1.alert.text) } }

    package var signals: Int { lines.count }
    package var identities: Int { Set(lines.compactMap(\.subject)).count }
    package var truePositives: Int { lines.count { $0.label == .truePositive } }
    package var falsePositives: Int { lines.count { $0.label == .falsePositive } }

    /// Whole days from the first signal to the last.
    package var days: Int {
        guard let first = lines.first, let last = lines.last else { return 0 }
        return Int(last.at.since(first.at) / 86_400_000)
    }

    /// Proposals that people let begin, and those that they turned down; a run that still waits is neither.
    package var accepted: Int { lines.count { $0.verdict == .propose && $0.run.map(Self.wasAccepted) == true } }
    package var declined: Int {
        lines.count { line in
            guard line.verdict == .propose, let run = line.run, !run.isLive else { return false }
            return !Self.wasAccepted(run)
        }
    }

    /// It was let begin and did not have to be undone.
    private static func wasAccepted(_ run: Run) -> Bool {
        if case .ended(let ending) = run.phase, ending == .undone { return false }
        return run.steps.contains { $0.startedAt != nil }
    }

    package func wrongRuns(among count: Int) -> Int {
        lines.filter { $0.run != nil }.suffix(count).count { line in
            if line.label == .falsePositive { return true }
            if case .ended(.undone)? = line.run?.phase { return true }
            return false
        }
    }

    /// How many would have been acted on within the worst hour, from when on, and on how many identities.
    package var worstHour: (from: Instant, runs: Int, identities: Int)? {
        let acted = lines.filter { $0.would == .enforce || $0.would == .propose }
        var worst: (from: Instant, runs: Int, identities: Int)?
        var first = 0
        for last in acted.indices {
            while acted[last].at.since(acted[first].at) >= 3_600_000 { first += 1 }
            let runs = last - first + 1
            guard runs > worst?.runs ?? 0 else { continue }
            worst = (acted[first].at, runs, Set(acted[first...last].compactMap(\.subject)).count)
        }
        return worst
    }

    /// The share of false alarms among the labeled ones, 0 to 1, and the most that it may be by what was labeled: the
    /// upper end of Wilson's score interval at 95 % (E. B. Wilson, JASA 22, 1927). `nil` while nothing is labeled.
    package var falseShare: (seen: Double, atMost: Double)? {
        let count = Double(truePositives + falsePositives)
        guard count > 0 else { return nil }
        let seen = Double(falsePositives) / count
        let z = 1.959_964
        let middle = seen + z * z / (2 * count)
        let spread = z * ((seen * (1 - seen) + z * z / (4 * count)) / count).squareRoot()
        return (seen, min(1, (middle + spread) / (1 + z * z / count)))
    }

    /// What would have been done by what providers told then: how often by capability, and the states that nobody could
    /// read.
    var looks: (made: Int, acts: [String: Int], unread: Int) {
        let all = lines.compactMap(\.look)
        var acts: [String: Int] = [:]
        var unread = 0
        for look in all {
            let reads = look["reads"]?.arrayValue ?? []
            for act in look["acts"]?.arrayValue ?? [] { acts[act["do"]?.stringValue ?? "", default: 0] += 1 }
            unread += (reads + (look["acts"]?.arrayValue ?? [])).count { $0["unread"]?.stringValue != nil }
        }
        return (all.count, acts, unread)
    }

    /// - Parameter worst: the most that one run of its workflow changes.
    package func value(_ pin: Run.Pin, _ mode: Playbook.Mode, _ worst: WorstCase) -> Value {
        var would: [String: Value] = [:]
        for verdict in Decision.Verdict.allCases {
            let count = lines.count { $0.would == verdict }
            if count > 0 { would[verdict.rawValue] = .int(Int64(count)) }
        }
        let acts = lines.count { $0.would == .enforce }
        return record([
            "playbook": .string(pin.name), "digest": .string(pin.digest), "mode": .string(mode.rawValue),
            "from": lines.first.map { .string($0.at.description) }, "to": lines.last.map { .string($0.at.description) },
            "days": .int(Int64(days)), "signals": .int(Int64(signals)), "identities": .int(Int64(identities)),
            "would": .object(would),
            "writes_at_most": .object(worst.writes.mapValues { .int(Int64($0 * acts)) }),
            "worst_hour": worstHour.map {
                [
                    "from": .string($0.from.description), "runs": .int(Int64($0.runs)),
                    "identities": .int(Int64($0.identities)),
                ]
            },
            "labels": [
                "true_positive": .int(Int64(truePositives)), "false_positive": .int(Int64(falsePositives)),
                "none": .int(Int64(signals - truePositives - falsePositives)),
            ],
            "false_share": falseShare.map { ["seen": .double($0.seen), "at_most": .double($0.atMost)] },
            "proposals": ["accepted": .int(Int64(accepted)), "declined": .int(Int64(declined))],
            "looks": [
                "made": .int(Int64(looks.made)), "acts": .object(looks.acts.mapValues { .int(Int64($0)) }),
                "unread": .int(Int64(looks.unread)),
            ],
            "others_acted": .int(Int64(lines.count { !$0.others.isEmpty })),
        ])
    }
}

extension TrackRecord.Line {
    /// What a stored decision says of one playbook; `nil` where its trigger did not hold.
    ///
    /// - Parameter body: as `Decision.value`.
    package init?(
        _ body: Value, of pin: Run.Pin, running workflow: Run.Pin? = nil, at: Instant, alert: AlertID
    ) {
        let matches = body["matches"]?.arrayValue ?? []
        guard let match = matches.first(where: { $0["playbook"] == pin.value }),
            workflow.map({ match["workflow"] == $0.value }) ?? true,
            let verdict = match["verdict"]?.stringValue.flatMap(Decision.Verdict.init)
        else { return nil }
        // What its own mode and rung say is what a promotion would change.
        let others = (match["reasons"]?.arrayValue ?? []).compactMap { reason -> Decision.Verdict? in
            guard let name = reason["guard"]?.stringValue, name != "mode", name != "ladder" else { return nil }
            return reason["verdict"]?.stringValue.flatMap(Decision.Verdict.init)
        }
        let subject = match["subject"]?["subject"] ?? .null
        self.init(
            at: at, alert: alert, verdict: verdict, would: strictest(others + [.enforce]),
            subject: subject["id"]?.stringValue.map { "\(subject["kind"]?.stringValue ?? ""):\($0)" },
            others: matches.compactMap { other in
                other["playbook"]?["name"] == .string(pin.name) || (other["run"] ?? .null) == .null
                    ? nil : other["playbook"]?["name"]?.stringValue
            })
    }
}
