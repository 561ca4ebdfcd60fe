// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging

// Whom an alert means, where the inventory doesn't know. Providers are asked before anything is decided: whom guards
// protect, limits count and a second signal joins follows from the subject, so none of it may rest on a guess. Each
// question stands in the alert's stream before it is sent and each answer after it, so that what an ended process heard
// is not asked again.

/// An alert's lines so far, and what look-ups add to them.
struct AlertLines: Sendable {
    let alert: Alert
    private(set) var number: Int
    private var answers: [String: (line: Int, answer: LookupAnswer)] = [:]
    private var attempts: [String: Int] = [:]
    private(set) var lookups = 0

    /// - Parameter entries: those after its first.
    init(_ alert: Alert, _ entries: [Entry]) {
        self.alert = alert
        number = 1 + entries.count
        for entry in entries {
            guard let body = try? JSON.parse(entry.bytes)["body"], let key = body["asks"]?.stringValue else { continue }
            switch entry.kind {
            case "lookupIntended": attempts[key, default: 0] += 1
            case "lookupReturned": answers[key] = LookupAnswer(line: body).map { (entry.number, $0) }
            default: break
            }
        }
        lookups = attempts.count
    }

    func attempt(_ key: String) -> Int { attempts[key, default: 0] + 1 }
    func answer(to key: String) -> (line: Int, answer: LookupAnswer)? { answers[key] }

    mutating func intended(_ key: String) {
        if attempts[key] == nil { lookups += 1 }
        attempts[key, default: 0] += 1
        number += 1
    }

    mutating func returned(_ key: String, _ answer: LookupAnswer?) {
        number += 1
        answers[key] = answer.map { (number, $0) }
    }
}

/// What a provider says of whom an alert means.
enum LookupAnswer: Sendable, Hashable {
    case found(Found)
    case nobody(String)
    /// It could not be asked, or not understood: no word about anybody.
    case unheard(String)

    /// `nil`: it is to be asked again.
    init?(_ outcome: Outcome) {
        let reason = outcome.reason ?? "no reason given"
        switch outcome.kind {
        case .done, .already:
            switch Found.read(outcome.result) {
            case .success(let found): self = .found(found)
            case .failure(let refusal): self = .unheard(refusal.reason)
            }
        // A page that names others, and a resource that is not there. Whom it doesn't let ask it tells nothing.
        case .refused:
            let tells = outcome.status.map { (200..<300).contains($0) || $0 == 404 } ?? false
            self = tells ? .nobody(reason) : .unheard(outcome.status.map { "\(reason) (HTTP \($0))" } ?? reason)
        case .later, .unknown: return nil
        }
    }

    /// As a line of the history has it.
    init?(line body: Value) {
        guard let kind = body["outcome"]?.stringValue.flatMap(Outcome.Kind.init(rawValue:)) else { return nil }
        self.init(
            Outcome(
                kind, status: body["status"]?.intValue.map(Int.init), reason: body["reason"]?.stringValue,
                result: body["result"] ?? .null))
    }
}

extension Engine {
    /// The decisions about an alert's signals, and what was found out for them.
    struct Weighed: Sendable {
        var decisions: [(Signal, Decision)] = []
        var sought: [SignalID: [Sought]] = [:]
        var lines: AlertLines
    }

    /// - Parameter isNew: nobody can have read it before.
    func weigh(_ signals: [Signal], _ library: Library, of alert: Alert, isNew: Bool) async throws -> Weighed {
        let earlier = isNew ? [] : try await store.history(alert.id.text, from: 2, limit: StoreLimits.rowsPerPageMax)
        var weighed = Weighed(lines: AlertLines(alert, earlier.map(\.entry)))
        var known: [Wanted: Sought] = [:]
        for signal in signals {
            var library = try await self.library(library, for: signal)
            for wanted in library.inventory.isWidened ? library.wanted(by: signal) : [] {
                let found: Sought?
                if let before = known[wanted] {
                    found = before
                } else {
                    found = try await seek(wanted, library.inventory, signal, &weighed.lines)
                }
                guard let found else { continue }
                known[wanted] = found
                library.inventory.sought.append(found)
            }
            if !library.inventory.sought.isEmpty { weighed.sought[signal.id] = library.inventory.sought }
            weighed.decisions.append((signal, decide(signal, library, at: clock.now)))
        }
        return weighed
    }

