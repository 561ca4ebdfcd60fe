// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
package import CordonEvidence
package import CordonLanguage
import CordonStore
import Logging

/// What a person who follows a link is shown, and what their answer is bound to.
package struct ApprovalSight: Sendable {
    /// One thing that would be done, with the state that the provider shows now.
    package struct Act: Sendable, Hashable {
        package var step: String
        package var capability: String
        package var provider: String
        package var arguments: Value
        /// What a read-only call answered just now; `nil` where there is none, or it gave no answer.
        package var before: Value?
        /// Why nothing is known of the state before.
        package var unread: String?
        package var canUndo: Bool
        /// Otherwise it only reads.
        package var changes: Bool
    }

    package var ticket: ApprovalLinks.Ticket
    package var person: Channel.Person
    package var run: Run
    package var text: String
    package var choices: [String]
    package var deadline: Instant
    package var acts: [Act]
    /// Of all of it: the plan and the states. Another state is another digest.
    package var seen: String
    /// What that digest was taken over.
    package var basis: Value
}

/// What consent to a proposal is to: its acts, the states that they begin from, and the digest of both.
package struct RunPlan: Sendable {
    package var acts: [ApprovalSight.Act]
    /// Of `plan`, as the digest of its own canonical JSON, and `before`.
    package var digest: String
    /// `plan` and `before` themselves.
    package var basis: Value

    package var value: Value {
        ["acts": .array(acts.map(\.value)), "digest": .string(digest)]
    }
}

extension ApprovalSight.Act {
    package var value: Value {
        [
            "step": .string(step), "do": .string(capability), "at": .string(provider), "with": arguments,
            "before": before ?? .null, "unread": unread.map(Value.string) ?? .null, "undoable": .bool(canUndo),
            "changes": .bool(changes),
        ]
    }
}

/// Why a link leads to no answer, in words for the person who followed it.
package enum LinkRefusal: Error, Sendable, Hashable {
    case noLinks, altered, expired, nobody, noRun
    case answered(String)
    case changedPlan, changedState
    case notAllowed(String)
    case refused(String)
    case notStored

    package var reason: String {
        switch self {
        case .noLinks: "This installation makes no links: 'public_url' in cordon.yaml says how it is reached."
        case .altered: "This link was altered, or another installation made it."
        case .expired: "This link has expired. Look for a newer message, or use 'cordon run answer'."
        case .nobody: "Whom this link was sent to is no longer in the settings."
        case .noRun: "The run that this link speaks of is not there."
        case .answered(let how): "This was answered before, and the first answer counts: \(how)."
        case .changedPlan: "What would be done is not what this link was made for. Look for a newer message."
        case .changedState:
            "What would be changed has changed since you looked, so your answer would be to something else. "
                + "Open the link again to see it as it is now."
        case .notAllowed(let why): "You may not answer this: \(why)."
        case .refused(let why): "It could not be answered: \(why)."
        case .notStored: "Nothing was stored; try again in a moment."
        }
    }
}

extension Engine {
    static var actsReadMax: Int { 10 }

    /// What the link is about, as it is now. Changes nothing, but asks the provider what the state is.
    package func sight(of ticket: ApprovalLinks.Ticket) async throws -> ApprovalSight {
        guard let person = notifications.endpoints.first(where: { $0.id == ticket.endpoint })?.person else {
            throw LinkRefusal.nobody
        }
        guard let run = try await find(ticket.run)?.run() else { throw LinkRefusal.noRun }
        let definition = try await definition(of: run)
        let planned = plannedActs(run, definition)
        let answering = try await knowing(Person(name: person.name, groups: Set(person.groups)), of: run)
        let asked = try asked(ticket, answering, run, planned)
        let acts = await read(planned, run, definition)
        let states: Value = .array(acts.map { $0.before ?? .null })
        let basis: Value = [
            "shown": .string(ticket.shown), "acts": .array(planned.map(\.value)), "before": states,
        ]
        return ApprovalSight(
            ticket: ticket, person: person, run: run, text: asked.text, choices: asked.choices,
            deadline: min(asked.deadline, ticket.until), acts: acts, seen: sealer.digest(basis.jsonBytes),
            basis: basis)
    }

    /// The digest that agreement to a proposal is bound to: what the run would do, by which definitions.
    func planDigest(_ run: Run, _ definition: RunDefinition) -> String {
        digest(run, plannedActs(run, definition))
    }

