// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// What became of a delivery.
package enum Receipt: Sendable, Hashable {
    case stored(AlertID)
    case duplicate(of: AlertID)
    case rejected(Rejection)
    /// The source's own, and more than it may send at a time: it sends it again.
    case tooMany(retryAfterSeconds: Int)
    /// Nothing was stored; the source may send it again.
    case unavailable(reason: String, retryAfterSeconds: Int)
}

extension Engine {
    /// Verifies a delivery, drops a repeat, stores the alert; when it returns `stored` the alert can't be lost.
    package func receive(source id: String, _ delivery: InboundDelivery) async -> Receipt {
        guard !isDraining else { return .unavailable(reason: "shutting down", retryAfterSeconds: 5) }
        guard let source = connections.source(id), let shape = shape(of: id) else {
            return reject(.sourceUnknown, id)
        }
        let now = clock.now
        let alert: Alert
        do {
            alert = try await admit(delivery, source, shape, at: now)
        } catch let rejection as Rejection {
            return reject(rejection, id)
        } catch {
            count { $0.alertsUnavailable += 1 }
            // Whoever knows the address can ask as often as it likes: the log says so now and then.
            if rejections.withLock({ $0.isToldUnready(id, at: now) }) {
                logger.error("a source is not ready", metadata: ["source": "\(id)", "error": "\(error)"])
            }
            return .unavailable(reason: "the source is not ready", retryAfterSeconds: 30)
        }
        guard isInPace(source, shape, at: now) else {
            count { $0.alertsPutOff += 1 }
            return .tooMany(retryAfterSeconds: 1)
        }
        do throws(StoreError) { try await noteOriginKey(of: alert, at: now) } catch {
            count { $0.alertsUnavailable += 1 }
            if error.code == .unavailable { fail(error) }
            return .unavailable(reason: error.reason, retryAfterSeconds: error.code == .busy ? 1 : 30)
        }
        return await store(alert)
    }

    private func reject(_ rejection: Rejection, _ source: String) -> Receipt {
        countRejected(rejection, source: source)
        return .rejected(rejection)
    }

    /// Takes in what was found to be the source's own, without what must not be stored.
    func store(_ raw: Alert) async -> Receipt { await store(sealed(raw), from: raw) }

    /// As it may be stored; whatever way it came.
    func sealed(_ raw: Alert) -> Alert {
        raw.sealed(
            as: shape(of: raw.source), cutting: connections.source(raw.source)?.redaction ?? Redaction(), fingerprints,
            salt: evidence.salt())
    }

    private func store(_ alert: Alert, from raw: Alert) async -> Receipt {
        let entry = chronicle.entry(alert.id.text, 1, alert.receivedAt, "alertReceived", alert.receipt)
        do throws(StoreError) {
            switch try await store.accept(alert, entry: entry) {
            case .duplicate(let first):
                if let other = try await differing(alert, from: first, raw) {
                    return await storeBeside(first, other, raw)
                }
                count { $0.alertsRepeated += 1 }
                return .duplicate(of: first)
            case .stored:
                // Durable from here: a crash loses nothing, the next start's sweep reads the alert.
                count { $0.alertsStored += 1 }
                hand(.read(alert, isNew: true))
                return .stored(alert.id)
            }
        } catch {
            count { $0.alertsUnavailable += 1 }
            logger.error("an alert could not be stored", metadata: ["source": "\(alert.source)", "error": "\(error)"])
            if error.code == .unavailable { fail(error) }
            return .unavailable(reason: error.reason, retryAfterSeconds: error.code == .busy ? 1 : 30)
        }
    }

