// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

// One run at a time changes a subject: a second signal joins the live run where its playbook says so, and otherwise its
// run waits in line. A run that only holds what it did, or waits for a person, keeps nobody waiting.

extension Engine {
    /// The live runs of each subject that the decisions are about.
    func liveRuns(of subjects: Set<String>) async throws -> [String: [LiveRun]] {
        var found: [String: [LiveRun]] = [:]
        for subject in subjects {
            var query = RunQuery()
            query.subject = subject
            query.onlyLive = true
            query.oldestFirst = true
            query.limit = 100
            var hasMore = true
            while hasMore {
                let page = try await store.runs(query)
                for record in page { found[subject, default: []].append(try await liveRun(record)) }
                hasMore = page.count == query.limit
                query.beyond = page.last?.id
            }
        }
        return found
    }

    private func liveRun(_ record: RunRecord) async throws -> LiveRun {
        let run: Run
        do { run = try record.read() } catch {
            noteUnreadable(record.id, error)
            return LiveRun(run: record.placeholder, holds: [], wants: [], isReadable: false)
        }
        let hasHold = run.steps.contains { $0.hold.map { !$0.hasEnded } ?? false }
        guard hasHold || run.isQueued else { return LiveRun(run: run, holds: [], wants: []) }
        let pinned = try await definition(of: run)
        return LiveRun(
            run: run, holds: hasHold ? run.held(pinned) : [], wants: run.isQueued ? pinned.wanted(run.inputs) : [])
    }

    /// The same decision with the runs left out that join a live one.
    func grouped(_ decision: Decision, _ library: Library, _ live: [String: [LiveRun]], at now: Instant) -> Decision {
        var decision = decision
        for index in decision.matches.indices {
            let match = decision.matches[index]
            guard match.run != nil, case .resolved(let subject) = match.resolution,
                // What its source closed, and may have opened again since, is a person's to say: it lengthens no hold.
                !match.reasons.contains(where: { $0.guardName == "closed" }),
                let trigger = library.playbooks.first(where: { $0.name == match.playbook.name })?.trigger,
                let run = live[subject.key]?.filter(\.isReadable).map(\.run).last(where: { run in
                    run.playbook.name == match.playbook.name && run.joined.count < Limits.signalsPerRunMax
                        && (run.isHolding
                            || run.isGoingForward
                                && trigger.groupMilliseconds.map { now.since(run.openedAt) <= $0 } ?? false)
                })
            else { continue }
            decision.matches[index].run = nil
            decision.matches[index].joins = run.id
            decision.matches[index].reasons.append(
                Decision.Reason(
                    guardName: "group", verdict: match.verdict, because: "it joins \(run.id), which is about the same"))
        }
        return decision
    }

    /// Why a new run of this subject does not begin at once.
    func queueing(_ wanted: Set<String>, _ subject: Subject?, _ live: [LiveRun]) -> Run.Ask? {
        guard let subject else { return nil }
        // Who waits for a hold keeps nobody waiting: it may stand for weeks.
        let ahead = live.first { other in
            guard other.isReadable else { return true }
            return keepsWaiting(other.run)
                && !(other.run.isQueued && containment(in: live, of: other.wants) != nil)
        }
        if let ahead, !ahead.isReadable {
            return Run.Ask(
                kind: .queued,
                reason: "\(ahead.run.id) can't be read and may have \(subject.key) in hand; see 'cordon run show "
                    + "\(ahead.run.id)', and let this one begin with 'cordon run resume'")
        }
        if let ahead = ahead?.run {
            return Run.Ask(kind: .queued, reason: "\(ahead.id) has \(subject.key) in hand")
        }
        guard let (ahead, capability) = containment(in: live, of: wanted) else { return nil }
        return Run.Ask(
            kind: .queued,
            reason: "\(ahead) holds \(capability) on \(subject.key), and this run would take that for the state "
                + "before; it begins when the hold is over, or at once with 'cordon run resume'")
    }

