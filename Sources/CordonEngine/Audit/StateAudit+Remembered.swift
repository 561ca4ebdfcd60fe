// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore

/// Rows by which the next alert is weighed, or held for a repeat: none of them is more, and none is missing, than the
/// history tells of.
extension StateAudit {
    mutating func checkRemembered(_ rows: RememberedRows) {
        for id in rows.orphans {
            report.find(.broken, .rowDiffers, id, "its alert is not there")
        }
        checkEvents(rows.events)
        // Of a decision that was too long for its line nobody knows what it matched.
        if !ledger.isCut { checkTallies(rows.tallies) }
    }

    private mutating func checkEvents(_ rows: [EventKey: String]) {
        func place(_ key: EventKey) -> String { "event \(key.name) of \(key.source)" }
        for (key, signal) in rows.sorted(by: { place($0.key) < place($1.key) }) {
            let told = ledger.events[key]
            guard told?.row != signal else { continue }
            report.find(
                .broken, .rowDiffers, place(key),
                told.map { "its row says something else than \($0.place)" } ?? "no line of the history tells of it")
        }
        for (key, told) in ledger.events.sorted(by: { place($0.key) < place($1.key) }) where rows[key] == nil {
            report.find(.broken, .rowDiffers, place(key), "\(told.place) tells of it, and its row is not there")
        }
    }

    // MARK: What playbooks matched

    private mutating func checkTallies(_ rows: [TallyKey: Int]) {
        func place(_ key: TallyKey) -> String { "tally of \(key.playbook) in minute \(key.minute)" }
        for (key, count) in rows.sorted(by: { place($0.key) < place($1.key) }) {
            let told = ledger.tallies[key]
            guard told?.row != count else { continue }
            report.find(
                .broken, .rowDiffers, place(key),
                told.map { "it counts \(count), the lines up to \($0.place) \($0.row)" }
                    ?? "no line of the history tells of it")
        }
        // What no window reached any more went as its playbook's next signal came.
        var last: [String: Int64] = [:]
        for key in ledger.tallies.keys { last[key.playbook] = max(last[key.playbook] ?? .min, key.minute) }
        for (key, told) in ledger.tallies.sorted(by: { place($0.key) < place($1.key) }) where rows[key] == nil {
            let reach = Standing.matchedMilliseconds / 60_000
            guard key.minute >= (last[key.playbook] ?? 0) - reach else { continue }
            report.find(.broken, .rowDiffers, place(key), "\(told.place) tells of it, and its row is not there")
        }
    }

    // MARK: Marks

    private struct MarkKey: Hashable {
        var cause: String
        var subject: String
        var playbook: String
    }

    /// A score that was lowered by taking away what made it.
    mutating func checkMarks(_ rows: [Mark]) async throws(StoreError) {
        let there = Set(rows.map { MarkKey(cause: $0.cause, subject: $0.subject, playbook: $0.playbook) })
        // The youngest that was kept took the oldest away.
        let moments =
            ledger.weighed.map(\.at) + ledger.putBacks.values.flatMap { $0 } + rows.map(\.at)
        guard let last = moments.max() else { return }
        let first = last.adding(milliseconds: -Standing.markMilliseconds)
        var weighs: [Run.Pin: Bool] = [:]
        for told in ledger.weighed where told.at >= first {
            let key = MarkKey(cause: told.signal, subject: told.subject, playbook: told.playbook.name)
            guard !there.contains(key) else { continue }
            if weighs[told.playbook] == nil {
                let playbook = try await playbookRead(told.playbook.digest, told.workflow.digest)
                weighs[told.playbook] = playbook.map { $0.guards.risk != nil && $0.mode != .shadow } ?? false
            }
            guard weighs[told.playbook] == true else { continue }
            report.find(
                .broken, .rowDiffers, "mark of \(told.subject) by \(told.signal)",
                "\(told.place) weighs it, and its row is not there")
        }
        try await checkPutBacks(there, since: first)
    }

    private mutating func checkPutBacks(_ there: Set<MarkKey>, since first: Instant) async throws(StoreError) {
        let late = ledger.putBacks.filter { $0.value.contains { $0 >= first } }
        for stream in late.keys.sorted() {
            guard let run = history.run(stream), let subject = run.subject?.key,
                !there.contains(MarkKey(cause: stream, subject: subject, playbook: run.playbook.name)),
                try await marksPutBacks(run)
            else { continue }
            report.find(
                .broken, .rowDiffers, "mark of \(subject) by \(stream)",
                "a step of its run found that another had put something back, and its row is not there")
        }
    }

    /// Whether what was put back counts: what lies elsewhere is no state of the subject's.
    private func marksPutBacks(_ run: Run) async throws(StoreError) -> Bool {
        guard run.called.isEmpty, let source = try await store.definition(run.workflow.digest),
            let workflow = try? Workflow.load(source.source, file: source.name, digest: run.workflow.digest).get()
        else { return false }
        let undone = run.steps.filter { $0.note == Step.foundAsBefore }.map { Step.forwardID(of: $0.id) }
        return !undone.isEmpty && undone.allSatisfy { workflow.step($0)?.act.map { $0.at == nil } ?? false }
    }
}
