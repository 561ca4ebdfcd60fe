// SPDX-License-Identifier: Apache-2.0

import CordonCore
import HTTPTypes
import Hummingbird
import NIOCore

/// One thing that the API answers.
struct Route: Sendable {
    /// Who may ask.
    enum Gate: Sendable, Hashable {
        case open
        /// No token: the source signs what it sends.
        case signature
        /// A token whose role has one of these.
        case anyOf([Permission])

        static func needs(_ permission: Permission) -> Gate { .anyOf([permission]) }
    }

    typealias Act = @Sendable (API) -> @Sendable (Inquiry) async throws -> Response

    var method: HTTPRequest.Method
    var path: String
    var gate: Gate
    var act: Act

    init(_ method: HTTPRequest.Method, _ path: String, _ gate: Gate, _ act: @escaping Act) {
        self.method = method
        self.path = path
        self.gate = gate
        self.act = act
    }

    /// All that is answered. A route that is not here does not exist; a gate that is not open is closed.
    static let all: [Route] = [
        Route(.post, "/hooks/{source}", .signature, API.takeAlert),
        // For an installation with one source.
        Route(.post, "/hook", .signature, API.takeAlert),
        // What some senders ask before they send.
        Route(.get, "/hooks/{source}", .signature, API.shakeHands),
        Route(.options, "/hooks/{source}", .signature, API.shakeHands),

        Route(.get, "/health", .open, API.health),
        Route(.get, "/ready", .open, API.ready),
        Route(.get, "/metrics", .needs(.measure), API.metrics),

        Route(.get, "/api/v1/version", .needs(.identify), API.versionText),
        Route(.get, "/api/v1/whoami", .needs(.identify), API.whoAmI),

        Route(.get, "/api/v1/alerts", .needs(.read), API.alerts),
        Route(.get, "/api/v1/alerts/{id}", .needs(.read), API.alert),
        Route(.post, "/api/v1/alerts/{id}/label", .anyOf([.operate, .approve]), API.labelAlert),
        Route(.get, "/api/v1/sources", .needs(.read), API.sources),
        Route(.get, "/api/v1/signals", .needs(.read), API.signals),
        Route(.get, "/api/v1/decisions", .needs(.read), API.decisions),
        Route(.get, "/api/v1/decisions/{id}", .needs(.read), API.decision),

        Route(.get, "/api/v1/runs", .needs(.read), API.runs),
        Route(.get, "/api/v1/runs/{id}", .needs(.read), API.run),
        Route(.get, "/api/v1/runs/{id}/history", .needs(.read), API.history),
        Route(.get, "/api/v1/runs/{id}/why", .needs(.read), API.why),
        // Of a proposal `approve`, of anything else `operate`: the run says which, so its route asks for either.
        // Asks the provider for the states, read-only.
        Route(.get, "/api/v1/runs/{id}/plan", .anyOf([.operate, .approve]), API.plan),
        Route(.post, "/api/v1/runs/{id}/resume", .anyOf([.operate, .approve]), API.resume),
        Route(.post, "/api/v1/runs/{id}/cancel", .anyOf([.operate, .approve]), API.cancel),
        Route(.post, "/api/v1/runs/{id}/resolve", .needs(.operate), API.resolve),
        Route(.post, "/api/v1/runs/{id}/skip", .needs(.operate), API.skip),
        Route(.post, "/api/v1/runs/{id}/pause", .needs(.operate), API.pause),
        Route(.post, "/api/v1/runs/{id}/undo", .needs(.operate), API.undo),
        Route(.post, "/api/v1/runs/{id}/hold", .needs(.operate), API.hold),
        Route(.post, "/api/v1/runs/{id}/migrate", .needs(.operate), API.migrate),
        // Nothing is stored or sent: what it would do is only told.
        Route(.post, "/api/v1/runs/{id}/fork", .needs(.read), API.fork),
        Route(.post, "/api/v1/runs/{id}/label", .anyOf([.operate, .approve]), API.labelRun),
        Route(.post, "/api/v1/runs/{id}/answer", .anyOf([.approve, .operate]), API.answer),

        Route(.get, "/api/v1/halts", .needs(.read), API.halts),
        Route(.post, "/api/v1/halts", .needs(.operate), API.halt),
        Route(.post, "/api/v1/halts/lift", .needs(.operate), API.unhalt),
        Route(.get, "/api/v1/guards", .needs(.read), API.guards),
        Route(.post, "/api/v1/guards/breakers/close", .needs(.operate), API.closeBreaker),
        Route(.post, "/api/v1/playbooks/{name}/mode", .needs(.operate), API.setMode),
        Route(.get, "/api/v1/playbooks/{name}/track-record", .needs(.read), API.trackRecord),
        Route(.get, "/api/v1/sessions", .needs(.read), API.sessions),
        Route(.post, "/api/v1/sessions", .needs(.register), API.openSession),
        Route(.get, "/api/v1/sessions/{id}", .anyOf([.read, .contain, .register]), API.session),
        Route(.get, "/api/v1/sessions/{id}/history", .needs(.read), API.sessionHistory),
        Route(.post, "/api/v1/sessions/{id}/delegate", .needs(.register), API.delegateSession),
        Route(.post, "/api/v1/sessions/{id}/heartbeat", .needs(.register), API.heartbeat),
        Route(.post, "/api/v1/sessions/{id}/close", .anyOf([.register, .contain]), API.closeSession),
        Route(.put, "/api/v1/sessions/{id}/isolation", .needs(.contain), API.setIsolation),
        Route(.put, "/api/v1/sessions/{id}/limit", .needs(.contain), API.setLimit),
        Route(.post, "/api/v1/sessions/{id}/extension", .needs(.contain), API.extendSession),
        Route(.put, "/api/v1/sessions/{id}/approved", .needs(.contain), API.setApproved),
        Route(.post, "/api/v1/sessions/{id}/release", .needs(.contain), API.releaseSession),

        // Who transmits, and its public keys: for whoever receives security events.
        Route(.get, "/.well-known/ssf-configuration", .open, API.transmitterMetadata),
        Route(.get, "/ssf/keys", .open, API.eventKeys),
        // For receivers: each shows its stream's own token.
        Route(.post, "/ssf/streams/{id}/poll", .signature, API.pollEvents),
        Route(.get, "/ssf/streams", .signature, API.streamConfiguration),
        Route(.get, "/ssf/status", .signature, API.streamStatus),
        Route(.post, "/ssf/status", .signature, API.setStreamStatus),
        Route(.post, "/ssf/verification", .signature, API.verifyStream),
        Route(.get, "/api/v1/streams", .needs(.read), API.streams),
        Route(.get, "/api/v1/streams/{id}/history", .needs(.read), API.streamHistory),
        Route(.post, "/api/v1/streams/{id}/verification", .needs(.operate), API.verifyStreamByPerson),
        Route(.put, "/api/v1/streams/{id}/status", .needs(.operate), API.setStreamStatusByPerson),

        Route(.get, "/api/v1/verdicts/{session}", .needs(.enforce), API.verdict),
        Route(.get, "/api/v1/verdict-stream", .needs(.enforce), API.verdictStream),
        Route(.get, "/enforce/nginx", .needs(.enforce), API.verdictForNginx),
        Route(.get, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        Route(.post, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        Route(.put, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        Route(.patch, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        Route(.delete, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        Route(.options, "/enforce/envoy/**", .needs(.enforce), API.verdictForEnvoy),
        // What is asked for at the root: nothing stands there for the stars.
        Route(.get, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),
        Route(.post, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),
        Route(.put, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),
        Route(.patch, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),
        Route(.delete, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),
        Route(.options, "/enforce/envoy", .needs(.enforce), API.verdictForEnvoy),

        Route(.post, "/api/v1/undos", .needs(.operate), API.undoMany),
        // Open as their links are: a link's own signature says who may answer, and what.
        Route(.get, "/approve", .signature, API.approvalPage),
        Route(.post, "/approve", .signature, API.approveByLink),
        Route(.get, "/api/v1/notifications", .needs(.read), API.notifications),
        Route(.post, "/api/v1/notifications/test", .needs(.operate), API.tryChannel),
        Route(.get, "/api/v1/library", .needs(.read), API.library),
        Route(.post, "/api/v1/library/reload", .needs(.publish), API.reloadLibrary),
        Route(.get, "/api/v1/definitions/{digest}", .needs(.read), API.definition),
        // What is read is on the reader's own account; only that he took it out is stored.
        Route(.post, "/api/v1/custody", .needs(.read), API.recordCustody),
        Route(.get, "/api/v1/retention", .needs(.read), API.retention),
        Route(.post, "/api/v1/retention/holds", .needs(.administer), API.holdForLaw),
        Route(.post, "/api/v1/retention/holds/release", .needs(.administer), API.releaseLegalHold),
        Route(.post, "/api/v1/retention/erasures", .needs(.administer), API.eraseSubject),
        Route(.get, "/api/v1/tokens", .needs(.administer), API.tokens),
        Route(.post, "/api/v1/tokens", .needs(.administer), API.grantToken),
        Route(.delete, "/api/v1/tokens/{id}", .needs(.administer), API.revokeToken),
    ]
}

/// A request that passed its route's gate.
struct Inquiry: Sendable {
    var request: Request
    var parameters: Parameters
    /// Known behind every gate but `open` and `signature`.
    var caller: Access.Caller?
    var channel: any NIOCore.Channel

    func query(_ known: String...) throws(Problem) -> Query { try Query(request.uri.query, knows: known) }

    func id<Noun>(of what: String, _ noun: ID<Noun>.Type = ID<Noun>.self) throws(Problem) -> ID<Noun> {
        let text = parameters.get("id") ?? ""
        // An id of the wrong shape names nothing either.
        guard let id = ID<Noun>(text) else { throw .notFound(what, text) }
        return id
    }

    /// The caller, behind a gate that asked for one.
    func knownCaller() throws(Problem) -> Access.Caller {
        guard let caller else { throw .noToken }
        return caller
    }
}

extension API {
    /// The routes as the library's router walks them, with an answer for the wrong method on each.
    func responder() -> RouterResponder<ConnectionContext> {
        let router = Router(context: ConnectionContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: Frame(logger: logger))
        for route in Route.all { router.on(RouterPath(route.path), method: route.method, use: handler(route)) }
        for (path, routes) in Dictionary(grouping: Route.all, by: \.path) {
            let methods = routes.map(\.method)
            var allowed = methods.map(\.rawValue)
            if methods.contains(.get) { allowed.append("HEAD") }
            let problem = Problem(
                .methodNotAllowed, "this route answers \(allowed.sorted().joined(separator: ", "))",
                headers: [.allow: allowed.sorted().joined(separator: ", ")])
            for method in API.methods where !methods.contains(method) && !(method == .head && methods.contains(.get)) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in throw problem }
            }
        }
        return router.buildResponder()
    }

    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    private func handler(_ route: Route) -> @Sendable (Request, ConnectionContext) async throws -> Response {
        let act = route.act(self)
        return { request, context in
            let caller = try await admit(request, to: route)
            return try await act(
                Inquiry(request: request, parameters: context.parameters, caller: caller, channel: context.channel))
        }
    }

    private func admit(_ request: Request, to route: Route) async throws -> Access.Caller? {
        guard case .anyOf(let permissions) = route.gate else { return nil }
        let presented = request.headers[values: .authorization]
        guard presented.count == 1, let caller = try await access.caller(authorization: presented[0]) else {
            throw Problem.noToken
        }
        guard permissions.contains(where: caller.role.may) else { throw Problem.lacking(permissions, caller) }
        return caller
    }
}
