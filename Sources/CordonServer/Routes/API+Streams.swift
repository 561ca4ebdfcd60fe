// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import HTTPTypes
import Hummingbird

// Cordon as a transmitter of OpenID's Shared Signals Framework 1.0. Streams are made by the operator, in
// connections.yaml: a receiver reads what its stream is, asks for a verification event, pauses it, and polls.
//
// Whoever shows no stream's token learns nothing: 401, without a body.

extension API {
    /// SSF 1.0 §7.1.
    @Sendable func transmitterMetadata(_ inquiry: Inquiry) async throws -> Response {
        let issuer = try transmitter().issuer
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        return .json([
            "spec_version": "1_0", "issuer": .string(issuer), "jwks_uri": .string(base + "/ssf/keys"),
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "configuration_endpoint": .string(base + "/ssf/streams"),
            "status_endpoint": .string(base + "/ssf/status"),
            "verification_endpoint": .string(base + "/ssf/verification"),
            "authorization_schemes": [["spec_urn": "urn:ietf:rfc:6750"]], "default_subjects": "ALL",
        ])
    }

    @Sendable func eventKeys(_ inquiry: Inquiry) async throws -> Response {
        _ = try transmitter()
        return .json(engine.eventKeySet ?? ["keys": []])
    }

    private func transmitter() throws(Problem) -> Transmitter {
        guard let transmitter = engine.transmitter else {
            throw Problem(
                .notFound, "this installation transmits no security events: connections.yaml names no receiver")
        }
        return transmitter
    }

    // MARK: Receivers

