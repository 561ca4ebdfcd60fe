// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// How every guard stands now: what is used, what is left, and what speaks.
package struct GuardReport: Sendable, Hashable {
    package struct Row: Sendable, Hashable {
        /// `nil`: of the installation.
        package var playbook: String?
        package var guardName: String
        /// What it would make of a signal now, whomever it is about; `enforce` where it does not speak.
        package var verdict: Decision.Verdict
        package var says: String
        package var numbers: [String: Value]

        package var value: Value {
            [
                "playbook": playbook.map(Value.string) ?? .null, "guard": .string(guardName),
                "verdict": .string(verdict.rawValue), "says": .string(says), "numbers": .object(numbers),
            ]
        }
    }

    package let rows: [Row]

    /// One halt that stands.
    package struct Halted: Sendable, Hashable {
        package var scope: String
        package var by: String
        package var reason: String
        package var since: Instant

        package init(scope: String, by: String, reason: String, since: Instant) {
            self.scope = scope
            self.by = by
            self.reason = reason
            self.since = since
        }
    }

    package init(_ library: Library, _ standing: Standing, halts: [Halted] = [], at now: Instant) {
        let maker = Maker(library: library, standing: standing, now: now)
        rows =
            halts.map(maker.halt) + maker.installation
            + library.playbooks.filter { $0.mode != .off }.flatMap { maker.rows(of: $0) }
    }
}

private struct Maker {
    let library: Library
    let standing: Standing
    let now: Instant

    private var policy: GuardPolicy { library.guards }

    // MARK: The installation

    var installation: [GuardReport.Row] {
        [protection, freeze, maintenance, drift, risk].compactMap { $0 } + spent
    }

    private func row(
        _ playbook: String?, _ name: String, _ verdict: Decision.Verdict, _ says: String, _ numbers: [String: Value]
    ) -> GuardReport.Row {
        GuardReport.Row(playbook: playbook, guardName: name, verdict: verdict, says: says, numbers: numbers)
    }

    /// What is halted writes nothing, whatever a playbook's own guards say.
    func halt(_ halted: GuardReport.Halted) -> GuardReport.Row {
        row(
            nil, "halt", .deny, "\(halted.scope) is halted since \(halted.since) by \(halted.by): \(halted.reason)",
            [
                "scope": .string(halted.scope), "by": .string(halted.by), "reason": .string(halted.reason),
                "since": .string(halted.since.description),
            ])
    }

    private func counted(_ protection: Protection) -> (deny: Int, ask: Int, expired: Int) {
        let subjects = library.inventory.identities.map(\.subject)
        let answers = subjects.compactMap { protection.speaks(of: $0, at: now)?.answer }
        return (
            answers.count { $0 == .deny }, answers.count { $0 == .propose },
            (protection.deny + protection.ask).count { !$0.isInForce(at: now) }
        )
    }

    private var protection: GuardReport.Row? {
        let (deny, ask, expired) = counted(policy.protection)
        return row(
            nil, "protected", .enforce,
            "\(deny) identities denied, \(ask) ask first, \(policy.own.count) Cordon's own, \(expired) entries expired",
            [
                "denied": .int(Int64(deny)), "asked": .int(Int64(ask)), "expired": .int(Int64(expired)),
                "own": .array(policy.own.keys.sorted().map(Value.string)),
                "deny": .array(policy.protection.deny.map { .string($0.text) }),
                "ask": .array(policy.protection.ask.map { .string($0.text) }),
            ])
    }

    private var freeze: GuardReport.Row? {
        guard !policy.freezes.isEmpty else { return nil }
        guard let (window, end) = policy.freeze(at: now) else {
            return row(
                nil, "freeze", .enforce, "none is on, of \(policy.freezes.count) windows",
                ["windows": .int(Int64(policy.freezes.count))])
        }
        return row(
            nil, "freeze", .propose, "on until \(end): \(window.name)",
            [
                "windows": .int(Int64(policy.freezes.count)), "name": .string(window.name),
                "until": .string(end.description),
            ])
    }

    private var maintenance: GuardReport.Row? {
        guard !policy.maintenance.isEmpty else { return nil }
        let on = policy.maintenance.filter { $0.window.end(at: now) != nil }.map(\.window.name)
        return row(
            nil, "maintenance", .enforce, on.isEmpty ? "no work is on" : "on: \(on.joined(separator: ", "))",
            ["windows": .int(Int64(policy.maintenance.count)), "on": .array(on.map(Value.string))])
    }

