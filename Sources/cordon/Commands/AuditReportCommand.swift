// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage
import CordonStore

struct AuditTimes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Tell how long it took to detect, decide, contain and restore.",
        discussion: """
            Of all runs that were opened in a period, per playbook or per identity: how many, the median, the time below \
            which 95 of 100 lie, the longest. Detect: from what happened (as the source says) to the alert. Decide: from \
            the alert to the decision. Contain: from the alert to the end of the step that the playbook's objective \
            names, or of the first step that changes anything. Restore: from there to the end of its undo. Runs that \
            contained later than the objective of the playbook, as it was when they were opened, are named as late.

            EXAMPLES
              cordon audit report --from 2026-07-01 --to 2026-10-01
              cordon audit report --from 2026-07-01 --to 2026-10-01 --by identity -o json
            """)

    @OptionGroup var population: PopulationOptions
    @Option(name: .long, help: "playbook or identity.") var by = "playbook"

    private static let pageLines = 500

    func run() async throws {
        guard let grouping = TimesReport.Grouping(rawValue: by) else {
            throw CommandFailure(.usage, "--by is '\(by)'; it takes playbook or identity")
        }
        guard population.bundle == nil else {
            throw CommandFailure(.usage, "times are measured in a state folder; leave --bundle out")
        }
        let settings = try await population.common.settings()
        let runs = try await population.runs()
        let store = try SQLiteStore(.readOnly(settings.statePath))
        do {
            var times: [RunTimes] = []
            var objectives: [String: Objective] = [:]
            for run in runs {
                let digest = run.playbookDigest
                let asked = if let known = objectives[digest] { known } else { try await objective(digest, store) }
                objectives[digest] = asked
                if let read = try await read(run, asked, store) { times.append(read) }
            }
            await store.close()
            show(TimesReport.rows(times, by: grouping), grouping)
        } catch {
            await store.close()
            throw error
        }
    }

    private typealias Objective = (step: String?, within: Int64?)

    /// Of the playbook that the run was opened on: what it says today says nothing of what was asked then.
    private func objective(_ digest: String, _ store: SQLiteStore) async throws -> Objective {
        guard let stored = try await store.definition(digest) else {
            Output.note("the playbook \(digest) is not in the state folder: its runs are measured against no objective")
            return (nil, nil)
        }
        let said = Playbook.objective(in: stored.source)
        return (said?.step, said?.milliseconds)
    }

    private func read(
        _ run: RunRecord, _ objective: Objective, _ store: SQLiteStore
    ) async throws -> RunTimes? {
        var query = DecisionQuery()
        query.id = run.decision
        guard let decision = try await store.decisions(query).first,
            let signal = try await store.signals(of: run.alert).first(where: { $0.id == decision.signal })
        else { return nil }
        var lines: [(at: Instant, event: Event)] = []
        while lines.count < run.number {
            let page = try await store.history(run.id.text, from: lines.count + 1, limit: Self.pageLines)
            guard !page.isEmpty else { break }
            lines += try page.map { (at: $0.entry.at, event: try $0.entry.event()) }
        }
        let occurred = (try? JSON.parse(signal.body))?["occurred_at"]?.stringValue
        return RunTimes(
            run: run.id.text, playbook: run.playbook, subject: run.subject,
            occurredAt: occurred.flatMap(Instant.init(rfc3339:)), receivedAt: signal.receivedAt,
            decidedAt: decision.at, lines: lines, objective: objective)
    }

    private func show(_ rows: [Value], _ grouping: TimesReport.Grouping) {
        func spread(_ name: String) -> Output.Column {
            Output.Column(name.uppercased()) { row in
                guard let spread = row[name], let median = spread["median_ms"]?.intValue,
                    let p95 = spread["p95_ms"]?.intValue, let longest = spread["max_ms"]?.intValue
                else { return "–" }
                return [median, p95, longest].map { format($0) }.joined(separator: " / ")
            }
        }
        Output.many(
            rows, as: population.common.output,
            columns: [
                Output.Column(grouping.rawValue.uppercased()) { $0[grouping.rawValue]?.stringValue ?? "" },
                Output.Column("RUNS") { String($0["runs"]?.intValue ?? 0) }, spread("detect"), spread("decide"),
                spread("contain"), spread("restore"),
                Output.Column("LATE") { String($0["late"]?.arrayValue?.count ?? 0) },
            ])
        if population.common.output == .table, !rows.isEmpty { Output.note("times are median / p95 / longest") }
    }
}

/// Milliseconds for people: two digits below a minute, whole seconds above.
private func format(_ milliseconds: Int64) -> String {
    switch abs(milliseconds) {
    case ..<1000: "\(milliseconds)ms"
    case ..<60_000: "\(milliseconds / 1000).\(abs(milliseconds) % 1000 / 100)s"
    default: age(milliseconds)
    }
}
