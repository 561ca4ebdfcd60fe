// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
package import CordonStore
import Logging
import Synchronization

/// What people and breakers said of playbooks and alerts, as its own stream of the history tells of it.
package struct GuardLog: Sendable {
    package static let stream = "guards"

    package enum Line: Sendable, Hashable {
        case labeled(AlertID, Labeling)
        case breakerOpened(playbook: String, OpenBreaker)
        case breakerClosed(playbook: String, by: String, reason: String, at: Instant)
        case modeSet(Ladder.Rung)

        var kind: String {
            switch self {
            case .labeled: "alertLabeled"
            case .breakerOpened: "breakerOpened"
            case .breakerClosed: "breakerClosed"
            case .modeSet: "modeSet"
            }
        }

        var body: Value {
            switch self {
            case .labeled(let alert, let labeling):
                [
                    "alert": .string(alert.text), "label": .string(labeling.label.rawValue),
                    "by": .string(labeling.by), "reason": .string(labeling.reason),
                ]
            case .breakerOpened(let playbook, let open):
                ["playbook": .string(playbook), "count": .object(open.count.value)]
            case .breakerClosed(let playbook, let by, let reason, _):
                ["playbook": .string(playbook), "by": .string(by), "reason": .string(reason)]
            case .modeSet(let rung):
                [
                    "playbook": .string(rung.version.playbook), "digest": .string(rung.version.digest),
                    "does": .array((rung.version.does ?? []).map(Value.string)),
                    "mode": .string(rung.mode.rawValue), "by": .string(rung.by), "reason": .string(rung.reason),
                ]
            }
        }

        /// `nil`: no line that this version knows.
        init?(_ entry: Entry) {
            guard let body = try? JSON.parse(entry.bytes)["body"] else { return nil }
            func text(_ key: String) -> String? { body[key]?.stringValue }
            switch entry.kind {
            case "alertLabeled":
                guard let alert = text("alert").flatMap(AlertID.init), let label = text("label").flatMap(Label.init)
                else { return nil }
                self = .labeled(
                    alert,
                    Labeling(label: label, by: text("by") ?? "", reason: text("reason") ?? "", at: entry.at))
            case "breakerOpened":
                guard let playbook = text("playbook"), let count = body["count"].flatMap(BreakerCount.init) else {
                    return nil
                }
                self = .breakerOpened(playbook: playbook, OpenBreaker(since: entry.at, count: count))
            case "breakerClosed":
                guard let playbook = text("playbook") else { return nil }
                self = .breakerClosed(
                    playbook: playbook, by: text("by") ?? "", reason: text("reason") ?? "", at: entry.at)
            case "modeSet":
                guard let playbook = text("playbook"), let digest = text("digest"),
                    let mode = text("mode").flatMap(Playbook.Mode.init)
                else { return nil }
                self = .modeSet(
                    Ladder.Rung(
                        version: Ladder.Version(
                            playbook: playbook, digest: digest,
                            does: body["does"]?.arrayValue?.compactMap(\.stringValue)),
                        mode: mode, by: text("by") ?? "", reason: text("reason") ?? "", since: entry.at))
            default: return nil
            }
        }
    }

    package private(set) var labels: [AlertID: Labeling] = [:]
    package private(set) var open: [String: OpenBreaker] = [:]
    package private(set) var closed: [String: Instant] = [:]
    package private(set) var ladder = Ladder()
    /// The number of the stream's last entry.
    package private(set) var number = 0

    package init() {}

    package mutating func apply(_ entry: Entry) throws(EngineError) {
        switch Line(entry) {
        case .labeled(let alert, let labeling)?: labels[alert] = labeling
        case .breakerOpened(let playbook, let breaker)?: open[playbook] = breaker
        case .breakerClosed(let playbook, _, _, let at)?:
            open[playbook] = nil
            closed[playbook] = at
        case .modeSet(let rung)?: ladder.set(rung)
        case nil:
            throw EngineError(.store, "line \(entry.number) of \(entry.stream) can't be read by this version")
        }
        number = entry.number
    }

    /// What decisions need of it.
    package func tell(_ standing: inout Standing) {
        standing.breakers = open
        standing.ladder = ladder
    }
}

extension Store {
    package func guardLog() async throws -> GuardLog {
        var log = GuardLog()
        try await read(into: &log)
        return log
    }

