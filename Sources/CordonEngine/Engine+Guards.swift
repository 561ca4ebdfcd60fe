// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// What guards remember, kept warm. The store tells the same: a start reads it there.
final class GuardDesk: Sendable {
    struct State {
        var standing = Standing()
        /// What is decided and on its way to the store: it counts already, so that no other decision spends it too.
        var underWay: [AlertID: GuardMarks] = [:]
        var book = SurgeBook()
        var trials = TrialDesk()
        /// Surges that were noticed and are not in the history yet.
        var noticed: [SurgeNotice] = []
        var forgotAt: Int64 = 0
        /// How often something came to be stored: what was read of the store before that lacks it.
        var stored = 0

        /// Forgets once a minute what no window reaches any more.
        mutating func forget(before now: Instant) {
            guard now.minute != forgotAt else { return }
            forgotAt = now.minute
            standing.forget(before: now)
        }
    }

    let state = Mutex(State())
}

extension Engine {
    /// What stands, for whoever looks.
    package var standing: Standing {
        let now = clock.now
        // Sifted outside the lock: decisions wait for it.
        var standing = guardDesk.state.withLock { $0.standing }
        standing.forget(before: now)
        return standing
    }

    /// Surges that are on.
    package var surges: [SurgeNotice] {
        guardDesk.state.withLock { $0.book.standing.values.sorted { $0.playbook < $1.playbook } }
    }

    /// Reads what guards remember, before anything is decided.
    func recallGuards() async throws {
        try await readSurges()
        try await readGuardLog()
        try await recallTrials()
        try await recallStanding()
    }

    private func recallStanding() async throws(StoreError) {
        while true {
            let before = guardDesk.state.withLock { $0.stored }
            let read = try await store.standing(at: clock.now)
            let isWhole = guardDesk.state.withLock { state in
                guard state.stored == before else { return false }
                let known = state.standing
                state.standing = read
                state.standing.surges = known.surges
                state.standing.breakers = known.breakers
                state.standing.ladder = known.ladder
                for marks in state.underWay.values { state.standing.add(marks) }
                return true
            }
            if isWhole { return }
        }
    }

    // MARK: Deciding

    /// The same decisions with what guards say; what they would spend counts from now on.
    func guarded(
        _ decisions: [(Signal, Decision)], _ library: Library, _ alert: Alert
    ) -> (decisions: [(Signal, Decision)], marks: GuardMarks?) {
        guard let at = decisions.first?.1.at else { return ([], nil) }
        return guardDesk.state.withLock { state in
            state.forget(before: at)
            var all = GuardMarks(at: at)
            let guarded = decisions.map { signal, decision -> (Signal, Decision) in
                let decision = decision.guarded(signal, library, state.standing)
                let marks = decision.marks(signal, library)
                state.standing.add(marks)
                all.add(marks)
                return (signal, decision)
            }
            for playbook in all.matched.keys.sorted() { state.noticeSurge(of: playbook, library, at: at) }
            guard !all.isEmpty else { return (guarded, nil) }
            state.underWay[alert.id] = all
            return (guarded, all)
        }
    }

    /// What was decided is stored.
    func settle(_ reading: Reading, _ alert: Alert) async {
        guardDesk.state.withLock { state in
            if state.underWay.removeValue(forKey: alert.id) != nil { state.stored += 1 }
        }
        await noteSurges()
    }

    /// Whether nothing was stored because a limit has no room any more, for an alert that nobody else read. Whatever the
    /// reason was: what it would have spent is given back.
    func isOverspent(_ reading: Reading, _ alert: Alert, _ error: StoreError) async -> Bool {
        let spent = guardDesk.state.withLock { state in
            let marks = state.underWay.removeValue(forKey: alert.id)
            guard let marks else { return marks }
            state.standing.remove(marks)
            // Noticed anew with the next signal, if it is one.
            for playbook in marks.matched.keys where state.noticed.contains(where: { $0.playbook == playbook }) {
                state.noticed.removeAll { $0.playbook == playbook }
                state.standing.surges[playbook] = nil
            }
            return marks
        }
        guard spent != nil, error.code == .conflict, reading.guards?.reservations.isEmpty == false else { return false }
        do throws(StoreError) {
            var query = AlertQuery()
            query.id = alert.id
            query.limit = 1
            guard try await store.alerts(query).first?.state == .received else { return false }
            // What the store counted and this process does not know of. A touch is one however often it is added, so
            // this needs no moment at which nothing is on its way.
            let now = clock.now
            let touched = try await store.standing(at: now).touched(at: now)
            guardDesk.state.withLock { state in
                for touch in touched { state.standing.add(touch) }
            }
            // Another event of the same source may be what was in the way; then deciding anew would go on for ever.
            let events = reading.signals.compactMap(\.event)
            return try await store.signals(telling: events).isEmpty
        } catch {
            logger.error("what guards remember can't be read", metadata: ["error": "\(error)"])
            return false
        }
    }

    // MARK: Runs

    /// What guards remember of a run's step: that a person let it begin, or that another actor put back what it did.
    func guardMarks(of transition: Transition, from run: Run, _ definition: RunDefinition, at now: Instant)
        -> GuardMarks?
    {
        var marks = GuardMarks(at: now)
        marks.marks = transition.run.putBacks(transition.events, definition, at: now)
        if let subject = run.subject, run.gate?.kind == .proposal, transition.run.gate?.kind != .proposal,
            transition.run.conclusion == nil
        {
            // A person agreed: it counts, and no limit stands in the way.
            marks.reservations = [
                Reservation(touch: Touch(subject, playbook: run.playbook.name, at: now), bounds: [])
            ]
        }
        return marks.isEmpty ? nil : marks
    }

    func remember(_ marks: GuardMarks?) {
        guard let marks else { return }
        guardDesk.state.withLock { state in
            state.standing.add(marks)
            state.stored += 1
        }
    }
}
