// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Hummingbird
import Logging

extension API {
    @Sendable func runs(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("phase", "playbook", "subject", "alert", "live", "limit", "beyond")
        var query = RunQuery()
        query.phase = try asked.oneOf("phase", ["running", "asked", "ended"])
        query.playbook = try asked.text("playbook")
        query.subject = try asked.text("subject")
        query.alert = try asked.id("alert")
        query.onlyLive = try asked.flag("live")
        query.beyond = try asked.id("beyond")
        query.limit = try asked.limit()
        let page = try await store.runs(query)
        let now = engine.clock.now
        return self.page(
            "runs", page.map { RunView.row($0, now: now) }, last: page.last?.id.text, of: query.limit)
    }

    @Sendable func run(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return try await view(try await record(try inquiry.id(of: "run")))
    }

    @Sendable func why(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let record = try await record(try inquiry.id(of: "run"))
        let recent = try await store.history(
            record.id.text, from: max(1, record.number - RunView.recentLines), limit: RunView.recentLines + 1)
        return .json(
            try RunView.why(record, now: engine.clock.now, recent: recent, places: engine.places(of: record)))
    }

    /// The run's lines as they are stored, from number `from` on.
    @Sendable func history(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("from", "limit")
        let record = try await record(try inquiry.id(of: "run"))
        try await noteRead(inquiry, "history of \(record.id)")
        return try await history(of: record.id.text, asked)
    }

    /// The lines of a stream as they are stored, from number `from` on.
    func history(of stream: String, _ asked: Query) async throws -> Response {
        let limit = try asked.limit()
        let page = try await store.history(
            stream, from: try asked.number("from", 1...Int(Int32.max)) ?? 1, limit: limit)
        let bytes = HistoryView.jsonBytes(
            stream: stream, page, beyond: page.count == limit ? page.last?.entry.number : nil)
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    // MARK: What a person decides

    /// What a proposed run would change, from which state.
    @Sendable func plan(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return .json(try await plan(of: try inquiry.id(of: "run")).value)
    }

    private func plan(of id: RunID) async throws -> RunPlan {
        guard let plan = try await engine.plan(of: try await record(id).decidable()) else {
            throw Problem(.wrongPhase, "\(id) is not proposed; see 'cordon run why \(id)'")
        }
        return plan
    }

    @Sendable func resume(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["step", "force", "plan"])
        let wasProposal = try await requireRight(caller, id, forProposals: [.approve])
        let step = try order.step()
        let isForced = try order.flag("force")
        let isBound = wasProposal || order.fields["plan"] != nil
        let agreed = try await isBound ? agreedPlan(of: id, order, caller) : nil
        // The history says what it was that somebody agreed to.
        let reason = order.reason + (agreed.map { " [plan \($0.plan.digest)]" } ?? "")
        let answer = await engine.control(
            id, .resume(step: step, isForced: isForced, by: caller.by, reason: reason, plan: agreed?.plan)
        ) { now in
            // Agreed to as it was read: by the same definitions, and still proposed.
            wasProposal == (now.gate?.kind == .proposal) && (agreed.map { $0.run.isPinned(like: now) } ?? true)
        }
        return try await reply(id, answer)
    }

    /// Consent is to what was seen and to nothing else: without a digest nobody knows what that was.
    private func agreedPlan(
        of id: RunID, _ order: Order, _ caller: Access.Caller
    ) async throws -> (run: Run, plan: AgreedPlan) {
        let run = try await record(id).decidable()
        guard order.fields["plan"] != nil else {
            throw Problem(
                .conflict,
                "\(id) is proposed, and consent is to a plan that was seen; nothing was stored: look at it with "
                    + "'cordon run show \(id)', then type the command under it: "
                    + "cordon run resume \(id) --plan sha256:… --reason …")
        }
        let seen = try requiredText("plan", order.fields, bytesMax: 80)
        let plan = try await plan(of: id)
        guard plan.digest == seen else {
            throw Problem(
                .conflict,
                "what would be changed has changed since you looked, and nothing was stored: "
                    + "'cordon run show \(id)' shows it as it is now")
        }
        do throws(EvidenceError) {
            return (run, try await engine.keep(plan.basis, digest: seen, .token, as: caller.role.rawValue))
        } catch {
            logger.error(
                "what was agreed to could not be kept", metadata: ["run": "\(id)", "error": "\(error.reason)"])
            throw Problem.unavailable(retryAfterSeconds: 5)
        }
    }

