// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import HTTPTypes
import Hummingbird

// The registry of agent sessions. What its callers learn:
//
// For agent runtimes (`agent_runtime`), each for the sessions that it opened itself:
// - POST /sessions: 201 opened; 200 the same is open already; 409 open with other content, or closed (no id is used
//   twice).
// - POST /sessions/{id}/delegate: the same for a child, which gets no more than its parent has: 409 when it asks for
//   more, when there is no such parent, or when the parent may not go on.
// - POST /sessions/{id}/heartbeat: 200 with the verdict and what is used. Totals since the opening, so a report that
//   comes twice or late changes nothing. `at`, the runtime's own time, moves no boundary, which Cordon measures by its
//   own clock: how far it is off is answered as `clock_skew_ms`, and beyond a minute the history says so once. 409 when
//   closed.
// - POST /sessions/{id}/close: 200, again too. What it delegated to is closed with it.
//
// For runs and people (`session_keeper`, operators): isolation, limit, extension, approved, release; 200 with the
// session, also when it was so before; 412 when `If-Match` names another revision than it stands at, and it is not so
// already.

extension API {
    @Sendable func openSession(_ inquiry: Inquiry) async throws -> Response { try await open(inquiry, parent: nil) }

    @Sendable func delegateSession(_ inquiry: Inquiry) async throws -> Response {
        try await open(inquiry, parent: inquiry.parameters.get("id") ?? "")
    }

