// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonStore

extension Engine {
    /// Which providers are to be left alone, and how long still. It is not stored: the last outcomes in the history tell
    /// it, so that a restart is no way to storm a provider that asked for quiet or keeps failing.
    func recallProviders() async throws(StoreError) {
        let end = try await store.vitals().entries
        let entries = try await store.log(
            from: max(0, end - Limits.entriesRecalledMax), limit: Limits.entriesRecalledMax)
        let now = clock.now
        var providerOfCall: [String: String] = [:]
        for entry in entries.map(\.entry) where entry.kind == "callIntended" || entry.kind == "callReturned" {
            // What can't be read is told of when its run is.
            guard let event = try? entry.event() else { continue }
            switch event {
            case .callIntended(let step, let call):
                providerOfCall["\(entry.stream)/\(step)#\(call.number)"] = call.provider
            case .callReturned(let step, let number, let outcome):
                guard let provider = providerOfCall["\(entry.stream)/\(step)#\(number)"] else { continue }
                // A clock that was ahead is no reason to wait for it.
                lanes.recall(provider, Lane.Report(outcome), at: min(entry.at, now))
            default: break
            }
        }
    }
}
