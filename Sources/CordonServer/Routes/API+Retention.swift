// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import Hummingbird

extension API {
    @Sendable func retention(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        do throws(RetentionRefusal) { return .json(try await engine.retentionDesk.book().value) } catch {
            throw problem(error)
        }
    }

    @Sendable func holdForLaw(_ inquiry: Inquiry) async throws -> Response {
        try await write(inquiry) { (desk, scope, by, reason) throws(RetentionRefusal) in
            try await desk.hold(scope, by: by, reason: reason)
        }
    }

    @Sendable func releaseLegalHold(_ inquiry: Inquiry) async throws -> Response {
        try await write(inquiry) { (desk, scope, by, reason) throws(RetentionRefusal) in
            try await desk.release(scope, by: by, reason: reason)
        }
    }

    private func write(
        _ inquiry: Inquiry,
        _ act: (RetentionDesk, RetentionBook.Scope, String, String) async throws(RetentionRefusal) -> Void
    ) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (scope, reason) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["scope", "reason"])
            let text = try requiredText("scope", fields, bytesMax: 512)
            guard let scope = RetentionBook.Scope(text: text) else {
                throw Problem(.badBody, "'scope' is 'subject KIND:ID' or 'run ID'")
            }
            return (scope, try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax))
        }
        do throws(RetentionRefusal) {
            try await act(engine.retentionDesk, scope, caller.by, reason)
            return .json(try await engine.retentionDesk.book().value)
        } catch { throw problem(error) }
    }

    @Sendable func eraseSubject(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (subject, reason) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["subject", "reason"])
            return (
                try requiredText("subject", fields, bytesMax: 512),
                try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax)
            )
        }
        do throws(RetentionRefusal) {
            return .json(try await engine.retentionDesk.erase(subject: subject, by: caller.by, reason: reason).body)
        } catch { throw problem(error) }
    }

    private func problem(_ refusal: RetentionRefusal) -> Problem {
        switch refusal.code {
        case .notFound: Problem(.notFound, refusal.reason)
        case .conflict, .held: Problem(.conflict, refusal.reason)
        case .live: Problem(.wrongPhase, refusal.reason)
        case .store, .disk: Problem(.unavailable, refusal.reason)
        }
    }
}