    /// RFC 8936 §2: the answer is `sets` and `moreAvailable`.
    @Sendable func pollEvents(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        guard let token = bearer(inquiry),
            let stream = engine.stream(inquiry.parameters.get("id") ?? "", shows: token), stream.isPolled
        else { throw Problem.noToken }
        let ask = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try EventAsk(try bodyFields(body, knows: ["ack", "setErrs", "maxEvents", "returnImmediately"]))
        }
        let given = try await engine.polled(stream, ask)
        return .json([
            "sets": .object(given.sets.mapValues(Value.string)), "moreAvailable": .bool(given.hasMore),
        ])
    }

    /// SSF 1.0 §8.1.1.2: one stream where it is named, otherwise those that the token opens.
    @Sendable func streamConfiguration(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("stream_id").text("stream_id")
        guard let token = bearer(inquiry) else { throw Problem.noToken }
        let own = engine.streams(shownBy: token)
        guard !own.isEmpty else { throw Problem.noToken }
        guard let asked else { return .json(.array(own.map(configuration))) }
        guard let stream = own.first(where: { $0.id == asked }) else { throw Problem.notFound("stream", asked) }
        return .json(configuration(stream))
    }

    private func configuration(_ stream: EventStream) -> Value {
        let issuer = engine.transmitter?.issuer ?? ""
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let delivery: Value =
            switch stream.means {
            case .push(let url): ["method": "urn:ietf:rfc:8935", "endpoint_url": .string(url)]
            case .poll:
                ["method": "urn:ietf:rfc:8936", "endpoint_url": .string("\(base)/ssf/streams/\(stream.id)/poll")]
            }
        let kinds = Value.array(stream.kinds.map(\.uri).sorted().map(Value.string))
        return [
            "stream_id": .string(stream.id), "iss": .string(issuer), "aud": .string(stream.audience),
            "delivery": delivery,
            "events_supported": .array(SecurityEvent.Kind.allCases.map { .string($0.uri) }),
            "events_requested": kinds, "events_delivered": kinds,
            "min_verification_interval": .int(Limits.eventVerificationMillisecondsMin / 1000),
        ]
    }

    @Sendable func streamStatus(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("stream_id").text("stream_id")
        return .json(status(try own(inquiry, asked)))
    }

    @Sendable func setStreamStatus(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        try requireReceiver(inquiry)
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(body, knows: ["stream_id", "status", "reason"])
        }
        let stream = try own(inquiry, try requiredText("stream_id", fields, bytesMax: 128))
        try await set(stream.id, fields, by: "receiver:\(stream.id)", isReceiver: true)
        return .json(status(stream))
    }

    /// SSF 1.0 §8.1.4.2: 204, and the event comes by the stream.
    @Sendable func verifyStream(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        try requireReceiver(inquiry)
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(body, knows: ["stream_id", "state"])
        }
        let stream = try own(inquiry, try requiredText("stream_id", fields, bytesMax: 128))
        let state = try optionalText("state", fields, bytesMax: 1024)
        let answer = try await engine.verifyStream(
            stream.id, state: state, by: "receiver:\(stream.id)", isReceiver: true)
        guard answer == .queued else {
            let seconds = Limits.eventVerificationMillisecondsMin / 1000
            throw Problem(
                .tooMany, "a verification event is made every \(seconds) s at most",
                headers: [.retryAfter: String(seconds)])
        }
        return Response(status: .noContent)
    }

    /// Nothing is read of a request by nobody's receiver.
    private func requireReceiver(_ inquiry: Inquiry) throws(Problem) {
        guard let token = bearer(inquiry), !engine.streams(shownBy: token).isEmpty else { throw .noToken }
    }

    private func own(_ inquiry: Inquiry, _ id: String?) throws(Problem) -> EventStream {
        guard let token = bearer(inquiry), let id, let stream = engine.stream(id, shows: token) else {
            throw .noToken
        }
        return stream
    }

    private func bearer(_ inquiry: Inquiry) -> String? {
        let shown = inquiry.request.headers[values: .authorization]
        guard shown.count == 1, shown[0].lowercased().hasPrefix("bearer ") else { return nil }
        return String(shown[0].dropFirst("bearer ".count))
    }

    private func status(_ stream: EventStream) -> Value {
        let standing = engine.receiverStanding(stream.id)
        var body: [String: Value] = [
            "stream_id": .string(stream.id), "status": .string(standing.status.rawValue),
        ]
        if let reason = standing.reason { body["reason"] = .string(reason) }
        return .object(body)
    }

    private func set(
        _ id: String, _ fields: [String: Value], by: String, isReceiver: Bool
    ) async throws {
        let text = try requiredText("status", fields, bytesMax: 16)
        guard let status = ReceiverStanding.Status(rawValue: text) else {
            throw Problem(
                .badBody, "'status' is enabled or paused; a stream ends when it is taken out of connections.yaml")
        }
        let reason = try optionalText("reason", fields, bytesMax: ServerLimits.reasonBytesMax)
        guard try await engine.setStream(id, status, reason: reason, by: by, isReceiver: isReceiver) else {
            throw Problem.notFound("stream", id)
        }
    }

    // MARK: People

    @Sendable func streams(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return .json([
            "issuer": engine.transmitter.map { .string($0.issuer) } ?? .null,
            "streams": .array(engine.receiverStandings()),
        ])
    }

    /// What a receiver was told of and took, as the history has it.
    @Sendable func streamHistory(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("from", "limit")
        let id = inquiry.parameters.get("id") ?? ""
        guard engine.transmitter?[id] != nil else { throw Problem.notFound("stream", id) }
        return try await history(of: Engine.receiverStream(id), asked)
    }

    @Sendable func verifyStreamByPerson(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let id = inquiry.parameters.get("id") ?? ""
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(body, knows: ["state"])
        }
        let state = try optionalText("state", fields, bytesMax: 1024)
        let answer = try await engine.verifyStream(id, state: state, by: caller.by, isReceiver: false)
        guard answer == .queued else { throw Problem.notFound("stream", id) }
        return .json(["stream": .string(id), "queued": true])
    }

    @Sendable func setStreamStatusByPerson(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let id = inquiry.parameters.get("id") ?? ""
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(body, knows: ["status", "reason"])
        }
        try await set(id, fields, by: caller.by, isReceiver: false)
        return .json(engine.receiverStanding(id).value)
    }
}

extension EventAsk {
    /// Read strictly; what is left out has RFC 8936's own meaning.
    fileprivate init(_ fields: [String: Value]) throws(Problem) {
        self.init(returnsImmediately: false)
        if let value = fields["ack"] {
            guard let names = value.arrayValue?.compactMap(\.stringValue), names.count == value.arrayValue?.count else {
                throw Problem(.badBody, "'ack' is a list of names of tokens")
            }
            acknowledged = names
        }
        if let value = fields["setErrs"] {
            guard let errors = value.objectValue else {
                throw Problem(.badBody, "'setErrs' is a map from names of tokens to what is wrong with each")
            }
            refused = errors.mapValues { error in
                let code = error["err"]?.stringValue ?? "no error code"
                return error["description"]?.stringValue.map { "\(code): \($0)" } ?? code
            }
        }
        if let value = fields["maxEvents"] {
            guard let count = value.intValue, count >= 0 else { throw Problem(.badBody, "'maxEvents' is a number") }
            eventsMax = min(Int(count), Limits.eventsPerTurnMax)
        }
        if let value = fields["returnImmediately"] {
            guard let flag = value.boolValue else {
                throw Problem(.badBody, "'returnImmediately' is true or false")
            }
            returnsImmediately = flag
        }
    }
}
