// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonEngine
package import CordonLanguage
import CordonStore
import Hummingbird

extension API {
    @Sendable func halts(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return .json(HaltView.make(engine.standingHalts))
    }

    @Sendable func halt(_ inquiry: Inquiry) async throws -> Response { try await setHalt(inquiry, isSet: true) }

    @Sendable func unhalt(_ inquiry: Inquiry) async throws -> Response { try await setHalt(inquiry, isSet: false) }

    private func setHalt(_ inquiry: Inquiry, isSet: Bool) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (scope, reason) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["scope", "reason"])
            let text = try requiredText("scope", fields, bytesMax: 256)
            guard let scope = Halts.Scope(text: text) else {
                throw Problem(.badBody, "'scope' is 'everything', 'playbook NAME' or 'provider NAME'")
            }
            return (scope, try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax))
        }
        do throws(StoreError) {
            guard try await engine.setHalt(scope, isSet: isSet, by: caller.by, reason: reason) else {
                throw StoreError(.notFound, "")
            }
        } catch {
            if error.code == .notFound {
                throw Problem(.conflict, isSet ? "\(scope.text) is halted already" : "\(scope.text) is not halted")
            }
            throw Problem.unavailable(retryAfterSeconds: 5)
        }
        return .json(HaltView.make(engine.standingHalts))
    }
}

package enum HaltView {
    package static func make(_ halts: [Halt]) -> Value {
        [
            "halts": .array(
                halts.map {
                    [
                        "scope": .string($0.scope.text), "by": .string($0.by), "reason": .string($0.reason),
                        "since": Value($0.since),
                    ]
                })
        ]
    }
}
