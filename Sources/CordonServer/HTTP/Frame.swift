// SPDX-License-Identifier: Apache-2.0

import CordonEngine
import CordonStore
import HTTPTypes
import Hummingbird
import Logging

/// Around every route: refuses what no honest client sends, turns errors into answers that tell no internals, and puts
/// the headers that every answer has.
struct Frame: RouterMiddleware {
    typealias Context = ConnectionContext

    static let host = HTTPField.Name("host")
    let logger: Logger
    /// What is told to whoever asks for what there is not.
    var routes = "the routes begin with /api/v1/ and /hooks/"
    /// Added to every answer.
    var headers = Frame.headers
    static let headers: HTTPFields = [
        .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
    ]

    func handle(
        _ request: Request, context: ConnectionContext,
        next: (Request, ConnectionContext) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        var response: Response
        do {
            try requireSoundHead(request)
            response = try await next(request, context)
        } catch {
            response = answer(error, context).response
        }
        response.headers.frame(with: headers)
        if logger.logLevel <= .debug {
            logger.debug(
                "answered",
                metadata: [
                    "method": "\(request.method)", "route": "\(context.endpointPath ?? "-")",
                    "status": "\(response.status.code)", "took": "\(ContinuousClock.now - started)",
                ])
        }
        return response
    }

    /// RFC 9112 3.2: one Host field. The rest of the framing is the parser's work, which answers 400 by itself.
    private func requireSoundHead(_ request: Request) throws(Problem) {
        guard let authority = request.head.authority, !authority.isEmpty else {
            throw Problem(.badRequest, "the request has no Host field", endsConnection: true)
        }
        // The first Host field became the authority; whatever is left of them is one too many.
        if let host = Frame.host, request.headers.contains(host) {
            throw Problem(.badRequest, "the request has more than one Host field", endsConnection: true)
        }
    }

    private func answer(_ error: any Error, _ context: ConnectionContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as HTTPError where error.status == .notFound:
            return Problem(.notFound, "there is no such route; \(routes)")
        case let error as StoreError:
            logger.error("the store did not answer a request", metadata: ["error": "\(error)"])
            return .unavailable(retryAfterSeconds: error.code == .busy ? 1 : 30)
        default:
            logger.error(
                "a request failed", metadata: ["route": "\(context.endpointPath ?? "-")", "error": "\(error)"])
            return Problem(.internalError, "this request could not be answered; the server's log says why")
        }
    }
}

extension HTTPFields {
    /// An answer may say itself for how long it holds.
    mutating func frame(with headers: HTTPFields) {
        for field in headers where field.name != .cacheControl || self[.cacheControl] == nil {
            self[field.name] = field.value
        }
    }
}
