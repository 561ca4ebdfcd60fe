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
    private var answers: [String: (line: Int, outcome: Outcome)] = [:]
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
            case "lookupReturned": answers[key] = Outcome(line: body).map { (entry.number, $0) }
            default: break
            }
        }
        lookups = attempts.count
    }

    /// The question, or those before it.
    func hasAsked(_ key: String) -> Bool { attempts[key] != nil || attempts[key + "/via1"] != nil }
    func attempt(_ key: String) -> Int { attempts[key, default: 0] + 1 }
    func answer(to key: String) -> (line: Int, outcome: Outcome)? { answers[key] }

    mutating func intended(_ key: String) {
        if attempts[key] == nil { lookups += 1 }
        attempts[key, default: 0] += 1
        number += 1
    }

    mutating func returned(_ key: String, _ outcome: Outcome) {
        number += 1
        answers[key] = outcome.isWord ? (number, outcome) : nil
    }
}

/// What a provider says of whom an alert means.
enum LookupAnswer: Sendable, Hashable {
    case found(Found)
    case nobody(String)
    /// It could not be asked, or not understood: no word about anybody.
    case unheard(String)

    /// What an earlier question brought, where it is not what the next one needs.
    init(unusable outcome: Outcome) {
        switch LookupAnswer(outcome) {
        case .nobody(let reason): self = .nobody(reason)
        case .unheard(let reason): self = .unheard(reason)
        case .found, nil: self = .unheard("its answer to an earlier question can't be used")
        }
    }

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
}

extension Outcome {
    /// The provider's word, and none that it may take back the next moment.
    fileprivate var isWord: Bool {
        switch kind {
        case .done, .already, .refused: true
        case .later, .unknown: false
        }
    }

    /// As a line of the history has it; `nil`: it is to be asked again.
    fileprivate init?(line body: Value) {
        guard let kind = body["outcome"]?.stringValue.flatMap(Outcome.Kind.init(rawValue:)) else { return nil }
        self.init(
            kind, status: body["status"]?.intValue.map(Int.init), reason: body["reason"]?.stringValue,
            result: body["result"] ?? .null)
        guard isWord else { return nil }
    }
}

/// What a provider is asked, in one request.
private struct LookupQuestion {
    var provider: Provider
    var lookup: ProviderShape.Lookup
    var capability: String
    var wanted: Wanted
    /// Tells it from the alert's other questions.
    var key: String
    var signal: Signal
    var arguments: [String: Value]
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
            guard lines.lookups < Limits.lookupsPerAlertMax || lines.hasAsked(key) else {
                return Sought(
                    wanted: wanted,
                    resolution: .missing(
                        "the alert names more than \(Limits.lookupsPerAlertMax) whom nobody knows (lookupsPerAlertMax)"),
                    told: "")
            }
            let (line, answer) = try await askAll(provider, lookup, wanted, key, signal, &lines)
            heard.append((provider, line, answer))
        }
        return heard.isEmpty ? nil : conclude(wanted, heard, inventory, lines.alert.id.text)
    }

    /// The look-up's questions: what comes before its own is never acted on, it only says what to ask by.
    private func askAll(
        _ provider: Provider, _ lookup: ProviderShape.Lookup, _ wanted: Wanted, _ key: String, _ signal: Signal,
        _ lines: inout AlertLines
    ) async throws -> (line: Int, answer: LookupAnswer) {
        var question = LookupQuestion(
            provider: provider, lookup: lookup, capability: lookup.capability, wanted: wanted, key: key, signal: signal,
            arguments: ["named": wanted.reference])
        var known: [String: Value] = [:]
        for (index, capability) in lookup.viaCapabilities.enumerated() {
            var step = question
            step.capability = capability
            step.key = "\(key)/via\(index + 1)"
            let (line, outcome) = try await ask(step, &lines)
            guard case .done = outcome.kind, let kept = outcome.result.objectValue else {
                return (line, LookupAnswer(unusable: outcome))
            }
            known.merge(kept) { _, later in later }
            question.arguments["via"] = .object(known)
        }
        let (line, outcome) = try await ask(question, &lines)
        return (line, LookupAnswer(outcome) ?? .unheard(outcome.reason ?? "it gave no answer"))
    }

    /// Asks until it is answered, or its time is up.
    private func ask(
        _ question: LookupQuestion, _ lines: inout AlertLines
    ) async throws -> (line: Int, outcome: Outcome) {
        let key = question.key
        let until = max(
            lines.alert.receivedAt.adding(milliseconds: Limits.lookupMillisecondsMax),
            clock.now.adding(milliseconds: Limits.lookupMillisecondsMin))
        while true {
            if let known = lines.answer(to: key) { return known }
            let errand: Errand
            switch try await intend(question, &lines) {
            case .success(let intended): errand = intended
            case .failure(let refusal): return (lines.number, Outcome(.later, reason: refusal.reason))
            }
            // Durable from here: a question that was asked and not answered is asked again, for it changes nothing.
            let attempt = errand.call.attempt
            let outcome = await performer.performInTurn(errand, isSealedHere: true).outcome
            let wait = max(outcome.retryAfterMilliseconds ?? 0, Int64(1000) << Int64(min(attempt - 1, 5)))
            let again = clock.now.adding(milliseconds: wait)
            let isLast = again >= until
            try await note(outcome, of: errand.call, key, isLast: isLast, &lines)
            if let known = lines.answer(to: key) { return known }
            guard !isLast else { return (lines.number, outcome) }
            logger.warning(
                "an alert waits: whom it means could not be looked up",
                metadata: [
                    "alert": "\(lines.alert.id)", "provider": "\(errand.call.provider)", "tries": "\(attempt)",
                    "reason": "\(outcome.reason ?? "")",
                ])
            await clock.sleep(until: again)
            if isDraining || Task.isCancelled { throw CancellationError() }
        }
    }

    private func intend(
        _ question: LookupQuestion, _ lines: inout AlertLines
    ) async throws -> Result<Errand, Refusal> {
        let now = clock.now
        let (key, signal, lookup) = (question.key, question.signal, question.lookup)
        let attempt = lines.attempt(key)
        // Named as the first step of the run that may follow, each question by its line in the history.
        let draft = CallDraft(
            run: signal.id.decision.run(1), step: "subject", number: lines.number + 1, purpose: .act,
            capability: question.capability, provider: question.provider.connection.id,
            arguments: .object(question.arguments))
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
            "about": question.wanted.line, "attempt": .int(Int64(attempt)), "request": .string(seal.requestDigest),
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
        lines.returned(key, heard)
    }

    /// What Cordon signs in as: an access key is told to nobody, and is Cordon's own all the same.
    private func ownNames(of provider: Provider) -> [String: String] {
        var names = provider.ownNames
        if case .signed(let signing) = provider.authentication,
            let reference = provider.connection.secrets[signing.accessKey], let key = try? secrets.read(reference)
        {
            names[signing.accessKey] = String(decoding: key.reveal(), as: UTF8.self)
        }
        return names
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
                let resolution = inventory.place(found, for: wanted, at: id, own: ownNames(of: provider))
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
