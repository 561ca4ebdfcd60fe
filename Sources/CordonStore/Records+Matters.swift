// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// That a live run is about a matter of a source: it is told when that is closed. Forgotten when the run ends.
package struct Concern: Sendable, Hashable {
    package var matter: EventKey
    package var run: RunID
    package var signal: SignalID
    /// As of when the signal tells of the matter.
    package var asOf: Instant?

    package init(matter: EventKey, run: RunID, signal: SignalID, asOf: Instant?) {
        self.matter = matter
        self.run = run
        self.signal = signal
        self.asOf = asOf
    }
}

/// What is known of a matter of a source.
package struct KnownMatter: Sendable, Hashable {
    /// That the source closed it.
    package var closing: Closing?
    /// The live runs about it, in the order of their ids, as many as are told of one.
    package var concerns: [Concern]

    package init(closing: Closing? = nil, concerns: [Concern] = []) {
        self.closing = closing
        self.concerns = concerns
    }
}

extension Closing {
    package var matter: EventKey { EventKey(source: source, name: key) }
}
