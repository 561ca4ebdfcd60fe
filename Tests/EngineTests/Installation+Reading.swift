// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Testing

@testable import CordonEngine

/// Looking at what an engine left in the store.
extension Installation {
    var runs: [RunRecord] { get async throws { try await base.runs(RunQuery()) } }

    /// The one run there is.
    var run: Run {
        get async throws {
            let runs = try await runs
            try #require(runs.count == 1, "one run was expected, there are \(runs.count)")
            return try runs[0].run()
        }
    }

    func events(_ run: RunID) async throws -> [Event] {
        try await base.history(run.text, from: 1, limit: 1000).map { try $0.entry.event() }
    }

    /// The kinds of the one run's events, in order.
    var kinds: [String] { get async throws { try await events(run.id).map(\.kind) } }

    /// Waits for the store to show something; the clock stands still meanwhile.
    func wait(_ condition: () async throws -> Bool) async throws {
        while try await !condition() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Waits until an engine has gone through its first sweep: its time and its sweeps are then all that waits.
    func waitUntilStarted() async throws { try await wait { clock.sleepers == 3 } }

    func waitUntilEnded(_ count: Int = 1) async throws {
        try await wait { try await runs.filter { $0.phase == "ended" }.count == count }
    }

    /// Waits until the one run rests on a timer, or on a person, and no task has it in hand any more.
    func waitUntilResting(_ engine: Engine, wake: String) async throws {
        try await wait {
            guard let stored = try await runs.first else { return false }
            return stored.wake == wake && !engine.isInHand(stored.id)
        }
    }

    /// What holds after every test: no live run without a wake, every run is the fold of its history, the log has no
    /// gaps, and every evidence that the history names is there.
    func check() async throws {
        #expect(try await base.vitals().runsWithoutWake == 0)
        let expired = try await base.history("retention", from: 1, limit: 1000)
            .filter { $0.entry.kind == "evidenceExpired" }
            .flatMap { try JSON.parse($0.entry.bytes).at("body", "blobs")?.arrayValue ?? [] }
        for stored in try await runs {
            let history = try await base.history(stored.id.text, from: 1, limit: 1000)
            #expect(history.map(\.entry.number) == Array(1...stored.number))
            let folded = Run.fold(try history.map { (at: $0.entry.at, event: try $0.entry.event()) })
            let run = try stored.run()
            #expect(folded == run)
            for item in run.steps.flatMap(\.evidence) where !expired.contains(.string(item.digest)) {
                let stored = try blobs.get(Digest(parsing: item.digest))
                #expect((SaltedBlob(bytes: stored)?.content ?? stored).count == item.bytes)
            }
        }
    }
}
