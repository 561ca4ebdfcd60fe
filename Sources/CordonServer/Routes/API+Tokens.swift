// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird
import Logging

extension API {
    @Sendable func tokens(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let now = engine.clock.now
        return .json(["tokens": .array(try await access.tokens().map { TokenView.make($0, now: now) })])
    }

    /// The only answer that ever holds a token.
    @Sendable func grantToken(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        return try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["name", "role", "expires_at"])
            let name = try requiredText("name", fields, bytesMax: ServerLimits.tokenNameBytesMax)
            guard let role = fields["role"]?.stringValue.flatMap(Role.init(rawValue:)) else {
                let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.badBody, "'role' must be one of \(roles)")
            }
            let grant = try await asked { () async throws(ServerError) in
                try await access.grant(name: name, role: role, expiresAt: try expiry(fields), by: caller.by)
            }
            var view = TokenView.make(grant.record, now: engine.clock.now).objectValue ?? [:]
            view["token"] = .string(grant.token.reveal())
            return .json(.object(view), status: .created)
        }
    }

    @Sendable func revokeToken(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let id = inquiry.parameters.get("id") ?? ""
        let record = try await asked { () async throws(ServerError) in
            try await access.revoke(id: id, by: caller.by)
        }
        return .json(TokenView.make(record, now: engine.clock.now))
    }

    private func expiry(_ fields: [String: Value]) throws(ServerError) -> Instant? {
        guard let value = fields["expires_at"], !value.isNull else { return nil }
        guard let instant = value.stringValue.flatMap(Instant.init(rfc3339:)) else {
            throw ServerError(.badExpiry, "'expires_at' must be a time like 2027-01-31T12:00:00Z, or left out")
        }
        return instant
    }

    private func asked<Answer>(_ act: () async throws(ServerError) -> Answer) async throws -> Answer {
        do throws(ServerError) {
            return try await act()
        } catch {
            switch error.code {
            case .noSuchToken:
                throw Problem(.notFound, "there is no such token; `cordon token list` shows those there are")
            case .badName, .badExpiry: throw Problem(.badBody, error.reason)
            case .tooManyTokens: throw Problem(.overLimit, error.reason)
            case .store, .addressInUse, .addressForbidden, .addressUnknown, .notListening, .certificateWrong:
                logger.error("a token could not be changed", metadata: ["error": "\(error)"])
                throw Problem.unavailable(retryAfterSeconds: 5)
            }
        }
    }
}