    /// The alert under a name that its bytes complete, when what came first under its delivery's id was something else.
    /// Where that id is not signed, anything may come under it: nothing is lost by it, and it shows. Where it is signed the
    /// sender itself says that the two are one, and signed it anew: that is counted, and a repeat.
    private func differing(_ alert: Alert, from first: AlertID, _ raw: Alert) async throws(StoreError) -> Alert? {
        // What Cordon itself tells has a name of its own: told anew after a crash it is the same, with later figures.
        guard alert.source != SessionAlarm.source else { return nil }
        var query = AlertQuery()
        query.id = first
        guard let known = try await store.alerts(query).first, !isSame(known, raw) else { return nil }
        // What was recovered has the sender's own word for its name, and was printed anew on its way.
        let isRecovered =
            known.originProof == .channel && alert.originProof != .channel
            && connections.source(alert.source)?.reconcile != nil
        guard !isRecovered, shape(of: alert.source)?.authentication.signsNames != true else {
            tellOfKnownID(first, alert)
            return nil
        }
        var other = alert
        other.deliveryID += "#" + alert.mark
        other.formerDeliveryIDs = (fingerprints.formerMarks(ofBody: raw.body) + [raw.bodyDigest]).map {
            alert.deliveryID + "#" + $0
        }
        return other
    }

    /// Whether the same bytes came; those of earlier versions are known by their plain digest.
    private func isSame(_ known: Alert, _ raw: Alert) -> Bool {
        known.mark.isEmpty ? known.bodyDigest == raw.bodyDigest : fingerprints.isMark(known.mark, ofBody: raw.body)
    }

    private func storeBeside(_ first: AlertID, _ other: Alert, _ raw: Alert) async -> Receipt {
        let receipt = await store(other, from: raw)
        if case .stored = receipt { tellOfKnownID(first, other) }
        return receipt
    }

    private func tellOfKnownID(_ first: AlertID, _ other: Alert) {
        count { $0.alertsUnderKnownID += 1 }
        logger.warning(
            "another body came under a delivery id that is known",
            metadata: ["source": "\(other.source)", "first": "\(first)", "body": "\(other.bodyDigest)"])
    }

    func hand(_ item: Work) { workInlet.yield(item) }

    /// Reads a stored alert: its signals, their decisions and the runs they open are stored in one commit, once.
    ///
    /// - Parameter isNew: it was stored just now, so that nobody can have begun to read it.
    func read(_ alert: Alert, isNew: Bool = false) async {
        guard busyAlerts.withLock({ $0.insert(alert.id).inserted }) else { return }
        defer { busyAlerts.withLock { _ = $0.remove(alert.id) } }
        guard await confirm(alert) else { return }
        let normalized = normalized(alert)
        let library = self.library
        let weighed: Weighed
        do { weighed = try await weigh(normalized.signals, library, of: alert, isNew: isNew) } catch {
            // It stays `received`; the sweep comes back to it, or the next start.
            guard !(error is CancellationError) else { return }
            if let error = error as? StoreError, error.code == .unavailable { return fail(error) }
            return logger.error("an alert can't be read", metadata: ["alert": "\(alert.id)", "error": "\(error)"])
        }
        let now = clock.now
        let decisions = weighed.decisions
        let subjects = Set(decisions.flatMap { $0.1.subjectsOfRuns(library) })
        let events = normalized.signals.compactMap(\.event)
        let matters = normalized.matters
        // Two deliveries of one event are not read at a time either, nor are an opening and a closing of one matter.
        let names = events.map { "event \($0.source) \($0.name)" } + matters.map { "matter \($0.source) \($0.name)" }
        await subjectLocks.whileLocked(subjects.union(names)) {
            do {
                let known = try await store.matters(matters)
                let (fresh, repeats) = sorted(decisions, known: try await store.signals(telling: events))
                let heeded = heeding(fresh, against: normalized.closings, known)
                try await tell(normalized.closings, known)
                var live = try await liveRuns(of: subjects)
                var grouped = heeded.map { ($0.0, self.grouped($0.1, library, live, at: now)) }
                // Before the alert counts as read: joining twice is refused, being forgotten is not noticed. A run may
                // end before it is joined: then the signal gets one of its own.
                while try await !join(grouped) {
                    live = try await liveRuns(of: subjects)
                    grouped = heeded.map { ($0.0, self.grouped($0.1, library, live, at: now)) }
                }
                var tries = 0
                var isDecided = false
                while !isDecided, tries < Limits.decidedAnewMax {
                    tries += 1
                    let (guarded, marks) = guarded(grouped, library, alert)
                    var outcome = reading(of: alert, normalized, guarded, repeats, live, library, weighed, at: now)
                    outcome.reading.guards = marks
                    isDecided = await record(outcome, alert) { await lookInShadow(guarded, library) }
                }
                if !isDecided {
                    // The sweep comes back to it.
                    logger.warning("an alert waits: others spend its limits", metadata: ["alert": "\(alert.id)"])
                }
            } catch {
                if let error = error as? StoreError, error.code == .unavailable { return fail(error) }
                logger.error("an alert could not be read", metadata: ["alert": "\(alert.id)", "error": "\(error)"])
            }
        }
    }

