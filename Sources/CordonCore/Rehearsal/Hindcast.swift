// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a draft of a playbook would have made of signals that came in: decided as the engine decides, and planned as far
/// as its workflow tells beforehand. It calls nobody and changes nothing.
package struct Hindcast: Sendable {
    /// A signal as it is stored, and what was made of it then.
    package struct Given: Sendable, Hashable {
        package var signal: Signal
        package var decidedAt: Instant
        /// `ignore` where the playbook's trigger did not hold, or where there was no such playbook.
        package var live: Decision.Verdict
        /// Whom providers named then, where the inventory knew nobody.
        package var sought: [Sought]

        package init(signal: Signal, decidedAt: Instant, live: Decision.Verdict, sought: [Sought] = []) {
            self.sought = sought
            self.signal = signal
            self.decidedAt = decidedAt
            self.live = live
        }
    }

    package struct Line: Sendable, Hashable {
        package var given: Given
        package var verdict: Decision.Verdict
        package var because: [String]
        package var subject: String?
        /// It would have joined a run that an earlier signal opened.
        package var joins: Bool
        package var plan: Plan
        /// Why its run would ask a person before it begins: its provider can't do what the workflow asks for.
        package var lack: String?

        package var isDifferent: Bool { verdict != given.live }
        package var opensRun: Bool {
            switch verdict {
            case .enforce, .propose, .undecided: !joins
            case .shadow, .ignore, .deny: false
            }
        }
    }

    /// Capabilities that a run calls, by what is known before it begins.
    package struct Plan: Sendable, Hashable {
        /// Each as often as it would be called when nothing fails.
        package var certain: [String: Int] = [:]
        /// Those that hang on what people or providers say.
        package var perhaps: [String: Int] = [:]

        package var writes: Bool {
            (Array(certain.keys) + Array(perhaps.keys)).contains { Capability.named($0)?.isWrite == true }
        }
    }

    package let lines: [Line]

    /// - Parameters:
    ///   - library: what decides: the draft alone as its playbook, its workflows, and the inventory of today.
    ///   - offered: what each connection can do; `nil`: whatever is asked of it.
    package init(_ given: [Given], _ library: Library, offered: [String: Set<String>]? = nil) {
        var opened: [String: Instant] = [:]
        var standing = Standing()
        var library = library
        // A draft was let nowhere yet: what is asked is what it would do once it is.
        library.guards.ladder = nil
        var lines: [Line] = []
        for given in given.sorted(by: { ($0.decidedAt, $0.signal.id.text) < ($1.decidedAt, $1.signal.id.text) }) {
            lines.append(Hindcast.line(given, library, offered, &opened, &standing))
        }
        self.lines = lines
    }

    private static func line(
        _ given: Given, _ library: Library, _ offered: [String: Set<String>]?, _ opened: inout [String: Instant],
        _ standing: inout Standing
    ) -> Line {
        // The inventory of today goes first; of others the history says whom a provider named.
        var library = library
        library.inventory.sought = given.sought
        let plain = decide(given.signal, library, at: given.decidedAt)
        let joins = plain.matches.first.map { Hindcast.joins($0, given, library, opened) } ?? false
        // What joins a run is not weighed: the run was.
        let decision = joins ? plain : plain.guarded(given.signal, library, standing)
        if !joins { standing.add(decision.marks(given.signal, library)) }
        guard let playbook = library.playbooks.first, let match = decision.matches.first,
            let workflow = library.workflows[match.workflow.name]
        else { return Line(given: given, verdict: .ignore, because: [], subject: nil, joins: false, plan: Plan()) }
        var subject: Subject?
        if case .resolved(let found) = match.resolution { subject = found }
        var line = Line(
            given: given, verdict: match.verdict,
            because: match.reasons.filter(\.tells).map { "\($0.guardName): \($0.because)" },
            subject: subject?.key, joins: joins && match.opensRun, plan: Plan())
        guard match.opensRun else { return line }
        guard !line.joins, let subject else { return line }
        opened[subject.key] = given.decidedAt
        line.lack = offered.flatMap { Hindcast.lack(subject, workflow, library, $0) }
        if let lack = line.lack {
            line.because.append("its run asks a person first: \(lack)")
            return line
        }
        if case .success(let inputs) = playbook.inputs(subject: subject, signal: given.signal, for: workflow) {
            let walker = PlanWalker(library: library, subject: subject)
            walker.walk(workflow.lines, inputs, isCertain: true, depth: 0, &line.plan)
        }
        return line
    }

    private static func lack(
        _ subject: Subject, _ workflow: Workflow, _ library: Library, _ offered: [String: Set<String>]
    ) -> String? {
        guard let able = offered[subject.provider] else { return "there is no connection '\(subject.provider)'" }
        let wanted = ([workflow] + library.called(by: workflow)).reduce(into: Set<String>()) {
            $0.formUnion($1.ownCapabilities)
        }
        let missing = wanted.subtracting(able).sorted()
        return missing.isEmpty ? nil : "'\(subject.provider)' does not offer \(missing.joined(separator: ", "))"
    }

    private static func joins(
        _ match: Decision.Match, _ given: Given, _ library: Library, _ opened: [String: Instant]
    ) -> Bool {
        guard match.opensRun, case .resolved(let subject) = match.resolution, let first = opened[subject.key],
            let window = library.playbooks.first?.trigger.groupMilliseconds
        else { return false }
        return given.decidedAt.since(first) <= window
    }

    // MARK: Over all

    package var differences: [Line] { lines.filter(\.isDifferent) }

    package func count(_ verdict: Decision.Verdict) -> Int { lines.count { $0.verdict == verdict } }
    package func liveCount(_ verdict: Decision.Verdict) -> Int { lines.count { $0.given.live == verdict } }

    /// Those that this does otherwise than another makes of the same signals: the verdict, or what would be called.
    package func differences(from other: Hindcast) -> [Line] {
        let known = Dictionary(other.lines.map { ($0.given.signal.id, $0) }) { first, _ in first }
        return lines.filter { line in
            guard let was = known[line.given.signal.id] else { return true }
            return line.verdict != was.verdict || line.plan != was.plan || (line.lack == nil) != (was.lack == nil)
        }
    }

    package var opened: [Line] { lines.filter(\.opensRun) }
    /// Runs that would ask a person before they begin, because their provider can't do what is asked for.
    package var lacking: [Line] { lines.filter { $0.opensRun && $0.lack != nil } }

    /// Whom it would have changed without asking anybody first.
    package var identities: Set<String> {
        Set(lines.filter { $0.verdict == .enforce && $0.plan.writes }.compactMap(\.subject))
    }

    /// What the runs that begin by themselves call.
    package var plan: Plan {
        lines.filter { $0.verdict == .enforce }.reduce(into: Plan()) { sum, line in
            sum.certain.merge(line.plan.certain, uniquingKeysWith: +)
            sum.perhaps.merge(line.plan.perhaps, uniquingKeysWith: +)
        }
    }

    /// The sixty minutes in which the most runs would have been opened, and how many.
    package var worstHour: (from: Instant, runs: Int)? {
        let times = opened.map(\.given.decidedAt)
        var worst: (from: Instant, runs: Int)?
        var end = 0
        for (start, from) in times.enumerated() {
            while end < times.count, times[end].since(from) < 3_600_000 { end += 1 }
            if end - start > worst?.runs ?? 0 { worst = (from, end - start) }
        }
        return worst
    }
}

