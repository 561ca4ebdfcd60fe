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
    /// - 401 without a body for whatever is wrong with its authentication, also for a source that there is not;
    /// - 413 over the source's bound, 408 when the body doesn't come in time;
    /// - 503 with `Retry-After` when it could not be stored: nothing was, send it again;
    /// - 400 only for a delivery that is validly signed and names no delivery id: without one a repeat could not be told,
    ///   and sending it again would not help. A validly signed body of unknown shape is stored and answered with 202.
    @Sendable func takeAlert(_ inquiry: Inquiry) async throws -> Response {
        let source = inquiry.parameters.get("source") ?? engine.onlySource ?? ""
        // A source that there is not is read and refused like one whose signature is wrong.
        let bytesMax = engine.bodyBytesMax(source: source) ?? Limits.bodyBytesMax
        let headers = deliveryHeaders(inquiry.request.headers)
        do {
            return try await bodies.read(inquiry.request, upTo: bytesMax) { body in
                try answer(await engine.receive(source: source, InboundDelivery(headers: headers, body: body)))
            }
        } catch let problem as Problem {
            if problem.code == .bodyTooLarge { engine.countRejected(.bodyTooLarge) }
            throw problem
        }
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
        case .rejected(let rejection):
            switch rejection {
            case .signatureMissing, .signatureWrong, .timestampStale, .sourceUnknown: throw .notSigned
            case .bodyTooLarge:
                throw Problem(.bodyTooLarge, "the body is over the source's bound", endsConnection: true)
            case .deliveryMissing:
                throw Problem(
                    .deliveryMissing,
                    "the delivery is signed but names no delivery id of 1 to \(Limits.deliveryIDBytesMax) bytes; have the source send one"
                )
            }
        }
    }
}