    private func digest(_ run: Run, _ acts: [PlannedAct]) -> String { sealer.digest(told(run, acts).jsonBytes) }

    private func told(_ run: Run, _ acts: [PlannedAct]) -> Value {
        [
            "run": .string(run.id.text), "playbook": .string(run.playbook.digest),
            "workflow": .string(run.workflow.digest), "subject": .string(run.subject?.key ?? ""),
            "acts": .array(acts.map(\.value)),
        ]
    }

    /// Keeps what somebody is about to agree to; only then may the history name it.
    package func keep(
        _ basis: Value, digest: String, _ method: AgreedPlan.Method, as group: String
    ) async throws(EvidenceError) -> AgreedPlan {
        AgreedPlan(
            digest: digest, kept: try await evidence.keep(basis.jsonBytes).text, method: method, group: group)
    }

    /// What the run would do from here, by the machine itself, on assumptions that the page tells.
    private func plannedActs(_ run: Run, _ definition: RunDefinition) -> [PlannedAct] {
        PlannedAct.all(Forecast.of(run, definition, at: clock.now))
    }

    private func asked(
        _ ticket: ApprovalLinks.Ticket, _ person: Person, _ run: Run, _ acts: [PlannedAct]
    ) throws(LinkRefusal) -> (text: String, choices: [String], deadline: Instant) {
        guard let id = ticket.step else {
            guard run.gate?.kind == .proposal, run.isLive else {
                throw .answered(run.ending.map { "the run is \($0.rawValue)" } ?? "the run goes on")
            }
            guard digest(run, acts) == ticket.shown else { throw .changedPlan }
            guard person.groups.contains("approver") else { throw .notAllowed("proposals are an approver's") }
            return (run.gate?.reason ?? "", ["approve", Workflow.Consent.decline], ticket.until)
        }
        guard case .asking(let question)? = run.step(id)?.phase else {
            throw .answered(run.step(id)?.permit.map { "by \($0.by.joined(separator: ", "))" } ?? "it asks no more")
        }
        guard question.shown == ticket.shown else { throw .changedPlan }
        if let mine = question.answers.first(where: { $0.by == person.name }) {
            throw .answered("you said '\(mine.choice)' at \(mine.at)")
        }
        guard person.isAmong(question.by), !question.excluded.contains(person.name) else {
            throw .notAllowed("it is for \(question.by.joined(separator: ", "))")
        }
        if let refusal = question.refusal(ofAuthor: person, at: id) { throw .notAllowed(refusal.reason) }
        // As with tokens: a name alone agrees to nothing.
        guard
            question.kind == .task || person.groups.contains("approver")
                || !person.groups.isDisjoint(with: question.by)
        else {
            throw .notAllowed("it needs the right to approve")
        }
        return (question.text, question.choices, question.deadline)
    }

    /// Asks the provider for the states, read-only, one after the other.
    func read(
        _ acts: [PlannedAct], _ run: Run, _ definition: RunDefinition
    ) async -> [ApprovalSight.Act] {
        var read: [ApprovalSight.Act] = []
        // All are shown, because all are agreed to; of so many the state is asked for.
        for (place, act) in acts.enumerated() {
            let contract = definition.contract(of: act.call, for: run.subject)
            var shown = ApprovalSight.Act(
                step: act.step, capability: act.call.capability, provider: act.call.provider,
                arguments: act.call.arguments, canUndo: contract?.canUndo ?? false,
                changes: contract?.effectClass.isWrite ?? true)
            if place >= Engine.actsReadMax {
                shown.unread = "not read: only that of the first \(Engine.actsReadMax) is asked for"
            } else if contract?.readsState == true, contract?.effectClass.isWrite == true {
                switch await state(act, run) {
                case .success(let state): shown.before = state
                case .failure(let reason): shown.unread = reason.text
                }
            }
            read.append(shown)
        }
        return read
    }

    struct Unread: Error { var text: String }