    private func open(_ inquiry: Inquiry, parent: String?) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let opening = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try AgentSession.Opening(try bodyFields(body, knows: AgentSession.Opening.fields), parent: parent)
        }
        let standing = try answered(try await engine.openSession(opening, runtime: caller.name))
        return session(standing, status: standing.isNew ? .created : .ok)
    }

    @Sendable func heartbeat(_ inquiry: Inquiry) async throws -> Response {
        let (id, caller) = try named(inquiry)
        let (usage, at) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["used", "at"])
            let usage = try AgentSession.Usage(fields["used"] == nil ? [:] : try object("used", fields))
            return (usage, try time("at", fields))
        }
        let standing = try answered(
            try await engine.tellSession(id, .use(usage, claimedAt: at), runtime: caller.name))
        let now = engine.clock.now
        var answer = SessionView.make(standing, now: now).objectValue ?? [:]
        answer["verdict"] = try await engine.verdict(on: id).value(at: now)
        if let at { answer["clock_skew_ms"] = .int(at.since(now)) }
        return .json(.object(answer))
    }

    @Sendable func closeSession(_ inquiry: Inquiry) async throws -> Response {
        let (id, caller) = try named(inquiry)
        let (usage, act) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["used", "reason"])
            let usage = try fields["used"].map { _ throws(Problem) in
                try AgentSession.Usage(try object("used", fields))
            }
            return (usage, try sessionAct(inquiry, caller, fields, "closed"))
        }
        let runtime = caller.role.may(.contain) ? nil : caller.name
        return session(try answered(try await engine.tellSession(id, .close(usage, act), runtime: runtime)))
    }

    // MARK: Reading

    @Sendable func sessions(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("live", "beyond", "limit")
        var query = SessionQuery()
        query.onlyLive = try asked.flag("live")
        query.beyond = try asked.text("beyond")
        query.limit = try asked.limit()
        let page = try await store.sessions(query)
        let now = engine.clock.now
        var rows: [Value] = []
        for record in page {
            if let standing = try await engine.sessionStanding(record.id) {
                rows.append(SessionView.make(standing, now: now))
            }
        }
        return self.page("sessions", rows, last: page.last?.id, of: query.limit)
    }

    @Sendable func session(_ inquiry: Inquiry) async throws -> Response {
        let (id, caller) = try named(inquiry)
        guard let standing = try await engine.sessionStanding(id) else { throw Problem.notFound("session", id) }
        let seesAll = caller.role.may(.read) || caller.role.may(.contain)
        guard seesAll || standing.session.runtime == caller.name else {
            throw Problem(.forbidden, "session '\(id)' was opened by another runtime")
        }
        return session(standing)
    }

    @Sendable func sessionHistory(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("from", "limit")
        let id = inquiry.parameters.get("id") ?? ""
        guard AgentSession.Opening.isID(id), try await engine.sessionStanding(id) != nil else {
            throw Problem.notFound("session", id)
        }
        return try await history(of: AgentSession.stream(of: id), asked)
    }

    // MARK: What runs and people do

    @Sendable func setIsolation(_ inquiry: Inquiry) async throws -> Response {
        try await change(inquiry, ["isolated"]) { fields throws(Problem) in
            guard let isIsolated = fields["isolated"]?.boolValue else {
                throw Problem(.badBody, "'isolated' must be true or false")
            }
            return .isolation(isIsolated)
        }
    }

    @Sendable func setLimit(_ inquiry: Inquiry) async throws -> Response {
        try await change(inquiry, ["to"]) { fields throws(Problem) in
            guard let limit: AgentSession.Limit = try choice("to", fields) else {
                throw Problem(.badBody, "'to' is missing: read_only, slow or none")
            }
            return .limit(limit)
        }
    }

    @Sendable func extendSession(_ inquiry: Inquiry) async throws -> Response {
        try await change(inquiry, ["by"]) { fields throws(Problem) in
            .extend(try AgentSession.Extension(fields["by"]))
        }
    }

    @Sendable func setApproved(_ inquiry: Inquiry) async throws -> Response {
        try await change(inquiry, ["duration_s", "bytes", "calls"]) { fields throws(Problem) in
            .approve(try AgentSession.Approval(fields.filter { $0.key != "reason" }))
        }
    }

    @Sendable func releaseSession(_ inquiry: Inquiry) async throws -> Response {
        try await change(inquiry, []) { _ throws(Problem) in .release }
    }

    private func change(
        _ inquiry: Inquiry, _ more: [String],
        _ read: @Sendable ([String: Value]) throws(Problem) -> CordonCore.SessionChange
    ) async throws -> Response {
        let (id, caller) = try named(inquiry)
        let revision = try revision(inquiry)
        let (change, act) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: more + ["reason"])
            return (try read(fields), try sessionAct(inquiry, caller, fields, "asked by \(caller.role.rawValue)"))
        }
        return session(try answered(try await engine.tellSession(id, .change(change, act, revision: revision))))
    }

    // MARK: Parts

    private func named(_ inquiry: Inquiry) throws(Problem) -> (id: String, caller: Access.Caller) {
        _ = try inquiry.query()
        let id = inquiry.parameters.get("id") ?? ""
        // An id of the wrong shape names nothing either.
        guard AgentSession.Opening.isID(id) else { throw .notFound("session", id) }
        return (id, try inquiry.knownCaller())
    }

    private func sessionAct(
        _ inquiry: Inquiry, _ caller: Access.Caller, _ fields: [String: Value], _ standard: String
    ) throws(Problem) -> AgentSession.Act {
        let key = inquiry.request.headers[API.idempotencyKey]
        guard key.map({ (1...256).contains($0.utf8.count) && $0.isOneVisibleLine }) ?? true else {
            throw Problem(.badRequest, "'idempotency-key' must be a line of 1 to 256 bytes")
        }
        return AgentSession.Act(
            by: caller.by,
            reason: try optionalText("reason", fields, bytesMax: ServerLimits.reasonBytesMax) ?? standard,
            key: key)
    }

    /// RFC 9110 §13.1.1; the quotation marks may be left out.
    private func revision(_ inquiry: Inquiry) throws(Problem) -> Int? {
        guard let text = inquiry.request.headers[.ifMatch] else { return nil }
        guard let revision = Int(text.filter { $0 != "\"" }) else {
            throw Problem(.badRequest, "'if-match' must be the revision of a session, as \"7\"")
        }
        return revision
    }

    private func time(_ name: String, _ fields: [String: Value]) throws(Problem) -> Instant? {
        guard let value = fields[name], value != .null else { return nil }
        guard let instant = value.stringValue.flatMap(Instant.init(rfc3339:)) else {
            throw Problem(.badBody, "'\(name)' must be a time like 2027-01-31T12:00:00Z, or left out")
        }
        return instant
    }

    private func session(_ standing: SessionStanding, status: HTTPResponse.Status = .ok) -> Response {
        .json(
            SessionView.make(standing, now: engine.clock.now), status: status,
            headers: [.eTag: "\"\(standing.session.revision)\""])
    }

    private func answered(_ result: Engine.SessionResult) throws(Problem) -> SessionStanding {
        switch result {
        case .success(let standing): return standing
        case .failure(let refusal): throw Problem(refusal.code.problem, refusal.reason)
        }
    }

    private static let idempotencyKey = HTTPField.Name("idempotency-key")!  // a valid token of RFC 9110 §5.6.2
}

extension SessionRefusal.Code {
    fileprivate var problem: Problem.Code {
        switch self {
        case .unknown: .notFound
        case .closed: .wrongPhase
        case .differs, .notDelegable: .conflict
        case .stale: .stale
        case .notOwn: .forbidden
        case .overLimit: .overLimit
        }
    }
}