    func read(into log: inout GuardLog) async throws {
        while true {
            let page = try await history(GuardLog.stream, from: log.number + 1, limit: 500)
            for indexed in page { try log.apply(indexed.entry) }
            if page.count < 500 { return }
        }
    }
}

/// The latest runs of each playbook, and what was said of them.
struct TrialDesk: Sendable {
    var log = GuardLog()
    var books: [String: TrialBook] = [:]

    func count(_ playbook: String, _ rule: BreakerRule) -> BreakerCount {
        books[playbook]?.count(rule, log.labels, since: log.closed[playbook]) ?? BreakerCount()
    }
}

package enum ModeAnswer: Sendable {
    case done
    case noSuchPlaybook
    /// Without a ladder the mode is what the file says.
    case noLadder
    case lacking([String])
}

extension Engine {
    func readGuardLog() async throws {
        var log = guardDesk.state.withLock { $0.trials.log }
        try await store.read(into: &log)
        let read = log
        guardDesk.state.withLock { state in
            // Who reads at the same time may have read further.
            guard read.number > state.trials.log.number else { return }
            state.trials.log = read
            read.tell(&state.standing)
        }
    }

    /// The latest runs of every playbook in force, as the store tells of them.
    func recallTrials() async throws {
        guard let rule = library.guards.breaker else { return }
        for playbook in library.playbooks {
            var query = RunQuery()
            query.playbook = playbook.name
            query.limit = rule.last
            var kept = 0
            var looked = 0
            // Runs that live and that nobody labeled count for nothing, and may be many.
            while kept < rule.last, looked < Limits.trialsLookedMax {
                let page = try await store.runs(query)
                // One that can't be read is told of when it is to go on, and keeps no other from being acted on.
                let trials = page.compactMap { try? $0.run() }.map { Trial($0) }
                kept += guardDesk.state.withLock { state -> Int in
                    let counted = trials.filter { $0.ending != nil || state.trials.log.labels[$0.alert] != nil }
                    for trial in counted { state.trials.books[playbook.name, default: TrialBook()].add(trial) }
                    return counted.count
                }
                looked += page.count
                guard page.count == query.limit else { break }
                query.beyond = page.last?.id
            }
            await weighTrials(of: playbook.name)
        }
    }

    /// A run ended, or was labeled: its playbook's breaker looks again.
    func noteTrial(of run: Run) async {
        guard library.guards.breaker != nil else { return }
        guardDesk.state.withLock { $0.trials.books[run.playbook.name, default: TrialBook()].add(Trial(run)) }
        await weighTrials(of: run.playbook.name)
    }

    /// Opens the playbook's breaker when its latest runs ask for it.
    private func weighTrials(of playbook: String) async {
        guard let rule = library.guards.breaker else { return }
        let count = guardDesk.state.withLock { state -> BreakerCount? in
            guard state.trials.log.open[playbook] == nil else { return nil }
            let count = state.trials.count(playbook, rule)
            return count.isOver(rule) ? count : nil
        }
        guard let count else { return }
        do {
            let isNew = try await noteGuard { log, now in
                log.open[playbook] == nil
                    ? .breakerOpened(playbook: playbook, OpenBreaker(since: now, count: count)) : nil
            }
            guard isNew else { return }
            logger.warning(
                "a breaker opened: the playbook only proposes until a person closes it",
                metadata: ["playbook": "\(playbook)", "because": "\(count.words)"])
        } catch {
            // The next run that ends looks again, and so does a start.
            logger.error("an open breaker could not be stored", metadata: ["error": "\(error)"])
        }
    }

    /// Says what an alarm was. Stored when it returns; `false` when that is what it said already.
    package func label(_ alert: AlertID, _ label: Label, by: String, reason: String) async throws -> Bool {
        let isNew = try await noteGuard { log, now in
            log.labels[alert]?.label == label
                ? nil : .labeled(alert, Labeling(label: label, by: by, reason: reason, at: now))
        }
        // Also when it was said before: a crash may have come between the label and the breaker.
        var query = RunQuery()
        query.alert = alert
        for record in try await store.runs(query) {
            if let run = try? record.run() { await noteTrial(of: run) }
        }
        return isNew
    }

    /// Closes a playbook's breaker: what was before counts no more. `false` when it is not open.
    package func closeBreaker(_ playbook: String, by: String, reason: String) async throws -> Bool {
        try await noteGuard { log, now in
            log.open[playbook] == nil ? nil : .breakerClosed(playbook: playbook, by: by, reason: reason, at: now)
        }
    }