    /// The signals of events that nobody told of before, and those that repeat one, here or in an earlier alert.
    private func sorted(
        _ decisions: [(Signal, Decision)], known: [EventKey: SignalID]
    ) -> (fresh: [(Signal, Decision)], repeats: [Repeat]) {
        var known = known
        var fresh: [(Signal, Decision)] = []
        var repeats: [Repeat] = []
        for (signal, decision) in decisions {
            if let event = signal.event {
                if let first = known[event] {
                    repeats.append(Repeat(event: event.name, first: first))
                    continue
                }
                known[event] = signal.id
            }
            fresh.append((signal, decision))
        }
        return (fresh, repeats)
    }

    /// False when a run that should be joined takes nothing in any more.
    private func join(_ decisions: [(Signal, Decision)]) async throws(EngineError) -> Bool {
        for (signal, decision) in decisions {
            for case let run? in decision.matches.map(\.joins) {
                switch await control(run, .join(signal.id, signal.alert)) {
                case .done: break
                case .refused(let refusal) where refusal.code == .alreadyDecided: break
                case .refused, .noSuchRun: return false
                case .notStored(let error): throw EngineError(.store, error.reason)
                case .unavailable(let reason): throw EngineError(.store, reason)
                }
            }
        }
        return true
    }

    /// False when another decision spent meanwhile what this one would have: it is to be made anew.
    private func record(
        _ outcome: (reading: Reading, transitions: [Transition]), _ alert: Alert, whenStored: () async -> Void
    ) async -> Bool {
        let (reading, transitions) = outcome
        for transition in transitions { hold(transition.run.id) }
        do throws(StoreError) {
            try await store.record(reading)
        } catch {
            for transition in transitions { release(transition.run.id) }
            if await isOverspent(reading, alert, error) { return false }
            // Someone read it before; otherwise it stays `received`, and the sweep comes back to it.
            if error.code == .unavailable { fail(error) }
            if error.code != .conflict {
                logger.error("an alert could not be read", metadata: ["alert": "\(alert.id)", "error": "\(error)"])
            }
            return true
        }
        await settle(reading, alert)
        tell(reading, transitions)
        noticeDesk.note(reading.notices + reading.opened.flatMap(\.notices))
        for transition in transitions {
            carryOut(transition)
            release(transition.run.id)
        }
        await whenStored()
        return true
    }

    private func tell(_ reading: Reading, _ transitions: [Transition]) {
        count { counts in
            if reading.state == .quarantined { counts.alertsQuarantined += 1 }
            for decision in reading.decisions {
                if let verdict = Decision.Verdict(rawValue: decision.verdict) {
                    counts.decisions[verdict, default: 0] += 1
                }
            }
            for transition in transitions { counts.count(transition.events) }
        }
        for decision in reading.decisions {
            logger.info(
                "decided",
                metadata: [
                    "alert": "\(reading.alert)", "signal": "\(decision.signal)", "decision": "\(decision.id)",
                    "verdict": "\(decision.verdict)",
                    "runs": "\(transitions.map(\.run.id.text).joined(separator: " "))",
                ])
        }
    }

    /// What an alert says, or why it says nothing; and what its source closes by it.
    private struct Normalized {
        enum Meaning {
            /// `unread`: why some of what it lists could not be read.
            case signals([Signal], unread: String?)
            case silent(Alert.State, kind: String, reason: String)
        }

        var meaning: Meaning
        var closings: [Closing] = []

        var signals: [Signal] { if case .signals(let signals, _) = meaning { signals } else { [] } }

        /// What of its source it is about, or closes.
        var matters: [EventKey] { Array(Set(signals.compactMap(\.matter) + closings.map(\.matter))) }
    }

    /// An event that an alert tells of once more.
    private struct Repeat {
        var event: String
        var first: SignalID

