// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// What a playbook that went no further than shadow would have done about one signal, looked up where it would have
/// been done: with read-only calls, told as a line of the alert's own stream. A look that the process's end comes
/// between is not made later, when the provider would tell another state: the next start tells that it is lost.
struct ShadowLook: Sendable {
    static let kind = "shadowLooked"
    static let lost = "shadowLookLost"

    var alert: AlertID
    var decision: DecisionID
    var run: Run
    var definition: RunDefinition
}

extension Engine {
    /// Has looked up what the decisions' shadows would have done. Stored decisions only.
    func lookInShadow(_ decisions: [(Signal, Decision)], _ library: Library) async {
        guard looksInShadow else { return }
        for (signal, decision) in decisions {
            for (place, match) in decision.matches.enumerated() where match.verdict == .shadow {
                guard let look = look(place, match, decision, signal, library) else { continue }
                let isTaken = shadowLooks.withLock { waiting in
                    guard waiting < Limits.shadowLooksMax else { return false }
                    waiting += 1
                    return true
                }
                if isTaken {
                    hand(.look(look))
                } else {
                    count { $0.shadowLooksLeftOut += 1 }
                    await noteLeftOut(look)
                }
            }
        }
    }

    /// So that whoever counts what the shadow showed sees that of this signal it showed nothing.
    private func noteLeftOut(_ look: ShadowLook) async {
        let body: Value = [
            "decision": .string(look.decision.text), "playbook": look.run.playbook.value,
            "because": .string(
                "\(Limits.shadowLooksMax) looks waited already, which is the limit (shadowLooksMax)"),
        ]
        do { try await store(body, ShadowLook.lost, in: look.alert.text) } catch {
            logger.error(
                "a look in shadow that is left out can't be told",
                metadata: ["decision": "\(look.decision)", "error": "\(error)"])
        }
    }

    private func look(
        _ place: Int, _ match: Decision.Match, _ decision: Decision, _ signal: Signal, _ library: Library
    ) -> ShadowLook? {
        guard case .resolved(let subject) = match.resolution,
            let playbook = library.playbooks.first(where: { $0.name == match.playbook.name }),
            let workflow = library.workflows[match.workflow.name],
            case .success(let inputs) = playbook.inputs(subject: subject, signal: signal, for: workflow)
        else { return nil }
        let called = library.called(by: workflow)
        let definition = definition(workflow, called, subject)
        guard definition.lack(subject, inputs) == nil else { return nil }
        let opening = Opening(
            id: decision.id.run(place + 1), decision: decision.id, signal: signal.id, alert: signal.alert,
            playbook: match.playbook, workflow: match.workflow, called: called.map(\.pin), subject: subject,
            // At the end of every line: what is really done comes first.
            severity: .low, inputs: inputs, steps: workflow.lines.map(\.id),
            gate: Run.Ask(kind: .proposal, reason: "in shadow"))
        // Never stored: only what it would do, were it let begin, is looked at.
        let run = Run.open(opening, definition, halts: .none, at: clock.now).run
        return ShadowLook(alert: signal.alert, decision: decision.id, run: run, definition: definition)
    }

    /// Tells of the looks that an ended process had taken on and not told of: decided before `start`, shortly before its
    /// end, and about somebody. So every signal in shadow has a line that says what its provider told, or that nobody
    /// knows.
    func noteLostLooks(before start: Instant) async {
        guard looksInShadow else { return }
        do {
            var query = DecisionQuery()
            query.limit = Limits.shadowLooksSought
            let all = try await store.decisions(query).filter { $0.at < start }
            guard let newest = all.map(\.at).max() else { return }
            for decision in all where newest.since(decision.at) <= Limits.shadowLookMillisecondsMax {
                for playbook in shadowed(in: decision) { try await noteLost(playbook, decision) }
            }
        } catch {
            logger.error("looks in shadow that were lost can't be told", metadata: ["error": "\(error)"])
        }
    }

    /// The pins of the playbooks in force that would have been looked up.
    private func shadowed(in decision: DecisionRecord) -> [Value] {
        let known = Set(library.playbooks.map { Value.string($0.digest) })
        let matches = (try? JSON.parse(decision.body))?["matches"]?.arrayValue ?? []
        return matches.compactMap { match in
            guard match["verdict"] == "shadow", match.at("subject", "is") == "resolved", let pin = match["playbook"],
                let digest = pin["digest"], known.contains(digest)
            else { return nil }
            return pin
        }
    }

