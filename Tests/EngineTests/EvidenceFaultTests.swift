// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import Testing

@testable import CordonEngine

/// A disk that does not confirm what it was given: nobody knows what is on it, so nothing goes on from there.
@Suite(.timeLimit(.minutes(20))) struct EvidenceFaultTests {
    @Test
    func `a sync of evidence that fails ends the engine before its outcome is stored, and the next start finishes`()
        async throws
    {
        let installation = try Installation()
        let broken = ScriptedTransport(installation)
        let first = installation.engine(broken)
        installation.letEvidence(fail: .sync)
        let error = await #expect(throws: EngineError.self) {
            try await installation.whileRunning(first) {
                try await installation.waitUntilStarted()
                await installation.post(first)
                try await installation.wait { false }
            }
        }
        #expect(error?.reason.contains("the evidence can't be trusted any more") == true)
        #expect(broken.paths == ["introspect"], "nothing was asked after it")
        #expect(
            try await installation.kinds.last == "callIntended", "the outcome names no evidence that may not be there")
        #expect(installation.server.isActive)
        try await installation.check()

        installation.letEvidence(fail: nil)
        let transport = ScriptedTransport(installation)
        let second = installation.engine(transport)
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            try await installation.waitUntilEnded()
        }
        #expect(!installation.server.isActive)
        #expect(try await installation.run.step("proof")?.evidence.count == 1)
        #expect(try await installation.kinds.filter { $0 == "callRedelivered" }.count == 1)
    }
}
