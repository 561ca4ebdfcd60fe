// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore
import Logging
import Synchronization

package enum ControlAnswer: Sendable {
    case done(Run)
    case noSuchRun
    case refused(Refusal)
    /// Nothing was stored, and the store says why: whoever asked may ask again.
    case notStored(StoreError)
    case unavailable(String)
}

extension Engine {
    // A run in hand is counted, not flagged: several tasks may hold it, and the sweep waits for the last.

    func hold(_ run: RunID) { busyRuns.withLock { $0[run, default: 0] += 1 } }

    func release(_ run: RunID) {
        busyRuns.withLock { runs in
            let left = (runs[run] ?? 1) - 1
            runs[run] = left > 0 ? left : nil
        }
    }

    func isInHand(_ run: RunID) -> Bool { busyRuns.withLock { $0[run] != nil } }

    /// Puts to a run what a person, or a signal, has to say to it.
    ///
    /// - Parameter ifStill: what the person saw of it; asked of the run that the input is put to, not of one read before.
    package func control(
        _ id: RunID, _ input: RunInput, ifStill: @escaping @Sendable (Run) -> Bool = { _ in true }
    ) async -> ControlAnswer {
        hold(id)
        defer { release(id) }
        guard case .resume(step: nil, isForced: _, let by, let reason, let plan) = input,
            let subject = await proposed(id)
        else {
            return await step(id, isAsked: true) { run, definition, now in
                guard ifStill(run) else { return .failure(Engine.elseByNow) }
                return run.handle(try await self.knowing(input, of: run), definition, halts: self.halts, at: now)
            }
        }
        // Agreed to, it is in line as any other run of its subject.
        return await subjectLocks.whileLocked([subject]) {
            await self.step(id, isAsked: true) { run, definition, now in
                guard ifStill(run) else { return .failure(Engine.elseByNow) }
                let others = try await self.liveRuns(of: [subject])[subject]?.filter { $0.run.id != id } ?? []
                guard run.gate?.kind == .proposal,
                    let ask = self.queueing(definition.wanted(run.inputs), run.subject, others)
                else {
                    return run.handle(input, definition, halts: self.halts, at: now)
                }
                return .success(
                    run.lineUp(ask, by: by, reason: reason, plan: plan, definition, halts: self.halts, at: now))
            }
        }
    }

    /// An answer with what its person put in force; read at that moment, so that no answer is older than a publishing.
    private func knowing(_ input: RunInput, of run: Run) async throws -> RunInput {
        guard case .answer(let step, let person, let choice, let shown, let reason) = input else { return input }
        return .answer(
            step: step, try await knowing(person, of: run), choice: choice, shown: shown, reason: reason)
    }

    private static let elseByNow = Refusal(
        .alreadyDecided, "somebody was first: it is no longer what was answered to; see 'cordon run show'")

    /// The subject of a run that waits for people's agreement, and that other runs matter to.
    private func proposed(_ id: RunID) async -> String? {
        guard let run = try? await find(id)?.run(), run.gate?.kind == .proposal, !run.isShared else { return nil }
        return run.subject?.key
    }

    func advance(_ id: RunID, _ input: RunInput) async {
        hold(id)
        defer { release(id) }
        let answer = await step(id) { run, definition, now in
            run.handle(input, definition, halts: self.halts, at: now)
        }
        if case .refused(let refusal) = answer {
            logger.debug("an input was refused", metadata: ["run": "\(id)", "reason": "\(refusal.reason)"])
        }
    }

    private func step(_ id: RunID, _ input: RunInput, _ baton: Baton) async -> ControlAnswer {
        await step(id, baton: baton) { run, definition, now in
            run.handle(input, definition, halts: self.halts, at: now)
        }
    }

