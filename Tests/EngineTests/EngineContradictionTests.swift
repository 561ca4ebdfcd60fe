// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import StoreKit
import Testing

@testable import CordonEngine

/// Two playbooks that both mean to change one subject, on one signal, with a store that fails at each write: whatever
/// crash comes, only one of them has the subject in hand, and both come to their end.
@Suite(.timeLimit(.minutes(20)))
struct EngineContradictionTests {
    @Test(arguments: Array(1...12), FaultyStore.Fault.allCases)
    func `two playbooks on one subject never change it at the same time, also through a crash at any write`(
        _ write: Int, _ fault: FaultyStore.Fault
    ) async throws {
        let installation = try Installation(playbooks: 2)
        let first = installation.engine(
            ScriptedTransport(installation), over: FaultyStore(installation.base, write: write, fault))
        // Where it fails is the test's own argument; late enough it does not.
        _ = try? await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            await installation.post(first)
            try await installation.waitUntilEnded(2)
        }
        let second = installation.engine(ScriptedTransport(installation))
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            await installation.post(second)
            try await installation.waitUntilEnded(2)
        }
        let runs = try await installation.runs.map { try $0.run() }
        #expect(runs.count == 2 && Set(runs.compactMap(\.subject?.key)).count == 1)
        #expect(Set(runs.map(\.playbook.name)) == ["secret-leaked", "secret-leaked-2"])
        #expect(runs.allSatisfy { $0.phase == .ended(.completed) })
        #expect(!installation.server.isActive)
        var inHand: String?
        for entry in try await installation.base.log(from: 0, limit: 1000).map(\.entry) {
            switch entry.kind {
            case "callIntended":
                #expect(inHand == nil || inHand == entry.stream, "\(entry.stream) while \(inHand ?? "") has it")
                inHand = entry.stream
            case "runEnded": if inHand == entry.stream { inHand = nil }
            default: continue
            }
        }
    }
}
