// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import HTTPTypes
import Hummingbird
import Logging

extension PracticeDesk {
    func responder(_ logger: Logger) -> RouterResponder<ConnectionContext> {
        var frame = Frame(logger: logger)
        // The field's name is a constant of the right form.
        if let name = HTTPField.Name("x-practice-provider") { frame.headers[name] = "yes" }
        if let name = HTTPField.Name("pragma") { frame.headers[name] = "no-cache" }
        let router = Router(context: ConnectionContext.self)
        router.add(middleware: frame)
        let bodies = BodyReader(heldBytesMax: ServerLimits.bodiesBytesMax)
        router.post("/token") { request, _ in try await self.form("token", request, bodies, self.token) }
        router.post("/introspect") { request, _ in try await self.form("introspect", request, bodies, self.introspect) }
        router.post("/revoke") { request, _ in try await self.form("revoke", request, bodies, self.revoke) }
        router.get("/resource") { request, _ in self.resource(request) }
        router.get("/asked") { _, _ in self.askedView }
        return router.buildResponder()
    }

    // MARK: Forms of authenticated clients

    private func form(
        _ route: String, _ request: Request, _ bodies: BodyReader,
        _ act: @Sendable (Form, PracticeProvider.Client) throws(OAuthError) -> Response
    ) async throws -> Response {
        let client = client(authorization: request.headers[.authorization])
        let response: Response
        do {
            response = try await bodies.read(request, upTo: ServerLimits.requestBytesMax) { body in
                guard let client else { throw OAuthError.invalidClient }
                return try act(try Form(body, type: request.headers[.contentType]), client)
            }
        } catch let error as OAuthError {
            response = error.response
        }
        note(route, by: client?.id, status: response.status.code)
        return response
    }

    /// RFC 6749 4.4.
    @Sendable private func token(_ form: Form, _ client: PracticeProvider.Client) throws(OAuthError) -> Response {
        guard let grant = form["grant_type"] else { throw OAuthError(.invalidRequest, "grant_type is missing") }
        guard grant == "client_credentials" else {
            throw OAuthError(.unsupportedGrantType, "only client_credentials is practiced here")
        }
        let token = issue(to: client.id, scope: form["scope"])
        var body: [String: Value] = [
            "access_token": .string(token.text), "token_type": "Bearer", "expires_in": .int(tokenSeconds),
        ]
        if let scope = token.scope { body["scope"] = .string(scope) }
        return .json(.object(body))
    }

    /// RFC 7662 2.
    @Sendable private func introspect(_ form: Form, _ client: PracticeProvider.Client) throws(OAuthError) -> Response {
        guard let text = form["token"] else { throw OAuthError(.invalidRequest, "token is missing") }
        guard let token = live(text) else { return .json(["active": false]) }
        var body: [String: Value] = [
            "active": true, "client_id": .string(token.client), "sub": .string(token.client), "token_type": "Bearer",
            "iat": .int(token.issuedAt.milliseconds / 1000), "exp": .int(token.expiresAt.milliseconds / 1000),
        ]
        if let scope = token.scope { body["scope"] = .string(scope) }
        return .json(.object(body))
    }

    /// RFC 7009 2: 200 also for a token that there is not.
    @Sendable private func revoke(_ form: Form, _ client: PracticeProvider.Client) throws(OAuthError) -> Response {
        guard let text = form["token"] else { throw OAuthError(.invalidRequest, "token is missing") }
        if let token = live(text), token.client != client.id, !client.revokesForOthers {
            throw OAuthError(.unauthorizedClient, "the token was issued to another client")
        }
        revoke(text)
        return Response(status: .ok)
    }

    // MARK: The resource

    /// RFC 6750 3: no error code when nothing was presented.
    private func resource(_ request: Request) -> Response {
        var response: Response
        var by: String?
        if let text = bearerText(request.headers[.authorization]) {
            if let token = live(text) {
                by = token.client
                response = .json(["subject": .string(token.client), "practice": true])
            } else {
                response = Response(
                    status: .unauthorized,
                    headers: [.wwwAuthenticate: #"Bearer realm="practice", error="invalid_token""#])
            }
        } else {
            response = Response(status: .unauthorized, headers: [.wwwAuthenticate: #"Bearer realm="practice""#])
        }
        note("resource", by: by, status: response.status.code)
        return response
    }

    private var askedView: Response {
        .json([
            "asked": .array(
                asked.map { line in
                    [
                        "at": .string(line.at.description), "route": .string(line.route),
                        "by": line.by.map(Value.string) ?? .null, "status": .int(Int64(line.status)),
                    ]
                })
        ])
    }
}

/// RFC 6749 5.2.
struct OAuthError: Error {
    enum Code: String {
        case invalidRequest = "invalid_request"
        case invalidClient = "invalid_client"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedGrantType = "unsupported_grant_type"
    }

    var code: Code
    var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    static let invalidClient = OAuthError(.invalidClient, "the client is unknown or its secret is wrong")

    var response: Response {
        var headers: HTTPFields = [:]
        if code == .invalidClient { headers[.wwwAuthenticate] = #"Basic realm="practice""# }
        return .json(
            ["error": .string(code.rawValue), "error_description": .string(description)],
            status: code == .invalidClient ? .unauthorized : .badRequest, headers: headers)
    }
}

/// `application/x-www-form-urlencoded`, each field at most once (RFC 6749 3.2).
struct Form: Sendable {
    private var fields: [String: String] = [:]

    init(_ body: [UInt8], type: String?) throws(OAuthError) {
        let mediaType = type?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        guard mediaType == "application/x-www-form-urlencoded", let text = String(validating: body, as: UTF8.self)
        else {
            throw OAuthError(.invalidRequest, "the body must be application/x-www-form-urlencoded")
        }
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = percentDecoded(pair[0], plusIsBlank: true),
                let value = percentDecoded(pair[1], plusIsBlank: true)
            else { throw OAuthError(.invalidRequest, "the body is no form") }
            // An empty value counts as absent (RFC 6749 3.1).
            if value.isEmpty { continue }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw OAuthError(.invalidRequest, "a field stands twice")
            }
        }
    }

    subscript(_ name: String) -> String? { fields[name] }
}

/// RFC 7617, with both parts form-encoded as RFC 6749 2.3.1 asks.
func basicCredentials(_ authorization: String?) -> (user: String, password: String)? {
    guard let text = authorization, text.lowercased().hasPrefix("basic "),
        let decoded = Data(base64Encoded: String(text.dropFirst(6))),
        let pair = String(validating: decoded, as: UTF8.self),
        let colon = pair.firstIndex(of: ":"), let user = percentDecoded(pair[..<colon], plusIsBlank: true),
        let password = percentDecoded(pair[pair.index(after: colon)...], plusIsBlank: true)
    else { return nil }
    return (user, password)
}

func bearerText(_ authorization: String?) -> String? {
    guard let text = authorization, text.lowercased().hasPrefix("bearer "), text.utf8.count > 7 else { return nil }
    return String(text.dropFirst(7))
}
