// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
import CordonStore
import Synchronization

/// What came of a case, read off what the engine stored.
package struct Performance: Sendable {
    /// What the playbook made of one alert.
    package struct Judgment: Sendable, Hashable {
        package var verdict: Decision.Verdict
        /// The guards that spoke, with their words.
        package var reasons: [(guardName: String, because: String)]

        package static func == (left: Judgment, right: Judgment) -> Bool { left.value == right.value }
        package func hash(into hasher: inout Hasher) { hasher.combine(value) }

        package var value: Value {
            [
                "verdict": .string(verdict.rawValue),
                "reasons": .array(
                    reasons.map { ["guard": .string($0.guardName), "because": .string($0.because)] }),
            ]
        }
    }

    /// A call that was made: its intent is stored, and its request left.
    package struct Made: Sendable, Hashable {
        /// A capability, or `undo:STEP`.
        package var name: String
        package var step: String
        /// Since the first alert.
        package var atMilliseconds: Int64
    }

    package struct Played: Sendable {
        package var run: Run
        package var history: [(at: Instant, event: Event)]
    }

    package var judgments: [Judgment]
    /// Why alerts gave no decision at all.
    package var unread: [String]
    package var runs: [Played]
    package var requests: [String: Int]
    /// What people were not allowed to do.
    package var refusals: [String]
    package var crashes: Int
    package var isOverrun: Bool
    /// How much time went by in the case.
    package var spanMilliseconds: Int64

    package var start: Instant { Scene.start }

    /// The calls in the order in which they were first made; tries of one are one.
    package var calls: [Made] {
        var all: [(at: Instant, made: Made)] = []
        for played in runs {
            var seen: Set<String> = []
            for (at, event) in played.history {
                guard case .callIntended(let step, let call) = event, call.purpose.isChange || call.purpose == .act,
                    seen.insert(step).inserted
                else { continue }
                let made = Made(
                    name: call.purpose == .undo ? step : call.capability, step: step,
                    atMilliseconds: at.since(Scene.start))
                all.append((at, made))
            }
        }
        // Stable: runs that act at the same moment stay in the order of their alerts.
        return all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element.made)
    }

    /// What people were asked, each question once.
    package var asks: [String] {
        runs.flatMap { played in
            played.history.compactMap { _, event -> String? in
                switch event {
                case .runAsked(let ask) where ask.kind != .queued:
                    ask.kind.rawValue + (ask.step.map { "/\($0)" } ?? "")
                case .runPaused: Run.Ask.Kind.paused.rawValue
                case .questionAsked(let step, _): "\(Run.Ask.Kind.question.rawValue)/\(step)"
                case .holdChanged(let step, let hold, _, _) where hold.state == .asking:
                    "\(Run.Ask.Kind.holdEnded.rawValue)/\(step)"
                default: nil
                }
            }
        }
    }
}

extension Scene {
    func performance() async throws -> Performance {
        var judgments: [Performance.Judgment] = []
        var unread: [String] = []
        var query = AlertQuery()
        query.oldestFirst = true
        query.limit = Limits.repeatsPerCaseMax
        for alert in try await store.alerts(query) {
            var asked = DecisionQuery()
            asked.alert = alert.id
            let decisions = try await store.decisions(asked)
            if decisions.isEmpty { unread.append(try await whyUnread(alert)) }
            for decision in decisions { judgments.append(try judgment(decision)) }
        }
        var runs: [Performance.Played] = []
        var all = RunQuery()
        all.oldestFirst = true
        all.limit = Limits.repeatsPerCaseMax
        for record in try await store.runs(all) {
            runs.append(Performance.Played(run: try record.run(), history: try await history(record)))
        }
        let progress = self.progress.withLock { $0 }
        return Performance(
            judgments: judgments, unread: unread, runs: runs, requests: provider.requests,
            refusals: progress.refusals, crashes: progress.crashes, isOverrun: progress.isOverrun,
            spanMilliseconds: clock.now.since(Scene.start))
    }

    private func history(_ record: RunRecord) async throws -> [(at: Instant, event: Event)] {
        var all: [(at: Instant, event: Event)] = []
        while true {
            let page = try await store.history(record.id.text, from: all.count + 1, limit: 1000)
            for indexed in page { all.append((indexed.entry.at, try indexed.entry.event())) }
            if page.count < 1000 { return all }
        }
    }

    private func judgment(_ record: DecisionRecord) throws -> Performance.Judgment {
        let body = try JSON.parse(record.body)
        let match = body["matches"]?.arrayValue?.first {
            $0.at("playbook", "name")?.stringValue == rehearsal.playbook.name
        }
        let reasons = (match?["reasons"]?.arrayValue ?? []).map { reason in
            (reason["guard"]?.stringValue ?? "", reason["because"]?.stringValue ?? "")
        }
        let verdict = match?["verdict"]?.stringValue.flatMap(Decision.Verdict.init(rawValue:))
        return Performance.Judgment(verdict: verdict ?? .ignore, reasons: reasons)
    }

    private func whyUnread(_ alert: Alert) async throws -> String {
        let lines = try await store.history(alert.id.text, from: 1, limit: 100)
        let body = try lines.last.map { try JSON.parse($0.entry.bytes)["body"] } ?? nil
        return "\(alert.state.rawValue): \(body?["reason"]?.stringValue ?? "it says nothing")"
    }
}