    private var drift: GuardReport.Row? {
        guard let rule = policy.drift else { return nil }
        let all = standing.putBacks(within: rule.windowMilliseconds, at: now)
        let over = all.filter { $0.times >= rule.times }
        return row(
            nil, "drift", over.isEmpty ? .enforce : .propose,
            over.isEmpty
                ? "nobody keeps putting anything back"
                : "put back by others: \(over.map(\.subject).joined(separator: ", "))",
            [
                "times": .int(Int64(rule.times)),
                "window": .string(YAMLDuration.text(milliseconds: rule.windowMilliseconds)),
                "put_back": .array(
                    all.map { ["subject": .string($0.subject), "times": .int(Int64($0.times))] }),
            ])
    }

    private var risk: GuardReport.Row? {
        let scores = standing.risks(at: now)
        guard !scores.isEmpty || library.playbooks.contains(where: { $0.guards.risk != nil }) else { return nil }
        let highest = scores.first.map { ", the highest \(number($0.score)) of \($0.subject)" } ?? ""
        return row(
            nil, "risk", .enforce, "\(scores.count) identities have a score\(highest)",
            [
                "scores": .array(
                    scores.prefix(Limits.risksShown).map {
                        ["subject": .string($0.subject), "score": .double($0.score)]
                    }), "identities": .int(Int64(scores.count)),
            ])
    }

    /// What is spent of the limits that stand across playbooks; of providers, owners and kinds that were touched.
    private var spent: [GuardReport.Row] {
        guard let limits = policy.limits else { return [] }
        var rows: [GuardReport.Row] = []
        func add(_ scope: Touch.Scope, _ most: Int?) {
            guard let most else { return }
            let used = standing.count(in: scope, at: now)
            rows.append(limit(nil, scope, used, most, limits.over))
        }
        add(.all, limits.all)
        let touched = standing.touched(at: now)
        for provider in Set(touched.map(\.provider)).sorted() { add(.provider(provider), limits.perProvider) }
        for owner in Set(touched.compactMap(\.owner)).sorted() { add(.owner(owner), limits.perOwner) }
        for kind in Set(touched.map(\.kind)).sorted(by: { $0.rawValue < $1.rawValue }) where kind != .agentSession {
            add(.kind(kind), limits.allowed(of: library.inventory.count(of: kind)))
        }
        return rows
    }

    private func limit(
        _ playbook: String?, _ scope: Touch.Scope, _ used: Int, _ most: Int, _ over: GuardAnswer
    ) -> GuardReport.Row {
        row(
            playbook, "limits", used >= most ? over.verdict : .enforce,
            "\(used) of \(most) identities within an hour, \(max(0, most - used)) left"
                + (playbook == nil ? " (\(scope.text))" : ""),
            [
                "scope": .string(scope.text), "used": .int(Int64(used)), "most": .int(Int64(most)),
                "left": .int(Int64(max(0, most - used))),
            ])
    }

    // MARK: Playbooks

    func rows(of playbook: Playbook) -> [GuardReport.Row] {
        [
            mode(playbook), limits(playbook), surge(playbook), breaker(playbook), ladder(playbook),
            confidence(playbook), act(playbook), requirements(playbook), protection(playbook),
        ].compactMap { $0 }
    }

    private func mode(_ playbook: Playbook) -> GuardReport.Row? {
        let verdict: Decision.Verdict =
            switch playbook.mode {
            case .off: .ignore
            case .shadow: .shadow
            case .propose: .propose
            case .enforce: .enforce
            }
        return row(
            playbook.name, "mode", verdict, "its file says \(playbook.mode.rawValue)",
            ["mode": .string(playbook.mode.rawValue), "digest": .string(playbook.digest)])
    }

    private func requirements(_ playbook: Playbook) -> GuardReport.Row? {
        let all = playbook.guards.requirements
        guard !all.isEmpty else { return nil }
        return row(
            playbook.name, "require", .enforce, "asks of each subject and signal that \(all.count) conditions hold",
            ["that": .array(all.map { .string($0.that.source) })])
    }