    @Sendable func skip(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["step"])
        return try await control(
            id, .skip(step: try order.requiredStep(), by: caller.by, reason: order.reason))
    }

    @Sendable func pause(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, [])
        return try await control(id, .pause(by: caller.by, reason: order.reason))
    }

    @Sendable func cancel(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["undo"])
        // Whoever may approve a proposal may turn it down.
        let wasProposal = try await requireRight(caller, id, forProposals: [.approve, .operate])
        return try await control(
            id, .cancel(undo: try order.flag("undo"), by: caller.by, reason: order.reason), wasProposal: wasProposal)
    }

    @Sendable func undo(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["steps"])
        var steps: [String]?
        if let given = order.fields["steps"] {
            guard let names = given.arrayValue?.compactMap(\.stringValue), !names.isEmpty else {
                throw Problem(.badBody, "'steps' must be a list of step ids; leave it out to undo all of the run")
            }
            steps = names
        }
        return try await control(id, .undo(steps: steps, by: caller.by, reason: order.reason))
    }

    @Sendable func resolve(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["took_effect", "step"])
        guard let tookEffect = order.fields["took_effect"]?.boolValue else {
            throw Problem(
                .badBody, "'took_effect' must be true or false: say whether the call took effect at the provider")
        }
        let step = try order.step()
        return try await control(
            id, .resolve(step: step, tookEffect: tookEffect, by: caller.by, reason: order.reason))
    }

    /// A question is answered by whom it names; the role alone is not enough, and the digest says what was seen.
    @Sendable func answer(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["step", "choice", "shown"])
        let choice = try requiredText("choice", order.fields, bytesMax: 64)
        let shown = try requiredText("shown", order.fields, bytesMax: 80)
        let person = Person(name: caller.name, groups: [caller.role.rawValue])
        let step = try order.requiredStep()
        try await requireConsentRight(caller, id, step)
        return try await control(
            id,
            .answer(
                step: step, person, choice: choice, shown: shown, reason: order.reason))
    }

    /// Ends a hold before its time, answers what follows it, or lets it stand longer.
    @Sendable func hold(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["step", "then", "for_ms"])
        let step = try order.requiredStep()
        switch (order.fields["then"]?.stringValue, order.fields["for_ms"]?.intValue) {
        case ("undo", nil), ("keep", nil):
            let keeps = order.fields["then"] == "keep"
            return try await control(id, .endHold(step: step, keep: keeps, by: caller.by, reason: order.reason))
        case (nil, let milliseconds?) where milliseconds > 0 && milliseconds <= Limits.holdMillisecondsMax:
            let until = engine.clock.now.adding(milliseconds: milliseconds)
            return try await control(id, .extendHold(step: step, until: until, by: caller.by, reason: order.reason))
        default:
            throw Problem(
                .badBody, "either 'then' is 'undo' or 'keep', or 'for_ms' says how much longer the hold stands")
        }
    }

    func orders(
        _ inquiry: Inquiry, _ more: [String]
    ) async throws -> (RunID, Order, Access.Caller) {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let id: RunID = try inquiry.id(of: "run")
        let order = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["reason"] + more)
            return Order(
                reason: try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax), fields: fields)
        }
        return (id, order, caller)
    }

    /// A name alone agrees to nothing: it may be on tokens of several roles. Whoever consents has the right to approve, or
    /// their role is what the question is for.
    private func requireConsentRight(_ caller: Access.Caller, _ id: RunID, _ step: String) async throws {
        guard case .asking(let question)? = try await record(id).decidable().step(step)?.phase, question.kind != .task,
            !caller.role.may(.approve), !question.by.contains(caller.role.rawValue)
        else { return }
        throw Problem.lacking([.approve], caller)
    }

    /// A proposal needs one right, every other run another; the role must have it for this run as it stands. Says whether
    /// it is a proposal.
    private func requireRight(
        _ caller: Access.Caller, _ id: RunID, forProposals rights: [Permission]
    ) async throws -> Bool {
        let isProposal = try await record(id).decidable().gate?.kind == .proposal
        let needed = isProposal ? rights : [.operate]
        guard needed.contains(where: caller.role.may) else { throw Problem.lacking(needed, caller) }
        return isProposal
    }

    /// - Parameter wasProposal: what the caller's right was judged by; the run must still be that.
    private func control(_ id: RunID, _ input: RunInput, wasProposal: Bool? = nil) async throws -> Response {
        let answer = await engine.control(id, input) { run in
            wasProposal.map { $0 == (run.gate?.kind == .proposal) } ?? true
        }
        return try await reply(id, answer)
    }

    func reply(_ id: RunID, _ answer: ControlAnswer) async throws -> Response {
        switch answer {
        case .done: return try await view(try await record(id))
        case .noSuchRun: throw Problem.notFound("run", id.text)
        case .refused(let refusal):
            throw Problem(refusal.code.problem, refusal.reason)
        case .notStored(let error):
            logger.error("a run could not be changed", metadata: ["run": "\(id)", "reason": "\(error)"])
            throw Problem.notStored(error)
        case .unavailable(let reason):
            logger.error("a run could not be changed", metadata: ["run": "\(id)", "reason": "\(reason)"])
            throw Problem.unavailable(retryAfterSeconds: 5)
        }
    }

    func record(_ id: RunID) async throws -> RunRecord {
        guard let record = try await engine.find(id) else { throw Problem.notFound("run", id.text) }
        return record
    }

    private func view(_ record: RunRecord) async throws -> Response {
        let now = engine.clock.now
        var objective: Objective?
        if let run = try? record.read() { objective = try await store.objective(of: run, at: now) }
        return .json(
            try RunView.make(
                record, try await entries(record.id.text), objective: objective, places: engine.places(of: record),
                now: now))
    }
}

