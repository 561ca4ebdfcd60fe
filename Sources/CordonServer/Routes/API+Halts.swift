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
        if isSet { try await requireKnown(scope) }
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

extension API {
    /// A misspelt name would look like a halt and stop nothing.
    private func requireKnown(_ scope: Halts.Scope) async throws {
        switch scope {
        case .everything: return
        case .playbook(let name):
            var query = RunQuery()
            query.playbook = name
            query.onlyLive = true
            query.limit = 1
            if engine.library.playbooks.contains(where: { $0.name == name }) { return }
            if try await !store.runs(query).isEmpty { return }
            throw Problem.notFound("playbook", name)
        case .provider(let name):
            guard engine.providerNames.contains(name) else { throw Problem.notFound("provider", name) }
        }
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
