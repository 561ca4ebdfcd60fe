// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import Foundation
import HTTPTypes
import Hummingbird

// What enforcement points ask (role `enforcement_point`). The answer comes from memory, and says in `Cache-Control:
// max-age` for how long one may go by it when Cordon can't be asked: beyond that a point fails open or closed, as its own
// configuration says for each route. Whoever asks names the session by what it has verified itself (a certificate, a
// checked token), and takes the header that an agent sent out of the request: its word alone proves nothing.
//
// - GET /api/v1/verdicts/{session}: JSON.
// - GET /enforce/nginx: for auth_request (204, 401 with the challenge of RFC 9470, 403). `x-cordon-session` names the
//   session, `x-original-method` the method that is asked for.
// - any method at /enforce/envoy/…: for Envoy's ext_authz over HTTP, with that path_prefix, x-cordon-session among the
//   allowed_headers and the token under headers_to_add (200, or what its client gets). failure_mode_allow decides what
//   happens when Cordon can't be asked.
// - GET /api/v1/verdict-stream: server-sent events; see `verdictStream`.

extension API {
    @Sendable func verdict(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let verdict = try await engine.verdict(on: inquiry.parameters.get("session") ?? "")
        let now = engine.clock.now
        return .json(verdict.value(at: now), headers: verdict.headers(at: now))
    }

    @Sendable func verdictForNginx(_ inquiry: Inquiry) async throws -> Response {
        // A method that is not told could be one that writes.
        try await enforce(
            inquiry, method: inquiry.request.headers[EnforcementHeader.method] ?? "", allowed: .noContent)
    }

    @Sendable func verdictForEnvoy(_ inquiry: Inquiry) async throws -> Response {
        try await enforce(inquiry, method: inquiry.request.method.rawValue, allowed: .ok)
    }

    private func enforce(
        _ inquiry: Inquiry, method: String, allowed: HTTPResponse.Status
    ) async throws -> Response {
        let named = inquiry.request.headers[values: EnforcementHeader.session]
        guard named.count == 1, !named[0].isEmpty else {
            // Two names would be a choice, and nobody's to make.
            return Response(
                status: .forbidden,
                headers: [
                    EnforcementHeader.verdict: SessionVerdict.Answer.deny.rawValue,
                    EnforcementHeader.reason: "the request does not name exactly one session",
                ])
        }
        let answer = enforcement(of: try await engine.verdict(on: named[0]), method: method, allowed: allowed)
        return Response(status: answer.status, headers: answer.headers)
    }

    func enforcement(of verdict: SessionVerdict, method: String, allowed: HTTPResponse.Status) -> WholeAnswer {
        var headers = verdict.headers(at: engine.clock.now)
        if verdict.lets(method: method) { return WholeAnswer(status: allowed, headers: headers) }
        guard verdict.answer == .stepUp else { return WholeAnswer(status: .forbidden, headers: headers) }
        // RFC 9470 §3.
        headers[.wwwAuthenticate] = #"Bearer error="insufficient_user_authentication", max_age="60""#
        return WholeAnswer(status: .unauthorized, headers: headers)
    }

    /// Verdicts as they change, as server-sent events.
    ///
    /// With a `Last-Event-ID` that is still known, what came after it. Otherwise all anew: `list` (forget what you know),
    /// a `verdict` for each live session, `listed`. Then each change as it comes. A session that is in no event is denied.
    /// 503 when there are as many subscribers as there may be. One that reads too slowly is let go, and comes again.
    @Sendable func verdictStream(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let feed = engine.sessionFeed
        guard let subscription = feed.subscribe(after: lastNumber(inquiry, feed.epoch)) else {
            throw Problem.unavailable(retryAfterSeconds: 5)
        }
        let all = subscription.missed == nil ? try await engine.verdicts() : []
        let clock = engine.clock
        let presented = inquiry.request.headers[.authorization]
        let first = firstEvents(subscription, all, feed.epoch, at: clock.now)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: first))
                for await change in subscription.changes {
                    guard let change else {
                        // A token that was revoked or has expired since opens nothing any more.
                        guard try await access.caller(authorization: presented)?.role.may(.enforce) == true else {
                            break
                        }
                        try await writer.write(ByteBuffer(string: ":\n\n"))
                        continue
                    }
                    try await writer.write(
                        ByteBuffer(
                            string: event(
                                "verdict", change.verdict.value(at: clock.now), id: "\(feed.epoch)-\(change.number)")))
                }
                try await writer.finish(nil)
            })
    }

    private func firstEvents(
        _ subscription: SessionFeed.Subscription, _ all: [SessionVerdict], _ epoch: String, at now: Instant
    ) -> String {
        if let missed = subscription.missed {
            return ":\n\n"
                + missed.map { event("verdict", $0.verdict.value(at: now), id: "\(epoch)-\($0.number)") }.joined()
        }
        return event("list", ["sessions": .int(Int64(all.count))])
            + all.map { event("verdict", $0.value(at: now)) }.joined()
            + event("listed", [:], id: "\(epoch)-\(subscription.number)")
    }

    private func lastNumber(_ inquiry: Inquiry, _ epoch: String) -> Int? {
        let parts = (inquiry.request.headers[EnforcementHeader.lastEvent] ?? "").split(separator: "-")
        return parts.count == 2 && parts[0] == epoch ? Int(parts[1]) : nil
    }
}

private func event(_ name: String, _ data: Value, id: String? = nil) -> String {
    (id.map { "id: \($0)\n" } ?? "") + "event: \(name)\ndata: \(data.json)\n\n"
}

/// Valid tokens of RFC 9110 §5.6.2, each.
enum EnforcementHeader {
    static let session = HTTPField.Name("x-cordon-session")!  // a valid token
    static let method = HTTPField.Name("x-original-method")!  // a valid token
    static let verdict = HTTPField.Name("x-cordon-verdict")!  // a valid token
    static let reason = HTTPField.Name("x-cordon-reason")!  // a valid token
    static let lastEvent = HTTPField.Name("last-event-id")!  // a valid token
}

extension SessionVerdict {
    func headers(at now: Instant) -> HTTPFields {
        let seconds = max(0, expiresAt.since(now)) / 1000
        return [
            EnforcementHeader.verdict: answer.rawValue, EnforcementHeader.reason: reason.headerText,
            .cacheControl: seconds > 0 ? "max-age=\(seconds)" : "no-store",
        ]
    }
}

extension String {
    /// A header's value holds visible ASCII alone.
    fileprivate var headerText: String {
        String(String.UnicodeScalarView(unicodeScalars.map { (" "..."~").contains($0) ? $0 : "?" }))
    }
}