    /// `nil` where no provider can be asked by what the alert says.
    private func seek(
        _ wanted: Wanted, _ inventory: Inventory, _ signal: Signal, _ lines: inout AlertLines
    ) async throws -> Sought? {
        var heard: [(provider: Provider, line: Int, answer: LookupAnswer)] = []
        for provider in providers.values.sorted(by: { $0.connection.id < $1.connection.id }) {
            guard let lookup = provider.lookup(for: wanted) else { continue }
            let key = "\(provider.connection.id)/\(lookup.name)/\(sealer.digest(wanted.line.jsonBytes))"
            guard lines.lookups < Limits.lookupsPerAlertMax || lines.attempt(key) > 1 else {
                return Sought(
                    wanted: wanted,
                    resolution: .missing(
                        "the alert names more than \(Limits.lookupsPerAlertMax) whom nobody knows (lookupsPerAlertMax)"),
                    told: "")
            }
            let (line, answer) = try await ask(provider, lookup, wanted, key, signal, &lines)
            heard.append((provider, line, answer))
        }
        return heard.isEmpty ? nil : conclude(wanted, heard, inventory, lines.alert.id.text)
    }

    /// Asks until it is answered, or its time is up.
    private func ask(
        _ provider: Provider, _ lookup: ProviderShape.Lookup, _ wanted: Wanted, _ key: String, _ signal: Signal,
        _ lines: inout AlertLines
    ) async throws -> (line: Int, answer: LookupAnswer) {
        let until = max(
            lines.alert.receivedAt.adding(milliseconds: Limits.lookupMillisecondsMax),
            clock.now.adding(milliseconds: Limits.lookupMillisecondsMin))
        while true {
            if let known = lines.answer(to: key) { return known }
            let errand: Errand
            switch try await intend(provider, lookup, wanted, key, signal, &lines) {
            case .success(let intended): errand = intended
            case .failure(let refusal): return (lines.number, .unheard(refusal.reason))
            }
            // Durable from here: a question that was asked and not answered is asked again, for it changes nothing.
            let attempt = errand.call.attempt
            let outcome = await performer.performInTurn(errand, isSealedHere: true).outcome
            let wait = max(outcome.retryAfterMilliseconds ?? 0, Int64(1000) << Int64(min(attempt - 1, 5)))
            let again = clock.now.adding(milliseconds: wait)
            let isLast = again >= until
            try await note(outcome, of: errand.call, key, isLast: isLast, &lines)
            if let known = lines.answer(to: key) { return known }
            guard !isLast else {
                return (lines.number, .unheard(outcome.reason ?? "it gave no answer"))
            }
            logger.warning(
                "an alert waits: whom it means could not be looked up",
                metadata: [
                    "alert": "\(lines.alert.id)", "provider": "\(provider.connection.id)", "tries": "\(attempt)",
                    "reason": "\(outcome.reason ?? "")",
                ])
            await clock.sleep(until: again)
            if isDraining || Task.isCancelled { throw CancellationError() }
        }
    }

    private func intend(
        _ provider: Provider, _ lookup: ProviderShape.Lookup, _ wanted: Wanted, _ key: String, _ signal: Signal,
        _ lines: inout AlertLines
    ) async throws -> Result<Errand, Refusal> {
        let now = clock.now
        let attempt = lines.attempt(key)
        // Named as the first step of the run that may follow, each question by its line in the history.
        let draft = CallDraft(
            run: signal.id.decision.run(1), step: "subject", number: lines.number + 1, purpose: .act,
            capability: lookup.capability, provider: provider.connection.id, arguments: ["named": wanted.reference])
        let seal: Seal
        switch sealer.seal(draft) {
        case .success(let made): seal = made
        case .failure(let refusal): return .failure(refusal)
        }
        let call = Call(
            number: draft.number, purpose: .act, attempt: attempt, capability: draft.capability,
            provider: draft.provider, effectClass: .read, arguments: draft.arguments, seal: seal, intendedAt: now,
            deadline: now.adding(milliseconds: lookup.timeoutMilliseconds))
        let body: Value = [
            "asks": .string(key), "provider": .string(draft.provider), "lookup": .string(lookup.name),
            "about": wanted.line, "attempt": .int(Int64(attempt)), "request": .string(seal.requestDigest),
            "deadline": .string(call.deadline.description),
        ]
        try await store.note(
            chronicle.entry(lines.alert.id.text, lines.number + 1, now, "lookupIntended", body), notices: [])
        lines.intended(key)
        return .success(Errand(run: draft.run, step: draft.step, call: call, subject: nil, severity: signal.severity))
    }