    private func limits(_ playbook: Playbook) -> GuardReport.Row? {
        let all = [policy.limits, playbook.guards.limits].compactMap { limits in
            limits?.perPlaybook.map { ($0, limits?.over ?? .propose) }
        }
        guard let (most, over) = all.min(by: { $0.0 < $1.0 }) else { return nil }
        let scope = Touch.Scope.playbook(playbook.name)
        return limit(playbook.name, scope, standing.count(in: scope, at: now), most, over)
    }

    private func surge(_ playbook: Playbook) -> GuardReport.Row? {
        let paces = [policy.surge, playbook.guards.surge].compactMap { $0 }
            .map { SurgePace($0, playbook.name, standing, at: now) }
        guard let pace = paces.first(where: \.isOver) ?? paces.min(by: { $0.threshold < $1.threshold }) else {
            return nil
        }
        let since = standing.surges[playbook.name]
        let window = YAMLDuration.text(milliseconds: pace.rule.windowMilliseconds)
        var numbers = pace.inputs
        if let since { numbers["since"] = .string(since.description) }
        return row(
            playbook.name, "surge", since != nil || pace.isOver ? pace.rule.then.verdict : .enforce,
            "\(pace.matched) signals within \(window), usual are \(number(pace.median)), up to \(pace.threshold) is none"
                + (since.map { "; on since \($0)" } ?? ""), numbers)
    }

    private func breaker(_ playbook: Playbook) -> GuardReport.Row? {
        guard let rule = policy.breaker else { return nil }
        let open = standing.breakers[playbook.name]
        var numbers = open?.count.value ?? [:]
        numbers["last"] = .int(Int64(rule.last))
        numbers["share"] = .double(rule.share)
        numbers["since"] = open.map { .string($0.since.description) }
        return row(
            playbook.name, "breaker", open == nil ? .enforce : .propose,
            open.map { "open since \($0.since): \($0.count.words)" }
                ?? "closed; opens when \(number(rule.share * 100))% of its last \(rule.last) runs, at least "
                + "\(rule.atLeast), went wrong", numbers)
    }

    private func ladder(_ playbook: Playbook) -> GuardReport.Row? {
        guard policy.ladder != nil else { return nil }
        let version = library.version(of: playbook)
        let mode = standing.ladder.mode(of: version)
        let rung = standing.ladder.rung(of: version)
        let verdict: Decision.Verdict = mode == .enforce ? .enforce : mode == .propose ? .propose : .shadow
        return row(
            playbook.name, "ladder", verdict,
            rung.map { "this digest goes as far as \(mode.rawValue), since \($0.since) by \($0.by)" }
                ?? "\(standing.ladder.newness(of: version)) and goes as far as \(mode.rawValue)",
            ["mode": .string(mode.rawValue), "digest": .string(playbook.digest)])
    }

    private func confidence(_ playbook: Playbook) -> GuardReport.Row? {
        guard let min = [policy.confidenceMin, playbook.guards.confidence?.min].compactMap({ $0 }).max() else {
            return nil
        }
        return row(playbook.name, "confidence", .enforce, "asks for \(number(min))", ["min": .double(min)])
    }

    private func act(_ playbook: Playbook) -> GuardReport.Row? {
        guard let risk = playbook.guards.risk else { return nil }
        let near = standing.risks(at: now).filter { $0.score + risk.add >= risk.actAt }
        return row(
            playbook.name, "risk", .enforce,
            "adds \(number(risk.add)), acts from \(number(risk.actAt)) on; one more signal is enough for \(near.count)",
            [
                "add": .double(risk.add), "act_at": .double(risk.actAt),
                "half_life": .string(YAMLDuration.text(milliseconds: risk.halfLifeMilliseconds)),
                "near": .array(
                    near.prefix(Limits.risksShown).map {
                        ["subject": .string($0.subject), "score": .double($0.score)]
                    }),
            ])
    }

    private func protection(_ playbook: Playbook) -> GuardReport.Row? {
        guard !playbook.guards.protection.isEmpty else { return nil }
        let (deny, ask, expired) = counted(playbook.guards.protection)
        return row(
            playbook.name, "protected", .enforce, "\(deny) identities denied, \(ask) ask first besides",
            ["denied": .int(Int64(deny)), "asked": .int(Int64(ask)), "expired": .int(Int64(expired))])
    }
}
