// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
package import CordonLanguage
import CordonStore
import Hummingbird

extension API {
    /// Undoes what a playbook's runs did since a time; with `dry_run` it only says what that would be.
    @Sendable func undoMany(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(body, knows: ["playbook", "since_ms", "reason", "plan", "dry_run"])
        }
        let playbook = try requiredText("playbook", fields, bytesMax: 128)
        guard let span = fields["since_ms"]?.intValue, span > 0, span <= Limits.holdMillisecondsMax else {
            throw Problem(.badBody, "'since_ms' must be how far back to go, in milliseconds, at most 90 days")
        }
        let since = engine.clock.now.adding(milliseconds: -span)
        try await requirePlaybook(playbook)
        guard fields["dry_run"] == nil || fields["dry_run"]?.boolValue != nil else {
            throw Problem(.badBody, "'dry_run' must be true or false; nothing was ordered")
        }
        if fields["dry_run"] == true {
            guard let plan = try await engine.undoPlan(playbook: playbook, since: since) else { throw tooManyRuns }
            return .json(UndoView.make(plan, refused: []))
        }
        let plan: String? = fields["plan"] == nil ? nil : try requiredText("plan", fields, bytesMax: 80)
        let reason = try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax)
        switch try await engine.undoMany(
            playbook: playbook, since: since, shown: plan, by: caller.by, reason: reason)
        {
        case .tooMany: throw tooManyRuns
        case .stale:
            throw Problem(
                .conflict, "these are not the runs that you were shown: look again without --plan, then order it")
        case .done(let plan, let refused): return .json(UndoView.make(plan, refused: refused))
        }
    }

    private var tooManyRuns: Problem {
        Problem(
            .overLimit,
            "more than \(Limits.runsUndoneMax) runs (runsUndoneMax); name a shorter time")
    }

    private func requirePlaybook(_ name: String) async throws {
        var query = RunQuery()
        query.playbook = name
        query.limit = 1
        guard engine.library.playbooks.contains(where: { $0.name == name }) == false else { return }
        if try await store.runs(query).isEmpty { throw Problem.notFound("playbook", name) }
    }
}

/// What an undo of many runs would do, or did, as the API and the command line show it.
package enum UndoView {
    package static func make(_ plan: UndoPlan, refused: [(RunID, String)]) -> Value {
        [
            "playbook": .string(plan.playbook), "since": .string(plan.since.description),
            "plan": .string(plan.digest),
            "counts": .object(
                Dictionary(
                    uniqueKeysWithValues: UndoPlan.State.allCases.map {
                        ($0.rawValue, Value.int(Int64(plan.count($0))))
                    })),
            "runs": .array(
                plan.rows.map { row in
                    [
                        "run": .string(row.run.text), "subject": .string(row.subject),
                        "state": .string(row.state.rawValue), "reason": row.reason.map(Value.string) ?? .null,
                    ]
                }),
            "refused": .array(refused.map { ["run": .string($0.0.text), "reason": .string($0.1)] }),
        ]
    }
}