extension RunRecord {
    /// The run that somebody decides about; one that can't be read is nobody's to move.
    func decidable() throws(Problem) -> Run {
        do { return try read() } catch {
            throw Problem(
                .wrongPhase, "\(id) can't be read, and nothing was stored: \(error); see 'cordon run show \(id)'")
        }
    }
}

/// What the body of a decision says.
struct Order: Sendable {
    var reason: String
    var fields: [String: Value]

    func step() throws(Problem) -> String? {
        fields["step"] == nil ? nil : try requiredText("step", fields, bytesMax: ServerLimits.reasonBytesMax)
    }

    func requiredStep() throws(Problem) -> String {
        try requiredText("step", fields, bytesMax: ServerLimits.reasonBytesMax)
    }

    func flag(_ name: String) throws(Problem) -> Bool {
        guard let value = fields[name] else { return false }
        guard let flag = value.boolValue else { throw Problem(.badBody, "'\(name)' must be true or false") }
        return flag
    }
}

extension Refusal.Code {
    var problem: Problem.Code {
        switch self {
        case .wrongPhase: .wrongPhase
        case .notAllowed: .forbidden
        case .overLimit: .overLimit
        case .noSuchCall, .unbuildable, .undecided, .alreadyDecided, .stale, .misfit: .conflict
        }
    }
}

/// A body that is one JSON object with known members.
func bodyFields(_ body: [UInt8], knows known: [String]) throws(Problem) -> [String: Value] {
    let value: Value
    do { value = try JSON.parse(body, limits: JSONLimits(bytesMax: ServerLimits.requestBytesMax, depthMax: 8)) } catch {
        throw Problem(.badBody, "the body is no JSON at \(error)")
    }
    guard let fields = value.objectValue else {
        throw Problem(.badBody, "the body must be a JSON object, not a \(value.typeName)")
    }
    if let stranger = fields.keys.sorted().first(where: { !known.contains($0) }) {
        throw Problem(
            .badBody, "the body has no member \(stranger.forMessage); it takes \(known.joined(separator: ", "))")
    }
    return fields
}

/// A member that must be one visible line.
func requiredText(_ name: String, _ fields: [String: Value], bytesMax: Int) throws(Problem) -> String {
    guard let text = fields[name]?.stringValue, text.contains(where: { !$0.isWhitespace }),
        text.utf8.count <= bytesMax, text.isOneVisibleLine
    else { throw Problem(.badBody, "'\(name)' must be a line of 1 to \(bytesMax) bytes; it goes into the history") }
    return text
}

extension Run {
    /// By the same definitions.
    fileprivate func isPinned(like other: Run) -> Bool {
        playbook == other.playbook && workflow == other.workflow && called == other.called
    }
}