    /// Decide, commit; read again and decide anew when another writer was first. `known` is the run as it was just read.
    ///
    /// - Parameter isAsked: somebody waits for the answer, and is told when nothing can be stored; otherwise it may be an
    ///   outcome that exists nowhere else, and is kept until there is room for it.
    /// - Parameter baton: takes the call that follows, where it may go at once.
    func step(
        _ id: RunID, from known: Run? = nil, isAsked: Bool = false, baton: Baton? = nil,
        _ decide: (Run, RunDefinition, Instant) async throws -> Result<Transition, Refusal>
    ) async -> ControlAnswer {
        var waits = 0
        var hint = known ?? moving[id]
        while !Task.isCancelled {
            do {
                let remembered = hint
                hint = nil
                let run: Run
                if let remembered {
                    run = remembered
                } else {
                    guard let read = try await find(id)?.read() else { return .noSuchRun }
                    run = read
                }
                let definition = try await definition(of: run)
                let now = clock.now
                let transition: Transition
                switch try await decide(run, definition, now) {
                case .failure(let refusal):
                    // What is remembered may be older than what is stored: only the stored run refuses.
                    guard remembered != nil else { return .refused(refusal) }
                    continue
                case .success(let decided): transition = decided
                }
                guard !transition.events.isEmpty else { return .done(run) }
                var change = chronicle.change(transition, from: run.number, at: now)
                change.guards = guardMarks(of: transition, from: run, definition, at: now)
                change.notices = notices(transition, after: run.number, at: now)
                try await store.commit(change)
                remember(change.guards)
                noticeDesk.note(change.notices)
                count { $0.count(transition.events) }
                countContainment(transition, at: now)
                tell(transition)
                carryOut(transition, baton)
                if transition.run.endedAt != nil, run.endedAt == nil { await noteTrial(of: transition.run) }
                return .done(transition.run)
            } catch let error as StoreError {
                moving.forget(id)
                switch error.code {
                case .conflict: count { $0.commitConflicts += 1 }
                case .full, .readOnly, .busy:
                    if isAsked { return .notStored(error) }
                    // What is to be stored may be an outcome that exists nowhere else: keep it and try again.
                    waits += 1
                    logger.error(
                        "a run could not be stored; trying again", metadata: ["run": "\(id)", "error": "\(error)"])
                    await clock.sleep(until: clock.now.adding(milliseconds: min(Int64(waits) * 500, 10_000)))
                case .notFound, .locked, .tooNew, .corrupt, .unavailable, .closed:
                    fail(error)
                    return .unavailable(error.reason)
                }
            } catch let error as UnreadableRecord {
                noteUnreadable(id, error)
                return .refused(Refusal(.wrongPhase, "\(id) can't be read: \(error); see 'cordon run show \(id)'"))
            } catch {
                logger.error("a run can't go on", metadata: ["run": "\(id)", "error": "\(error)"])
                return .unavailable("\(error)")
            }
        }
        return .unavailable("shutting down")
    }

    package func find(_ id: RunID) async throws(StoreError) -> RunRecord? {
        var query = RunQuery()
        query.id = id
        query.limit = 1
        return try await store.runs(query).first
    }

    /// Sets going what a stored transition asks for: its new calls, and its timer.
    func carryOut(_ transition: Transition, _ baton: Baton? = nil) {
        let run = transition.run
        moving.note(run)
        noteQueue(run)
        timekeeper.note(run.id, due: run.dueAt, run.severity)
        for case .perform(let step, let call) in run.commands where transition.starts(step, call) {
            // Held from here, so that the sweep doesn't take the call for a lost one before its task begins.
            hold(run.id)
            let errand = run.errand(step, call)
            // No task until its lane is free: a child of the one group that waits makes every other dearer to end.
            performer.queue(errand) { verdict in
                let work = Work.perform(errand, verdict, isSealedHere: call.delivery == 1)
                if baton?.take(work) != true { self.hand(work) }
            }
        }
        baton?.close()
        callBack(run)
    }

    /// Makes a call whose intent is stored, hands its outcome to the machine, and goes on with the run's next call as
    /// long as one may leave at once: to wake another task for it would take longer than many a call.
    func perform(_ errand: Errand, _ verdict: Lane.Verdict, isSealedHere: Bool) async {
        var next: Work? = .perform(errand, verdict, isSealedHere: isSealedHere)
        while case .perform(let errand, let verdict, let isSealedHere)? = next {
            let baton = Baton()
            await perform(errand, verdict, isSealedHere: isSealedHere, baton)
            next = baton.work
            // A process that ends begins nothing new: what is handed on now is looked for by the next start.
            if Task.isCancelled || failure.withLock({ $0 != nil }), let work = next { return hand(work) }
        }
    }