    /// A hold of another run on what this one would change as well. Its before-image would be the other's containment:
    /// it would give that back when it undoes itself, and the other would give back too early what both want contained.
    private func containment(in live: [LiveRun], of wanted: Set<String>) -> (RunID, String)? {
        for ahead in live {
            if let capability = ahead.holds.intersection(wanted).min() { return (ahead.run.id, capability) }
        }
        return nil
    }

    /// One that waits for the end of a halt goes on the moment that is lifted. A halted playbook keeps no other waiting.
    private func hasInHand(_ run: Run) -> Bool {
        run.isMoving || run.isHalted && !halts.scopes.contains(.playbook(run.playbook.name))
    }

    /// A later run of the subject begins after it.
    private func keepsWaiting(_ run: Run) -> Bool { !run.isShared && (hasInHand(run) || run.isQueued) }

    /// Notes whose line a stored transition makes longer, or moves on.
    func noteQueue(_ run: Run) {
        guard let subject = run.subject?.key, !run.isShared else { return }
        if run.isQueued {
            queuedSubjects.withLock { _ = $0.insert(subject) }
        } else if !run.isMoving, queuedSubjects.withLock({ $0.contains(subject) }) {
            hand(.dequeue(subject))
        }
    }

    /// Lets the first run in line that waits for no hold begin when no other has the subject in hand.
    func dequeue(_ subject: String) async {
        let next = await subjectLocks.whileLocked([subject]) { () async -> RunID? in
            do {
                let live = try await liveRuns(of: [subject])[subject] ?? []
                let queued = live.filter(\.run.isQueued)
                guard !queued.isEmpty else {
                    queuedSubjects.withLock { _ = $0.remove(subject) }
                    return nil
                }
                if live.contains(where: { !$0.isReadable || hasInHand($0.run) && !$0.run.isShared }) { return nil }
                // The gravest first, and among equals who came first.
                let ready = queued.filter { containment(in: live, of: $0.wants) == nil }.map(\.run)
                return ready.first { run in ready.allSatisfy { $0.severity.rank <= run.severity.rank } }?.id
            } catch {
                // The sweep comes back to it.
                logger.error("a subject's runs can't be read", metadata: ["error": "\(error)"])
                return nil
            }
        }
        if let next { await advance(next, .begin) }
    }

    /// Finds the lines that an ended process left.
    func sweepQueues() async throws(StoreError) {
        var query = RunQuery()
        query.onlyLive = true
        query.wake = "queue"
        query.readsTails = false
        query.oldestFirst = true
        query.limit = 500
        while true {
            let page = try await store.runs(query)
            for subject in Set(page.map(\.subject)) {
                queuedSubjects.withLock { _ = $0.insert(subject) }
                hand(.dequeue(subject))
            }
            guard page.count == query.limit else { return }
            query.beyond = page.last?.id
        }
    }
}

/// A live run of a subject, and the capabilities whose effect it holds there for a time.
struct LiveRun: Sendable {
    var run: Run
    var holds: Set<String>
    /// What it would change once it begins, while it waits in line.
    var wants: Set<String>
    /// False for one of which only its row is known: whatever it was about to do, it counts as doing it.
    var isReadable = true
}

extension RunRecord {
    /// What its columns tell of a run whose lines tell nothing.
    fileprivate var placeholder: Run {
        Run(
            opening: Opening(
                id: id, decision: decision, signal: alert.signal(1), alert: alert,
                playbook: Run.Pin(name: playbook, digest: playbookDigest),
                workflow: Run.Pin(name: workflow, digest: workflowDigest), subject: nil, severity: severity,
                inputs: .object([:]), steps: []), at: openedAt)
    }
}

extension Run {
    /// It still does for its subject what its workflow says.
    fileprivate var isGoingForward: Bool { isLive && rollback == nil && conclusion == nil }

    /// What it did to its subject stands for a time. A second run would take that for the state before, and give it back
    /// when it undoes itself: so a later signal joins this one, and its hold begins anew.
    fileprivate var isHolding: Bool {
        isLive && rollback == nil && steps.contains { $0.hold?.state == .standing && !$0.isUndone }
    }
}
