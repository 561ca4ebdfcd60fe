// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
package import CordonCore
import CordonLanguage
import CordonStore
import Logging

/// How far the undo of many runs has come.
package struct UndoPlan: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// It changed something that can be set back, and nobody has asked for it.
        case toUndo = "to_undo"
        case undoing
        /// Somebody changed it since: a person decides.
        case conflict
        /// It can't go on by itself: the provider refused, or nobody knows what became of a call.
        case stuck
        case restored
        /// It changed nothing that can be set back.
        case nothing
    }

    package struct Row: Sendable, Hashable {
        package var run: RunID
        package var subject: String
        package var state: State
        package var reason: String?
    }

    package var playbook: String
    package var since: Instant
    package var rows: [Row]
    /// Of the runs that would be undone, so that what is ordered is what was shown.
    package var digest: String

    package func count(_ state: State) -> Int { rows.count { $0.state == state } }
}

package enum UndoManyAnswer: Sendable {
    case done(UndoPlan, refused: [(RunID, String)])
    /// Other runs than those that were shown.
    case stale(UndoPlan)
    case tooMany
}

// No code of its own for setting anything back: each run is told what a person would tell it, and its own
// compare-and-set decides. So it can be ordered again after whatever kept it from its end.

extension Engine {
    private static var undoStream: String { "undos" }
    private static var undosAtATime: Int { 16 }

    /// What an undo of a playbook's runs since then would do, and how far an earlier one has come.
    package func undoPlan(playbook: String, since: Instant) async throws -> UndoPlan? {
        var rows: [UndoPlan.Row] = []
        var query = RunQuery()
        query.playbook = playbook
        query.limit = 500
        while true {
            let page = try await store.runs(query)
            for stored in page where stored.openedAt >= since { rows.append(try await undoRow(stored)) }
            guard rows.count <= Limits.runsUndoneMax else { return nil }
            // Ids begin with the time of their alert: a page that is older ends it.
            guard page.count == query.limit, page.contains(where: { $0.openedAt >= since }) else { break }
            query.beyond = page.last?.id
        }
        rows.sort { $0.run.text < $1.run.text }
        let ids = rows.filter { $0.state == .toUndo }.map { Value.string($0.run.text) }
        let digest = sealer.digest(Value.array([.string(playbook)] + ids).jsonBytes)
        return UndoPlan(playbook: playbook, since: since, rows: rows, digest: digest)
    }

    /// One that can't be read keeps no other from being undone.
    private func undoRow(_ stored: RunRecord) async throws -> UndoPlan.Row {
        do { return try await undoRow(stored.run()) } catch let error as EngineError {
            return UndoPlan.Row(run: stored.id, subject: stored.subject, state: .stuck, reason: error.reason)
        }
    }

    /// The machine says itself what it would do.
    private func undoRow(_ run: Run) async throws -> UndoPlan.Row {
        let row = { (state: UndoPlan.State, reason: String?) in
            UndoPlan.Row(run: run.id, subject: run.subject?.key ?? "", state: state, reason: reason)
        }
        if run.rollback != nil {
            let ask = run.asks.first { $0.kind == .undoConflict } ?? run.asks.first { $0.kind != .question }
            guard let ask else { return row(.undoing, nil) }
            return row(ask.kind == .undoConflict ? .conflict : .stuck, ask.reason)
        }
        let order = RunInput.undo(steps: nil, by: "nobody", reason: "looking")
        switch run.handle(order, try await definition(of: run), halts: halts, at: clock.now) {
        case .success: return row(.toUndo, nil)
        case .failure(let refusal):
            let isRestored = run.steps.contains { $0.isUndo && $0.phase == .finished }
            return row(isRestored ? .restored : .nothing, isRestored ? nil : refusal.reason)
        }
    }

    /// Undoes what those runs did. `shown`: the digest of the plan that was agreed to; `nil` takes what there is.
    package func undoMany(
        playbook: String, since: Instant, shown: String?, by: String, reason: String
    ) async throws -> UndoManyAnswer {
        guard let plan = try await undoPlan(playbook: playbook, since: since) else { return .tooMany }
        if let shown, shown != plan.digest { return .stale(plan) }
        let targets = plan.rows.filter { $0.state == .toUndo }.map(\.run)
        guard !targets.isEmpty else { return .done(plan, refused: []) }
        // Who ordered it, of what, is in the history before the first of them is touched.
        try await StreamWriter(Engine.undoStream, store: store, clock: clock).append(
            "undoOrdered",
            [
                "playbook": .string(playbook), "since": .string(since.description), "by": .string(by),
                "reason": .string(reason), "runs": .int(Int64(targets.count)), "plan": .string(plan.digest),
            ])
        logger.notice(
            "an undo of many runs is ordered",
            metadata: ["playbook": "\(playbook)", "runs": "\(targets.count)", "by": "\(by)", "reason": "\(reason)"])
        let refused = await undo(targets, by: by, reason: "all of '\(playbook)': \(reason)")
        let after = try await undoPlan(playbook: playbook, since: since) ?? plan
        return .done(after, refused: refused)
    }

    private func undo(_ targets: [RunID], by: String, reason: String) async -> [(RunID, String)] {
        await withTaskGroup(of: (RunID, String)?.self) { group in
            var left = targets[...]
            for run in left.prefix(Engine.undosAtATime) { group.addTask { await self.undo(run, by, reason) } }
            left = left.dropFirst(Engine.undosAtATime)
            var refused: [(RunID, String)] = []
            for await answer in group {
                if let answer { refused.append(answer) }
                if let run = left.popFirst() { group.addTask { await self.undo(run, by, reason) } }
            }
            return refused
        }
    }

    private func undo(_ run: RunID, _ by: String, _ reason: String) async -> (RunID, String)? {
        switch await control(run, .undo(steps: nil, by: by, reason: reason)) {
        case .done: nil
        case .noSuchRun: (run, "there is no such run")
        case .refused(let refusal): (run, refusal.reason)
        case .notStored(let error): (run, error.reason)
        case .unavailable(let why): (run, why)
        }
    }
}
