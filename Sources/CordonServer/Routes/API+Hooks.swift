// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import HTTPTypes
import Hummingbird

extension API {
    /// Takes a delivery of a source. What its sender learns:
    ///
    /// - 202 with the alert's id once it is stored, also for a repeat;
    /// - 401 without a body for whatever is wrong with its authentication, also for a source that there is not; the sender
    ///   of security event tokens gets 400 and which check failed, as RFC 8935 asks;
    /// - 429 with `Retry-After` when a sender that sends again sends more than is taken of it;
    /// - 413 over the source's bound, 408 when the body doesn't come in time;
    /// - 503 with `Retry-After` when it could not be stored: nothing was, send it again.
    ///
    /// A validly signed body is never refused: one of unknown shape is stored and answered with 202, and one without a
    /// delivery id is told apart by its bytes.
    @Sendable func takeAlert(_ inquiry: Inquiry) async throws -> Response {
        let source = inquiry.parameters.get("source") ?? engine.onlySource ?? ""
        // A source that there is not is read and refused like one whose signature is wrong.
        let bytesMax = engine.bodyBytesMax(source: source) ?? Limits.bodyBytesMax
        let headers = deliveryHeaders(inquiry.request.headers)
        if let answer = handshake(inquiry, source, headers) { return answer }
        let isEvents = engine.answersAsSecurityEvents(source: source)
        let client = engine.needsClientCertificate(source: source) ? await client(of: inquiry) : nil
        do {
            return try await bodies.read(inquiry.request, upTo: bytesMax) { body in
                let receipt = await engine.receive(
                    source: source, InboundDelivery(headers: headers, body: body, client: client))
                return try isEvents ? eventAnswer(receipt) : answer(receipt)
            }
        } catch let problem as Problem {
            if problem.code == .bodyTooLarge { engine.countRejected(.bodyTooLarge, source: source) }
            throw problem
        }
    }

    private func client(of inquiry: Inquiry) async -> ClientCertificate? {
        await tls?.client(of: inquiry.channel, at: engine.clock.now)
    }

    /// Answers what a source's sender asks before it sends. Whatever else comes without a body is refused as a delivery
    /// that nobody signed is.
    @Sendable func shakeHands(_ inquiry: Inquiry) async throws -> Response {
        let source = inquiry.parameters.get("source") ?? ""
        guard let answer = handshake(inquiry, source, deliveryHeaders(inquiry.request.headers)) else {
            throw Problem.notSigned
        }
        return answer
    }

    private func handshake(_ inquiry: Inquiry, _ source: String, _ headers: [String: String]) -> Response? {
        let question = HandshakeQuestion(
            method: inquiry.request.method.rawValue, query: formQuery(inquiry.request.uri.query), headers: headers)
        guard let answer = engine.answer(question, source: source) else { return nil }
        var fields = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// A query as forms write it, where a plus sign is a blank; what is no such query holds nothing.
    private func formQuery(_ text: String?) -> [String: String] {
        guard let text, text.utf8.count <= ServerLimits.queryBytesMax else { return [:] }
        var fields: [String: String] = [:]
        for part in text.split(separator: "&").prefix(ServerLimits.queryFieldsMax) {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let name = percentDecoded(pair[0], plusIsBlank: true),
                let value = percentDecoded(pair[1], plusIsBlank: true)
            else { continue }
            fields[name] = value
        }
        return fields
    }

    /// RFC 8935 §2.2 and §2.3.
    private func eventAnswer(_ receipt: Receipt) throws(Problem) -> Response {
        guard case .rejected(let rejection) = receipt, let description = rejection.eventDescription else {
            let taken = try answer(receipt)
            return Response(status: taken.status)
        }
        return .json(["err": .string(rejection.rawValue), "description": .string(description)], status: .badRequest)
    }

    /// Repeated fields are joined as RFC 9110 5.2 says. A signature that stands twice then has no valid form, whatever
    /// its copies say.
    private func deliveryHeaders(_ fields: HTTPFields) -> [String: String] {
        var headers: [String: String] = [:]
        for field in fields {
            let name = field.name.canonicalName
            headers[name] = headers[name].map { $0 + ", " + field.value } ?? field.value
        }
        return headers
    }

    private func answer(_ receipt: Receipt) throws(Problem) -> Response {
        switch receipt {
        case .stored(let id): return .json(["alert": .string(id.text)], status: .accepted)
        case .duplicate(let id): return .json(["alert": .string(id.text), "duplicate": true], status: .accepted)
        case .unavailable(_, let seconds): throw .unavailable(retryAfterSeconds: seconds)
        case .tooMany(let seconds): throw .tooMany(retryAfterSeconds: seconds)
        case .rejected(let rejection):
            switch rejection {
            case .signatureMissing, .signatureWrong, .timestampStale, .sourceUnknown, .eventInvalid,
                .eventKeyUnknown, .eventIssuerWrong, .eventAudienceWrong, .eventNotAuthentic, .eventStateWrong:
                throw .notSigned
            case .bodyTooLarge:
                throw Problem(.bodyTooLarge, "the body is over the source's bound", endsConnection: true)
            }
        }
    }
}