    private func perform(_ errand: Errand, _ verdict: Lane.Verdict, isSealedHere: Bool, _ baton: Baton) async {
        defer { release(errand.run) }
        var answer = await UnderWay.$errand.withValue(errand) {
            await performer.perform(errand, verdict, isSealedHere: isSealedHere) { self.obstacle(to: errand) }
        }
        if let keepsake = answer.keepsake, errand.call.redeliveryClass == .read {
            do {
                var cutter = BodyCutter(Redaction(), fingerprints)
                let keepsake = (try? cutter.json(keepsake)) ?? keepsake
                let digest = try await evidence.keep(
                    keepsake, sealedWith: providers[errand.call.provider]?.connection.evidenceKey)
                answer.outcome.evidence.append(
                    Evidence(
                        digest: digest.text, mediaType: "application/json", bytes: keepsake.count,
                        about:
                            "\(errand.call.provider) on \(errand.call.capability), \(errand.call.purpose.rawValue)"))
            } catch let error where error.code == .syncFailed {
                // The disk did not confirm: what is stored is unknown, and only a new start may look.
                return fail("the evidence can't be trusted any more: \(error.reason)")
            } catch {
                // What was read can't be kept: the reading counts for nothing, and the disk needs a person.
                logger.critical(
                    "evidence could not be kept", metadata: ["run": "\(errand.run)", "error": "\(error)"])
                let status = answer.outcome.status
                answer.outcome = Outcome(.later, reason: "its evidence could not be kept: \(error)")
                // The provider did answer: this is no failure of its own.
                answer.outcome.status = status
            }
        }
        let input = RunInput.callReturned(
            step: errand.step, number: errand.call.number, delivery: errand.call.delivery, answer.outcome)
        if case .unavailable = await self.step(errand.run, input, baton) {
            logger.error("an outcome is not stored yet", metadata: ["run": "\(errand.run)", "step": "\(errand.step)"])
        }
    }

    /// Where the open calls of a run stand in line, by step; one that is not named is under way.
    package func places(of record: RunRecord) -> [String: Lane.Place] {
        guard let run = try? record.read() else { return [:] }
        var places: [String: Lane.Place] = [:]
        for case .perform(let step, let call) in run.commands {
            places[step] = lanes.place(of: run.errand(step, call).name, at: clock.now)
        }
        return places
    }

    /// What forbids a write whose intent is stored: it may have been halted, paused or given up since.
    private func obstacle(to errand: Errand) -> String? {
        let call = errand.call
        guard call.purpose == .act, call.effectClass.isWrite else { return nil }
        // One that is remembered no more is not passed over: halts are looked at all the same.
        return moving[errand.run]?.obstacle ?? halts.reason(playbook: errand.playbook, provider: call.provider)
    }

    /// What a run may do no more leaves its line at once, so that nobody waits for an answer that never comes.
    private func callBack(_ run: Run) {
        guard let reason = run.obstacle else { return }
        for case .perform(let step, let call) in run.commands where call.purpose == .act && call.effectClass.isWrite {
            lanes.callBack(run.errand(step, call).name, reason: reason)
        }
    }

    private func tell(_ transition: Transition) {
        let run = transition.run
        for event in transition.events {
            switch event {
            case .runAsked(let ask):
                logger.warning("a run waits for a person", metadata: ["run": "\(run.id)", "reason": "\(ask.reason)"])
            case .runEnded(let ending, _):
                logger.info(
                    "a run ended",
                    metadata: [
                        "run": "\(run.id)", "ending": "\(ending.rawValue)",
                        "milliseconds": "\(run.updatedAt.since(run.openedAt))",
                    ])
            default: logger.debug("run", metadata: ["run": "\(run.id)", "event": "\(event.kind)"])
            }
        }
    }
}

extension Transition {
    /// The call was intended or redelivered in this very transition; calls that are open from before have their task.
    func starts(_ step: String, _ call: Call) -> Bool {
        events.contains { event in
            switch event {
            case .callIntended(let id, let intended): id == step && intended.number == call.number
            case .callRedelivered(let id, let number, _, _): id == step && number == call.number
            default: false
            }
        }
    }
}

/// What a task goes on with after a step: the one call that its lane let go while the step was carried out. What a lane
/// lets go later, nobody waits for, and it gets a task of its own.
final class Baton: Sendable {
    private let held = Mutex<(work: Engine.Work?, isOpen: Bool)>((nil, true))

    var work: Engine.Work? { held.withLock { $0.work } }

    /// False when there is something already, or when it comes too late.
    func take(_ work: Engine.Work) -> Bool {
        held.withLock { held in
            guard held.isOpen, held.work == nil else { return false }
            held.work = work
            return true
        }
    }

    func close() { held.withLock { $0.isOpen = false } }
}

extension Run {
    func errand(_ step: String, _ call: Call) -> Errand {
        // What was done may be asked about as long as it takes. A call that is sent again after its step's time, because
        // a crash outlasted it, has its own.
        let latest = call.purpose.asksWhatWasDone ? nil : self.step(step)?.deadline.map { max($0, call.deadline) }
        return Errand(
            run: id, step: step, call: call, subject: subject, severity: severity, playbook: playbook.name,
            latest: latest)
    }

    /// Why the run's way forward is barred.
    fileprivate var obstacle: String? {
        if let pause { return "paused by \(pause.reason)" }
        if rollback != nil { return "what the run did is being undone first" }
        return conclusion == nil ? nil : "the run ends"
    }
}

/// Whose call it is that a transport is given: a real one sends the request and asks no more.
enum UnderWay {
    @TaskLocal static var errand: Errand?
}
