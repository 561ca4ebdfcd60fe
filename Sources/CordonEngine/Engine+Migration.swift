// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import CordonStore
import Logging

/// Where a fork begins: which version of the run, at which line of its history, under which version of its workflow.
package struct ForkPoint: Sendable, Hashable {
    /// The run as it stood after this line; `nil`: as it stands.
    package var number: Int?
    /// The digest of the workflow's version; `nil`: the run's own, or where lines are renamed or dropped the loaded one.
    package var workflow: String?
    package var order: MigrationOrder

    /// Whoever says what becomes of lines means another version: the loaded one, unless its digest is given.
    var moves: Bool { workflow != nil || !order.renamed.isEmpty || !order.dropped.isEmpty }

    package init(number: Int? = nil, workflow: String? = nil, order: MigrationOrder) {
        self.number = number
        self.workflow = workflow
        self.order = order
    }
}

extension Engine {
    /// Moves a waiting run to another version of its workflow: that of `digest`, or the loaded one.
    package func migrate(_ id: RunID, to digest: String?, _ order: MigrationOrder) async -> ControlAnswer {
        hold(id)
        defer { release(id) }
        let answer = await step(id, isAsked: true) { run, definition, now in
            try await self.moved(run, definition, to: digest, order, at: now).map(\.transition)
        }
        if case .done(let run) = answer {
            logger.notice(
                "a run was moved to another version of its workflow",
                metadata: ["run": "\(id)", "workflow": "\(run.workflow.digest)", "by": "\(order.by)"])
        }
        return answer
    }

    /// What the run would do from a point on, by the machine itself: nothing is stored and nothing is sent.
    package func fork(
        _ id: RunID, at point: ForkPoint, assuming: Forecast.Assumptions
    ) async throws -> Result<Forecast, Refusal>? {
        guard let run = try await run(id, upTo: point.number) else { return nil }
        let definition = try await definition(of: run)
        let now = clock.now
        if let number = point.number, number > run.number {
            return .failure(Refusal(.misfit, "the run's history has \(run.number) lines, and no line \(number)"))
        }
        guard point.moves, point.workflow != run.workflow.digest else {
            return .success(Forecast.of(run, definition, assuming: assuming, at: now))
        }
        return try await moved(run, definition, to: point.workflow, point.order, at: now).map { moved in
            Forecast.of(moved.transition, moved.definition, assuming: assuming, at: now)
        }
    }

    /// The run as it stood after line `number` of its history.
    private func run(_ id: RunID, upTo number: Int?) async throws -> Run? {
        guard let stored = try await find(id) else { return nil }
        guard let number, number < stored.number else { return try stored.run() }
        let page = try await store.history(id.text, from: 1, limit: number)
        return Run.fold(try page.map { ($0.entry.at, try $0.entry.event()) })
    }

    private func moved(
        _ run: Run, _ old: RunDefinition, to digest: String?, _ order: MigrationOrder, at now: Instant
    ) async throws -> Result<(transition: Transition, definition: RunDefinition), Refusal> {
        guard let target = try await target(run.workflow.name, digest) else {
            let what =
                digest.map { "no sound workflow of digest \($0) is stored" } ?? "'\(run.workflow.name)' is not loaded"
            return .failure(Refusal(.misfit, "\(what): nothing to move to"))
        }
        let called = library.called(by: target)
        let missing = ([target] + called).flatMap(\.calledNames).filter { library.workflows[$0] == nil }
        guard missing.isEmpty else {
            return .failure(Refusal(.misfit, "the workflow '\(missing[0])' that it calls is not loaded"))
        }
        let new = definition(target, called, run.subject)
        return run.migrate(from: old, to: new, called: called.map(\.pin), order, halts: halts, at: now)
            .map { ($0, new) }
            .mapError { Refusal(.misfit, $0.reasons.joined(separator: "; ")) }
    }

    private func target(_ name: String, _ digest: String?) async throws -> Workflow? {
        guard let digest, digest != library.workflows[name]?.digest else { return library.workflows[name] }
        guard let stored = try await store.definition(digest), stored.kind == .workflow else { return nil }
        // What is moved to is held to what every definition that is put in force is held to.
        guard case .success = Workflow.admit(stored.source, file: "\(name)@\(digest)", digest: digest) else {
            return nil
        }
        return try await workflow(Run.Pin(name: name, digest: digest))
    }
}