    /// Lets the playbook's present version as far as `mode`, or back.
    ///
    /// - Parameter isForced: whatever its ladder asks for.
    package func setMode(
        _ name: String, _ mode: Playbook.Mode, isForced: Bool, by: String, reason: String
    ) async throws -> ModeAnswer {
        guard let playbook = library.playbooks.first(where: { $0.name == name }) else { return .noSuchPlaybook }
        guard let rule = library.guards.ladder else { return .noLadder }
        let version = library.version(of: playbook)
        let now = standing.ladder.mode(of: version)
        if !isForced, mode.isHigher(than: now) {
            let running = library.workflows[playbook.workflow]?.pin
            let lacks = try await trackRecord(playbook.pin, running: running, since: nil)
                .lacks(for: mode, from: now, rule)
            guard lacks.isEmpty else { return .lacking(lacks) }
        }
        _ = try await noteGuard { log, now in
            .modeSet(Ladder.Rung(version: version, mode: mode, by: by, reason: reason, since: now))
        }
        logger.notice(
            "a playbook was let as far as",
            metadata: ["playbook": "\(name)", "mode": "\(mode.rawValue)", "by": "\(by)"])
        return .done
    }

    package func labels() -> [AlertID: Labeling] { guardDesk.state.withLock { $0.trials.log.labels } }

    package func trackRecord(
        _ pin: Run.Pin, running workflow: Run.Pin? = nil, since: Instant?
    ) async throws -> TrackRecord {
        try await store.trackRecord(of: pin, running: workflow, labels(), since: since)
    }

    /// Stores one line, decided anew for as long as another is first; `false` when there is nothing to say.
    private func noteGuard(_ line: (GuardLog, Instant) -> GuardLog.Line?) async throws -> Bool {
        while true {
            let now = clock.now
            let log = guardDesk.state.withLock { $0.trials.log }
            guard let line = line(log, now) else { return false }
            let entry = chronicle.entry(GuardLog.stream, log.number + 1, now, line.kind, line.body)
            do throws(StoreError) { try await store.note(entry) } catch {
                guard error.code == .conflict else { throw error }
                try await readGuardLog()
                continue
            }
            try await readGuardLog()
            return true
        }
    }
}

extension Store {
    /// What the stored decisions tell of one digest of a playbook, back to `since`.
    ///
    /// - Parameter workflow: only of what it ran, or would have run, by this; `nil`: whatever it ran by.
    package func trackRecord(
        of pin: Run.Pin, running workflow: Run.Pin? = nil, _ labels: [AlertID: Labeling], since: Instant?
    ) async throws -> TrackRecord {
        var lines: [TrackRecord.Line] = []
        var query = DecisionQuery()
        query.limit = 500
        var looked = 0
        scan: while looked < Limits.decisionsReviewedMax {
            let page = try await decisions(query)
            for record in page {
                if let since, record.at < since { break scan }
                let body = try JSON.parse(record.body)
                guard var line = TrackRecord.Line(body, of: pin, running: workflow, at: record.at, alert: record.alert)
                else { continue }
                line.label = labels[record.alert]?.label
                line.run = try await run(of: pin, in: body)
                if line.verdict == .shadow { line.look = try await look(of: pin, record) }
                lines.append(line)
            }
            looked += page.count
            guard page.count == query.limit, let last = page.last else { break }
            query.beyond = last.id
        }
        return TrackRecord(lines)
    }

    private func look(of pin: Run.Pin, _ decision: DecisionRecord) async throws -> Value? {
        let lines = try await history(decision.alert.text, from: 1, limit: 500)
        return lines.lazy.filter { $0.entry.kind == ShadowLook.kind }
            .compactMap { try? JSON.parse($0.entry.bytes)["body"] }
            .first { $0["decision"] == .string(decision.id.text) && $0.at("playbook", "digest") == .string(pin.digest) }
    }

    private func run(of pin: Run.Pin, in decision: Value) async throws -> Run? {
        let match = decision["matches"]?.arrayValue?.first { $0["playbook"]?["digest"] == .string(pin.digest) }
        guard let id = match?["run"]?.stringValue.flatMap(RunID.init) else { return nil }
        var query = RunQuery()
        query.id = id
        query.limit = 1
        // One that can't be read counts for nothing, and stops no other.
        return try await runs(query).first.flatMap { try? $0.read() }
    }
}