    private func note(
        _ outcome: Outcome, of call: Call, _ key: String, isLast: Bool, _ lines: inout AlertLines
    ) async throws {
        var body: [String: Value] = [
            "asks": .string(key), "provider": .string(call.provider), "outcome": .string(outcome.kind.rawValue),
            "attempt": .int(Int64(call.attempt)), "last": .bool(isLast),
        ]
        if let status = outcome.status { body["status"] = .int(Int64(status)) }
        if let reason = outcome.reason { body["reason"] = .string(reason) }
        var heard = outcome
        if outcome.result.jsonBytes.count > Limits.entryBytesMax / 2 {
            heard = Outcome(.refused, reason: "its answer is longer than a line of the history may be (entryBytesMax)")
            body["outcome"] = .string(heard.kind.rawValue)
            body["reason"] = heard.reason.map(Value.string)
            body["status"] = nil
        } else if outcome.result != .null {
            body["result"] = outcome.result
        }
        try await store.note(
            chronicle.entry(lines.alert.id.text, lines.number + 1, clock.now, "lookupReturned", .object(body)),
            notices: [])
        lines.returned(key, LookupAnswer(heard))
    }

    /// One who is named by all that know anybody, or nobody.
    private func conclude(
        _ wanted: Wanted, _ heard: [(provider: Provider, line: Int, answer: LookupAnswer)], _ inventory: Inventory,
        _ stream: String
    ) -> Sought {
        var placed: [(told: String, resolution: Resolution)] = []
        var nobody: [String] = []
        for (provider, line, answer) in heard {
            let id = provider.connection.id
            switch answer {
            case .unheard(let reason):
                return Sought(
                    wanted: wanted, resolution: .missing("\(id) could not say whom the alert means: \(reason)"),
                    told: "")
            case .nobody(let reason): nobody.append("\(id) names nobody (\(stream)@\(line)): \(reason)")
            case .found(let found):
                let resolution = inventory.place(found, for: wanted, at: id, own: provider.ownNames)
                var told = "\(id) names it (\(stream)@\(line)) as"
                if case .resolved(let subject) = resolution, inventory[subject.id] != nil {
                    told = "by what \(id) says of it (\(stream)@\(line)) the inventory knows it as"
                }
                placed.append((told, resolution))
            }
        }
        guard let first = placed.first else {
            guard case .missing(let reason) = inventory.resolve(wanted.reference, kind: wanted.kind) else {
                preconditionFailure("only whom the inventory doesn't know is looked up")
            }
            return Sought(
                wanted: wanted, resolution: .missing(([reason] + nobody).joined(separator: "; ")), told: "")
        }
        let others = placed.dropFirst().filter { $0.resolution != first.resolution }
        guard !others.isEmpty else { return Sought(wanted: wanted, resolution: first.resolution, told: first.told) }
        let names = placed.flatMap { place -> [String] in
            switch place.resolution {
            case .resolved(let subject): [subject.id]
            case .ambiguous(let names): names
            case .missing(let reason): [reason]
            }
        }
        return Sought(wanted: wanted, resolution: .ambiguous(Set(names).sorted()), told: first.told)
    }
}

extension Wanted {
    /// What a line of the history says of it: as long as lines may be.
    var line: Value {
        let whole: Value = ["kind": .string(kind.rawValue), "named": reference]
        guard whole.jsonBytes.count > Limits.entryBytesMax / 4 else { return whole }
        return ["kind": .string(kind.rawValue), "cut": true, "digest": .string(digestText(reference.jsonBytes))]
    }
}

extension Sought {
    /// Its line: from where it is known, or why it is not.
    var line: (kind: String, body: Value) {
        var body: [String: Value] = ["about": wanted.line, "subject": resolution.value]
        if !told.isEmpty { body["because"] = .string(told) }
        if case .resolved = resolution { return ("subjectResolved", .object(body)) }
        return ("subjectUnresolved", .object(body))
    }
}
