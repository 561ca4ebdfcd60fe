// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

extension Performance {
    /// Where it differs from what the case expects; each in words that an operator reads, the first line of each the gist.
    package func differences(
        from expect: PlaybookTest.Expectation, _ playbook: Playbook, _ map: WorkflowMap
    ) -> [String] {
        var found = refusals
        if isOverrun { found.append("it goes on for ever: stopped after \(spanText(spanMilliseconds))") }
        found += verdictDifferences(expect) + callDifferences(expect)
        if let within = expect.containedWithinMilliseconds { found += containment(within, playbook, map) }
        if let end = expect.end { found += endDifferences(end, map) }
        if let asked = expect.asked, asked != asks {
            found.append("asked: expected \(listed(asked)), got \(listed(asks))")
        }
        if let count = expect.runs, count != runs.count { found.append("runs: expected \(count), got \(runs.count)") }
        for (step, wanted) in expect.steps.sorted(by: { $0.key < $1.key }) {
            let got = runs.map { stepEnd($0.run, step) }
            if got.isEmpty || got.contains(where: { $0 != wanted }) {
                let words = got.isEmpty ? "no run" : Set(got.map(\.rawValue)).sorted().joined(separator: ", ")
                found.append("step '\(step)': expected \(wanted.rawValue), got \(words)\(note(of: step))")
            }
        }
        return found
    }

    private func note(of step: String) -> String {
        runs.lazy.compactMap { $0.run.step(step)?.note }.first.map { " (\($0))" } ?? ""
    }

    // MARK: The decision

    private func verdictDifferences(_ expect: PlaybookTest.Expectation) -> [String] {
        guard expect.verdict != nil || !expect.because.isEmpty else { return [] }
        guard let last = judgments.last else {
            return ["verdict: no decision was made, the alert was \(unread.last ?? "never read")"]
        }
        let reasons = last.reasons.map { "    \($0.guardName): \($0.because)" }.joined(separator: "\n")
        let why = reasons.isEmpty ? "\n    its trigger does not hold" : "\n\(reasons)"
        var found: [String] = []
        if let verdict = expect.verdict, verdict != last.verdict {
            found.append("verdict: expected \(verdict.rawValue), got \(last.verdict.rawValue)\(why)")
        }
        for word in expect.because
        where !last.reasons.contains(where: { $0.guardName == word || $0.because.contains(word) }) {
            found.append("because: no guard speaks of '\(word)'\(why)")
        }
        return found
    }

    // MARK: Calls

    private func callDifferences(_ expect: PlaybookTest.Expectation) -> [String] {
        let calls = self.calls
        var found: [String] = []
        if let wanted = expect.calls, wanted != calls.map(\.name) {
            found.append("calls: expected \(listed(wanted))\n" + shown(calls, beside: wanted))
        }
        for name in expect.notCalled {
            guard let call = calls.first(where: { $0.name == name }) else { continue }
            found.append("not_called: \(name) was called at +\(spanText(call.atMilliseconds)) ('\(call.step)')")
        }
        for (name, count) in expect.requests.sorted(by: { $0.key < $1.key }) where requests[name] ?? 0 != count {
            found.append("requests: expected \(count) of \(name), \(requests[name] ?? 0) left")
        }
        return found
    }

    /// The calls that were made, with their times; what differs is marked.
    private func shown(_ calls: [Made], beside wanted: [String]) -> String {
        if calls.isEmpty { return "    got none" + whyNot }
        let rows = calls.enumerated().map { index, call in
            let isWanted = index < wanted.count && wanted[index] == call.name
            return "    \(isWanted ? " " : "≠") +\(spanText(call.atMilliseconds))  \(call.name)  ('\(call.step)')"
        }
        let missing = wanted.count > calls.count ? ["    ≠ nothing in place of \(wanted[calls.count])" + whyNot] : []
        return (rows + missing).joined(separator: "\n")
    }

    /// What the last run waits for, or why it ended: where a missing call would have been.
    private var whyNot: String {
        guard let run = runs.last?.run else { return judgments.isEmpty ? "" : ": no run was opened" }
        if let ask = run.asks.first { return ": it asks a person (\(ask.kind.rawValue): \(ask.reason))" }
        if let conclusion = run.conclusion { return ": it ended (\(conclusion.reason))" }
        return ""
    }

    // MARK: Containment and the end

    private func containment(_ within: Int64, _ playbook: Playbook, _ map: WorkflowMap) -> [String] {
        let contains = map.spots.first {
            $0.line.act.flatMap { Capability.named($0.capability) }?.isContainment == true
        }
        guard let step = playbook.containedBy ?? contains?.step else {
            return ["contained_within: the playbook has no objective, and its workflow contains nothing"]
        }
        guard !runs.isEmpty else { return ["contained_within: no run was opened"] }
        return runs.compactMap { played in
            guard let span = containedAfter(step, played, map) else {
                return "contained_within: '\(step)' never took effect as far as was seen\(note(of: step))"
            }
            guard span > within else { return nil }
            return "contained_within: expected \(spanText(within)), it took \(spanText(span))"
        }
    }

    /// Containment counts once the effect was seen, where the workflow looks.
    package func containedAfter(_ step: String, _ played: Played, _ map: WorkflowMap) -> Int64? {
        let looks = map.spot(of: step)?.line.act?.verify != nil
        for (at, event) in played.history {
            if case .stepFinished(step, let isVerified, _) = event, isVerified || !looks {
                return at.since(played.run.openedAt)
            }
        }
        return nil
    }

    private func endDifferences(_ end: PlaybookTest.Expectation.End, _ map: WorkflowMap) -> [String] {
        if end == .none { return runs.isEmpty ? [] : ["end: expected no run, got \(runs.count)"] }
        if runs.isEmpty { return ["end: expected \(end.rawValue), no run was opened"] }
        return runs.compactMap { played in
            let run = played.run
            let isMet =
                switch end {
                case .completed: run.ending == .completed
                case .cancelled: run.ending == .cancelled
                case .undone: run.ending == .undone
                case .stopped: run.ending == .stopped
                case .restored: isRestored(run, map)
                case .asked: run.isLive && !run.asks.isEmpty
                case .none: false
                }
            return isMet ? nil : "end: expected \(end.rawValue), got \(endText(run))"
        }
    }

    private func isRestored(_ run: Run, _ map: WorkflowMap) -> Bool {
        let undoable = run.steps.filter { step in
            !step.isUndo && step.hasActed && map.spot(of: step.id)?.line.act?.undo == .byConnector
        }
        return !run.isLive && !undoable.isEmpty && undoable.allSatisfy(\.isUndone)
    }

    /// `completed`, or what a run that has not ended waits for.
    package func endText(_ run: Run) -> String {
        if let ending = run.ending { return ending.rawValue + (run.conclusion.map { " (\($0.reason))" } ?? "") }
        if let ask = run.asks.first {
            return "asked (\(ask.kind.rawValue)\(ask.step.map { " at '\($0)'" } ?? ""): \(ask.reason))"
        }
        return "a run that waits for \(run.wake?.word ?? "nothing")"
    }

    private func stepEnd(_ run: Run, _ id: String) -> PlaybookTest.Expectation.StepEnd {
        guard let step = run.step(id) else { return .pending }
        if step.isUndone { return .undone }
        switch step.phase {
        case .finished: return .finished
        case .skipped: return .skipped
        case .failed: return .failed
        case .stopped, .uncertain: return .stopped
        case .pending, .calling, .backingOff, .halted, .asking, .waiting, .open: return .pending
        }
    }

    private func listed(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
