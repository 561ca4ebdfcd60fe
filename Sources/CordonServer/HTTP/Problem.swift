// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import CordonStore
import HTTPTypes
import Hummingbird

/// Why a request was not done, as its sender is told: one JSON shape, with the way out in the message. Equal by code.
struct Problem: Error, Sendable {
    enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad_request"
        case badParameter = "bad_parameter"
        case badBody = "bad_body"
        case bodyTooLarge = "body_too_large"
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case wrongPhase = "wrong_phase"
        case conflict
        /// It no longer stands at the revision that was named.
        case stale
        case overLimit = "over_limit"
        case tooMany = "too_many"
        case unavailable
        case internalError = "internal_error"
        /// The one that tells nothing: no body.
        case unauthenticated

        var status: HTTPResponse.Status {
            switch self {
            case .badRequest, .badParameter, .badBody: .badRequest
            case .bodyTooLarge: .contentTooLarge
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .wrongPhase, .conflict, .overLimit: .conflict
            case .stale: .preconditionFailed
            case .tooMany: .tooManyRequests
            case .unavailable: .serviceUnavailable
            case .internalError: .internalServerError
            case .unauthenticated: .unauthorized
            }
        }
    }

    var code: Code
    var message: String
    var headers: HTTPFields
    /// What is left of the request is not worth reading: the connection ends with the answer.
    var endsConnection: Bool

    init(_ code: Code, _ message: String, headers: HTTPFields = [:], endsConnection: Bool = false) {
        self.code = code
        self.message = message
        self.headers = headers
        self.endsConnection = endsConnection
    }

    var response: Response {
        var headers = self.headers
        if endsConnection { headers[.connection] = "close" }
        guard code != .unauthenticated else { return Response(status: code.status, headers: headers) }
        let body: Value = ["error": ["code": .string(code.rawValue), "message": .string(message)]]
        return Response.json(body, status: code.status, headers: headers)
    }
}

extension Problem: Equatable {
    static func == (left: Problem, right: Problem) -> Bool { left.code == right.code }
}

extension Problem {
    /// No token, or none that lets anybody in: the answer is the same for all of them.
    static let noToken = Problem(.unauthenticated, "", headers: [.wwwAuthenticate: "Bearer"])

    /// A delivery that its source did not sign, or a source that there is not.
    static let notSigned = Problem(.unauthenticated, "", headers: [.wwwAuthenticate: "Signature"])

    static func lacking(_ permissions: [Permission], _ caller: Access.Caller) -> Problem {
        let names = permissions.map(\.rawValue).joined(separator: " or ")
        return Problem(
            .forbidden,
            "the role \(caller.role.rawValue) lacks the permission \(names); ask an administrator for a token that has it"
        )
    }

    static func notFound(_ what: String, _ id: String) -> Problem {
        Problem(.notFound, "there is no \(what) \(id.forMessage)")
    }

    static func tooMany(retryAfterSeconds seconds: Int) -> Problem {
        Problem(
            .tooMany, "the source sends more than is taken of it; send it again in \(seconds) s",
            headers: [.retryAfter: String(seconds)])
    }

    /// The store took nothing of it, and a person can say why and what to do.
    static func notStored(_ error: StoreError) -> Problem {
        let way =
            switch error.code {
            case .full: "the disk of the state folder is full: make room there, then send it again"
            case .readOnly:
                "the store can't be written: see to the state folder's rights and its disk, then send it again"
            default: "the store has too much to do: send it again in a moment"
            }
        return Problem(
            .unavailable, "nothing was stored: \(way)",
            headers: [.retryAfter: error.code == .busy ? "1" : "30"])
    }

    static func unavailable(retryAfterSeconds seconds: Int) -> Problem {
        Problem(
            .unavailable, "not now; send it again in \(seconds) s", headers: [.retryAfter: String(seconds)])
    }
}

extension Response {
    static func json(_ value: Value, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.jsonBytes)))
    }
}

extension String {
    /// What a sender wrote, fit to stand in a message: short, one line, in quotes.
    var forMessage: String {
        let shown = String(prefix(80))
        return "'" + (shown.isOneVisibleLine ? shown : "…") + (shown.count < count ? "…'" : "'")
    }
}