extension Decision.Reason {
    /// A guard that holds nothing back is no reason for what is done.
    fileprivate var tells: Bool { verdict != .enforce || ["trigger", "subject", "mode"].contains(guardName) }
}

/// Goes through a workflow before it runs: what is certain, and what hangs on answers that nobody has yet.
private struct PlanWalker {
    let library: Library
    let subject: Subject

    func walk(
        _ lines: [Workflow.Line], _ inputs: Value, isCertain: Bool, depth: Int, _ plan: inout Hindcast.Plan
    ) {
        let variables: [String: Value] = ["inputs": inputs, "subject": subject.expressionValue, "steps": .object([:])]
        var isCertain = isCertain
        for line in lines {
            var isSure = isCertain && line.consent == nil && line.after == nil
            switch line.condition?.decide(variables) {
            case .isFalse: continue
            case .undecided: isSure = false
            case .isTrue, nil: break
            }
            var times = 1
            if let each = line.each {
                let items = each.list.evaluate(variables).value?.arrayValue?.count
                isSure = isSure && items != nil
                times = min(items ?? each.max, each.max)
            }
            switch line.kind {
            case .act(let act): note(act.capability, times, isSure, &plan)
            case .parallel(let branches):
                for branch in branches { walk(branch.lines, inputs, isCertain: isSure, depth: depth, &plan) }
            case .ladder(let ladder):
                for rung in ladder.rungs { walk(rung.lines, inputs, isCertain: false, depth: depth, &plan) }
            case .call(let name, let arguments):
                guard depth < Limits.workflowsCalledMax, let inner = library.workflows[name] else { break }
                let handed = arguments.render(variables)
                let own = (try? handed.get()) ?? .object([:])
                let knows = if case .success = handed { isSure } else { false }
                for _ in 0..<times { walk(inner.lines, own, isCertain: knows, depth: depth + 1, &plan) }
            // What follows hangs on what people say.
            case .approve, .task: isCertain = false
            case .wait, .undo: break
            }
        }
    }

    private func note(_ capability: String, _ times: Int, _ isSure: Bool, _ plan: inout Hindcast.Plan) {
        if isSure {
            plan.certain[capability, default: 0] += times
        } else {
            plan.perhaps[capability, default: 0] += times
        }
    }
}

extension Signal {
    /// A signal as its row keeps it; `nil` for a body of another shape.
    package init?(_ value: Value) {
        guard let id = value["id"]?.stringValue.flatMap(SignalID.init(_:)),
            let alert = value["alert"]?.stringValue.flatMap(AlertID.init(_:)),
            let source = value["source"]?.stringValue, let kind = value["kind"]?.stringValue,
            let receivedAt = value["received_at"]?.stringValue.flatMap(Instant.init(rfc3339:)),
            let severity = value["severity"]?.stringValue.flatMap(Severity.init(rawValue:)),
            let attributes = value["attributes"]
        else { return nil }
        let confidence: Double?
        switch value["confidence"] {
        case .double(let number)?: confidence = number
        case .int(let number)?: confidence = Double(number)
        case nil: confidence = nil
        default: return nil
        }
        self.init(
            id: id, alert: alert, source: source, kind: kind, receivedAt: receivedAt,
            occurredAt: value["occurred_at"]?.stringValue.flatMap(Instant.init(rfc3339:)), severity: severity,
            confidence: confidence, attributes: attributes, eventKey: value["event_key"]?.stringValue,
            about: value["about"].flatMap(Matter.init))
    }
}