    /// What a read-only call answers: the state before a change, or with `.act` what a reading capability tells.
    func state(_ act: PlannedAct, _ run: Run, _ purpose: Call.Purpose = .before) async -> Result<Value, Unread> {
        let draft = CallDraft(
            run: run.id, step: act.step, number: 0, purpose: purpose, capability: act.call.capability,
            provider: act.call.provider, arguments: act.call.arguments)
        switch sealer.seal(draft) {
        case .failure(let refusal): return .failure(Unread(text: refusal.reason))
        case .success(let seal):
            let now = clock.now
            let call = Call(
                number: 0, purpose: purpose, attempt: 1, capability: draft.capability, provider: draft.provider,
                effectClass: .read, arguments: draft.arguments, seal: seal, intendedAt: now,
                deadline: now.adding(milliseconds: Limits.callTimeoutMillisecondsDefault))
            let answer = await performer.performInTurn(
                Errand(run: run.id, step: act.step, call: call, subject: run.subject, severity: run.severity),
                isSealedHere: true)
            guard answer.outcome.kind == .done || answer.outcome.kind == .already else {
                return .failure(Unread(text: answer.outcome.reason ?? "the provider gave no answer"))
            }
            return .success(answer.outcome.result)
        }
    }

    /// What a proposed run would do, with the states as its provider shows them now. Changes nothing; `nil` for a run that
    /// is not proposed.
    package func plan(of run: Run) async throws -> RunPlan? {
        guard run.gate?.kind == .proposal, run.isLive else { return nil }
        let definition = try await definition(of: run)
        let planned = plannedActs(run, definition)
        let acts = await read(planned, run, definition)
        // That nothing could be read is not that there was nothing.
        let before: Value = .array(acts.map { ["state": $0.before ?? .null, "unread": .bool($0.unread != nil)] })
        let seen: Value = ["plan": .string(digest(run, planned)), "before": before]
        return RunPlan(
            acts: acts, digest: sealer.digest(seen.jsonBytes), basis: ["plan": told(run, planned), "before": before])
    }

    /// Puts the person's answer to the run, if everything is still as they saw it.
    package func answer(
        _ ticket: ApprovalLinks.Ticket, choice: String, seen: String, reason: String
    ) async throws -> Run {
        let sight = try await sight(of: ticket)
        guard sight.seen == seen else { throw LinkRefusal.changedState }
        let person = Person(name: sight.person.name, groups: Set(sight.person.groups))
        let by = "\(person.name) (by link, \(ticket.endpoint))"
        let why = reason.isEmpty ? "answered by a link sent to \(ticket.endpoint)" : reason
        guard sight.choices.contains(choice) else { throw LinkRefusal.refused("'\(choice)' is no choice") }
        let input: RunInput =
            if let step = ticket.step {
                .answer(step: step, person, choice: choice, shown: ticket.shown, reason: why)
            } else if choice == Workflow.Consent.decline {
                .cancel(undo: false, by: by, reason: why)
            } else {
                .resume(step: nil, isForced: false, by: by, reason: why, plan: try await kept(sight))
            }
        let isProposal = ticket.step == nil
        switch await control(ticket.run, input, ifStill: { !isProposal || $0.gate?.kind == .proposal }) {
        case .done(let run): return run
        case .noSuchRun: throw LinkRefusal.noRun
        case .refused(let refusal) where [.alreadyDecided, .wrongPhase].contains(refusal.code):
            throw LinkRefusal.answered(refusal.reason)
        case .refused(let refusal) where refusal.code == .stale: throw LinkRefusal.changedPlan
        case .refused(let refusal): throw LinkRefusal.refused(refusal.reason)
        case .notStored, .unavailable: throw LinkRefusal.notStored
        }
    }
}

extension Engine {
    private func kept(_ sight: ApprovalSight) async throws(LinkRefusal) -> AgreedPlan {
        do throws(EvidenceError) {
            return try await keep(sight.basis, digest: sight.seen, .link, as: sight.ticket.endpoint)
        } catch {
            logger.error("what was agreed to could not be kept", metadata: ["error": "\(error.reason)"])
            throw .notStored
        }
    }
}

/// One act that a run would come to.
struct PlannedAct: Sendable {
    var step: String
    var call: Call

    static func all(_ forecast: Forecast) -> [PlannedAct] {
        forecast.lines.compactMap { line in
            guard case .call(let step, let call) = line.doing, call.purpose == .act else { return nil }
            return PlannedAct(step: step, call: call)
        }
    }

    var value: Value {
        [
            "step": .string(step), "do": .string(call.capability), "at": .string(call.provider),
            "with": call.arguments,
        ]
    }
}