        var value: Value { ["event_key": .string(event), "signal": .string(first.text)] }
    }

    private func normalized(_ alert: Alert) -> Normalized {
        guard alert.source != SessionAlarm.source else { return Normalized(meaning: alarmed(alert)) }
        let heard =
            shape(of: alert.source)?.hear(alert)
            ?? (meaning: .unknownShape("its source is no longer configured"), closes: [])
        let meaning: Normalized.Meaning =
            switch heard.meaning {
            case .unknownShape(let reason): .silent(.quarantined, kind: "alertQuarantined", reason: reason)
            case .nothing(let reason): .silent(.read, kind: "alertRead", reason: reason)
            case .signals(let signals): .signals(signals, unread: nil)
            case .partly(let signals, let unread): .signals(signals, unread: unread)
            }
        return Normalized(meaning: meaning, closings: closings(heard.closes, by: alert))
    }

    /// An alert that Cordon itself made.
    private func alarmed(_ alert: Alert) -> Normalized.Meaning {
        guard let signal = SessionAlarm.signal(of: alert) else {
            return .silent(.quarantined, kind: "alertQuarantined", reason: "of no shape that this version writes")
        }
        return .signals([signal], unread: nil)
    }

    /// What reading an alert gives. Pure but for the ids of the providers, which are configuration.
    private func reading(
        of alert: Alert, _ normalized: Normalized, _ decisions: [(Signal, Decision)], _ repeats: [Repeat],
        _ live: [String: [LiveRun]], _ library: Library, _ weighed: Weighed, at now: Instant
    ) -> (reading: Reading, transitions: [Transition]) {
        var lines = LineWriter(
            stream: alert.id.text, after: weighed.lines.number, at: now, chronicle: chronicle)
        let closings = normalized.closings
        let closes = closings.isEmpty ? [:] : ["closes": Value.array(closings.map(\.value))]
        if case .silent(let state, let kind, let reason) = normalized.meaning {
            var body: [String: Value] = ["reason": .string(reason)]
            if state == .read { body["signals"] = [] }
            lines.write(kind, .object(body.merging(closes) { own, _ in own }))
            var reading = Reading(alert: alert.id, state: state, entries: lines.entries)
            reading.closings = closings
            return (reading, [])
        }
        var reading = Reading(alert: alert.id, state: .read, entries: [])
        var transitions: [Transition] = []
        for (signal, decision) in decisions {
            let signalBytes = signal.value.jsonBytes
            lines.write("signalNormalized", json: signalBytes)
            reading.signals.append(
                SignalRecord(
                    id: signal.id, alert: alert.id, kind: signal.kind, receivedAt: signal.receivedAt,
                    body: signalBytes, event: signal.event))
            for sought in weighed.sought[signal.id] ?? [] {
                let (kind, body) = sought.line
                lines.write(kind, body)
            }
            let decisionBytes = decision.value.jsonBytes
            lines.write("decisionMade", json: decision.line(decisionBytes))
            reading.decisions.append(
                DecisionRecord(
                    id: decision.id, signal: signal.id, alert: alert.id, verdict: decision.verdict.rawValue, at: now,
                    body: decisionBytes))
            transitions += open(decision, signal, library, live, at: now)
        }
        var body: [String: Value] = ["signals": .array(decisions.map { .string($0.0.id.text) })]
        if !repeats.isEmpty { body["repeats"] = .array(repeats.map(\.value)) }
        if case .signals(_, let unread?) = normalized.meaning {
            body["reason"] = .string(unread)
            reading.state = .quarantined
        }
        body.merge(closes) { own, _ in own }
        reading.closings = closings
        reading.concerns = concerns(decisions)
        lines.write(reading.state == .read ? "alertRead" : "alertQuarantined", .object(body))
        reading.entries = lines.entries
        reading.opened = transitions.map { transition in
            var change = chronicle.change(transition, from: 0, at: now)
            // Of a surge people hear once, and not of each run that it makes a proposal of.
            let isSurge = decisions.contains { $0.1.isSurge(of: transition.run.id) }
            change.notices = isSurge ? [] : notices(transition, after: 0, at: now)
            return change
        }
        reading.notices = notices(decisions, library, at: now)
        return (reading, transitions)
    }

