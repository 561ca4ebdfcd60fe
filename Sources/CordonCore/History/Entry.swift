// SPDX-License-Identifier: Apache-2.0

/// One line of the history: something that happened to one alert or run, under a number without gaps in its stream.
///
/// The bytes are what is stored, hashed into the log and exported: they are made once, here, and never again.
package struct Entry: Sendable, Hashable {
    /// The id of the alert or run whose history this line continues, or `node` for the installation's own.
    package var stream: String
    /// Counts from 1 within the stream, without gaps.
    package var number: Int
    package var at: Instant
    /// The event's stored name, `callIntended` and so on.
    package var kind: String
    /// Canonical JSON (RFC 8785) of the whole line.
    package var bytes: [UInt8]
    /// RFC 6962 leaf hash of `bytes`, 32 bytes.
    package var leaf: [UInt8]

    package init(stream: String, number: Int, at: Instant, kind: String, bytes: [UInt8], leaf: [UInt8]) {
        self.stream = stream
        self.number = number
        self.at = at
        self.kind = kind
        self.bytes = bytes
        self.leaf = leaf
    }
}
