// SPDX-License-Identifier: Apache-2.0

/// Every bound of the HTTP server, by name.
package enum ServerLimits {
    // Connections
    package static let connectionsMax = 1024
    /// How long a connection may stand without a whole request head having come.
    package static let idleMilliseconds: Int64 = 30_000
    /// How long a request's body may take from the end of its head, however steadily it drips.
    package static let bodyMilliseconds: Int64 = 10_000
    /// How long a connection that is to be closed stays, so that its peer can read the answer.
    package static let lingerMilliseconds: Int64 = 500
    /// Connections of the commands on this machine, where the rest of the world has a port of its own.
    package static let commandConnectionsMax = 64
    package static let certificateFileBytesMax = 1024 * 1024
    package static let headBytesMax = 32 * 1024
    package static let headerFieldsMax = 100

    // Requests
    /// Bytes of bodies that are being read at one time, over all connections.
    package static let bodiesBytesMax = 256 * 1024 * 1024
    /// A body of the API's own routes; a source's bound is its own.
    package static let requestBytesMax = 16 * 1024
    /// Bytes of requests to a witness that are being read at one time.
    package static let witnessBodiesBytesMax = 16 * 1024 * 1024
    package static let queryBytesMax = 2048
    package static let queryFieldsMax = 16
    package static let reasonBytesMax = 1000

    // Answers
    package static let pageRowsDefault = 100
    package static let pageRowsMax = 500
    /// Entries that one view is made of; what is beyond is read by its own route.
    package static let viewEntriesMax = 5000

    // Access
    package static let tokensMax = 1000
    package static let tokenNameBytesMax = 100
    package static let tokensRefreshMilliseconds: Int64 = 3000
    package static let nodeEntryTriesMax = 16
}