    private func open(
        _ decision: Decision, _ signal: Signal, _ library: Library, _ live: [String: [LiveRun]], at now: Instant
    ) -> [Transition] {
        var opened = live
        return decision.matches.compactMap { match in
            guard let id = match.run, let workflow = library.workflows[match.workflow.name],
                let playbook = library.playbooks.first(where: { $0.name == match.playbook.name })
            else { return nil }
            var gate = match.gate
            var subject: Subject?
            if case .resolved(let found) = match.resolution { subject = found }
            let inputs = playbook.inputs(subject: subject, signal: signal, for: workflow)
            if case .failure(let refusal) = inputs, gate == nil {
                gate = Run.Ask(kind: .undecided, reason: refusal.reason)
            }
            let called = library.called(by: workflow)
            let definition = definition(workflow, called, subject)
            let handed = (try? inputs.get()) ?? .object([:])
            if gate == nil, let lack = definition.lack(subject, handed) {
                gate = Run.Ask(kind: .undecided, reason: lack)
            }
            let isShared = playbook.trigger.perSubject == .many
            let opening = Opening(
                id: id, decision: decision.id, signal: signal.id, alert: signal.alert, playbook: match.playbook,
                workflow: match.workflow, called: called.map(\.pin), subject: subject, severity: signal.severity,
                inputs: handed, steps: workflow.lines.map(\.id),
                gate: gate
                    ?? (isShared
                        ? nil : queueing(definition.wanted(handed), subject, opened[subject?.key ?? ""] ?? [])),
                isShared: isShared,
                objectsMax: EffectiveLimits(library.guards.limits, playbook.guards.limits).objectsMax,
                undoable: definition.undoable(handed))
            let transition = Run.open(opening, definition, halts: halts, at: now)
            if let subject, !isShared {
                opened[subject.key, default: []].append(
                    LiveRun(
                        run: transition.run, holds: [], wants: transition.run.isQueued ? definition.wanted(handed) : [])
                )
            }
            return transition
        }
    }

    func definition(_ workflow: Workflow, _ called: [Workflow], _ subject: Subject?) -> RunDefinition {
        RunDefinition(
            workflow: workflow, called: Dictionary(called.map { ($0.name, $0) }) { first, _ in first },
            contracts: subject.flatMap { promised[$0.provider] } ?? [:], elsewhere: promised,
            sealer: sealer)
    }
}

extension Signal {
    /// What is stored but once.
    fileprivate var event: EventKey? { eventKey.map { EventKey(source: source, name: $0) } }
}

extension Decision {
    /// The subjects of the runs that it would open, but for those whose other runs don't matter to them.
    fileprivate func subjectsOfRuns(_ library: Library) -> [String] {
        matches.compactMap { match in
            guard match.run != nil, case .resolved(let subject) = match.resolution,
                let trigger = library.playbooks.first(where: { $0.name == match.playbook.name })?.trigger,
                trigger.perSubject == .one || trigger.groupMilliseconds != nil
            else { return nil }
            return subject.key
        }
    }

    /// Its line in the history: whole, or where it is longer than a line may be, the digest of the decision as its row
    /// keeps it.
    fileprivate func line(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > Limits.entryBytesMax else { return bytes }
        let cut: Value = [
            "id": .string(id.text), "verdict": .string(verdict.rawValue), "cut": true,
            "bytes": .int(Int64(bytes.count)),
            "digest": .string(digestText(bytes)),
        ]
        return cut.jsonBytes
    }
}

/// Numbers an alert's lines.
private struct LineWriter {
    let stream: String
    var after: Int
    let at: Instant
    let chronicle: Chronicle
    private(set) var entries: [Entry] = []

    init(stream: String, after: Int, at: Instant, chronicle: Chronicle) {
        self.stream = stream
        self.after = after
        self.at = at
        self.chronicle = chronicle
    }

    mutating func write(_ kind: String, _ body: Value) {
        after += 1
        entries.append(chronicle.entry(stream, after, at, kind, body))
    }

    mutating func write(_ kind: String, json body: [UInt8]) {
        after += 1
        entries.append(chronicle.entry(stream, after, at, kind, json: body))
    }
}
