// SPDX-License-Identifier: Apache-2.0

import CordonStore
import Foundation
import StoreKit
import TestKit
import Testing

/// The built program, killed at random moments over many rounds, beside a provider that counts.
///
/// `CORDON_CRASH_ROUNDS` is the number of rounds; `CORDON_CRASH_SEED` replays one.
@Suite(.serialized)
struct CrashLoopTests {
    private static let roundsPerLeg = 100

    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `killed at random moments it keeps its promises about every call and every alert`() async throws {
        let rounds = Int(Self.setting("CORDON_CRASH_ROUNDS") ?? 15)
        let first = Self.setting("CORDON_CRASH_SEED") ?? UInt64.random(in: 0..<1_000_000)
        var left = rounds
        var seed = first
        while left > 0 {
            let count = min(left, Self.roundsPerLeg)
            print(
                "crash loop: \(count) rounds of seed \(seed) (CORDON_CRASH_SEED=\(seed) CORDON_CRASH_ROUNDS=\(count))")
            try await runLeg(seed, rounds: count)
            left -= count
            seed += 1
        }
    }

    private func runLeg(_ seed: UInt64, rounds: Int) async throws {
        let leg = try CrashLeg(seed: seed, rounds: rounds)
        let account = try await leg.run(rounds: rounds)
        let faults = account.faults
        #expect(faults.isEmpty, "seed \(seed): \(faults.count) faults\n\(faults.prefix(20).joined(separator: "\n"))")
        let unknown = account.intents.count { $0.isChange && $0.isUnknown }
        print(
            "\(leg.kills) kills, \(account.posted.count) alerts, \(account.stored.runs.count) runs, "
                + "\(account.intents.count) intents, \(account.lines.count) requests, \(unknown) unknown outcomes, "
                + "\(leg.resolutions) resolved by a person, \(leg.images) images: \(faults.count) faults")
        // Otherwise the rounds would prove nothing.
        #expect(leg.kills >= rounds)
        #expect(!account.intents.isEmpty)
    }
}
