// SPDX-License-Identifier: Apache-2.0

import CordonStore

/// Why the server could not start, or a token not be granted or revoked. Equal by code.
package struct ServerError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case addressInUse
        /// The system doesn't let this user listen there.
        case addressForbidden
        /// This machine has no such address.
        case addressUnknown
        case notListening
        /// A certificate, its key, or the authorities of clients can't be used.
        case certificateWrong
        case badName
        case badExpiry
        case noSuchToken
        case tooManyTokens
        case store
    }

    package var code: Code
    /// One sentence, with the way out.
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}

extension ServerError: Equatable {
    package static func == (left: ServerError, right: ServerError) -> Bool { left.code == right.code }
}

extension ServerError {
    init(_ error: StoreError) {
        switch error.code {
        case .notFound: self.init(.noSuchToken, error.reason)
        case .conflict, .full, .readOnly, .locked, .tooNew, .corrupt, .unavailable, .busy, .closed:
            self.init(.store, error.reason)
        }
    }

    static let contended = ServerError(
        .store, "the node's history is being written by others; try again")
}
