// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird

extension API {
    /// Records that somebody takes evidence out; whoever exports does so only after this is stored.
    @Sendable func recordCustody(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (what, reason) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["what", "reason"])
            return (
                try requiredText("what", fields, bytesMax: 256),
                try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax)
            )
        }
        do throws(StoreError) {
            let entry = try await custody.append(
                "exported", ["what": .string(what), "by": .string(caller.by), "reason": .string(reason)])
            return .json(
                ["stream": .string(entry.stream), "n": .int(Int64(entry.number))], status: .created)
        } catch { throw Problem.unavailable(retryAfterSeconds: 5) }
    }
}