    private func noteLost(_ playbook: Value, _ decision: DecisionRecord) async throws(StoreError) {
        let stream = decision.alert.text
        let lines = try await store.history(stream, from: 1, limit: 500)
        let isTold = lines.contains { line in
            guard [ShadowLook.kind, ShadowLook.lost].contains(line.entry.kind),
                let body = (try? JSON.parse(line.entry.bytes))?["body"]
            else { return false }
            return body["decision"] == .string(decision.id.text)
                && body.at("playbook", "digest") == playbook["digest"]
        }
        guard !isTold, lines.count < 500, let last = lines.last?.entry.number else { return }
        let body: Value = [
            "decision": .string(decision.id.text), "playbook": playbook,
            "because": "the process ended before its provider was asked, or before the answer was stored",
        ]
        do throws(StoreError) {
            try await store.note(chronicle.entry(stream, last + 1, clock.now, ShadowLook.lost, body))
            count { $0.shadowLooksLost += 1 }
        } catch {
            // Another line came between: the next start tells it.
            guard error.code == .conflict else { throw error }
        }
    }

    /// Makes the look's read-only calls, and stores what they told.
    func carryOut(_ look: ShadowLook) async {
        defer { shadowLooks.withLock { $0 -= 1 } }
        let (reads, forecast) = await readAll(look)
        let acts = await read(
            PlannedAct.all(forecast).filter { !look.reads($0.call) }, look.run, look.definition)
        var body: [String: Value] = [
            "decision": .string(look.decision.text), "playbook": look.run.playbook.value,
            "subject": .string(look.run.subject?.key ?? ""), "reads": .array(reads), "acts": .array(acts.map(\.value)),
        ]
        if case .stop(let ask)? = forecast.lines.last?.doing { body["asks"] = .string(ask.reason) }
        do { try await store(.object(body), of: look) } catch {
            logger.error(
                "what a shadow would have done could not be stored",
                metadata: ["decision": "\(look.decision)", "error": "\(error)"])
        }
    }

    /// One reading call after the other, each with what those before it told: so a list is that of now.
    private func readAll(_ look: ShadowLook) async -> (reads: [Value], Forecast) {
        var assuming = Forecast.Assumptions()
        var reads: [Value] = []
        while true {
            let forecast = Forecast.of(look.run, look.definition, assuming: assuming, at: clock.now)
            let next = PlannedAct.all(forecast).first { act in
                look.reads(act.call) && assuming.results[act.step] == nil && !assuming.refused.contains(act.step)
            }
            guard let next, reads.count < Engine.actsReadMax else { return (reads, forecast) }
            var told = next.value.objectValue ?? [:]
            switch await state(next, look.run, .act) {
            case .success(let result):
                assuming.results[next.step] = result
                told["result"] = result
            case .failure(let reason):
                assuming.refused.insert(next.step)
                told["unread"] = .string(reason.text)
            }
            reads.append(.object(told))
        }
    }

    private func store(_ body: Value, of look: ShadowLook) async throws {
        var kept = body
        if body.jsonBytes.count > Limits.entryBytesMax {
            let digest = digestText(body.jsonBytes)
            kept = ["decision": .string(look.decision.text), "playbook": look.run.playbook.value, "cut": true]
            kept = .object((kept.objectValue ?? [:]).merging(["digest": .string(digest)]) { own, _ in own })
        }
        try await store(kept, ShadowLook.kind, in: look.alert.text)
    }

    private func store(_ body: Value, _ kind: String, in stream: String) async throws {
        while true {
            let lines = try await store.history(stream, from: 1, limit: 500)
            // As many looks as playbooks have an alert: a page is far more than that.
            guard lines.count < 500, let last = lines.last?.entry.number else { return }
            let entry = chronicle.entry(stream, last + 1, clock.now, kind, body)
            do throws(StoreError) { return try await store.note(entry) } catch {
                guard error.code == .conflict else { throw error }
            }
        }
    }
}

extension ShadowLook {
    /// It changes nothing, so it is made.
    fileprivate func reads(_ call: Call) -> Bool {
        definition.contract(of: call, for: run.subject)?.effectClass == .read
    }
}
